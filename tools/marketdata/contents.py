"""What a market-data file is and holds: `pitwire data info`."""

from collections import Counter
from datetime import UTC, datetime
from re import compile as regex

import numpy as np

from daemon.core import ItchBooks
from tools.command import UsageError
from tools.marketdata.builder import Request
from tools.marketdata.dbn import split
from tools.marketdata.itch import ItchBuilder
from tools.marketdata.pcap import PCAP_MAGICS
from tools.marketdata.sources import Source

Facts = list[tuple[str, str]]
_EVENT = regex(rb'"e":\s*"(\w+)"')
_SYMBOL = regex(rb'"s":\s*"([A-Z0-9_]+)"')
_TIME = regex(rb'"E":\s*(\d+)')
_DBN_RTYPES = {0: "trade", 1: "mbp-1", 10: "mbp-10", 19: "instrument definition", 160: "mbo"}


def guess_format(source: Source) -> str:
    """The format of --format, from the file's first bytes. UsageError if it is none of them."""
    head = next(source.chunks(), b"")[:4096]
    if head[:3] == b"DBN":
        return "dbn"
    if head[:4] in PCAP_MAGICS:
        return "itch5"
    line = head.split(b"\n", 1)[0]
    if b"{" in line:
        return "binance"
    if line and not set(line.strip()) - set(b"0123456789.,-"):
        return "lobster"
    try:
        ItchBooks().feed(head)
    except ValueError as error:
        raise UsageError(f"{source.path}: format not recognised, give --format") from error
    return "itch5"


def contents(source: Source, kind: str) -> Facts:
    """Facts to show, in order."""
    describe = {"itch5": _itch, "dbn": _dbn, "lobster": _lobster, "binance": _binance}[kind]
    return [("format", kind), *describe(source)]


def _utc(ns: int) -> str:
    seconds, fraction = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{fraction:09d} UTC"


def _counts(name: str, counts: dict[str, int]) -> Facts:
    return [(f"{name} {key}", f"{count:,}") for key, count in sorted(counts.items())]


def _itch(source: Source) -> Facts:
    builder = ItchBuilder(Request())
    for _ in builder.read(source):
        pass
    builder.finish()
    books = builder.books
    symbols = books.symbols()
    orders = sum(books.order_count(symbol) for symbol in symbols)
    return [
        ("messages", f"{books.messages():,}"),
        *_counts("type", books.types()),
        ("symbols", _some(symbols)),
        ("live orders at the end", f"{orders:,}"),
        *[("note", note) for note in builder.notes],
    ]


def _dbn(source: Source) -> Facts:
    content = source.read()
    metadata, body = split(content, source)
    counts: Counter[str] = Counter()
    first, last, at = 0, 0, 0
    while at + 16 <= len(body) and (length := body[at] * 4) and at + length <= len(body):
        counts[_DBN_RTYPES.get(body[at + 1], f"rtype {body[at + 1]}")] += 1
        last = int.from_bytes(body[at + 8 : at + 16], "little")
        first = first or last
        at += length
    facts = [
        ("dataset", str(metadata.dataset)),
        ("schema", str(metadata.schema)),
        ("version", str(content[3])),  # the library's metadata have been raised to its newest
        ("symbols", _some([str(symbol) for symbol in metadata.symbols])),
        *_counts("records", dict(counts)),
        ("first ts_event", _utc(first)),
        ("last ts_event", _utc(last)),
    ]
    return facts if at == len(body) else [*facts, ("note", f"{len(body) - at} bytes left over")]


def _lobster(source: Source) -> Facts:
    table = np.loadtxt(source.lines(), np.float64, delimiter=",", ndmin=2)
    if "orderbook" in source.name:
        return [("order books", f"{len(table):,}"), ("levels", str(table.shape[1] // 4))]
    counts = Counter(str(int(kind)) for kind in table[:, 1])
    return [("messages", f"{len(table):,}"), *_counts("type", dict(counts))]


def _binance(source: Source) -> Facts:
    events: Counter[str] = Counter()
    symbols: set[str] = set()
    first = last = 0
    for line in source.lines():
        found = _EVENT.search(line)
        name = "snapshot" if b'"lastUpdateId"' in line else "bookTicker (spot) or other"
        events[found[1].decode() if found else name] += 1
        if symbol := _SYMBOL.search(line):
            symbols.add(symbol[1].decode())
        if time := _TIME.search(line):
            last = int(time[1])
            first = first or last
    return [
        ("symbols", _some(sorted(symbols))),
        *_counts("event", dict(events)),
        ("first event time", _utc(first * 10**6)),
        ("last event time", _utc(last * 10**6)),
    ]


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10:,} more"
