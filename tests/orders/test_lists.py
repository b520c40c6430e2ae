"""OCO, OUO, OTO and brackets, and reduce-only orders, by docs/orders.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.model import OrdType
from tests.orders.held_desk import HeldDesk, call, submit

NO_STOPS = 'session.broker.order_types=["market", "limit"]'


@pytest.fixture
def desk(tmp_path: Path) -> HeldDesk:
    """A venue that takes market and limit orders alone."""
    return HeldDesk(tmp_path, NO_STOPS)


def bracket(qty: int = 10) -> list[dict[str, object]]:
    """Bought at 1000, a target at 1010, a stop at 990."""
    return [
        submit("entry", "BUY", qty, 1000),
        submit("target", "SELL", qty, 1010, after="entry"),
        submit("stop", "SELL", qty, stop_px=990, after="entry", ouo="target"),
    ]


def test_a_fill_of_one_cancels_the_other(desk: HeldDesk) -> None:
    desk.do(submit("low", "BUY", 5, 990), submit("high", "SELL", 5, 1010, oco="low"))
    desk.at_venue("low")
    desk.at_venue("high")
    desk.fill("low", 1, 990)
    desk.canceled("high")
    assert (desk.state("low"), desk.state("high")) == ("PARTIALLY_FILLED", "CANCELED")
    assert [each["reason"] for each in desk.logged("CANCEL_REQUESTED")] == [16]


def test_an_order_that_ends_without_a_fill_leaves_the_other(desk: HeldDesk) -> None:
    desk.do(submit("target", "SELL", 5, 1010), submit("stop", "SELL", 5, stop_px=990, oco="target"))
    desk.at_venue("target")
    assert desk.live.core.position(0, 0).lowest_qty == -5, "one of the two reserves"
    desk.do(call("cancel", order="target"))
    desk.canceled("target")
    assert desk.state("stop") == "HELD TRIGGER"
    assert desk.live.core.position(0, 0).lowest_qty == -5, "now it is the other"


def test_both_filled_before_a_cancel_arrived_is_counted_and_told(desk: HeldDesk) -> None:
    desk.do(submit("low", "BUY", 5, 990), submit("high", "SELL", 5, 1010, oco="low"))
    desk.at_venue("low")
    desk.at_venue("high")
    desk.fill("low", 5, 990)
    desk.fill("high", 5, 1010)
    assert desk.heard.said[-2:] == ["high FILL", "high too much by 5"] or (
        "high too much by 5" in desk.heard.said
    )
    assert desk.live.core.contingencies_broken == 1
    assert desk.replayed().divergence is None


def test_the_children_of_a_bracket_follow_what_the_entry_traded(desk: HeldDesk) -> None:
    desk.do(*bracket())
    assert (desk.state("target"), desk.state("stop")) == ("HELD PARENT", "HELD PARENT")
    desk.at_venue("entry")
    desk.fill("entry", 4, 1000)
    desk.at_venue("target")
    assert (desk.order("target").order_qty, desk.order("stop").order_qty) == (4, 4)
    desk.fill("entry", 6, 1000)
    assert desk.state("target") == "PENDING_REPLACE"
    assert desk.order("stop").order_qty == 10


def test_a_target_that_traded_takes_its_quantity_off_the_stop(desk: HeldDesk) -> None:
    desk.do(*bracket())
    desk.at_venue("entry")
    desk.fill("entry", 10, 1000)
    desk.at_venue("target")
    desk.fill("target", 3, 1010)
    assert (desk.state("stop"), desk.order("stop").order_qty) == ("HELD TRIGGER", 7)
    desk.fill("target", 7, 1010)
    assert desk.state("stop") == "CANCELED"
    assert desk.live.core.position(0, 0).net_qty == 0
    assert desk.replayed().divergence is None


def test_a_stop_that_triggers_goes_out_when_the_target_is_out_of_the_way(desk: HeldDesk) -> None:
    desk.do(*bracket())
    desk.at_venue("entry")
    desk.fill("entry", 10, 1000)
    desk.at_venue("target")
    desk.trade(990)
    assert (desk.state("target"), desk.state("stop")) == ("PENDING_CANCEL", "HELD LIST")
    desk.fill("target", 2, 1010)
    assert desk.state("stop") == "HELD LIST"
    desk.canceled("target")
    assert (desk.state("stop"), desk.order("stop").order_qty) == ("PENDING_NEW", 8)
    desk.at_venue("stop")
    desk.fill("stop", 8, 989)
    assert desk.live.core.position(0, 0).net_qty == 0
    assert desk.live.core.contingencies_broken == 0
    assert desk.replayed().divergence is None


def test_a_stop_that_triggers_ends_the_rest_of_the_entry(desk: HeldDesk) -> None:
    desk.do(*bracket())
    desk.at_venue("entry")
    desk.fill("entry", 4, 1000)
    desk.at_venue("target")
    desk.trade(990)
    assert (desk.state("entry"), desk.state("target")) == ("PENDING_CANCEL", "PENDING_CANCEL")
    desk.canceled("target")
    assert desk.state("stop") == "HELD LIST"
    desk.fill("entry", 1, 1000)
    desk.canceled("entry")
    assert (desk.state("stop"), desk.order("stop").order_qty) == ("PENDING_NEW", 5)


def test_children_end_with_a_parent_that_never_traded(desk: HeldDesk) -> None:
    desk.do(*bracket())
    desk.at_venue("entry")
    desk.do(call("cancel", order="entry"))
    desk.canceled("entry")
    assert (desk.state("target"), desk.state("stop")) == ("CANCELED", "CANCELED")
    assert desk.heard.said[-2:] == ["target HELD_CANCELED", "stop HELD_CANCELED"]


def test_a_list_with_an_order_of_nobody_is_denied(desk: HeldDesk) -> None:
    desk.do(submit("known", "BUY", 1, 900))
    desk.heard.orders["stranger"] = 12345
    desk.do(submit("child", "SELL", 1, 1010, after="stranger"))
    assert desk.heard.said[-1] == "child denied UNKNOWN_ORDER"


def long(desk: HeldDesk, qty: int) -> None:
    desk.do(submit("opening", "BUY", qty))
    desk.at_venue("opening")
    desk.fill("opening", qty, 1001)


def test_a_reduce_only_order_shrinks_with_the_position(desk: HeldDesk) -> None:
    long(desk, 10)
    desk.do(submit("exit", "SELL", 10, 1020, reduce_only=True))
    desk.at_venue("exit")
    desk.do(submit("other", "SELL", 4))
    assert desk.state("exit") == "PENDING_REPLACE"
    (asked,) = desk.logged("REPLACE_REQUESTED")
    assert asked["order_qty"] == 6
    assert desk.replayed().divergence is None


def test_the_newest_reduce_only_order_gives_way_first(desk: HeldDesk) -> None:
    long(desk, 10)
    desk.do(
        submit("first", "SELL", 6, 1020, reduce_only=True),
        submit("second", "SELL", 4, 1021, reduce_only=True),
    )
    desk.at_venue("first")
    desk.at_venue("second")
    desk.do(submit("other", "SELL", 5))
    assert (desk.state("first"), desk.state("second")) == ("PENDING_REPLACE", "PENDING_CANCEL")


def test_a_held_reduce_only_order_is_cut_when_it_is_released(desk: HeldDesk) -> None:
    long(desk, 10)
    desk.do(submit("stop", "SELL", 10, stop_px=990, reduce_only=True))
    desk.do(submit("other", "SELL", 4))
    desk.at_venue("other")
    desk.fill("other", 4, 1000)
    desk.trade(990)
    order = desk.order("stop")
    assert (desk.state("stop"), order.order_qty, order.ord_type) == (
        "PENDING_NEW",
        6,
        OrdType.MARKET,
    )


def test_a_held_reduce_only_order_ends_where_there_is_nothing_to_reduce(desk: HeldDesk) -> None:
    long(desk, 10)
    desk.do(submit("stop", "SELL", 10, stop_px=990, reduce_only=True))
    desk.do(submit("other", "SELL", 10))
    desk.at_venue("other")
    desk.fill("other", 10, 1000)
    desk.trade(990)
    assert desk.state("stop") == "CANCELED"
    assert desk.logged("ORDER_HELD_ENDED")[-1]["reason"] == 18
