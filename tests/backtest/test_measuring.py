"""Ratios, exposure and drawdown of fills and curves that were made up by hand."""

from __future__ import annotations

import pytest

from daemon.core import Side
from tools.backtest.measuring import Fill, Tally, drawdown, exposure_of


def tally(*fills: tuple[int, Side, int, int, int]) -> Tally:
    """Of time, side, quantity, position after, realised so far."""
    return Tally(
        fills=[
            Fill(ts, 0, 0, side, 100, qty, 0, position, realised, True, at)
            for at, (ts, side, qty, position, realised) in enumerate(fills)
        ]
    )


def test_only_fills_that_close_something_are_hits_or_misses() -> None:
    found = tally(
        (10, Side.BUY, 5, 5, 0),  # opens
        (20, Side.BUY, 1, 6, 0),  # adds
        (30, Side.SELL, 2, 4, 7),  # closes two, with a profit
        (40, Side.SELL, 4, 0, 3),  # closes the rest, with a loss
        (50, Side.SELL, 3, -3, 3),  # opens the other way
        (60, Side.BUY, 5, 2, 3),  # closes three for nothing and opens two
    )
    assert found.closing() == (3, 1)


def test_a_position_is_held_from_the_fill_that_opens_to_the_one_that_ends_it() -> None:
    found = tally(
        (10, Side.BUY, 5, 5, 0),
        (20, Side.SELL, 7, -2, 0),  # through zero: still held
        (30, Side.BUY, 2, 0, 0),
        (50, Side.BUY, 1, 1, 0),
    )
    assert found.held(end=90) == [(10, 30), (50, 90)]
    assert tally().held(end=90) == []


def test_exposure_counts_a_moment_once() -> None:
    found = exposure_of([(50, 90), (10, 30), (20, 40), (60, 70)], begin=0, end=100)
    assert found.share == 0.7
    assert found.seconds == pytest.approx(70e-9)
    assert exposure_of([], begin=0, end=0).share == 0.0


def test_drawdown_begins_at_zero_and_is_below_the_highest_so_far() -> None:
    assert drawdown([-1, 4, 1, 5, 5, -2]) == [1, 0, 3, 0, 0, 7]
