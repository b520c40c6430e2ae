"""ITCH: the artificial file with its unknown orders, and captured MoldUDP64 datagrams."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.core import DecodeStatus, ItchBooks
from tools.marketdata.pcap import udp_payloads
from tools.marketdata.sources import Source

FILE = "itch/ex20101224.TEST_ITCH_50.gz"
PCAPS = "pcap_exchange/Nasdaq"


@pytest.fixture
def content(test_data: Callable[[str], Path]) -> bytes:
    return gzip.decompress(test_data(FILE).read_bytes())


def test_counts_are_the_files_and_unknown_orders_do_no_harm(content: bytes) -> None:
    books = ItchBooks(map_all=True)
    assert books.feed(content) == len(content)
    expected = "S6 R3 H3 A4997 F3 E198 X45 D1745 U12 P5000"
    assert books.types() == {item[0]: int(item[1:]) for item in expected.split()}
    assert books.counts() == {"OK": 11_895, "UNKNOWN_ORDER": 117}
    assert books.symbols() == ["ALC", "BOB", "CHAR"]


def test_any_cut_of_the_file_gives_the_same_books(content: bytes) -> None:
    whole = ItchBooks(map_all=True)
    whole.feed(content)
    pieces = ItchBooks(map_all=True)
    rest = b""
    for at in range(0, len(content), 997):
        rest += content[at : at + 997]
        rest = rest[pieces.feed(rest) :]
    assert rest == b""
    for symbol in whole.symbols():
        assert pieces.top(symbol) == whole.top(symbol)
        for side in (1, 2):
            assert pieces.levels(symbol, side, 500) == whole.levels(symbol, side, 500)


def test_only_mapped_symbols_get_books(content: bytes) -> None:
    one = ItchBooks()
    one.map_symbol("BOB")
    one.feed(content)
    whole = ItchBooks(map_all=True)
    whole.feed(content)
    assert one.symbols() == ["BOB"]
    assert one.top("BOB") == whole.top("BOB")
    with pytest.raises(KeyError):
        one.top("ALC")


def test_what_is_no_itch_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match="byte 0: no ITCH"):
        ItchBooks().feed(b"\0\0\xff garbage")


def test_every_captured_message_is_decoded(test_data: Callable[[str], Path]) -> None:
    folder = test_data(PCAPS)
    captures = sorted(folder.glob("Nasdaq.Equities.TotalView.Itch.v5.0*/*.pcap"))
    assert len(captures) == 23
    messages = 0
    for capture in captures:
        books = ItchBooks(map_all=True)
        for payload in udp_payloads(Source(capture)):
            status = DecodeStatus(books.apply_datagram(payload))
            assert status in (DecodeStatus.OK, DecodeStatus.GAP), capture
            messages += int.from_bytes(payload[18:20])
        # Orders of captures that begin in the middle of a day are unknown; all else is whole.
        assert set(books.counts()) <= {"OK", "SKIPPED", "UNKNOWN_ORDER", "GAP"}, capture
    assert messages == 117
