"""What other processes may look at without asking: the edge's counts, the durations of turns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from daemon.core import SharedCounters, Turns


class Counters:
    """The counters page of a daemon; `pitwire metrics` serves it. Before the first turn."""

    def __init__(self, path: Path, turns: Turns) -> None:
        self._page = SharedCounters(str(path))
        turns.turn = self._page.histogram("turn_ns")
        turns.native = self._page.histogram("native_phase_ns")
        turns.python = self._page.histogram("python_phase_ns")

    def publish(self, counts: Mapping[str, int]) -> None:
        """These values by name; a name that comes again replaces its value."""
        for name, value in counts.items():
            self._page.counter(name).set(value)
