"""What goes to a venue as the venue has it, and what stands for a time in force that it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.app.configuration import ConfigurationError
from daemon.model import OrderFlag
from tests.orders.held_desk import HeldDesk, call, submit

EVERY_TYPE = (
    'session.broker.order_types=["market", "limit", "stop", "stop_limit", "market_if_touched",'
    ' "trailing_stop"]'
)


def without(*lacking: str) -> str:
    times = [each for each in ("day", "gtc", "ioc", "fok", "gtd") if each not in lacking]
    return f"session.broker.time_in_force={times}".replace("'", '"')


# ------------------------------------------------------------------ order types


def test_an_order_if_touched_goes_as_the_venues_own(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, EVERY_TYPE)
    desk.do(submit("touch", "BUY", 3, stop_px=990, ord_type="MARKET_IF_TOUCHED"))
    desk.at_venue("touch")
    (said,) = desk.sent("D")
    assert (said["40"], said["99"], said["38"]) == ("J", "99.0", "0.003")
    assert "44" not in said
    assert not OrderFlag.EMULATED & desk.order("touch").flags
    assert desk.live.core.position(0, 0).highest_qty == 3
    assert desk.replayed().divergence is None


@pytest.mark.parametrize(
    ("trail", "offset", "unit"), [({"trail": 15}, "1.5", "0"), ({"trail_bps": 25}, "25", "1")]
)
def test_a_trailing_stop_goes_as_the_venues_own(
    tmp_path: Path, trail: dict[str, int], offset: str, unit: str
) -> None:
    desk = HeldDesk(tmp_path, EVERY_TYPE)
    desk.do(submit("trail", "SELL", 3, **trail))
    desk.at_venue("trail")
    desk.do(call("replace", order="trail", qty=2))
    desk.replaced("trail")
    for said, qty in ((desk.sent("D")[0], "0.003"), (desk.sent("G")[0], "0.002")):
        assert (said["40"], said["18"], said["211"], said["836"]) == ("P", "a", offset, unit)
        assert said["38"] == qty
        assert "99" not in said
    assert desk.order("trail").leaves_qty == 2
    desk.trade(900)
    assert desk.state("trail") == "WORKING", "it is the venue's"
    assert desk.replayed().divergence is None


def test_a_trailing_stop_for_another_price_than_the_last_is_held_here(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, EVERY_TYPE)
    desk.do(submit("trail", "SELL", 3, trail=15, trigger="MID"))
    assert desk.state("trail") == "HELD TRIGGER"


def test_a_child_becomes_the_venues_trailing_stop_when_its_parent_is_filled(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, EVERY_TYPE)
    desk.do(submit("entry", "BUY", 3, 1000), submit("exit", "SELL", 3, trail=15, after="entry"))
    desk.at_venue("entry")
    desk.fill("entry", 3, 1000)
    desk.at_venue("exit")
    said = desk.sent("D")[-1]
    assert (said["40"], said["211"], said["38"]) == ("P", "1.5", "0.003")


def test_a_stop_at_the_venue_is_moved_by_a_replace(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path)
    desk.do(submit("stop", "BUY", 3, stop_px=1010), submit("limit", "BUY", 3, 1020, stop_px=1015))
    desk.at_venue("stop")
    desk.at_venue("limit")
    desk.do(call("replace", order="stop", stop_px=1005), call("replace", order="limit", price=1030))
    desk.replaced("stop")
    desk.replaced("limit")
    moved, repriced = desk.sent("G")
    assert (moved["40"], moved["99"]) == ("3", "100.5")
    assert (repriced["40"], repriced["44"], repriced["99"]) == ("4", "103.0", "101.5")
    assert (desk.order("stop").stop_px, desk.order("limit").stop_px) == (1005, 1015)
    assert desk.order("limit").price == 1030
    assert desk.replayed().divergence is None


def test_a_replace_of_a_stop_that_is_refused_leaves_it_where_it_stands(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path)
    desk.do(submit("stop", "BUY", 3, stop_px=1010))
    desk.at_venue("stop")
    desk.do(call("replace", order="stop", stop_px=1005))
    (asked,) = desk.logged("REPLACE_REQUESTED")
    desk.cancel_rejected("stop", asked["cl_ord_id"], response_to=2)
    assert desk.order("stop").stop_px == 1010


def test_what_trails_at_the_venue_has_no_stop_price_to_replace(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, EVERY_TYPE)
    desk.do(submit("trail", "SELL", 3, trail=15))
    desk.at_venue("trail")
    desk.do(call("replace", order="trail", stop_px=980))
    assert "trail denied UNSUPPORTED" in " ".join(desk.heard.said) or desk.sent("G") == []
    assert desk.state("trail") == "WORKING"


# ------------------------------------------------------------------ time in force


def test_immediate_or_cancel_is_a_limit_and_its_cancel(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, without("ioc"))
    desk.do(submit("now", "BUY", 5, 1001, time_in_force="IOC"))
    assert [each["59"] for each in desk.sent("D")] == ["0"]
    assert OrderFlag.EMULATED & desk.order("now").flags
    assert desk.sent("F") == [], "nothing before the venue has it"
    desk.at_venue("now")
    assert desk.state("now") == "PENDING_CANCEL"
    desk.fill("now", 2, 1001)
    desk.canceled("now")
    assert (desk.state("now"), desk.order("now").cum_qty) == ("CANCELED", 2)
    assert [each["reason"] for each in desk.logged("CANCEL_REQUESTED")] == [19]
    assert desk.replayed().divergence is None


def test_one_that_is_filled_at_once_is_not_cancelled(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, without("ioc"))
    desk.do(submit("now", "BUY", 5, 1001, time_in_force="IOC"))
    desk.until(lambda: desk.order("now").order in desk.venue.orders)
    desk.fill("now", 5, 1001)
    assert (desk.state("now"), desk.sent("F")) == ("FILLED", [])


@pytest.mark.parametrize("lacking", ["fok", "gtc"])
def test_nothing_stands_for_all_or_nothing_nor_for_good_till_cancelled(
    tmp_path: Path, lacking: str
) -> None:
    desk = HeldDesk(tmp_path, without(lacking))
    desk.do(submit("order", "BUY", 5, 990, time_in_force=lacking.upper()))
    assert "denied UNSUPPORTED" in " ".join(desk.heard.said)
    assert desk.sent("D") == []


def test_an_order_for_the_day_is_ended_here_where_the_venue_knows_no_day(tmp_path: Path) -> None:
    desk = HeldDesk(tmp_path, without("day"))
    desk.do(submit("day", "BUY", 5, 990), submit("gtc", "BUY", 5, 989, time_in_force="GTC"))
    desk.at_venue("day")
    desk.at_venue("gtc")
    assert [each["59"] for each in desk.sent("D")] == ["1", "1"]
    assert OrderFlag.EMULATED & desk.order("day").flags
    desk.live.core.end_day(0)
    assert (desk.state("day"), desk.state("gtc")) == ("PENDING_CANCEL", "WORKING")
    desk.canceled("day")
    assert [each["reason"] for each in desk.logged("CANCEL_REQUESTED")] == [17]


def test_a_venue_must_have_a_day_or_be_good_till_cancelled(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must have day or gtc"):
        HeldDesk(tmp_path, without("day", "gtc"))


def test_fix_4_2_has_no_trailing_stop(tmp_path: Path) -> None:
    setting = 'session.broker.order_types=["market", "limit", "trailing_stop"]'
    with pytest.raises(ConfigurationError, match=r"FIX 4\.2 has no trailing_stop"):
        HeldDesk(tmp_path, "session.broker.begin_string=FIX.4.2", setting)
