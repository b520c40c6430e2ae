"""The touch page of a core, read as another process reads it."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import pytest

from daemon.core import Live, TouchReader
from daemon.model import BookState
from tests.app.desk import Desk
from tools.command import main
from tools.touch import Page


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path).logged_on()


def published(desk: Desk, epoch: int = 1) -> Path:
    path = desk.log_folder.parent / "touch.page"
    desk.live.publish_touch(str(path), 0o640, epoch)
    return path


def test_every_change_of_a_touch_is_in_the_page_when_its_turn_has_ended(desk: Desk) -> None:
    page = Page(published(desk))
    desk.market()
    view = desk.wiring.hosts[0]._context.book("BTC")
    seen, last = set(), "100.0"
    for step in range(50):
        price = f"{90 + step % 7}.{step % 10}"
        desk.update("BTCUSDT", 103 + 2 * step, [[last, "0"], [price, str(1 + step)]])
        last = price
        quote = page.read("BTC")
        assert quote is not None
        assert quote.bid is not None
        assert quote.bid == view.bid_px * Decimal("0.1")
        assert quote.bid_qty == view.bid_qty * Decimal("0.001") == 1 + step
        assert (quote.ask, quote.ask_qty) == (Decimal("100.1"), Decimal(4))
        assert quote.book == view.state
        assert quote.ts_event == view.ts_event
        seen.add((quote.bid, quote.bid_qty, quote.sequence))
    assert len(seen) == 50


def test_what_is_not_the_touch_publishes_nothing(desk: Desk) -> None:
    page = Page(published(desk))
    desk.market()
    before = page.read("BTC")
    desk.update("BTCUSDT", 103, [["50.0", "1"]])
    assert page.read("BTC") == before
    assert before is not None


def test_a_book_that_cannot_be_traded_on_says_so(desk: Desk) -> None:
    page = Page(published(desk))
    desk.market()
    quote = page.read("BTC")
    assert quote is not None
    assert quote.book == BookState.LIVE
    desk.live.push_feed_status(0, 1)  # DISCONNECTED
    desk.turn()
    quote = page.read("BTC")
    assert quote is not None
    assert quote.book != BookState.LIVE


def test_books_that_stood_before_are_in_a_page_from_its_beginning(desk: Desk) -> None:
    desk.market()
    quote = Page(published(desk)).read("BTC")
    assert quote is not None
    assert quote.bid == Decimal("100.0")
    assert quote.sequence == 0
    assert Page(desk.log_folder.parent / "touch.page").read("ETH") is None


def test_a_reader_sees_that_the_writer_ended_or_was_replaced(desk: Desk) -> None:
    path = published(desk)
    first = Page(path)
    assert first.gone() == ""
    assert first.epoch == 1
    desk.live.end_touch()
    assert "ended" in first.gone()
    assert not first.replaced
    published(desk, epoch=2)
    assert first.replaced
    assert Page(path).gone() == ""
    assert Page(path).epoch == 2


def test_a_heartbeat_that_stops_is_seen(desk: Desk) -> None:
    reader = TouchReader(str(published(desk)))
    desk.turn()
    now = desk.live.clock_now()
    assert reader.alive(now, 1_000_000_000)
    assert not reader.alive(now + 2_000_000_000, 1_000_000_000)


@pytest.mark.parametrize(
    ("at", "bytes_", "reason"),
    [
        (8, struct.pack("<I", 7), "touch page of version 7, expected 1"),
        (0, b"NOTATALL", "is not a touch page"),
        (16, struct.pack("<I", 1 << 20), "touch page is cut off or damaged"),
        (24, struct.pack("<I", 32), "touch page is cut off or damaged"),
    ],
)
def test_another_file_is_refused_with_its_reason(
    desk: Desk, at: int, bytes_: bytes, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = published(desk)
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes_)
    with pytest.raises(ValueError, match=reason):
        Page(path)
    assert main(["touch", str(path)]) == 2
    assert f"{path}: {reason}" in capsys.readouterr().err


def test_a_file_of_something_else_is_not_overwritten(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("x" * 4096)
    with pytest.raises(ValueError, match="something else than a touch page"):
        desk.live.publish_touch(str(path), 0o640, 1)
    assert path.read_text() == "x" * 4096


def test_the_command_shows_it(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    path = published(desk)
    desk.market()
    assert main(["touch", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "100.1" in shown
    assert "BTC" in shown
    assert "LIVE" in shown
    assert main(["touch", str(path), "BTC", "--json"]) == 0
    assert '"symbol":"BTC","bid":"100.0"' in capsys.readouterr().out
    assert main(["touch", str(path), "NONE"]) == 2
    assert "there are: BTC, ETH" in capsys.readouterr().err
    desk.live.end_touch()
    assert main(["touch", str(path), "BTC"]) == 1
    assert "has ended" in capsys.readouterr().err


def test_nothing_is_made_where_nothing_is_asked_for(desk: Desk) -> None:
    assert isinstance(desk.live, Live)
    desk.market()
    assert list(desk.log_folder.parent.glob("*touch*")) == []
