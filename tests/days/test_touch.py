"""The touch page of a whole day, read beside the daemon: equal to the book, across a crash."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from daemon.runtime.views import SLOT_BYTES
from tests.days import books
from tests.days.day import Day, frames
from tools.touch import Page, Quote


def test_the_page_of_a_day_equals_its_books_and_says_when_the_daemon_is_another(
    tmp_path: Path,
) -> None:
    with Day(tmp_path, {"daemon.touch_page": "touch.page"}) as day:
        day.until_ready()
        page = Page(day.runtime / "touch.page")
        seen: list[Quote] = []

        def moved() -> bool:
            quote = page.read("ACME")
            if quote is not None and quote.sequence not in {each.sequence for each in seen}:
                seen.append(quote)
            return len(seen) >= 20

        day.until("20 touches of ACME", moved)
        assert page.gone() == ""
        assert page.pid == day.status()["pid"]
        assert page.epoch == 1
        assert [each.version for each in seen] == sorted({each.version for each in seen})
        day.kill()
        day.until_ready(epoch=2)
        day.until("the old page is told", lambda: page.replaced)
        after = Page(day.runtime / "touch.page")
        assert after.epoch == 2
        assert after.pid == day.status()["pid"]
        day.until("touches of epoch 2", lambda: (q := after.read("BOLT")) and q.sequence)
        assert day.stop() == 0, day.errors
    assert "ended" in after.gone()
    whole = [each for each in seen if applied_at_once(day.log, each)]
    assert whole
    for quote in whole[-4:]:
        assert touch_of(quote) == touch_at(day.log, quote.symbol, quote.sequence)


def applied_at_once(log: Path, quote: Quote) -> bool:
    """Not in parts, as a datagram is where a strategy sees each update by itself."""
    later = (each.sequence for each in frames(log, "MARKET_DATAGRAM"))
    end = min(each for each in later if each > quote.sequence)
    turns = [each for each in frames(log, "TURN") if quote.sequence < each.sequence < end]
    return not any(each.fields()["flags"] & 1 for each in turns)


Touch = tuple[Decimal, Decimal, Decimal, Decimal]


def touch_of(quote: Quote) -> Touch:
    return quote.bid or Decimal(0), quote.bid_qty, quote.ask or Decimal(0), quote.ask_qty


def touch_at(log: Path, symbol: str, until: int) -> Touch:
    """Of the book that the log comes to, run again up to a sequence."""
    run, _ = books.replayed(log, until)
    number, instrument = run.wiring.instruments[symbol]
    slots = run.wiring.core.slots.cast("B").cast("q")
    bid, bid_qty, ask, ask_qty = slots[number * SLOT_BYTES // 8 :][:4]
    px, qty = Decimal(str(instrument.price_increment)), Decimal(str(instrument.qty_increment))
    return (
        bid * px if bid_qty else Decimal(0),
        bid_qty * qty,
        ask * px if ask_qty else Decimal(0),
        ask_qty * qty,
    )
