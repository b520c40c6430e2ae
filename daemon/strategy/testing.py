"""For authors' tests: a small simulated market around one strategy, in memory, without a core.

    market = Simulation([instrument])
    strategy = market.start(MarketMaker, symbol="X", qty=2)
    market.quote("X", 99, 5, 101, 5)
    assert [order.price for order in market.context.working("X")] == [98, 102]

Its context passes the contract that the real one passes (`tests/strategy/contract.py`). The
venue answers at once: an order that crosses the touch trades against the quoted quantity at
the quoted prices, a resting one trades at its own price when a later quote crosses it. Signals
are what the test sets; kernels run in the interpreter on every quote and trade, and triggers
fire. When a handler raises, its intents are discarded and the exception is the test's. Stops,
trailing stops, orders if touched, OCO, OUO and OTO lists and reduce-only orders are kept by the
daemon's rules; its venue has none of them. Native rules are recorded; `fire_rule` plays one.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from daemon.messages import (
    Bar,
    BookStateChanged,
    BookUpdate,
    SessionState,
    Trade,
    WorkerResult,
)
from daemon.model import BookState, DenyReason, Instrument, Level, Side, TradingState, WorkerStatus
from daemon.strategy.base import AnyStrategy, Strategy, decode_parameters
from daemon.strategy.simulated_context import Intent, SimulatedContext
from daemon.strategy.testing_kernels import SimulatedKernels
from daemon.strategy.testing_venue import SimulatedVenue
from daemon.strategy.testing_views import change

START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000

A = TypeVar("A", bound=Strategy[Any, Any])


class Simulation:
    """One strategy, its context, a venue that answers at once, and time that the test moves."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        name: str = "strategy",
        seed: int = 1,
        start_ns: int = START_NS,
    ) -> None:
        self.context = SimulatedContext(list(instruments), name, seed, start_ns)
        self.venue = SimulatedVenue(self.context, self._enqueue)
        self._kernels = SimulatedKernels(self.context, self._enqueue)
        self.sent: list[Intent] = []
        """Every intent that was released, in order."""
        self._mailbox: deque[tuple[str, Any]] = deque()
        self._bars: dict[tuple[str, int], Bar] = {}
        self._strategy: AnyStrategy | None = None

    # ------------------------------------------------------------------ the strategy

    def start(self, strategy: type[A], **parameters: object) -> A:
        """Make the strategy from strict parameters and call `on_start`."""
        self.context.workers = strategy.workers
        self.context.kernels = strategy.kernels
        made = strategy(self.context, decode_parameters(strategy.Parameters, parameters))
        self._strategy = made
        self._call("on_start")
        self._drain()
        return made

    def restart(self) -> AnyStrategy:
        """Replace the strategy by one made from its checkpoint, as after a crash."""
        old = self.strategy
        made = type(old)(self.context, old.parameters)
        made.restore(old.checkpoint())
        self._strategy = made
        return made

    @property
    def strategy(self) -> AnyStrategy:
        """The running strategy. RuntimeError before `start`."""
        if self._strategy is None:
            raise RuntimeError("no strategy was started")
        return self._strategy

    def change_parameters(self, **changes: object) -> None:
        """As an operator does at run time."""
        self._call("change_parameters", changes)
        self._drain()

    def stop(self, reason: str = "test") -> None:
        """`on_stop`, then what works is cancelled."""
        self._call("on_stop", reason)
        self.context.cancel_all()
        self._release()
        self._drain()

    # ------------------------------------------------------------------ the market

    def quote(self, symbol: str, bid_px: int, bid_qty: int, ask_px: int, ask_qty: int) -> None:
        """One update of the touch; a quantity of 0 empties the side."""
        bids = (Level(bid_px, bid_qty),) if bid_qty else ()
        asks = (Level(ask_px, ask_qty),) if ask_qty else ()
        self.quote_levels(symbol, bids, asks)

    def quote_levels(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """One update of the whole book, best levels first."""
        now = self.context.now
        book = self.context.books[symbol]
        change(book, bids=tuple(bids), asks=tuple(asks), ts_event=now, ts_core=now)
        change(
            self.context.signal_values[symbol],
            mid=book.mid,
            microprice=book.microprice,
            spread=float(book.spread) if bids and asks else math.nan,
        )
        state = BookState.LIVE if bids and asks else BookState.EMPTY
        if book.state in (BookState.EMPTY, BookState.LIVE):
            self._set_book_state(symbol, state)
        self._kernels.update(symbol)
        self.venue.match(symbol)
        if symbol in self.context.subscriptions:
            self._enqueue("on_book", BookUpdate(symbol, now, now))
        self._drain()

    def set_book_state(self, symbol: str, state: BookState) -> None:
        """A feed's trouble, or its end."""
        self._set_book_state(symbol, state)
        self._drain()

    def set_signals(self, symbol: str, **values: float) -> None:
        """What the native kernels would show from now on."""
        change(self.context.signal_values[symbol], **values)

    def trade(self, symbol: str, price: int, qty: int, aggressor: Side = Side.NONE) -> None:
        """A trade between others."""
        now = self.context.now
        self._count_in_bars(symbol, price, qty)
        self._kernels.update(symbol, price, qty, aggressor)
        self.venue.keeper.traded(symbol, price)
        self.venue.keeper.settle()
        if symbol in self.context.trade_subscriptions:
            self._enqueue("on_trade", Trade(symbol, price, qty, aggressor, now, now))
        self._drain()

    def advance(self, duration_ns: int) -> None:
        """Time passes in one step: finished bars, then timers by (deadline, name)."""
        self.context.clock_ns += duration_ns
        self._finish_bars()
        self.venue.keeper.settle()
        now = self.context.now
        timers = self.context.timers
        due = sorted((at, name) for name, (at, _) in timers.items() if at <= now)
        for at, name in due:
            _, period = timers.pop(name)
            if period:
                timers[name] = (at + ((now - at) // period + 1) * period, period)
            self._enqueue("on_timer", name)
        self._drain()

    # ------------------------------------------------------------------ the surroundings

    def answer_worker(
        self,
        request_id: int,
        result: object = None,
        status: WorkerStatus = WorkerStatus.DONE,
        error: str = "",
    ) -> None:
        """What the worker process found. KeyError where no such request is open."""
        request = self.venue.requests.pop(request_id)
        plain = msgspec.json.decode(msgspec.json.encode(result))
        message = WorkerResult(request_id, request.function, status, plain, error)
        self._enqueue("on_worker", message)
        self._drain()

    def deny_next(self, reason: DenyReason) -> None:
        """The risk gate refuses the next new order or replace."""
        self.venue.deny_next = reason

    def fire_rule(self, name: str) -> None:
        """The core fires an armed native rule at the present touch."""
        self.venue.fire_rule(name)
        self._drain()

    def session(self, logged_on: bool) -> None:
        """The order-entry session comes or goes."""
        state = SessionState("simulated", logged_on, logged_on, self.context.now)
        self._enqueue("on_session", state)
        self._drain()

    # ------------------------------------------------------------------ inside

    def _enqueue(self, handler: str, message: object) -> None:
        self._mailbox.append((handler, message))

    def _drain(self) -> None:
        while self._mailbox:
            handler, message = self._mailbox.popleft()
            self._call(handler, message)

    def _call(self, handler: str, *arguments: object) -> None:
        if self._strategy is None:
            return
        try:
            getattr(self._strategy, handler)(*arguments)
        except BaseException:
            self.context.take_intents()
            raise
        self._release()

    def _release(self) -> None:
        for intent in self.context.take_intents():
            self.sent.append(intent)
            self.venue.apply(intent)
            self._kernels.apply(intent)

    def _set_book_state(self, symbol: str, state: BookState) -> None:
        book = self.context.books[symbol]
        if book.state is state:
            return
        change(book, state=state)
        if symbol in self.context.subscriptions:
            now = self.context.now
            self._enqueue("on_book_state", BookStateChanged(symbol, state, book.trading, now))

    def set_trading(self, symbol: str, trading: TradingState) -> None:
        """The venue halts or resumes trading in the instrument."""
        book = self.context.books[symbol]
        change(book, trading=trading)
        now = self.context.now
        self._enqueue("on_book_state", BookStateChanged(symbol, book.state, trading, now))
        self._drain()

    def _count_in_bars(self, symbol: str, price: int, qty: int) -> None:
        self._finish_bars()
        for key in sorted(self.context.bar_subscriptions):
            if key[0] != symbol:
                continue
            bar = self._bars.get(key)
            if bar is None:
                length = key[1] * SECOND_NS
                opened = self.context.now // length * length
                bar = Bar(symbol, key[1], opened, price, price, price, price, 0, 0.0, 0)
            self._bars[key] = msgspec.structs.replace(
                bar,
                high=max(bar.high, price),
                low=min(bar.low, price),
                close=price,
                volume=bar.volume + qty,
                notional=bar.notional + price * qty,
                trades=bar.trades + 1,
            )

    def _finish_bars(self) -> None:
        for key in sorted(self._bars):
            bar = self._bars[key]
            if bar.ts_open + bar.interval_seconds * SECOND_NS <= self.context.now:
                del self._bars[key]
                self._enqueue("on_bar", bar)
