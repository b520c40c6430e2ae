"""What Binance's public API is called: streams, addresses, and what a snapshot costs.

Sources: Binance's documentation of the market streams and of the order book of Spot, USD-M and
COIN-M futures; for USD-M's two addresses its notice of 2026-03-06, by which depth and bookTicker
come from `/public` and aggTrade from `/market`, each silent about the other's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, Protocol
from urllib.parse import urlencode

Market = Literal["spot", "usdm", "coinm"]

STREAMS_MAX: Final = 1024
"""A connection's streams at the venue."""

_DEPTH_PATHS: Final = {
    "spot": "/api/v3/depth",
    "usdm": "/fapi/v1/depth",
    "coinm": "/dapi/v1/depth",
}
# The interval that a stream has without naming it.
_DEPTH_DEFAULTS_MS: Final = {"spot": 1000, "usdm": 250, "coinm": 250}
_FUTURES_LEVELS_MAX: Final = 1000
# (levels, weight) up to which, by market, and the weight that an address may spend in a minute.
_SPOT_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_FUTURES_WEIGHTS: Final = ((50, 2), (100, 5), (500, 10), (1000, 20))
_WEIGHT_PER_MINUTE: Final = {"spot": 6000, "usdm": 2400, "coinm": 2400}
_SHARE: Final = 0.5  # of it for us: other programs of this host have the same address


class BinanceFeedSettings(Protocol):
    """What the edge needs of a feed's configuration."""

    @property
    def name(self) -> str: ...
    @property
    def market(self) -> Market: ...
    @property
    def websocket_url(self) -> str: ...
    @property
    def trades_url(self) -> str | None: ...
    @property
    def rest_url(self) -> str: ...
    @property
    def depth_interval_ms(self) -> int: ...
    @property
    def snapshot_levels(self) -> int: ...
    @property
    def book_ticker(self) -> bool: ...
    @property
    def trades(self) -> bool: ...
    @property
    def stale_after_ms(self) -> int: ...
    @property
    def reconnect_ms_max(self) -> int: ...


def stream_urls(feed: BinanceFeedSettings, symbols: Iterable[str]) -> list[str]:
    """One combined stream for each address that is needed, the books' first.

    Trades come as single trades beside the books, or aggregated where they have an address of
    their own. ValueError where one connection cannot carry that many streams.
    """
    names = [symbol.lower() for symbol in symbols]
    books = [_depth_stream(feed)] + (["bookTicker"] if feed.book_ticker else [])
    if feed.trades and feed.trades_url is None:
        books.append("trade")
    urls = [_combined(feed, feed.websocket_url, names, books)]
    if feed.trades and feed.trades_url is not None:
        urls.append(_combined(feed, feed.trades_url, names, ["aggTrade"]))
    return urls


def _depth_stream(feed: BinanceFeedSettings) -> str:
    if feed.depth_interval_ms == _DEPTH_DEFAULTS_MS[feed.market]:
        return "depth"
    return f"depth@{feed.depth_interval_ms}ms"


def _combined(feed: BinanceFeedSettings, base: str, names: list[str], kinds: list[str]) -> str:
    streams = [f"{name}@{kind}" for name in names for kind in kinds]
    if len(streams) > STREAMS_MAX:
        raise ValueError(
            f"feed {feed.name}: {len(streams)} streams for {len(names)} instruments, one"
            f" connection carries at most {STREAMS_MAX}: divide them over several feeds"
        )
    return f"{base.rstrip('/')}/stream?streams={'/'.join(streams)}"


def snapshot_url(feed: BinanceFeedSettings, symbol: str) -> str:
    """The REST address of one book."""
    query = urlencode({"symbol": symbol.upper(), "limit": _levels(feed)})
    return f"{feed.rest_url.rstrip('/')}{_DEPTH_PATHS[feed.market]}?{query}"


def snapshot_interval_s(feed: BinanceFeedSettings) -> float:
    """Seconds between two snapshots, in the long run, that stay within the venue's limits."""
    weights = _SPOT_WEIGHTS if feed.market == "spot" else _FUTURES_WEIGHTS
    weight = next(weight for levels, weight in weights if _levels(feed) <= levels)
    return 60.0 * weight / (_WEIGHT_PER_MINUTE[feed.market] * _SHARE)


def _levels(feed: BinanceFeedSettings) -> int:
    return (
        feed.snapshot_levels
        if feed.market == "spot"
        else min(feed.snapshot_levels, _FUTURES_LEVELS_MAX)
    )
