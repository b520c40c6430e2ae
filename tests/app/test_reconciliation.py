"""The venue's positions beside ours: equal, different, unclear, refused, and not answered.

The venue is a FIX session of our own code on loopback; it says what the test gives it to hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.actors import reconciler as reconciler_module
from daemon.messages.replies import Reconciliation
from daemon.runtime.effects import Ready
from tests.app.desk import NO_ID, Desk
from tests.days.books import replayed
from tests.days.day import frames

BTC, ETH = 0, 1
OURS = [(BTC, 3, 0, 1001)]  # what `bought` comes to, in lots of 0.001


def bought(desk: Desk) -> Desk:
    """The buyer's 0.003 BTC, filled."""
    desk.logged_on().market().until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    desk.report("F", "2", t31="100.1", t32="0.003", t14="0.003", t151="0")
    desk.until(lambda: bool(desk.ask("status").fills))
    return desk


def compared(desk: Desk) -> Reconciliation:
    """The next report, asked for by an operator."""
    (before,) = desk.ask("reconciliation")
    desk.command("reconcile")
    desk.until(lambda: bool(desk.ask("reconciliation")[0].report != before.report))
    found: Reconciliation = desk.ask("reconciliation")[0]
    return found


def differences(report: Reconciliation) -> list[tuple[str, str, str, str]]:
    return [(d.kind, d.subject, d.ours, d.venue) for d in report.differences]


def reports_of(desk: Desk) -> list[dict[str, Any]]:
    """RECONCILIATION records: the fields and the written report."""
    return [
        frame.fields() | msgspec.json.decode(bytes(frame.tail).rstrip(b"\0"))
        for frame in frames(desk.log_folder, "RECONCILIATION")
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue has a fiftieth of a second to answer."""
    monkeypatch.setattr(reconciler_module, "ANSWER_TIMEOUT_NS", 20_000_000)


def test_equal_positions_keep_the_firm_armed(tmp_path: Path) -> None:
    desk = bought(Desk(tmp_path))
    desk.venue.held = OURS
    report = compared(desk)
    assert (report.state, report.positions) == ("equal", "compared, 1 reported")
    assert report.differences == []
    assert desk.ask("status").armed


def test_an_order_that_becomes_unknown_behind_its_answer_is_a_difference(tmp_path: Path) -> None:
    """The venue rejects what it has filled a part of, while positions are asked for."""
    desk = Desk(tmp_path).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    part = {"t14": "0.001", "t151": "0.002"}
    desk.report("0", "0")
    desk.report("F", "1", t31="100.1", t32="0.001", **part)
    desk.venue.held, asked = None, len(desk.venue.asked)
    desk.command("reconcile")
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.report("I", "1", **part)
    desk.until(lambda: len(desk.venue.asked) > asked)
    desk.report("8", "8", t103="0", t14="0.001", t151="0")
    desk.venue.hold(desk.live.clock_now(), [(BTC, 1, 0, 1001)])
    desk.until(lambda: bool(desk.ask("reconciliation")[0].state == "differs"))
    (row,) = desk.ask("reconciliation")[0].differences
    assert (row.what, row.ours, row.venue) == ("state", "UNKNOWN", "a report it cannot have")
    assert not desk.ask("status").armed


def test_a_difference_stops_trading_until_it_is_accepted_and_is_then_the_firms(
    tmp_path: Path,
) -> None:
    desk = bought(Desk(tmp_path))
    desk.venue.held = [(BTC, 5, 0, 1001)]
    report = compared(desk)
    assert (report.state, differences(report)) == (
        "differs",
        [("position", "BTC", "0.003", "0.005")],
    )
    assert not desk.ask("status").armed
    assert "differs, report 2" in desk.ask("status").note
    refused = desk.command("reconcile", accept=report.report + 1)
    assert (refused.status, refused.error) == (1, "report 3 is not the newest that differs")

    accepted = desk.command("reconcile", accept=report.report, reason="told by the broker")
    assert accepted.result.state == "accepted"
    assert desk.ask("status").armed
    held = {row.strategy: row.qty for row in desk.ask("positions") if row.symbol == "BTC"}
    assert held == {"": "0.005", "buyer": "0.003"}
    assert compared(desk).state == "equal"
    assert len(desk.venue.orders) == 1, "nothing is made equal by trading"

    desk._log.close()
    _, found, taken, _ = reports_of(desk)
    assert (found["differences"][0]["change"], found["accepted"]) == (2, 0)
    assert (taken["accepted"], taken["reason"]) == (1, "told by the broker")
    change = {"instrument": "BTC", "change": "0.002", "holds": "0.005", "px": 1000}
    assert taken["adjusted"] == [change]
    (adjusted,) = frames(desk.log_folder, "POSITION_ADJUSTED")
    assert (adjusted.fields()["change"], adjusted.fields()["report"]) == (2, report.report)
    run, outcome = replayed(desk.log_folder)
    assert outcome.identical, outcome.divergence
    assert run.wiring.core.position(NO_ID, BTC).net_qty == 5


def test_what_the_venue_does_not_mention_it_does_not_hold(tmp_path: Path) -> None:
    desk = bought(Desk(tmp_path))
    desk.venue.held = [(ETH, 0, 2, 500)]
    assert differences(compared(desk)) == [
        ("position", "ETH", "0", "-2"),
        ("position", "BTC", "0.003", "0.000"),
    ]


def test_a_working_order_makes_ours_an_interval(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    core = desk.live.core
    (order,) = core.working(None, None)
    answer = {"t17": "S", "t103": 0}
    for lots, state in ((0, "equal"), (3, "equal"), (4, "differs")):
        desk.venue.held = [(BTC, lots, 0, 1001)] if lots else []
        desk.command("reconcile")
        desk.venue.report(core.now, order.order, "I", "0", **answer)
        desk.until(lambda: desk.ask("reconciliation")[0].state in ("equal", "differs"))
        (report,) = desk.ask("reconciliation")
        assert report.state == state, report
    assert differences(report) == [("position", "BTC", "0.000 to 0.003", "0.004")]


@pytest.mark.usefixtures("impatient")
def test_no_answer_is_said_and_keeps_the_daemon_from_ready(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.venue.held = None
    desk.until(lambda: desk.ask("reconciliation")[0].state == "no answer")
    (report,) = desk.ask("reconciliation")
    assert report.positions.startswith("not answered within")
    assert "no answer" in desk.ask("sessions")[0].event
    assert not desk.ask("status").armed
    assert Ready() not in desk.effects
    desk.venue.held = []
    assert compared(desk).state == "equal"
    assert desk.ask("status").armed
    assert Ready() in desk.effects


@pytest.mark.usefixtures("impatient")
def test_an_operator_may_go_on_without_an_answer(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.venue.held = None
    desk.until(lambda: desk.ask("reconciliation")[0].state == "no answer")
    desk.command("reconcile", accept=1, reason="their position server is down")
    assert desk.ask("status").armed
    assert frames(desk.log_folder, "POSITION_ADJUSTED") == []


def test_a_venue_that_does_not_know_the_question_is_told_apart_from_a_silent_one(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.venue.held = None
    desk.until(lambda: bool(desk.venue.asked))
    said = {35: "j", 45: 2, 372: "AN", 380: 3, 58: "no such message"}
    desk.venue.say(desk.live.clock_now(), said)
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    assert desk.ask("reconciliation")[0].positions == "refused: no such message"


@pytest.mark.parametrize(
    ("begin_string", "override", "said"),
    [
        ("FIX.4.4", ["session.broker.positions=none"], 'not asked, positions = "none"'),
        ("FIX.4.2", [], "not offered by FIX 4.2"),
    ],
)
def test_orders_alone_are_compared_where_positions_are_not_offered(
    tmp_path: Path, begin_string: str, override: list[str], said: str
) -> None:
    desk = Desk(tmp_path, *override, begin_string=begin_string).logged_on()
    (report,) = desk.ask("reconciliation")
    assert (report.state, report.positions) == ("equal", said)
    assert desk.ask("sessions")[0].event == f"reconciliation: equal; positions {said}"
    assert frames(desk.log_folder, "POSITIONS_REQUESTED") == []


def test_a_position_that_cannot_be_valued_cannot_be_accepted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.venue.held = [(BTC, 5, 0, 0)]
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    refused = desk.command("reconcile", accept=1)
    assert refused.status == 1
    assert refused.error.startswith("BTC: no price to value")
    desk.market()
    assert desk.command("reconcile", accept=1).status == 0
    assert desk.ask("status").armed


def test_an_instrument_reported_twice_is_unclear_and_never_adopted(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.venue.held = [(BTC, 0, 0, 1001), (BTC, 2, 0, 1001)]
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (report,) = desk.ask("reconciliation")
    assert differences(report) == [
        ("position", "BTC", "", "unclear: a second report of the instrument")
    ]
    desk.command("reconcile", accept=1)
    assert desk.live.core.position(NO_ID, BTC).net_qty == 0


@pytest.mark.usefixtures("impatient")
def test_what_a_closed_order_had_traded_is_found_before_trading_goes_on(tmp_path: Path) -> None:
    """UNKNOWN, it may have bought: the venue's 3 lots are within ours. Closed, they are not."""
    desk = Desk(tmp_path).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.venue.held = OURS
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (first,) = desk.ask("reconciliation")
    (order,) = desk.venue.orders
    assert differences(first) == [("order", f"{order:016X}", "UNKNOWN", "no answer")]
    desk.command("reconcile", accept=first.report)
    assert not desk.ask("status").armed
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (second,) = desk.ask("reconciliation")
    assert differences(second) == [("position", "BTC", "0.000", "0.003")]
    desk.command("reconcile", accept=second.report)
    assert desk.ask("status").armed
    assert desk.live.core.position(NO_ID, BTC).net_qty == 3


def test_a_checkpoint_in_the_middle_of_the_question_goes_on_with_it(tmp_path: Path) -> None:
    desk = bought(Desk(tmp_path))
    desk.venue.held = None
    desk.command("reconcile")
    desk.until(lambda: len(desk.venue.asked) == 2)
    (before,) = desk.ask("reconciliation")
    desk.wiring.restore(desk.wiring.save())
    assert desk.ask("reconciliation") == [before]
    assert before.state == "asking positions"
    desk.venue.hold(desk.live.clock_now(), OURS)
    desk.until(lambda: desk.ask("reconciliation")[0].state == "equal")
