"""P4: book changes applied from Python: in batches built within the time, and singly."""

from __future__ import annotations

import random
from time import perf_counter_ns
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from daemon.core import L2_DELTA, L3_DELTA, L2Book, L3Book
from tools.bench.rows import Row, row_of_runs, runs

DELTAS: Final = 100_000
RUNS: Final = 5
SEED: Final = 1
MID: Final = 5_000
LIVE_ORDERS: Final = 10_000
ADD, REMOVE = 1, 4

Columns = dict[str, npt.NDArray[Any]]


def rows() -> list[Row]:
    """L2 in batches of 20 and 1,000 and one at a time; L3 in batches."""
    return [
        *(_batched("L2", L2Book, L2_DELTA, l2_columns(), size) for size in (20, 1_000)),
        _one_at_a_time(),
        *(_batched("L3", L3Book, L3_DELTA, l3_columns(), size) for size in (20, 1_000)),
    ]


def l2_columns() -> Columns:
    """Nine in ten within 20 levels of the touch; quantity 0, one in four, removes the level."""
    stream = random.Random(SEED)  # noqa: S311 - a made market, not a secret
    side = np.array([stream.choice((1, 2)) for _ in range(DELTAS)], np.uint32)
    away = [stream.randrange(20 if stream.random() < 0.9 else 500) for _ in range(DELTAS)]
    px = np.where(side == 1, MID - np.array(away), MID + 1 + np.array(away)).astype(np.int64)
    qty = np.array([stream.randrange(4) for _ in range(DELTAS)], np.int64)
    return {"px": px, "qty": qty, "side": side}


def l3_columns() -> Columns:
    """Adds until LIVE_ORDERS live, then adds and removals in turn."""
    stream = random.Random(SEED)  # noqa: S311 - as above
    live: list[int] = []
    made = []
    for number in range(1, DELTAS + 1):
        if len(live) < LIVE_ORDERS or number % 2:
            side = stream.choice((1, 2))
            away = stream.randrange(20 if stream.random() < 0.9 else 500)
            made.append((number, ADD, side, MID - away if side == 1 else MID + 1 + away, 100))
            live.append(number)
        else:
            at = stream.randrange(len(live))
            live[at], live[-1] = live[-1], live[at]
            made.append((live.pop(), REMOVE, 0, 0, 0))
    refs, actions, sides, pxs, qtys = zip(*made, strict=True)
    return {
        "ref": np.array(refs, np.uint64),
        "action": np.array(actions, np.uint8),
        "side": np.array(sides, np.uint8),
        "px": np.array(pxs, np.int64),
        "qty": np.array(qtys, np.int64),
    }


def _batched(
    name: str, book: type[L2Book | L3Book], dtype: np.dtype[np.void], columns: Columns, size: int
) -> Row:
    values = [_batches_ns(book(), dtype, columns, size) / DELTAS for _ in range(runs(RUNS))]
    row = Row(id="P4", name=f"{name} from Python, batches of {size:,}", unit="ns/delta", goal=60)
    return row_of_runs(row, values)


def _batches_ns(
    book: L2Book | L3Book, dtype: np.dtype[np.void], columns: Columns, size: int
) -> int:
    """Time for all: every batch's records are filled from the columns, then applied."""
    batch = np.zeros(size, dtype)
    into = [(batch[name], values) for name, values in columns.items()]
    apply = book.apply
    began = perf_counter_ns()
    for at in range(0, DELTAS, size):
        for field, values in into:
            field[:] = values[at : at + size]
        apply(batch)
    took = perf_counter_ns() - began
    if isinstance(book, L3Book) and book.order_count() == 0:
        raise RuntimeError(f"no order is left in the book: {book.counts()}")
    return took


def _one_at_a_time() -> Row:
    """Values as Python integers already: nothing is built."""
    columns = l2_columns()
    order = ("side", "px", "qty")
    changes = list(zip(*(columns[name].tolist() for name in order), strict=True))
    values = []
    for _ in range(runs(RUNS)):
        change = L2Book().set
        began = perf_counter_ns()
        for side, px, qty in changes:
            change(side, px, qty)
        values.append((perf_counter_ns() - began) / DELTAS)
    return row_of_runs(
        Row(id="P4", name="L2 from Python, singly", unit="ns/delta", goal=150), values
    )
