"""Which captures a backtest runs over, and of which instrument each is: seen from their content."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from daemon.app.backtesting import Recording
from daemon.app.configuration import Configuration
from daemon.app.market_settings import BinanceFeed, InstrumentSettings, ItchFeed
from tools.command import UsageError
from tools.marketdata.binance import MARKETS, market_of
from tools.marketdata.contents import guess_format
from tools.marketdata.pcap import PCAP_MAGICS
from tools.marketdata.sources import Source

ITCH_BYTES_MAX: Final = 50  # of a message
NANOS_LEAST: Final = 10**17  # 1973 in ns, 5138 in µs: receive times are in either


class CaptureError(UsageError):
    """A capture that cannot be run over: the text names the file, or the key, and the reason."""


class Capture(msgspec.Struct, frozen=True):
    """A file: what it holds. Of ITCH the symbol is empty, and `first_ts` its day's midnight."""

    path: Path
    market: str
    symbol: str
    first_ts: int


def find(configuration: Configuration, given: Sequence[Path], file: str) -> list[Path]:
    """The files that are meant: those given, or the configured ones in the folder given.

    A folder stands for the configured names in it; without such, for all of its files. Nothing
    given: the configured names, from the working directory. `file` is the configuration's name.
    """
    names = configuration.backtest.captures
    found: list[Path] = []
    for path in given or [Path()]:
        if path.is_file():
            found.append(path)
        elif not path.is_dir():
            raise CaptureError(f"{path}: no such file or folder")
        elif names:
            found += chain.from_iterable(_matching(path, each, file) for each in names)
        elif given:
            found += sorted(each for each in path.iterdir() if each.is_file())
    if not found:
        raise CaptureError(f"{file}: backtest.captures: missing, and no CAPTURES were given")
    return list(dict.fromkeys(found))


def _matching(folder: Path, name: str, file: str) -> list[Path]:
    path = Path(name)
    whole = path if path.is_absolute() else folder / path
    found = sorted(each for each in whole.parent.glob(whole.name) if each.is_file())
    if not found:
        raise CaptureError(f"{file}: backtest.captures: there is no {whole}")
    return found


def look(path: Path) -> Capture:
    """What a file holds. CaptureError where it is no capture."""
    source = Source(path)
    head = next(source.chunks(), b"")
    if head[:4] in PCAP_MAGICS:
        raise CaptureError(f"{path}: packets of a network; a backtest reads ITCH 5.0 as a file")
    kind = _format(source)
    if kind == "itch5" and int.from_bytes(head[:2], "big") <= ITCH_BYTES_MAX:
        return Capture(path, "itch", "", source.midnight(None))
    if kind != "binance":
        raise CaptureError(f"{path}: neither Binance's messages nor an ITCH 5.0 file")
    first_ts = 0
    for line in source.lines():
        stamp = line.split(b" ", 1)[0]
        if not first_ts and stamp.isdigit():
            first_ts = int(stamp) if int(stamp) >= NANOS_LEAST else int(stamp) * 1000
        if found := market_of(line):
            if not first_ts:
                raise CaptureError(f"{path}: lines without a receive time before the JSON")
            symbol, market = found
            return Capture(path, MARKETS[market], symbol, first_ts)
    raise CaptureError(f"{path}: no depthUpdate in it, so no book")


def _format(source: Source) -> str:
    """Empty where it is none that we know."""
    try:
        return guess_format(source)
    except UsageError:
        return ""


def recordings(
    configuration: Configuration,
    captures: Sequence[Capture],
    file: str,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Recording]:
    """Every capture with the feed and the instrument that it is of, files of one in their order.

    CaptureError where one is of no instrument of the configuration, or where a strategy trades one
    of which there is none. `advance` hears how many bytes of the files were read.
    """
    grouped: dict[tuple[int, int | None], list[Capture]] = {}
    for each in sorted(captures, key=lambda capture: capture.first_ts):
        grouped.setdefault(_place(configuration, each, file), []).append(each)
    for (feed, instrument), files in grouped.items():
        if instrument is None and len(files) > 1:
            name = configuration.feed[feed].name
            raise CaptureError(f"{files[1].path}: feed {name} has {files[0].path.name} already")
    _check_traded(configuration, set(grouped), file)
    return [
        Recording(
            name=", ".join(str(each.path) for each in files),
            feed=feed,
            pieces=_pieces(files, advance),
            instrument=instrument,
            midnight=files[0].first_ts if instrument is None else 0,
        )
        for (feed, instrument), files in sorted(grouped.items(), key=_order)
    ]


def _order(group: tuple[tuple[int, int | None], list[Capture]]) -> tuple[int, int]:
    """Instruments' order decides between messages of one time."""
    feed, instrument = group[0]
    return (-1, feed) if instrument is None else (instrument, feed)


def _pieces(files: Sequence[Capture], advance: Callable[[int], None]) -> Iterator[bytes]:
    for each in files:
        yield from Source(each.path, advance).chunks()


def _place(configuration: Configuration, capture: Capture, file: str) -> tuple[int, int | None]:
    feeds = configuration.feed
    if capture.market == "itch":
        for number, feed in enumerate(feeds):
            if isinstance(feed, ItchFeed):
                return number, None
        raise CaptureError(f"{capture.path}: ITCH 5.0, and {file} has no such feed")
    names = [each.name for each in feeds]
    for number, instrument in enumerate(configuration.instrument):
        if instrument.feed is None:
            continue
        feed_number = names.index(instrument.feed)
        if _fed_by(configuration, instrument) == (capture.market, capture.symbol):
            return feed_number, number
    known = ", ".join(
        f"{symbol} ({market})"
        for market, symbol in (_fed_by(configuration, each) for each in configuration.instrument)
        if market
    )
    raise CaptureError(
        f"{capture.path}: holds {capture.symbol} ({capture.market}), which is of no instrument of"
        f" {file}; there are: {known or 'none that Binance feeds'}"
    )


def _fed_by(configuration: Configuration, instrument: InstrumentSettings) -> tuple[str, str]:
    """Market and symbol at its feed; both empty where that is not Binance's."""
    for feed in configuration.feed:
        if feed.name == instrument.feed and isinstance(feed, BinanceFeed):
            return feed.market, instrument.feed_symbol or instrument.symbol
    return "", ""


def _check_traded(
    configuration: Configuration, found: set[tuple[int, int | None]], file: str
) -> None:
    """A strategy without a market would only wait, and its author would wonder."""
    itch = {configuration.feed[feed].name for feed, instrument in found if instrument is None}
    places = {instrument for _, instrument in found}
    numbers = {each.symbol: number for number, each in enumerate(configuration.instrument)}
    for place, strategy in enumerate(configuration.strategy):
        for index, symbol in enumerate(strategy.instruments):
            instrument = configuration.instrument[numbers[symbol]]
            if numbers[symbol] in places or instrument.feed in itch:
                continue
            market, name = _fed_by(configuration, instrument)
            wanted = f"of {name} ({market})" if market else "of ITCH 5.0"
            key = f"strategy[{place}].instruments[{index}]"
            raise CaptureError(f"{file}: {key}: {symbol} has no capture {wanted}")
