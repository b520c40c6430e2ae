"""Orders and trades that the venue reports and we do not know: taken in, counted, told, and trading
stays off until an operator knows. The venue is a FIX session of our own code on loopback."""

from __future__ import annotations

from pathlib import Path

from daemon.messages.replies import Reconciliation
from daemon.model import OrderState, RiskState
from daemon.runtime.effects import Tell
from tests.app.desk import NO_ID, Desk
from tests.days.books import replayed
from tests.days.day import frames

BTC = 0
FOREIGN = {"t11": "BROKER-7", "t37": "V-77"}  # a name that is none of ours
FILL = {"t31": "100.1", "t32": "0.002", "t14": "0.002", "t151": "0.003", "t38": "0.005"}


def working(folder: Path, *overrides: str) -> Desk:
    """The buyer's order works, and the firm trades."""
    desk = Desk(folder, *overrides).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("0", "0")
    assert desk.ask("status").armed
    return desk


def report_of(desk: Desk) -> Reconciliation:
    (found,) = desk.ask("reconciliation")
    return found  # type: ignore[no-any-return]  # the command's only row


def firm_holds(desk: Desk) -> int:
    return desk.live.core.position(NO_ID, BTC).net_qty


def test_a_fill_of_an_order_we_do_not_know_is_booked_to_the_firm_and_stops_trading(
    tmp_path: Path,
) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FOREIGN, **FILL)
    (row,) = report_of(desk).differences
    assert (row.kind, row.what, row.ours) == ("order", "missing", "not known")
    assert row.venue == "BUY 0.005 BTC, filled 0.002, OrderID V-77"
    (raw,) = [each for each in frames(desk.log_folder, "FIX_RX") if b"BROKER-7" in bytes(each.tail)]
    assert row.raw_sequence == raw.sequence
    assert report_of(desk).state == "differs"
    assert not desk.ask("status").armed
    assert firm_holds(desk) == 2
    assert desk.live.core.position(0, BTC).net_qty == 0, "no strategy's"
    (adopted,) = [each for each in desk.ask("orders") if not each.strategy]
    assert (adopted.state, adopted.leaves_qty) == ("PARTIALLY_FILLED", "0.003")
    highest = desk.live.core.position(NO_ID, BTC).highest_qty
    assert highest == 2 + 3 + 3, "held, its leaves, and the leaves of the buyer's"
    counted = desk.live.stats
    assert (counted["orders_adopted"], counted["reports_unmatched"]) == (1, 1)
    told = [each for each in desk.effects if isinstance(each, Tell) and each.level == "error"]
    assert {each.event for each in told} >= {"unmatched execution", "reconciliation differs"}

    desk.report("F", "2", **FOREIGN, **FILL | {"t32": "0.003", "t14": "0.005", "t151": "0"})
    assert firm_holds(desk) == 5, "known by the venue's OrderID"
    assert desk.live.stats["orders_adopted"] == 1

    accepted = desk.command("reconcile", accept=report_of(desk).report, reason="the broker's own")
    assert accepted.result.state == "accepted"
    assert desk.ask("status").armed
    desk._log.close()
    run, outcome = replayed(desk.log_folder)
    assert outcome.identical, outcome.divergence
    assert run.wiring.core.position(NO_ID, BTC).net_qty == 5


def test_the_same_report_again_changes_nothing(tmp_path: Path) -> None:
    desk = working(tmp_path)
    for _ in range(2):
        desk.report("F", "1", **FOREIGN, **FILL, t17="E-same")
    assert firm_holds(desk) == 2
    assert len(report_of(desk).differences) == 1


def test_an_order_of_ours_that_we_forgot_keeps_its_name_and_can_be_cancelled(
    tmp_path: Path,
) -> None:
    """Its ClOrdID is of an epoch before, and not in the table any more."""
    desk = working(tmp_path)
    forgotten = 0x0000_0000_0000_0009
    desk.report("I", "0", t11=f"{forgotten:016X}", t37="V-9", t151="0.003")
    native = desk.live.core.order(forgotten)
    assert native is not None
    assert OrderState(native.state) is OrderState.WORKING
    assert desk.command("cancel-all").result.affected == 2
    desk.until(lambda: len(desk.venue.cancels) == 2)
    assert forgotten in {orig for _, orig in desk.venue.cancels}


def test_an_order_with_a_foreign_name_is_said_to_be_out_of_reach(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("0", "0", **FOREIGN, t151="0.005", t38="0.005")
    assert desk.command("cancel-all").result.affected == 1, "the buyer's alone"
    desk.command("reconcile", accept=report_of(desk).report)
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: not desk.ask("status").armed)
    desk.until(lambda: bool(desk.venue.status_requests))
    desk.report("I", "4", t151="0")
    desk.until(lambda: report_of(desk).state == "differs")
    (row,) = report_of(desk).differences
    assert (row.ours, row.venue.split(":")[0]) == ("WORKING", "its name there is none of ours")


def test_a_report_that_contradicts_the_order_it_names_is_another_orders(tmp_path: Path) -> None:
    """Our ClOrdID, and the other side: it must not become a fill of our buy."""
    desk = working(tmp_path)
    order = desk.venue.orders[0]
    desk.report("F", "1", **FILL, t54=2, t37="V-2")
    assert desk.live.core.position(0, BTC).net_qty == 0
    assert firm_holds(desk) == -2
    native = desk.live.core.order(order)
    assert native is not None
    assert OrderState(native.state) is OrderState.WORKING
    assert len(report_of(desk).differences) == 1


def test_the_end_of_an_order_we_do_not_know_is_counted_and_told(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("4", "4", **FOREIGN, t151="0")
    assert desk.ask("status").armed
    assert desk.live.stats["reports_unmatched"] == 1
    assert desk.live.stats["orders_adopted"] == 0
    (note,) = frames(desk.log_folder, "NOTE")
    assert note.fields()["severity"] == 1


def test_a_trade_of_an_instrument_we_do_not_have_halts(tmp_path: Path) -> None:
    desk = working(tmp_path)
    desk.report("F", "1", **FOREIGN, **FILL, t55="DOGE")
    assert desk.live.core.risk_state(NO_ID)[0] == RiskState.HALTED


def test_a_bust_of_an_order_we_forgot_takes_its_trade_back(tmp_path: Path) -> None:
    desk = working(tmp_path)
    bust = FILL | {"t14": "0", "t151": "0.005", "t19": "E-OLD", "t37": "V-OLD"}
    desk.report("H", "0", t11=f"{9:016X}", **bust)
    assert firm_holds(desk) == -2, "the fill was booked in the days before"


def test_nobody_has_accepted_it_still_after_a_restart_from_facts(tmp_path: Path) -> None:
    """Another process takes the log as facts: the difference is there before it trades."""
    for accepted in (False, True):
        folder = tmp_path / str(accepted)
        folder.mkdir()
        desk = working(folder)
        desk.report("F", "1", **FOREIGN, **FILL)
        if accepted:
            desk.command("reconcile", accept=report_of(desk).report)
        live, wiring = desk.taken_as_facts(folder / "next")
        assert live.core.position(NO_ID, BTC).net_qty == 2
        wiring.firm._reconciler.begin_epoch()
        left = wiring.firm.comparisons["broker"].differences
        assert [each.what for each in left] == ([] if accepted else ["missing"])
