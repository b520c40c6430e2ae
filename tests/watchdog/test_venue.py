"""The watchdog at the exchange: what works is cancelled, and seen to be gone."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from daemon.app.market_settings import FixSessionSettings, InstrumentSettings
from daemon.app.watchdog_settings import WatchdogSession
from daemon.core import host_now
from tests.exchange.fix_client import FixClient
from tests.exchange.running import Running, quiet_exchange
from tools.watchdog.venue import VenueSession
from tools.watchdog.words import Words
from tools.watchdog.working import Working

SECONDS_MAX = 20.0


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Running]:
    with quiet_exchange(tmp_path) as running:
        yield running


def words(**session: object) -> Words:
    """Of a session at the exchange that trades ACME, in lots of 10."""
    covered = {
        "name": "broker", "venue": "v", "sender_comp_id": "PITWIRE", "target_comp_id": "EXCHANGE",
        "host": "127.0.0.1", "port": 1,
    }  # fmt: skip
    instrument = {
        "symbol": "ACME", "venue": "v", "feed": "f", "session": "broker", "price_increment": "0.01",
        "qty_increment": "10", "settlement_currency": "USD",
        "fees": {"maker_rate": "0", "taker_rate": "0"},
    }  # fmt: skip
    return Words(
        msgspec.convert({**covered, **session, "kind": "fix"}, FixSessionSettings),
        [msgspec.convert(instrument, InstrumentSettings)],
    )


def session(
    exchange: Running, name: str, begin_string: str = "FIX.4.4", spoken: Words | None = None
) -> VenueSession:
    settings = WatchdogSession(
        name="kill",
        covers="broker",
        begin_string=begin_string,  # type: ignore[arg-type]  # one of two words
        sender_comp_id=name,
        target_comp_id="EXCHANGE",
        host="127.0.0.1",
        port=exchange.ports["fix"],
    )
    return VenueSession(settings, "PITWIRE", spoken or words(), 0)


def until(each: VenueSession, what: str) -> None:
    """Poll it until it is `up`, or its rounds are `over`."""
    deadline = time.monotonic() + SECONDS_MAX
    while not (each.up if what == "up" else each.rounds is not None and each.rounds.over):
        assert time.monotonic() < deadline, f"not {what}: {each.reason}, {each.rounds}"
        each.poll(host_now())
        time.sleep(0.002)


def order(number: int) -> Working:
    return Working(number, number, (number,), "broker", "ACME", "ACME", 1, Decimal(10), "alpha")


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


DIALECT = """
[exchange]
trades = "{folder}/trades.csv"
[fix]
port = 0
[agents]
actions_per_second = 1
[[instrument]]
symbol = "ACME"
tick = 0.01
start_price = 100.00
[[fix.session]]
target_comp_id = "PITWIRE"
dialect = "desk.toml"
symbols = {{ ACME = {{ symbol = "ACME.N", qty_unit = 10 }} }}
[[fix.session]]
target_comp_id = "KILL"
cancels_for = ["PITWIRE"]
dialect = "desk.toml"
symbols = {{ ACME = {{ symbol = "ACME.N", qty_unit = 10 }} }}
"""
DESK = """
name = "desk"
cl_ord_id = { prefix = "PW", base = 10 }
[[field]]
tag = 9010
name = "Strategy"
type = "STRING"
required = ["F"]
[[field]]
tag = 9011
name = "Desk"
type = "STRING"
required = ["F", "q"]
[[put]]
tag = 9010
source = "strategy"
messages = ["F"]
[[put]]
tag = 9011
value = "EQ1"
messages = ["F", "q"]
"""


@pytest.mark.parametrize("mass_cancel", [True, False])
def test_it_speaks_the_dialect_of_the_session_that_it_covers(
    tmp_path: Path, mass_cancel: bool
) -> None:
    config = tmp_path / "exchange.toml"
    config.write_text(DIALECT.format(folder=tmp_path))
    (tmp_path / "desk.toml").write_text(DESK)
    spoken = words(
        dialect=tomllib.loads(DESK), symbols={"ACME": {"symbol": "ACME.N", "qty_unit": 10}}
    )
    with Running(config) as exchange:
        owner = FixClient(exchange.ports["fix"])
        for number in range(1, 4):
            owner.order(number, 1, 1, "90.00", "ACME.N", (11, f"PW{number:020d}"))
            owner.wait(lambda m: m.get(150) == "0")
        watching = session(exchange, "KILL", spoken=spoken)
        until(watching, "up")
        rounds = watching.start(host_now())
        if not mass_cancel:
            rounds.not_taken("q", "left out")
        rounds.expect(order(number) for number in (1, 2, 3))
        until(watching, "over")
        assert (rounds.left, rounds.canceled) == ([], 3)
        assert rounds.refused == ("" if mass_cancel else "left out")
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
