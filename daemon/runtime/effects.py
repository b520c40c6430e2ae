"""What a turn asks of the edges. Taken by the live daemon after the turn; replay drops them.

Everything that must be replayed is in the log; these only start something outside whose answer
comes back as an input.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from daemon.messages import Reply


class RunWorker(msgspec.Struct, frozen=True):
    """Have a worker process compute; the answer is a WORKER_RESULT input."""

    request_id: int
    strategy: int
    function: str
    payload: Any


class FetchSnapshot(msgspec.Struct, frozen=True):
    """Fetch an instrument's book snapshot; it comes as a MARKET_MESSAGE input.

    `difference`: what was wrong with the book, "" for a gap.
    """

    symbol: str
    difference: str = ""


class EnableSession(msgspec.Struct, frozen=True):
    """Connect a session whenever it is down, or leave it down once its connection has ended."""

    session: int
    enabled: bool


class SendReply(msgspec.Struct, frozen=True):
    """Answer an operator."""

    reply: Reply


class Stopping(msgspec.Struct, frozen=True):
    """The end has begun: cancels are sent, and waited for no longer than this."""

    timeout_ns: int


class EndProcess(msgspec.Struct, frozen=True):
    """Every order has ended as far as it will: checkpoint and exit. `left` have not."""

    left: int


class SetLogLevel(msgspec.Struct, frozen=True):
    """How much the operating log says from now on."""

    level: str


class Tell(msgspec.Struct, frozen=True):
    """A line of the operating log. A replay drops it: it is of the past."""

    level: Literal["info", "warning", "error"]
    event: str
    fields: dict[str, Any]
    error: BaseException | None = None


class Ready(msgspec.Struct, frozen=True):
    """Reconciled: trading may begin."""


Effect = (
    RunWorker
    | FetchSnapshot
    | EnableSession
    | SendReply
    | EndProcess
    | SetLogLevel
    | Stopping
    | Tell
    | Ready
)


class Effects:
    """Collects effects in order until the edge takes them."""

    def __init__(self) -> None:
        self._pending: list[Effect] = []

    def add(self, effect: Effect) -> None:
        """Ask the edge for something."""
        self._pending.append(effect)

    def take(self) -> list[Effect]:
        """Everything asked for since the last call."""
        if not self._pending:
            return []
        taken, self._pending = self._pending, []
        return taken
