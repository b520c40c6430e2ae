"""What comparing a session with its venue has found so far.

Orders first: the venue is asked for each that may be alive. Then, where it answers such a question,
positions: the venue's must lie within ours, from what is certain less all that may still sell to
what is certain plus all that may still buy. Beside both stands what needs no question: orders that
the venue reports and we do not know, and trades that a drop copy and our own line tell differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import msgspec

from daemon.core import NativeOrder
from daemon.messages import replies
from daemon.model import CopyMatch, OrderState, Side, cl_ord_id_text
from daemon.runtime.events import StatusAnswered, VenuePosition

ALL = "all"  # the subject of a difference that is not about one instrument


class SessionPhase(Enum):
    """What a session is to trading."""

    DOWN = "down"
    ASKING = "asking orders"
    AWAITING_COPIES = "awaiting copies"
    ASKING_POSITIONS = "asking positions"
    SILENT = "no answer"
    DIFFERS = "differs"
    EQUAL = "equal"
    CLOSED = "closed"  # outside its hours
    RETIRED = "retired"  # not in the configuration any more: never connected


class SessionTerms(msgspec.Struct, frozen=True):
    """What is agreed for a session, by configuration; 0 and "" leave a part out."""

    name: str
    retired: bool = False
    without_positions: str = ""  # why the venue is not asked for them
    status_after_ns: int = 0  # an order in flight for longer is asked for
    positions_every_ns: int = 0
    cancels_at_logon: bool = False  # what a lost connection left working
    asks_for_all: bool = False  # the venue says which orders work, known to us or not
    copies: int = -1  # of a drop copy: the session whose trades it tells
    late_after_ns: int = 0  # of a drop copy: how long one line may be behind the other


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """What we and the venue do not agree on; quantities in the instrument's own units.

    `what`: missing (we do not have it), extra (the venue does not), quantity, price or state.
    """

    kind: str  # order, position, trade or session
    what: str
    subject: str  # ClOrdID, symbol or ExecID
    ours: str
    venue: str
    ts: int = 0  # ts_core at which it was seen
    raw_sequence: int = 0  # of the message in the log that says so, 0 where none does
    # Where accepting the venue's position can be booked: in lots and price increments.
    instrument: int = -1
    change: int = 0
    settl_px: int = 0
    side: int = 0  # of a trade

    def row(self, session: str) -> replies.Difference:
        """For operators."""
        names = ("kind", "what", "subject", "ours", "venue", "raw_sequence")
        said = {name: getattr(self, name) for name in names}
        return replies.Difference(session=session, ts_core=self.ts, **said)


Copy = tuple[str, int, int, int, int, int, bool, bool, int, int, int, int, int]


class Texts:
    """Words for what differs: names of instruments, quantities in their own units."""

    def __init__(self, symbols: Sequence[str], quantity: Callable[[int, int], str]) -> None:
        self.symbols = symbols
        self.quantity = quantity

    def adopted(self, native: NativeOrder, ts: int) -> Difference:
        """An order that the venue made known to us."""
        number = native.instrument
        cum = self.quantity(number, native.cum_qty)
        qty = self.quantity(number, native.order_qty)
        return Difference(
            kind="order",
            what="missing",
            subject=cl_ord_id_text(native.order),
            ours="not known",
            venue=f"{Side(native.side).name} {qty} {self.symbols[number]}, filled {cum},"
            f" OrderID {native.order_id}",
            ts=ts,
            raw_sequence=native.cause,
        )

    def copy(self, entry: Copy, ts: int) -> Difference:
        """A trade that the two lines do not tell alike."""
        exec_id, side, number, order, _, raw, ours, _, match, px, qty, copy_px, copy_qty = entry
        of = f"{Side(side).name} {self.symbols[number]}"
        by = cl_ord_id_text(order) if order else "an order not ours"

        def told(lots: int, at: int) -> str:
            return f"{of} {self.quantity(number, lots)} at {at} of {by}"

        if match != CopyMatch.AWAITED:
            what = "price" if match == CopyMatch.PRICE else "quantity"
            mine, theirs = told(qty, px), told(copy_qty, copy_px)
        else:
            what = "extra" if ours else "missing"
            mine, theirs = (told(qty, px), "") if ours else ("", told(qty, px))
        return Difference("trade", what, exec_id, mine, theirs, ts, raw, side=side)


class Comparison:
    """One session's.

    `skipped` says why positions are not asked for, "" where they are.
    """

    def __init__(self, skipped: str, texts: Texts, *, retired: bool = False) -> None:
        self.skipped = skipped
        self._texts = texts
        # What it is without a connection.
        self.down = SessionPhase.RETIRED if retired else SessionPhase.DOWN
        self.phase = self.down
        self.unanswered: set[int] = set()
        self.found: list[Difference] = []
        # Not asked for: they stay until an operator knows of them, or the lines agree.
        self.adopted: dict[int, Difference] = {}
        self.copies: dict[tuple[str, int], Difference] = {}
        self.lost: Difference | None = None  # messages that the venue has had, and our log not
        self.all_asked = 0  # the question for all orders that is open
        self.all_told = 0  # reports of its answer
        self.positions = ""
        self.request = 0
        self.report = 0
        self.ts_up = 0

    @property
    def differences(self) -> list[Difference]:
        """All of them."""
        lost = [] if self.lost is None else [self.lost]
        return [*lost, *self.adopted.values(), *self.copies.values(), *self.found]

    def begin(self, orders: set[int]) -> None:
        """From nothing: these orders are asked for."""
        self.phase = SessionPhase.ASKING
        self.unanswered = orders
        self.all_asked = self.all_told = 0
        self.found = []
        self.positions = self.skipped
        self.request = 0

    def take_down(self) -> None:
        """The session is not there: whatever was asked is not answered any more."""
        self.phase = self.down
        self.unanswered.clear()
        self.all_asked = 0
        self.ts_up = 0

    @property
    def text(self) -> str:
        """For people: phase and report, and positions where they are not compared."""
        about = f", report {self.report}" if self.differences else ""
        skipped = f"; positions {self.skipped}" if self.skipped else ""
        return f"{self.phase.value}{about}{skipped}"

    def content(self) -> bytes:
        """The written report."""
        return msgspec.json.encode(
            {"report": self.report, "positions": self.positions, "differences": self.differences}
        )

    # ------------------------------------------------------------------ answers

    def order_answered(self, message: StatusAnswered) -> list[Difference]:
        """In what the venue's answer and ours differ, once the answer was applied."""
        state = OrderState(message.our_state)
        if message.our_cum_qty != message.cum_qty:
            return [self._order(message, "quantity")]
        if state is OrderState.UNKNOWN:
            return [self._order(message, "state")]
        if state not in (OrderState.WORKING, OrderState.PARTIALLY_FILLED):
            return []
        if message.order_qty not in (0, message.our_order_qty):
            return [self._order(message, "quantity")]
        stated = message.price not in (0, message.our_price)
        return [self._order(message, "price")] if stated else []

    def _order(self, message: StatusAnswered, what: str) -> Difference:
        state = OrderState(message.our_state)
        ours = f"{state.name} cum {message.our_cum_qty}"
        venue = f"cum {message.cum_qty} leaves {message.leaves_qty}"
        if message.price and state is not OrderState.UNKNOWN:
            ours += f" of {message.our_order_qty} at {message.our_price}"
            venue += f" of {message.order_qty} at {message.price}"
        subject = cl_ord_id_text(message.order)
        return Difference(
            "order", what, subject, ours, venue, message.ts_core, message.raw_sequence
        )

    @staticmethod
    def order_silent(order: int, native: NativeOrder | None, venue: str, ts: int) -> Difference:
        """Nothing that the venue said settles what became of it."""
        ours = "ended" if native is None else OrderState(native.state).name
        return Difference("order", "state", cl_ord_id_text(order), ours, venue, ts)

    def became_unknown(self, native: NativeOrder, ts: int) -> None:
        """After it was asked for, by a report that it cannot have."""
        if cl_ord_id_text(native.order) not in {each.subject for each in self.found}:
            self.found.append(
                self.order_silent(native.order, native, "a report it cannot have", ts)
            )

    def position_answered(self, message: VenuePosition) -> Difference | None:
        """None where the venue's quantity lies within what ours may be."""
        if message.readable and message.lowest_qty <= message.venue_qty <= message.highest_qty:
            return None
        seen = {"ts": message.ts_core, "raw_sequence": message.raw_sequence}
        if not message.readable:
            venue = f"unclear: {message.text}"
            return Difference("position", "state", self._subject(message), "", venue, **seen)
        number = message.instrument
        extra = "extra" if message.venue_qty == 0 else "quantity"
        return Difference(
            kind="position",
            what="missing" if message.lowest_qty == message.highest_qty == 0 else extra,
            subject=self._texts.symbols[number],
            ours=self._interval(message),
            venue=self._texts.quantity(number, message.venue_qty),
            instrument=number,
            change=message.venue_qty - message.net_qty,
            settl_px=message.settl_px,
            **seen,
        )

    def _subject(self, message: VenuePosition) -> str:
        symbols = self._texts.symbols
        return symbols[message.instrument] if message.instrument < len(symbols) else "unknown"

    def _interval(self, message: VenuePosition) -> str:
        number = message.instrument
        if message.lowest_qty == message.highest_qty:
            return self._texts.quantity(number, message.net_qty)
        low = self._texts.quantity(number, message.lowest_qty)
        return f"{low} to {self._texts.quantity(number, message.highest_qty)}"

    def without_positions(self, reason: str, ts: int, *, silent: bool = False) -> None:
        """The venue said nothing of positions, or no; `silent`: though it should have."""
        self.positions = reason
        self.found.append(Difference("position", "state", ALL, "", reason, ts))
        if silent:
            self.phase = SessionPhase.SILENT

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> dict[str, Any]:
        """All of it."""
        return {
            "phase": self.phase.value,
            "down": self.down.value,
            "unanswered": sorted(self.unanswered),
            "found": self.found,
            "adopted": list(self.adopted.items()),
            "copies": list(self.copies.items()),
            "lost": self.lost,
            "all_asked": self.all_asked,
            "all_told": self.all_told,
            "positions": self.positions,
            "request": self.request,
            "report": self.report,
            "ts_up": self.ts_up,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse of `save`."""
        self.phase = SessionPhase(saved["phase"])
        self.down = SessionPhase(saved["down"])
        self.unanswered = set(saved["unanswered"])
        self.found = msgspec.convert(saved["found"], list[Difference])
        self.adopted = dict(msgspec.convert(saved["adopted"], list[tuple[int, Difference]]))
        copies = msgspec.convert(saved["copies"], list[tuple[tuple[str, int], Difference]])
        self.copies = dict(copies)
        self.lost = msgspec.convert(saved["lost"], Difference | None)
        self.all_asked = saved["all_asked"]
        self.all_told = saved["all_told"]
        self.positions = saved["positions"]
        self.request = saved["request"]
        self.report = saved["report"]
        self.ts_up = saved["ts_up"]
