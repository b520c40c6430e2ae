"""A strategy's views on native memory: properties over memoryviews and native handles.

The layout of a market slot is `engine/market_slot.hpp`; the indices below are its fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from daemon.core import NativeOrder, NativePosition
from daemon.model import (
    BookState,
    ClOrdId,
    Level,
    OrderFlag,
    OrderState,
    OrdType,
    QueueState,
    Side,
    Signal,
    TimeInForce,
    TradingState,
)

SLOT_BYTES = 192  # 16 int64, then 8 doubles
BID_PX, BID_QTY, ASK_PX, ASK_QTY = 0, 1, 2, 3
LAST_PX, LAST_QTY, LAST_AGGRESSOR = 4, 5, 6
TS_EVENT, TS_CORE, UPDATES, TRADES, STATE, TRADING = 7, 8, 9, 10, 11, 12
SIGNALS = 16  # index of the first signal in the doubles
MID, MICROPRICE, SPREAD, IMBALANCE, OFI, VOLATILITY, TRADE_FLOW, TRADE_RATE = range(8)

_NAN = math.nan
_KNOWN_PLACES = frozenset({QueueState.EXACT, QueueState.ESTIMATED})


class SlotBookView:
    """`daemon.strategy.BookView` over one market slot."""

    __slots__ = ("_depth", "_floats", "_ints", "symbol")

    def __init__(
        self,
        symbol: str,
        ints: memoryview[int],
        floats: memoryview[float],
        depth: Callable[[int, int], list[tuple[int, int]]],
    ) -> None:
        self.symbol = symbol
        self._ints = ints
        self._floats = floats
        self._depth = depth

    @property
    def bid_px(self) -> int:
        ints = self._ints
        return ints[BID_PX] if ints[BID_QTY] else 0

    @property
    def bid_qty(self) -> int:
        return self._ints[BID_QTY]

    @property
    def ask_px(self) -> int:
        ints = self._ints
        return ints[ASK_PX] if ints[ASK_QTY] else 0

    @property
    def ask_qty(self) -> int:
        return self._ints[ASK_QTY]

    @property
    def mid(self) -> float:
        ints = self._ints
        if not (ints[BID_QTY] and ints[ASK_QTY]):
            return _NAN
        return (ints[BID_PX] + ints[ASK_PX]) / 2

    @property
    def microprice(self) -> float:
        bid_px, bid_qty, ask_px, ask_qty = self._ints[:4]
        if not (bid_qty and ask_qty):
            return _NAN
        return (bid_px * ask_qty + ask_px * bid_qty) / (bid_qty + ask_qty)

    @property
    def spread(self) -> int:
        bid_px, bid_qty, ask_px, ask_qty = self._ints[:4]
        return ask_px - bid_px if bid_qty and ask_qty else 0

    @property
    def state(self) -> BookState:
        return BookState(self._ints[STATE])

    @property
    def trading(self) -> TradingState:
        return TradingState(self._ints[TRADING])

    @property
    def ts_event(self) -> int:
        return self._ints[TS_EVENT]

    @property
    def ts_core(self) -> int:
        return self._ints[TS_CORE]

    def levels(self, side: Side, depth: int) -> tuple[Level, ...]:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, found {depth}")
        return tuple(Level(price, qty) for price, qty in self._depth(side, depth))


_SIGNAL_NAMES = {each.name.lower(): SIGNALS + each for each in Signal}


class SlotSignalView:
    """`daemon.strategy.SignalView` over the doubles of one market slot.

    `kernels` says where in `values` each kernel of the strategy's on the instrument leaves its
    value; the context adds to it.
    """

    __slots__ = ("_floats", "_kernels", "_values")

    def __init__(
        self, floats: memoryview[float], values: memoryview[float], kernels: Mapping[str, int]
    ) -> None:
        self._floats = floats
        self._values = values
        self._kernels = kernels

    def __getitem__(self, name: str) -> float:
        slot = self._kernels.get(name)
        return self._values[slot] if slot is not None else self._floats[_SIGNAL_NAMES[name]]

    @property
    def mid(self) -> float:
        return self._floats[SIGNALS + MID]

    @property
    def microprice(self) -> float:
        return self._floats[SIGNALS + MICROPRICE]

    @property
    def imbalance(self) -> float:
        return self._floats[SIGNALS + IMBALANCE]

    @property
    def ofi(self) -> float:
        return self._floats[SIGNALS + OFI]

    @property
    def volatility(self) -> float:
        return self._floats[SIGNALS + VOLATILITY]

    @property
    def trade_flow(self) -> float:
        return self._floats[SIGNALS + TRADE_FLOW]


class NativeOrderView:
    """`daemon.strategy.OrderView` over an order of the native table."""

    __slots__ = ("_native", "symbol")

    def __init__(self, native: NativeOrder, symbol: str) -> None:
        self._native = native
        self.symbol = symbol

    @property
    def order(self) -> ClOrdId:
        return ClOrdId(self._native.order)

    @property
    def side(self) -> Side:
        return Side(self._native.side)

    @property
    def ord_type(self) -> OrdType:
        return OrdType(self._native.ord_type)

    @property
    def time_in_force(self) -> TimeInForce:
        return TimeInForce(self._native.time_in_force)

    @property
    def flags(self) -> OrderFlag:
        return OrderFlag(self._native.flags)

    @property
    def state(self) -> OrderState:
        return OrderState(self._native.state)

    @property
    def price(self) -> int:
        return self._native.price

    @property
    def order_qty(self) -> int:
        return self._native.order_qty

    @property
    def cum_qty(self) -> int:
        return self._native.cum_qty

    @property
    def leaves_qty(self) -> int:
        return self._native.leaves_qty

    @property
    def tag(self) -> int:
        return self._native.tag

    @property
    def queue(self) -> QueueState:
        return QueueState(self._native.queue[0])

    @property
    def queue_ahead(self) -> int | None:
        state, qty, _ = self._native.queue
        return qty if state in _KNOWN_PLACES else None

    @property
    def orders_ahead(self) -> int | None:
        orders = self._native.queue[2]
        return orders if orders >= 0 else None


class NativePositionView:
    """`daemon.strategy.PositionView` over a position of the native book."""

    __slots__ = ("_native", "symbol")

    def __init__(self, native: NativePosition, symbol: str) -> None:
        self._native = native
        self.symbol = symbol

    @property
    def net_qty(self) -> int:
        return self._native.net_qty

    @property
    def lowest_qty(self) -> int:
        return self._native.lowest_qty

    @property
    def highest_qty(self) -> int:
        return self._native.highest_qty

    @property
    def avg_px(self) -> float:
        return self._native.avg_px

    @property
    def realised_pnl(self) -> int:
        return self._native.realised_pnl

    @property
    def unrealised_pnl(self) -> int:
        return self._native.unrealised_pnl

    @property
    def fees(self) -> int:
        return self._native.fees
