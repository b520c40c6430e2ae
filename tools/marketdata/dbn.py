"""Books from Databento DBN files: L3 of market-by-order, L2 of market-by-price.

Record layouts: Databento's DBN documentation, versions 1 to 3, whose MBO and MBP records are alike.
Trades and fills are shown by the feed for information; the cancel that follows takes the quantity.
"""

from collections.abc import Iterator

import databento_dbn
import numpy as np
from numpy.typing import NDArray

from daemon.core import L2_DELTA, L3_DELTA, L2Book, L3Book
from tools.command import UsageError
from tools.marketdata.builder import Builder, Levels, Request, Rows
from tools.marketdata.sources import Source

_HEADER = [("length", "u1"), ("rtype", "u1"), ("publisher", "u2"), ("id", "u4"), ("ts_event", "u8")]
_TAIL = [("ts_recv", "u8"), ("delta", "i4"), ("sequence", "u4")]
_MBO = np.dtype(
    [
        *_HEADER,
        *[("ref", "u8"), ("px", "i8"), ("qty", "u4"), ("flags", "u1"), ("channel", "u1")],
        *[("action", "S1"), ("side", "S1")],
        *_TAIL,
    ]
)
_PAIR = np.dtype(
    [("bid_px", "i8"), ("ask_px", "i8"), ("bid_qty", "u4"), ("ask_qty", "u4"), ("counts", "u8")]
)
_RTYPE_MBO = 160
_NO_PRICE = np.iinfo(np.int64).max
_LAST = 128  # flag: last record of its event
_ACTIONS = {b"A": 1, b"C": 3, b"M": 6, b"R": 7}  # T and F change no book


def _mbp(depth: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            *_HEADER,
            *[("px", "i8"), ("qty", "u4"), ("action", "S1"), ("side", "S1"), ("flags", "u1")],
            ("depth", "u1"),
            *_TAIL,
            ("levels", _PAIR, (depth,)),
        ]
    )


def split(content: bytes, source: Source) -> tuple[databento_dbn.Metadata, bytes]:
    """The metadata and the records' bytes."""
    if content[:3] != b"DBN" or len(content) < 8:
        raise UsageError(f"{source.path}: not a DBN file")
    end = 8 + int.from_bytes(content[4:8], "little")
    try:
        return databento_dbn.Metadata.decode(content[:end]), content[end:]
    except (databento_dbn.DBNError, ValueError) as error:
        raise UsageError(f"{source.path}: DBN metadata: {error}") from error


def records(body: bytes, rtype: int, dtype: np.dtype[np.void]) -> tuple[NDArray[np.void], int]:
    """The records of the type, and the bytes of a truncated last one. Others are passed over."""
    size = dtype.itemsize
    whole = np.frombuffer(body, dtype, len(body) // size)
    if whole.size and (whole["length"] == size // 4).all() and (whole["rtype"] == rtype).all():
        return whole, len(body) % size
    wanted, at = [], 0
    while at < len(body) and (length := body[at] * 4) and at + length <= len(body):
        if body[at + 1] == rtype and length == size:
            wanted.append(body[at : at + size])
        at += length
    return np.frombuffer(b"".join(wanted), dtype), len(body) - at


class DbnBuilder(Builder):
    price_scale = 9

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._names: list[str] = []
        self._books: dict[str, L2Book | L3Book] = {}

    def read(self, source: Source) -> Iterator[Rows]:
        metadata, body = split(source.read(), source)
        names = _names(metadata)
        schema = str(metadata.schema)
        if schema == "mbo":
            found, left = records(body, _RTYPE_MBO, _MBO)
        elif schema in ("mbp-1", "tbbo", "mbp-10"):
            depth = 10 if schema == "mbp-10" else 1
            found, left = records(body, depth, _mbp(depth))
        else:
            raise UsageError(f"{source.path}: schema {schema}: expected mbo, mbp-1 or mbp-10")
        if left:
            self.notes.append(f"{source.path}: ends within a record, {left} bytes left over")
        for number in np.unique(found["id"]):
            name = names.get(int(number), str(number))
            if self.wants(name):
                yield self._apply(name, found[found["id"] == number])

    def _apply(self, name: str, found: NDArray[np.void]) -> Rows:
        mbo = found.dtype == _MBO
        book = self._books.get(name)
        if book is None:
            book = self._books[name] = L3Book() if mbo else L2Book()
            self._names.append(name)
            if self.request.every_ns is not None:
                book.record(self.request.depth, self.request.every_ns)
        if isinstance(book, L3Book) != mbo:
            raise UsageError(f"{name}: order-by-order and by-price files do not mix")
        book.apply(mbo_deltas(found) if mbo else mbp_deltas(found))
        rows = book.take_rows()
        rows["instrument"] = self._names.index(name)
        if not mbo and self.request.every_ns == 0:
            rows["sequence"] = found["sequence"][rows["sequence"].astype(np.int64) - 1]
        return rows

    def symbols(self) -> list[str]:
        return self._names

    def levels(self, symbol: str, side: int, depth: int) -> Levels:
        return self._books[symbol].levels(side, depth)

    def level_count(self, symbol: str, side: int) -> int:
        return self._books[symbol].level_count(side)

    def finish(self) -> None:
        for name, book in self._books.items():
            if not isinstance(book, L3Book):
                continue
            counts = book.counts()
            for outcome in sorted(counts.keys() - {"OK", "SKIPPED"}):
                self.notes.append(f"{name}: {counts[outcome]:,} records {outcome}, not applied")


def mbo_deltas(found: NDArray[np.void]) -> NDArray[np.void]:
    """L3_DELTA records: one for each record, of the same order."""
    deltas = np.zeros(found.size, L3_DELTA)
    for name in ("ref", "px", "qty", "ts_event", "sequence"):
        deltas[name] = found[name]
    for letter, action in _ACTIONS.items():
        deltas["action"][found["action"] == letter] = action
    deltas["side"][found["side"] == b"B"] = 1
    deltas["side"][found["side"] == b"A"] = 2
    deltas["flags"] = (found["flags"] & _LAST) != 0
    return deltas


def mbp_deltas(found: NDArray[np.void]) -> NDArray[np.void]:
    """L2_DELTA records: every record's levels replace those of the record before."""
    levels = found["levels"]
    count, depth = levels.shape
    deltas = np.zeros((count, 4, depth), L2_DELTA)
    deltas["ts_event"] = found["ts_event"].astype(np.int64)[:, None, None]
    for half, (side, px, qty) in enumerate(((1, "bid_px", "bid_qty"), (2, "ask_px", "ask_qty"))):
        gone, now = deltas[:, half, :], deltas[:, 2 + half, :]
        gone["side"] = now["side"] = side
        gone["px"][1:] = levels[px][:-1]
        gone["px"][0] = levels[px][0]
        now["px"] = levels[px]
        now["qty"] = np.where(levels[px] == _NO_PRICE, 0, levels[qty])
    deltas["flags"][:, 3, depth - 1] = 1
    return deltas.reshape(-1)


def _names(metadata: databento_dbn.Metadata) -> dict[int, str]:
    """Raw symbol by instrument id, where the file's mapping gives ids."""
    names = {}
    for raw, intervals in metadata.mappings.items():
        for interval in intervals:
            number = str(interval["symbol"])
            if number.isdigit():
                names[int(number)] = str(raw)
    return names
