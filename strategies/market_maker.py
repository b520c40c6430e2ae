"""A market maker after Avellaneda and Stoikov, "High-frequency trading in a limit order book",
Quantitative Finance 8 (2008) 217-224, with inventory limits.

It keeps one post-only order a side, around a reservation price that leans against its
inventory, and moves an order only when its quote has moved by `requote_ticks` or more.
"""

import math
from typing import Annotated

from msgspec import Meta

from daemon.messages import BookStateChanged, BookUpdate, Fill, OrderDenied, OrderUpdate
from daemon.model import ClOrdId, Side, ns_of, sign
from daemon.strategy import Parameters, State, Strategy, may_trade

Positive = Annotated[float, Meta(gt=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]


class Quoting(Parameters, frozen=True, kw_only=True):
    """Prices in price increments, quantities in lots; one inventory unit is `qty` lots."""

    symbol: str
    qty: AtLeastOne = 1
    max_position: AtLeastOne = 10
    gamma: Positive = 0.01
    """Risk aversion gamma, per increment and inventory unit."""
    kappa: Positive = 0.5
    """Decay k of the fill intensity A exp(-k distance), per increment."""
    horizon_s: Positive = 60.0
    """Time to the end, T - t; it shrinks only in the last stretch before `end_ts`."""
    end_ts: Annotated[int, Meta(ge=0)] = 0  # ns since 1970 UTC; 0 for never
    sigma: Annotated[float, Meta(ge=0)] = 0.0
    """Volatility of the mid, increments per √second; 0: the core's volatility signal."""
    requote_ticks: AtLeastOne = 1
    pause_s: Positive = 1.0  # no new or moved quote for so long after one was denied


class Memory(State):
    """The order of each side (0: none) and until when quoting rests."""

    bid: int = 0
    ask: int = 0
    paused_until: int = 0


def reservation_price(
    mid: float, inventory: float, gamma: float, sigma: float, left: float
) -> float:
    """r = s - q·γ·σ²·(T - t), the indifference price: equation (3.4) of the paper's section 3."""
    return mid - inventory * gamma * sigma * sigma * left


def optimal_spread(gamma: float, sigma: float, left: float, kappa: float) -> float:
    """δᵃ + δᵇ = γ·σ²·(T - t) + (2/γ)·ln(1 + γ/k): equation (3.18) of the paper."""
    return gamma * sigma * sigma * left + 2.0 / gamma * math.log1p(gamma / kappa)


class MarketMaker(Strategy[Quoting, Memory]):
    """Quotes both sides of one instrument."""

    fixed_parameters = ("symbol",)

    def on_start(self) -> None:
        self.on_restore()
        self.context.subscribe(self.parameters.symbol)

    def on_restore(self) -> None:
        symbol = self.parameters.symbol
        self.instrument = self.context.instrument(symbol)
        self.book = self.context.book(symbol)
        self.signals = self.context.signals(symbol)
        self.position = self.context.position(symbol)

    def on_parameters(self, previous: Quoting) -> None:
        self.quote()

    def on_book(self, update: BookUpdate) -> None:
        self.quote()

    def on_book_state(self, change: BookStateChanged) -> None:
        self.quote()

    def on_fill(self, fill: Fill) -> None:
        self.quote()

    def on_order(self, update: OrderUpdate) -> None:
        if update.is_terminal:
            self._forget(update.order)

    def on_denied(self, denied: OrderDenied) -> None:
        self._forget(denied.order)
        self.state.paused_until = self.context.now + ns_of(self.parameters.pause_s)

    def quote(self) -> None:
        """Bring both orders to where they ought to be."""
        bid, ask = self.targets()
        self.state.bid = self._place(Side.BUY, self.state.bid, bid)
        self.state.ask = self._place(Side.SELL, self.state.ask, ask)

    def targets(self) -> tuple[int | None, int | None]:
        """The prices to quote, None for a side that must not be quoted now."""
        book, of = self.book, self.parameters
        if not may_trade(book):
            return None, None
        sigma = of.sigma or self.signals.volatility * book.mid
        if not math.isfinite(sigma):
            return None, None
        left = of.horizon_s
        if of.end_ts:
            left = max(0.0, min(left, (of.end_ts - self.context.now) / 1e9))
        inventory = self.position.net_qty / of.qty
        centre = reservation_price(book.mid, inventory, of.gamma, sigma, left)
        half = optimal_spread(of.gamma, sigma, left, of.kappa) / 2.0
        # Post-only: never at or through the opposite best.
        bid = min(centre - half, book.ask_px - self.instrument.tick_at(book.ask_px))
        ask = max(centre + half, book.bid_px + self.instrument.tick_at(book.bid_px))
        return self._allowed(Side.BUY, bid), self._allowed(Side.SELL, ask)

    def _allowed(self, side: Side, px: float) -> int | None:
        """The tick to quote at; None at the inventory limit or where no such price exists."""
        if sign(side) * self.position.net_qty >= self.parameters.max_position:
            return None
        if px < 1 and not self.instrument.allows_nonpositive_price:
            return None
        return self.instrument.round_to_passive_tick(side, px)

    def _place(self, side: Side, order: int, px: int | None) -> int:
        """Submit, move or cancel the order of one side; its id, 0 for none."""
        of, paused = self.parameters, self.context.now < self.state.paused_until
        if order and px is None:
            self.context.cancel(ClOrdId(order))
        elif order and px is not None and not paused:
            working = self.context.order(ClOrdId(order))
            least = of.requote_ticks * self.instrument.tick_at(px)
            if working and abs(working.price - px) >= least:
                self.context.replace(ClOrdId(order), price=px)
        if order:
            return order
        if px is None or paused:
            return 0
        qty = min(of.qty, of.max_position - sign(side) * self.position.net_qty)
        return self.context.submit(of.symbol, side, qty, px, post_only=True)

    def _forget(self, order: ClOrdId) -> None:
        if order == self.state.bid:
            self.state.bid = 0
        if order == self.state.ask:
            self.state.ask = 0
