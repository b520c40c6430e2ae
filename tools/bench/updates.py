"""P10: raw ITCH through the core with one Python strategy on every update, the log on.

The packets are handed to the edge as its sockets would; each holds 20 messages, adds and deletes
near the touch of 100 symbols, and every one of them ends the native phase and wakes the strategy,
which reads bid, ask and a signal and compares. What is timed is the turns, from the first packet to
the last handler's end. The books' ends and the strategy's own count are checked.
"""

from __future__ import annotations

import contextlib
import io
import random
import struct
import tempfile
from pathlib import Path
from time import monotonic, perf_counter_ns
from typing import Final

from daemon.app.configuration import parse
from daemon.app.connections import connect_sessions
from daemon.app.epoch import append_epoch
from daemon.app.reports import timed
from daemon.app.wiring import Wiring
from daemon.core import FeedEvent, ItchBooks, Live, LogWriter, SharedStatus, Turns
from daemon.runtime.events import NO_ID
from tools.bench.rows import Row, row_of_runs, runs

RUNS: Final = 5
SYMBOLS: Final = 100
PACKETS: Final = 2_500
PER_PACKET: Final = 20
PACKETS_QUEUED: Final = 32
SEGMENT_BYTES: Final = 1 << 26
SEED: Final = 3
ARMED_WITHIN_S: Final = 30
TURNS: Final = 8  # at once, as the daemon takes them
HEAD: Final = """
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
name = "itch"
kind = "itch_moldudp64"
venue = "v"
lines = [{{ port = 1 }}]
[[session]]
name = "paper"
kind = "simulated"
venue = "v"
[[strategy]]
name = "watcher"
class = "tools.bench.strategies:Watcher"
instruments = [{symbols}]
parameters = {{ imbalance = 0.5 }}
[risk]
currency = "USD"
"""
INSTRUMENT: Final = """
[[instrument]]
symbol = "{symbol}"
venue = "v"
feed = "itch"
session = "paper"
price_increment = 0.01
settlement_currency = "USD"
"""


def _names() -> list[str]:
    return [f"S{number:03d}" for number in range(SYMBOLS)]


def packets() -> list[bytes]:
    """MoldUDP64: adds and deletes in turn around some live orders, mostly near the touch."""
    stream = random.Random(SEED)  # noqa: S311 - a made market, not a secret
    live: list[tuple[int, int]] = []
    out, block, ref = [], [], 0
    for number in range(PACKETS * PER_PACKET):
        if len(live) < SYMBOLS * 20 or number % 2:
            ref += 1 + stream.randrange(3)
            locate = 1 + stream.randrange(SYMBOLS)
            block.append(_add(stream, ref, locate))
            live.append((ref, locate))
        else:
            at = -1 - stream.randrange(min(len(live), 600))
            live[at], live[-1] = live[-1], live[at]
            gone, locate = live.pop()
            block.append(struct.pack(">cHHHIQ", b"D", locate, 0, 0, number, gone))
        if len(block) == PER_PACKET:
            header = struct.pack(">10sQH", b"BENCH     ", number + 2 - PER_PACKET, PER_PACKET)
            out.append(header + b"".join(struct.pack(">H", len(each)) + each for each in block))
            block.clear()
    return out


def _add(stream: random.Random, ref: int, locate: int) -> bytes:
    buy = stream.random() < 0.5
    away = stream.randrange(20 if stream.random() < 0.9 else 300)
    price = 100 * (5_000 - away if buy else 5_001 + away)
    name = f"S{locate - 1:03d}".ljust(8).encode()
    side = b"B" if buy else b"S"
    return struct.pack(">cHHHIQcI8sI", b"A", locate, 0, 0, ref, ref, side, 100, name, price)


class Day:
    """A live core on a log, its strategy started."""

    def __init__(self, folder: Path) -> None:
        text = HEAD.format(folder=folder, symbols=", ".join(f'"{each}"' for each in _names()))
        text += "".join(INSTRUMENT.format(symbol=each) for each in _names())
        self.configuration = parse(text, "bench")
        self._log, _ = LogWriter.recover(str(folder), SEGMENT_BYTES)
        self._status = SharedStatus(str(folder / "status.page"))
        self.live = Live(self._log, self._status)
        self.wiring = Wiring(self.live.core, self.configuration)
        self.turns = Turns(self.live, self.wiring.phase)
        (mailbox,) = self.wiring.strategy_mailboxes
        self.times = timed(mailbox, self.configuration.core.handler_budget_ns)
        append_epoch(self.live, self.wiring, None)
        connect_sessions(self.live, self.configuration)
        self.live.push_feed_status(0, int(FeedEvent.CONNECTED))
        give_up = monotonic() + ARMED_WITHIN_S
        while not self.live.core.risk_state(NO_ID)[1]:
            if monotonic() > give_up:
                raise RuntimeError(f"the firm was not armed within {ARMED_WITHIN_S} s")
            self._until_idle()
            self.wiring.effects.take()

    def updates_per_second(self, day: list[bytes]) -> float:
        """All packets, a few at a time, as a burst leaves them in the sockets."""
        began = perf_counter_ns()
        for at in range(0, len(day), PACKETS_QUEUED):
            now = self.live.clock_now()
            for packet in day[at : at + PACKETS_QUEUED]:
                self.live.push_datagram(0, now, packet)
            self._until_idle()
        return len(day) * PER_PACKET / (perf_counter_ns() - began) * 1e9

    def _until_idle(self) -> None:
        while True:
            self.turns.take(TURNS)
            if not self.live.busy:
                return

    def close(self, day: list[bytes]) -> None:
        """RuntimeError unless the strategy saw every update and the books end as they must."""
        self._log.close()
        books = ItchBooks(map_all=True)
        for packet in day:
            books.apply_datagram(packet)
        seen = self.times.histogram.count
        if seen < len(day) * PER_PACKET:
            raise RuntimeError(f"the strategy saw {seen} of {len(day) * PER_PACKET} updates")


def rows() -> list[Row]:
    """Thousands of updates a second."""
    day = packets()
    values = []
    for _ in range(runs(RUNS)):
        with tempfile.TemporaryDirectory(prefix="pitwire-bench-") as folder:
            with contextlib.redirect_stdout(io.StringIO()):
                core = Day(Path(folder))
            values.append(core.updates_per_second(day) / 1e3)
            core.close(day)
    row = Row(
        id="P10",
        name="ITCH through the core, log on, a Python strategy at every update",
        unit="k updates/s",
        goal=800,
        more_is_better=True,
    )
    return [row_of_runs(row, values)]
