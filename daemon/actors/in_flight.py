"""Which of a session's orders have waited too long for the venue's word.

Looked at once a half of the time allowed: a request that was out at the look before and is out
still has waited that long. One is asked for at a time, the one that was asked for least and is
oldest. Where the venue has answered `ASKS_MAX` times and the order still waits, asking is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ASKS_MAX = 3

Request = tuple[int, int]  # the order's first ClOrdID, that of what is out


class InFlight:
    """One session's, while it is reconciled."""

    def __init__(self) -> None:
        self._before: set[Request] = set()
        self._asks: dict[Request, int] = {}
        self._accepted: set[Request] = set()
        self.asked = 0  # the order whose status is being asked for

    def clear(self) -> None:
        """Back to the beginning: the session is asked for everything, or is not up."""
        self._before, self._asks, self._accepted, self.asked = set(), {}, set(), 0

    def look(self, waiting: Sequence[Request]) -> Request | None:
        """What to ask for now; None where nothing waits too long or an answer is outstanding."""
        now = set(waiting)
        overdue = (now & self._before) - self._accepted
        self._before = now
        self._accepted &= now
        self._asks = {each: asks for each, asks in self._asks.items() if each in now}
        if self.asked or not overdue:
            return None
        found = min(overdue, key=lambda each: (self._asks.get(each, 0), each))
        self._asks[found] = self._asks.get(found, 0) + 1
        return found

    def exhausted(self, request: Request) -> bool:
        """The venue has been asked often enough."""
        return self._asks.get(request, 0) > ASKS_MAX

    def accept(self) -> None:
        """An operator knows of what waits now: it is no difference any more."""
        self._accepted |= self._before

    def save(self) -> dict[str, Any]:
        """All of it."""
        return {
            "before": sorted(self._before),
            "asks": sorted(self._asks.items()),
            "accepted": sorted(self._accepted),
            "asked": self.asked,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse of `save`."""
        self._before = {(order, request) for order, request in saved["before"]}
        self._asks = {(order, request): asks for (order, request), asks in saved["asks"]}
        self._accepted = {(order, request) for order, request in saved["accepted"]}
        self.asked = saved["asked"]
