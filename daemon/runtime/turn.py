"""The Python phase of a turn: events become messages, actors run until none is left.

The core decides when this phase begins (it logs a TURN frame); `end_turn` logs where it ended.
Live and replay run exactly this code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon.core import Core
from daemon.runtime.events import NO_ID, Names, message_of
from daemon.runtime.mailbox import Dispatcher, Mailbox


class PythonPhase:
    """Routes the core's events: a strategy's to its mailbox, the others by type."""

    def __init__(
        self,
        core: Core,
        names: Names,
        dispatcher: Dispatcher,
        strategies: list[Mailbox],
        between: Callable[[], None] | None = None,
    ) -> None:
        self._core = core
        self._names = names
        self._dispatcher = dispatcher
        self._strategies = strategies
        self._between = between
        # Shown every event with its message, before any actor gets it; it may only look.
        self.observe: Callable[[tuple[Any, ...], Any], None] | None = None

    def run(self) -> None:
        """Handle everything the native phase left, and all that follows from it.

        What actors do makes further events (an order is denied, another acknowledged by the
        simulated venue): they belong to this turn too.
        """
        core = self._core
        while events := core.take_events():
            for event in events:
                self._route(event)
            self._dispatcher.run()
            if self._between is not None:
                self._between()
        core.end_turn()

    def _route(self, event: tuple[Any, ...]) -> None:
        message = message_of(self._names, event)
        if self.observe is not None:
            self.observe(event, message)
        if event[1] != NO_ID:
            self._dispatcher.post_to(self._strategies[event[1]], message)
        self._dispatcher.post(message)
