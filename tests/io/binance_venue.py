"""A venue on loopback that speaks Binance's protocol: says what a test tells it to say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import WSMsgType, web

Levels = list[tuple[str, str]]


def diff(first: int, last: int, bids: Levels = [], asks: Levels = []) -> str:  # noqa: B006  never changed
    """A spot difference in a combined stream."""
    payload = {"e": "depthUpdate", "E": 1_700_000_000_000, "s": "BTCUSDT", "U": first, "u": last}
    return combined("btcusdt@depth@100ms", {**payload, "b": bids, "a": asks})


def trade(px: str, qty: str, event: str = "trade", *, buyer_is_maker: bool = False) -> str:
    """A trade; the aggressor bought unless the buyer was the maker."""
    payload = {"e": event, "E": 1, "T": 1_700_000_000_000, "s": "BTCUSDT", "m": buyer_is_maker}
    return combined(f"btcusdt@{event}", {**payload, "p": px, "q": qty})


def combined(stream: str, payload: dict[str, Any]) -> str:
    return json.dumps({"stream": stream, "data": payload})


def snapshot(last: int, bids: Levels, asks: Levels) -> str:
    return json.dumps({"lastUpdateId": last, "bids": bids, "asks": asks})


@dataclass
class Refusal:
    """An HTTP error in place of a snapshot."""

    status: int
    text: str = '{"code":-1003,"msg":"no"}'
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Feed:
    """Settings of a feed, by the names of the configuration."""

    websocket_url: str
    rest_url: str
    name: str = "spot"
    market: Any = "spot"
    trades_url: str | None = None
    depth_interval_ms: int = 100
    snapshot_levels: int = 1000
    book_ticker: bool = True
    trades: bool = True
    stale_after_ms: int = 60_000
    reconnect_ms_max: int = 1000


class Venue:
    """`async with Venue() as venue`. Clients stay in `clients`, requests in `requests`."""

    def __init__(self) -> None:
        self.clients: list[web.WebSocketResponse] = []
        self.streams: list[str] = []
        self.requests: list[str] = []
        self.request_times: list[float] = []
        self.answers: dict[str, list[str | Refusal]] = {}  # by symbol, the last one stays
        self.on_request: Callable[[], None] = lambda: None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/{prefix:.*}stream", self._stream)
        application.router.add_get("/{path:.*}depth", self._depth)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.close()
        await self._runner.cleanup()

    def feed(self, **changes: str | int | bool) -> Feed:
        """This venue, with other settings by name."""
        feed = Feed(f"ws://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}")
        for name, value in changes.items():
            setattr(feed, name, value)
        return feed

    async def send(self, *messages: str, client: int = -1) -> None:
        """To the newest client."""
        for message in messages:
            await self.clients[client].send_str(message)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what clients do."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.clients.append(socket)
        self.streams.append(f"{request.path}?{request.query_string}")
        self._changed.set()
        async for message in socket:
            assert message.type is not WSMsgType.TEXT, "the edge asks nothing on the stream"
        return socket

    async def _depth(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.path}?{request.query_string}")
        self.request_times.append(asyncio.get_running_loop().time())
        self.on_request()
        self._changed.set()
        answers = self.answers[request.query["symbol"]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Refusal):
            return web.Response(status=answer.status, text=answer.text, headers=answer.headers)
        return web.Response(text=answer, content_type="application/json")
