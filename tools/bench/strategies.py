"""The strategies of the order benchmark: one decides in Python, one leaves it to the core."""

from __future__ import annotations

from daemon.messages import BookUpdate, Fill, NativeRule, OrderUpdate
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


class Crossing(Parameters, frozen=True, kw_only=True):
    """Buy one lot at the best ask whenever the imbalance crosses this, in either direction."""

    symbol: str
    imbalance: float


class Heard(State):
    """What became of the orders."""

    ended: int = 0
    filled: int = 0


class Crosser(Strategy[Crossing, Heard]):
    """Looks at every update, decides here, and hears what became of each order."""

    def on_start(self) -> None:
        """Every update wakes it."""
        symbol = self.parameters.symbol
        self.book = self.context.book(symbol)
        self.signals = self.context.signals(symbol)
        self.above: bool | None = None
        self.context.subscribe(symbol, every_update=True)

    def on_book(self, update: BookUpdate) -> None:
        """Two sides, known from the first update of both on."""
        if not (self.book.bid_qty and self.book.ask_qty):
            return
        above = self.signals.imbalance > self.parameters.imbalance
        if self.above is not None and above != self.above:
            price = self.book.ask_px
            self.context.submit(update.symbol, Side.BUY, 1, price, time_in_force=TimeInForce.IOC)
        self.above = above

    def on_order(self, update: OrderUpdate) -> None:
        """Counts those that are over."""
        self.state.ended += update.is_terminal

    def on_fill(self, fill: Fill) -> None:
        """Counts lots."""
        self.state.filled += fill.last_qty


class CrossingRule(Strategy[Crossing, Heard]):
    """Leaves the same to the core, and hears the same."""

    def on_start(self) -> None:
        """One rule."""
        self.context.arm_rule(
            NativeRule(
                name="cross",
                symbol=self.parameters.symbol,
                signal=Signal.IMBALANCE,
                comparison=Comparison.CROSSES,
                threshold=self.parameters.imbalance,
                side=Side.BUY,
                qty=1,
                max_position=1_000_000_000,
                cooldown_ns=0,
            )
        )

    def on_order(self, update: OrderUpdate) -> None:
        """Counts those that are over."""
        self.state.ended += update.is_terminal

    def on_fill(self, fill: Fill) -> None:
        """Counts lots."""
        self.state.filled += fill.last_qty
