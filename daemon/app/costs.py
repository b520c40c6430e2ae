"""What the live daemon's turns and its strategies' handlers cost, told to the log.

Actors never read a clock: the live daemon puts a `HandlerTimes` before their mailboxes' handlers,
replay does not. What is measured is shown, and written into the log as observations, which no actor
reads and no replay compares.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from daemon.core import HandlerTimes, Live, Turns
from daemon.runtime.mailbox import Dispatcher

log = structlog.get_logger(__name__)

NS_PER_US = 1000


def log_costs(
    live: Live,
    turns: Turns,
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
    native_ns, (phases, python_ns, python_ns_max, _) = measured
    live.append_turn_cost(phases, native_ns, python_ns, python_ns_max, dispatcher.take_peak())
    for number, (name, times) in enumerate(handlers):
        calls, total_ns, max_ns, over_budget = times.take()
        if calls:
            live.append_handler_cost(number, calls, total_ns, max_ns, over_budget)
        if over_budget:
            log.warning(
                "handlers over their budget",
                strategy=name,
                over_budget=over_budget,
                longest_us=max_ns // NS_PER_US,
                budget_us=times.budget_ns // NS_PER_US,
            )
