"""How long the live daemon's turns and its strategies' handlers take.

Measured here and not where it happens, because actors never read a clock: the live daemon wraps
their mailboxes, replay does not. What is measured is shown and never read by an actor.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from daemon.core import Histogram, Live
from daemon.runtime.mailbox import Mailbox
from daemon.runtime.turn import PythonPhase


class HandlerTimes:
    """Durations of one strategy's handlers since the start, and how many were over the budget.

    Wraps the mailbox. A handler that raises counts as a call too; its exception is passed on.
    Costs two clock reads and one histogram entry a message, about 0.3 us.
    """

    def __init__(self, mailbox: Mailbox, budget_ns: int) -> None:
        self.histogram = Histogram()
        self.over_budget = 0
        self._budget_ns = budget_ns
        self._handle = mailbox.handle
        mailbox.handle = self._timed

    def _timed(self, message: Any) -> None:  # noqa: ANN401 - any message
        began = perf_counter_ns()
        try:
            self._handle(message)
        finally:
            took = perf_counter_ns() - began
            self.histogram.record(took)
            if took > self._budget_ns:
                self.over_budget += 1


class TurnTimes:
    """Durations of turns since the start: in whole, their native phases, their Python phases."""

    def __init__(self) -> None:
        self.turn = Histogram()
        self.native = Histogram()
        self.python = Histogram()

    def take(self, live: Live, phase: PythonPhase) -> None:
        """One turn: drain the edges and, where something is left for Python, run its phase."""
        began = perf_counter_ns()
        wanted = live.drain()
        drained = perf_counter_ns()
        self.native.record(drained - began)
        if not wanted:
            self.turn.record(drained - began)
            return
        phase.run()
        ended = perf_counter_ns()
        self.python.record(ended - drained)
        self.turn.record(ended - began)

    def stages(self) -> dict[str, Histogram]:
        """By the stage's name."""
        return {"turn": self.turn, "native phase": self.native, "python phase": self.python}
