"""A strategy for days at QuickFIX/J: orders beside the book, replaced and cancelled."""

from __future__ import annotations

from daemon.model import OrderState, Side
from daemon.strategy import Parameters, State, Strategy

TICK_NS = 5_000_000
WORKING_MAX = 40  # as fast as the venue answers, and no faster
KEPT = 20


class Flow(Parameters, frozen=True, kw_only=True):
    """Where, and how many orders at a tick of 5 ms."""

    symbol: str
    at_once: int


class Count(State):
    """How many were sent."""

    sent: int = 0


class Sender(Strategy[Flow, Count]):
    """Buys and sells in turn, two at a time."""

    def on_start(self) -> None:
        self.context.set_timer("tick", every_ns=TICK_NS)

    def on_timer(self, _name: str) -> None:
        book, symbol = self.context.book(self.parameters.symbol), self.parameters.symbol
        if not (book.bid_qty and book.ask_qty):
            return
        working = self.context.working(symbol)
        resting = [order for order in working if order.state == OrderState.WORKING]
        for order in resting[:-KEPT]:
            self.context.cancel(order.order)
        for order in resting[-KEPT:]:
            if order.order % 7 == 0 and order.order_qty == 2:
                self.context.replace(order.order, qty=3)
        for _ in range(min(self.parameters.at_once, WORKING_MAX - len(working))):
            side = Side.BUY if self.state.sent % 2 == 0 else Side.SELL
            self.context.submit(symbol, side, 2, self._price(side))
            self.state.sent += 1

    def _price(self, side: Side) -> int:
        """Two percent from the touch, so that the two sides never meet."""
        book = self.context.book(self.parameters.symbol)
        price = book.bid_px * 98 // 100 if side == Side.BUY else book.ask_px * 102 // 100
        return price - price % self.context.instrument(self.parameters.symbol).tick_at(price)
