"""While we trade: orders that wait too long are asked for, positions compared every so often."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.actors import reconciler as reconciler_module
from daemon.actors.in_flight import ASKS_MAX
from daemon.model import OrderState
from tests.app.desk import Desk
from tests.days.books import replayed

BTC = 0
QUICK = "session.broker.status_after_ms=20"


def sent(folder: Path, *overrides: str) -> Desk:
    """The buyer's order is at the venue, which has said nothing yet."""
    desk = Desk(folder, *overrides).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    return desk


def state_of(desk: Desk) -> OrderState:
    native = desk.live.core.order(desk.venue.orders[0])
    assert native is not None
    return OrderState(native.state)


def differs(desk: Desk) -> bool:
    return bool(desk.ask("reconciliation")[0].state == "differs")


def is_replayed(desk: Desk) -> None:
    desk._log.close()
    _, outcome = replayed(desk.log_folder)
    assert outcome.identical, outcome.divergence


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue has a fiftieth of a second to answer."""
    monkeypatch.setattr(reconciler_module, "ANSWER_TIMEOUT_NS", 20_000_000)


def test_an_order_that_waits_too_long_is_asked_for_once_and_the_answer_settles_it(
    tmp_path: Path,
) -> None:
    desk = sent(tmp_path, QUICK)
    desk.until(lambda: bool(desk.venue.status_requests))
    waited = desk.live.clock_now()
    desk.until(lambda: desk.live.clock_now() > waited + 60_000_000)
    assert desk.venue.status_requests == [desk.venue.orders[0]], "one outstanding at a time"
    desk.report("I", "0")
    assert state_of(desk) is OrderState.WORKING
    assert desk.ask("status").armed
    is_replayed(desk)


def test_a_question_that_the_venue_refuses_says_nothing_of_its_order(tmp_path: Path) -> None:
    """A venue without OrderStatusRequest answers with a BusinessMessageReject."""
    desk = sent(tmp_path, QUICK)
    desk.until(lambda: bool(desk.venue.status_requests))
    (order,) = desk.venue.orders
    refusal = {35: "j", 45: 1, 372: "H", 379: f"{order:016X}", 380: 3, 58: "no such message"}
    desk.venue.say(desk.live.clock_now(), refusal)
    desk.report("I", "0")
    assert state_of(desk) is OrderState.WORKING
    assert desk.ask("status").armed
    is_replayed(desk)


def test_nothing_is_asked_where_the_setting_is_off(tmp_path: Path) -> None:
    desk = sent(tmp_path, "session.broker.status_after_ms=0")
    waited = desk.live.clock_now()
    desk.until(lambda: desk.live.clock_now() > waited + 60_000_000)
    assert desk.venue.status_requests == []


@pytest.mark.usefixtures("impatient")
def test_no_answer_is_a_difference_that_stops_trading(tmp_path: Path) -> None:
    desk = sent(tmp_path, QUICK)
    desk.until(lambda: differs(desk))
    (row,) = desk.ask("reconciliation")[0].differences
    assert (row.what, row.ours, row.venue) == ("state", "PENDING_NEW", "no answer")
    assert not desk.ask("status").armed
    is_replayed(desk)


def test_a_missing_fill_is_a_difference_at_once(tmp_path: Path) -> None:
    desk = sent(tmp_path, QUICK)
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.report("I", "1", t14="0.001", t151="0.002")
    desk.until(lambda: differs(desk))
    (row,) = desk.ask("reconciliation")[0].differences
    assert row.what == "quantity"
    assert "cum 0" in row.ours
    assert row.venue.startswith("cum 1 leaves 2")
    assert row.raw_sequence > 0
    assert not desk.ask("status").armed


def test_answers_that_settle_nothing_end_in_a_difference(tmp_path: Path) -> None:
    """The venue says again and again that the order is pending."""
    desk = sent(tmp_path, QUICK)
    for asked in range(1, ASKS_MAX + 1):
        desk.until(lambda asked=asked: len(desk.venue.status_requests) == asked)  # type: ignore[misc]  # bound
        desk.report("I", "A")
    desk.until(lambda: differs(desk))
    (row,) = desk.ask("reconciliation")[0].differences
    assert (row.ours, row.venue) == ("PENDING_NEW", "answers, and settles nothing")
    desk.command("reconcile", accept=desk.ask("reconciliation")[0].report, reason="they are slow")
    assert desk.ask("status").armed
    waited = desk.live.clock_now()
    desk.until(lambda: desk.live.clock_now() > waited + 60_000_000)
    assert desk.ask("status").armed, "an operator knows of it"
    is_replayed(desk)


def test_positions_are_compared_every_so_often_and_twice_before_they_differ(
    tmp_path: Path,
) -> None:
    desk = sent(tmp_path, "session.broker.positions_every_seconds=1")
    desk.report("0", "0")
    asked = len(desk.venue.asked)
    desk.until(lambda: len(desk.venue.asked) == asked + 1)
    assert desk.ask("status").armed
    desk.venue.held = [(BTC, 7, 0, 1001)]
    desk.until(lambda: differs(desk))
    assert len(desk.venue.asked) == asked + 3
    (row,) = desk.ask("reconciliation")[0].differences
    assert (row.what, row.ours, row.venue) == ("quantity", "0.000 to 0.003", "0.007")
    assert not desk.ask("status").armed
    is_replayed(desk)


def test_a_checkpoint_in_the_middle_of_a_question_goes_on_with_it(tmp_path: Path) -> None:
    desk = sent(tmp_path, QUICK)
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.wiring.restore(desk.wiring.save())
    desk.report("I", "1", t14="0.001", t151="0.002")
    desk.until(lambda: differs(desk))


def test_orders_are_cancelled_first_of_all_after_a_lost_connection(tmp_path: Path) -> None:
    desk = sent(tmp_path, "session.broker.on_disconnect=cancel")
    desk.report("0", "0")
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: not desk.ask("status").armed)
    desk.until(lambda: bool(desk.venue.status_requests))
    ((cancel, orig),) = desk.venue.cancels
    assert orig == desk.venue.orders[0]
    desk.report("4", "4", t11=f"{cancel:016X}", t41=f"{orig:016X}", t151="0")
    desk.report("I", "4", t151="0")
    desk.logged_on()
    assert state_of(desk) is OrderState.CANCELED
    is_replayed(desk)


def test_orders_are_kept_over_a_lost_connection_where_nothing_else_is_said(tmp_path: Path) -> None:
    desk = sent(tmp_path)
    desk.report("0", "0")
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: not desk.ask("status").armed)
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.report("I", "0")
    desk.logged_on()
    assert desk.venue.cancels == []
    assert state_of(desk) is OrderState.WORKING
