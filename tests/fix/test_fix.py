"""FIX from Python: a client and a venue over a real socket, both native, in one thread."""

import select
from collections.abc import Callable

import pytest

from daemon import core

NOW = 1_700_000_000 * 10**9
BUY, LIMIT, DAY = 1, 2, 0


def config(session: int, begin_string: str, *, initiator: bool) -> core.FixSessionConfig:
    made = core.FixSessionConfig()
    made.id = session
    made.begin_string = begin_string
    made.sender_comp_id, made.target_comp_id = ("FIRM", "VENUE") if initiator else ("VENUE", "FIRM")
    made.initiator = initiator
    return made


def symbols() -> core.FixSymbology:
    made = core.FixSymbology()
    made.add(0, "AAA", "0.01", "1", "0.0001")
    return made


class Side:
    """A session and what carries its messages; remembers all that the session said."""

    def __init__(self, session: core.FixSession, write: Callable[[int, bytes], bool]) -> None:
        self.session = session
        self.write = write
        self.said: list[tuple[object, ...]] = []
        self.sequence = 0

    def take(self, happened: list[tuple[object, ...]]) -> None:
        for kind, _, *rest in happened:
            if kind == "message":
                message = rest[1]
                assert isinstance(message, bytes)
                self.session.received(NOW, 1, message)
            elif kind == "event" and rest[0] == 0:
                self.session.connected(NOW)
        for item in self.session.drain():
            self.said.append(item)
            if item[0] == "tx":
                self.sequence += 1
                assert self.write(self.sequence, item[1])

    def kinds(self) -> list[object]:
        return [item[0] for item in self.said]


class Wire:
    """A listener and a client on loopback."""

    def __init__(self, begin_string: str) -> None:
        firm, venue = (config(1, begin_string, initiator=side) for side in (True, False))
        self.listener = core.FixListener("127.0.0.1", 0, [venue])
        self.client = core.FixConnection(1, "127.0.0.1", self.listener.port)
        self.firm = Side(core.FixSession(firm, symbols(), NOW), self.client.write)
        self.venue = Side(
            core.FixSession(venue, symbols(), NOW),
            lambda sequence, message: self.listener.write(1, sequence, message),
        )

    def until(self, holds: Callable[[], bool]) -> bool:
        for _ in range(500):
            self.firm.take(self.client.poll(NOW))
            self.venue.take(self.listener.poll(NOW))
            if holds():
                return True
            select.select([self.client.fileno(), self.listener.fileno()], [], [], 0.01)
        return False


@pytest.mark.parametrize("begin_string", ["FIX.4.2", "FIX.4.4"])
def test_an_order_reaches_the_venue_over_a_socket(begin_string: str) -> None:
    wire = Wire(begin_string)
    assert wire.until(lambda: wire.firm.session.logged_on and wire.venue.session.logged_on)
    record = order(cl_ord_id=0x500000001, price=10_150, order_qty=25)
    assert wire.firm.session.send_order(NOW, record)
    assert wire.until(lambda: "new_order" in wire.venue.kinds())
    assert ("new_order", 0x500000001, 0, BUY, 10_150, 25) in wire.venue.said


def order(cl_ord_id: int, price: int, order_qty: int) -> bytes:
    """An ORDER_SUBMITTED payload in the layout of native/schema/records.toml."""
    head = cl_ord_id.to_bytes(8, "little") + bytes(12) + bytes([BUY, LIMIT, DAY, 0])
    numbers = (price, 0, order_qty, 0, 0, 0)
    return head + b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)


def test_a_record_of_the_wrong_size_is_refused() -> None:
    session = core.FixSession(config(1, "FIX.4.4", initiator=True), symbols(), NOW)
    with pytest.raises(ValueError, match="expected a record of 72 bytes, found 3"):
        session.send_order(NOW, b"abc")


def test_a_bad_configuration_names_its_key() -> None:
    with pytest.raises(ValueError, match="begin_string: expected FIX"):
        core.FixSession(config(1, "FIX.5.0", initiator=True), symbols(), NOW)
    with pytest.raises(ValueError, match="increment"):
        core.FixSymbology().add(0, "AAA", "-1", "1", "1")


def test_a_sockets_path_that_no_address_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="a socket's path has at most 107 bytes"):
        core.FixConnection(0, "/" + "x" * 107, 1)
