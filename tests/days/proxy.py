"""A TCP proxy between a FIX client and its venue that does, seeded, what networks do.

Messages are framed in both directions, and what happens to one is drawn when it comes:

| fault | what |
| --- | --- |
| delay | this direction stands still for up to 50 ms |
| stall | both stand still for up to 1.5 s |
| duplicate | the message goes twice, as it is: with its own number and no PossDupFlag |
| poss_dup | it goes a second time as a resend would send it: PossDupFlag and OrigSendingTime |
| half | a part of its bytes goes, then the connection ends |
| close, reset | the connection ends, by FIN or by RST, before it |

Order is kept in each direction, and nothing is lost but what is under way when a connection ends: a
proxy that loses more would be no TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from types import TracebackType
from typing import Self

SOH = b"\x01"
# Of a million messages. Together a connection lives for some seconds of trading.
FAULTS = {
    "delay": 30_000,
    "stall": 2_000,
    "duplicate": 1_000,
    "poss_dup": 10_000,
    "half": 1_200,
    "close": 1_200,
    "reset": 1_200,
}
DELAY_S_MAX, STALL_S_MAX = 0.05, 1.5


class Proxy:
    """`with Proxy(port, seed) as proxy:`; it listens on `proxy.port`, on a thread of its own."""

    def __init__(self, venue_port: int, seed: int) -> None:
        self._venue_port = venue_port
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._links: set[_Link] = set()
        self.calm = False
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.end("")
        await asyncio.sleep(0.05)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            venue = await asyncio.open_connection("127.0.0.1", self._venue_port)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, venue[1])
        self._links.add(link)
        self.counts["connections"] += 1
        pumps = (self._pump(reader, venue[1], link), self._pump(venue[0], writer, link))
        await asyncio.gather(*(asyncio.create_task(each) for each in pumps))
        self._links.discard(link)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link
    ) -> None:
        held = b""
        with contextlib.suppress(ConnectionError):
            while not link.ended:
                while (end := _end(held)) == 0:
                    piece = await reader.read(65_536)
                    if not piece:
                        link.end("")
                        return
                    held += piece
                message, held = held[:end], held[end:]
                await self._pass(message, writer, link)
        link.end("")

    async def _pass(self, message: bytes, writer: asyncio.StreamWriter, link: _Link) -> None:
        fault = self._draw()
        self.counts["messages"] += 1
        match fault:
            case "delay":
                await asyncio.sleep(self._random.random() * DELAY_S_MAX)
            case "stall":
                link.stalled_until = self._loop.time() + self._random.random() * STALL_S_MAX
            case "half":
                writer.write(message[: self._random.randrange(1, len(message))])
                await writer.drain()
            case _:
                pass
        if fault in ("half", "close", "reset"):
            link.end(fault)
            return
        await asyncio.sleep(max(0.0, link.stalled_until - self._loop.time()))
        if link.ended:
            return
        writer.write(message)
        if fault == "duplicate":
            writer.write(message)
        elif fault == "poss_dup":
            writer.write(_possible_duplicate(message))
        await writer.drain()

    def _draw(self) -> str:
        """Drawn also while it is calm, so that a seed means the same until then."""
        left = self._random.randrange(1_000_000)
        for fault, share in FAULTS.items():
            left -= share
            if left < 0:
                if self.calm:
                    return ""
                self.counts[fault] += 1
                return fault
        return ""


class _Link:
    """Both ends of a connection."""

    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers
        self.stalled_until = 0.0
        self.ended = False

    def end(self, how: str) -> None:
        """Once: by RST, else by FIN."""
        if self.ended:
            return
        self.ended = True
        for writer in self._writers:
            if how == "reset":
                linger = struct.pack("ii", 1, 0)
                connection = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()


def _end(held: bytes) -> int:
    """Where the first whole message ends, 0 where there is none."""
    at = held.find(SOH + b"10=")
    end = held.find(SOH, at + 1) if at >= 0 else -1
    return end + 1


def _possible_duplicate(message: bytes) -> bytes:
    """The same once more, as its sender would resend it; nothing of an administrative one."""
    fields = [field.split(b"=", 1) for field in message.split(SOH) if field]
    kind = next((field[1] for field in fields if field[0] == b"35"), b"")
    if kind in (b"A", b"0", b"1", b"2", b"3", b"4", b"5"):
        return b""
    kept = [field for field in fields if field[0] not in (b"8", b"9", b"10", b"43", b"122")]
    body = b""
    for tag, value in kept:
        body += tag + b"=" + value + SOH
        if tag == b"52":
            body += b"43=Y" + SOH + b"122=" + value + SOH
    head = fields[0][0] + b"=" + fields[0][1] + SOH + f"9={len(body)}".encode() + SOH
    return head + body + f"10={sum(head + body) % 256:03d}".encode() + SOH
