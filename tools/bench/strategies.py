"""The strategies of the order benchmark: one decides in Python, one leaves it to the core."""

from __future__ import annotations

from daemon.messages import BookUpdate, NativeRule
from daemon.model import Comparison, Side, Signal, TimeInForce
from daemon.strategy import Parameters, State, Strategy


class Trigger(Parameters, frozen=True, kw_only=True):
    """Buy one lot when the best ask is at `ask` price increments."""

    symbol: str
    ask: int


class Taker(Strategy[Trigger, State]):
    """Looks at every update and takes."""

    def on_start(self) -> None:
        """Every update wakes it."""
        symbol = self.parameters.symbol
        self.book = self.context.book(symbol)
        self.context.subscribe(symbol, every_update=True)

    def on_book(self, update: BookUpdate) -> None:
        """Reads the touch, compares, submits."""
        if self.book.ask_px == self.parameters.ask:
            price = self.parameters.ask
            self.context.submit(update.symbol, Side.BUY, 1, price, time_in_force=TimeInForce.IOC)


class Ruler(Strategy[Trigger, State]):
    """Arms one rule: when the mid falls as the ask comes to its price, the core takes by itself."""

    def on_start(self) -> None:
        """The mid is half an increment lower at the price than one increment above it."""
        ask = self.parameters.ask
        self.context.arm_rule(
            NativeRule(
                name="take",
                symbol=self.parameters.symbol,
                signal=Signal.MID,
                comparison=Comparison.BELOW,
                threshold=ask - 0.25,
                side=Side.BUY,
                qty=1,
                max_position=1_000_000_000,
                cooldown_ns=0,
            )
        )
