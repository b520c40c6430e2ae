"""Receives a Binance feed: combined WebSocket streams, and snapshots over REST.

    connect ─► DISCONNECTED, CONNECTED ─► differences flow (the core keeps them) ─► snapshots
                    ▲                                                                   │
                    └── lost, or silent for `stale_after_ms`: DISCONNECTED ◄────────────┘

The edge decides nothing about books. It stamps what it hears, hands it on in the order in which it
came, and says when it hears nothing: the core bridges differences and snapshots by their update
ids, and asks again (`fetch_snapshot`) where they do not meet. Snapshots are fetched only after the
stream is open: an older one could never be bridged.

Silence counts on the books' connection only, because trades may be rare. A feed of two addresses
is connected where both are: losing one begins anew with both. A connection that stays silent for
`SILENCES_MAX` times the limit is given up: the other end is gone without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import aiohttp
import structlog

from daemon.core import FeedEvent, MessageKind, host_now
from daemon.io.binance_api import (
    BinanceFeedSettings,
    snapshot_interval_s,
    snapshot_url,
    stream_urls,
)
from daemon.io.binance_snapshots import REFETCH_S, SnapshotFetcher

NO_INSTRUMENT: Final = 0xFFFF_FFFF
MESSAGE_BYTES_MAX: Final = 8 << 20
CONNECT_S: Final = 10.0
RECONNECT_S_MIN: Final = 0.1
SILENCES_MAX: Final = 3

_WEBSOCKET: Final = int(MessageKind.WEBSOCKET)
_SNAPSHOT: Final = int(MessageKind.SNAPSHOT)

_log = structlog.get_logger("feed")


class MarketPort(Protocol):
    """Where a feed's inputs go: `daemon.core.Live`, or whoever records them."""

    def push_market_message(
        self, feed: int, ts_recv: int, kind: int, instrument: int, text: str, /
    ) -> bool | None:
        """False: not taken, for want of room."""

    def push_feed_status(self, feed: int, event: int, /) -> None: ...


class FeedLostError(Exception):
    """Why a connection is given up."""


class BinanceEdge:
    """One feed. Construct on the loop, `start()`, `await close()`. Not thread-safe."""

    def __init__(
        self,
        live: MarketPort,
        number: int,
        feed: BinanceFeedSettings,
        symbols: Mapping[str, int],
        names: Mapping[str, str],
        wake: Callable[[], None],
        *,
        reconnect_s_min: float = RECONNECT_S_MIN,
        refetch_s: float = REFETCH_S,
    ) -> None:
        """`symbols` are the feed's own names with their instruments' ids, `names` what the
        configuration calls them; `wake` has the core take a turn. ValueError where one connection
        cannot carry them all."""
        self._live = live
        self._number = number
        self._feed = feed
        self._symbols = dict(symbols)
        self._by_name = {names.get(symbol, symbol): symbol for symbol in symbols}
        self._wake = wake
        self._urls = stream_urls(feed, symbols)
        self._reconnect_s_min = reconnect_s_min
        self._stale_s = feed.stale_after_ms / 1000
        self._heard = 0.0  # loop time of the last message of the books' connection
        self._up = False
        self._proven = False  # this connection has brought a message
        self._task: asyncio.Task[None] | None = None
        self._snapshots = SnapshotFetcher(
            feed.name,
            lambda symbol: snapshot_url(feed, symbol),
            snapshot_interval_s(feed),
            self._snapshot,
            refetch_s,
        )
        self.messages = 0
        self.connections = 0
        self.losses = 0
        """Ends of connections, and attempts at one that failed."""
        self.ignored = 0
        """Frames that were no text."""

    @property
    def connected(self) -> bool:
        """Streams are open and not silent."""
        return self._up

    @property
    def snapshots_fetched(self) -> int:
        return self._snapshots.fetched

    @property
    def snapshots_failed(self) -> int:
        return self._snapshots.failed

    def start(self) -> None:
        """Connect, for ever, from the running loop."""
        # Books may come from a checkpoint: whoever fed them, it was not this connection.
        self._status(FeedEvent.DISCONNECTED)
        if self._symbols:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._ended)

    def fetch_snapshot(self, symbol: str) -> None:
        """Of one instrument, by its configured symbol; none of this feed's is ignored.

        At the venue's pace, and once, however often it is asked for before it is there. Without a
        connection nothing is fetched: connecting asks for all of them.
        """
        known = self._by_name.get(symbol)
        if known is not None and self._up:
            self._snapshots.want(known)

    async def close(self) -> None:
        """End the connections; the core hears nothing of it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # ------------------------------------------------------------------ connections

    async def _run(self) -> None:
        retry_s = self._reconnect_s_min
        async with aiohttp.ClientSession() as session:
            while True:
                reason = await self._connection(session)
                self.losses += 1
                self._down()
                if self._proven:
                    retry_s = self._reconnect_s_min
                _log.warning("feed lost", feed=self._feed.name, reason=reason, retry_s=retry_s)
                self._wake()
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, self._feed.reconnect_ms_max / 1000)

    async def _connection(self, session: aiohttp.ClientSession) -> str:
        """The life of one connection, or of two; why it ended."""
        self._proven, reason = False, ""
        try:
            async with contextlib.AsyncExitStack() as stack:
                sockets = [await self._open(session, stack, url) for url in self._urls]
                self.connections += 1
                self._heard = asyncio.get_running_loop().time()
                self._come_up()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._watch())
                    group.create_task(self._snapshots.run(session))
                    group.create_task(self._receive(sockets[0], books=True))
                    for other in sockets[1:]:
                        group.create_task(self._receive(other, books=False))
        except* (FeedLostError, aiohttp.ClientError, OSError, TimeoutError) as errors:
            reason = _reason(errors)
        return reason

    async def _open(
        self, session: aiohttp.ClientSession, stack: contextlib.AsyncExitStack, url: str
    ) -> aiohttp.ClientWebSocketResponse:
        async with asyncio.timeout(CONNECT_S):
            connecting = session.ws_connect(url, max_msg_size=MESSAGE_BYTES_MAX)
            return await stack.enter_async_context(connecting)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse, *, books: bool) -> None:
        """Every message, as it is, at once. FeedLostError when there are no more."""
        time = asyncio.get_running_loop().time
        push, number, wake = self._live.push_market_message, self._number, self._wake
        async for message in socket:
            stamp = host_now()
            if message.type is not aiohttp.WSMsgType.TEXT:
                self.ignored += 1
                continue
            if books:
                self._heard = time()
                self._proven = True
                if not self._up:
                    self._come_up()
            self.messages += 1
            if push(number, stamp, _WEBSOCKET, NO_INSTRUMENT, message.data) is False:
                raise FeedLostError("the core's inbox is full")
            wake()
        raise FeedLostError(_end_of(socket))

    async def _watch(self) -> None:
        """Tells of silence, and ends a connection that does not break it."""
        time = asyncio.get_running_loop().time
        while True:
            silent_s = time() - self._heard
            if silent_s >= SILENCES_MAX * self._stale_s:
                raise FeedLostError(f"silent for {silent_s:.1f} s")
            if silent_s >= self._stale_s and self._up:
                self._down()
                _log.warning("feed silent", feed=self._feed.name, seconds=round(silent_s, 3))
            limit_s = self._stale_s if self._up else SILENCES_MAX * self._stale_s
            await asyncio.sleep(max(self._heard + limit_s - time(), 0.0))

    # ------------------------------------------------------------------ what the core hears

    def _come_up(self) -> None:
        self._up = True
        self._status(FeedEvent.CONNECTED)
        _log.info("feed connected", feed=self._feed.name, instruments=len(self._symbols))
        for symbol in self._symbols:
            self._snapshots.want(symbol)

    def _down(self) -> None:
        if not self._up:
            return
        self._up = False
        self._snapshots.forget()
        self._status(FeedEvent.DISCONNECTED)

    def _snapshot(self, symbol: str, text: str) -> None:
        self._live.push_market_message(
            self._number, host_now(), _SNAPSHOT, self._symbols[symbol], text
        )
        self._wake()

    def _status(self, event: FeedEvent) -> None:
        self._live.push_feed_status(self._number, int(event))
        self._wake()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault of ours: the books must not look alive, and the reason must be seen."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        _log.error("feed failed", feed=self._feed.name, exc_info=error)
        self._down()


def _reason(errors: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first) or type(first).__name__


def _end_of(socket: aiohttp.ClientWebSocketResponse) -> str:
    error = socket.exception()
    if error is not None:
        return str(error) or type(error).__name__
    return f"closed with code {socket.close_code}"
