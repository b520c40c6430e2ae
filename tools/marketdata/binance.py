"""L2 books from captures of Binance's websocket: lines of `<receive time> <raw JSON>`.

Prices and sizes count in 10^-8, which every one of its markets divides. Which kind of market a
symbol is of (spot, USD-M, COIN-M) is seen from its messages.
"""

from collections.abc import Iterator
from itertools import islice
from re import compile as regex

from daemon.core import BinanceBooks, DecodeStatus
from tools.command import UsageError
from tools.marketdata.builder import Builder, Levels, Request, Rows
from tools.marketdata.sources import Source

_SYMBOL = regex(rb'"s(?:ymbol)?":\s*"([A-Z0-9_]+)"')
_LOOK_AHEAD_LINES = 20_000
_BATCH = 4096
_SPOT, _USDM, _COINM = 0, 1, 2
MARKETS = ("spot", "usdm", "coinm")
"""By the number of the kind, as configurations name them."""


def market_of(line: bytes) -> tuple[str, int] | None:
    """Symbol and kind of market of a line with a depth update; None of any other."""
    if b'"depthUpdate"' not in line or (found := _SYMBOL.search(line)) is None:
        return None
    kind = _SPOT if b'"pu":' not in line else _COINM if b'"ps":' in line else _USDM
    return found[1].decode(), kind


class BinanceBuilder(Builder):
    price_scale = 8
    size_scale = 8

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.books = BinanceBooks()
        self._names: list[str] = []
        self._outcomes = dict.fromkeys(DecodeStatus, 0)
        self._refused = ""
        if request.every_ns is not None:
            self.books.record(request.depth, request.every_ns)

    def read(self, source: Source) -> Iterator[Rows]:
        self._map(source)
        for number, line in enumerate(source.lines()):
            start = line.find(b"{")
            if start >= 0:
                self._apply(line[start:])
            elif line.strip():
                raise UsageError(f"{source.path}, line {number + 1}: expected JSON")
            if number % _BATCH == 0:
                yield self.books.take_rows()
        yield self.books.take_rows()

    def _map(self, source: Source) -> None:
        """Symbols and kinds from the beginning of the file: a snapshot may come before the first
        diff, and does not say what it is of."""
        ahead = Source(source.path)
        for line in islice(ahead.lines(), _LOOK_AHEAD_LINES):
            if (found := market_of(line)) is None:
                continue
            name, kind = found
            if name in self._names or not self.wants(name):
                continue
            self.books.map_symbol(name, len(self._names), (1, 8), (1, 8), kind)
            self._names.append(name)
        if not self._names:
            raise UsageError(f"{source.path}: no depthUpdate of a symbol that was asked for")

    def _apply(self, message: bytes) -> None:
        if b'"lastUpdateId"' in message:
            status = self._snapshot(message)
        else:
            status = DecodeStatus(self.books.on_message(message))
        self._outcomes[status] += 1
        if status >= DecodeStatus.TRUNCATED:
            self._refused = self.books.reason() or self._refused

    def _snapshot(self, message: bytes) -> DecodeStatus:
        found = _SYMBOL.search(message)
        if found is not None:
            name = found[1].decode()
            if name not in self._names:
                return DecodeStatus.SKIPPED
            return DecodeStatus(self.books.on_snapshot(self._names.index(name), message))
        if len(self._names) > 1:
            raise UsageError("a snapshot names no symbol and the file has several: give --symbol")
        return DecodeStatus(self.books.on_snapshot(0, message))

    def symbols(self) -> list[str]:
        return self._names

    def levels(self, symbol: str, side: int, depth: int) -> Levels:
        return self.books.levels(self._names.index(symbol), side, depth)

    def level_count(self, symbol: str, side: int) -> int:
        return self.books.level_count(self._names.index(symbol), side)

    def finish(self) -> None:
        quiet = (DecodeStatus.OK, DecodeStatus.SKIPPED, DecodeStatus.STALE, DecodeStatus.BUFFERED)
        for status, count in self._outcomes.items():
            if count and status not in quiet:
                self.notes.append(f"{count:,} messages {status.name}, the last: {self._refused}")
        for number, name in enumerate(self._names):
            compared, different = self.books.checks(number)
            if compared:
                self.notes.append(
                    f"{name}: compared with bookTicker at {compared:,} update ids, "
                    f"{different:,} different"
                )
