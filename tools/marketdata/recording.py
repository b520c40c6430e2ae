"""Captures of a live feed: one file an instrument, lines of `<receive time, ns> <raw JSON>`.

What the venue sent is written as it came, snapshots in between at the moment at which they came, so
that `pitwire data book` and `pitwire exchange` rebuild what the daemon would have seen. Books are
kept only to know when a difference is missing: then a new snapshot goes into the capture.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from daemon.core import BinanceBooks, BookState, DecodeStatus, FeedEvent, MessageKind

MARKET_KINDS: Final = {"spot": 0, "usdm": 1, "coinm": 2}
COMPRESSION: Final = 6
_FINEST: Final = (1, 8)  # every price and quantity of its markets is a multiple of 1e-8
_STREAM: Final = re.compile(r'"stream"\s*:\s*"([^"@]+)@')


class Capture:
    """One instrument's file; OSError where it exists already or cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages = 0
        self.snapshots = 0
        self.bytes = 0
        self.bridged = False
        """Differences have continued a snapshot: a book can be built from it."""
        self.begun_at = 0  # the book's update id when its newest snapshot was in
        self._file = gzip.open(path, "xb", compresslevel=COMPRESSION)  # noqa: SIM115  closed by close()

    def line(self, ts_recv: int, text: str) -> None:
        """Append one message. A line's end inside JSON is only ever space between its parts."""
        line = f"{ts_recv} {text.replace(chr(10), ' ')}\n".encode()
        self._file.write(line)
        self.bytes += len(line)

    def flush(self) -> None:
        """What was appended can be read, though the file is not at its end."""
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Recorder:
    """`daemon.io.binance.MarketPort` into captures. After an error of the disk nothing is written:
    `failure` says what it was, and `on_failure` is called once."""

    def __init__(
        self, captures: Mapping[str, Capture], market: str, on_failure: Callable[[], None]
    ) -> None:
        """`captures` by the feed's symbols, in the order of their ids."""
        self._captures = list(captures.values())
        self._by_stream = {symbol.lower(): capture for symbol, capture in captures.items()}
        self._numbers = {symbol.lower(): number for number, symbol in enumerate(captures)}
        self._symbols = list(captures)
        self._on_failure = on_failure
        self._books = BinanceBooks()
        for number, symbol in enumerate(captures):
            self._books.map_symbol(symbol, number, _FINEST, _FINEST, MARKET_KINDS[market])
        self.fetch_snapshot: Callable[[str], None] = lambda _: None
        """Asked for by the feed's symbol where a difference is missing."""
        self.failure = ""
        self.unknown = 0
        """Messages of no instrument of ours."""
        self.losses = 0

    def push_feed_status(self, _: int, event: int, /) -> None:
        if event == FeedEvent.DISCONNECTED:
            self._books.disconnected()
            self.losses += any(capture.messages for capture in self._captures)

    def push_market_message(
        self, _: int, ts_recv: int, kind: int, instrument: int, text: str, /
    ) -> None:
        if self.failure:
            return
        try:
            if kind == MessageKind.SNAPSHOT:
                self._snapshot(ts_recv, instrument, text)
            else:
                self._message(ts_recv, text)
        except OSError as error:
            self.failure = str(error)
            self._on_failure()

    def _snapshot(self, ts_recv: int, number: int, text: str) -> None:
        capture = self._captures[number]
        capture.line(ts_recv, text)
        capture.snapshots += 1
        status = self._books.on_snapshot(number, text.encode())
        capture.begun_at = self._books.update_id(number)
        self._ask_after(number, status)

    def _message(self, ts_recv: int, text: str) -> None:
        found = _STREAM.search(text)
        name = found[1] if found else ""
        capture = self._by_stream.get(name)
        if capture is None:
            self.unknown += 1
            return
        capture.line(ts_recv, text)
        capture.messages += 1
        number = self._numbers[name]
        status = self._books.on_message(text.encode())
        self._ask_after(number, status)
        if not capture.bridged and self._books.state(number) == BookState.LIVE:
            capture.bridged = self._books.update_id(number) > capture.begun_at

    def _ask_after(self, number: int, status: int) -> None:
        if status == DecodeStatus.GAP:
            self.fetch_snapshot(self._symbols[number])

    def flush(self) -> None:
        """Of every capture; an error of the disk is a failure as in writing."""
        try:
            for capture in self._captures:
                capture.flush()
        except OSError as error:
            self.failure = self.failure or str(error)
            self._on_failure()
