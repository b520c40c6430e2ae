"""The daemon's process killed where a record of a kind appears in its log, beside a real exchange.

The test follows the log and stops the process (SIGSTOP) when it reads the record; by then the
process has gone on for some tens of microseconds to a millisecond, so that the point is met within
a few records. Then it is killed. Where the exchange is to hear of it late, it stands still from
that moment until the daemon is no more: what was written waits in its socket.

Exact points, thousands of them, are in `tests/crash`, where time is ours.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from daemon.log import LogReader
from tests.crash.points import kind_of
from tests.days import books
from tests.days.day import CHURNING, Day, frames, pitwire

SEED = 20260105
KILLS = 5  # a day
SECONDS_MAX = 60.0
KINDS = (
    "TURN", "ORDER_SUBMITTED", "FIX_TX D", "TX_WRITTEN", "FIX_RX 80", "EXECUTION NEW", "TURN_END",
    "FIX_RX 8F1", "EXECUTION TRADE part", "FILL", "FIX_RX 8F2", "EXECUTION TRADE", "ORDER_STATE",
    "CANCEL_REQUESTED", "FIX_TX F", "FIX_RX 84", "EXECUTION CANCELED",
    "REPLACE_REQUESTED", "FIX_TX G", "FIX_RX 85", "EXECUTION REPLACED",
)  # fmt: skip
CELLS = [(kind, late) for kind in KINDS for late in (True, False)]


def test_kills_at_some_points_lose_and_double_nothing(tmp_path: Path) -> None:
    _a_day(tmp_path, SEED, random.Random(SEED).sample(CELLS, 2))


@pytest.mark.deep
@pytest.mark.parametrize("day", range(20))
def test_a_hundred_kills_at_all_points_lose_and_double_nothing(tmp_path: Path, day: int) -> None:
    cells = random.Random(SEED).sample(CELLS, len(CELLS)) * 3
    _a_day(tmp_path, SEED + day, cells[day * KILLS : (day + 1) * KILLS])


def _a_day(folder: Path, seed: int, cells: list[tuple[str, bool]]) -> None:
    print(f"seed {seed}: {cells}")
    with Day(folder, CHURNING) as day:
        day.until_ready()
        for epoch, (kind, late) in enumerate(cells, 2):
            day.until_trading()
            _kill_at(day, kind, late)
            day.until_ready(epoch)
        day.until_trading()
        assert day.status()["orders_unknown"] == 0
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    _nothing_was_sent_before_it_was_equal(day.log, len(cells) + 1)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
    assert pitwire("log", "verify", str(day.log)).returncode == 0


def _kill_at(day: Day, kind: str, late: bool) -> None:
    pid = int(day.status()["pid"])
    reader = LogReader(day.log, committed=True, from_sequence=day.last_sequence() + 1)
    deadline = time.monotonic() + SECONDS_MAX
    while not any(kind_of(frame) == kind for frame in reader):
        assert time.monotonic() < deadline, f"no {kind} came"
    os.kill(pid, signal.SIGSTOP)
    with day.exchange_silent() if late else contextlib.nullcontext():
        day.kill(pid)


def _nothing_was_sent_before_it_was_equal(log: Path, epochs: int) -> None:
    """In each epoch the first request stands behind the firm's arming."""
    seen, armed = 0, False
    for frame in frames(log, "EPOCH", "RISK_STATE", "ORDER_SUBMITTED", "REPLACE_REQUESTED"):
        kind = kind_of(frame)
        if kind == "EPOCH":
            seen, armed = seen + 1, False
        elif kind.startswith("RISK_STATE"):
            armed = armed or kind == "RISK_STATE armed"
        else:
            assert armed, f"{kind} at {frame.sequence}, epoch {seen}"
    assert seen == epochs
