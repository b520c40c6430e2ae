"""Carries out operators' commands: each is in the log before it acts, and so is its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from daemon.actors.acceptance import RefusedError
from daemon.actors.firm import Firm
from daemon.actors.reconciler import FIRM_TIMERS
from daemon.actors.session_commands import SessionCommands
from daemon.actors.strategy_host import StrategyHost
from daemon.core import Core
from daemon.messages import Command, ParametersChanged, Reply, SessionState, Start, Stop
from daemon.messages.replies import Done, Outcome, Reconciliation
from daemon.model import (
    CancelReason,
    OrderFlag,
    OrdType,
    RiskState,
    Side,
    StrategyStatus,
    TimeInForce,
)
from daemon.runtime.effects import Effects, EndProcess, SendReply, SetLogLevel, Stopping, Tell
from daemon.runtime.events import NO_ID, EpochBegun, Names, TimerFired
from daemon.runtime.mailbox import Dispatcher, Mailbox
from daemon.strategy import ParameterError

SHUTDOWN_TIMER = FIRM_TIMERS + (1 << 16)
SHUTDOWN_LOOK_NS = 20_000_000


class OperatorDesk:
    """The actor behind the control socket."""

    name = "operator"

    def __init__(
        self,
        core: Core,
        names: Names,
        firm: Firm,
        hosts: Sequence[StrategyHost],
        mailboxes: list[Mailbox],
        dispatcher: Dispatcher,
        effects: Effects,
        quantity_lots: Callable[[int, str], int],
        shutdown_timeout_ns: int,
    ) -> None:
        self._core = core
        self._names = names
        self._firm = firm
        self._hosts = hosts
        self._mailboxes = mailboxes
        self._dispatcher = dispatcher
        self._effects = effects
        self._quantity_lots = quantity_lots
        self._shutdown_timeout_ns = shutdown_timeout_ns
        self._shutdown_deadline = 0
        self._sessions = SessionCommands(core, names.sessions, effects)
        self._handlers: dict[str, Callable[[Command], Any]] = {
            "limits.set": self._set_limit,
            "strategies.start": self._start,
            "strategies.stop": self._stop,
            "strategies.params": self._parameters,
            **self._sessions.handlers,
            "halt": self._halt,
            "resume": self._resume,
            "kill": self._kill,
            "cancel-all": self._cancel_all,
            "flatten": self._flatten,
            "reconcile": self._reconcile,
            "log-level": self._log_level,
            "shutdown": self._shutdown,
        }

    def handle(self, message: Command | TimerFired | EpochBegun | SessionState) -> None:
        """A command, a session that came or went, or the time to look after a shutdown."""
        if isinstance(message, TimerFired):
            self._look_at_shutdown()
            return
        if isinstance(message, SessionState):
            self._sessions.changed(message)
            return
        if isinstance(message, EpochBegun):  # a shutdown ends with the process it was asked of
            self._shutdown_deadline = 0
            self._core.cancel_timer(SHUTDOWN_TIMER)
            self._sessions.begin_epoch()
            return
        self._answer(message, *self._carry_out(message))

    def _carry_out(self, command: Command) -> tuple[Outcome, Any, str]:
        handler = self._handlers.get(command.name)
        if handler is None:
            return Outcome.BAD_COMMAND, None, f"unknown command {command.name!r}"
        said = {"name": command.name, "user": command.user, "arguments": command.arguments}
        self._effects.add(Tell("info", "command", said))
        try:
            return Outcome.DONE, handler(command), ""
        except (RefusedError, ParameterError) as error:
            return Outcome.REFUSED, None, str(error)

    def _answer(self, command: Command, outcome: Outcome, result: object, error: str) -> None:
        reply = Reply(command.command_id, int(outcome), result, error)
        content = msgspec.json.encode({"result": result, "error": error})
        self._core.operator_reply(command.command_id, int(outcome), content)
        self._effects.add(SendReply(reply))

    # ------------------------------------------------------------------ names

    def _strategy(self, name: str | None) -> int:
        if name is None:
            return NO_ID
        if name not in self._names.strategies:
            known = ", ".join(self._names.strategies)
            raise RefusedError(f"there is no strategy {name}; there are: {known}")
        return list(self._names.strategies).index(name)

    def _instrument(self, symbol: str | None) -> int:
        if symbol is None:
            return NO_ID
        if symbol not in self._names.instruments:
            raise RefusedError(f"there is no instrument {symbol}")
        return list(self._names.instruments).index(symbol)

    def _part(self, command: Command) -> tuple[int | None, int | None]:
        strategy = self._strategy(command.arguments.get("strategy"))
        instrument = self._instrument(command.arguments.get("symbol"))
        return (
            None if strategy == NO_ID else strategy,
            None if instrument == NO_ID else instrument,
        )

    # ------------------------------------------------------------------ limits, strategies

    def _set_limit(self, command: Command) -> Done:
        scope, name = command.arguments["scope"], command.arguments["name"]
        kind, _, which = scope.partition(":")
        strategy = self._strategy(which) if kind == "strategy" else NO_ID
        instrument = self._instrument(which) if kind == "instrument" else NO_ID
        text = command.arguments["value"]
        value = self._limit_value(name, instrument, text)
        status = self._core.set_limit(name, strategy, instrument, value)
        if status != 0:
            reasons = {1: "unknown limit", 2: "not at this scope", 3: "out of range"}
            raise RefusedError(f"{name} at {scope}: {reasons.get(status, 'table full')}")
        return Done(text=f"{name} at {scope} is {text}", affected=1)

    def _limit_value(self, name: str, instrument: int, text: str) -> int:
        if name in ("quantity_max", "position_max") and instrument != NO_ID:
            return self._quantity_lots(instrument, text)
        try:
            return int(Decimal(text))
        except InvalidOperation:
            raise RefusedError(f"{name}: {text} is no number") from None

    def _start(self, command: Command) -> Done:
        number = self._strategy(command.arguments["strategy"])
        self._dispatcher.post_to(self._mailboxes[number], Start(self._core.now))
        return Done(text=f"{command.arguments['strategy']} starts", affected=1)

    def _stop(self, command: Command) -> Done:
        number = self._strategy(command.arguments["strategy"])
        reason = command.arguments.get("reason") or f"stopped by {command.user}"
        self._dispatcher.post_to(self._mailboxes[number], Stop(reason, self._core.now))
        return Done(text=f"{command.arguments['strategy']} stops", affected=1)

    def _parameters(self, command: Command) -> Done:
        name, values = command.arguments["strategy"], command.arguments["values"]
        number = self._strategy(name)
        self._hosts[number].check_parameters(values)
        change = ParametersChanged(name, values, self._core.now)
        self._dispatcher.post_to(self._mailboxes[number], change)
        return Done(text=f"{name}: {', '.join(sorted(values))} changed", affected=len(values))

    # ------------------------------------------------------------------ risk

    def _halt(self, command: Command) -> Done:
        arguments = command.arguments
        reason = arguments.get("reason") or f"halted by {command.user}"
        state = RiskState.REDUCING if arguments.get("reducing") else RiskState.HALTED
        cancel = bool(arguments.get("cancel", True))
        strategy = self._strategy(arguments.get("strategy"))
        if strategy == NO_ID:
            cancelled = self._firm.halt(state, reason, cancel)
            return Done(text=f"{state.name}", affected=cancelled)
        self._core.set_risk_state(strategy, int(state), True, reason)
        cancelled = 0
        if cancel:
            cancelled = self._core.cancel_all(strategy, None, int(CancelReason.OPERATOR))
        return Done(text=f"{arguments['strategy']} {state.name}", affected=cancelled)

    def _resume(self, command: Command) -> Done:
        reason = command.arguments.get("reason") or f"resumed by {command.user}"
        strategy = self._strategy(command.arguments.get("strategy"))
        if command.arguments.get("clear_kill"):
            self._core.clear_kill()
        if strategy == NO_ID:
            return Done(text=f"ACTIVE, {self._firm.resume(reason)}", affected=1)
        self._core.set_risk_state(strategy, int(RiskState.ACTIVE), True, reason)
        return Done(text=f"{command.arguments['strategy']} ACTIVE", affected=1)

    def _kill(self, command: Command) -> Done:
        reason = command.arguments.get("reason") or f"killed by {command.user}"
        return Done(text="HALTED", affected=self._firm.halt(RiskState.HALTED, reason))

    def _cancel_all(self, command: Command) -> Done:
        strategy, instrument = self._part(command)
        asked = self._core.cancel_all(strategy, instrument, int(CancelReason.OPERATOR))
        return Done(text=f"{asked} cancels sent", affected=asked)

    def _flatten(self, command: Command) -> Done:
        """Cancel, then one reducing market IOC order for each position, through the gate."""
        strategy, instrument = self._part(command)
        self._core.cancel_all(strategy, instrument, int(CancelReason.OPERATOR))
        sent = 0
        for holder in range(len(self._names.strategies)) if strategy is None else (strategy,):
            for each in (
                range(len(self._names.instruments)) if instrument is None else (instrument,)
            ):
                sent += self._close_position(holder, each)
        return Done(text=f"{sent} closing orders sent", affected=sent)

    def _close_position(self, strategy: int, instrument: int) -> bool:
        net = self._core.position(strategy, instrument).net_qty
        session = self._hosts[strategy].session
        if net == 0:
            return False
        side = Side.SELL if net > 0 else Side.BUY
        return self._core.submit(
            self._core.new_cl_ord_id(),
            strategy,
            instrument,
            session,
            int(side),
            int(OrdType.MARKET),
            int(TimeInForce.IOC),
            int(OrderFlag.REDUCE_ONLY),
            0,
            0,
            abs(net),
            0,
            0,
        )

    def _reconcile(self, command: Command) -> Reconciliation:
        name = command.arguments.get("session")
        number = None if name is None else self._sessions.number(name)
        accept = command.arguments.get("accept")
        if accept is None:
            self._firm.reconcile(number)
            return Reconciliation(report=0, state="running", differences=[])
        for each in range(len(self._names.sessions)) if number is None else (number,):
            reason = command.arguments.get("reason") or ""
            found = self._firm.accept(each, accept, reason, command.user)
            if found is None:
                continue
            session = self._names.sessions[each]
            return Reconciliation(
                report=accept,
                state="accepted",
                differences=[difference.row(session) for difference in found],
                session=session,
                ts_core=self._core.now,
                accepted_by=command.user,
            )
        raise RefusedError(f"report {accept} is not the newest that differs")

    # ------------------------------------------------------------------ the process

    def _log_level(self, command: Command) -> Done:
        level = command.arguments["level"]
        self._effects.add(SetLogLevel(level))
        return Done(text=f"log level {level}")

    def _shutdown(self, command: Command) -> Done:
        reason = command.arguments.get("reason") or f"shut down by {command.user}"
        running = [host.status is StrategyStatus.RUNNING for host in self._hosts]
        cancelled = self._firm.shut_down(reason, running)
        for mailbox in self._mailboxes:
            self._dispatcher.post_to(mailbox, Stop(reason, self._core.now))
        self._shutdown_deadline = self._core.now + self._shutdown_timeout_ns
        self._effects.add(Stopping(self._shutdown_timeout_ns))
        first = self._core.now + SHUTDOWN_LOOK_NS
        self._core.arm_timer(SHUTDOWN_TIMER, NO_ID, first, SHUTDOWN_LOOK_NS)
        return Done(text="stopping", affected=cancelled)

    def _look_at_shutdown(self) -> None:
        if not self._shutdown_deadline:  # the timer of a process before, due in our first turn
            return
        left = self._core.orders_working
        if left and self._core.now < self._shutdown_deadline:
            return
        self._core.cancel_timer(SHUTDOWN_TIMER)
        for number in range(len(self._names.sessions)):
            self._core.session_logout(number, "shutdown")
        self._effects.add(EndProcess(left))

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> Mapping[str, Any]:
        """What is under way: a replay continues it, the next process does not."""
        return {
            "shutdown_deadline": self._shutdown_deadline,
            "renewing": self._sessions.save(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `save`."""
        self._shutdown_deadline = saved["shutdown_deadline"]
        self._sessions.restore(saved.get("renewing", ()))
