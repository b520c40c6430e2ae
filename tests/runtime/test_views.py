"""The types that strategies' views on a market stand on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.core import BookSlot, Live, LogWriter, SignalSlot
from tests.io.live_core import instrument

Slot = type[BookSlot] | type[SignalSlot]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    log, _ = LogWriter.recover(str(tmp_path / "log"), 1 << 20)
    live = Live(log, None)
    live.core.define_feed(0, 0, 0)
    live.core.define_instrument(instrument(0, "X", (1, 0)))
    yield live
    log.close()


@pytest.mark.parametrize("slot", [BookSlot, SignalSlot])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        ((object(), 0), TypeError),
        (("core", 1), IndexError),
        (("core", -1), TypeError),
        (("core", "0"), TypeError),
    ],
)
def test_none_is_made_without_a_market(
    live: Live, slot: Slot, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    given: Any = tuple(live.core if each == "core" else each for each in arguments)
    with pytest.raises(error):
        slot(*given)


def test_an_empty_book_has_no_prices_and_no_mid(live: Live) -> None:
    book = BookSlot(live.core, 0)
    assert (book.bid_px, book.bid_qty, book.ask_px, book.ask_qty, book.spread) == (0, 0, 0, 0, 0)
    assert math.isnan(book.mid)
    with pytest.raises(AttributeError):
        book.bid_px = 1  # type: ignore[misc]  # that it cannot be written is what is tested


def test_a_view_keeps_its_core(live: Live) -> None:
    core = live.core
    signals = SignalSlot(core, 0)
    del core
    assert signals.imbalance == 0 or math.isnan(signals.imbalance)
