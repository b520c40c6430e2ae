"""`pitwire data record`: a capture of the feed that a configuration names."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Final

import uvloop

from daemon.app.configuration import Configuration
from daemon.app.market_settings import BinanceFeed
from daemon.io.binance import BinanceEdge
from daemon.io.service import OperatingLog
from tools.command import UsageError
from tools.config import load_configuration
from tools.durations import seconds
from tools.marketdata.recording import Capture, Recorder
from tools.screen import screen

FLUSH_S: Final = 1.0
PLACE: Final = "{symbol}"
EXAMPLE: Final = (
    "example: pitwire data record -c config/binance-paper.toml --out {symbol}.gz --for 30s"
)


def register(inner: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `record` to `data`."""
    record = inner.add_parser(
        "record",
        help="make a capture of a live feed",
        description="Records a Binance feed of a configuration until --for is over, or Ctrl-C.",
        epilog=EXAMPLE,
    )
    record.add_argument("-c", "--config", required=True, metavar="FILE", help="configuration")
    record.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.gz",
        help=f"a new file; with {PLACE} in its name, one for each instrument",
    )
    record.add_argument("--feed", metavar="NAME", help="default: the only one there is")
    record.add_argument("--symbol", action="append", default=[], help="only this one, repeatable")
    record.add_argument("--for", dest="duration", type=seconds, metavar="TIME", help="30s, 5m, 1h")
    record.add_argument(
        "--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="change one value"
    )
    record.set_defaults(run=run_record)


def run_record(args: argparse.Namespace) -> int:
    """0: every instrument has a book in its capture. 1: one has none, or the disk failed."""
    configuration = load_configuration(args.config, args.set)
    feed = feed_of(configuration, args.feed, args.config)
    symbols = symbols_of(configuration, feed, args.symbol)
    OperatingLog(configuration.service.log_format, configuration.service.log_level)
    captures = open_captures(args.out, symbols)
    try:
        recorder = uvloop.run(_record(feed, captures, args.duration))
    except ValueError as error:  # more streams than a connection carries
        raise UsageError(f"{args.config}: {error}") from None
    finally:
        for capture in captures.values():
            with contextlib.suppress(OSError):  # told already, as the recording's failure
                capture.close()
    return _tell(captures, recorder)


def feed_of(configuration: Configuration, name: str | None, path: str) -> BinanceFeed:
    """The Binance feed of that name, or the only one."""
    feeds = {feed.name: feed for feed in configuration.feed if isinstance(feed, BinanceFeed)}
    if name is None and len(feeds) == 1:
        return next(iter(feeds.values()))
    if name is None or name not in feeds:
        if not feeds:
            raise UsageError(f"{path}: has no feed of kind binance")
        wanted = "--feed: expected" if name is None else f"--feed {name}: expected"
        raise UsageError(f"{path}: {wanted} one of {', '.join(feeds)}")
    return feeds[name]


def symbols_of(configuration: Configuration, feed: BinanceFeed, wanted: list[str]) -> list[str]:
    """The feed's names of its instruments, or of those `wanted`, by the feed's name or ours."""
    names = {
        each.feed_symbol or each.symbol: each.symbol
        for each in configuration.instrument
        if each.feed == feed.name
    }
    for name in wanted:
        if name not in names and name not in names.values():
            known = ", ".join(names) or "none"
            raise UsageError(f"--symbol {name}: feed {feed.name} has {known}")
    return [symbol for symbol in names if not wanted or {symbol, names[symbol]} & set(wanted)]


def open_captures(out: Path, symbols: list[str]) -> dict[str, Capture]:
    """A new file for each; nothing is overwritten."""
    if len(symbols) > 1 and PLACE not in out.name:
        raise UsageError(
            f"--out {out}: {len(symbols)} instruments need {PLACE} in its name, or one --symbol"
        )
    captures: dict[str, Capture] = {}
    try:
        for symbol in symbols:
            captures[symbol] = Capture(out.with_name(out.name.replace(PLACE, symbol)))
    except OSError as error:
        for capture in captures.values():
            capture.close()
            capture.path.unlink()
        raise UsageError(f"--out: {error}") from None
    return captures


async def _record(
    feed: BinanceFeed, captures: dict[str, Capture], duration: float | None
) -> Recorder:
    """Until told to stop, or until the disk fails."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    recorder = Recorder(captures, feed.market, over.set)
    numbers = {symbol: number for number, symbol in enumerate(captures)}
    names = {symbol: symbol for symbol in captures}
    edge = BinanceEdge(recorder, 0, feed, numbers, names, lambda: None)
    recorder.fetch_snapshot = edge.fetch_snapshot
    edge.start()
    if duration is not None:
        loop.call_later(duration, over.set)
    console = screen(errors=True)
    with console.status("connecting") as status:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), FLUSH_S)
            recorder.flush()
            status.update(_line(captures, edge))
    await edge.close()
    return recorder


def _line(captures: dict[str, Capture], edge: BinanceEdge) -> str:
    state = "recording" if edge.connected else "not connected"
    messages = sum(capture.messages for capture in captures.values())
    size_mb = sum(capture.bytes for capture in captures.values()) / 1e6
    return f"{state}: {messages:,} messages, {size_mb:,.1f} MB before compression"


def _tell(captures: dict[str, Capture], recorder: Recorder) -> int:
    console = screen()
    for symbol, capture in captures.items():
        console.print(
            f"{capture.path}: {symbol}, {capture.messages:,} messages,"
            f" {capture.snapshots:,} snapshots",
            soft_wrap=True,
        )
    unbridged = [symbol for symbol, capture in captures.items() if not capture.bridged]
    if unbridged:
        console.print(f"no book can be built of {', '.join(unbridged)}", style="yellow")
    if recorder.losses:
        console.print(f"the feed was lost {recorder.losses:,} times", style="yellow")
    if recorder.unknown:
        console.print(f"{recorder.unknown:,} messages of no instrument of ours", style="yellow")
    if recorder.failure:
        console.print(f"the recording ended early: {recorder.failure}", style="red")
    return 1 if recorder.failure or unbridged else 0
