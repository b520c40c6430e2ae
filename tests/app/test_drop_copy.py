"""A second line that tells our trades again: what both tell is one trade, what one tells is a
difference, and nothing is booked twice. Both lines are FIX sessions of our own code on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.app.configuration import ConfigurationError, parse
from daemon.core import CopyMatch
from daemon.messages.replies import Difference
from tests.app.desk import CONFIGURATION, DROP_COPY, NO_ID, Desk
from tests.days.books import replayed
from tests.days.day import frames

BTC = 0
FIRST = {"t17": "X-1", "t31": "100.1", "t32": "0.001", "t14": "0.001", "t151": "0.002"}
SECOND = {"t17": "X-2", "t31": "100.0", "t32": "0.001", "t14": "0.002", "t151": "0.001"}


def working(folder: Path) -> Desk:
    """Both lines are up, the buyer's order works."""
    desk = Desk(folder, copied=True).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    return desk


def state(desk: Desk) -> str:
    """Of the drop copy."""
    (found,) = [each.state for each in desk.ask("reconciliation") if each.session == "copies"]
    return str(found)


def differences(desk: Desk) -> list[Difference]:
    return [found for each in desk.ask("reconciliation") for found in each.differences]


def report_number(desk: Desk) -> int:
    (number,) = [e.report for e in desk.ask("reconciliation") if e.session == "copies"]
    return int(number)


def held(desk: Desk) -> int:
    return desk.live.core.position(0, BTC).net_qty


def matches(desk: Desk) -> list[CopyMatch]:
    return [CopyMatch(each.fields()["match"]) for each in frames(desk.log_folder, "DROP_COPY")]


def is_replayed(desk: Desk) -> None:
    desk._log.close()
    _, outcome = replayed(desk.log_folder)
    assert outcome.identical, outcome.divergence


def test_what_both_lines_tell_is_one_trade_in_either_order(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FIRST)
    desk.report_copy("F", "1", **FIRST)
    desk.report_copy("F", "1", **SECOND)
    desk.report("F", "1", **SECOND)
    desk.report_copy("0", "0")  # not a trade
    desk.report_copy("F", "1", **FIRST)  # told again
    assert matches(desk) == [CopyMatch.EQUAL, CopyMatch.AWAITED, CopyMatch.REPEATED]
    assert desk.live.core.copies(1) == []
    assert held(desk) == 2
    assert desk.ask("status").armed
    is_replayed(desk)


def test_a_trade_that_only_the_copy_tells_is_booked_when_accepted_and_once(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report_copy("F", "1", **FIRST)
    assert desk.ask("status").armed, "the own line may be a little behind"
    desk.until(lambda: state(desk) == "differs")
    (row,) = differences(desk)
    order = f"{desk.venue.orders[0]:016X}"
    assert (row.session, row.kind, row.what, row.subject) == ("copies", "trade", "missing", "X-1")
    assert (row.ours, row.venue) == ("", f"BUY BTC 0.001 at 1001 of {order}")
    assert not desk.ask("status").armed
    assert held(desk) == 0

    desk.copy.held = desk.venue.held = [(BTC, 1, 0, 1001)]
    desk.command("reconcile", accept=report_number(desk), reason="their line lost it")
    assert held(desk) == 1, "the order's and its strategy's"
    desk.logged_on()
    desk.report("F", "1", **FIRST)  # the own line tells it after all
    assert held(desk) == 1
    native = desk.live.core.order(desk.venue.orders[0])
    assert native is not None
    assert native.cum_qty == 1
    assert frames(desk.log_folder, "POSITION_ADJUSTED") == []
    is_replayed(desk)


def test_a_trade_that_only_our_line_tells_is_extra_until_the_copy_comes(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FIRST)
    desk.until(lambda: state(desk) == "differs")
    assert [(each.what, each.subject) for each in differences(desk)] == [("extra", "X-1")]
    assert not desk.ask("status").armed
    desk.report_copy("F", "1", **FIRST)
    desk.until(lambda: state(desk) == "equal")
    assert desk.ask("status").armed, "the two agree again"
    is_replayed(desk)


@pytest.mark.parametrize(
    ("change", "what"), [({"t31": "100.2"}, "price"), ({"t32": "0.002"}, "quantity")]
)
def test_a_trade_told_differently_is_said_with_both_sides(
    tmp_path: Path, change: dict[str, Any], what: str
) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FIRST)
    desk.report_copy("F", "1", **FIRST | change)
    desk.until(lambda: state(desk) == "differs")
    (row,) = differences(desk)
    assert row.what == what
    assert row.ours != row.venue
    assert row.ours.startswith("BUY BTC 0.001 at 1001")
    desk.command("reconcile", accept=report_number(desk), reason="ours is right")
    assert desk.ask("status").armed
    assert held(desk) == 1, "what our own line told stays"
    is_replayed(desk)


def test_a_copy_of_an_order_that_is_not_ours_is_adopted_when_accepted(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report_copy("F", "2", **FIRST, t11="OTHER", t37="V-8")
    desk.until(lambda: state(desk) == "differs")
    desk.command("reconcile", accept=report_number(desk))
    assert (held(desk), desk.live.core.position(NO_ID, BTC).net_qty) == (0, 1)
    assert [each.what for each in differences(desk)] == ["missing"], "the order, now"


def test_nothing_is_late_while_one_of_the_lines_is_down(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.copy.held = [(BTC, 1, 0, 1001)]
    desk.copy.listener.close(0, "cable")
    desk.until(lambda: state(desk) == "down")
    assert not desk.ask("status").armed
    desk.report("F", "1", **FIRST)
    desk.until(lambda: state(desk) == "awaiting copies")
    desk.report_copy("F", "1", **FIRST)
    desk.until(lambda: state(desk) == "equal")
    assert differences(desk) == []
    assert held(desk) == 1


def test_the_lines_positions_are_those_of_the_session_that_it_copies(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FIRST)
    desk.report_copy("F", "1", **FIRST)
    desk.copy.held = [(BTC, 1, 0, 1001)]
    desk.command("reconcile", session="copies")
    desk.until(lambda: state(desk) == "equal")
    desk.copy.held = [(BTC, 9, 0, 1001)]
    desk.command("reconcile", session="copies")
    desk.until(lambda: state(desk) == "differs")
    assert [(each.kind, each.venue) for each in differences(desk)] == [("position", "0.009")]


def test_what_one_line_told_is_awaited_still_after_a_restart_from_facts(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FIRST)
    desk.report_copy("F", "1", **FIRST)
    desk.report_copy("F", "1", **SECOND)
    live, _ = desk.taken_as_facts(tmp_path / "next")
    (entry,) = live.core.copies(1)
    assert (entry[0], entry[6], entry[7]) == ("X-2", False, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("session.copies.copies=copies", "is no FIX order session"),
        ("session.copies.copies=nobody", "there is no session nobody"),
        ("instrument.BTC.session=copies", "it takes no orders"),
    ],
)
def test_a_drop_copy_that_cannot_be_is_refused(tmp_path: Path, change: str, said: str) -> None:
    text = CONFIGURATION.format(folder=tmp_path, port=1) + DROP_COPY.format(port=2)
    with pytest.raises(ConfigurationError, match=said):
        parse(text, overrides=[change])
