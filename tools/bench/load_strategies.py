"""The strategies of the load benchmarks: some that trade, some that only look.

`Watcher` and `Rester` read the host's clock and write a file, which no strategy may: they are the
instruments that measure what a strategy sees. Nothing of it goes into the log, and the log stays
replayable.
"""

from __future__ import annotations

import time
from array import array
from pathlib import Path

from daemon.messages import BookUpdate, NativeRule, OrderDenied, OrderUpdate
from daemon.model import Comparison, Side, Signal, TimeInForce
from daemon.strategy import Parameters, State, Strategy, may_trade

NS_PER_SECOND = 1_000_000_000
TICK_NS = 250_000
QUIET_NS = 20_000_000  # behind a denial
RESTS_BELOW = 100  # price increments
SURGE_NS = 100_000
AT_ONCE = 20  # orders of one handler


class Trigger(Parameters, frozen=True, kw_only=True):
    """Buy one lot at the best ask when the imbalance of the touch rises above the threshold."""

    symbol: str
    threshold: float = 0.5


class Native(Strategy[Trigger, State]):
    """Leaves it to the core."""

    def on_start(self) -> None:
        """Arms one rule."""
        self.context.arm_rule(
            NativeRule(
                name="take",
                symbol=self.parameters.symbol,
                signal=Signal.IMBALANCE,
                comparison=Comparison.ABOVE,
                threshold=self.parameters.threshold,
                side=Side.BUY,
                qty=1,
                max_position=1_000_000_000,
                cooldown_ns=0,
            )
        )


class Decider(Strategy[Trigger, State]):
    """Looks at every update of the symbol and decides here."""

    def on_start(self) -> None:
        """Every update wakes it."""
        symbol = self.parameters.symbol
        self.book = self.context.book(symbol)
        self.signals = self.context.signals(symbol)
        self.was_above = False
        self.context.subscribe(symbol, every_update=True)

    def on_book(self, update: BookUpdate) -> None:
        """Submits where the imbalance has crossed the threshold."""
        above = self.signals.imbalance > self.parameters.threshold
        if above and not self.was_above:
            price = self.book.ask_px
            self.context.submit(update.symbol, Side.BUY, 1, price, time_in_force=TimeInForce.IOC)
        self.was_above = above


class Schedule(Parameters, frozen=True, kw_only=True):
    """So many orders, so many a second."""

    symbol: str
    per_second: int
    orders: int


class Submitter(Strategy[Schedule, State]):
    """Order number n, which is its tag, is due n / per_second after the first one.

    Who is held up does not ask for less: what became due meanwhile goes at once.
    """

    def on_start(self) -> None:
        """The first order is sent when the market is open."""
        self.book = self.context.book(self.parameters.symbol)
        self.first_ns = 0
        self.sent = 0
        self.context.set_timer("due", after_ns=1_000_000)

    def on_timer(self, _name: str) -> None:
        """Whatever is due by now."""
        now, settings = self.context.now, self.parameters
        if not (may_trade(self.book) and self.book.ask_qty and self.book.bid_qty):
            self.context.set_timer("due", after_ns=1_000_000)
            return
        self.first_ns = self.first_ns or now
        due = (now - self.first_ns) * settings.per_second // NS_PER_SECOND
        for number in range(self.sent, min(due + 1, settings.orders)):
            price = self.book.ask_px
            self.context.submit(
                settings.symbol, Side.BUY, 1, price, time_in_force=TimeInForce.IOC, tag=number
            )
            self.sent = number + 1
        if self.sent < settings.orders:
            wait_ns = -(-self.sent * NS_PER_SECOND // settings.per_second)
            self.context.set_timer("due", at_ns=self.first_ns + wait_ns)


class Watch(Parameters, frozen=True, kw_only=True):
    """A symbol, and the file for what was seen: pairs of int64, host's ns since 1970 and age."""

    symbol: str
    report: str


class Watcher(Strategy[Watch, State]):
    """Conflated: at each wake, how old is what the view shows.

    The venue's time of the last update is when its sender meant to send it.
    """

    def on_start(self) -> None:
        """The newest state, once a turn."""
        self.seen = array("q")
        self.book = self.context.book(self.parameters.symbol)
        self.context.subscribe(self.parameters.symbol)

    def on_book(self, _update: BookUpdate) -> None:
        """Note when, and how old."""
        now = time.time_ns()
        self.seen.append(now)
        self.seen.append(now - self.book.ts_event)

    def on_stop(self, _reason: str) -> None:
        """Write it down."""
        Path(self.parameters.report).write_bytes(self.seen.tobytes())


class Follower(Strategy[Trigger, State]):
    """Conflated, on all of its symbols: looks and does nothing, and turns have a Python phase."""

    def on_start(self) -> None:
        """The newest state, once a turn."""
        self.on_restore()
        for symbol in self.context.symbols:
            self.context.subscribe(symbol)

    def on_restore(self) -> None:
        """Views are made anew."""
        self.books = {symbol: self.context.book(symbol) for symbol in self.context.symbols}

    def on_book(self, update: BookUpdate) -> None:
        """As one that sees no reason to trade."""
        book = self.books[update.symbol]
        self.crossed = book.bid_px > book.ask_px


class Resting(Parameters, frozen=True, kw_only=True):
    """How many orders rest below the market; the file for when some were denied: int64, ns."""

    symbol: str
    report: str
    orders: int


class Rester(Strategy[Resting, State]):
    """Keeps so many orders working; once they are, tries another one at every tick of its timer.

    Reads the host's clock as `Watcher` does: at each denial.
    """

    def on_start(self) -> None:
        """The timer is all that wakes it."""
        self.refused = array("q")
        self.resting: set[int] = set()
        self.quiet_until = 0
        self.book = self.context.book(self.parameters.symbol)
        self.context.set_timer("tick", every_ns=TICK_NS)

    def on_timer(self, _name: str) -> None:
        """Some that are missing, else one that finds nobody at its price."""
        whole = may_trade(self.book) and self.book.ask_qty and self.book.bid_qty
        if not whole or self.context.now < self.quiet_until:
            return
        missing = self.parameters.orders - len(self.resting)
        price = self.book.bid_px - RESTS_BELOW
        for _ in range(min(missing, AT_ONCE)):
            order = self.context.submit(self.parameters.symbol, Side.BUY, 1, price)
            self.resting.add(order)
        if missing == 0:
            ask = self.book.ask_px
            self.context.submit(
                self.parameters.symbol, Side.BUY, 1, ask, time_in_force=TimeInForce.IOC
            )

    def on_order(self, update: OrderUpdate) -> None:
        """Those that have ended are missing."""
        if update.is_terminal:
            self.resting.discard(update.order)

    def on_denied(self, denied: OrderDenied) -> None:
        """Note when; and not again at once, or denials would be all that is done."""
        self.refused.append(time.time_ns())
        self.quiet_until = self.context.now + QUIET_NS
        self.resting.discard(denied.order)

    def on_stop(self, _reason: str) -> None:
        """Write it down."""
        Path(self.parameters.report).write_bytes(self.refused.tobytes())


class Sitting(Parameters, frozen=True, kw_only=True):
    """How many orders rest below the market."""

    symbol: str
    orders: int


class Sitter(Strategy[Sitting, State]):
    """Sends its orders once, all at one price, and waits for what comes."""

    def on_start(self) -> None:
        """Some at a time, so that none is denied for want of credit."""
        self.left = self.parameters.orders
        self.price = 0
        self.book = self.context.book(self.parameters.symbol)
        self.context.set_timer("tick", every_ns=TICK_NS)

    def on_timer(self, _name: str) -> None:
        """The next ones."""
        if not (may_trade(self.book) and self.book.ask_qty and self.book.bid_qty):
            return
        self.price = self.price or self.book.bid_px - RESTS_BELOW
        for _ in range(min(self.left, AT_ONCE)):
            self.context.submit(self.parameters.symbol, Side.BUY, 1, self.price)
            self.left -= 1
        if self.left == 0:
            self.context.cancel_timer("tick")


class Looper(Strategy[Trigger, State]):
    """Its handler loops for a second, and then asks for an order."""

    def on_start(self) -> None:
        """Once a second, so that it hardly does anything else."""
        self.book = self.context.book(self.parameters.symbol)
        self.context.set_timer("loop", every_ns=NS_PER_SECOND)

    def on_timer(self, _name: str) -> None:
        """Busy."""
        ends = time.monotonic() + 1
        while time.monotonic() < ends:
            pass
        if self.book.ask_qty:
            self.context.submit(self.parameters.symbol, Side.BUY, 1, self.book.ask_px)


class Waves(Parameters, frozen=True, kw_only=True):
    """Orders a second while it is calm, while it is busy, and calm again; seconds of the first two.

    `orders` in all.
    """

    symbol: str
    calm: int
    busy: int
    calm_seconds: int
    busy_seconds: int
    orders: int


class Surge(Strategy[Waves, State]):
    """As `Submitter`, at two rates: who is held up does not ask for less."""

    def on_start(self) -> None:
        """The first order is sent when the market is open."""
        self.book = self.context.book(self.parameters.symbol)
        self.first_ns = 0
        self.sent = 0
        self.context.set_timer("due", every_ns=SURGE_NS)

    def on_timer(self, _name: str) -> None:
        """Whatever is due by now."""
        if not (may_trade(self.book) and self.book.ask_qty and self.book.bid_qty):
            return
        self.first_ns = self.first_ns or self.context.now
        wanted = min(self.due(self.context.now - self.first_ns), self.parameters.orders)
        for number in range(self.sent, wanted):
            price = self.book.ask_px
            self.context.submit(
                self.parameters.symbol,
                Side.BUY,
                1,
                price,
                time_in_force=TimeInForce.IOC,
                tag=number,
            )
        self.sent = max(self.sent, wanted)

    def due(self, after_ns: int) -> int:
        """Orders that are due so long after the first."""
        waves = self.parameters
        calm_ns = waves.calm_seconds * NS_PER_SECOND
        busy_ns = min(max(0, after_ns - calm_ns), waves.busy_seconds * NS_PER_SECOND)
        calm_ns = after_ns - busy_ns
        return 1 + (calm_ns * waves.calm + busy_ns * waves.busy) // NS_PER_SECOND


class Counter(Strategy[Watch, State]):
    """Conflated: counts its wakes, and writes the number down when it stops."""

    def on_start(self) -> None:
        """The newest state, once a turn."""
        self.wakes = 0
        self.context.subscribe(self.parameters.symbol)

    def on_book(self, _update: BookUpdate) -> None:
        """One."""
        self.wakes += 1

    def on_stop(self, _reason: str) -> None:
        """Write it down."""
        Path(self.parameters.report).write_text(f"{self.wakes}\n")
