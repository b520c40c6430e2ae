"""The views of the simulated context: frozen structs that only the simulation may change."""

import math
from fractions import Fraction

import msgspec

from daemon.model import (
    TERMINAL_STATES,
    BookState,
    ClOrdId,
    HeldStatus,
    Instrument,
    Level,
    OrderFlag,
    OrderState,
    OrdType,
    ProductType,
    QueueState,
    Side,
    Signal,
    TimeInForce,
    TradingState,
    sign,
)
from daemon.strategy.kernels import InterpretedKernel

UNSET = math.nan


def change(view: msgspec.Struct, **values: object) -> None:
    """Change a view behind its reader's back, as the core does."""
    for name, value in values.items():
        msgspec.structs.force_setattr(view, name, value)


class SimulatedBook(msgspec.Struct, frozen=True):
    """A BookView of what the test quoted last."""

    symbol: str
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    state: BookState = BookState.EMPTY
    trading: TradingState = TradingState.TRADING
    ts_event: int = 0
    ts_core: int = 0

    @property
    def bid_px(self) -> int:
        return self.bids[0].price if self.bids else 0

    @property
    def bid_qty(self) -> int:
        return self.bids[0].qty if self.bids else 0

    @property
    def ask_px(self) -> int:
        return self.asks[0].price if self.asks else 0

    @property
    def ask_qty(self) -> int:
        return self.asks[0].qty if self.asks else 0

    @property
    def mid(self) -> float:
        return (self.bid_px + self.ask_px) / 2 if self.bids and self.asks else math.nan

    @property
    def microprice(self) -> float:
        if not (self.bids and self.asks):
            return math.nan
        weighted = self.bid_px * self.ask_qty + self.ask_px * self.bid_qty
        return weighted / (self.bid_qty + self.ask_qty)

    @property
    def spread(self) -> int:
        return self.ask_px - self.bid_px if self.bids and self.asks else 0

    def levels(self, side: Side, depth: int) -> tuple[Level, ...]:
        if depth < 1:
            raise ValueError(f"depth must be at least 1, found {depth}")
        return (self.bids if side is Side.BUY else self.asks)[:depth]


class SimulatedSignals(msgspec.Struct, frozen=True):
    """A SignalView that shows what the test set, and kernels that the interpreter runs."""

    mid: float = UNSET
    microprice: float = UNSET
    spread: float = UNSET
    imbalance: float = UNSET
    ofi: float = UNSET
    volatility: float = UNSET
    trade_flow: float = UNSET
    trade_rate: float = UNSET
    kernels: dict[str, InterpretedKernel] = msgspec.field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        running = self.kernels.get(name)
        if running is not None:
            return running.value
        if name.upper() not in Signal.__members__:
            raise KeyError(name)
        native: float = getattr(self, name)
        return native


class SimulatedOrder(msgspec.Struct, frozen=True):
    """An OrderView."""

    order: ClOrdId
    symbol: str
    side: Side
    ord_type: OrdType
    time_in_force: TimeInForce
    flags: OrderFlag
    state: OrderState
    price: int
    order_qty: int
    cum_qty: int
    leaves_qty: int
    tag: int
    stop_px: int | None = None
    held: HeldStatus = HeldStatus.NONE
    display_qty: int = 0

    @property
    def has_ended(self) -> bool:
        return self.state in TERMINAL_STATES

    # The books of a simulated context have no queues.

    @property
    def queue(self) -> QueueState:
        return QueueState.UNTRACKED

    @property
    def queue_ahead(self) -> int | None:
        return None

    @property
    def orders_ahead(self) -> int | None:
        return None


class SimulatedPosition(msgspec.Struct, frozen=True):
    """A PositionView by average cost, exact; linear instruments only (ValueError otherwise)."""

    instrument: Instrument
    book: SimulatedBook
    net_qty: int = 0
    cost: Fraction = Fraction(0)
    realised: Fraction = Fraction(0)
    fees: int = 0
    lowest_qty: int = 0
    highest_qty: int = 0

    def __post_init__(self) -> None:
        if self.instrument.product is ProductType.INVERSE:
            raise ValueError(f"{self.symbol}: the simulated context has no inverse contracts")

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def avg_px(self) -> float:
        return float(self.cost / self.net_qty) if self.net_qty else math.nan

    @property
    def realised_pnl(self) -> int:
        return round(self.realised * self._unit)

    @property
    def unrealised_pnl(self) -> int:
        mid = self.book.mid
        if not self.net_qty or math.isnan(mid):
            return 0
        return round((Fraction(mid) * self.net_qty - self.cost) * self._unit)

    @property
    def _unit(self) -> Fraction:
        """Money units of one price increment times one lot."""
        of = self.instrument
        one = Fraction(of.price_increment) * Fraction(of.qty_increment) * Fraction(of.multiplier)
        return one * Fraction(10**of.money_scale)

    def book_fill(self, side: Side, px: int, qty: int, fee: int) -> None:
        """Average cost: what closes realises against it, what opens adds to it."""
        signed = sign(side) * qty
        closing = 0
        if self.net_qty * signed < 0:
            closing = min(abs(signed), abs(self.net_qty)) * (1 if signed > 0 else -1)
        average = self.cost / self.net_qty if self.net_qty else Fraction(0)
        change(
            self,
            net_qty=self.net_qty + signed,
            realised=self.realised - closing * (px - average),
            cost=self.cost + closing * average + (signed - closing) * px,
            fees=self.fees + fee,
        )
