"""Books from LOBSTER message files, with their order book file where it is given.

A message file holds only what touched the levels shown, and nothing of the orders before it. With
the order book file the book starts from its first row; from then on the messages make it, and only
a level that comes into sight from beyond the last one shown is taken from the file, while one that
falls out of sight is dropped (it may change unseen). Source: lobsterdata.com, "Output structure".
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daemon.core import L2_DELTA, L2Book
from tools.command import UsageError
from tools.marketdata.builder import Builder, Levels, Request, Rows
from tools.marketdata.sources import Source

_NS = 1_000_000_000
_BATCH = 8192
_DUMMY = 9_999_999_999  # price of a level that is not there, in the file's words
_LAST, _RELATIVE = 1, 2
# Event types: 1 new, 2 partly cancelled, 3 deleted, 4 executed, 5 hidden, 6 cross, 7 halt.
_SIGN = np.array([0, 1, -1, -1, -1, 0, 0, 0])


class LobsterBuilder(Builder):
    price_scale = 4

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._book = L2Book()
        self._symbol = "UNKNOWN"
        self._shown: NDArray[np.int64] | None = None
        if request.every_ns is not None:
            self._book.record(request.depth, request.every_ns)

    def read(self, source: Source) -> Iterator[Rows]:
        """The order book file is remembered for the message file that comes with it: give it
        first, or let `in_order` sort the files."""
        if "orderbook" in source.name:
            self._shown = _order_book(source)
            return
        self._symbol = source.name.split("_")[0]
        messages = _messages(source, source.midnight(self.request.day))
        shown, self._shown = self._shown, None
        if shown is not None and len(shown) != len(messages):
            raise UsageError(f"{source.path}: {len(messages)} messages, but {len(shown)} books")
        for at in range(0, len(messages), _BATCH):
            batch = messages[at : at + _BATCH]
            if shown is None:
                deltas = message_deltas(batch)
            else:
                deltas = seen_deltas(batch, shown[max(at - 1, 0) : at + _BATCH], first=at == 0)
            self._book.apply(deltas)
            yield self._book.take_rows()

    def symbols(self) -> list[str]:
        return [self._symbol]

    def levels(self, symbol: str, side: int, depth: int) -> Levels:
        self._check(symbol)
        return self._book.levels(side, depth)

    def level_count(self, symbol: str, side: int) -> int:
        self._check(symbol)
        return self._book.level_count(side)

    def _check(self, symbol: str) -> None:
        if symbol != self._symbol:
            raise KeyError(symbol)

    def finish(self) -> None:
        if self._shown is not None:
            self.notes.append("an order book file came without its message file: nothing was built")


def in_order(sources: list[Source]) -> list[Source]:
    """Each order book file before the message file of its day."""
    return sorted(
        sources, key=lambda s: (s.name.replace("orderbook", "message"), "orderbook" not in s.name)
    )


def message_deltas(messages: NDArray[np.int64]) -> NDArray[np.void]:
    """L2_DELTA records of rows (ts, type, size, price, direction)."""
    deltas = np.zeros(len(messages), L2_DELTA)
    deltas["ts_event"] = messages[:, 0]
    deltas["px"] = messages[:, 3]
    deltas["qty"] = messages[:, 2] * _SIGN[messages[:, 1]]
    deltas["side"] = np.where(messages[:, 4] == 1, 1, 2)
    deltas["flags"] = _LAST | _RELATIVE
    return deltas


def seen_deltas(
    messages: NDArray[np.int64], shown: NDArray[np.int64], *, first: bool
) -> NDArray[np.void]:
    """The messages' own deltas, and what came into and fell out of sight at each.

    `shown` starts one row before the messages, or, at the `first` message, at its own row: the
    book after it is then the row itself.
    """
    before = np.concatenate((shown[:1], shown[:-1])) if first else shown[:-1]
    after = shown if first else shown[1:]
    count, depth = len(messages), shown.shape[1] // 4
    deltas = np.zeros((count, 2 + 4 * depth), L2_DELTA)
    deltas["ts_event"] = messages[:, :1]
    deltas["side"] = 1
    deltas[:, 0] = message_deltas(messages)
    deltas["flags"][:, 0] = _RELATIVE
    for half, (side, worse) in enumerate(((2, np.greater), (1, np.less))):
        old_px = before[:, 2 * half :: 4]
        new_px, new_qty = after[:, 2 * half :: 4], after[:, 2 * half + 1 :: 4]
        gone = deltas[:, 1 + 2 * half * depth : 1 + (2 * half + 1) * depth]
        come = deltas[:, 1 + (2 * half + 1) * depth : 1 + (2 * half + 2) * depth]
        gone["side"] = come["side"] = side
        _set(gone, old_px, np.zeros_like(old_px), worse(old_px, new_px[:, -1:]))
        _set(come, new_px, new_qty, worse(new_px, old_px[:, -1:]))
        if first:
            deltas["qty"][0, 0] = 0
            _set(come[:1], new_px[:1], new_qty[:1], np.ones_like(new_px[:1], np.bool_))
    deltas["flags"][:, -1] = _LAST | _RELATIVE  # adds nothing: it only ends the message
    return deltas.reshape(-1)


def _set(
    deltas: NDArray[np.void],
    px: NDArray[np.int64],
    qty: NDArray[np.int64],
    where: NDArray[np.bool_],
) -> None:
    """Absolute where asked for; elsewhere relative by nothing, which changes nothing."""
    real = where & (np.abs(px) != _DUMMY)
    deltas["px"] = px
    deltas["qty"] = np.where(real, qty, 0)
    deltas["flags"] = np.where(real, 0, _RELATIVE)


def _messages(source: Source, midnight: int) -> NDArray[np.int64]:
    """Rows (ts, type, size, price, direction)."""
    rows = []
    for number, line in enumerate(source.lines(), 1):
        try:
            time, kind, _, size, price, direction = line.split(b",")[:6]
            seconds, _, fraction = time.partition(b".")
            ts = midnight + int(seconds) * _NS + int(fraction[:9].ljust(9, b"0"))
            row = (ts, int(kind), int(size), int(price), int(direction))
        except ValueError as error:
            raise UsageError(f"{source.path}, line {number}: {error}") from error
        if not 1 <= row[1] <= 7:
            raise UsageError(f"{source.path}, line {number}: event type {row[1]}: expected 1 to 7")
        rows.append(row)
    return np.array(rows, np.int64).reshape(-1, 5)


def _order_book(source: Source) -> NDArray[np.int64]:
    """Rows ask price, ask size, bid price, bid size, a level after the other."""
    try:
        table = np.loadtxt(source.lines(), np.int64, delimiter=",", ndmin=2)
    except ValueError as error:
        raise UsageError(f"{source.path}: {error}") from error
    if table.shape[1] % 4:
        raise UsageError(f"{source.path}: {table.shape[1]} columns, expected four a level")
    return table
