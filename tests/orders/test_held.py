"""What the daemon does for orders itself, by docs/orders.md: held, triggered, released, ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.app.configuration import ConfigurationError
from daemon.core import FeedEvent
from daemon.model import CancelReason, OrdType
from tests.orders.held_desk import HeldDesk, call, submit

NO_STOPS = 'session.broker.order_types=["market", "limit"]'
NO_GTD = 'session.broker.time_in_force=["day", "gtc", "ioc"]'
NO_POST = "session.broker.instructions=[]"


@pytest.fixture
def desk(tmp_path: Path) -> HeldDesk:
    """A venue that takes market and limit orders alone."""
    return HeldDesk(tmp_path, NO_STOPS)


def sent(desk: HeldDesk, name: str) -> bool:
    return desk.order(name).order in desk.venue.orders


def test_a_stop_waits_for_a_trade_at_its_price_and_goes_out_as_a_market_order(
    desk: HeldDesk,
) -> None:
    desk.do(submit("stop", "SELL", 2, stop_px=990))
    assert desk.state("stop") == "HELD TRIGGER"
    desk.trade(991)
    desk.quote(980, 981)  # the last trade counts, not the book
    assert desk.state("stop") == "HELD TRIGGER"
    desk.trade(990)
    assert desk.state("stop") == "PENDING_NEW"
    assert desk.order("stop").ord_type == OrdType.MARKET
    desk.at_venue("stop")
    desk.fill("stop", 2, 980)
    assert desk.state("stop") == "FILLED"
    assert desk.heard.said == [
        "stop HOLD",
        "stop SUBMIT",
        "stop ACKNOWLEDGE",
        "stop FILL",
    ]
    assert desk.replayed().divergence is None


@pytest.mark.parametrize(
    ("order", "before", "through"),
    [
        (submit("x", "BUY", 1, stop_px=1010), 1009, 1010),
        (submit("x", "BUY", 1, stop_px=1010), 1009, 1200),
        (submit("x", "SELL", 1, stop_px=990), 991, 700),
        (submit("x", "BUY", 1, stop_px=990, ord_type="MARKET_IF_TOUCHED"), 991, 990),
        (submit("x", "SELL", 1, stop_px=1010, ord_type="MARKET_IF_TOUCHED"), 1009, 1011),
    ],
)
def test_a_price_at_or_behind_the_stop_triggers(
    desk: HeldDesk, order: dict[str, object], before: int, through: int
) -> None:
    desk.do(order)
    desk.trade(before)
    assert desk.state("x") == "HELD TRIGGER"
    desk.trade(through)
    assert desk.state("x") == "PENDING_NEW"


@pytest.mark.parametrize(
    ("trigger", "quiet", "through"),
    [("BID_ASK", (991, 995), (990, 999)), ("MID", (985, 996), (985, 995))],
)
def test_a_stop_watches_the_price_that_it_names(
    desk: HeldDesk, trigger: str, quiet: tuple[int, int], through: tuple[int, int]
) -> None:
    desk.do(submit("stop", "SELL", 1, stop_px=990, trigger=trigger))
    desk.trade(900)
    desk.quote(*quiet)
    assert desk.state("stop") == "HELD TRIGGER"
    desk.quote(*through)
    assert desk.state("stop") == "PENDING_NEW"


def test_a_stop_limit_goes_out_with_its_limit(desk: HeldDesk) -> None:
    desk.do(submit("stop", "BUY", 1, 1012, stop_px=1010))
    desk.trade(1011)
    order = desk.order("stop")
    assert (desk.state("stop"), order.ord_type, order.price) == ("PENDING_NEW", OrdType.LIMIT, 1012)


def test_a_stop_that_is_through_when_it_is_asked_for_goes_at_once(desk: HeldDesk) -> None:
    desk.trade(1000)
    desk.do(submit("stop", "SELL", 1, stop_px=1000))
    assert desk.state("stop") == "PENDING_NEW"


def test_nothing_triggers_while_the_feed_is_away_and_the_price_of_then_counts_after(
    desk: HeldDesk,
) -> None:
    desk.do(submit("stop", "SELL", 1, stop_px=990))
    desk.live.push_feed_status(0, int(FeedEvent.DISCONNECTED))
    desk.trade(980)
    assert desk.state("stop") == "HELD TRIGGER"
    desk.market()
    assert desk.state("stop") == "PENDING_NEW"


def test_a_trailing_stop_follows_and_never_goes_back(desk: HeldDesk) -> None:
    desk.do(submit("trail", "SELL", 1, trail=10), submit("bps", "BUY", 1, trail_bps=100))
    desk.trade(1000)
    assert (desk.order("trail").stop_px, desk.order("bps").stop_px) == (990, 1010)
    desk.trade(1005)
    desk.trade(996)
    # 996 and a hundredth of it, rounded away: 9.96 is 10
    assert (desk.order("trail").stop_px, desk.order("bps").stop_px) == (995, 1006)
    desk.trade(995)
    assert (desk.state("trail"), desk.state("bps")) == ("PENDING_NEW", "HELD TRIGGER")
    assert desk.replayed().divergence is None


def test_a_held_order_is_replaced_and_cancelled_without_a_message(desk: HeldDesk) -> None:
    desk.do(submit("stop", "SELL", 2, stop_px=990), submit("gone", "SELL", 1, stop_px=980))
    desk.do(call("replace", order="stop", stop_px=985, qty=5), call("cancel", order="gone"))
    order = desk.order("stop")
    assert (order.stop_px, order.order_qty, desk.state("gone")) == (985, 5, "CANCELED")
    assert desk.live.core.position(0, 0).lowest_qty == -5, "it reserves what it would sell"
    desk.trade(985)
    desk.at_venue("stop")
    assert (desk.venue.orders, desk.venue.cancels) == ([order.order], [])


def test_the_gate_refuses_when_it_is_asked_for(desk: HeldDesk) -> None:
    desk.do(submit("stop", "SELL", 501, stop_px=990))  # quantity_max is 500 lots
    assert desk.heard.said == ["stop denied QUANTITY_MAX"]


def test_a_limit_that_fell_below_it_ends_the_order_when_it_is_released(desk: HeldDesk) -> None:
    desk.do(submit("stop", "SELL", 20, stop_px=990))
    desk.command("limits.set", scope="instrument:BTC", name="quantity_max", value="0.010")
    desk.trade(990)
    assert desk.state("stop") == "DENIED"
    assert desk.heard.said == ["stop HOLD", "stop denied QUANTITY_MAX", "stop DENY"]


def test_it_waits_where_the_gate_s_answer_may_change(desk: HeldDesk) -> None:
    desk.do(submit("stop", "SELL", 1, stop_px=990))
    desk.command("sessions.logout", session="broker")
    desk.until(lambda: not desk.ask("status").armed)
    desk.trade(990)
    assert desk.state("stop") == "HELD GATE"
    (row,) = [each for each in desk.ask("orders") if each.state == "HELD"]
    assert row.held == "GATE SESSION_DOWN" or row.held == "GATE NOT_ARMED"
    desk.trade(1000)  # it was reached: that the price came back does not matter
    desk.command("sessions.logon", session="broker")
    desk.until(lambda: desk.state("stop") != "HELD GATE")
    assert desk.state("stop") == "PENDING_NEW"


def test_the_strategy_s_end_cancels_what_is_held(desk: HeldDesk) -> None:
    desk.do(submit("one", "SELL", 1, stop_px=990))
    desk.command("strategies.stop", strategy="buyer")
    desk.turn()
    states = [row.state for row in desk.ask("orders", finished=True)]
    assert states == ["CANCELED"]


def test_an_operator_cancels_what_is_held(desk: HeldDesk) -> None:
    desk.do(submit("one", "SELL", 1, stop_px=990))
    desk.command("cancel-all")
    assert desk.state("one") == "CANCELED"
    assert [each["reason"] for each in desk.logged("ORDER_HELD_ENDED")] == [CancelReason.OPERATOR]
    assert desk.venue.cancels == []


def test_a_gtd_that_the_venue_lacks_ends_here(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, NO_STOPS, NO_GTD)
    soon = desk.live.clock_now() + 300_000_000
    desk.do(
        submit("limit", "BUY", 1, 900, time_in_force="GTD", expire_ts=soon),
        submit("stop", "SELL", 1, stop_px=900, time_in_force="GTD", expire_ts=soon),
    )
    desk.at_venue("limit")
    assert desk.state("stop") == "HELD TRIGGER"
    desk.until(lambda: desk.state("stop") == "EXPIRED")
    desk.canceled("limit")
    assert desk.state("limit") == "CANCELED"
    assert [each["reason"] for each in desk.logged("CANCEL_REQUESTED")] == [17]
    assert desk.replayed().divergence is None


def test_post_only_that_the_venue_lacks_is_refused_where_it_would_trade(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, NO_POST)
    desk.do(submit("in", "BUY", 1, 1000, post_only=True))
    desk.do(submit("through", "BUY", 2, 1001, post_only=True))
    assert desk.heard.said == ["in SUBMIT", "through denied POST_ONLY"]


def test_a_venue_that_has_stops_gets_them(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path)
    desk.do(
        submit("stop", "SELL", 1, stop_px=990),
        submit("mid", "SELL", 1, stop_px=990, trigger="MID"),
    )
    assert (desk.state("stop"), desk.state("mid")) == ("PENDING_NEW", "HELD TRIGGER")


def test_what_is_held_for_the_day_ends_with_the_session_s_hours(desk: HeldDesk) -> None:
    desk.do(
        submit("day", "SELL", 1, stop_px=990),
        submit("longer", "SELL", 1, stop_px=980, time_in_force="GTC"),
    )
    desk.live.core.end_day(0)
    assert (desk.state("day"), desk.state("longer")) == ("EXPIRED", "HELD TRIGGER")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('session.broker.order_types=["limit"]', "missing market"),
        ("session.broker.time_in_force=[]", "time_in_force"),
        ('session.broker.order_types=["market", "limit", "iceberg"]', "order_types"),
    ],
)
def test_a_venue_that_takes_nothing_usable_is_a_configuration_error(
    tmp_path: Path, setting: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        HeldDesk(tmp_path, setting)


def test_what_is_held_is_no_matter_between_us_and_the_venue(tmp_path: Path) -> None:
    """It is not asked for, not cancelled after a lost connection, and no difference."""
    cancels, asks = "session.broker.on_disconnect=cancel", "session.broker.status_after_ms=20"
    desk = HeldDesk(tmp_path, NO_STOPS, cancels, asks)
    desk.do(submit("stop", "SELL", 2, stop_px=990))
    desk.venue.listener.close(0, "cable")
    desk.until(lambda: not desk.ask("status").armed)
    desk.logged_on()
    waited = desk.live.clock_now()
    desk.until(lambda: desk.live.clock_now() > waited + 60_000_000)
    assert desk.state("stop") == "HELD TRIGGER"
    assert desk.logged("STATUS_REQUESTED", "CANCEL_REQUESTED", "ORDER_HELD_ENDED") == []
    assert (desk.venue.status_requests, desk.venue.cancels) == ([], [])
    assert desk.ask("reconciliation")[0].state == "equal"
    assert desk.replayed().divergence is None


# A power failure may take from the log that an order was released; the venue has it then.


def test_an_order_that_the_venue_knows_has_left(desk: HeldDesk) -> None:
    desk.do(submit("stop", "BUY", 5, stop_px=1010))
    desk.say("stop", "0", "0", leaves=5)
    assert (desk.state("stop"), desk.order("stop").ord_type) == ("WORKING", OrdType.MARKET)
    assert desk.live.core.position(0, 0).highest_qty == 5
    desk.trade(1010)
    assert desk.venue.orders == [], "it is not sent a second time"
    desk.fill("stop", 5, 1010)
    assert desk.state("stop") == "FILLED"
    assert desk.heard.said == ["stop HOLD", "stop SUBMIT", "stop ACKNOWLEDGE", "stop FILL"]
    assert desk.replayed().divergence is None


def test_one_that_had_ended_here_is_cancelled_there(desk: HeldDesk) -> None:
    desk.do(submit("stop", "BUY", 5, 1015, stop_px=1010), submit("other", "SELL", 1, stop_px=900))
    desk.do(call("cancel", order="stop"), call("cancel", order="other"))
    desk.say("stop", "0", "0", leaves=5, t44="101.5")
    assert desk.state("stop") == "PENDING_CANCEL"
    (asked,) = desk.logged("CANCEL_REQUESTED")
    assert asked["reason"] == CancelReason.RECOVERY
    desk.canceled("stop")
    assert (desk.state("stop"), desk.order("stop").price) == ("CANCELED", 1015)
    desk.say("other", "8", "8", leaves=0, t103=0)
    assert desk.state("other") == "REJECTED"
    assert desk.live.core.position(0, 0).highest_qty == 0
    assert desk.replayed().divergence is None


def test_the_first_slice_of_an_iceberg_may_have_left_too(desk: HeldDesk) -> None:
    desk.do(submit("ice", "BUY", 5, 1015, stop_px=1010, display_qty=2))
    desk.say("ice", "0", "0", leaves=2, t38="0.002", t44="101.5")
    assert (desk.order("ice").slice, desk.order("ice").leaves_qty) == ((2, 0), 5)
    desk.fill("ice", 2, 1015)
    desk.at_venue("ice")
    assert [each["38"] for each in desk.sent("D")] == ["0.002"]
    assert desk.replayed().divergence is None


def test_status_of_what_the_venue_does_not_know_leaves_it_held(desk: HeldDesk) -> None:
    desk.do(submit("stop", "BUY", 5, stop_px=1010))
    desk.say("stop", "I", "8", leaves=0, t103=5)
    assert desk.state("stop") == "HELD TRIGGER"
