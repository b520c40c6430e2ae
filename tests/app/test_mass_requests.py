"""What a venue takes for all orders at once: their status at every logon, a cancel of everything.

And what its Logon can be asked for: to cancel what works when the connection ends.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.actors import reconciler as reconciler_module
from daemon.app.configuration import ConfigurationError
from daemon.model import OrderState
from tests.app.desk import NO_ID, Desk
from tests.days.books import replayed

STATUS = 'session.broker.mass_requests=["status"]'
CANCEL = 'session.broker.mass_requests=["cancel"]'


def asked(folder: Path, *overrides: str) -> Desk:
    """Logged on; the venue is asked for all orders, and has not answered."""
    desk = Desk(folder, STATUS, *overrides)
    desk.until(lambda: bool(desk.venue.mass_requests))
    return desk


def tell(desk: Desk, order: int, reports: int, *, last: bool = True, **more: object) -> None:
    """One of the reports of the newest answer."""
    request = f"{desk.venue.mass_requests[-1][1]:016X}"
    before = desk.live.stats["fix_inputs"]
    mass = {"t584": request, "t911": reports, "t912": "Y" if last else "N"}
    desk.venue.report(desk.live.clock_now(), order, "I", "0", **{**mass, **more})
    desk.until(lambda: desk.live.stats["fix_inputs"] > before)


def is_replayed(desk: Desk) -> None:
    desk._log.close()
    _, outcome = replayed(desk.log_folder)
    assert outcome.identical, outcome.divergence


def test_a_venue_that_has_no_order_of_ours_is_agreed_with(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    assert not desk.ask("status").armed
    tell(desk, 0, 0, t39="8", t37="NONE")
    desk.logged_on()
    assert desk.live.stats["reports_unmatched"] == 0
    is_replayed(desk)


def test_orders_that_our_log_lost_are_found_and_an_operator_hears_of_them(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    given_out = desk.venue.mass_requests[-1][1]  # a number of ours, and no order's in the log
    tell(desk, given_out, 2, last=False)
    assert desk.ask("reconciliation")[0].state == "asking orders"
    tell(desk, 0, 2, t11="THEIRS-1", t37="V-2")
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    assert not desk.ask("status").armed
    (report,) = desk.ask("reconciliation")
    assert [(row.kind, row.what) for row in report.differences] == [("order", "missing")] * 2
    assert desk.live.core.position(NO_ID, 0).highest_qty == 6, "of the lost ones, each 3"
    desk.command("reconcile", accept=report.report, reason="lost with the power")
    assert desk.ask("status").armed
    native = desk.live.core.order(given_out)
    assert native is not None
    assert OrderState(native.state) is OrderState.WORKING
    is_replayed(desk)


def test_it_is_asked_again_at_every_logon(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    tell(desk, 0, 0, t39="8", t37="NONE")
    desk.logged_on()
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: not desk.ask("status").armed)
    desk.until(lambda: len(desk.venue.mass_requests) == 2)
    tell(desk, 0, 0, t39="8", t37="NONE")
    desk.logged_on()
    (first, second) = desk.venue.mass_requests
    assert first != second


def test_a_checkpoint_in_the_middle_of_the_answer_goes_on_with_it(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    tell(desk, 0, 2, last=False, t11="THEIRS-1", t37="V-2")
    desk.wiring.restore(desk.wiring.save())
    tell(desk, 0, 2, last=False, t11="THEIRS-2", t37="V-3")
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")


def test_a_venue_that_refuses_or_says_nothing_is_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler_module, "ANSWER_TIMEOUT_NS", 20_000_000)
    desk = asked(tmp_path)
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (row,) = desk.ask("reconciliation")[0].differences
    assert (row.kind, row.subject) == ("session", "all")
    assert row.venue.startswith("all orders not answered")
    monkeypatch.undo()
    desk.command("reconcile")
    desk.until(lambda: len(desk.venue.mass_requests) == 2)
    said = {35: "j", 372: "AF", 379: f"{desk.venue.mass_requests[-1][1]:016X}", 380: 3}
    desk.venue.say(desk.live.clock_now(), said)
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (row,) = desk.ask("reconciliation")[0].differences
    assert row.venue == "refused the question for all orders"
    desk.command("reconcile", accept=desk.ask("reconciliation")[0].report, reason="seen there")
    assert desk.ask("status").armed


def test_everything_is_cancelled_at_once_and_one_by_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CANCEL).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    assert desk.command("cancel-all").result.affected == 1
    desk.until(lambda: bool(desk.venue.cancels))
    ((kind, _),) = desk.venue.mass_requests
    assert kind == "cancel"
    desk.report("4", "4", t151="0")
    native = desk.live.core.order(desk.venue.orders[0])
    assert native is not None
    assert OrderState(native.state) is OrderState.CANCELED
    is_replayed(desk)


def test_a_cancel_of_one_strategys_orders_is_none_of_everything(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CANCEL).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    desk.command("cancel-all", strategy="buyer")
    desk.until(lambda: bool(desk.venue.cancels))
    assert desk.venue.mass_requests == []


def test_the_venue_is_asked_to_cancel_on_disconnect_where_its_dialect_says_how(
    tmp_path: Path,
) -> None:
    dialect = f"session.broker.dialect={tmp_path / 'dialect.toml'}"
    desk = Desk(tmp_path, dialect, "session.broker.on_disconnect=venue").logged_on()
    assert b"\x0135002=Y\x01" in desk.venue.logons[0]
    (tmp_path / "other").mkdir()
    desk = Desk(tmp_path / "other", dialect).logged_on()
    assert b"\x0135002=" not in desk.venue.logons[0]


@pytest.mark.parametrize(
    "override",
    ["session.broker.on_disconnect=venue", f"{STATUS}|FIX.4.2"],
    ids=["no dialect says how", "FIX 4.2"],
)
def test_what_cannot_be_asked_is_refused_by_its_key(tmp_path: Path, override: str) -> None:
    setting, _, version = override.partition("|")
    with pytest.raises(ConfigurationError) as refused:
        Desk(tmp_path, setting, begin_string=version or "FIX.4.4")
    assert setting.split("=")[0].split(".")[-1] in str(refused.value)


def after_message_nine(folder: Path, *overrides: str) -> Desk:
    """The venue has had message 9 of us: whatever it was, our log does not have it."""
    folder.mkdir(exist_ok=True)
    desk = Desk(folder, *overrides)
    desk.venue.poll(desk.live.clock_now())
    assert desk.venue.session is not None
    assert desk.venue.session.set_next_numbers(desk.live.clock_now(), 0, 10)
    desk.until(lambda: desk.live.core.lost(0) is not None)
    return desk


def test_a_log_that_is_shorter_than_the_venues_memory_waits_for_an_operator(
    tmp_path: Path,
) -> None:
    desk = after_message_nine(tmp_path)
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    (row,) = desk.ask("reconciliation")[0].differences
    said = (row.kind, row.what, row.ours, row.venue)
    assert said == ("session", "missing", "messages up to 0", "messages up to 9")
    assert not desk.ask("status").armed
    desk.command("reconcile", accept=desk.ask("reconciliation")[0].report, reason="looked there")
    assert desk.ask("status").armed
    is_replayed(desk)


def test_what_the_log_lost_is_not_forgotten_by_a_restart_from_facts(tmp_path: Path) -> None:
    """Killed before an operator saw it: the number that the session goes on from hides the gap."""
    desk = after_message_nine(tmp_path / "not accepted")
    live, wiring = desk.taken_as_facts(tmp_path / "not accepted" / "next")
    assert live.core.lost(0) == (1, 10)
    wiring.firm._reconciler.begin_epoch()
    assert [each.what for each in wiring.firm.comparisons["broker"].differences] == ["missing"]

    desk = after_message_nine(tmp_path / "accepted")
    desk.until(lambda: desk.ask("reconciliation")[0].state == "differs")
    desk.command("reconcile", accept=desk.ask("reconciliation")[0].report, reason="looked there")
    live, wiring = desk.taken_as_facts(tmp_path / "accepted" / "next")
    assert live.core.lost(0) is None
    wiring.firm._reconciler.begin_epoch()
    assert not wiring.firm.comparisons["broker"].differences


def test_a_venue_that_tells_all_its_orders_leaves_nothing_lost(tmp_path: Path) -> None:
    desk = after_message_nine(tmp_path, STATUS)
    desk.until(lambda: bool(desk.venue.mass_requests))
    tell(desk, 0, 0, t39="8", t37="NONE")
    desk.logged_on()
    is_replayed(desk)
