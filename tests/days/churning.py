"""A strategy that does everything an order can have done to it, as often as it may."""

from daemon.messages import OrderDenied
from daemon.model import DenyReason, Side, TimeInForce
from daemon.strategy import Parameters, State, Strategy, may_trade


class Churning(Parameters, frozen=True, kw_only=True):
    """At every tick one of: a new order, passive or crossing; a replace; a cancel."""

    symbol: str
    every_ns: int = 4_000_000
    working_max: int = 12
    position_max: int = 60


class Nothing(State):
    """Everything it needs to know the context knows."""


class Churns(Strategy[Churning, Nothing]):
    """Draws from its own stream: the same in replay."""

    fixed_parameters = ("symbol",)

    def on_start(self) -> None:
        self.on_restore()
        self.context.subscribe(self.parameters.symbol)
        self.context.set_timer("churn", every_ns=self.parameters.every_ns)

    def on_restore(self) -> None:
        symbol = self.parameters.symbol
        self.book = self.context.book(symbol)
        self.position = self.context.position(symbol)
        self.tick = 100  # price increments of 0.0001
        self.halted = False

    def on_timer(self, name: str) -> None:
        del name
        if self.halted or not may_trade(self.book) or not (self.book.bid_qty and self.book.ask_qty):
            return
        working = self.context.working(self.parameters.symbol)
        draw = self.context.random.random()
        if working and (draw < 0.45 or len(working) >= self.parameters.working_max):
            order = working[self.context.random.randrange(len(working))]
            if draw < 0.25:
                self.context.cancel(order.order)
            else:
                price = self._price(order.side, 2)
                self.context.replace(
                    order.order, price=price, qty=order.cum_qty + 1 + int(draw * 20)
                )
            return
        self._submit()

    def on_denied(self, denied: OrderDenied) -> None:
        """Halted, it leaves its orders where they are."""
        self.halted |= denied.reason is DenyReason.HALTED

    def _submit(self) -> None:
        dice = self.context.random
        side = Side.BUY if dice.random() < 0.5 else Side.SELL
        if abs(self.position.net_qty) > self.parameters.position_max:
            side = Side.SELL if self.position.net_qty > 0 else Side.BUY
        crosses = dice.random() < 0.3
        force = TimeInForce.IOC if crosses else TimeInForce.DAY
        price = self._price(side, -4 if crosses else 2)
        qty = 1 + dice.randrange(8)
        self.context.submit(self.parameters.symbol, side, qty, price, time_in_force=force)

    def _price(self, side: Side, ticks_behind: int) -> int:
        """So many ticks behind the own side's best; below 0 across the other's."""
        behind = self.context.random.randrange(abs(ticks_behind)) * self.tick
        if side is Side.BUY:
            return self.book.ask_px + behind if ticks_behind < 0 else self.book.bid_px - behind
        return self.book.bid_px - behind if ticks_behind < 0 else self.book.ask_px + behind
