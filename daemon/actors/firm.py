"""Whether the firm trades: arms when every session is reconciled, starts strategies, and halts.

Sessions are compared with their venues by the reconciler; when all agree, the firm is armed and
strategies start. A difference keeps trading off until an operator accepts the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from daemon.actors.reconciler import PENDING, UNSETTLED, Reconciler
from daemon.actors.reconciliation import Comparison, Difference, SessionPhase, SessionTerms
from daemon.core import Core
from daemon.messages import SessionState, Start
from daemon.model import CancelReason, RiskState
from daemon.runtime.effects import Effects, Ready, Tell
from daemon.runtime.events import (
    NO_ID,
    EpochBegun,
    ExecutionUnmatched,
    Killed,
    LogShorter,
    MassStatus,
    PositionsAnswered,
    StatusAnswered,
    TimerFired,
    VenuePosition,
)
from daemon.runtime.mailbox import Dispatcher, Mailbox


class Firm:
    """The actor that owns the firm's risk state."""

    name = "firm"

    def __init__(
        self,
        core: Core,
        terms: Sequence[SessionTerms],
        dispatcher: Dispatcher,
        strategies: list[Mailbox],
        starts: Sequence[bool],
        effects: Effects,
        arms: bool,
        symbols: Sequence[str],
        quantity_text: Callable[[int, int], str],
    ) -> None:
        self._core = core
        self._names = [each.name for each in terms]
        self._reconciler = Reconciler(core, terms, symbols, quantity_text, effects, self)
        self._sessions = self._reconciler.sessions
        self._dispatcher = dispatcher
        self._strategies = strategies
        self._starts = list(starts)
        self._effects = effects
        self._arms_by_itself = arms
        self._arms = arms
        self._stopping = False
        self.started = False
        self.state = RiskState.ACTIVE
        self.reason = "starting"
        self._handlers: dict[type, Callable[[Any], None]] = {
            EpochBegun: self._epoch,
            SessionState: self._reconciler.session,
            StatusAnswered: self._reconciler.answered,
            VenuePosition: self._reconciler.position,
            PositionsAnswered: self._reconciler.positions_answered,
            MassStatus: self._reconciler.all_told,
            LogShorter: self._reconciler.log_shorter,
            ExecutionUnmatched: self._unmatched,
            Killed: self._killed,
            TimerFired: self._reconciler.timed_out,
        }

    # ------------------------------------------------------------------ messages

    def handle(self, message: msgspec.Struct) -> None:
        """Sessions, answers and the kill."""
        self._handlers[type(message)](message)

    def _unmatched(self, message: ExecutionUnmatched) -> None:
        """An order that could be taken in is a difference; a trade that could not halts."""
        qty = f"{message.last_qty} lots" if message.last_qty > 0 else "a quantity not readable"
        traded = f", filled {qty}" if message.last_qty else ""
        text = f"report on an order that is not ours{traded}, ExecID {message.text}"
        harmless = message.order == 0 and message.last_qty == 0
        said = {"text": text, "session": self._names[message.session]}
        self._effects.add(Tell("warning" if harmless else "error", "unmatched execution", said))
        self._core.note(NO_ID, 1 if harmless else 2, text)
        if message.order:
            self._reconciler.unmatched(message)
        elif message.last_qty:
            self.halt(RiskState.HALTED, text)

    def _killed(self, message: Killed) -> None:
        self.halt(RiskState.HALTED, f"killed by uid {message.uid}")

    # ------------------------------------------------------------------ the firm's state

    @property
    def armed(self) -> bool:
        """Whether every session is reconciled and orders may go."""
        return bool(self._core.risk_state(NO_ID)[1])

    @property
    def phases(self) -> dict[str, str]:
        """How far each session is reconciled, by name."""
        pairs = zip(self._names, self._sessions, strict=True)
        return {name: session.text for name, session in pairs}

    @property
    def awaited(self) -> list[str]:
        """The sessions that readiness waits for, by name."""
        pairs = zip(self._names, self._sessions, strict=True)
        return [name for name, session in pairs if session.phase in PENDING]

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """The newest of each session, by name; to be read only."""
        return dict(zip(self._names, self._sessions, strict=True))

    def agreed(self) -> None:
        """A session agrees with its venue: armed when all do."""
        self._tell_ready()
        phases = {session.phase for session in self._sessions}
        if phases & UNSETTLED or SessionPhase.EQUAL not in phases:
            return
        if not self._arms or self._stopping or self.state is not RiskState.ACTIVE:
            return
        self._set(RiskState.ACTIVE, True, "reconciled")
        if self.started:
            return
        self.started = True
        for mailbox, starts in zip(self._strategies, self._starts, strict=True):
            if starts:
                self._dispatcher.post_to(mailbox, Start(self._core.now))

    def _tell_ready(self) -> None:
        """Every session was compared with its venue or is closed; whether it agreed is another
        question.
        """
        if not self.awaited:
            self._effects.add(Ready())

    def differs(self, reason: str) -> None:
        """Trading is off until the difference is gone or accepted."""
        self._set(self.state, False, reason)
        self._tell_ready()

    def went_down(self, reason: str) -> None:
        """One that is closed leaves trading to the others; one that is down does not."""
        phases = {session.phase for session in self._sessions}
        others_trade = SessionPhase.EQUAL in phases and not phases & UNSETTLED
        if self.armed and not others_trade:
            self._set(self.state, False, reason)

    def _set(self, state: RiskState, armed: bool, reason: str) -> None:
        self.state = state
        self.reason = reason
        self._core.set_risk_state(NO_ID, int(state), armed, reason)

    # ------------------------------------------------------------------ session hours

    def is_open(self, number: int) -> bool:
        """Whether it is within its hours, as last told."""
        return self._sessions[number].down is not SessionPhase.CLOSED

    def set_open(self, number: int, is_open: bool) -> None:
        """A session's hours begin or end."""
        session = self._sessions[number]
        session.down = SessionPhase.DOWN if is_open else SessionPhase.CLOSED
        self._reconciler.take_down(number)
        if is_open:
            return
        self.went_down(f"session {self._names[number]} is outside its hours")
        if not self.armed:
            self.agreed()

    # ------------------------------------------------------------------ asked for by others

    def halt(self, state: RiskState, reason: str, cancel: bool = True) -> int:
        """HALTED or REDUCING; returns how many cancels were asked for."""
        self._set(state, False if state is RiskState.HALTED else self.armed, reason)
        if not cancel:
            return 0
        return self._core.cancel_all(None, None, int(CancelReason.RISK))

    def resume(self, reason: str) -> str:
        """ACTIVE again, armed when reconciled; returns what now holds."""
        self._arms = True
        self._set(RiskState.ACTIVE, False, reason)
        self.agreed()
        return "armed" if self.armed else f"not armed: {self.phases}"

    def shut_down(self, reason: str, running: Sequence[bool]) -> int:
        """Disarmed until this process ends; returns how many cancels were asked for.

        The risk state stays: the next process goes on with it, and with what runs now.
        """
        if self.started and not self._stopping:
            self._starts = list(running)
        self._stopping = True
        self._set(self.state, False, reason)
        return self._core.cancel_all(None, None, int(CancelReason.SHUTDOWN))

    def reconcile(self, number: int | None) -> None:
        """Ask the venue again, about one session's orders and positions or all."""
        for each in range(len(self._sessions)) if number is None else (number,):
            if self._core.session_state(each)[1]:
                self._reconciler.begin(each)

    def accept(self, number: int, report: int, reason: str, by: str) -> list[Difference] | None:
        """An operator accepts a report of differences: see `Reconciler.accept`."""
        return self._reconciler.accept(number, report, reason, by)

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> dict[str, Any]:
        """All of it: a replay goes on from here in the middle of a reconciliation, too."""
        return {
            "arms": self._arms,
            "started": self.started,
            "starts": self._starts,
            "stopping": self._stopping,
            "state": int(self.state),
            "reason": self.reason,
            "reconciler": self._reconciler.save(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse; the next epoch takes every session down."""
        self._arms = saved["arms"]
        self.started = saved["started"]
        self._starts = list(saved["starts"])
        self._stopping = saved["stopping"]
        self.state = RiskState(saved["state"])
        self.reason = saved["reason"]
        self._reconciler.restore(saved["reconciler"])

    def _epoch(self, message: EpochBegun) -> None:
        """No session of the process before is up; nothing is armed until reconciled.

        A halt goes on, also where strategies start anew and only the core knows of it. A shutdown
        has ended.
        """
        self._arms = self._arms_by_itself
        if self._stopping:
            self._stopping = self.started = False
        reason = f"epoch {message.epoch} begins"
        self.state = RiskState(self._core.risk_state(NO_ID)[0])
        if self.state is not RiskState.ACTIVE:
            reason = f"{self.state.name} before {reason}"
        self._reconciler.begin_epoch()
        self._set(self.state, False, reason)
        self._tell_ready()
