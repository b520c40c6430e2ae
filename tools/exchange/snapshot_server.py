"""Serves the whole book over TCP, so that a reader of the ITCH feed can begin in its middle.

Framing as SoupBinTCP's: u16 big-endian length of what follows, a type byte, the payload. The client
says 'L' (username 6, password 10, session 10, sequence 20 characters); the server answers 'A'
(session, next sequence), an 'S' for each message (directory, trading states, an Add Order for each
order in priority), and 'G' with the sequence to go on from; then it closes. 'J' with a reason
letter refuses: 'S' where the session is another one. The client's side is
native/include/pitwire/wire/snapshot_client.hpp.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.core import Exchange

LOGIN_BYTES = 46
LOGIN_SECONDS_MAX = 5.0
SESSION = slice(16, 26)


def frame(kind: bytes, payload: bytes) -> bytes:
    """One packet."""
    return (len(payload) + 1).to_bytes(2, "big") + kind + payload


class SnapshotServer:
    """One snapshot a connection; the snapshot is taken when the login has arrived."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._server: asyncio.Server | None = None
        self.served = 0

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self._answer(await self._login(reader)))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # The client has gone or said nothing: it asks again.
        finally:
            writer.close()

    async def _login(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(LOGIN_SECONDS_MAX):
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(min(size, LOGIN_BYTES + 1))

    def _answer(self, login: bytes) -> bytes:
        if len(login) != LOGIN_BYTES + 1 or login[:1] != b"L":
            return frame(b"J", b"A")
        session = self._exchange.mold_session()
        asked = login[1:][SESSION]
        if asked.strip() and asked != session:
            return frame(b"J", b"S")
        # The snapshot flushes what is pending, so it comes before the sequence in 'A'.
        snapshot = self._exchange.snapshot()
        self.served += 1
        return frame(b"A", session + b"%20d" % self._exchange.next_sequence()) + snapshot
