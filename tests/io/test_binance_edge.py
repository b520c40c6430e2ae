"""The Binance edge against a venue on loopback, by what the core's book becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from daemon.core import BookState, FeedEvent, MessageKind
from daemon.io.binance import BinanceEdge
from daemon.io.binance_api import STREAMS_MAX, snapshot_interval_s, snapshot_url, stream_urls
from daemon.runtime.events import EventKind
from tests.io.binance_venue import Feed, Refusal, Venue, diff, snapshot, trade
from tests.io.live_core import LiveCore

BUY, SELL = 1, 2
BOOK = snapshot(100, [("10.00", "1.000")], [("10.02", "2.000")])
BIDS, ASKS = [(1000, 1000)], [(1002, 2000)]


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    async with Venue() as venue:
        venue.answers["BTCUSDT"] = [BOOK]
        yield venue


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[LiveCore]:
    core = LiveCore(tmp_path, ["BTCUSDT"])
    yield core
    core.close()


class Running:
    """An edge between the two, ended with the block."""

    def __init__(self, core: LiveCore, feed: Feed, reconnect_s_min: float = 0.0) -> None:
        symbols = {name: number for number, name in enumerate(core.symbols)}
        self.edge = BinanceEdge(
            core.live,
            0,
            feed,
            symbols,
            {name: name for name in symbols},
            core.wake,
            reconnect_s_min=reconnect_s_min,
            refetch_s=0.0,
        )
        core.on_snapshot_wanted = self.edge.fetch_snapshot

    async def __aenter__(self) -> BinanceEdge:
        self.edge.start()
        return self.edge

    async def __aexit__(self, *_: object) -> None:
        await self.edge.close()


async def live_book(core: LiveCore) -> None:
    await core.until(lambda: core.state() == BookState.LIVE)


# ------------------------------------------------------------------ bridging


async def test_difference_that_straddles_the_snapshot_and_came_before_it_is_not_lost(
    venue: Venue, core: LiveCore
) -> None:
    venue.answers["BTCUSDT"] = [Refusal(503, headers={"Retry-After": "0"}), BOOK]
    straddling = diff(99, 101, bids=[("10.01", "5.000")], asks=[("10.02", "0")])
    async with Running(core, venue.feed()) as edge:
        await venue.until(lambda: len(venue.clients) == 1)
        await venue.send(straddling, diff(102, 102, asks=[("10.03", "1.000")]))
        await core.until(lambda: edge.messages == 2)
        await live_book(core)
    assert core.levels(BUY) == [(1001, 5000), (1000, 1000)]
    assert core.levels(SELL) == [(1003, 1000)]


async def test_gap_asks_for_another_snapshot_and_the_book_is_whole_again(
    venue: Venue, core: LiveCore
) -> None:
    async with Running(core, venue.feed()):
        await live_book(core)
        venue.answers["BTCUSDT"] = [snapshot(120, [("9.00", "1.000")], [("9.02", "1.000")])]
        await venue.send(
            diff(101, 101, bids=[("10.00", "3.000")]), diff(118, 121, bids=[("9.01", "7.000")])
        )
        await core.until(lambda: core.state() == BookState.RECOVERING)
        await live_book(core)
    assert core.levels(BUY) == [(901, 7000), (900, 1000)]
    assert core.levels(SELL) == [(902, 1000)]
    assert core.states()[-2:] == [BookState.RECOVERING, BookState.LIVE]
    assert len(venue.requests) == 2


async def test_snapshot_older_than_every_difference_is_fetched_again_until_they_meet(
    venue: Venue, core: LiveCore
) -> None:
    old = snapshot(50, [("1.00", "1.000")], [("2.00", "1.000")])
    venue.answers["BTCUSDT"] = [Refusal(503, headers={"Retry-After": "0"}), old, old, BOOK]
    async with Running(core, venue.feed()):
        await venue.until(lambda: len(venue.clients) == 1)
        await venue.send(diff(100, 101, bids=[("10.01", "5.000")]))
        await live_book(core)
    assert core.levels(BUY) == [(1001, 5000), (1000, 1000)]
    assert len(venue.requests) == 4
    wanted = [event for event in core.events if event[0] == EventKind.SNAPSHOT_WANTED]
    assert len(wanted) == 2


async def test_trades_and_top_of_book_arrive_beside_the_differences(
    venue: Venue, core: LiveCore
) -> None:
    async with Running(core, venue.feed()):
        await live_book(core)
        await venue.send(trade("10.02", "0.250"))
        await core.until(lambda: core.trades() == 1)
    assert core.last_qty() == 250
    assert venue.streams == ["/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@trade"]


# ------------------------------------------------------------------ loss and silence


async def test_lost_connection_makes_the_book_stale_until_another_has_its_snapshot(
    venue: Venue, core: LiveCore
) -> None:
    async with Running(core, venue.feed()) as edge:
        await live_book(core)
        venue.answers["BTCUSDT"] = [snapshot(300, [("8.00", "1.000")], [("8.01", "1.000")])]
        await venue.clients[0].close()
        await core.until(lambda: core.state() == BookState.STALE)
        await live_book(core)
        assert edge.connections == 2
    assert core.levels(BUY) == [(800, 1000)]
    assert core.states()[-3:] == [BookState.STALE, BookState.RECOVERING, BookState.LIVE]


async def test_silence_is_stale_and_the_next_message_begins_anew(
    venue: Venue, core: LiveCore
) -> None:
    async with Running(core, venue.feed(stale_after_ms=150)) as edge:
        await live_book(core)
        await core.until(lambda: core.state() == BookState.STALE)
        assert not edge.connected
        venue.answers["BTCUSDT"] = [snapshot(200, [("8.00", "1.000")], [("8.01", "1.000")])]
        await venue.send(diff(199, 201, bids=[("8.00", "4.000")]))
        await live_book(core)
        assert edge.connections == 1
    assert core.levels(BUY) == [(800, 4000)]


async def test_connection_that_stays_silent_is_given_up(venue: Venue, core: LiveCore) -> None:
    with capture_logs() as logs:
        async with Running(core, venue.feed(stale_after_ms=20)):
            await venue.until(lambda: len(venue.clients) == 2)
    lost = next(line for line in logs if line["event"] == "feed lost")
    assert lost["reason"].startswith("silent for")
    assert lost["feed"] == "spot"


async def test_a_core_without_room_ends_the_connection_and_the_next_begins_whole(
    venue: Venue,
) -> None:
    statuses: list[int] = []

    class Port:
        refused = 0

        def push_feed_status(self, _: int, event: int, /) -> None:
            statuses.append(event)

        def push_market_message(self, *message: object) -> bool:
            if message[2] == MessageKind.SNAPSHOT or self.refused:
                return True
            self.refused += 1
            return False

    edge = BinanceEdge(Port(), 0, venue.feed(), {"BTCUSDT": 0}, {}, lambda: None)
    edge.start()
    await venue.until(lambda: len(venue.clients) == 1)
    await venue.send(diff(100, 101, bids=[("10.01", "5.000")]))
    await venue.until(lambda: edge.connections == 2)
    await edge.close()
    lost = statuses.index(FeedEvent.DISCONNECTED, 1)
    assert FeedEvent.CONNECTED in statuses[:lost]


async def test_books_of_a_checkpoint_are_not_alive_before_the_connection(venue: Venue) -> None:
    statuses: list[int] = []

    class Port:
        def push_feed_status(self, _: int, event: int, /) -> None:
            statuses.append(event)

        def push_market_message(self, *message: object) -> None: ...

    edge = BinanceEdge(Port(), 0, venue.feed(), {"BTCUSDT": 0}, {}, lambda: None)
    edge.start()
    assert statuses == [FeedEvent.DISCONNECTED]
    await venue.until(lambda: len(venue.requests) == 1)
    await edge.close()
    assert statuses == [FeedEvent.DISCONNECTED, FeedEvent.CONNECTED]


async def test_venue_that_is_not_there_is_tried_again_ever_more_rarely(core: LiveCore) -> None:
    async with Venue() as gone:
        feed = gone.feed(reconnect_ms_max=4)
    with capture_logs() as logs:
        async with Running(core, feed, reconnect_s_min=0.001) as edge:
            await core.until(lambda: edge.losses == 4)
    assert [line["retry_s"] for line in logs[:4]] == [0.001, 0.002, 0.004, 0.004]
    assert all(line["event"] == "feed lost" and line["reason"] for line in logs)
    assert core.state() == BookState.STALE


async def test_trades_of_an_address_of_their_own_are_one_feed_with_the_books(
    venue: Venue, core: LiveCore
) -> None:
    address = f"ws://127.0.0.1:{venue.port}"
    feed = venue.feed(websocket_url=f"{address}/public", trades_url=f"{address}/market")
    async with Running(core, feed) as edge:
        await live_book(core)
        await venue.send(trade("10.02", "0.250", "aggTrade"))
        await core.until(lambda: core.trades() == 1)
        await venue.clients[1].close()
        await core.until(lambda: core.state() == BookState.STALE)
        await live_book(core)
        assert edge.connections == 2
    assert venue.streams[:2] == [
        "/public/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker",
        "/market/stream?streams=btcusdt@aggTrade",
    ]


# ------------------------------------------------------------------ snapshots


async def test_refused_snapshot_is_retried_and_its_reason_logged(
    venue: Venue, core: LiveCore
) -> None:
    refused = Refusal(400, '{"code":-1121,"msg":"Invalid symbol."}', {"Retry-After": "0"})
    venue.answers["BTCUSDT"] = [refused, BOOK]
    with capture_logs() as logs:
        async with Running(core, venue.feed()) as edge:
            await live_book(core)
            assert (edge.snapshots_failed, edge.snapshots_fetched) == (1, 1)
    failed = [line for line in logs if line["event"] == "snapshot failed"]
    assert [line["symbol"] for line in failed] == ["BTCUSDT"]
    assert failed[0]["reason"] == 'HTTP 400: {"code":-1121,"msg":"Invalid symbol."}'


async def test_asking_often_fetches_once_and_asking_for_others_never(
    venue: Venue, core: LiveCore
) -> None:
    async with Running(core, venue.feed()) as edge:
        for _ in range(5):
            edge.fetch_snapshot("BTCUSDT")  # not connected: connecting will ask
        venue.on_request = lambda: edge.fetch_snapshot("BTCUSDT")
        edge.fetch_snapshot("ANOTHER")
        await live_book(core)
        await venue.send(diff(101, 101, bids=[("10.00", "3.000")]))
        await core.until(lambda: core.levels(BUY) == [(1000, 3000)])
    assert len(venue.requests) == 1


async def test_too_many_requests_silences_all_snapshots(tmp_path: Path, venue: Venue) -> None:
    core = LiveCore(tmp_path, ["BTCUSDT", "ETHUSDT"])
    venue.answers["BTCUSDT"] = [Refusal(429, headers={"Retry-After": "1"}), BOOK]
    venue.answers["ETHUSDT"] = [BOOK]
    with capture_logs() as logs:
        async with Running(core, venue.feed()):
            await core.until(lambda: core.state(1) == BookState.LIVE)
            failed = next(line for line in logs if line["event"] == "snapshot failed")
            assert failed["retry_s"] == 1.0
            assert venue.request_times[1] - venue.request_times[0] >= 1.0
    core.close()


# ------------------------------------------------------------------ addresses


FUTURES = Feed("wss://f/public", "https://f/", market="usdm", depth_interval_ms=250, trades=False)


def test_snapshots_keep_to_half_of_the_venues_weight() -> None:
    assert snapshot_interval_s(Feed("", "")) == 60 * 50 / 3000
    assert snapshot_interval_s(Feed("", "", snapshot_levels=5000)) == 60 * 250 / 3000
    assert snapshot_interval_s(FUTURES) == 60 * 20 / 1200


def test_addresses_are_those_of_the_market() -> None:
    assert snapshot_url(FUTURES, "btcusdt") == "https://f/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
    assert stream_urls(FUTURES, ["BTCUSDT"]) == [
        "wss://f/public/stream?streams=btcusdt@depth/btcusdt@bookTicker"
    ]
    deep = Feed("ws://d", "http://d", market="coinm", snapshot_levels=5000)
    assert snapshot_url(deep, "ETHUSD_PERP").endswith(
        "/dapi/v1/depth?symbol=ETHUSD_PERP&limit=1000"
    )


@pytest.mark.parametrize(("symbols", "fits"), [(511, True), (512, True), (513, False)])
def test_streams_beyond_what_a_connection_carries_are_refused(symbols: int, fits: bool) -> None:
    names = [f"S{number}" for number in range(symbols)]
    if fits:
        (url,) = stream_urls(FUTURES, names)
        assert url.count("@") == 2 * symbols
        return
    with pytest.raises(ValueError, match=f"1026 streams for 513 instruments.*most {STREAMS_MAX}"):
        stream_urls(FUTURES, names)
