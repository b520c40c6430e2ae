"""Whether the firm trades: reconciles each session, arms, starts strategies, and halts.

A session that logs on is asked for every order that may be alive, then for its positions. When all
is answered and nothing differs from our books, the session is reconciled; when all are, the firm is
armed and strategies start. A difference keeps trading off until an operator accepts the report.

Nothing is ever made equal by trading. Accepting closes orders that are UNKNOWN and books what the
venue holds beyond ours to no strategy (POSITION_ADJUSTED): the firm's limits count it, no strategy
sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from daemon.actors.reconciliation import Comparison, Difference, SessionPhase
from daemon.core import Core
from daemon.messages import SessionState, Start
from daemon.model import CancelReason, OrderState, RiskState
from daemon.runtime.effects import Effects, Ready, Tell
from daemon.runtime.events import (
    NO_ID,
    EpochBegun,
    ExecutionUnmatched,
    Killed,
    PositionsAnswered,
    StatusAnswered,
    TimerFired,
    VenuePosition,
)
from daemon.runtime.mailbox import Dispatcher, Mailbox

ANSWER_TIMEOUT_NS = 5_000_000_000
# Timers of the daemon's own actors live above every strategy's.
FIRM_TIMERS = 1 << 62


# What keeps trading off, and what the daemon's READY waits for.
_PENDING = frozenset(
    {
        SessionPhase.DOWN,
        SessionPhase.ASKING,
        SessionPhase.ASKING_POSITIONS,
        SessionPhase.SILENT,
    }
)
_UNSETTLED = _PENDING | {SessionPhase.DIFFERS}


class RefusedError(Exception):
    """A command that is well formed and not carried out; the text says why."""


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
        without_positions: Sequence[str],
        symbols: Sequence[str],
        quantity_text: Callable[[int, int], str],
    ) -> None:
        """`without_positions`: why a session's venue is not asked for them, "" where it is."""
        self._core = core
        self._names = list(sessions)
        self._quantity_text = quantity_text
        self._sessions = [
            Comparison(skipped, quantity_text, list(symbols), retired=left)
            for skipped, left in zip(without_positions, retired, strict=True)
        ]
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
            VenuePosition: self._position,
            PositionsAnswered: self._positions_answered,
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
        if message.logged_on:
            self._begin(number)
            return
        session = self._sessions[number]
        session.take_down()
        self._core.cancel_timer(FIRM_TIMERS + number)
        self._disarm_unless_others_are_up(f"session {message.session} is {session.phase.value}")

    def _begin(self, number: int) -> None:
        session = self._sessions[number]
        working = self._core.working(None, None)
        mine = [order for order in working if order.session == number]
        # What the daemon holds the venue has never heard of.
        session.begin({order.order for order in mine if order.state != OrderState.HELD})
        self._core.request_statuses(number)
        if session.unanswered:
            self._wait(number)
        else:
            self._ask_positions(number)

    def _wait(self, number: int) -> None:
        deadline = self._core.now + ANSWER_TIMEOUT_NS
        self._core.arm_timer(FIRM_TIMERS + number, NO_ID, deadline, 0)

    def _answered(self, message: StatusAnswered) -> None:
        for number, session in enumerate(self._sessions):
            if session.phase is not SessionPhase.ASKING:
                continue
            if message.order not in session.unanswered:
                continue
            session.compare_order(message, self._core.order(message.order))
            if not session.unanswered:
                self._ask_positions(number)

    def _ask_positions(self, number: int) -> None:
        session = self._sessions[number]
        if session.skipped:
            self._conclude(number)
            return
        session.phase = SessionPhase.ASKING_POSITIONS
        session.request = self._core.request_positions(number)
        self._wait(number)

    def _asked(self, number: int, request: int) -> bool:
        session = self._sessions[number]
        return session.phase is SessionPhase.ASKING_POSITIONS and session.request == request

    def _position(self, message: VenuePosition) -> None:
        if self._asked(message.session, message.request):
            self._sessions[message.session].compare_position(message)

    def _positions_answered(self, message: PositionsAnswered) -> None:
        if not self._asked(message.session, message.request):
            return
        session = self._sessions[message.session]
        if message.refused:
            session.without_positions(f"refused: {message.text}")
        else:
            session.positions = f"compared, {message.reports} reported"
        self._conclude(message.session)

    def _timed_out(self, message: TimerFired) -> None:
        number = message.timer_id - FIRM_TIMERS
        session = self._sessions[number]
        if session.phase is SessionPhase.ASKING:
            session.give_up_orders(self._core.order)
            self._ask_positions(number)
        elif session.phase is SessionPhase.ASKING_POSITIONS:
            seconds = ANSWER_TIMEOUT_NS // 1_000_000_000
            session.without_positions(f"not answered within {seconds} s", silent=True)
            self._conclude(number)

    def _conclude(self, number: int) -> None:
        session = self._sessions[number]
        self._core.cancel_timer(FIRM_TIMERS + number)
        self._reports += 1
        session.report = self._reports
        report = session.content()
        self._core.reconciliation(number, len(session.differences), False, report)
        if not session.differences:
            session.phase = SessionPhase.EQUAL
            self._arm()
            return
        if session.phase is not SessionPhase.SILENT:
            session.phase = SessionPhase.DIFFERS
        self._set(self.state, False, f"session {self._names[number]}: {session.text}")
        self._tell_ready()
        said = {"session": self._names[number], "report": report.decode()}
        self._effects.add(Tell("error", "reconciliation differs", said))

    def _unmatched(self, message: ExecutionUnmatched) -> None:
        if message.last_qty == 0:
            return
        text = f"fill of {message.last_qty} for an order that is not ours, ExecID {message.text}"
        self._effects.add(Tell("error", "unmatched execution", {"text": text}))
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
        """How far each session is reconciled, by name."""
        pairs = zip(self._names, self._sessions, strict=True)
        return {name: session.text for name, session in pairs}

    @property
    def awaited(self) -> list[str]:
        """The sessions that readiness waits for, by name."""
        pairs = zip(self._names, self._sessions, strict=True)
        return [name for name, session in pairs if session.phase in _PENDING]

    @property
    def comparisons(self) -> dict[str, Comparison]:
        """The newest of each session, by name; to be read only."""
        return dict(zip(self._names, self._sessions, strict=True))

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
        if not self.awaited:
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
        session.down = SessionPhase.DOWN if is_open else SessionPhase.CLOSED
        session.take_down()
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
        """Ask the venue again, about one session's orders and positions or all."""
        for each in range(len(self._sessions)) if number is None else (number,):
            if self._core.session_state(each)[1]:
                self._begin(each)

    def accept(self, number: int, report: int, reason: str) -> list[Difference] | None:
        """An operator accepts a report of differences: what it said; None where it is not the
        newest. RefusedError where a quantity cannot be valued."""
        session = self._sessions[number]
        waits = session.phase in (SessionPhase.DIFFERS, SessionPhase.SILENT)
        if not waits or session.report != report:
            return None
        accepted = list(session.differences)
        priced = [(each, self._price(each)) for each in accepted if each.change]
        closed = [
            each.subject
            for each in accepted
            if each.kind == "order" and self._core.close_order(int(each.subject, 16))
        ]
        adjusted = [self._adjust(number, report, each, px) for each, px in priced]
        content = {"report": report, "reason": reason, "closed": closed, "adjusted": adjusted}
        self._core.reconciliation(number, len(accepted), True, msgspec.json.encode(content))
        if closed and not session.skipped:
            # Whether the closed ones had traded is seen in the positions, which they widened.
            self._begin(number)
            return accepted
        session.phase = SessionPhase.EQUAL
        session.differences = []
        self._arm()
        return accepted

    def _price(self, found: Difference) -> int:
        """What the venue's position is valued at."""
        px = self._core.price_of(found.instrument, found.settl_px)
        if px == 0:
            raise RefusedError(
                f"{found.subject}: no price to value the venue's position at; "
                "accept when its market is known"
            )
        return px

    def _adjust(self, number: int, report: int, found: Difference, px: int) -> dict[str, str | int]:
        """Book the venue's quantity; what our book then holds, for the report."""
        self._core.adjust_position(number, found.instrument, found.change, px, report)
        change = self._quantity_text(found.instrument, found.change)
        return {"instrument": found.subject, "change": change, "holds": found.venue, "px": px}

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
            session.take_down()
        self._set(self.state, False, reason)
        self._tell_ready()
