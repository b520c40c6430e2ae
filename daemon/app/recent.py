"""What became of our orders since this process started, kept in memory for operators.

Fed with every event as the Python phase delivers it; changes nothing and logs nothing. Bounded:
the newest fills, the newest orders with their newest steps, and counters.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from daemon.app.told import Told
from daemon.messages import (
    CancelRejected,
    Fill,
    OrderDenied,
    OrderUpdate,
    RiskStateChanged,
    SessionState,
)
from daemon.model import FillKind, OrderEvent
from daemon.runtime.events import ConnectionTold, Killed, RawEvent, SnapshotWanted

FILLS_MAX: Final = 4096
ORDERS_MAX: Final = 8192
STEPS_MAX: Final = 128  # of one order, the newest

# Where an event's values have the place of its record: `engine/events.hpp`.
SEQUENCE, TS_CORE = 12, 13


class FillNote(msgspec.Struct, frozen=True, gc=False):
    """A trade of ours with its place in the log and the strategy's id."""

    sequence: int
    ts_core: int
    strategy: int
    fill: Fill


class StepNote(msgspec.Struct, frozen=True, gc=False):
    """An order's state after an event, with its place in the log."""

    sequence: int
    ts_core: int
    update: OrderUpdate


class SessionNote(msgspec.Struct):
    """What a session did since the start."""

    connects: int = 0
    connected: bool = False
    logged_on: bool = False
    ts_state: int = 0
    text: str = ""  # of its newest event, until it is logged on


class Recent:
    """Rings and counters. `after` is the log's last sequence before this process.

    What stands in the log up to there is told again in the first turn, where strategies could not
    be run from it: it is shown but not counted.
    """

    def __init__(self, after: int, told: Told) -> None:
        self.fills: deque[FillNote] = deque(maxlen=FILLS_MAX)
        self.submitted: Counter[int] = Counter()  # by strategy
        self.filled: Counter[int] = Counter()  # by strategy
        self.denials: Counter[str] = Counter()  # by reason
        self.sessions: dict[str, SessionNote] = {}
        self.risk_reasons: dict[str, str] = {}  # by strategy, "" is the firm
        self.gaps: Counter[str] = Counter()  # by symbol
        self.killed: Killed | None = None
        self._after = after
        self._told = told
        self._steps: OrderedDict[int, deque[StepNote]] = OrderedDict()
        self._newest: OrderedDict[int, int] = OrderedDict()  # sequences
        self._handlers: dict[type, Callable[[RawEvent, Any], None]] = {
            OrderUpdate: self._order,
            Fill: self._fill,
            OrderDenied: self._denial,
            CancelRejected: self._cancel_rejected,
            SessionState: self._session,
            ConnectionTold: self._connection,
            RiskStateChanged: self._risk,
            SnapshotWanted: self._gap,
            Killed: self._kill,
        }

    def observe(self, event: RawEvent, message: Any) -> None:  # noqa: ANN401 - any message
        """For PythonPhase.observe."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(event, message)

    def steps(self, order: int) -> list[StepNote]:
        """The newest steps of an order, oldest first; empty where it is not kept."""
        return list(self._steps.get(order, ()))

    def newest_at(self, order: int) -> int | None:
        """Sequence of the newest record about an order, or of its denial; None: not kept."""
        return self._newest.get(order)

    # ------------------------------------------------------------------ events

    def _order(self, event: RawEvent, update: OrderUpdate) -> None:
        values = event[3]
        self._about(update.order, event)
        steps = self._steps.get(update.order)
        if steps is None:
            steps = self._steps[update.order] = deque(maxlen=STEPS_MAX)
            _limit(self._steps)
        steps.append(StepNote(values[SEQUENCE], values[TS_CORE], update))
        if update.event is OrderEvent.SUBMIT and values[SEQUENCE] > self._after:
            self.submitted[event[1]] += 1

    def _fill(self, event: RawEvent, fill: Fill) -> None:
        values = event[3]
        self._about(fill.order, event)
        if values[SEQUENCE] <= self._after:
            return  # `fills` was begun from the log
        self.fills.append(FillNote(values[SEQUENCE], values[TS_CORE], event[1], fill))
        if fill.kind is FillKind.FILL:
            self.filled[event[1]] += 1

    def _denial(self, event: RawEvent, denied: OrderDenied) -> None:
        self._about(denied.orig_order or denied.order, event)
        if event[3][SEQUENCE] > self._after:
            self.denials[denied.reason.name] += 1

    def _cancel_rejected(self, event: RawEvent, rejected: CancelRejected) -> None:
        self._about(rejected.order, event)

    def _about(self, order: int, event: RawEvent) -> None:
        self._newest[order] = event[3][SEQUENCE]
        _limit(self._newest)

    def _session(self, _event: RawEvent, state: SessionState) -> None:
        note = self.sessions.setdefault(state.session, SessionNote())
        self._told.session(state, note.logged_on)
        if state.logged_on:
            note.text = ""
        note.connects += state.connected and not note.connected
        note.connected, note.logged_on = state.connected, state.logged_on
        note.ts_state = state.ts_core

    def _connection(self, _event: RawEvent, told: ConnectionTold) -> None:
        self.sessions.setdefault(told.session, SessionNote()).text = told.text
        self._told.connection(told)

    def _risk(self, _event: RawEvent, changed: RiskStateChanged) -> None:
        self._told.risk(changed)
        self.risk_reasons[changed.strategy] = changed.reason

    def _gap(self, _event: RawEvent, wanted: SnapshotWanted) -> None:
        self.gaps[wanted.symbol] += 1

    def _kill(self, _event: RawEvent, killed: Killed) -> None:
        self.killed = killed
        self._told.killed(killed)


def _limit(kept: OrderedDict[int, Any]) -> None:
    if len(kept) > ORDERS_MAX:
        kept.popitem(last=False)
