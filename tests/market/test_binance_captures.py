"""Real captures: the book is the venue's own bookTicker at every update id that both name."""

import gzip
import re
import statistics
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
    assert chain.books.checks(0) == (common, 0), "what the book finds itself"
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


@pytest.mark.parametrize(
    ("name", "ticker_first"),
    [
        ("usdm_btcusdt_20240718.gz", 519),
        ("usdm_ethusdt_20240718.gz", 744),
    ],
)
def test_two_chains_have_tickers_behind_their_depth_update(
    test_data: Callable[[str], Path], name: str, ticker_first: int
) -> None:
    """519 and 744 are the comparisons of whoever waits only for the depth update; where the update
    came first the ticker finds the book that is there, which makes 625 and 834."""
    before = {each[2]: each for each in CHAINS}[name]
    symbol, kind, first, second, common = before
    chain = Chain(symbol, kind)
    waited = 0
    for part in (first, second):
        with gzip.open(test_data(FOLDER + part)) as lines:
            for line in lines:
                compared = chain.books.checks(0)[0]
                chain.apply(line.split(b" ", 1)[1])
                found = chain.books.checks(0)[0] - compared
                waited += found if b"bookTicker" not in line else 0
    assert waited == ticker_first
    assert chain.books.checks(0) == (common, 0)


# ------------------------------------------------------------------ traps of the data


@pytest.mark.parametrize("days", CHAINS)
def test_snapshot_bridging_needs_the_diff_before_the_snapshot(
    test_data: Callable[[str], Path], days: tuple[str, int, str, str, int]
) -> None:
    """A snapshot does not hold what came after its id, though that came before its line: dropping
    it would leave phantom levels. It is seen as a gap, and no book is compared until the next."""
    symbol, kind, first, *_ = days
    with gzip.open(test_data(FOLDER + first)) as lines:
        messages = [line.split(b" ", 1)[1] for line in lines]
    at = next(n for n, message in enumerate(messages) if b'"lastUpdateId"' in message)
    last_id = int(re.findall(rb'"lastUpdateId": ?(\d+)', messages[at])[0])
    straddling = [
        message
        for message in messages[:at]
        if (ids := re.findall(rb'"U": ?(\d+), ?"u": ?(\d+)', message)) and int(ids[0][1]) > last_id
    ]
    chain = Chain(symbol, kind)
    for message in messages[at:]:
        chain.apply(message)
    assert (chain.outcomes[DecodeStatus.GAP] > 0) == bool(straddling)
    assert chain.books.checks(0)[1] == 0


@pytest.mark.parametrize("days", CHAINS)
def test_midnight_roll_chains_exactly_without_a_snapshot(
    test_data: Callable[[str], Path], days: tuple[str, int, str, str, int]
) -> None:
    _, kind, first, second, _ = days
    with gzip.open(test_data(FOLDER + first)) as lines:
        last = [
            int(each[0])
            for line in lines
            if (each := re.findall(rb'"U": ?\d+, ?"u": ?(\d+)', line))
        ]
    with gzip.open(test_data(FOLDER + second)) as lines:
        content = lines.read()
    key = rb'"U": ?(\d+)' if kind == SPOT else rb'"pu": ?(\d+)'
    found = re.search(key, content)
    assert found is not None
    assert int(found[1]) == last[-1] + (1 if kind == SPOT else 0)
    assert b"lastUpdateId" not in content


@pytest.mark.parametrize(
    ("name", "digits", "skew"),
    [
        ("usdm_btcusdt_20230404.dat.gz", 16, (-0.1, 0.1)),
        ("usdm_btcusdt_20240718.gz", 19, (1.3, 1.6)),
        ("cm_ethusd_perp_20240808.gz", 19, (1.2, 1.5)),
    ],
)
def test_clock_skew_and_units_of_the_receive_stamps(
    test_data: Callable[[str], Path], name: str, digits: int, skew: tuple[float, float]
) -> None:
    """What the venue's clock is ahead of the receiver's: no duration may be made of the two."""
    ahead = []
    with gzip.open(test_data(FOLDER + name)) as lines:
        for line in lines:
            stamp, message = line.split(b" ", 1)
            if found := re.search(rb'"E": ?(\d+)', message):
                assert len(stamp) == digits
                ahead.append(int(found[1]) / 1e3 - int(stamp) / 10 ** (digits - 10))
    assert skew[0] < statistics.median(ahead) < skew[1]
