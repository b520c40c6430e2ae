"""Binance's streams and depth snapshots, as the venue serves them, from a recorded market.

WebSocket: `/ws/STREAM`, `/stream?streams=A/B`, and SUBSCRIBE / UNSUBSCRIBE messages on either. A
prefix `/spot`, `/usdm` or `/coinm` keeps to one kind of market, for symbols that are on several.
REST: `/api/v3/depth` (spot), `/fapi/v1/depth` (USD-M), `/dapi/v1/depth` (COIN-M), with `symbol` and
`limit`; 503 while the recording has not reached the symbol's own snapshot yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from daemon.core import Exchange

REST_PATHS: Final = {
    "spot": "/api/v3/depth",
    "usdm": "/fapi/v1/depth",
    "coinm": "/dapi/v1/depth",
}
MARKETS: Final = tuple(REST_PATHS)
DEPTH_LIMIT_MAX: Final = 5000
MESSAGE_BYTES_MAX: Final = 1 << 16
FULL_SECONDS: Final = 0.01
BOOK_SECONDS: Final = 0.005
BOOK_LOOKS: Final = 100

Message = tuple[int, str, bytes, bytes]


class Command(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may say on its connection."""

    method: str
    id: int | str | None = None
    params: list[str] = []


class Client:
    """One connection: what it subscribed, and what waits to be sent to it."""

    def __init__(self, market: str, combined: bool, queue_max: int) -> None:
        self.market = market
        self.combined = combined
        self.streams: set[str] = set()
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(queue_max)  # None: a ping
        self.answered = asyncio.Event()


class BinanceServer:
    """Sends the messages of `publish` to whoever subscribed them."""

    def __init__(
        self,
        exchange: Exchange,
        instruments: Sequence[tuple[str, str]],
        queue_max: int,
        clients: int,
    ) -> None:
        """`instruments`: (market, symbol at the venue), in the exchange's order.

        `subscribed` is set when `clients` connections have subscribed something.
        """
        self._exchange = exchange
        self._instruments = instruments
        self.queue_max = queue_max
        self._clients: set[Client] = set()
        self._runner: web.AppRunner | None = None
        self._clients_wanted = clients
        self.subscribed = asyncio.Event()
        self.overflowed = 0

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port."""
        application = web.Application()
        for market, path in REST_PATHS.items():
            application.router.add_get(path, self._depth_of(market))
        for prefix in ("", *(f"/{market}" for market in MARKETS)):
            application.router.add_get(f"{prefix}/stream", self._stream)
            application.router.add_get(f"{prefix}/ws", self._stream)
            application.router.add_get(f"{prefix}/ws/{{stream}}", self._stream)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    # ------------------------------------------------------------ streams

    def publish(self, messages: Iterable[Message]) -> None:
        """Queue each message for its subscribers; one whose queue is full is disconnected."""
        for symbol, stream, whole, payload in messages:
            market = self._instruments[symbol][0]
            for client in list(self._clients):
                if stream in client.streams and client.market in ("", market):
                    self._queue(client, whole if client.combined else payload)

    def _queue(self, client: Client, message: bytes) -> None:
        try:
            client.queue.put_nowait(message)
        except asyncio.QueueFull:
            self._clients.discard(client)
            self.overflowed += 1

    @property
    def queued(self) -> int:
        """Messages waiting for the slowest client."""
        return max((client.queue.qsize() for client in self._clients), default=0)

    async def all_read(self) -> None:
        """Until every client has read what was published so far, or is gone.

        Each is sent a ping behind its last message, and answers it when it comes to it.
        """
        for client in list(self._clients):
            if client.streams:
                await self._has_read(client)

    async def _has_read(self, client: Client) -> None:
        while client in self._clients:
            if client.queue.full():
                await asyncio.sleep(FULL_SECONDS)
                continue
            client.answered.clear()
            client.queue.put_nowait(None)
            await client.answered.wait()
            return

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        first = request.path.split("/")[1]
        client = Client(
            first if first in MARKETS else "", "/stream" in request.path, self.queue_max
        )
        socket = web.WebSocketResponse(
            max_msg_size=MESSAGE_BYTES_MAX, compress=False, autoping=False
        )
        await socket.prepare(request)
        named = request.match_info.get("stream") or request.query.get("streams", "")
        self._clients.add(client)
        self._subscribe(client, [name for name in named.split("/") if name])
        sender = asyncio.create_task(self._send(socket, client))
        try:
            await self._listen(socket, client)
        finally:
            self._clients.discard(client)
            client.answered.set()
            sender.cancel()
        return socket

    def _subscribe(self, client: Client, streams: list[str]) -> None:
        client.streams.update(streams)
        if sum(1 for known in self._clients if known.streams) >= self._clients_wanted:
            self.subscribed.set()

    async def _send(self, socket: web.WebSocketResponse, client: Client) -> None:
        while client in self._clients:
            message = await client.queue.get()
            if message is None:
                await socket.ping()
            else:
                await socket.send_str(message.decode())
        await socket.close(code=1008, message=b"too slow")

    async def _listen(self, socket: web.WebSocketResponse, client: Client) -> None:
        async for message in socket:
            match message.type:
                case WSMsgType.TEXT:
                    await socket.send_str(self._handle(client, message.data))
                case WSMsgType.PING:
                    await socket.pong(message.data)
                case WSMsgType.PONG:
                    client.answered.set()
                case _:
                    break

    def _handle(self, client: Client, text: str) -> str:
        try:
            command = msgspec.json.decode(text, type=Command)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            return msgspec.json.encode({"error": {"code": 3, "msg": str(error)}}).decode()
        match command.method:
            case "SUBSCRIBE":
                self._subscribe(client, command.params)
                result: object = None
            case "UNSUBSCRIBE":
                client.streams.difference_update(command.params)
                result = None
            case "LIST_SUBSCRIPTIONS":
                result = sorted(client.streams)
            case unknown:
                refusal = {"code": 2, "msg": f"unknown method {unknown}"}
                return msgspec.json.encode({"error": refusal, "id": command.id}).decode()
        return msgspec.json.encode({"result": result, "id": command.id}).decode()

    # ------------------------------------------------------------ REST

    def _depth_of(self, market: str) -> _Handler:
        async def depth(request: web.Request) -> web.Response:
            return await self._depth(market, request)

        return depth

    async def _depth(self, market: str, request: web.Request) -> web.Response:
        symbol = request.query.get("symbol", "").upper()
        limit = request.query.get("limit", "100")
        if not limit.isdecimal() or not 1 <= int(limit) <= DEPTH_LIMIT_MAX:
            return _error(400, -1100, f"limit: {limit} is not in [1, {DEPTH_LIMIT_MAX}]")
        for place, (kind, name) in enumerate(self._instruments):
            if kind == market and name.upper() == symbol:
                return await self._book(place, int(limit))
        return _error(400, -1121, f"Invalid symbol: {symbol}")

    async def _book(self, place: int, limit: int) -> web.Response:
        """Waits a little for the recording: a second of it is a day at full speed."""
        for _ in range(BOOK_LOOKS):
            if body := self._exchange.depth(place, limit):
                return web.Response(body=body, content_type="application/json")
            await asyncio.sleep(BOOK_SECONDS)
        return _error(503, -1001, "the recording has not reached this symbol's snapshot")


def _error(status: int, code: int, text: str) -> web.Response:
    headers = {"Retry-After": "1"} if status == 503 else None
    return web.json_response({"code": code, "msg": text}, status=status, headers=headers)


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    _Handler = Callable[[web.Request], Awaitable[web.Response]]
