"""P12: orders in process: strategy, risk, log, the venue inside the daemon, execution, position.

Every message of the feed turns the imbalance of one book over, and every such turn sends an order,
an IOC at the best ask. The venue matches each against that book; its reports come back through the
log to order table, position and strategy. What is timed is from the first packet to the last report
handled. At the end every order of the log has ended, and the strategy holds what its fills come to.

The native lane without a listener is `native/bench/engine/order_flow_bench.cpp`.
"""

from __future__ import annotations

import contextlib
import io
import struct
import tempfile
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import numpy as np
import numpy.typing as npt

from daemon.app.configuration import parse
from daemon.app.connections import connect_sessions
from daemon.app.epoch import append_epoch
from daemon.app.host import Collector
from daemon.app.wiring import Wiring
from daemon.core import FeedEvent, Live, LogWriter, SharedStatus, Turns
from daemon.log import LogReader, spec_of
from daemon.model import TERMINAL_STATES
from daemon.runtime.events import NO_ID
from tools.bench import native
from tools.bench.native import Native
from tools.bench.rows import Row, row_of_runs, runs

RUNS: Final = 5
PACKETS: Final = 1_000
PER_PACKET: Final = 20
PACKETS_QUEUED: Final = 32
WARM_UP: Final = 32  # packets
TURNS: Final = 8  # at once, as the daemon takes them
TURNS_MAX: Final = 1_000
FRAMES: Final = 65_536
SEGMENT_BYTES: Final = 1 << 26
SHARES: Final = 1_000_000_000  # more than all orders together take
MORE_SHARES: Final = 2_000_000_000
BID, ASK = 999_900, 1_000_100  # ten-thousandths
CONFIGURATION: Final = """
[daemon]
name = "flow"
mode = "paper"
[log]
folder = "{folder}"
segment_size_bytes = 67108864
low_disk_bytes = 0
[core]
orders_max = 65536
[[venue]]
name = "v"
[[feed]]
name = "itch"
kind = "itch_moldudp64"
venue = "v"
lines = [{{ port = 1 }}]
[[session]]
name = "paper"
kind = "simulated"
venue = "v"
order_latency_us = 0
report_latency_us = 0
[[instrument]]
symbol = "TRIG"
venue = "v"
feed = "itch"
session = "paper"
price_increment = 0.01
settlement_currency = "USD"
[[strategy]]
name = "lane"
class = "tools.bench.strategies:{strategy}"
instruments = ["TRIG"]
parameters = {{ symbol = "TRIG", imbalance = 0.25 }}
[risk]
currency = "USD"
[risk.firm]
quantity_max = 10
notional_max = 1000000
price_collar_bps = 500
working_orders_max = 10000
daily_loss_max = 1000000000
"""


def _packet(sequence: int, messages: list[bytes]) -> bytes:
    head = struct.pack(">10sQH", b"FLOW      ", sequence, len(messages))
    return head + b"".join(struct.pack(">H", len(each)) + each for each in messages)


def _add(ref: int, side: bytes, shares: int) -> bytes:
    price = BID if side == b"B" else ASK
    return struct.pack(">cHHHIQcI8sI", b"A", 1, 0, 0, 0, ref, side, shares, b"TRIG    ", price)


TRADING: Final = struct.pack(">cHHHI8scc4s", b"H", 1, 0, 0, 0, b"TRIG    ", b"T", b" ", b"    ")
OPENING: Final = [TRADING, _add(1, b"S", SHARES), _add(2, b"B", SHARES)]
TURNED: Final = [_add(3, b"B", MORE_SHARES), struct.pack(">cHHHIQ", b"D", 1, 0, 0, 0, 3)]


class Flow:
    """A live core with its log and its venue, whose strategy is ready to trade."""

    def __init__(self, folder: Path, strategy: str) -> None:
        self.folder = folder / "log"
        self.folder.mkdir()
        configuration = parse(CONFIGURATION.format(folder=self.folder, strategy=strategy), "flow")
        self._log, _ = LogWriter.recover(str(self.folder), SEGMENT_BYTES)
        self._status = SharedStatus(str(folder / "status.page"))
        self.live = Live(self._log, self._status)
        self.wiring = Wiring(self.live.core, configuration)
        self._turns = Turns(self.live, self.wiring.phase)
        append_epoch(self.live, self.wiring, None)
        connect_sessions(self.live, configuration)
        self.live.push_feed_status(0, int(FeedEvent.CONNECTED))
        self._sequence = 1
        self._wait_armed()
        self._push(OPENING)
        self._until_idle()
        self.collector = Collector(configuration.core.collector, self.live.append_collector_run)

    def _wait_armed(self) -> None:
        for _ in range(TURNS_MAX):
            self._until_idle()
            if self.live.core.risk_state(NO_ID)[1]:
                return
        raise RuntimeError("the firm was not armed")

    def _push(self, messages: list[bytes]) -> None:
        self.live.push_datagram(0, self.live.clock_now(), _packet(self._sequence, messages))
        self._sequence += len(messages)

    def _until_idle(self) -> None:
        """Until nothing waits, the venue's answers included."""
        while True:
            self._turns.take(TURNS)
            self.wiring.effects.take()
            if not self.live.busy and self.live.until_due_ns() > 0:
                return

    def orders_per_second(self, packets: int) -> float:
        """So many packets, a few at a time, as a burst leaves them in the sockets."""
        messages = TURNED * (PER_PACKET // 2)
        began = perf_counter_ns()
        for at in range(0, packets, PACKETS_QUEUED):
            for _ in range(min(PACKETS_QUEUED, packets - at)):
                self._push(messages)
            self._until_idle()
            self.collector.between_turns()
        return packets * PER_PACKET / (perf_counter_ns() - began) * 1e9

    def close(self) -> None:
        """End the log; RuntimeError unless each message made an order, all have ended, and the
        strategy holds what its fills come to."""
        self.collector.close()
        wanted = self._sequence - 1 - len(OPENING)
        held = self.live.core.position(0, 0).net_qty
        working = self.live.core.orders_working
        self._log.close()
        denied = _column(self.folder, "ORDER_DENIED", "reason")
        submitted = _column(self.folder, "ORDER_SUBMITTED", "cl_ord_id")
        to_state = _column(self.folder, "ORDER_STATE", "to_state")
        ended = int(np.isin(to_state, [int(each) for each in TERMINAL_STATES]).sum())
        filled = int(_column(self.folder, "FILL", "last_qty").sum())
        found = (len(submitted), ended, working, held)
        if found != (wanted, wanted, 0, filled) or filled == 0:
            raise RuntimeError(
                f"of {wanted} orders {found[0]} were submitted, {ended} ended, {working} work;"
                f" {filled} filled, {held} held; denied: {sorted(set(denied.tolist()))}"
            )


def _column(log: Path, record: str, field: str) -> npt.NDArray[np.int64]:
    spec = spec_of(record)
    batches = LogReader(log, types=[record]).batches(FRAMES)
    parts = [batch.records(spec)[field].astype(np.int64) for batch in batches]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _measured(row: Row, strategy: str) -> Row:
    quiet = contextlib.redirect_stdout(io.StringIO())  # of the actors' operating log
    with tempfile.TemporaryDirectory(prefix="pitwire-bench-") as folder, quiet:
        flow = Flow(Path(folder), strategy)
        flow.orders_per_second(WARM_UP)
        values = [flow.orders_per_second(PACKETS) / 1e3 for _ in range(runs(RUNS))]
        flow.close()
    return row_of_runs(row, values)


def row_name(lane: str) -> str:
    """Of P12's row."""
    return f"orders in process to their position, log on, {lane}"


def _row(lane: str, goal: float | None = None) -> Row:
    return Row(id="P12", name=row_name(lane), unit="k orders/s", goal=goal, more_is_better=True)


ALONE: Final = Native(
    _row("native lane", 500), "engine", "P12_order_flow/real_time", "rate", divide=1e-3
)


def rows() -> list[Row]:
    """Thousands of orders a second: Python lane; native lane, without and with a listener."""
    return [
        _measured(_row("Python lane", 60), "Crosser"),
        *native.rows_of([ALONE]),
        _measured(_row("native lane, its strategy hears each in Python"), "CrossingRule"),
    ]
