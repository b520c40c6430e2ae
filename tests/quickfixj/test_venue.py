"""The daemon at a QuickFIX/J acceptor: order flow, gaps both ways, TLS; its record is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.days import books
from tests.days.certificates import Authority
from tests.days.day import Day, frames
from tests.quickfixj.peers import Venue
from tools import quickfixj


def settings(venue: Venue, at_once: int = 5) -> dict[str, object]:
    """The demo's daemon, its session at this venue, and one strategy more."""
    return {
        "session.broker.port": venue.port,
        "session.broker.positions": "none",
        "session.broker.mass_requests": "[]",
        "session.broker.heart_bt_int_seconds": 5,
        "venue.sim.order_id_is_reference": "false",
        "strategy.pair.class": "tests.quickfixj.flow:Sender",
        "strategy.pair.instruments": '["CRUX"]',
        "strategy.pair.parameters": f'{{ symbol = "CRUX", at_once = {at_once} }}',
        "risk.firm.price_collar_bps": 5000,
        "risk.firm.messages_per_second_max": 100_000,
    }


def until_sent(day: Day, orders: int, seconds: float = 60.0) -> None:
    day.until(f"{orders} orders", lambda: day.status()["orders_submitted"] >= orders, seconds)


def assert_equal(day: Day, venue: Venue, orders: int) -> None:
    """Every order came once, every trade of the venue is in our books once, and no other."""
    assert (sent := len(frames(day.log, "ORDER_SUBMITTED"))) >= orders
    assert venue.orders() == sent
    books.assert_books_equal(day.log, venue.trades)


def test_whole_flow(tmp_path: Path) -> None:
    with Venue(tmp_path) as venue, Day(tmp_path, settings(venue)) as day:
        day.until_ready()
        until_sent(day, 600)
        assert day.stop() == 0, day.errors
        assert_equal(day, venue, 600)
        kinds = {frame.fields()["exec_type"] for frame in frames(day.log, "EXECUTION")}
        assert len(kinds) >= 5, kinds  # new, fills, cancelled, replaced, rejected


@pytest.mark.parametrize("before", ["", "forget 5", "skip 7"])
def test_a_lost_connection_loses_nothing(tmp_path: Path, before: str) -> None:
    with Venue(tmp_path) as venue, Day(tmp_path, settings(venue, at_once=1)) as day:
        day.until_ready()
        for lap in range(1, 4):
            until_sent(day, 60 * lap)
            if before:
                venue.say(before)
            venue.say("drop")
            venue.hear_of("logout")
            venue.hear_of("logon")
        until_sent(day, 240)
        day.until("armed again", lambda: day.status()["phase"] == "ready")
        assert day.stop() == 0, day.errors
        books.assert_books_equal(day.log, venue.trades)
        assert venue.trades.read_text().count("\n") > 20


def test_tls_both_ways(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    keys = quickfixj.stores(tmp_path, *authority.certify("venue", "DNS:venue.test"), authority.file)
    certificate, key = authority.certify("firm", "DNS:firm.test")
    tls = {
        "session.broker.tls.ca_file": authority.file,
        "session.broker.tls.server_name": "venue.test",
        "session.broker.tls.certificate_file": certificate,
        "session.broker.tls.key_file": key,
    }
    with Venue(tmp_path, *keys) as venue, Day(tmp_path, settings(venue) | tls) as day:
        day.until_ready()
        until_sent(day, 150)
        assert day.stop() == 0, day.errors
        assert_equal(day, venue, 150)


@pytest.mark.deep
def test_a_hundred_thousand_orders(tmp_path: Path) -> None:
    with Venue(tmp_path) as venue, Day(tmp_path, settings(venue)) as day:
        day.until_ready()
        until_sent(day, 100_000, 600.0)
        assert day.stop() == 0, day.errors
        assert_equal(day, venue, 100_000)
