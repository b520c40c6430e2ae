"""Whether the firm trades: reconciles each session, arms, starts strategies, and halts.

A session that logs on is asked for every order that may be alive. When each has been answered and
nothing differs from our books, the session is reconciled; when all are, the firm is armed and
strategies start. A difference keeps trading off until an operator accepts the report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import msgspec
import structlog

from daemon.core import Core
from daemon.messages import SessionState, Start
from daemon.model import CancelReason, OrderState, RiskState, cl_ord_id_text
from daemon.runtime.effects import Effects, Ready
from daemon.runtime.events import (
    NO_ID,
    EpochBegun,
    ExecutionUnmatched,
    Killed,
    StatusAnswered,
    TimerFired,
)
from daemon.runtime.mailbox import Dispatcher, Mailbox

log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_NS = 5_000_000_000
# Timers of the daemon's own actors live above every strategy's.
FIRM_TIMERS = 1 << 62


class SessionPhase(Enum):
    """What a session is to trading."""

    DOWN = "down"
    ASKING = "asking"
    DIFFERS = "differs"
    EQUAL = "equal"
    CLOSED = "closed"  # outside its hours
    RETIRED = "retired"  # not in the configuration any more: never connected


# What keeps trading off, and what the daemon's READY waits for.
_UNSETTLED = frozenset({SessionPhase.DOWN, SessionPhase.ASKING, SessionPhase.DIFFERS})
_PENDING = frozenset({SessionPhase.DOWN, SessionPhase.ASKING})


class Difference(msgspec.Struct, frozen=True):
    """An order on which we and the venue do not agree."""

    cl_ord_id: str
    ours: str
    venue: str


class _Session:
    def __init__(self, *, retired: bool) -> None:
        self.down = SessionPhase.RETIRED if retired else SessionPhase.DOWN
        self.phase = self.down
        self.unanswered: set[int] = set()
        self.differences: list[Difference] = []
        self.report = 0

    def save(self) -> dict[str, Any]:
        return {
            "phase": self.phase.value,
            "down": self.down.value,
            "unanswered": sorted(self.unanswered),
            "differences": self.differences,
            "report": self.report,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self.phase = SessionPhase(saved["phase"])
        self.down = SessionPhase(saved["down"])
        self.unanswered = set(saved["unanswered"])
        self.differences = msgspec.convert(saved["differences"], list[Difference])
        self.report = saved["report"]


class Firm:
    """The actor that owns the firm's risk state."""

    name = "firm"

    def __init__(
        self,
        core: Core,
        sessions: Sequence[str],
        retired: Sequence[bool],
        dispatcher: Dispatcher,
        strategies: list[Mailbox],
        starts: Sequence[bool],
        effects: Effects,
        arms: bool,
    ) -> None:
        self._core = core
        self._names = list(sessions)
        self._sessions = [_Session(retired=each) for each in retired]
        self._dispatcher = dispatcher
        self._strategies = strategies
        self._starts = list(starts)
        self._effects = effects
        self._arms_by_itself = arms
        self._arms = arms
        self._stopping = False
        self._reports = 0
        self.started = False
        self.state = RiskState.ACTIVE
        self.reason = "starting"
        self._handlers: dict[type, Callable[[Any], None]] = {
            EpochBegun: self._epoch,
            SessionState: self._session,
            StatusAnswered: self._answered,
            ExecutionUnmatched: self._unmatched,
            Killed: self._killed,
            TimerFired: self._timed_out,
        }

    # ------------------------------------------------------------------ messages

    def handle(self, message: msgspec.Struct) -> None:
        """Sessions, answers and the kill."""
        self._handlers[type(message)](message)

    def _session(self, message: SessionState) -> None:
        number = self._names.index(message.session)
        session = self._sessions[number]
        if not message.logged_on:
            session.phase = session.down
            self._disarm_unless_others_are_up(f"session {message.session} is {session.phase.value}")
            return
        working = self._core.working(None, None)
        session.unanswered = {o.order for o in working if o.session == number}
        session.differences = []
        session.phase = SessionPhase.ASKING
        self._core.request_statuses(number)
        if session.unanswered:
            deadline = self._core.now + ANSWER_TIMEOUT_NS
            self._core.arm_timer(FIRM_TIMERS + number, NO_ID, deadline, 0)
        self._conclude(number)

    def _answered(self, message: StatusAnswered) -> None:
        for number, session in enumerate(self._sessions):
            if session.phase is not SessionPhase.ASKING:
                continue
            if message.order not in session.unanswered:
                continue
            session.unanswered.discard(message.order)
            self._compare(session, message)
            self._conclude(number)

    def _compare(self, session: _Session, message: StatusAnswered) -> None:
        native = self._core.order(message.order)
        state = OrderState.NONE if native is None else OrderState(native.state)
        if native is not None and native.cum_qty == message.cum_qty and state != OrderState.UNKNOWN:
            return
        ours = f"{state.name} cum {0 if native is None else native.cum_qty}"
        venue = f"cum {message.cum_qty} leaves {message.leaves_qty}"
        session.differences.append(Difference(cl_ord_id_text(message.order), ours, venue))

    def _timed_out(self, message: TimerFired) -> None:
        number = message.timer_id - FIRM_TIMERS
        session = self._sessions[number]
        if session.phase is not SessionPhase.ASKING:
            return
        for order in sorted(session.unanswered):
            native = self._core.order(order)
            ours = "ended" if native is None else OrderState(native.state).name
            session.differences.append(Difference(cl_ord_id_text(order), ours, "no answer"))
        session.unanswered.clear()
        self._conclude(number)

    def _conclude(self, number: int) -> None:
        session = self._sessions[number]
        if session.unanswered:
            return
        self._core.cancel_timer(FIRM_TIMERS + number)
        self._reports += 1
        session.report = self._reports
        report = msgspec.json.encode({"report": session.report, "differences": session.differences})
        self._core.reconciliation(number, len(session.differences), False, report)
        if session.differences:
            session.phase = SessionPhase.DIFFERS
            self._tell_ready()
            log.error("reconciliation differs", session=self._names[number], report=report.decode())
            return
        session.phase = SessionPhase.EQUAL
        self._arm()

    def _unmatched(self, message: ExecutionUnmatched) -> None:
        if message.last_qty == 0:
            return
        text = f"fill of {message.last_qty} for an order that is not ours, ExecID {message.text}"
        log.error("unmatched execution", text=text)
        self._core.note(NO_ID, 2, text)
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
        """Each session's phase, by name."""
        pairs = zip(self._names, self._sessions, strict=True)
        return {name: session.phase.value for name, session in pairs}

    def differences(self, number: int) -> tuple[int, list[Difference]]:
        """The newest report of a session: its number and what it found."""
        session = self._sessions[number]
        return session.report, list(session.differences)

    def _arm(self) -> None:
        self._tell_ready()
        phases = {session.phase for session in self._sessions}
        if phases & _UNSETTLED or SessionPhase.EQUAL not in phases:
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
        if not any(session.phase in _PENDING for session in self._sessions):
            self._effects.add(Ready())

    def _disarm_unless_others_are_up(self, reason: str) -> None:
        """One that is closed leaves trading to the others; one that is down does not."""
        phases = {session.phase for session in self._sessions}
        others_trade = SessionPhase.EQUAL in phases and not phases & _UNSETTLED
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
        session.down = session.phase = SessionPhase.DOWN if is_open else SessionPhase.CLOSED
        session.unanswered.clear()
        if is_open:
            return
        self._core.cancel_timer(FIRM_TIMERS + number)
        self._disarm_unless_others_are_up(f"session {self._names[number]} is outside its hours")
        if not self.armed:
            self._arm()

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
        self._arm()
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
        """Ask the venue again, about one session's orders or all."""
        for each in range(len(self._sessions)) if number is None else (number,):
            if self._core.session_state(each)[1]:
                state = SessionState(self._names[each], True, True, self._core.now)
                self._session(state)

    def accept(self, number: int, report: int, reason: str) -> bool:
        """An operator accepts a report of differences; False where it is not the newest."""
        session = self._sessions[number]
        if session.phase is not SessionPhase.DIFFERS or session.report != report:
            return False
        for difference in session.differences:
            self._core.close_order(int(difference.cl_ord_id, 16))
        content = msgspec.json.encode({"report": report, "reason": reason})
        self._core.reconciliation(number, len(session.differences), True, content)
        session.phase = SessionPhase.EQUAL
        self._arm()
        return True

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
            "reports": self._reports,
            "sessions": [session.save() for session in self._sessions],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse; the next epoch takes every session down."""
        self._arms = saved["arms"]
        self.started = saved["started"]
        self._starts = list(saved["starts"])
        self._stopping = saved["stopping"]
        self.state = RiskState(saved["state"])
        self.reason = saved["reason"]
        self._reports = saved["reports"]
        for session, state in zip(self._sessions, saved["sessions"], strict=True):
            session.restore(state)

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
        for session in self._sessions:
            if session.down is SessionPhase.CLOSED:
                session.down = SessionPhase.DOWN  # until the calendar has been looked at
            session.phase = session.down
            session.unanswered.clear()
        self._set(self.state, False, reason)
        self._tell_ready()
