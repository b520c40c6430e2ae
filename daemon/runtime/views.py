"""A strategy's views on native memory.

The layout of a market slot is `engine/market_slot.hpp`; the indices below are its fields.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from daemon.core import BookSlot, Core, NativeOrder, NativePosition, SignalSlot
from daemon.model import (
    BookState,
    ClOrdId,
    HeldStatus,
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

NO_PX = -(2**63)  # `pitwire::kNoPx`
STOPS = frozenset(
    {OrdType.STOP, OrdType.STOP_LIMIT, OrdType.MARKET_IF_TOUCHED, OrdType.TRAILING_STOP}
)

_NAN = math.nan
_KNOWN_PLACES = frozenset({QueueState.EXACT, QueueState.ESTIMATED})


class SlotBookView(BookSlot):
    """`daemon.strategy.BookView` over one market slot."""

    __slots__ = ("_depth", "symbol")

    def __init__(self, core: Core, instrument: int, symbol: str) -> None:
        self.symbol = symbol
        self._depth = partial(core.levels, instrument)

    @property
    def microprice(self) -> float:
        bid_qty, ask_qty = self.bid_qty, self.ask_qty
        if not (bid_qty and ask_qty):
            return _NAN
        return (self.bid_px * ask_qty + self.ask_px * bid_qty) / (bid_qty + ask_qty)

    @property
    def state(self) -> BookState:
        return BookState(self.state_number)

    @property
    def trading(self) -> TradingState:
        return TradingState(self.trading_number)

    def levels(self, side: Side, depth: int) -> tuple[Level, ...]:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, found {depth}")
        return tuple(Level(price, qty) for price, qty in self._depth(side, depth))


_SIGNAL_NAMES = frozenset(each.name.lower() for each in Signal)


class SlotSignalView(SignalSlot):
    """`daemon.strategy.SignalView` over the doubles of one market slot.

    `kernels` says where in the core's values each kernel of the strategy's on the instrument leaves
    its own; the context adds to it.
    """

    __slots__ = ("_kernels", "_values")

    def __init__(self, core: Core, _instrument: int, kernels: Mapping[str, int]) -> None:
        self._values: memoryview[float] = core.kernel_values.cast("d")
        self._kernels = kernels

    def __getitem__(self, name: str) -> float:
        slot = self._kernels.get(name)
        if slot is not None:
            return self._values[slot]
        if name not in _SIGNAL_NAMES:
            raise KeyError(name)
        value: float = getattr(self, name)
        return value


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
    def display_qty(self) -> int:
        return self._native.display_qty

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
    def stop_px(self) -> int | None:
        stop_px = self._native.stop_px
        return stop_px if stop_px != NO_PX and OrdType(self._native.ord_type) in STOPS else None

    @property
    def held(self) -> HeldStatus:
        return HeldStatus(self._native.held)

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
