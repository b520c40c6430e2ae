"""`pitwire touch`: the best bid and ask that a running daemon publishes in a mapped file.

`Page` is what a program of your own uses: it reads the file as the daemon writes it, asks the
daemon for nothing and cannot slow it. The layout, for readers in other languages, is docs/touch.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Group
from rich.live import Live
from rich.text import Text

from daemon.core import TouchReader, TouchWriterState
from daemon.model import BookState, TradingState
from tools.command import UsageError
from tools.durations import seconds
from tools.screen import Columns, screen

SILENCE_S: Final = 5.0  # a daemon takes a turn every second though nothing happens
TITLES: Final = (
    "symbol", "orders", "bid qty", "bid", "ask", "ask qty", "orders", "book", "trading", "age",
    "sequence",
)  # fmt: skip


class Quote(msgspec.Struct, frozen=True):
    """One instrument's touch in natural units. A price is None where that side is empty."""

    symbol: str
    bid: Decimal | None
    bid_qty: Decimal
    bid_orders: int  # 0 where the feed tells none; 65,535 stands for more
    ask: Decimal | None
    ask_qty: Decimal
    ask_orders: int
    book: BookState  # anything but LIVE is nothing to trade on
    trading: TradingState
    ts_event: int  # venue's time, ns since 1970 UTC
    ts_recv: int  # when its message came to the daemon's host
    sequence: int  # of the frame in the daemon's log; 0 before the first of this epoch
    version: int  # rises by one with each publication


class Page:
    """A daemon's published touches. ValueError with the reason where there is none to read."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self._reader = TouchReader(str(path))
        except RuntimeError as error:
            raise ValueError(str(error)) from None
        rows = [self._reader.row(at) for at in range(len(self._reader))]
        self.symbols = tuple(symbol for symbol, *_ in rows)
        self._places = {symbol: at for at, symbol in enumerate(self.symbols)}
        self._units = [
            (Decimal(px).scaleb(px_exponent), Decimal(qty).scaleb(qty_exponent))
            for _, px, px_exponent, qty, qty_exponent in rows
        ]

    def read(self, symbol: str) -> Quote | None:
        """The newest touch, never a mixture of two; None where none was published yet.

        KeyError for a symbol that the daemon does not have. None also where the writer was killed
        in the middle of it.
        """
        at = self._places[symbol]
        found = self._reader.read(at)
        if found is None or found[0] == 0:
            return None
        version, bid, bid_qty, bid_orders, ask, ask_qty, ask_orders, *times, book, trading = found
        px_unit, qty_unit = self._units[at]
        return Quote(
            symbol=symbol,
            bid=bid * px_unit if bid_qty else None,
            bid_qty=bid_qty * qty_unit,
            bid_orders=bid_orders,
            ask=ask * px_unit if ask_qty else None,
            ask_qty=ask_qty * qty_unit,
            ask_orders=ask_orders,
            book=BookState(book),
            trading=TradingState(trading),
            ts_event=times[0],
            ts_recv=times[1],
            sequence=times[2],
            version=version,
        )

    @property
    def pid(self) -> int:
        """Of the daemon."""
        return self._reader.pid

    @property
    def epoch(self) -> int:
        """Of the daemon's log."""
        return self._reader.epoch

    @property
    def replaced(self) -> bool:
        """A daemon that was started since writes a new file of this name: open it again."""
        return self._reader.state == TouchWriterState.REPLACED

    def gone(self) -> str:
        """Why nothing new will come: empty while the daemon lives."""
        if self._reader.state != TouchWriterState.LIVE:
            return f"the daemon (pid {self.pid}) has {self._reader.state.name.lower()} this page"
        silent_s = (time.time_ns() - self._reader.alive_ts) / 1e9
        if silent_s < SILENCE_S:
            return ""
        return f"the daemon (pid {self.pid}) has taken no turn for {silent_s:.1f} s"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `touch`."""
    parser = subparsers.add_parser(
        "touch",
        help="best bids and asks that a running daemon publishes",
        description=(
            "Show the best bid and ask of every instrument from the page that a daemon with "
            "daemon.touch_page writes. Exit code 1 where the daemon is gone: what is shown is "
            "then its last word."
        ),
        epilog="example: pitwire touch run/demo/touch.page ACME --watch",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the page")
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help="only these")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each instrument")
    parser.add_argument("--watch", action="store_true", help="again and again, until Ctrl-C")
    parser.add_argument(
        "--every", type=seconds, default=0.5, metavar="TIME", help="with --watch (500ms)"
    )
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Show it; the exit code."""
    symbols: Sequence[str] = arguments.symbols
    page = _opened(arguments.file, symbols)
    if arguments.watch:
        return _watch(page, symbols, arguments.every, as_json=arguments.json)
    if arguments.json:
        _print_lines(page, symbols)
    else:
        screen().print(_table(page, symbols))
    if gone := page.gone():
        sys.stderr.write(f"pitwire: {page.path}: {gone}\n")
    return 1 if gone else 0


def _opened(path: Path, symbols: Sequence[str]) -> Page:
    try:
        page = Page(path)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for symbol in symbols:
        if symbol not in page.symbols:
            raise UsageError(f"{path}: no instrument {symbol}; there are: {_named(page)}")
    return page


def _named(page: Page, shown: int = 20) -> str:
    more = len(page.symbols) - shown
    names = ", ".join(page.symbols[:shown])
    return names if more <= 0 else f"{names} and {more} more"


def _quotes(page: Page, symbols: Sequence[str]) -> Iterator[Quote]:
    for symbol in symbols or page.symbols:
        if quote := page.read(symbol):
            yield quote


def _print_lines(page: Page, symbols: Sequence[str]) -> None:
    for quote in _quotes(page, symbols):
        named = {**msgspec.structs.asdict(quote), "book": quote.book.name}
        named["trading"] = quote.trading.name
        sys.stdout.write(msgspec.json.encode(named).decode() + "\n")
    sys.stdout.flush()


def _table(page: Page, symbols: Sequence[str]) -> Columns:
    now = time.time_ns()
    cells = [_cells(quote, now) for quote in _quotes(page, symbols)]
    return Columns(TITLES, cells, left=frozenset({0, 7, 8}), expendable=(10, 8, 1, 6, 9))


def _cells(quote: Quote, now: int) -> list[Text]:
    age = f"{(now - quote.ts_recv) / 1e9:.1f} s" if quote.ts_recv else "-"
    live = quote.book == BookState.LIVE
    texts = (
        quote.symbol,
        str(quote.bid_orders or "-"),
        f"{quote.bid_qty:f}",
        "-" if quote.bid is None else f"{quote.bid:f}",
        "-" if quote.ask is None else f"{quote.ask:f}",
        f"{quote.ask_qty:f}",
        str(quote.ask_orders or "-"),
        quote.book.name,
        quote.trading.name,
        age,
        str(quote.sequence),
    )
    return [Text(text, "" if live else "yellow") for text in texts]


def _watch(page: Page, symbols: Sequence[str], every_s: float, *, as_json: bool) -> int:
    """Until Ctrl-C; 1 where the daemon is gone then."""
    console = screen()
    try:
        if as_json or not console.is_terminal:
            while True:
                page = _newest(page, symbols)
                _print_lines(page, symbols) if as_json else console.print(_table(page, symbols))
                time.sleep(every_s)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                page = _newest(page, symbols)
                line = Text(page.gone() or f"pid {page.pid}, epoch {page.epoch}", "dim")
                live.update(Group(line, _table(page, symbols)), refresh=True)
                time.sleep(every_s)
    except KeyboardInterrupt:
        return 1 if page.gone() else 0


def _newest(page: Page, symbols: Sequence[str]) -> Page:
    """The page of the daemon that was started since, where there is one."""
    return _opened(page.path, symbols) if page.replaced else page
