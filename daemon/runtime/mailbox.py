"""Mailboxes: where an actor's messages wait until the actor runs.

All mailboxes share one FIFO, so that messages are handled in the order in which they were posted,
whoever they are for. Each mailbox has a limit of its own and says what happens at it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol


class Overflow(Enum):
    """What a message too many does."""

    HALT = "halt"  # the firm is halted: the order path must not lose a message
    FAIL = "fail"  # the actor fails alone: a strategy that floods itself is stopped


class Actor(Protocol):
    """Handles one message at a time, synchronously, touching only its own fields.

    What it has to say it posts as messages; it never learns who reads them.
    """

    name: str

    def handle(self, message: Any) -> None:  # noqa: ANN401  each actor says what it takes
        """Handle one message; an exception is a failure of this actor."""


class MailboxFullError(RuntimeError):
    """A mailbox reached its limit; names the mailbox, its limit and its policy."""


class Mailbox:
    """One actor's share of the FIFO: at most `messages_max` wait, `peak` is the most there were."""

    __slots__ = ("actor", "depth", "handle", "messages_max", "overflow", "peak")

    def __init__(self, actor: Actor, messages_max: int, overflow: Overflow) -> None:
        self.actor = actor
        self.handle = actor.handle
        self.messages_max = messages_max
        self.overflow = overflow
        self.depth = 0
        self.peak = 0


class Dispatcher:
    """Runs actors to completion, message by message, in the order of posting.

    `subscribe` builds the routing table before the first turn; `post` looks the message's type up
    in it. `failed` is called with the mailbox and the exception of a handler that raised, and the
    next message is handled: deciding what a failure means is the caller's.
    """

    def __init__(self, failed: Callable[[Mailbox, Exception], None]) -> None:
        self._queue: deque[tuple[Mailbox, Any]] = deque()
        self._routes: dict[type, tuple[Mailbox, ...]] = {}
        self._failed = failed

    def subscribe(self, mailbox: Mailbox, *types: type) -> None:
        """Deliver every posted message of these types to this mailbox."""
        for message_type in types:
            self._routes[message_type] = (*self._routes.get(message_type, ()), mailbox)

    def post(self, message: object) -> None:
        """Queue a message for everyone who subscribed to its type."""
        for mailbox in self._routes.get(type(message), ()):
            self.post_to(mailbox, message)

    def post_to(self, mailbox: Mailbox, message: object) -> None:
        """Queue a message for one mailbox; at its limit the overflow policy decides."""
        depth = mailbox.depth + 1
        if depth > mailbox.messages_max:
            self._failed(mailbox, MailboxFullError(self._full(mailbox)))
            return
        mailbox.depth = depth
        if depth > mailbox.peak:
            mailbox.peak = depth
        self._queue.append((mailbox, message))

    def run(self) -> int:
        """Handle messages until none is left; returns how many were handled."""
        queue = self._queue
        handled = 0
        while queue:
            mailbox, message = queue.popleft()
            mailbox.depth -= 1
            handled += 1
            try:
                mailbox.handle(message)
            except Exception as error:
                self._failed(mailbox, error)
        return handled

    @staticmethod
    def _full(mailbox: Mailbox) -> str:
        return (
            f"mailbox of {mailbox.actor.name} full: {mailbox.messages_max} messages waiting, "
            f"policy {mailbox.overflow.value}"
        )
