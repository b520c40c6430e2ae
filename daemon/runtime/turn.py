"""The Python phase of a turn: events become messages, actors run until none is left.

The core decides when this phase begins (it logs a TURN frame); `end_turn` logs where it ended.
Live and replay run exactly this code.

Turns that are for strategies alone, which are most, need no queue: native code tells the strategies
(`daemon.core.Delivery`) in the order in which `go_on` would, and ends the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemon.core import Core, Delivery
from daemon.runtime.events import DELIVERED, MEMBERS, NO_ID, Names, TimerFired, message_of
from daemon.runtime.mailbox import Dispatcher, Mailbox

Observer = Callable[[int, int, int, Any], None]


class PythonPhase:
    """Routes the core's events: a strategy's to its mailbox, the others by type."""

    def __init__(
        self, core: Core, names: Names, dispatcher: Dispatcher, strategies: list[Mailbox]
    ) -> None:
        self._core = core
        self._names = names
        self._dispatcher = dispatcher
        self._strategies = strategies
        self._observe: Observer | None = None
        if overheard := set(DELIVERED) & dispatcher.routes.keys() - {TimerFired}:
            raise ValueError(f"others than strategies subscribed to {overheard}")
        self.direct = Delivery(
            core,
            DELIVERED,
            MEMBERS,
            list(names.instruments),
            strategies,
            dispatcher.failed,
            dispatcher.queue,
        )

    def watch(self, observe: Observer) -> None:
        """Show every event but books' with its message, before any actor gets it; `observe` may
        only look. Of orders' events it is told sequence and ts_core of the record."""
        self._observe = self.direct.observe = observe

    def run(self) -> None:
        """Handle everything the native phase left, and all that follows from it."""
        if not self.direct.run():
            self.go_on()

    def go_on(self) -> None:
        """Where strategies were not all there was.

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
        if self._observe is not None:
            self._observe(event[1], event[3][12], event[3][13], message)
        dispatcher = self._dispatcher
        if event[1] != NO_ID:
            dispatcher.post_to(self._strategies[event[1]], message)
        if type(message) in dispatcher.routes:
            dispatcher.post(message)
