"""Connects a live core to the world that its configuration names."""

from __future__ import annotations

from collections.abc import Callable

from daemon.app.configuration import Configuration
from daemon.app.definitions import CREDENTIAL_PLACEHOLDERS
from daemon.app.market_settings import (
    BinanceFeed,
    FixSessionSettings,
    ItchFeed,
    SimulatedSessionSettings,
)
from daemon.app.settings import Durability
from daemon.core import Live
from daemon.io.binance import BinanceEdge
from daemon.io.credentials import resolve

AWAITS_NONE, AWAITS_ORDERS, AWAITS_ALL = range(3)


class Feeds:
    """The feeds that Python receives; native ones are the core's to poll."""

    def __init__(self, edges: list[BinanceEdge]) -> None:
        self._edges = edges

    def fetch_snapshot(self, symbol: str) -> None:
        """Of one instrument, by the edge that has it."""
        for edge in self._edges:
            edge.fetch_snapshot(symbol)

    async def close(self) -> None:
        """End every connection."""
        for edge in self._edges:
            await edge.close()


def connect_feeds(live: Live, configuration: Configuration, wake: Callable[[], None]) -> Feeds:
    """Open every feed. ValueError names the address that cannot be had."""
    edges = []
    for number, feed in enumerate(configuration.feed):
        if feed.retired:
            continue
        if isinstance(feed, ItchFeed):
            _connect_itch(live, number, feed)
            continue
        # Two feeds may have the same symbol: spot and futures do.
        own = [
            (place, each)
            for place, each in enumerate(configuration.instrument)
            if each.feed == feed.name and not each.retired
        ]
        symbols = {each.feed_symbol or each.symbol: place for place, each in own}
        names = {each.feed_symbol or each.symbol: each.symbol for _, each in own}
        edges.append(_binance(live, number, feed, symbols, names, wake))
    for edge in edges:
        edge.start()
    return Feeds(edges)


def _connect_itch(live: Live, number: int, feed: ItchFeed) -> None:
    def pair(address: object) -> tuple[str, int] | None:
        return None if address is None else (address.host, address.port)  # type: ignore[attr-defined]  # Address

    live.add_feed(
        number,
        [(line.host, line.port, line.interface) for line in feed.lines],
        pair(feed.retransmission),
        pair(feed.snapshot),
        feed.receive_buffer_bytes,
        feed.busy_poll_us,
        feed.receive_stamp == "kernel",
        feed.stale_after_ms * 1_000_000,
        feed.placement == "thread",
    )


def _binance(
    live: Live,
    number: int,
    feed: BinanceFeed,
    symbols: dict[str, int],
    names: dict[str, str],
    wake: Callable[[], None],
) -> BinanceEdge:
    return BinanceEdge(live, number, feed, symbols, names, wake)


def awaits_of(configuration: Configuration, session: FixSessionSettings) -> int:
    """Which entries leave only when the log is durable up to them: AWAITS_NONE, _ORDERS, _ALL."""
    if session_durability(configuration, session) == "awaited":
        return AWAITS_ALL
    return AWAITS_ORDERS if configuration.log.durability_orders == "awaited" else AWAITS_NONE


def session_durability(
    configuration: Configuration, session: FixSessionSettings | SimulatedSessionSettings
) -> Durability:
    """A session's own class, else that of [log]."""
    own = session.durability if isinstance(session, FixSessionSettings) else None
    return own or configuration.log.durability_sessions


def connect_sessions(live: Live, configuration: Configuration) -> None:
    """Open every order session. CredentialError names a secret that cannot be read."""
    for number, session in enumerate(configuration.session):
        if session.retired:
            continue
        if not isinstance(session, FixSessionSettings):
            _connect_venue(live, number, session, configuration)
            continue
        secrets = []
        for kind, reference in (("username", session.username), ("password", session.password)):
            if reference:
                placeholder = CREDENTIAL_PLACEHOLDERS[kind].format(number)
                secrets.append((placeholder, resolve(reference).reveal().decode()))
        try:
            live.add_connection(
                number,
                session.host,
                session.port,
                _tls(session),
                secrets,
                session.reconnect_ms_min * 1_000_000,
                session.reconnect_ms_max * 1_000_000,
                awaits_of(configuration, session),
                session.placement == "thread",
                session.busy_poll_us,
                session.quick_ack,
                session.receive_stamp == "kernel",
            )
        except ValueError as error:
            raise ValueError(f"session.{session.name}: {error}") from None


def _connect_venue(
    live: Live, number: int, session: SimulatedSessionSettings, configuration: Configuration
) -> None:
    """The venue inside the daemon, with the instruments of the venue that it stands for."""
    traded = [
        place
        for place, each in enumerate(configuration.instrument)
        if each.venue == session.venue and each.feed is not None and not each.retired
    ]
    live.add_venue(
        number,
        traded,
        session.order_latency_us,
        session.report_latency_us,
        session.reject_one_in,
        session.seed,
    )


def _tls(session: FixSessionSettings) -> dict[str, str] | None:
    if session.tls is None:
        return None
    return {
        "ca_file": session.tls.ca_file or "",
        "server_name": session.tls.server_name or session.host,
        "certificate_file": session.tls.certificate_file or "",
        "key_file": session.tls.key_file or "",
        "crl_file": session.tls.crl_file or "",
    }
