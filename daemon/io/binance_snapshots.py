"""Fetches order book snapshots over REST, within the venue's limits.

One request at a time, in the order of the asking. The pace is that of a bucket: some at once (all
books of a connection begin together), then one an interval. A book that asks again soon after its
snapshot waits a little: it got one that was older than its first difference, and the venue's
copy needs time. What fails is retried with a growing delay, for ever, because a book without a
snapshot is a book that does not trade; every failure is logged with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

TIMEOUT_S: Final = 10.0
BURST: Final = 10
REFETCH_S: Final = 0.25
RETRY_S_MIN: Final = 0.5
RETRY_S_MAX: Final = 30.0
SNAPSHOT_BYTES_MAX: Final = 8 << 20
_REASON_CHARACTERS: Final = 200
_TOO_MANY: Final = (418, 429)  # 418: banned for going on after 429

_log = structlog.get_logger("feed")


class SnapshotError(Exception):
    """A snapshot was not had; the text says why.

    `retry_s`: when the venue says to come back, None where it does not say; `pause_s`: for how long
    it wants no request at all.
    """

    def __init__(self, reason: str, retry_s: float | None = None, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_s = retry_s
        self.pause_s = pause_s


class SnapshotFetcher:
    """Start on the loop with `run` as a task; `want` and `forget` as often as one likes."""

    def __init__(
        self,
        feed: str,
        url_of: Callable[[str], str],
        interval_s: float,
        deliver: Callable[[str, str], None],
        refetch_s: float = REFETCH_S,
    ) -> None:
        """`deliver(symbol, text)` is called once a snapshot, unless it was forgotten meanwhile."""
        self._feed = feed
        self._url_of = url_of
        self._interval_s = interval_s
        self._deliver = deliver
        self._refetch_s = refetch_s
        self._wanted: dict[str, None] = {}  # in the order of the asking
        self._not_before: dict[str, float] = {}
        self._retry_s: dict[str, float] = {}
        self._fetching: str | None = None
        self._changed = asyncio.Event()
        self._paid_until = 0.0  # of the bucket: at most BURST intervals behind now
        self._silent_until = 0.0
        self.fetched = 0
        self.failed = 0

    def want(self, symbol: str) -> None:
        """Fetch it; nothing happens where that is under way already."""
        if symbol != self._fetching:
            self._wanted.setdefault(symbol)
            self._changed.set()

    def forget(self) -> None:
        """The connection was lost: what was asked, and what is on its way, is of no use."""
        self._wanted.clear()
        self._retry_s.clear()
        self._fetching = None

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            wait_s = self._wait_s(loop.time())
            if wait_s != 0:
                await self._sleep(wait_s)
                continue
            await self._fetch_next(session, loop)

    async def _sleep(self, wait_s: float | None) -> None:
        """Until something else is wanted, or the time is over (None: only the former)."""
        self._changed.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def _wait_s(self, now: float) -> float | None:
        """Until the next request may leave; None: nothing is wanted."""
        if not self._wanted:
            return None
        ready = min(self._not_before.get(symbol, 0.0) for symbol in self._wanted)
        affordable = self._paid_until - BURST * self._interval_s
        return max(0.0, ready - now, affordable - now, self._silent_until - now)

    async def _fetch_next(
        self, session: aiohttp.ClientSession, loop: asyncio.AbstractEventLoop
    ) -> None:
        now = loop.time()
        symbol = next(each for each in self._wanted if self._not_before.get(each, 0.0) <= now)
        del self._wanted[symbol]
        self._paid_until = max(self._paid_until, now) + self._interval_s
        self._fetching = symbol
        try:
            text = await self._fetch(session, symbol)
        except (SnapshotError, aiohttp.ClientError, OSError, TimeoutError) as error:
            self._failed(symbol, error, loop.time())
            return
        self._not_before[symbol] = loop.time() + self._refetch_s
        if self._fetching != symbol:
            return
        self._fetching = None
        self._retry_s.pop(symbol, None)
        self.fetched += 1
        self._deliver(symbol, text)

    async def _fetch(self, session: aiohttp.ClientSession, symbol: str) -> str:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with session.get(self._url_of(symbol), timeout=timeout) as response:
            if (response.content_length or 0) > SNAPSHOT_BYTES_MAX:
                raise SnapshotError(
                    f"{response.content_length} bytes, expected at most {SNAPSHOT_BYTES_MAX}"
                )
            text = await response.text("utf-8")
            if response.status != 200:
                raise _refused(response, text)
            return text

    def _failed(self, symbol: str, error: Exception, now: float) -> None:
        self.failed += 1
        retry_s = self._retry_s.get(symbol, RETRY_S_MIN)
        if isinstance(error, SnapshotError):
            if error.retry_s is not None:
                retry_s = max(error.retry_s, self._refetch_s)
            self._silent_until = max(self._silent_until, now + error.pause_s)
        self._not_before[symbol] = now + retry_s
        _log.warning(
            "snapshot failed",
            feed=self._feed,
            symbol=symbol,
            reason=str(error) or type(error).__name__,
            retry_s=retry_s,
        )
        if self._fetching == symbol:
            self._fetching = None
            self._retry_s[symbol] = min(2 * max(retry_s, RETRY_S_MIN), RETRY_S_MAX)
            self.want(symbol)


def _refused(response: aiohttp.ClientResponse, text: str) -> SnapshotError:
    reason = f"HTTP {response.status}: {text[:_REASON_CHARACTERS]}"
    after = response.headers.get("Retry-After", "")
    stated_s = float(after) if after.isdecimal() else None
    if response.status in _TOO_MANY:
        pause_s = RETRY_S_MAX if stated_s is None else stated_s
        return SnapshotError(reason, pause_s, pause_s)
    return SnapshotError(reason, None if stated_s is None else min(stated_s, RETRY_S_MAX))
