"""Reconciles each session with its venue: at every logon, when asked, and while it trades.

At a logon every order that may be alive is asked for, then the positions. Once they agree the
session is EQUAL, and is looked at from then on: orders that wait too long for an answer are asked
for, one at a time; positions every so often, twice before a difference counts, because a venue's
position service may lag behind its reports. What is found makes a new report, and trading is off
until an operator accepts it or the two agree again.

A drop-copy session has no orders of its own: at its logon it is given the time that a copy may
take to tell what our own line told meanwhile; from then on what only one of the two has told for
longer is a difference, until the other tells it too.

Nothing is ever made equal by trading. Accepting closes orders that are UNKNOWN, books trades that
only the drop copy told as what they are, and books what the venue holds beyond ours to no strategy
(POSITION_ADJUSTED).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from daemon.actors.acceptance import Acceptance
from daemon.actors.in_flight import InFlight
from daemon.actors.reconciliation import (
    ALL,
    Comparison,
    Difference,
    SessionPhase,
    SessionTerms,
    Texts,
)
from daemon.core import Core
from daemon.messages import SessionState
from daemon.model import CancelReason, CopyMatch, OrderState
from daemon.runtime.effects import Effects, Tell
from daemon.runtime.events import (
    NO_ID,
    ExecutionUnmatched,
    LogShorter,
    MassStatus,
    PositionsAnswered,
    StatusAnswered,
    TimerFired,
    VenuePosition,
)

ANSWER_TIMEOUT_NS = 5_000_000_000
# Timers of the daemon's own actors live above every strategy's; by kind, then by session.
FIRM_TIMERS = 1 << 62
_ANSWER, _LOOK, _POSITIONS = (FIRM_TIMERS + (kind << 20) for kind in range(3))
_OF_KIND = (1 << 20) - 1

# What keeps trading off, and what the daemon's READY waits for.
PENDING = frozenset(
    {
        SessionPhase.DOWN,
        SessionPhase.ASKING,
        SessionPhase.AWAITING_COPIES,
        SessionPhase.ASKING_POSITIONS,
        SessionPhase.SILENT,
    }
)
UNSETTLED = PENDING | {SessionPhase.DIFFERS}


class Owner(Protocol):
    """Whom the sessions' state concerns."""

    def agreed(self) -> None:
        """A session agrees with its venue."""

    def differs(self, reason: str) -> None:
        """One does not: trading is off."""

    def went_down(self, reason: str) -> None:
        """One cannot trade any more; whether the others do is the owner's to see."""


class Reconciler:
    """All sessions', by number."""

    def __init__(
        self,
        core: Core,
        terms: Sequence[SessionTerms],
        symbols: Sequence[str],
        quantity_text: Callable[[int, int], str],
        effects: Effects,
        owner: Owner,
    ) -> None:
        self._core = core
        self._terms = list(terms)
        self._texts = Texts(symbols, quantity_text)
        self._effects = effects
        self._owner = owner
        self._acceptance = Acceptance(core, self._texts)
        self.sessions = [
            Comparison(each.without_positions, self._texts, retired=each.retired) for each in terms
        ]
        self._waiting = [InFlight() for _ in terms]
        # What the periodic question for positions has found; None while none is out.
        self._checks: list[list[Difference] | None] = [None for _ in terms]
        self._again = [False for _ in terms]
        self._reports = 0

    def phases(self) -> set[SessionPhase]:
        """Of all sessions."""
        return {session.phase for session in self.sessions}

    # ------------------------------------------------------------------ coming and going

    def session(self, message: SessionState) -> None:
        """A session logged on or is gone."""
        number = [each.name for each in self._terms].index(message.session)
        session = self.sessions[number]
        if message.logged_on:
            session.ts_up = self._core.now
            if self._terms[number].cancels_at_logon:
                self._core.cancel_session(number, int(CancelReason.DISCONNECT))
            self.begin(number)
            return
        self.take_down(number)
        self._owner.went_down(f"session {message.session} is {session.phase.value}")

    def take_down(self, number: int) -> None:
        """It is not there: nothing is asked, and nothing that was asked is answered."""
        self.sessions[number].take_down()
        self._rest(number)

    def _rest(self, number: int) -> None:
        for kind in (_ANSWER, _LOOK, _POSITIONS):
            self._core.cancel_timer(kind + number)
        self._waiting[number].clear()
        self._checks[number], self._again[number] = None, False

    def begin(self, number: int) -> None:
        """From nothing: ask for all."""
        self._rest(number)
        session = self.sessions[number]
        working = self._core.working(None, None)
        # What the daemon holds the venue has never heard of.
        own = [each for each in working if each.session == number and each.state != OrderState.HELD]
        asked = {each.order for each in own if self._core.request_status(each.order)}
        session.begin(asked)
        for each in own:
            if each.order not in asked:
                why = "its name there is none of ours: it cannot be asked for"
                session.found.append(session.order_silent(each.order, each, why, self._core.now))
        if self._terms[number].asks_for_all:
            session.all_asked = self._core.request_all_status(number)
        if asked or session.all_asked:
            self._wait(number, ANSWER_TIMEOUT_NS)
        elif self._core.copies(number):
            session.phase = SessionPhase.AWAITING_COPIES
            self._wait(number, self._terms[number].late_after_ns)
        else:
            self._ask_positions(number)

    def _wait(self, number: int, timeout_ns: int) -> None:
        self._core.arm_timer(_ANSWER + number, NO_ID, self._core.now + timeout_ns, 0)

    # ------------------------------------------------------------------ answers

    def answered(self, message: StatusAnswered) -> None:
        """The venue's word about an order that was asked for."""
        for number, session in enumerate(self.sessions):
            if session.phase is SessionPhase.ASKING and message.order in session.unanswered:
                session.unanswered.discard(message.order)
                session.found += session.order_answered(message)
                self._orders_answered(number)
            elif self._waiting[number].asked == message.order:
                self._looked_after(number, message)

    def all_told(self, message: MassStatus) -> None:
        """One more of the orders that work at the venue; those we did not know are adopted now."""
        session = self.sessions[message.session]
        if session.all_asked != message.request or session.phase is not SessionPhase.ASKING:
            return
        session.all_told += 1
        if message.reports and not message.last and session.all_told < message.reports:
            return
        if not message.reports and not message.last:
            self._all_silent(session, "refused the question for all orders")
        session.all_asked = 0
        self._orders_answered(message.session)

    def _all_silent(self, session: Comparison, venue: str) -> None:
        session.all_asked = 0
        session.found.append(Difference("session", "state", ALL, "", venue, self._core.now))

    def _orders_answered(self, number: int) -> None:
        session = self.sessions[number]
        if not session.unanswered and not session.all_asked:
            self._ask_positions(number)

    def log_shorter(self, message: LogShorter) -> None:
        """Messages of ours were lost with the host's power: whatever they asked for may work there.

        Where the venue says which orders work that is found out; elsewhere an operator has to look.
        """
        number = message.session
        ours, venue = message.our_next - 1, message.venue_next - 1
        said = {"session": self._terms[number].name, "ours": ours, "venue": venue}
        self._effects.add(Tell("error", "log is shorter than the venue's memory", said))
        self.sessions[number].lost = self._lost(number)

    def _lost(self, number: int) -> Difference | None:
        numbers = self._core.lost(number)
        if numbers is None or self._terms[number].asks_for_all:
            return None
        ours, venue = (f"messages up to {due - 1}" for due in numbers)
        return Difference("session", "missing", "log", ours, venue, self._core.now)

    def _ask_positions(self, number: int) -> None:
        session = self.sessions[number]
        if session.skipped:
            self._conclude(number)
            return
        session.phase = SessionPhase.ASKING_POSITIONS
        session.request = self._core.request_positions(number)
        self._wait(number, ANSWER_TIMEOUT_NS)

    def position(self, message: VenuePosition) -> None:
        """One of the positions that were asked for."""
        number, session = message.session, self.sessions[message.session]
        found = session.position_answered(message)
        if session.request != message.request or found is None:
            return
        checked = self._checks[number]
        if session.phase is SessionPhase.ASKING_POSITIONS:
            session.found.append(found)
        elif checked is not None:
            checked.append(found)

    def positions_answered(self, message: PositionsAnswered) -> None:
        """That was all of them."""
        number, session = message.session, self.sessions[message.session]
        if session.request != message.request:
            return
        if session.phase is SessionPhase.ASKING_POSITIONS:
            if message.refused:
                session.without_positions(f"refused: {message.text}", self._core.now)
            else:
                session.positions = f"compared, {message.reports} reported"
            self._conclude(number)
        elif self._checks[number] is not None:
            self._checked(number, f"refused: {message.text}" if message.refused else "")

    def timed_out(self, message: TimerFired) -> None:
        """An answer is overdue, or it is time to look."""
        number = message.timer_id & _OF_KIND
        if message.timer_id == _LOOK + number:
            self._look(number)
        elif message.timer_id == _POSITIONS + number:
            self._check_positions(number)
        else:
            self._unanswered(number)

    def _unanswered(self, number: int) -> None:
        session = self.sessions[number]
        seconds = ANSWER_TIMEOUT_NS // 1_000_000_000
        late = f"not answered within {seconds} s"
        if session.phase is SessionPhase.ASKING:
            if session.all_asked:
                self._all_silent(session, f"all orders {late}")
            for each in sorted(session.unanswered):
                native = self._core.order(each)
                told = session.order_silent(each, native, "no answer", self._core.now)
                session.found.append(told)
            session.unanswered.clear()
            self._ask_positions(number)
        elif session.phase is SessionPhase.AWAITING_COPIES:
            self._ask_positions(number)
        elif session.phase is SessionPhase.ASKING_POSITIONS:
            session.without_positions(late, self._core.now, silent=True)
            self._conclude(number)
        elif self._waiting[number].asked:
            order, self._waiting[number].asked = self._waiting[number].asked, 0
            native = self._core.order(order)
            self._found(number, [session.order_silent(order, native, "no answer", self._core.now)])
        elif self._checks[number] is not None:
            self._checked(number, late)

    # ------------------------------------------------------------------ the report

    def _conclude(self, number: int) -> None:
        session = self.sessions[number]
        self._core.cancel_timer(_ANSWER + number)
        for each in self._core.working(None, None):
            if each.session == number and each.state == OrderState.UNKNOWN:
                session.became_unknown(each, self._core.now)
        session.copies = self._late_copies(number)
        if session.differences:
            if session.phase is not SessionPhase.SILENT:
                session.phase = SessionPhase.DIFFERS
            self._publish(number)
        else:
            session.phase = SessionPhase.EQUAL
            self._write(number)
            self._owner.agreed()
        self._look_from_now_on(number)

    def _write(self, number: int) -> bytes:
        session = self.sessions[number]
        self._reports += 1
        session.report = self._reports
        report = session.content()
        self._core.reconciliation(number, len(session.differences), False, report)
        return report

    def _publish(self, number: int) -> None:
        report = self._write(number)
        name, session = self._terms[number].name, self.sessions[number]
        self._owner.differs(f"session {name}: {session.text}")
        said = {"session": name, "report": report.decode()}
        self._effects.add(Tell("error", "reconciliation differs", said))

    def _found(self, number: int, differences: list[Difference]) -> None:
        """While it trades, or while an earlier report waits for an operator."""
        session = self.sessions[number]
        session.found += differences
        session.phase = SessionPhase.DIFFERS
        self._publish(number)

    def unmatched(self, message: ExecutionUnmatched) -> None:
        """The venue reports on an order that we did not know."""
        session = self.sessions[message.session]
        for native in self._core.unaccepted(message.session):
            if native.order not in session.adopted:
                session.adopted[native.order] = self._texts.adopted(native, message.ts_core)
        if session.phase in (SessionPhase.EQUAL, SessionPhase.DIFFERS, SessionPhase.SILENT):
            self._found(message.session, [])

    # ------------------------------------------------------------------ while it trades

    def _look_from_now_on(self, number: int) -> None:
        terms, now = self._terms[number], self._core.now
        look = terms.late_after_ns if terms.copies >= 0 else terms.status_after_ns
        if look:
            half = max(1, look // 2)
            self._core.arm_timer(_LOOK + number, NO_ID, now + half, half)
        every = terms.positions_every_ns
        if every and not terms.without_positions:
            self._core.arm_timer(_POSITIONS + number, NO_ID, now + every, every)

    def _look(self, number: int) -> None:
        if self._terms[number].copies >= 0:
            self._look_at_copies(number)
            return
        session, waiting = self.sessions[number], self._waiting[number]
        if session.phase is not SessionPhase.EQUAL or self._checks[number] is not None:
            return
        request = waiting.look(self._core.in_flight(number))
        if request is None:
            return
        order = request[0]
        if not waiting.exhausted(request) and self._core.request_status(order):
            waiting.asked = order
            self._wait(number, ANSWER_TIMEOUT_NS)
            return
        native = self._core.order(order)
        told = session.order_silent(order, native, "answers, and settles nothing", self._core.now)
        self._found(number, [told])

    def _looked_after(self, number: int, message: StatusAnswered) -> None:
        """A state that is still open is asked for again; what was filled must agree at once."""
        self._waiting[number].asked = 0
        self._core.cancel_timer(_ANSWER + number)
        session = self.sessions[number]
        found = [each for each in session.order_answered(message) if each.what != "state"]
        if found and session.phase is SessionPhase.EQUAL:
            self._found(number, found)

    def _check_positions(self, number: int) -> None:
        session = self.sessions[number]
        if session.phase is not SessionPhase.EQUAL or self._waiting[number].asked:
            return
        self._checks[number] = []
        session.request = self._core.request_positions(number)
        self._wait(number, ANSWER_TIMEOUT_NS)

    def _checked(self, number: int, trouble: str) -> None:
        session, found = self.sessions[number], self._checks[number] or []
        self._checks[number] = None
        self._core.cancel_timer(_ANSWER + number)
        if session.phase is not SessionPhase.EQUAL:
            return
        if not trouble and not found:
            self._again[number] = False
        elif not self._again[number]:
            self._again[number] = True
            self._check_positions(number)
        elif trouble:
            self._again[number] = False
            session.without_positions(trouble, self._core.now)
            self._found(number, [])
        else:
            self._again[number] = False
            self._found(number, found)

    # ------------------------------------------------------------------ drop copies

    def _late_copies(self, number: int) -> dict[tuple[str, int], Difference]:
        """Trades that the two lines tell differently, or that one of them should have told."""
        terms, now = self._terms[number], self._core.now
        if terms.copies < 0:
            return {}
        both_up = max(self.sessions[number].ts_up, self.sessions[terms.copies].ts_up)
        down = not (self.sessions[number].ts_up and self.sessions[terms.copies].ts_up)
        late = {}
        for entry in self._core.copies(number):
            since, match = max(entry[4], both_up), entry[8]
            if match == CopyMatch.AWAITED and (down or now - since < terms.late_after_ns):
                continue
            key = (entry[0], entry[1])
            known = self.sessions[number].copies.get(key)
            late[key] = known or self._texts.copy(entry, now)
        return late

    def _look_at_copies(self, number: int) -> None:
        session = self.sessions[number]
        if session.phase not in (SessionPhase.EQUAL, SessionPhase.DIFFERS, SessionPhase.SILENT):
            return
        late = self._late_copies(number)
        if late.keys() == session.copies.keys():
            return
        session.copies = late
        if session.differences:
            self._found(number, [])
        else:
            self._conclude(number)

    # ------------------------------------------------------------------ accepted by an operator

    def accept(self, number: int, report: int, reason: str, by: str) -> list[Difference] | None:
        """What the report said; None where it is not the newest that differs. RefusedError where a
        quantity cannot be valued."""
        session = self.sessions[number]
        waits = session.phase in (SessionPhase.DIFFERS, SessionPhase.SILENT)
        if not waits or session.report != report:
            return None
        accepted = session.differences
        booked = self._acceptance.carry_out(number, report, accepted)
        content = {"report": report, "by": by, "reason": reason, **booked}
        self._core.reconciliation(number, len(accepted), True, msgspec.json.encode(content))
        session.adopted, session.copies, session.lost = {}, {}, None
        if (booked["closed"] or booked["booked"]) and not session.skipped:
            # Whether the closed ones had traded is seen in the positions, which they widened.
            self.begin(number)
            return accepted
        self._waiting[number].accept()
        session.phase = SessionPhase.EQUAL
        session.found = []
        self._look_from_now_on(number)
        self._owner.agreed()
        return accepted

    # ------------------------------------------------------------------ epochs, checkpoints

    def begin_epoch(self) -> None:
        """No session of the process before is up. Orders that the log adopted and messages that it
        lost are differences until an operator knows of them, whoever ran on the log."""
        for number, session in enumerate(self.sessions):
            if session.down is SessionPhase.CLOSED:
                session.down = SessionPhase.DOWN  # until the calendar has been looked at
            self.take_down(number)
            session.copies = {}
            session.lost = self._lost(number)
            session.adopted = {
                each.order: self._texts.adopted(each, self._core.now)
                for each in self._core.unaccepted(number)
            }

    def save(self) -> dict[str, Any]:
        """All of it."""
        return {
            "reports": self._reports,
            "sessions": [session.save() for session in self.sessions],
            "waiting": [waiting.save() for waiting in self._waiting],
            "checks": self._checks,
            "again": self._again,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse of `save`."""
        self._reports = saved["reports"]
        for session, state in zip(self.sessions, saved["sessions"], strict=True):
            session.restore(state)
        for waiting, state in zip(self._waiting, saved["waiting"], strict=True):
            waiting.restore(state)
        self._checks = msgspec.convert(saved["checks"], list[list[Difference] | None])
        self._again = list(saved["again"])
