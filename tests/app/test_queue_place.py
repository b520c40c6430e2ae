"""The place of own orders as a strategy reads it: by estimate on a feed of quantities."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.model import QueueState
from daemon.runtime.views import NativeOrderView
from tests.app.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The buyer bids 0.003 BTC at 100.1 as soon as there is a book; 0.2 stand there."""
    desk = Desk(tmp_path).logged_on()
    desk.market(ask="100.5")
    desk.update("BTCUSDT", 103, [["100.1", "0.2"]])
    desk.until(lambda: bool(desk.venue.orders))
    return desk


def order(desk: Desk) -> NativeOrderView:
    (each,) = desk.wiring.hosts[0]._context.working()
    return each


def test_an_order_has_a_place_from_its_acknowledgement_on(desk: Desk) -> None:
    assert order(desk).queue is QueueState.UNTRACKED
    assert order(desk).queue_ahead is None
    desk.report("0", "0")
    assert order(desk).queue is QueueState.ESTIMATED
    assert order(desk).queue_ahead == 200
    assert order(desk).orders_ahead is None


def test_only_what_is_shown_less_than_is_ahead_brings_it_forward(desk: Desk) -> None:
    desk.report("0", "0")
    desk.update("BTCUSDT", 105, [["100.1", "0.3"]])
    assert order(desk).queue_ahead == 200
    desk.update("BTCUSDT", 107, [["100.1", "0.25"]])  # from behind
    assert order(desk).queue_ahead == 200
    desk.update("BTCUSDT", 109, [["100.1", "0.05"]])
    assert order(desk).queue_ahead == 50


def test_an_order_that_ended_has_none(desk: Desk) -> None:
    desk.report("0", "0")
    ended = order(desk)
    desk.report("4", "4", t151="0")
    assert ended.queue is QueueState.UNTRACKED
    assert ended.queue_ahead is None
