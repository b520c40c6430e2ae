"""L3 books from NASDAQ ITCH 5.0: files with length prefixes, or captures of MoldUDP64."""

from collections.abc import Iterator

from daemon.core import ItchBooks
from tools.command import UsageError
from tools.marketdata.builder import Builder, Levels, Request, Rows
from tools.marketdata.pcap import PCAP_MAGICS, udp_payloads
from tools.marketdata.sources import Source


class ItchBuilder(Builder):
    price_scale = 4

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.books = ItchBooks(map_all=not request.symbols)
        for symbol in sorted(request.symbols):
            try:
                self.books.map_symbol(symbol)
            except ValueError as error:
                raise UsageError(f"--symbol: {error}") from error
        if request.every_ns is not None:
            self.books.record(request.depth, request.every_ns)

    def read(self, source: Source) -> Iterator[Rows]:
        self.books.set_midnight(source.midnight(self.request.day))
        rest = b""
        first = True
        for chunk in source.chunks():
            if first and chunk[:4] in PCAP_MAGICS:
                yield from self._capture(source)
                return
            first = False
            rest = self._feed(rest + chunk, source)
            yield self.books.take_rows()
        if rest:
            self.notes.append(f"{source.path}: ends within a message, {len(rest)} bytes left over")

    def _feed(self, piece: bytes, source: Source) -> bytes:
        try:
            return piece[self.books.feed(piece) :]
        except ValueError as error:
            raise UsageError(f"{source.path}: {error}; is this an ITCH 5.0 file?") from error

    def _capture(self, source: Source) -> Iterator[Rows]:
        for payload in udp_payloads(source):
            self.books.apply_datagram(payload)
        yield self.books.take_rows()

    def symbols(self) -> list[str]:
        return self.books.symbols()

    def levels(self, symbol: str, side: int, depth: int) -> Levels:
        return self.books.levels(symbol, side, depth)

    def level_count(self, symbol: str, side: int) -> int:
        return self.books.level_count(symbol, side)

    def finish(self) -> None:
        counts = self.books.counts()
        for name in sorted(counts.keys() - {"OK", "SKIPPED"}):
            self.notes.append(f"{counts[name]:,} messages {name}, not applied")
