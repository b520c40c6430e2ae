"""Real captures: the book is the venue's own bookTicker at every update id that both name."""

import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.core import BinanceBooks, DecodeStatus

SPOT, USDM, COINM = 0, 1, 2
FOLDER = "crypto/binance_hftbacktest/"
# symbol, kind, the day with the snapshot, the next day without one, common update ids
CHAINS = [
    ("ETHUSDT", SPOT, "spot_ethusdt_20240808.gz", "spot_ethusdt_20240809.gz", 1056),
    ("BTCUSDT", USDM, "usdm_btcusdt_20230404.dat.gz", "usdm_btcusdt_20230405.dat.gz", 1565),
    ("BTCUSDT", USDM, "usdm_btcusdt_20240718.gz", "usdm_btcusdt_20240719.gz", 625),
    ("ETHUSDT", USDM, "usdm_ethusdt_20240718.gz", "usdm_ethusdt_20240719.gz", 834),
    ("ETHUSD_PERP", COINM, "cm_ethusd_perp_20240808.gz", "cm_ethusd_perp_20240809.gz", 2278),
]


class Chain:
    """Books of one symbol, and what the book and the ticker said at each update id."""

    def __init__(self, symbol: str, kind: int) -> None:
        self.books = BinanceBooks()
        self.books.map_symbol(symbol, 0, (1, 2), (1, 8), kind)
        self.tops: dict[int, tuple[int | None, ...]] = {}
        self.tickers: dict[int, tuple[int | None, ...]] = {}
        self.outcomes: Counter[DecodeStatus] = Counter()

    def read(self, path: Path) -> None:
        with gzip.open(path) as lines:
            for line in lines:
                self.apply(line.split(b" ", 1)[1])

    def apply(self, message: bytes) -> None:
        if b'"lastUpdateId"' in message:
            status = DecodeStatus(self.books.on_snapshot(0, message))
        else:
            status = DecodeStatus(self.books.on_message(message))
        self.outcomes[status] += 1
        if status is not DecodeStatus.OK:
            return
        if b"bookTicker" in message:
            update_id, *touch, _ = self.books.ticker(0)
            self.tickers[update_id] = tuple(touch)
        elif b"@trade" not in message:
            self.tops[self.books.update_id(0)] = self.books.top(0)[:4]


@pytest.mark.parametrize(("symbol", "kind", "first", "second", "common"), CHAINS)
def test_book_equals_every_ticker_through_the_midnight_roll(
    test_data: Callable[[str], Path], symbol: str, kind: int, first: str, second: str, common: int
) -> None:
    chain = Chain(symbol, kind)
    chain.read(test_data(FOLDER + first))
    before_midnight = len(chain.tops)
    chain.read(test_data(FOLDER + second))
    shared = chain.tops.keys() & chain.tickers.keys()
    assert len(chain.tops) > before_midnight
    assert [u for u in sorted(shared) if chain.tops[u] != chain.tickers[u]] == []
    assert len(shared) == common
    assert chain.books.gaps(0) == 0
    quiet = {DecodeStatus.OK, DecodeStatus.SKIPPED, DecodeStatus.BUFFERED, DecodeStatus.STALE}
    assert set(chain.outcomes) <= quiet, chain.books.reason()


def test_a_lost_diff_is_a_gap_and_no_book_until_the_next_snapshot(
    test_data: Callable[[str], Path],
) -> None:
    chain = Chain("BTCUSDT", USDM)
    with gzip.open(test_data(FOLDER + "usdm_btcusdt_20240718.gz")) as lines:
        messages = [line.split(b" ", 1)[1] for line in lines]
    depths = [i for i, message in enumerate(messages) if b"depthUpdate" in message]
    lost = depths[len(depths) // 2]
    for message in messages[:lost] + messages[lost + 1 :]:
        chain.apply(message)
    assert chain.outcomes[DecodeStatus.GAP] == 1
    assert chain.books.gaps(0) == 1
    assert chain.outcomes[DecodeStatus.BUFFERED] > len(depths) // 2 - 2
