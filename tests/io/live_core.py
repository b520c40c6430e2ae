"""A live core on a log of its own, turned by what wakes it, as the daemon does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.core import BookState, Live, LogWriter
from daemon.runtime.events import EventKind
from daemon.runtime.views import (
    ASK_PX,
    ASK_QTY,
    BID_PX,
    BID_QTY,
    LAST_QTY,
    SLOT_BYTES,
    STATE,
    TRADES,
)

SPOT = 1
NO_ID = 0xFFFF_FFFF
RULES = {
    "unknown_order": 1,
    "in_flight_max": 4096,
    "cancel_reserve": 512,
    "order_id_is_reference": False,
    "mass_cancel": False,
    "order_types": 0b11110,
    "time_in_force": 0b1011011,
    "post_only": True,
}


def instrument(number: int, symbol: str, lot: tuple[int, int]) -> dict[str, Any]:
    """A linear instrument with steps of 0.01."""
    return {
        "id": number,
        "symbol": symbol,
        "venue": "TEST",
        "feed": 0,
        "feed_symbol": symbol,
        "product": 0,
        "price_increment": (1, -2),
        "qty_increment": lot,
        "multiplier": (1, 0),
        "money_exponent": -8,
        "tick_table": [],
        "lot": 1,
        "allows_nonpositive_price": False,
        "has_trading_state": False,
        "quote_currency": "USDT",
        "settlement_currency": "USDT",
        "fee_per_lot": False,
        "fee_rounding": "half_even",
        "fee_maker": 0,
        "fee_taker": 0,
        "sector": "",
        "risk_rate": (1, 0),
    }


class LiveCore:
    """One Binance feed and its instruments; what the Python phase would hear is in `events`."""

    def __init__(
        self,
        folder: Path,
        symbols: list[str],
        kind: int = SPOT,
        lot: tuple[int, int] = (1, -3),
    ) -> None:
        self.log = LogWriter.create(str(folder), 1 << 24)
        self.live = Live(self.log, None)
        self.core = self.live.core
        self.core.define_feed(0, kind)
        for number, symbol in enumerate(symbols):
            self.core.define_instrument(instrument(number, symbol, lot))
        self.core.define_venue_session(0, RULES)
        self.core.define_strategy(0, "alpha")
        self.live.append_epoch(1, 1, "{}")
        self.symbols = symbols
        self.events: list[tuple[Any, ...]] = []
        self.on_snapshot_wanted: Callable[[str], None] = lambda _: None
        self._woken = asyncio.Event()
        self._slots = self.core.slots.cast("B").cast("q")

    def wake(self) -> None:
        self._woken.set()

    def turn(self) -> None:
        """Until nothing waits."""
        while True:
            if self.live.drain():
                self._python_phase()
            if not self.live.busy:
                return

    def _python_phase(self) -> None:
        for event in self.core.take_events():
            self.events.append(event)
            if event[0] == EventKind.SNAPSHOT_WANTED:
                self.on_snapshot_wanted(self.symbols[event[2]])
        self.core.end_turn()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Turn at every wake and whenever the edge says that one is due, until it holds."""
        async with asyncio.timeout(10):
            while True:
                self._woken.clear()
                self.turn()
                if condition():
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self.live.until_due_ns() / 1e9)

    def _slot(self, field: int, number: int) -> int:
        return int(self._slots[number * SLOT_BYTES // 8 + field])

    def state(self, number: int = 0) -> BookState:
        return BookState(self._slot(STATE, number))

    def top(self, number: int = 0) -> tuple[int, int, int, int]:
        """Bid and its quantity, ask and its quantity."""
        fields = (self._slot(field, number) for field in (BID_PX, BID_QTY, ASK_PX, ASK_QTY))
        bid_px, bid_qty, ask_px, ask_qty = fields
        return bid_px, bid_qty, ask_px, ask_qty

    def trades(self, number: int = 0) -> int:
        return self._slot(TRADES, number)

    def last_qty(self, number: int = 0) -> int:
        return self._slot(LAST_QTY, number)

    def levels(self, side: int, number: int = 0) -> list[tuple[int, int]]:
        return list(self.core.levels(number, side, 1024))

    def states(self, number: int = 0) -> list[BookState]:
        """Every state that the book has had."""
        return [
            BookState(event[3][0])
            for event in self.events
            if event[0] == EventKind.BOOK_STATE and event[2] == number
        ]

    def close(self) -> None:
        self._slots.release()
        assert self.log.close()
