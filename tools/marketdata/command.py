"""`pitwire data book`, `pitwire data info`, `pitwire data record`."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from re import fullmatch
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tools.command import UsageError
from tools.marketdata import record
from tools.marketdata.binance import BinanceBuilder
from tools.marketdata.builder import Builder, Request
from tools.marketdata.contents import contents, guess_format
from tools.marketdata.dbn import DbnBuilder
from tools.marketdata.itch import ItchBuilder
from tools.marketdata.lobster import LobsterBuilder, in_order
from tools.marketdata.sources import Source
from tools.marketdata.table import row_file
from tools.screen import screen

BUILDERS: Final[dict[str, type[Builder]]] = {
    "itch5": ItchBuilder,
    "lobster": LobsterBuilder,
    "dbn": DbnBuilder,
    "binance": BinanceBuilder,
}
_UNITS_NS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_BOOK_EXAMPLE: Final = (
    "example: pitwire data book day.itch.gz --format itch5 --symbol AAPL --depth 5"
)
_INFO_EXAMPLE: Final = "example: pitwire data info esh4.mbo.dbn.zst"
_SHOWN_SYMBOLS_MAX: Final = 20


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `data` with `book`, `info` and `record`."""
    parser = subparsers.add_parser(
        "data",
        help="market-data files: rebuild books, look inside, record",
        epilog="example: pitwire data book 12302019.NASDAQ_ITCH50.gz --symbol AAPL --every 1s",
    )
    inner = parser.add_subparsers(metavar="COMMAND", required=True)
    book = inner.add_parser("book", help="rebuild books from files", epilog=_BOOK_EXAMPLE)
    book.add_argument("files", nargs="+", type=Path, metavar="FILE", help="may be .gz, .xz, .zst")
    book.add_argument("--format", choices=sorted(BUILDERS), help="default: seen from the file")
    book.add_argument(
        "--symbol", action="append", default=[], help="only this one; may be repeated"
    )
    book.add_argument("--depth", type=int, default=10, help="levels a side (default 10)")
    book.add_argument(
        "--every", default="message", help="rows after every `message`, or each 1s, 100ms, 1m"
    )
    book.add_argument(
        "--date", help="YYYY-MM-DD of times since midnight (default: the file's name)"
    )
    book.add_argument("--out", type=Path, help="rows as .csv or .parquet")
    book.set_defaults(run=run_book)
    info = inner.add_parser("info", help="what is in a file", epilog=_INFO_EXAMPLE)
    info.add_argument("files", nargs="+", type=Path, metavar="FILE")
    info.add_argument("--format", choices=sorted(BUILDERS), help="default: seen from the file")
    info.set_defaults(run=run_info)
    record.register(inner)


def run_book(args: argparse.Namespace) -> int:
    """Rebuilds the books, writes rows, shows the final state. 0 done, 1 if no book was built."""
    _check_files(args.files)
    builder = BUILDERS[args.format or guess_format(Source(args.files[0]))](_request(args))
    console = screen()
    written = _build(builder, args, console)
    builder.finish()
    _show(builder, console)
    for note in builder.notes:
        console.print(note, style="yellow", soft_wrap=True)
    if args.out is not None:
        console.print(f"{written:,} rows in {args.out}", soft_wrap=True)
    return 0 if any(_shown(builder)) else 1


def run_info(args: argparse.Namespace) -> int:
    """Shows what each file holds."""
    _check_files(args.files)
    console = screen()
    for path in args.files:
        source = Source(path)
        console.print(path, soft_wrap=True, highlight=False)  # a title would wrap at the table
        table = Table("what", "value")
        for what, value in contents(source, args.format or guess_format(source)):
            table.add_row(what, value)
        console.print(table)
    return 0


def _check_files(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: no such file")


def _request(args: argparse.Namespace) -> Request:
    if not 1 <= args.depth <= 1024:
        raise UsageError(f"--depth {args.depth}: expected 1 to 1024")
    try:
        day = date.fromisoformat(args.date) if args.date else None
    except ValueError as error:
        raise UsageError(f"--date {args.date}: expected YYYY-MM-DD") from error
    every = interval_ns(args.every) if args.out is not None else None
    return Request(frozenset(args.symbol), args.depth, every, day)


def interval_ns(text: str) -> int:
    """`message` is 0; `100ms`, `1s`, `5m`, `1h` their nanoseconds. UsageError otherwise."""
    if text == "message":
        return 0
    found = fullmatch(r"([1-9]\d{0,8})(ms|s|m|h)", text)
    if found is None:
        raise UsageError(f"--every {text}: expected `message` or an interval such as 1s or 100ms")
    return int(found[1]) * _UNITS_NS[found[2]]


def _build(builder: Builder, args: argparse.Namespace, console: Console) -> int:
    """How many rows were written."""
    with ExitStack() as stack:
        out = None
        if args.out is not None:
            out = stack.enter_context(row_file(args.out, builder.price_scale, builder.size_scale))
        bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        progress = stack.enter_context(bar)
        total = sum(path.stat().st_size for path in args.files)
        task = progress.add_task("reading", total=total)
        sources = [Source(path, lambda n: progress.advance(task, n)) for path in args.files]
        for source in in_order(sources) if isinstance(builder, LobsterBuilder) else sources:
            for rows in builder.read(source):
                if out is not None:
                    out.add(rows, builder.symbols())
        return out.rows if out is not None else 0


def _shown(builder: Builder) -> list[str]:
    """Symbols with a book: a directory names thousands that never traded."""
    return [
        symbol
        for symbol in builder.symbols()
        if builder.level_count(symbol, 1) or builder.level_count(symbol, 2)
    ]


def _show(builder: Builder, console: Console) -> None:
    symbols = _shown(builder)
    for symbol in symbols[:_SHOWN_SYMBOLS_MAX]:
        bids, asks = (builder.levels(symbol, side, builder.request.depth) for side in (1, 2))
        counts = [builder.level_count(symbol, side) for side in (1, 2)]
        table = Table(
            title=f"{symbol}: {counts[0]} bid and {counts[1]} ask levels", title_justify="left"
        )
        for name in ("orders", "bid size", "bid", "ask", "ask size", "orders"):
            table.add_column(name, justify="right")
        for at in range(max(len(bids), len(asks))):
            bid = _cells(builder, bids[at]) if at < len(bids) else ("", "", "")
            ask = _cells(builder, asks[at]) if at < len(asks) else ("", "", "")
            table.add_row(bid[2], bid[1], bid[0], *ask)
        console.print(table)
    if len(symbols) > _SHOWN_SYMBOLS_MAX:
        console.print(f"and {len(symbols) - _SHOWN_SYMBOLS_MAX} more symbols; choose with --symbol")


def _cells(builder: Builder, level: tuple[int, int, int]) -> tuple[str, str, str]:
    price, size, orders = level
    return (
        decimal_text(price, builder.price_scale),
        decimal_text(size, builder.size_scale),
        str(orders) if orders else "",
    )


def decimal_text(count: int, scale: int) -> str:
    """count × 10^-scale, exactly, with at least two places of a fraction."""
    if scale == 0:
        return str(count)
    digits = str(abs(count)).rjust(scale + 1, "0")
    whole, fraction = digits[:-scale], digits[-scale:].rstrip("0").ljust(2, "0")
    return f"{'-' if count < 0 else ''}{whole}.{fraction}"
