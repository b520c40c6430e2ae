"""A recorded market through the edge and the core, over a real socket."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from pathlib import Path

import orjson
import pytest

from daemon.core import BookState
from daemon.io.binance import BinanceEdge
from tests.io.binance_venue import Refusal, Venue
from tests.io.live_core import LiveCore

LINES = 2_500
PRICE_STEP = Decimal("0.01")
FOLDER = "crypto/binance_hftbacktest"
CAPTURES = [
    ("spot", 1, f"{FOLDER}/spot_ethusdt_20240808.gz", "ETHUSDT", (1, -5)),
    ("usdm", 2, f"{FOLDER}/usdm_btcusdt_20240718.gz", "BTCUSDT", (1, -3)),
    ("coinm", 3, f"{FOLDER}/cm_ethusd_perp_20240808.gz", "ETHUSD_PERP", (1, 0)),
]


def recorded(path: Path) -> list[str]:
    with gzip.open(path, "rt") as lines:
        return [line.split(" ", 1)[1].rstrip("\n") for line in islice(lines, LINES)]


Top = tuple[int, int, int, int]


class Truth:
    """The venue's own word: best bid and ask at an update id, by its bookTicker."""

    def __init__(self, messages: list[str], lot: Decimal) -> None:
        self._tops: dict[int, Top] = {}
        for message in messages:
            payload = orjson.loads(message)["data"]
            if "B" in payload:
                prices = [int(Decimal(payload[key]) / PRICE_STEP) for key in "ba"]
                sizes = [int(Decimal(payload[key]) / lot) for key in "BA"]
                self._tops[payload["u"]] = (prices[0], sizes[0], prices[1], sizes[1])

    def after(self, message: str) -> Top | None:
        """What a right book shows after this difference, where the venue has said it."""
        payload = orjson.loads(message)["data"]
        return self._tops.get(payload["u"]) if payload.get("e") == "depthUpdate" else None


async def heard(core: LiveCore, edge: BinanceEdge, messages: int) -> None:
    await core.until(lambda: edge.messages == messages)


@pytest.mark.parametrize(("market", "kind", "capture", "symbol", "lot"), CAPTURES)
async def test_book_equals_the_venues_best_prices_at_every_common_update_id(
    market: str,
    kind: int,
    capture: str,
    symbol: str,
    lot: tuple[int, int],
    tmp_path: Path,
    test_data: Callable[[str], Path],
) -> None:
    lines = recorded(test_data(capture))
    at = next(number for number, line in enumerate(lines) if '"lastUpdateId"' in line)
    before, after = lines[:at], lines[at + 1 :]
    truth = Truth(before + after, Decimal(1).scaleb(lot[1]))
    compared, sent = 0, len(before)
    core = LiveCore(tmp_path, [symbol], kind, lot)
    async with Venue() as venue:
        # As in the capture: the difference that straddles the snapshot comes before it.
        venue.answers[symbol] = [Refusal(503, headers={"Retry-After": "0"}), lines[at]]
        feed, names = venue.feed(market=market), {symbol: symbol}
        edge = BinanceEdge(core.live, 0, feed, {symbol: 0}, names, core.wake, refetch_s=0.0)
        edge.start()
        await venue.until(lambda: len(venue.clients) == 1)
        await venue.send(*before)
        await core.until(lambda: edge.messages == sent and core.state() == BookState.LIVE)
        for message in after:
            await venue.send(message)
            sent += 1
            if (top := truth.after(message)) is not None:
                await heard(core, edge, sent)
                assert core.top() == top
                compared += 1
        await edge.close()
    assert core.states()[-1] == BookState.LIVE
    core.close()
    assert compared >= 40
