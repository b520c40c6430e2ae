"""Icebergs and what waits for a price, over FIX: how they trade, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.fix_client import FixClient, Message
from tests.exchange.running import quiet_exchange

Fields = tuple[tuple[int, object], ...]

TRAILS: Fields = ((40, "P"), (18, "a"), (211, "0.05"))
UNSUPPORTED = "combination of order type, time in force and instructions not supported"


class Others:
    """Two more clients, whose trades are ACME's last price."""

    def __init__(self, port: int) -> None:
        self._seller, self._buyer = FixClient(port, "OTHER"), FixClient(port, "KILL")
        self._next = 0

    def trade(self, price: str) -> None:
        """Between the two, at a price inside the spread of everybody else's."""
        self._next += 1
        number = self._next
        self._seller.order(number, 2, 1, price, "ACME")
        self._seller.report(number, "0")
        self.buy(1, price)
        self._seller.report(number, "F")

    def buy(self, qty: int, price: str) -> None:
        """At once or not at all."""
        self._next += 1
        self._buyer.order(self._next, 1, qty, price, "ACME", (59, 4))
        self._buyer.report(self._next, "F")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """FIX of an exchange whose agents leave 99.99 to 100.01 free."""
    with quiet_exchange(tmp_path) as running:
        yield running.ports["fix"]


def replaced(client: FixClient, cl_ord_id: int, orig: int, *more: tuple[int, object]) -> Message:
    """A sell of ACME gets other terms: the report, or the refusal."""
    client.change("G", cl_ord_id, orig, 2, "ACME", *more)
    return client.wait(lambda m: m[35] == "9" or (m[35] == "8" and m[150] == "5"))


def works_nothing(client: FixClient) -> bool:
    """The exchange has no order of this client's."""
    client.send("AF", [(584, f"{0xAF:016X}"), (585, 7)])
    return client.wait(lambda m: m.get(584) == f"{0xAF:016X}")[58] == "no orders"


def test_an_iceberg_is_one_order_to_its_client_whatever_the_market_sees(port: int) -> None:
    client, others = FixClient(port), Others(port)
    client.order(1, 2, 10, "100.00", "ACME", (111, 4))
    known = client.report(1, "0")[37]
    others.buy(6, "100.00")
    fills = [client.report(1, "F") for _ in range(2)]
    assert [(m[32], m[151], m[37]) for m in fills] == [("4", "6", known), ("2", "4", known)]
    said = replaced(client, 2, 1, (38, 8), (40, 2), (44, "100.00"), (111, 4))
    assert (said[150], said[151]) == ("5", "2")
    others.buy(2, "100.00")
    assert client.report(2, "F")[39] == "2"


def test_a_trailing_stop_follows_the_market_and_sells_when_it_turns(port: int) -> None:
    client, others = FixClient(port), Others(port)
    others.trade("99.99")
    client.order(1, 2, 3, 0, "ACME", (40, "P"), (18, "a"), (211, "0.02"))
    client.report(1, "0")
    others.trade("100.01")  # it stands at 99.99 now
    said = replaced(client, 2, 1, (38, 2), (40, "P"), (18, "a"), (211, "0.02"))
    assert (said[150], said[39], said[151]) == ("5", "0", "2")
    others.trade("99.99")
    assert client.wait(lambda m: m[35] == "8" and m[39] == "2")[14] == "2"


def test_an_order_if_touched_waits_for_the_market_to_come_to_it(port: int) -> None:
    client, others = FixClient(port), Others(port)
    others.trade("99.99")
    client.order(1, 2, 3, 0, "ACME", (40, "J"), (99, "100.02"))
    client.report(1, "0")
    others.trade("100.00")
    client.change("H", 1, 0, 2, "ACME")
    assert client.report(1, "I")[39] == "0"
    said = replaced(client, 2, 1, (38, 3), (40, "J"), (99, "100.01"))
    assert (said[150], said[39], said[99]) == ("5", "0", "100.0100")
    others.trade("100.01")
    assert client.wait(lambda m: m[35] == "8" and m[39] == "2")[14] == "3"


REFUSED: list[tuple[Fields, str, str]] = [
    (((111, 11),), "13", "quantity not positive"),
    (((111, 0),), "13", "tag 111: expected a quantity above 0"),
    (((111, 4), (59, 3)), "11", UNSUPPORTED),
    (((111, 4), (40, 1)), "11", UNSUPPORTED),
    (((40, "P"), (18, "a")), "99", "tag 211 is missing"),
    (((40, "P"), (211, "0.05")), "11", "a pegged order must be a trailing stop"),
    ((*TRAILS, (836, 2)), "11", "a pegged order must be a trailing stop"),
    (((40, "P"), (18, "a"), (211, "0")), "99", "tag 211: expected a distance above 0"),
    (((40, "P"), (18, "a"), (211, "2.5"), (836, 1)), "99", "tag 211=2.5"),
    ((*TRAILS, (59, 6), (126, "20991231-12:00:00")), "11", UNSUPPORTED),
    ((*TRAILS, (111, 4)), "11", UNSUPPORTED),
    (((40, "J"),), "99", "tag 99 is missing"),
    (((40, "J"), (99, "100.001")), "99", "price outside the instrument's range or off its tick"),
]


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FixClient]:
    """One exchange for every order that it refuses."""
    with quiet_exchange(tmp_path_factory.mktemp("refusing")) as running:
        yield FixClient(running.ports["fix"])


@pytest.mark.parametrize(("terms", "reason", "text"), REFUSED)
def test_an_order_that_cannot_be_is_refused_with_the_reason(
    refusing: FixClient, terms: Fields, reason: str, text: str
) -> None:
    number = refusing.sequence
    refusing.order(number, 2, 10, "100.00", "ACME", *terms)
    refused = refusing.report(number, "8")
    assert (refused[39], refused[103], refused[151]) == ("8", reason, "0")
    assert text in refused[58]
    assert works_nothing(refusing)


def test_a_replace_that_cannot_be_is_refused_and_the_order_stays(port: int) -> None:
    client, others = FixClient(port), Others(port)
    others.trade("100.00")
    client.order(1, 2, 10, "100.01", "ACME", (111, 4))
    client.order(2, 2, 3, 0, "ACME", *TRAILS)
    client.order(3, 2, 3, "100.01", "ACME", (40, 4), (99, "100.00"))  # reached: a limit order now
    client.report(3, "0")
    limit: Fields = ((38, 10), (40, 2), (44, "100.01"))
    # What cannot be read is refused before anybody looks which order it names: OrdStatus 8.
    cases: list[tuple[int, Fields, str, str, str]] = [
        (1, (*limit, (111, 5)), "2", "0", UNSUPPORTED),
        (1, limit, "2", "0", UNSUPPORTED),
        (2, ((38, 3), (40, "P"), (18, "a"), (211, "0.04")), "2", "0", UNSUPPORTED),
        (2, ((38, 3), (40, "P"), (18, "a"), (211, "5"), (836, 1)), "2", "0", UNSUPPORTED),
        (2, ((38, 3), (40, "P"), (18, "a")), "2", "8", "tag 211 is missing"),
        (3, ((38, 3), (40, 4), (44, "100.01"), (99, "99.99")), "0", "0", "too late"),
    ]
    for number, (orig, terms, reason, status, text) in enumerate(cases, start=10):
        refused = replaced(client, number, orig, *terms)
        assert (refused[35], refused[434], refused[102], refused[39]) == ("9", "2", reason, status)
        assert text in refused[58]
    for orig, qty in ((1, "10"), (2, "3"), (3, "3")):
        client.change("H", orig, 0, 2, "ACME")
        assert client.report(orig, "I")[151] == qty
