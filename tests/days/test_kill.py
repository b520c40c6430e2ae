"""The daemon killed with SIGKILL while it trades: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from daemon.log import Frame
from tests.days import books
from tests.days.day import Day, frames, pitwire

SEED = 20260105
AGAIN_NS_MAX = 5_000_000_000
ENDED = {"DENIED", "NOT_SENT", "FILLED", "CANCELED", "REJECTED", "EXPIRED", "DONE_FOR_DAY"}


@pytest.mark.parametrize("seed", [SEED])
def test_three_kills_while_trading_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    _a_day_with_kills(tmp_path, seed, 3)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(SEED + 1, SEED + 5))
def test_twenty_kills_while_trading_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    _a_day_with_kills(tmp_path, seed, 5)


def _a_day_with_kills(folder: Path, seed: int, kills: int) -> None:
    print(f"seed {seed}")
    moments = random.Random(seed)
    with Day(folder) as day:
        day.until_ready()
        for epoch in range(1, kills + 1):
            day.until_trading()
            # The moment is a place in the log, so that it is in the thick of things.
            place = day.last_sequence() + moments.randrange(20, 5000)
            day.until_sequence(place)
            day.kill()
            day.until_ready(epoch + 1)
        day.until_trading()
        assert day.status()["orders_unknown"] == 0
        assert day.stop() == 0, day.errors
    _check(day, kills)


def _check(day: Day, kills: int) -> None:
    books.assert_books_equal(day.log, day.trades)
    begun = frames(day.log, "EPOCH")
    assert len(begun) == kills + 1
    for number, epoch in enumerate(begun[1:], 2):
        _trades_within_five_seconds(day.log, epoch, number)
    assert _alive_at_end(day.log) == set()
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
    assert pitwire("log", "verify", str(day.log)).returncode == 0


def _trades_within_five_seconds(log: Path, epoch: Frame, number: int) -> None:
    """From the restart's epoch to its first order, by the log's clock."""
    sent = next(
        frame
        for frame in frames(log, "ORDER_SUBMITTED", "REPLACE_REQUESTED")
        if frame.fields()["cl_ord_id"] >> 32 == number
    )
    assert sent.ts_core - epoch.ts_core < AGAIN_NS_MAX


def _alive_at_end(log: Path) -> set[int]:
    """Orders of the log that are not in a terminal state at its end."""
    run, outcome = books.replayed(log)
    assert outcome.identical
    return {order.order for order in run.wiring.core.working(None, None)}
