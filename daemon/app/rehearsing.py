"""The way of an order through Python gone without sending one, so that it is warm when one comes.

A strategy that is woken a hundred times a second finds little of the interpreter and of our code in
the caches. The core rehearses its own part (`native/include/pitwire/engine/rehearsal.hpp`); at the
same moments a strategy of ours is told of a book by such a host as all strategies have. It reads
the book and asks for an order, by the code that they use. What is asked ends in `Nowhere`: the gate
says what it would say, which changes nothing, and core and log hear of nothing.
"""

from __future__ import annotations

from typing import Final, cast

from daemon.actors.strategy_context import HostContext
from daemon.actors.strategy_host import StrategyHost
from daemon.app.wiring import Wiring
from daemon.core import Core
from daemon.messages import BookUpdate, Start
from daemon.model import Instrument, Side, TimeInForce
from daemon.runtime.effects import Effects
from daemon.runtime.views import SlotBookView, SlotSignalView
from daemon.strategy import Parameters, State, Strategy

NAME: Final = "rehearsal"


class Nowhere:
    """Of a core what the host of this strategy asks."""

    def __init__(self, core: Core) -> None:
        self.submit = core.would_pass

    def new_cl_ord_id(self) -> int:
        """It is never sent."""
        return 1

    def strategy_state(self, *state: object) -> None:
        """It is not logged."""

    def forget_strategy(self, strategy: int) -> None:
        """None is known."""

    def cancel_all(self, *selection: object) -> None:
        """There are no orders."""


class UnderstudyContext(HostContext):
    """Of a strategy's number, instrument and session. Its books are the daemon's."""

    def __init__(
        self,
        core: Core,
        strategy: int,
        symbol: str,
        instrument: tuple[int, Instrument],
        session: int,
    ) -> None:
        nowhere = cast("Core", Nowhere(core))
        instruments = {symbol: instrument}
        sessions = {symbol: session}
        super().__init__(nowhere, strategy, NAME, (symbol,), sessions, instruments, (), (), 0)
        self.nowhere = nowhere
        self._books = {symbol: SlotBookView(core, instrument[0], symbol)}
        self._signals = {symbol: SlotSignalView(core, instrument[0], {})}

    def book(self, symbol: str) -> SlotBookView:
        return self._books[symbol]

    def signals(self, symbol: str) -> SlotSignalView:
        return self._signals[symbol]


class Taker(Strategy[Parameters, State]):
    """Asks for a lot at the touch whenever it is told of a book."""

    def on_start(self) -> None:
        (symbol,) = self.context.symbols
        self.book = self.context.book(symbol)
        self.signals = self.context.signals(symbol)

    def on_book(self, update: BookUpdate) -> None:
        price = self.book.ask_px if self.signals.imbalance > 0.0 else self.book.bid_px
        self.context.submit(update.symbol, Side.BUY, 1, price, time_in_force=TimeInForce.IOC)


class Understudy:
    """One strategy's order. Should it fail, it says so by `effects` and does no more."""

    def __init__(self, context: UnderstudyContext, strategy: int, effects: Effects) -> None:
        self.context = context
        nowhere, parameters = context.nowhere, Parameters()
        self._host = StrategyHost(nowhere, strategy, Taker, parameters, context, 0, effects)
        self._host.handle(Start(0))
        self._update = BookUpdate(context.symbols[0], 0, 0)

    def run(self) -> None:
        """Once: some microseconds where it is warm."""
        self._host.handle(self._update)

    @property
    def failure(self) -> str:
        """Why it does no more; "" while it does."""
        return self._host.failure


class Rehearsal:
    """The understudies in turn, one a call."""

    def __init__(self, understudies: list[Understudy]) -> None:
        self.understudies = understudies
        self._next = 0

    def __call__(self) -> None:
        self._next = (self._next + 1) % len(self.understudies)
        self.understudies[self._next].run()


def rehearsal_of(wiring: Wiring) -> Rehearsal | None:
    """An understudy for each strategy, on its first instrument; None where there is no strategy."""
    understudies = []
    for host, settings in zip(wiring.hosts, wiring.configuration.strategy, strict=True):
        if settings.retired or not settings.instruments:
            continue
        symbol, number = settings.instruments[0], host.strategy_id
        instrument = wiring.instruments[symbol]
        context = UnderstudyContext(wiring.core, number, symbol, instrument, host.session)
        understudies.append(Understudy(context, number, wiring.effects))
    return Rehearsal(understudies) if understudies else None
