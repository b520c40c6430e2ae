"""The Python phase of a turn: events become messages, actors run until none is left.

The core decides when this phase begins (it logs a TURN frame); `end_turn` logs where it ended.
Live and replay run exactly this code.

Turns that are about books alone, which are most, need no queue: native code tells the strategies
(`daemon.core.BookDelivery`) in the order in which `go_on` would, and ends the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon.core import BookDelivery, Core
from daemon.messages import BookUpdate
from daemon.runtime.events import NO_ID, Names, message_of
from daemon.runtime.mailbox import Dispatcher, Mailbox


class PythonPhase:
    """Routes the core's events: a strategy's to its mailbox, the others by type."""

    def __init__(
        self, core: Core, names: Names, dispatcher: Dispatcher, strategies: list[Mailbox]
    ) -> None:
        self._core = core
        self._names = names
        self._dispatcher = dispatcher
        self._strategies = strategies
        self.books = BookDelivery(
            core,
            BookUpdate,
            list(names.instruments),
            strategies,
            dispatcher.failed,
            dispatcher.queue,
        )
        # Shown every event but books' with its message, before any actor gets it; it may only look.
        self.observe: Callable[[tuple[Any, ...], Any], None] | None = None

    def run(self) -> None:
        """Handle everything the native phase left, and all that follows from it."""
        if not self.books.run():
            self.go_on()

    def go_on(self) -> None:
        """Where books were not all there was.

        What actors do makes further events (an order is denied, another acknowledged by the
        simulated venue): they belong to this turn too.
        """
        core = self._core
        self._dispatcher.run()
        while events := core.take_events():
            for event in events:
                self._route(event)
            self._dispatcher.run()
        core.end_turn()

    def _route(self, event: tuple[Any, ...]) -> None:
        message = message_of(self._names, event)
        if self.observe is not None:
            self.observe(event, message)
        dispatcher = self._dispatcher
        if event[1] != NO_ID:
            dispatcher.post_to(self._strategies[event[1]], message)
        if type(message) in dispatcher.routes:
            dispatcher.post(message)
