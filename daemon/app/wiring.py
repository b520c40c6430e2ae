"""Puts a core and its actors together: the one place that knows all of them.

    events ──► PythonPhase ──► Dispatcher ──► StrategyHost (one a strategy)
                                         ├──► Firm          (reconciles, arms, halts)
                                         └──► OperatorDesk  (commands)

Live, replay and recovery wire the same actors on the same kind of core.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from daemon.actors.firm import Firm
from daemon.actors.operator import SHUTDOWN_TIMER, OperatorDesk
from daemon.actors.reconciler import FIRM_TIMERS
from daemon.actors.session_hours import HOURS_TIMERS, SessionHoursDesk
from daemon.actors.strategy_context import HostContext
from daemon.actors.strategy_host import StrategyHost
from daemon.app.code import Code, current_code
from daemon.app.configuration import Configuration
from daemon.app.definitions import define, lots_of, model_instrument, names_of, terms_of
from daemon.app.market_settings import FixSessionSettings, StrategySettings
from daemon.core import Core
from daemon.messages import BookStateChanged, Command, RiskStateChanged, SessionState
from daemon.model import Instrument, RiskState
from daemon.runtime.effects import Effects, FetchSnapshot, Tell
from daemon.runtime.events import (
    NO_ID,
    EpochBegun,
    ExecutionUnmatched,
    Killed,
    LogShorter,
    MassStatus,
    PositionsAnswered,
    SnapshotWanted,
    StatusAnswered,
    TimerFired,
    VenuePosition,
)
from daemon.runtime.mailbox import Actor, Dispatcher, Mailbox, Overflow
from daemon.runtime.turn import PythonPhase
from daemon.strategy import Parameters, State, Strategy
from daemon.strategy.loading import LoadedStrategy


class DaemonTimers:
    """Hands the daemon's own timers to the actor that set them.

    By its mailbox: a timer of a process before, due when the log was taken as facts, comes behind
    the epoch that ended what it was set for.
    """

    name = "timers"

    def __init__(
        self, dispatcher: Dispatcher, firm: Mailbox, hours: Mailbox, operator: Mailbox
    ) -> None:
        self._dispatcher = dispatcher
        self._firm = firm
        self._hours = hours
        self._operator = operator

    def handle(self, message: TimerFired) -> None:
        """By the number's range."""
        if message.timer_id == SHUTDOWN_TIMER:
            self._dispatcher.post_to(self._operator, message)
        elif message.timer_id >= HOURS_TIMERS:
            self._dispatcher.post_to(self._hours, message)
        elif message.timer_id >= FIRM_TIMERS:
            self._dispatcher.post_to(self._firm, message)


class Snapshots:
    """Asks the edge for a snapshot where a book has a gap."""

    name = "snapshots"

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def handle(self, message: SnapshotWanted) -> None:
        """Every gap asks once; the edge limits the rate."""
        self._effects.add(FetchSnapshot(message.symbol, message.difference))


class Wiring:
    """A core with everything that runs on it."""

    def __init__(self, core: Core, configuration: Configuration, code: Code | None = None) -> None:
        """`code` is strategies' as logged; none loads the files and compiles their kernels."""
        self.core = core
        self.configuration = configuration
        self.names = names_of(configuration)
        self.effects = Effects()
        self.kept: dict[str, bytes] = {}
        define(core, configuration)
        self.dispatcher = Dispatcher(self._failed)
        self.code = code or current_code(configuration)
        self.loaded = [_loaded(each, self.code) for each in configuration.strategy]
        self.sources = [each for each in self.loaded if each.strategy is not Retired]
        instruments = {
            each.symbol: (number, model_instrument(each))
            for number, each in enumerate(configuration.instrument)
        }
        self.instruments = instruments
        self.hosts = [
            self._host(number, settings, instruments)
            for number, settings in enumerate(configuration.strategy)
        ]
        self._mailboxes = [self._mailbox(host, Overflow.FAIL) for host in self.hosts]
        self.firm = self._firm()
        self.operator = self._operator()
        self._subscribe()
        self.phase = PythonPhase(core, self.names, self.dispatcher, self._mailboxes)

    @property
    def strategy_mailboxes(self) -> list[Mailbox]:
        """In the order of strategies' ids."""
        return self._mailboxes

    def keep(self, states: Mapping[str, bytes]) -> None:
        """Strategies of these names begin with these declared states; before the first turn."""
        self.kept = dict(states)
        for host in self.hosts:
            host.keep(self.kept.get(host.name, b""))

    # ------------------------------------------------------------------ building

    def _mailbox(self, actor: Actor, overflow: Overflow) -> Mailbox:
        return Mailbox(actor, self.configuration.core.mailbox_messages_max, overflow)

    def _host(
        self,
        number: int,
        settings: StrategySettings,
        instruments: dict[str, tuple[int, Instrument]],
    ) -> StrategyHost:
        loaded = self.loaded[number]
        for kernel in loaded.strategy.kernels:
            content = self.code.kernels[loaded.spec, kernel.name]
            self.core.define_kernel(number, kernel.name, kernel.state, kernel.parameters, content)
        symbols = () if settings.retired else settings.instruments
        own = {symbol: instruments[symbol] for symbol in symbols}
        sessions = {symbol: self._session_of(settings, symbol) for symbol in symbols}
        context = HostContext(
            self.core,
            number,
            settings.name,
            symbols,
            sessions,
            own,
            loaded.strategy.workers,
            loaded.strategy.kernels,
            self.configuration.daemon.seed,
        )
        parameters = loaded.parameters(settings.parameters)
        session = next(iter(sessions.values()), 0)
        return StrategyHost(
            self.core, number, loaded.strategy, parameters, context, session, self.effects
        )

    def _session_of(self, settings: StrategySettings, symbol: str) -> int:
        instrument = next(i for i in self.configuration.instrument if i.symbol == symbol)
        return list(self.names.sessions).index(settings.session or instrument.session or "")

    def _firm(self) -> Firm:
        return Firm(
            self.core,
            [terms_of(self.configuration, each) for each in self.configuration.session],
            self.dispatcher,
            self._mailboxes,
            [each.start for each in self.configuration.strategy],
            self.effects,
            self.configuration.risk.armed,
            self.names.instruments,
            self._quantity_text,
        )

    def _quantity_text(self, number: int, lots: int) -> str:
        _, instrument = self.instruments[self.names.instruments[number]]
        return f"{instrument.qty_of(lots):f}"

    def _operator(self) -> OperatorDesk:
        return OperatorDesk(
            self.core,
            self.names,
            self.firm,
            self.hosts,
            self._mailboxes,
            self.dispatcher,
            self.effects,
            lambda number, text: lots_of(self.configuration.instrument[number], Decimal(text)),
            self.configuration.core.shutdown_timeout_seconds * 1_000_000_000,
        )

    def _session_hours(self) -> SessionHoursDesk:
        zones = {venue.name: venue.time_zone for venue in self.configuration.venue}
        hours = [
            each.hours.in_zone(zones[each.venue]) if each.hours and not each.retired else None
            for each in self.configuration.session
        ]
        resets = [
            isinstance(each, FixSessionSettings) and each.reset == "at_start"
            for each in self.configuration.session
        ]
        return SessionHoursDesk(
            self.core, self.names.sessions, hours, resets, self.firm, self.effects
        )

    def _subscribe(self) -> None:
        halting = Overflow.HALT
        firm = self._mailbox(self.firm, halting)
        self.dispatcher.subscribe(firm, EpochBegun, SessionState, StatusAnswered)
        self.dispatcher.subscribe(firm, VenuePosition, PositionsAnswered, MassStatus, LogShorter)
        self.dispatcher.subscribe(firm, ExecutionUnmatched, Killed)
        # Behind the firm: at the begin of an epoch it takes down what the firm counts as open.
        hours = self._mailbox(self._session_hours(), halting)
        self.dispatcher.subscribe(hours, EpochBegun)
        operator = self._mailbox(self.operator, halting)
        self.dispatcher.subscribe(operator, Command, EpochBegun, SessionState)
        timers = DaemonTimers(self.dispatcher, firm, hours, operator)
        self.dispatcher.subscribe(self._mailbox(timers, halting), TimerFired)
        self.dispatcher.subscribe(self._mailbox(Snapshots(self.effects), halting), SnapshotWanted)
        for mailbox in self._mailboxes:
            self.dispatcher.subscribe(mailbox, BookStateChanged, SessionState, RiskStateChanged)

    # ------------------------------------------------------------------ failures

    def _failed(self, mailbox: Mailbox, error: Exception) -> None:
        """DESIGN.md's failure table: a strategy fails alone, any other actor halts the firm."""
        if isinstance(mailbox.actor, StrategyHost):
            mailbox.actor.fail(error)
            return
        said = {"actor": mailbox.actor.name}
        self.effects.add(Tell("error", "actor failed: the firm is halted", said, error))
        text = f"{mailbox.actor.name}: {type(error).__name__}: {error}"
        self.core.note(NO_ID, 2, text)
        self.firm.halt(RiskState.HALTED, text)

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> bytes:
        """Everything behind the last turn, for `restore` under the same configuration."""
        return msgspec.msgpack.encode(
            {
                "core": self.core.save(),
                "firm": self.firm.save(),
                "operator": self.operator.save(),
                "strategies": [host.save() for host in self.hosts],
            }
        )

    def restore(self, content: bytes) -> None:
        """The inverse of `save`. ValueError where it does not fit."""
        saved = msgspec.msgpack.decode(content)
        if not self.core.restore(saved["core"]):
            raise ValueError("the checkpoint's core does not fit this configuration")
        self.firm.restore(saved["firm"])
        self.operator.restore(saved["operator"])
        for host, state in zip(self.hosts, saved["strategies"], strict=True):
            host.restore(state)


class Retired(Strategy[Parameters, State]):
    """Stands where a strategy was that left the configuration; it cannot be started."""

    def on_start(self) -> None:
        """FAILED, with the reason."""
        raise RuntimeError("it is not in the configuration any more")


def _loaded(settings: StrategySettings, code: Code) -> LoadedStrategy:
    if settings.retired:
        return LoadedStrategy(settings.strategy_class, Retired, "", b"")
    return code.loaded[settings.strategy_class]
