"""The watchdog at the exchange: what works is cancelled, and seen to be gone."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.app.watchdog_settings import WatchdogSession
from daemon.core import host_now
from tests.exchange.fix_client import FixClient
from tests.exchange.running import AGENTS, Running
from tools.watchdog.venue import VenueSession
from tools.watchdog.working import Working

SECONDS_MAX = 20.0


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Running]:
    config = tmp_path / "exchange.toml"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        config.write_text(AGENTS.format(folder=tmp_path, line=line.getsockname()[1], rate=1))
        with Running(config) as running:
            yield running


def session(exchange: Running, name: str, begin_string: str = "FIX.4.4") -> VenueSession:
    settings = WatchdogSession(
        name="kill",
        covers="broker",
        begin_string=begin_string,  # type: ignore[arg-type]  # one of two words
        sender_comp_id=name,
        target_comp_id="EXCHANGE",
        host="127.0.0.1",
        port=exchange.ports["fix"],
    )
    return VenueSession(settings, "PITWIRE", 0)


def until(each: VenueSession, what: str) -> None:
    """Poll it until it is `up`, or its rounds are `over`."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (each.up if what == "up" else each.rounds is not None and each.rounds.over):
        assert time.monotonic() < deadline, f"not {what}: {each.reason}, {each.rounds}"
        each.poll(host_now())
        time.sleep(0.002)


def order(number: int) -> Working:
    return Working(number, number, (number,), "broker", "ACME", 1, "10")


@pytest.mark.parametrize(("name", "version"), [("KILL", "FIX.4.4"), ("KILL42", "FIX.4.2")])
def test_what_works_is_cancelled_and_known_to_be_gone(
    exchange: Running, name: str, version: str
) -> None:
    owner = FixClient(exchange.ports["fix"])
    for number in range(1, 6):
        owner.order(number, 1, 10, "90.00", "ACME")
        owner.report(number, "0")
    owner.change("F", 6, 5, 1, "ACME")
    owner.report(6, "4")
    watching = session(exchange, name, version)
    until(watching, "up")
    rounds = watching.start(host_now())
    rounds.expect(order(number) for number in (1, 2, 3, 4, 5, 99))
    until(watching, "over")
    assert (rounds.left, rounds.canceled, rounds.refused) == ([], 4, "")
    for number in range(1, 5):
        assert owner.report(number, "4")[39] == "4"
    watching.log_out(host_now())


def test_it_comes_back_by_itself_and_goes_on_where_it_was_cut_off(exchange: Running) -> None:
    owner = FixClient(exchange.ports["fix"])
    owner.order(1, 1, 10, "90.00", "ACME")
    owner.report(1, "0")
    watching = session(exchange, "KILL")
    until(watching, "up")
    rounds = watching.start(host_now())
    rounds.expect([order(1)])
    watching._connection.close("cut off")
    until(watching, "over")
    assert (rounds.left, rounds.canceled) == ([], 1)
    assert owner.report(1, "4")[39] == "4"


def test_a_venue_that_does_not_entitle_it_leaves_the_orders_and_says_why(exchange: Running) -> None:
    owner = FixClient(exchange.ports["fix"])
    owner.order(1, 1, 10, "90.00", "ACME")
    owner.report(1, "0")
    watching = session(exchange, "OTHER")
    until(watching, "up")
    rounds = watching.start(host_now())
    rounds.expect([order(1)])
    deadline = time.monotonic() + SECONDS_MAX
    while rounds.rounds < 4 and time.monotonic() < deadline:
        watching.poll(host_now())
        time.sleep(0.002)
    assert (rounds.over, rounds.left) == (False, [1])
    assert rounds.refused == "not entitled to orders of that session"
