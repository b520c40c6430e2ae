"""Mailboxes: where actors' messages wait until the actors run.

All mailboxes share one FIFO, so that messages are handled in the order in which they were posted,
whoever they are for. Each mailbox has a limit of its own and says what happens at it.

The loop is as near to a bare deque with a dispatch by type as Python allows (`pitwire bench actor`
measures both): posting is the deque's own append, who gets a message is looked up when its turn
comes, and one comparison a message finds a new peak and a full mailbox alike. Who holds how many is
counted only where so many wait that one may be full, and again when half of the least place left
was used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from itertools import repeat
from typing import Any, Final, Protocol

MESSAGES_BETWEEN_LOOKS: Final = 1 << 30  # where no mailbox can be full: only a new peak


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
    """One actor's share of the FIFO: at most `messages_max` of its messages wait."""

    __slots__ = ("actor", "handle", "messages_max", "overflow")

    def __init__(self, actor: Actor, messages_max: int, overflow: Overflow) -> None:
        self.actor = actor
        self.handle: Callable[[Any], None] = actor.handle
        self.messages_max = messages_max
        self.overflow = overflow


Failed = Callable[[Mailbox, Exception], None]


class _Group:
    """Several mailboxes that get the same messages; a failure of one is no other's."""

    __slots__ = ("failed", "mailboxes")

    def __init__(self, mailboxes: tuple[Mailbox, ...], failed: Failed) -> None:
        self.mailboxes = mailboxes
        self.failed = failed

    def handle(self, message: object) -> None:
        for mailbox in self.mailboxes:
            try:
                mailbox.handle(message)
            except Exception as error:
                self.failed(mailbox, error)


class _Addressed:
    """Unpacks what was posted to one mailbox: `(mailbox, message)`."""

    __slots__ = ("failed",)
    mailboxes: tuple[Mailbox, ...] = ()

    def __init__(self, failed: Failed) -> None:
        self.failed = failed

    def handle(self, pair: tuple[Mailbox, object]) -> None:
        mailbox, message = pair
        try:
            mailbox.handle(message)
        except Exception as error:
            self.failed(mailbox, error)


class Dispatcher:
    """Runs actors to completion, message by message, in the order of posting.

    `post` queues a message for everyone who subscribed to its type. A message is never a tuple.
    `failed` is called with the mailbox and the exception of a handler that raised, and the next
    message is handled: deciding what a failure means is the caller's. `peak` is the most messages
    that waited together, as it was looked at: above a mailbox's room not at every message.
    """

    def __init__(self, failed: Failed) -> None:
        self.queue: deque[Any] = deque()  # for those who only ask whether it is empty
        # A plain dict, because a subclass with __missing__ costs every lookup.
        self.routes: dict[type, Any] = {tuple: _Addressed(failed)}
        self._nobody = _Group((), failed)
        self.failed = failed
        self._room = 0  # of the smallest mailbox: below it none can be full
        self.peak = 0
        self.post: Callable[[object], None] = self.queue.append

    def subscribe(self, mailbox: Mailbox, *types: type) -> None:
        """Deliver every posted message of these types to this mailbox; before the first turn."""
        for message_type in types:
            before = self._mailboxes_of(message_type)
            together = (*before, mailbox)
            self.routes[message_type] = _Group(together, self.failed) if before else mailbox
        self._room = min(self._room, mailbox.messages_max) if self._room else mailbox.messages_max

    def post_to(self, mailbox: Mailbox, message: object) -> None:
        """Queue a message for one mailbox, one that has subscribed to something."""
        self.queue.append((mailbox, message))

    def take_peak(self) -> int:
        """The most messages that waited together since this was last asked."""
        peak, self.peak = self.peak, 0
        return peak

    @property
    def waiting(self) -> int:
        """Messages that wait now."""
        return len(self.queue)

    def run(self) -> None:
        """Handle messages until none is left."""
        queue, routes = self.queue, self.routes
        popleft = queue.popleft
        while queue:
            mark, messages = self._look()
            for _ in repeat(None, messages):
                message = popleft()
                try:
                    routes[type(message)].handle(message)
                except Exception as error:
                    self._sort_out(message, error)
                if not 0 < len(queue) <= mark:
                    break

    def _sort_out(self, message: object, error: Exception) -> None:
        """A type that nobody subscribed to is nobody's from now on; all else is a failure."""
        mailbox = self.routes.get(type(message))
        if mailbox is None:
            self.routes[type(message)] = self._nobody
        else:
            self.failed(mailbox, error)

    def _look(self) -> tuple[int, int]:
        """Look again above so many that wait, or when so many were handled.

        Below the room of the smallest mailbox only a new peak is of interest. Above it any may be
        full once as many were posted as its place left: half of that waiting more, or handled.
        """
        waiting = len(self.queue)
        self.peak = max(self.peak, waiting)
        if waiting <= self._room:
            return min(self.peak, self._room), MESSAGES_BETWEEN_LOOKS
        kept, left = self._shed()
        return kept + left // 2, left // 2 + 1

    def _shed(self) -> tuple[int, int]:
        """Drop what is above a mailbox's limit, newest first, and tell of each mailbox once.

        How many are kept, and the least place that is left in any mailbox.
        """
        kept: deque[Any] = deque()
        held: dict[Mailbox, int] = {}
        full: list[Mailbox] = []
        for message in self.queue:
            if not self._over(message, held, full):
                kept.append(message)
        self.queue.clear()
        self.queue.extend(kept)
        for mailbox in full:
            self.failed(mailbox, MailboxFullError(self._full(mailbox)))
        left = (mailbox.messages_max - count for mailbox, count in held.items())
        return len(kept), max(0, min(self._room, *left))

    def _over(self, message: object, held: dict[Mailbox, int], full: list[Mailbox]) -> bool:
        over = False
        mailboxes = (message[0],) if type(message) is tuple else self._mailboxes_of(type(message))
        for mailbox in mailboxes:
            held[mailbox] = held.get(mailbox, 0) + 1
            if held[mailbox] > mailbox.messages_max:
                over = True
                if mailbox not in full:
                    full.append(mailbox)
        return over

    def _mailboxes_of(self, message_type: type) -> tuple[Mailbox, ...]:
        route = self.routes.get(message_type, self._nobody)
        return (route,) if isinstance(route, Mailbox) else route.mailboxes

    @staticmethod
    def _full(mailbox: Mailbox) -> str:
        return (
            f"mailbox of {mailbox.actor.name} full: {mailbox.messages_max} messages waiting, "
            f"policy {mailbox.overflow.value}"
        )
