"""NautilusTrader's books and message bus. Its backtests are in `nautilus_backtest`.

Objects are built before the clock starts, except where building is what is measured. Books end
with the touch that ours ends with on the same changes, or the lap counts for nothing.
"""

from __future__ import annotations

import gc
from functools import partial
from time import perf_counter_ns
from typing import Any

import numpy as np
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import BookAction, BookType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.objects import Price

from tools.bench.peers import nautilus_backtest
from tools.bench.peers.protocol import Lap, Measure, serve, value

INSTRUMENT = InstrumentId.from_str("AAA.XNAS")
ONE = Price(1, 0).raw  # prices and quantities have the same scale
HOPS = 100_000
ADD, REMOVE = 1, 4  # of our L3 deltas


# ------------------------------------------------------------------ books


def _delta(action: BookAction, side: int, px: int, qty: int, ref: int) -> OrderBookDelta:
    """By the cheapest way that its Python has."""
    return OrderBookDelta.from_raw(
        INSTRUMENT, action, OrderSide(side), px * ONE, 0, qty * ONE, 0, ref, 0, 0, 0, 0
    )


def _arguments(path: str) -> tuple[BookType, list[tuple[Any, ...]], tuple[int, int]]:
    """Of `_delta` for each change of our columns; and the touch at their end."""
    with np.load(path) as columns:
        side, px, qty = (columns[name].tolist() for name in ("side", "px", "qty"))
        touch = tuple(columns["touch"].tolist())
        if "ref" not in columns:
            kinds = (BookAction.DELETE, BookAction.UPDATE)
            made = [(kinds[q > 0], s, p, q, 0) for s, p, q in zip(side, px, qty, strict=True)]
            return BookType.L2_MBP, made, touch
        actions, refs = columns["action"].tolist(), columns["ref"].tolist()
    added: dict[int, tuple[int, int, int]] = {}
    made = []
    for action, ref, s, p, q in zip(actions, refs, side, px, qty, strict=True):
        if action == ADD:
            added[ref] = (s, p, q)
            made.append((BookAction.ADD, s, p, q, ref))
        else:  # ours names the order alone; here a delta has its side and price too
            made.append((BookAction.DELETE, *added.pop(ref), ref))
    return BookType.L3_MBO, made, touch


def _book(kind: BookType) -> OrderBook:
    return OrderBook(INSTRUMENT, kind)


def _check(book: OrderBook, touch: tuple[int, int]) -> None:
    found = (book.best_bid_price().raw // ONE, book.best_ask_price().raw // ONE)
    if found != touch:
        raise RuntimeError(f"the book ends with the touch {found}, ours with {touch}")


def _batches(size: int, path: str) -> Lap:
    kind, arguments, touch = _arguments(path)
    deltas = [_delta(*each) for each in arguments]
    batches = [
        OrderBookDeltas(INSTRUMENT, deltas[at : at + size]) for at in range(0, len(deltas), size)
    ]

    def lap() -> dict[str, float]:
        book = _book(kind)
        apply = book.apply_deltas
        began = perf_counter_ns()
        for batch in batches:
            apply(batch)
        took = perf_counter_ns() - began
        _check(book, touch)
        return value(took / len(deltas))

    return lap


def _singly(path: str) -> Lap:
    kind, arguments, touch = _arguments(path)
    deltas = [_delta(*each) for each in arguments]

    def lap() -> dict[str, float]:
        book = _book(kind)
        apply = book.apply_delta
        began = perf_counter_ns()
        for delta in deltas:
            apply(delta)
        took = perf_counter_ns() - began
        _check(book, touch)
        return value(took / len(deltas))

    return lap


def _building(path: str) -> Lap:
    """With raw integers at hand. The garbage collector would walk the list while it grows."""
    _, arguments, _ = _arguments(path)
    make = OrderBookDelta.from_raw
    whole = [
        (INSTRUMENT, action, OrderSide(side), px * ONE, 0, qty * ONE, 0, ref, 0, 0, 0, 0)
        for action, side, px, qty, ref in arguments
    ]

    def lap() -> dict[str, float]:
        gc.disable()
        began = perf_counter_ns()
        made = [make(*each) for each in whole]
        took = perf_counter_ns() - began
        gc.enable()
        return value(took / len(made))

    return lap


# ------------------------------------------------------------------ the bus


def _sending(_: str) -> Lap:
    """Its handlers are called at once, so no two can answer each other: one is sent to."""
    bus = MessageBus(TraderId("BENCH-001"), TestClock())
    seen: list[object] = []
    bus.register("pong", seen.append)
    message = object()

    def lap() -> dict[str, float]:
        seen.clear()
        send = bus.send
        began = perf_counter_ns()
        for _ in range(HOPS):
            send("pong", message)
        took = perf_counter_ns() - began
        if len(seen) != HOPS:
            raise RuntimeError(f"{len(seen)} of {HOPS} messages were handled")
        return value(took / HOPS)

    return lap


def _publishing(_: str) -> Lap:
    bus = MessageBus(TraderId("BENCH-001"), TestClock())
    seen: list[object] = []
    bus.subscribe("data.quotes.AAA", seen.append)
    message = object()

    def lap() -> dict[str, float]:
        seen.clear()
        publish = bus.publish
        began = perf_counter_ns()
        for _ in range(HOPS):
            publish("data.quotes.AAA", message)
        took = perf_counter_ns() - began
        if len(seen) != HOPS:
            raise RuntimeError(f"{len(seen)} of {HOPS} messages were handled")
        return value(took / HOPS)

    return lap


MEASURES = {
    "batches-20": Measure("ns/delta", partial(_batches, 20)),
    "batches-1000": Measure("ns/delta", partial(_batches, 1_000)),
    "singly": Measure("ns/delta", _singly),
    "building": Measure("ns/delta", _building),
    "send": Measure("ns", _sending),
    "publish": Measure("ns", _publishing),
    **nautilus_backtest.MEASURES,
}

if __name__ == "__main__":
    raise SystemExit(serve("nautilus_trader", MEASURES))
