"""The streams that our benchmarks run on, as peers take them: changes of orders and of touches.

The bytes are ITCH 5.0 messages, each behind its length in two bytes, as in MoldUDP64.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ADD, REDUCE, REMOVE = 1, 2, 3


class Change(NamedTuple):
    """What became of an order: added, left with `qty` shares, or gone (`qty` 0). `px` in cents."""

    ts: int
    locate: int
    action: int
    ref: int
    buy: bool
    px: int
    qty: int


class Touch(NamedTuple):
    """The best of both sides behind a change; a quantity of 0 where a side is empty."""

    ts: int
    locate: int
    bid_px: int
    bid_qty: int
    ask_px: int
    ask_qty: int


class Orders:
    """Keeps what references mean, which later messages leave out."""

    def __init__(self) -> None:
        self.messages = 0
        self._live: dict[int, tuple[bool, int, int]] = {}

    def changes(self, path: Path) -> Iterator[Change]:
        """Of a whole file, in order. A replacement is two; what moves no book is none."""
        data = path.read_bytes()
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 2], "big")
            self.messages += 1
            yield from self._of(data[at + 2 : at + 2 + size])
            at += 2 + size

    def _of(self, message: bytes) -> Iterator[Change]:
        kind = message[:1]
        if kind not in b"ADUECX":
            return
        locate = int.from_bytes(message[1:3], "big")
        ts = int.from_bytes(message[5:11], "big")
        ref = int.from_bytes(message[11:19], "big")
        if kind == b"A":
            side, qty, _, px = struct.unpack(">cI8sI", message[19:36])
            yield self._add(ts, locate, ref, side == b"B", px // 100, qty)
        elif kind == b"U":
            new, qty, px = struct.unpack(">QII", message[19:35])
            buy = self._live[ref][0]
            yield self._reduce(ts, locate, ref, None)
            yield self._add(ts, locate, new, buy, px // 100, qty)
        else:
            qty = None if kind == b"D" else int.from_bytes(message[19:23], "big")
            yield self._reduce(ts, locate, ref, qty)

    def _add(self, ts: int, locate: int, ref: int, buy: bool, px: int, qty: int) -> Change:
        self._live[ref] = (buy, px, qty)
        return Change(ts, locate, ADD, ref, buy, px, qty)

    def _reduce(self, ts: int, locate: int, ref: int, by: int | None) -> Change:
        buy, px, had = self._live[ref]
        left = 0 if by is None else had - by
        if left > 0:
            self._live[ref] = (buy, px, left)
            return Change(ts, locate, REDUCE, ref, buy, px, left)
        del self._live[ref]
        return Change(ts, locate, REMOVE, ref, buy, px, 0)


class Levels:
    """Shares at each price of each symbol, from changes of orders."""

    def __init__(self) -> None:
        self._of_ref: dict[int, int] = {}
        self._sides: dict[tuple[int, bool], dict[int, int]] = {}

    def apply(self, change: Change) -> int:
        """The shares that are now at the change's price."""
        before = self._of_ref.pop(change.ref, 0)
        if change.qty > 0:
            self._of_ref[change.ref] = change.qty
        side = self._sides.setdefault((change.locate, change.buy), {})
        left = side.get(change.px, 0) - before + change.qty
        if left > 0:
            side[change.px] = left
        else:
            side.pop(change.px, None)
        return left

    def touch(self, ts: int, locate: int) -> Touch:
        """Takes as long as there are prices."""
        bids = self._sides.get((locate, True), {})
        asks = self._sides.get((locate, False), {})
        bid, ask = max(bids, default=0), min(asks, default=0)
        return Touch(ts, locate, bid, bids.get(bid, 0), ask, asks.get(ask, 0))
