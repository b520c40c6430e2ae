"""Icebergs at a venue that has none, and at one that has: docs/orders.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.model import OrderFlag
from tests.orders.held_desk import HeldDesk, call, submit


@pytest.fixture
def desk(tmp_path: Path) -> HeldDesk:
    """A venue that shows whole orders alone."""
    return HeldDesk(tmp_path)


def shown(desk: HeldDesk) -> list[str]:
    """Quantity and price of each order that was sent."""
    return [f"{each['38']} at {each['44']}" for each in desk.sent("D")]


def iceberg(desk: HeldDesk, qty: int = 10, display_qty: int = 4) -> None:
    desk.do(submit("ice", "BUY", qty, 990, display_qty=display_qty))
    desk.at_venue("ice")


def test_one_slice_after_the_other_is_sent_until_all_is_filled(desk: HeldDesk) -> None:
    iceberg(desk)
    order = desk.order("ice")
    for qty, price in ((4, 990), (4, 989), (2, 988)):
        assert order.slice == (qty, 0)
        desk.fill("ice", qty, price)
        if desk.state("ice") == "PENDING_NEW":
            desk.at_venue("ice")
    assert shown(desk) == ["0.004 at 99.0", "0.004 at 99.0", "0.002 at 99.0"]
    assert len({each["11"] for each in desk.sent("D")}) == 3
    assert not any("111" in each for each in desk.sent("D"))
    assert (desk.state("ice"), order.cum_qty, order.leaves_qty) == ("FILLED", 10, 0)
    assert order.avg_px == pytest.approx((4 * 990 + 4 * 989 + 2 * 988) / 10)
    assert desk.live.core.position(0, 0).net_qty == 10
    assert {each["order"] for each in desk.logged("FILL")} == {order.order}
    assert desk.replayed().divergence is None


def test_the_whole_of_it_is_measured_and_reserved(desk: HeldDesk) -> None:
    iceberg(desk, 100)
    assert desk.live.core.position(0, 0).highest_qty == 100
    desk.do(submit("more", "BUY", 501, 990, display_qty=4))
    assert "more denied QUANTITY_MAX" in desk.heard.said


def test_the_state_says_that_the_daemon_slices_it(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 1, 990)
    (row,) = desk.ask("orders")
    assert (row.state, row.held) == ("PARTIALLY_FILLED", "SLICE 1/4 lots shown")
    assert "EMULATED" in row.flags
    assert OrderFlag.EMULATED & desk.order("ice").flags
    assert desk.order("ice").display_qty == 4


def test_a_slice_that_may_not_go_is_held(desk: HeldDesk) -> None:
    iceberg(desk)
    assert desk.command("sessions.hold", session="broker").status == 0
    desk.fill("ice", 4, 990)
    assert desk.state("ice") == "HELD GATE"
    (row,) = desk.ask("orders")
    assert (row.held, row.cum_qty) == ("GATE SESSION_HELD", "0.004")
    assert desk.live.stats["orders_held"] == 1
    assert desk.command("sessions.release", session="broker").status == 0
    desk.at_venue("ice")
    assert desk.order("ice").slice == (4, 0)
    assert desk.replayed().divergence is None


def test_a_cancel_takes_the_rest_along(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 1, 990)
    desk.do(call("cancel", order="ice"))
    assert desk.state("ice") == "PENDING_CANCEL"
    desk.canceled("ice")
    assert (desk.state("ice"), desk.order("ice").cum_qty) == ("CANCELED", 1)
    assert [each["38"] for each in desk.sent("F")] == ["0.004"], "what the venue has of it"
    assert desk.live.core.position(0, 0).highest_qty == 1


def test_a_cancel_that_crosses_the_slices_fill_ends_the_order(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.do(call("cancel", order="ice"))
    (asked,) = desk.logged("CANCEL_REQUESTED")
    desk.fill("ice", 4, 990)
    assert (desk.state("ice"), desk.order("ice").cum_qty) == ("CANCELED", 4)
    desk.cancel_rejected("ice", asked["cl_ord_id"])
    assert (desk.state("ice"), len(desk.sent("D"))) == ("CANCELED", 1)
    assert desk.replayed().divergence is None


def test_a_replace_names_the_slice_and_keeps_the_total(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 1, 990)
    desk.do(call("replace", order="ice", price=985, qty=20))
    desk.replaced("ice")
    order = desk.order("ice")
    assert (order.price, order.order_qty, order.leaves_qty, order.slice) == (985, 20, 19, (4, 1))
    (said,) = desk.sent("G")
    assert (said["38"], said["44"]) == ("0.004", "98.5")
    desk.fill("ice", 3, 985)
    desk.at_venue("ice")
    assert shown(desk) == ["0.004 at 99.0", "0.004 at 98.5"]
    assert (order.cum_qty, order.slice) == (4, (4, 0))
    assert desk.replayed().divergence is None


def test_a_replace_to_less_than_what_is_shown_makes_the_slice_less(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 1, 990)
    desk.do(call("replace", order="ice", qty=3))
    desk.replaced("ice")
    assert [each["38"] for each in desk.sent("G")] == ["0.003"]
    desk.fill("ice", 2, 990)
    assert (desk.state("ice"), desk.order("ice").cum_qty) == ("FILLED", 3)


def test_a_replace_that_crosses_the_slices_fill_holds_for_the_next(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.do(call("replace", order="ice", price=985, qty=6))
    (asked,) = desk.logged("REPLACE_REQUESTED")
    desk.fill("ice", 4, 990)
    desk.cancel_rejected("ice", asked["cl_ord_id"], response_to=2)
    desk.at_venue("ice")
    order = desk.order("ice")
    assert (order.price, order.order_qty, order.slice) == (985, 6, (2, 0))
    assert shown(desk) == ["0.004 at 99.0", "0.002 at 98.5"]
    assert desk.replayed().divergence is None


def test_what_a_bust_takes_from_an_earlier_slice_is_not_worked_again(desk: HeldDesk) -> None:
    iceberg(desk)
    first = desk.order("ice").cl_ord_id
    desk.fill("ice", 4, 990)
    desk.at_venue("ice")
    (trade,) = [each for each in desk.logged("EXECUTION") if each["last_qty"] == 4]
    exec_id = trade["exec_id"].rstrip(b"\0").decode()
    desk.say("ice", "H", "2", leaves=0, t11=f"{first:016X}", t19=exec_id, t31="99.0", t32="0.004")
    order = desk.order("ice")
    assert (order.cum_qty, order.order_qty, order.slice) == (0, 6, (4, 0))
    assert desk.live.core.position(0, 0).net_qty == 0
    assert desk.state("ice") == "WORKING"
    desk.fill("ice", 4, 990)
    desk.at_venue("ice")
    desk.fill("ice", 2, 990)
    assert (desk.state("ice"), order.cum_qty, len(desk.sent("D"))) == ("FILLED", 6, 3)
    assert desk.replayed().divergence is None


def test_a_slice_that_the_venue_refuses_ends_the_order(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 4, 990)
    desk.until(lambda: len(desk.venue.orders) == 2)
    desk.say("ice", "8", "8", leaves=0, t103=0)
    assert (desk.state("ice"), desk.order("ice").cum_qty) == ("REJECTED", 4)
    assert desk.live.core.position(0, 0).highest_qty == 4


def test_the_status_of_a_slice_is_put_beside_the_slice(desk: HeldDesk) -> None:
    iceberg(desk)
    desk.fill("ice", 4, 990)
    desk.at_venue("ice")
    desk.fill("ice", 1, 990)
    assert desk.live.core.request_status(desk.order("ice").order)
    desk.say("ice", "I", "1", leaves=3, t14="0.001")
    assert (desk.state("ice"), desk.order("ice").cum_qty) == ("PARTIALLY_FILLED", 5)
    assert desk.ask("status").armed


def test_the_target_of_a_bracket_can_be_an_iceberg(desk: HeldDesk) -> None:
    desk.do(
        submit("entry", "BUY", 10, 1000),
        submit("target", "SELL", 10, 1010, after="entry", display_qty=3),
        submit("stop", "SELL", 10, stop_px=990, after="entry", ouo="target"),
    )
    desk.at_venue("entry")
    desk.fill("entry", 10, 1000)
    desk.at_venue("target")
    desk.fill("target", 3, 1010)
    desk.at_venue("target")
    assert (desk.order("target").slice, desk.order("stop").order_qty) == ((3, 0), 7)
    desk.trade(989)
    desk.canceled("target")
    desk.at_venue("stop")
    desk.fill("stop", 7, 989)
    assert desk.live.core.position(0, 0).net_qty == 0
    assert desk.replayed().divergence is None


def test_a_stop_limit_that_is_an_iceberg_waits_here(desk: HeldDesk) -> None:
    desk.do(submit("stop", "BUY", 5, 1015, stop_px=1010, display_qty=2))
    assert desk.state("stop") == "HELD TRIGGER"
    desk.trade(1010)
    desk.at_venue("stop")
    assert shown(desk) == ["0.002 at 101.5"]


def test_a_venue_that_has_icebergs_gets_the_whole_and_what_to_show(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, 'session.broker.instructions=["post_only", "iceberg"]')
    iceberg(desk)
    desk.do(call("replace", order="ice", price=985))
    desk.replaced("ice")
    assert desk.order("ice").slice is None
    for message in (*desk.sent("D"), *desk.sent("G")):
        assert (message["38"], message["111"]) == ("0.010", "0.004")
    desk.do(call("replace", order="ice", qty=3))
    desk.replaced("ice")
    assert (desk.sent("G")[-1]["38"], desk.sent("G")[-1]["111"]) == ("0.003", "0.003")
    desk.fill("ice", 3, 985)
    assert desk.state("ice") == "FILLED"
    assert not OrderFlag.EMULATED & desk.order("ice").flags
    assert desk.replayed().divergence is None


def test_a_dialect_says_where_the_shown_quantity_stands(tmp_path: Path) -> None:
    dialect = tmp_path / "five.toml"
    field = 'tag = 1138\nname = "DisplayQty"\ntype = "QTY"\nmessages = ["D", "G"]\n'
    dialect.write_text(f'name = "five"\ndisplay_tag = 1138\n[[field]]\n{field}')
    native = 'session.broker.instructions=["iceberg"]'
    desk = HeldDesk(tmp_path, native, f'session.broker.dialect="{dialect}"')
    desk.do(submit("ice", "BUY", 10, 990, display_qty=4))
    (said,) = desk.sent("D")
    assert (said["38"], said["1138"]) == ("0.010", "0.004")
    assert "111" not in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"display_qty": 11}, "from 1 to 10"),
        ({"display_qty": 0}, "from 1 to 10"),
        ({"display_qty": 4, "time_in_force": "IOC"}, "must rest"),
    ],
)
def test_what_cannot_be_an_iceberg_is_a_mistake(
    desk: HeldDesk, more: dict[str, object], said: str
) -> None:
    desk.do(submit("ice", "BUY", 10, 990, **more))
    assert desk.ask("strategies")[0].status == "FAILED"
    assert said in str(desk.ask("strategies"))
