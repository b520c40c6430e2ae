"""A FIX client for tests: blocking, tiny, independent of the code under test."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

SOH = b"\x01"
Message = dict[int, str]


def encode(fields: list[tuple[int, object]]) -> bytes:
    """A whole message from its fields after BodyLength."""
    body = b"".join(f"{tag}={value}".encode() + SOH for tag, value in fields)
    head = b"8=FIX.4.4" + SOH + f"9={len(body)}".encode() + SOH
    return head + body + f"10={sum(head + body) % 256:03d}".encode() + SOH


def now() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]


class FixClient:
    """Logs on by itself; `wait` reads until a message fits or the time is over."""

    def __init__(
        self, port: int, name: str = "PITWIRE", sequence: int = 1, expected: int = 1
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.name = name
        self.sequence = sequence
        self.expected = expected
        self.received: list[Message] = []
        self._bytes = b""
        self.send("A", [(98, 0), (108, 30)])
        self.logon = self.wait(lambda message: message[35] == "A")

    def send(self, kind: str, fields: list[tuple[int, object]]) -> None:
        """What belongs to the header (OnBehalfOfCompID) is put there."""
        header = [(35, kind), (34, self.sequence), (49, self.name), (52, now()), (56, "EXCHANGE")]
        more = [field for field in fields if field[0] == 115]
        body = [field for field in fields if field[0] != 115]
        self.sequence += 1
        self.socket.sendall(encode([*header, *more, *body]))

    def order(
        self,
        cl_ord_id: int,
        side: int,
        qty: object,
        price: object,
        symbol: str,
        *more: tuple[int, object],
    ) -> None:
        fields: list[tuple[int, object]] = [
            (11, f"{cl_ord_id:016X}"),
            (55, symbol),
            (54, side),
            (60, now()),
            (38, qty),
            (40, 2),
            (44, price),
            (59, 0),
        ]
        kept = [field for field in fields if field[0] not in {tag for tag, _ in more}]
        self.send("D", [*kept, *more])

    def change(
        self,
        kind: str,
        cl_ord_id: int,
        orig: int,
        side: int,
        symbol: str,
        *more: tuple[int, object],
    ) -> None:
        """Cancel (F), replace (G) or status (H)."""
        fields: list[tuple[int, object]] = [(11, f"{cl_ord_id:016X}"), (55, symbol), (54, side)]
        if kind != "H":
            fields += [(41, f"{orig:016X}"), (60, now())]
        self.send(kind, [*fields, *more])

    def read(self) -> Message | None:
        """The next message, None where none came within the socket's time."""
        while (end := self._end()) == 0:
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not piece:
                return None
            self._bytes += piece
        whole, self._bytes = self._bytes[:end], self._bytes[end:]
        pairs = (field.split(b"=", 1) for field in whole.split(SOH) if field)
        message = {int(tag): value.decode() for tag, value in pairs}
        self.received.append(message)
        return message

    def _end(self) -> int:
        at = self._bytes.find(SOH + b"10=")
        end = self._bytes.find(SOH, at + 1) if at >= 0 else -1
        return end + 1

    def wait(self, fits: Callable[[Message], bool], seconds: float = 5.0) -> Message:
        """The first message from now on that fits."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.read()
            if message is not None and fits(message):
                return message
        raise AssertionError(f"no such message within {seconds} s; got {self.received[-5:]}")

    def report(self, cl_ord_id: int, exec_type: str) -> Message:
        """The next execution report of this order and type."""
        wanted = f"{cl_ord_id:016X}"
        return self.wait(lambda m: m[35] == "8" and m.get(11) == wanted and m[150] == exec_type)

    def close(self) -> None:
        self.socket.close()
