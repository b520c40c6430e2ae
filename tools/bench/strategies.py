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


class Leaning(Parameters, frozen=True, kw_only=True):
    """What imbalance counts as leaning."""

    imbalance: float


class Count(State):
    """How often it leaned with a narrow spread."""

    leaned: int = 0


class Watcher(Strategy[Leaning, Count]):
    """Looks at every update of every instrument: bid, ask, a signal; compares."""

    def on_start(self) -> None:
        """Views once, updates all."""
        symbols = self.context.symbols
        self.books = {symbol: self.context.book(symbol) for symbol in symbols}
        self.signals = {symbol: self.context.signals(symbol) for symbol in symbols}
        for symbol in symbols:
            self.context.subscribe(symbol, every_update=True)

    def on_book(self, update: BookUpdate) -> None:
        """Two prices, one signal, one comparison."""
        book = self.books[update.symbol]
        leans = self.signals[update.symbol].imbalance > self.parameters.imbalance
        if leans and book.ask_px - book.bid_px == 1:
            self.state.leaned += 1
