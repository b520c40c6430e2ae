"""What became of our orders since this process started, kept in memory for operators.

Fed with every event as the Python phase delivers it; changes nothing and logs nothing. Bounded:
the newest fills, the newest orders with their newest steps, and counters.
"""

from __future__ import annotations

from collections import Counter, deque
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
from daemon.runtime.events import ConnectionTold, Killed, SnapshotWanted

FILLS_MAX: Final = 4096
ORDERS_MAX: Final = 8192
STEPS_MAX: Final = 128  # of one order, the newest

Handler = Callable[[int, int, int, Any], None]


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
        self._steps: dict[int, list[StepNote]] = {}
        self._newest: dict[int, int] = {}  # sequences of what is no step
        self._handlers: dict[type, Handler] = {
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

    def observe(self, strategy: int, sequence: int, ts_core: int, message: Any) -> None:  # noqa: ANN401 - any message
        """For PythonPhase.watch."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(strategy, sequence, ts_core, message)

    def steps(self, order: int) -> list[StepNote]:
        """The newest steps of an order, oldest first; empty where it is not kept."""
        return list(self._steps.get(order, ()))

    def newest_at(self, order: int) -> int | None:
        """Sequence of the newest record about an order, or of its denial; None: not kept."""
        steps = self._steps.get(order)
        newest = max(self._newest.get(order, 0), steps[-1].sequence if steps else 0)
        return newest or None

    # ------------------------------------------------------------------ events

    def _order(self, strategy: int, sequence: int, ts_core: int, update: OrderUpdate) -> None:
        order = update.order
        steps = self._steps.get(order)
        if steps is None:
            steps = self._steps[order] = []
            _limit(self._steps)
        elif len(steps) == STEPS_MAX:
            del steps[0]
        steps.append(StepNote(sequence, ts_core, update))
        if update.event is OrderEvent.SUBMIT and sequence > self._after:
            self.submitted[strategy] += 1

    def _fill(self, strategy: int, sequence: int, ts_core: int, fill: Fill) -> None:
        self._about(fill.order, sequence)
        if sequence <= self._after:
            return  # `fills` was begun from the log
        self.fills.append(FillNote(sequence, ts_core, strategy, fill))
        if fill.kind is FillKind.FILL:
            self.filled[strategy] += 1

    def _denial(self, _strategy: int, sequence: int, _ts_core: int, denied: OrderDenied) -> None:
        self._about(denied.orig_order or denied.order, sequence)
        if sequence > self._after:
            self.denials[denied.reason.name] += 1

    def _cancel_rejected(
        self, _strategy: int, sequence: int, _ts_core: int, rejected: CancelRejected
    ) -> None:
        self._about(rejected.order, sequence)

    def _about(self, order: int, sequence: int) -> None:
        self._newest[order] = sequence
        _limit(self._newest)

    def _session(self, _s: int, _at: int, _ts: int, state: SessionState) -> None:
        note = self.sessions.setdefault(state.session, SessionNote())
        self._told.session(state, note.logged_on)
        if state.logged_on:
            note.text = ""
        note.connects += state.connected and not note.connected
        note.connected, note.logged_on = state.connected, state.logged_on
        note.ts_state = state.ts_core

    def _connection(self, _s: int, _at: int, _ts: int, told: ConnectionTold) -> None:
        self.sessions.setdefault(told.session, SessionNote()).text = told.text
        self._told.connection(told)

    def _risk(self, _s: int, _at: int, _ts: int, changed: RiskStateChanged) -> None:
        self._told.risk(changed)
        self.risk_reasons[changed.strategy] = changed.reason

    def _gap(self, _s: int, _at: int, _ts: int, wanted: SnapshotWanted) -> None:
        self.gaps[wanted.symbol] += 1

    def _kill(self, _s: int, _at: int, _ts: int, killed: Killed) -> None:
        self.killed = killed
        self._told.killed(killed)


def _limit(kept: dict[int, Any]) -> None:
    """The first that came goes."""
    if len(kept) > ORDERS_MAX:
        del kept[next(iter(kept))]
