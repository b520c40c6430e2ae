"""P16 and P17: from a book change to the order in the log, in the process; and that log replayed.

The core is the daemon's own: configuration, wiring, a log on disk, the venue inside the daemon. The
market is pushed as Binance's messages, every second of which brings the ask to the price that
triggers. What is timed begins before the message is handed to the edge and ends, in the Python
lane, when the strategy's handler has returned and its order is in the log (ORDER_SUBMITTED, then
VENUE_TX); in the native lane, when the native phase has ended, the same two records within.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

from daemon.app.configuration import parse
from daemon.app.connections import connect_sessions
from daemon.app.epoch import append_epoch
from daemon.app.replaying import ReplayRun
from daemon.app.wiring import Wiring
from daemon.core import FeedEvent, Live, LogWriter, MessageKind, SharedStatus, Turns
from daemon.log import LogReader
from daemon.messages import BookUpdate
from daemon.runtime.events import NO_ID
from tools.bench.rows import Row, row_of_runs, row_of_samples, runs, with_jitter

RUNS: Final = 5
ORDERS: Final = 1_000
WARM_UP: Final = 50
TURNS_MAX: Final = 1_000
SEGMENT_BYTES: Final = 1 << 26
ASK: Final = 1_001  # price increments of 0.1
CONFIGURATION: Final = """
[daemon]
name = "bench"
mode = "paper"
[log]
folder = "{folder}"
segment_size_bytes = 67108864
low_disk_bytes = 0
[[venue]]
name = "v"
[[feed]]
name = "spot"
kind = "binance"
venue = "v"
market = "spot"
websocket_url = "ws://127.0.0.1"
rest_url = "http://127.0.0.1"
[[session]]
name = "paper"
kind = "simulated"
venue = "v"
order_latency_us = 0
report_latency_us = 0
[[instrument]]
symbol = "BTC"
feed_symbol = "BTCUSDT"
venue = "v"
feed = "spot"
session = "paper"
price_increment = 0.1
qty_increment = 0.001
settlement_currency = "USDT"
money_scale = 8
fees = {{ maker_rate = 0.0001, taker_rate = 0.0002 }}
[[strategy]]
name = "lane"
class = "tools.bench.strategies:{strategy}"
instruments = ["BTC"]
parameters = {{ symbol = "BTC", ask = 1001 }}
[risk]
currency = "USDT"
[risk.firm]
quantity_max = 10
notional_max = 1000000
price_collar_bps = 500
working_orders_max = 1000
messages_per_second_max = 1000000
daily_loss_max = 1000000000
"""


class Lane:
    """A live core whose strategy takes at each trigger; `order_ns` is one of them, timed."""

    def __init__(self, folder: Path, strategy: str) -> None:
        self.folder = folder / "log"
        self.folder.mkdir()
        text = CONFIGURATION.format(folder=self.folder, strategy=strategy)
        self.configuration = parse(text, "bench")
        self._log, _ = LogWriter.recover(str(self.folder), SEGMENT_BYTES)
        # Named: the core keeps no more than its address.
        self._status = SharedStatus(str(folder / "status.page"))
        self.live = Live(self._log, self._status)
        self.wiring = Wiring(self.live.core, self.configuration)
        self._turns = Turns(self.live, self.wiring.phase)
        append_epoch(self.live, self.wiring, None)
        connect_sessions(self.live, self.configuration)
        self._handled = 0
        self._last_id = 100
        self._watch()
        self._open_market()

    def _watch(self) -> None:
        (mailbox,) = self.wiring.strategy_mailboxes
        handle = mailbox.handle

        def timed(message: Any) -> None:  # noqa: ANN401 - any message
            handle(message)
            if type(message) is BookUpdate:
                self._handled = perf_counter_ns()

        mailbox.handle = timed

    def _open_market(self) -> None:
        self.live.push_feed_status(0, int(FeedEvent.CONNECTED))
        levels = {"bids": [["100.0", "5"]], "asks": [["100.2", "5"], ["100.3", "5"]]}
        snapshot = json.dumps({"lastUpdateId": self._last_id, **levels})
        now, kind = self.live.clock_now(), int(MessageKind.SNAPSHOT)
        self.live.push_market_message(0, now, kind, 0, snapshot)
        for _ in range(TURNS_MAX):
            self._until_idle()
            if self.live.core.risk_state(NO_ID)[1]:
                return
        raise RuntimeError("the firm was not armed")

    def _until_idle(self) -> None:
        """Until nothing waits, the venue's answers included."""
        while True:
            self._turns.take()
            self.wiring.effects.take()
            if not self.live.busy:
                return

    def _message(self, qty: str) -> str:
        first = self._last_id + 1
        self._last_id = first + 1
        ids = {"U": first, "u": self._last_id}
        content = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", **ids, "b": []}
        return json.dumps(content | {"a": [["100.1", qty]]})

    def _push(self, message: str) -> None:
        now, kind = self.live.clock_now(), int(MessageKind.WEBSOCKET)
        self.live.push_market_message(0, now, kind, NO_ID, message)

    def order_ns(self, *, native: bool) -> int:
        """The ask comes to the price: until the order is in the log. Then it goes away again."""
        message = self._message("5")
        began = perf_counter_ns()
        self._push(message)
        if native:
            wanted = self.live.drain()
            ended = perf_counter_ns()
            if wanted:
                self.wiring.phase.run()
        else:
            self._turns.take()
            ended = self._handled
        self._until_idle()
        self._push(self._message("0"))
        self._until_idle()
        return ended - began

    def close(self, orders: int) -> None:
        """End the log; RuntimeError unless it holds exactly so many orders, none denied."""
        self._log.close()
        for name, expected in (
            ("ORDER_SUBMITTED", orders),
            ("VENUE_TX", orders + 1),  # and the question for positions
            ("ORDER_DENIED", 0),
        ):
            found = sum(1 for _ in LogReader(self.folder, types=[name], committed=True))
            if found != expected:
                raise RuntimeError(f"{found} {name} in the log, expected {expected}")


@contextlib.contextmanager
def _traded(strategy: str, *, native: bool) -> Iterator[tuple[Lane, list[list[float]]]]:
    """A lane that has traded, its log closed, and the runs' samples in microseconds."""
    with tempfile.TemporaryDirectory(prefix="pitwire-bench-") as folder:
        # The actors' operating log is not what was asked for.
        with contextlib.redirect_stdout(io.StringIO()):
            lane = Lane(Path(folder), strategy)
            for _ in range(WARM_UP):
                lane.order_ns(native=native)
            taken = [
                [lane.order_ns(native=native) / 1e3 for _ in range(ORDERS)]
                for _ in range(runs(RUNS))
            ]
            lane.close(WARM_UP + len(taken) * ORDERS)
        yield lane, taken


def row_name(lane: str) -> str:
    """Of P16's row."""
    return f"book change → order in the log, {lane} lane, from the edge's Python call"


def order_rows() -> list[Row]:
    """Tick to order, Python lane and native lane."""
    rows = []
    lanes = (("Taker", "Python", 10.0, 40.0), ("Ruler", "native", None, None))
    for strategy, name, goal, goal_p99 in lanes:
        row = Row(
            id="P16",
            name=row_name(name),
            unit="us",
            goal=goal,
            goal_p99=goal_p99,
        )
        with _traded(strategy, native=strategy == "Ruler") as (_, taken):
            rows.append(with_jitter(row_of_samples(row, taken), 1e3))
    return rows


def replay_rows() -> list[Row]:
    """Inputs replayed a second, on a log made here: Python at each update, all compared."""
    with _traded("Taker", native=False) as (lane, _):
        values = [_replayed_per_second(lane) for _ in range(runs(RUNS))]
    row = Row(
        id="P17",
        name="replay, all compared, a Python strategy at every update",
        unit="M inputs/s",
        more_is_better=True,
    )
    return [row_of_runs(row, values)]


def _replayed_per_second(lane: Lane) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        run = ReplayRun(lane.folder, lane.configuration, None)
        began = perf_counter_ns()
        outcome = run.finish()
        took = perf_counter_ns() - began
    if not outcome.identical:
        raise RuntimeError(f"the replay is not identical: {outcome}")
    return outcome.inputs / took * 1e3
