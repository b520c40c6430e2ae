"""What "unknown order" means in a venue's answer: its rule, while trading and when recovering."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.app.configuration import parse
from daemon.app.wiring import Wiring
from daemon.core import Live, LogReader, LogWriter
from daemon.model import OrderState
from tests.app.desk import CONFIGURATION, NO_ID, Desk

RULES = {"never_arrived": OrderState.REJECTED, "stays_unknown": OrderState.UNKNOWN}


def _asked_after_a_lost_connection(folder: Path, rule: str) -> Desk:
    """The venue took the order's bytes, said nothing, and knows of no such order afterwards."""
    desk = Desk(folder, f"venue.v.unknown_order={rule}").logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.venue.listener.close(0, "the line is down")
    desk.until(lambda: desk.ask("status").orders_unknown == 1)
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.report("I", "8", t103=5, t151="0")
    desk.until(lambda: desk.ask("sessions")[0].event != "reconciliation: asking")
    return desk


def _state(desk: Desk) -> OrderState:
    order = desk.live.core.order(desk.venue.orders[0])
    assert order is not None
    return OrderState(order.state)


def test_an_order_that_never_arrived_is_closed_and_trading_goes_on(tmp_path: Path) -> None:
    desk = _asked_after_a_lost_connection(tmp_path, "never_arrived")
    assert _state(desk) is OrderState.REJECTED
    assert desk.live.core.position(0, 0).highest_qty == 0
    assert desk.ask("status").armed


def test_an_order_of_uncertain_fate_stays_reserved_until_an_operator_accepts(
    tmp_path: Path,
) -> None:
    desk = _asked_after_a_lost_connection(tmp_path, "stays_unknown")
    assert _state(desk) is OrderState.UNKNOWN
    assert desk.live.core.position(0, 0).highest_qty == 3
    assert not desk.ask("status").armed
    assert desk.ask("sessions")[0].event == "reconciliation: differs, report 2"
    (report,) = desk.ask("reconciliation")
    assert [each.ours for each in report.differences] == ["UNKNOWN cum 0"]
    desk.command("reconcile", accept=report.report, reason="asked the venue by telephone")
    desk.logged_on()
    assert _state(desk) is OrderState.CANCELED
    assert desk.live.core.position(0, 0).highest_qty == 0
    assert desk.ask("status").armed


@pytest.mark.parametrize("rule", RULES)
def test_recovery_takes_what_the_answer_meant_then(tmp_path: Path, rule: str) -> None:
    """The same facts under either rule of today: the log says what became of the order."""
    (tmp_path / "then").mkdir()
    desk = _asked_after_a_lost_connection(tmp_path / "then", rule)
    desk._log.close()
    for today in RULES:
        folder = tmp_path / today
        folder.mkdir()
        text = CONFIGURATION.format(folder=folder, port=1)
        live = Live(LogWriter.create(str(folder), 1 << 20), None)
        Wiring(live.core, parse(text, overrides=[f"venue.v.unknown_order={today}"]))
        assert live.apply_facts(LogReader(str(desk.log_folder), committed=True)) > 0
        order = live.core.order(desk.venue.orders[0])
        assert order is not None
        assert OrderState(order.state) is RULES[rule]
        reserved = 3 if rule == "stays_unknown" else 0
        assert live.core.position(NO_ID, 0).highest_qty == reserved
