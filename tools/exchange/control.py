"""What a venue does unasked, on command: for tests of clients, over a Unix socket.

One line of JSON a request, one a reply, `{"done": true}` or `{"done": false}`; what cannot be read
is answered by `{"error": REASON}`. `do` is one of:

    cancel restate done_for_day overfill    an order of the client's: `order` (its ClOrdID in
                                            hexadecimal); `px`, `qty` where it gets others
    trade                                   of an order that was never sent: `order`, `symbol`,
                                            `side`, `px`, `qty`
    bust correct                            a trade: `trade` (the number in its ExecID), `px`, `qty`
    withhold                                the next `qty` trades are not told to the client
    drop                                    its connection ends

`client` is the session's target_comp_id. Prices and quantities are in the instrument's increments.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from daemon.core import Exchange

# `pitwire::Provocation`, in its order.
KINDS: Final = ("cancel", "restate", "done_for_day", "overfill", "trade", "bust", "correct")
LINE_BYTES_MAX: Final = 4096


class Provocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One request."""

    do: Literal[
        "cancel",
        "restate",
        "done_for_day",
        "overfill",
        "trade",
        "bust",
        "correct",
        "withhold",
        "drop",
    ]
    client: str
    order: str = "0"
    symbol: str = ""
    side: Literal["", "BUY", "SELL"] = ""
    px: int = 0
    qty: int = 0
    trade: int = 0


class ControlServer:
    """Carries out provocations between two polls of the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._server: asyncio.Server | None = None

    async def start(self, path: str) -> None:
        """Listen; what a process before left there is replaced."""
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LINE_BYTES_MAX)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(self._answer(line)) + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # The client is gone, or its line was too long.
        finally:
            writer.close()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            asked = msgspec.json.decode(line, type=Provocation)
            return {"done": self._do(asked)}
        except (msgspec.DecodeError, ValueError) as error:
            return {"error": str(error)}

    def _do(self, asked: Provocation) -> bool:
        if asked.do == "withhold":
            return self._exchange.withhold(asked.client, asked.qty)
        if asked.do == "drop":
            return self._exchange.drop(asked.client)
        return self._exchange.provoke(
            asked.client,
            KINDS.index(asked.do),
            asked.symbol,
            int(asked.order, 16),
            ("", "BUY", "SELL").index(asked.side),
            asked.px,
            asked.qty,
            asked.trade,
        )
