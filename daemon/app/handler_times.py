"""How long the live daemon's turns and its strategies' handlers take.

Measured here and not where it happens, because actors never read a clock: the live daemon wraps
their mailboxes, replay does not. What is measured is shown, and written into the log as
observations, which no actor reads and no replay compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any

import msgspec
import structlog

from daemon.core import Histogram, Live, SharedCounters
from daemon.runtime.mailbox import Dispatcher, Mailbox
from daemon.runtime.turn import PythonPhase

log = structlog.get_logger(__name__)

NS_PER_US = 1000


class Cost(msgspec.Struct):
    """Calls since the last such cost was taken, and what they took in ns."""

    calls: int = 0
    total_ns: int = 0
    max_ns: int = 0
    over_budget: int = 0

    def add(self, took_ns: int, budget_ns: int) -> None:
        """One more call."""
        self.calls += 1
        self.total_ns += took_ns
        self.max_ns = max(self.max_ns, took_ns)
        self.over_budget += took_ns > budget_ns


class HandlerTimes:
    """Durations of one strategy's handlers since the start, and how many were over the budget.

    Wraps the mailbox. A handler that raises counts as a call too; its exception is passed on.
    Costs two clock reads and one histogram entry a message, about 0.3 us.
    """

    def __init__(self, mailbox: Mailbox, budget_ns: int) -> None:
        self.histogram = Histogram()
        self.over_budget = 0
        self.budget_ns = budget_ns
        self._cost = Cost()
        self._handle = mailbox.handle
        mailbox.handle = self._timed

    def _timed(self, message: Any) -> None:  # noqa: ANN401 - any message
        began = perf_counter_ns()
        try:
            self._handle(message)
        finally:
            took = perf_counter_ns() - began
            self.histogram.record(took)
            self._cost.add(took, self.budget_ns)
            if took > self.budget_ns:
                self.over_budget += 1

    def take(self) -> Cost:
        """The cost since this was last asked."""
        cost, self._cost = self._cost, Cost()
        return cost


class TurnTimes:
    """Durations of turns since the start: in whole, their native phases, their Python phases."""

    def __init__(self) -> None:
        self.turn = Histogram()
        self.native = Histogram()
        self.python = Histogram()
        self._native_ns = 0
        self._costs = Cost()  # of Python phases

    def share(self, page: SharedCounters) -> None:
        """From here on kept where other processes can read them."""
        self.turn = page.histogram("turn_ns")
        self.native = page.histogram("native_phase_ns")
        self.python = page.histogram("python_phase_ns")

    def take(self, live: Live, phase: PythonPhase) -> None:
        """One turn: drain the edges and, where something is left for Python, run its phase."""
        began = perf_counter_ns()
        wanted = live.drain()
        drained = perf_counter_ns()
        self.native.record(drained - began)
        self._native_ns += drained - began
        if not wanted:
            self.turn.record(drained - began)
            return
        phase.run()
        ended = perf_counter_ns()
        self.python.record(ended - drained)
        self._costs.add(ended - drained, ended)
        self.turn.record(ended - began)

    def take_cost(self) -> tuple[int, Cost] | None:
        """The native phases' ns and the Python phases' cost since this last told of any."""
        costs, native_ns = self._costs, self._native_ns
        if costs.calls == 0:
            return None
        self._costs, self._native_ns = Cost(), 0
        return native_ns, costs

    def stages(self) -> dict[str, Histogram]:
        """By the stage's name."""
        return {"turn": self.turn, "native phase": self.native, "python phase": self.python}


def log_costs(
    live: Live,
    turns: TurnTimes,
    handlers: Sequence[tuple[str, HandlerTimes]],
    dispatcher: Dispatcher,
) -> None:
    """Write what turns and handlers cost since the last call; warn of those over their budget.

    `handlers` are names and times in the order of strategies' ids. Turns in which Python had
    nothing to do are in the native time and not in the count; where there was no other, nothing is
    written.
    """
    measured = turns.take_cost()
    if measured is None:
        return
    native_ns, python = measured
    live.append_turn_cost(
        python.calls, native_ns, python.total_ns, python.max_ns, dispatcher.take_peak()
    )
    for number, (name, times) in enumerate(handlers):
        cost = times.take()
        if cost.calls:
            live.append_handler_cost(
                number, cost.calls, cost.total_ns, cost.max_ns, cost.over_budget
            )
        if cost.over_budget:
            log.warning(
                "handlers over their budget",
                strategy=name,
                over_budget=cost.over_budget,
                longest_us=cost.max_ns // NS_PER_US,
                budget_us=times.budget_ns // NS_PER_US,
            )
