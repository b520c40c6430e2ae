"""Cancelling every order of a session, in rounds, until the venue says that none is left.

A round is a mass cancel where the venue has one, a cancel of each order that is known to work (of
each that is left, where there is no mass cancel or no status), and a question for the status of
each that is left. What was still on its way to the venue arrives behind the first round: so it is
over only when two rounds in a row found nothing. No socket and no clock here: `wants` says what to
send, the rest takes what the venue answered.

| answer | the order |
| --- | --- |
| a state that is terminal, a cancel carried out, a cancel too late | is gone |
| unknown order | is gone when the second round in a row finds nothing |
| any other state; a refusal to tell | works: the next round cancels it |
| a message that the venue does not take | is not sent again: the others must do |

An adopted order of which we have no name is gone when mass cancels find nothing any more; without
them it is never known to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from tools.watchdog.working import Working

ROUND_NS: Final = 250_000_000  # from one round to the next, where answers come at once
ANSWER_NS: Final = 1_000_000_000  # what is not answered by then is asked again
QUIET_ROUNDS: Final = 2
GUARD_NS: Final = 5_000_000_000  # between rounds when all is gone, while the process is there
MASS_CANCEL, CANCEL, STATUS = "q", "F", "H"  # MsgType
# OrdStatus (39): filled, done for the day, canceled, rejected, expired.
TERMINAL: Final = frozenset("2348C")
REJECTED: Final = "8"
UNKNOWN_ORDER: Final = "5"  # OrdRejReason (103)
TOO_LATE, UNKNOWN = "0", "1"  # CxlRejReason (102)


class Request(NamedTuple):
    """A message to send; `order` is what a cancel and a question are about."""

    kind: str
    cl_ord_id: int
    order: Working | None = None


class Rounds:
    """One session's. `first_id` begins a range of ClOrdIDs that no daemon uses."""

    def __init__(self, first_id: int, mass_cancel: bool) -> None:
        self._id = first_id
        self._kinds = {CANCEL, STATUS} | ({MASS_CANCEL} if mass_cancel else set())
        self._orders: dict[int, Working] = {}
        self._names: dict[int, int] = {}  # ClOrdIDs of an order, to it
        self._current: dict[int, int] = {}  # the ClOrdID that the venue knows it by
        self._gone: set[int] = set()
        self._works: set[int] = set()
        # Kind, and the request's ClOrdID (a question's is the order), to the order.
        self._pending: dict[tuple[str, int], int] = {}
        self._began_at: int | None = None
        self._concluded = self._found = False
        self._quiet = 0
        self.rounds = self.canceled = 0
        self.refused = ""  # what the venue said last that it does not do

    @property
    def over(self) -> bool:
        """Nothing of ours works there any more."""
        return self._quiet >= QUIET_ROUNDS

    @property
    def expected(self) -> int:
        """Orders that the log has said may work."""
        return len(self._orders)

    @property
    def left(self) -> list[int]:
        """Orders that are not known to have ended."""
        return [order for order in self._orders if order not in self._gone]

    def expect(self, orders: Iterable[Working]) -> None:
        """What the log says may work; more of them make it begin again."""
        for order in orders:
            if self._orders.get(order.order) != order:
                self._orders[order.order] = order
                self._names.update(dict.fromkeys(order.names, order.order))
                self._current[order.order] = order.cl_ord_id
                self._gone.discard(order.order)
                self._quiet = 0

    def connected(self) -> None:
        """On a new connection: what was asked before is not answered any more."""
        self._began_at = None

    def wants(self, now: int) -> list[Request]:
        """What to send now."""
        if self._began_at is not None:
            if not self._pending and not self._concluded:
                self._conclude()
            wait = ANSWER_NS if self._pending else GUARD_NS if self.over else ROUND_NS
            if now - self._began_at < wait:
                return []
        self._began_at, self._concluded, self._found = now, False, False
        self._pending.clear()
        self.rounds += 1
        requests = list(self._round())
        self._works.clear()
        return requests

    def _round(self) -> Iterator[Request]:
        if MASS_CANCEL in self._kinds:
            yield self._request(MASS_CANCEL, 0)
        each = self._kinds & {MASS_CANCEL, STATUS} != {MASS_CANCEL, STATUS}
        named = [order for order in self.left if self._orders[order].names]
        for order in named:
            if CANCEL in self._kinds and (each or order in self._works):
                yield self._request(CANCEL, order)
        for order in named if STATUS in self._kinds else ():
            yield self._request(STATUS, order)

    def _request(self, kind: str, order: int) -> Request:
        self._id += 1
        if kind == MASS_CANCEL:
            self._pending[kind, self._id] = order
            return Request(kind, self._id)
        about = self._orders[order]._replace(cl_ord_id=self._current[order])
        self._pending[kind, order if kind == STATUS else self._id] = order
        return Request(kind, about.cl_ord_id if kind == STATUS else self._id, about)

    def _conclude(self) -> None:
        self._concluded = True
        self._quiet = 0 if self._found or self._works else self._quiet + 1
        if self.over and MASS_CANCEL in self._kinds:
            self._gone.update(order for order in self.left if not self._orders[order].names)
        if self.left and self.over:
            self._quiet = QUIET_ROUNDS - 1

    # ------------------------------------------------------------------ answers

    def mass_canceled(self, cl_ord_id: int, affected: int, refusal: str) -> None:
        """OrderMassCancelReport; `refusal` is its reason where it is one."""
        if self._pending.pop((MASS_CANCEL, cl_ord_id), None) is None:
            return
        self.canceled += affected
        self._found |= affected > 0
        if refusal:
            self.not_taken(MASS_CANCEL, refusal)

    def told(self, cl_ord_id: int, ord_status: str, reject_reason: str, text: str) -> None:
        """An execution report that answers a question for a status, under any name of the order."""
        order = self._names.get(cl_ord_id, 0)
        if self._pending.pop((STATUS, order), None) is None:
            return
        self._current[order] = cl_ord_id
        if ord_status == REJECTED and reject_reason not in ("", UNKNOWN_ORDER):
            self.refused = text
            self._works.add(order)
        elif ord_status == REJECTED and reject_reason == UNKNOWN_ORDER:
            self._unknown(order)
        elif ord_status in TERMINAL:
            self._gone.add(order)
        else:
            self._works.add(order)

    def canceled_one(self, cl_ord_id: int) -> None:
        """A cancel of ours was carried out."""
        order = self._pending.pop((CANCEL, cl_ord_id), None)
        if order is not None:
            self._gone.add(order)
            self._found = True
            self.canceled += 1

    def cancel_rejected(self, cl_ord_id: int, ord_status: str, reason: str, text: str) -> None:
        """OrderCancelReject of a cancel of ours."""
        order = self._pending.pop((CANCEL, cl_ord_id), None)
        if order is None:
            return
        if reason == UNKNOWN:
            self._unknown(order)
        elif reason == TOO_LATE or ord_status in TERMINAL - {REJECTED}:
            self._gone.add(order)
        else:
            self.refused = text
            self._works.add(order)

    def _unknown(self, order: int) -> None:
        if self._quiet + 1 >= QUIET_ROUNDS:
            self._gone.add(order)

    def not_taken(self, kind: str, text: str) -> None:
        """The venue does not take messages of this type: BusinessMessageReject, Reject, refusal."""
        self.refused = text
        self._found = True
        self._kinds.discard(kind)
        for key in [key for key in self._pending if key[0] == kind]:
            self._works.add(self._pending.pop(key))
