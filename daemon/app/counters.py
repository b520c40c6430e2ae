"""What other processes may look at without asking: counts, and durations of turns and orders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from daemon.core import Live, SharedCounters, Turns


class Counters:
    """The counters page of a daemon; `pitwire metrics` serves it. Before the first turn."""

    def __init__(self, path: Path, turns: Turns, live: Live) -> None:
        self._page = SharedCounters(str(path))
        turns.turn = self._page.histogram("turn_ns")
        turns.native = self._page.histogram("native_phase_ns")
        turns.python = self._page.histogram("python_phase_ns")
        live.share_order_latencies(self._page)

    def publish(self, counts: Mapping[str, int]) -> None:
        """These values by name; a name that comes again replaces its value."""
        for name, value in counts.items():
            self._page.counter(name).set(value)
