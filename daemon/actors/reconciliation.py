"""What comparing a session with its venue has found so far.

Orders first: the venue is asked for each that may be alive. Then, where it answers such a question,
positions: the venue's must lie within ours, from what is certain less all that may still sell to
what is certain plus all that may still buy.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from daemon.core import NativeOrder
from daemon.model import OrderState, cl_ord_id_text
from daemon.runtime.events import StatusAnswered, VenuePosition

ALL = "all"  # the subject of a difference that is not about one instrument


class SessionPhase(Enum):
    """What a session is to trading."""

    DOWN = "down"
    ASKING = "asking orders"
    ASKING_POSITIONS = "asking positions"
    SILENT = "no answer"
    DIFFERS = "differs"
    EQUAL = "equal"
    CLOSED = "closed"  # outside its hours
    RETIRED = "retired"  # not in the configuration any more: never connected


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """What we and the venue do not agree on; quantities in the instrument's own units."""

    kind: str  # order or position
    subject: str  # ClOrdID or symbol
    ours: str
    venue: str
    # Where accepting the venue's position can be booked: in lots and price increments.
    instrument: int = -1
    change: int = 0
    settl_px: int = 0


class Comparison:
    """One session's.

    `skipped` says why positions are not asked for, "" where they are; `quantity` writes lots of an
    instrument in its own units.
    """

    def __init__(
        self,
        skipped: str,
        quantity: Callable[[int, int], str],
        symbols: list[str],
        *,
        retired: bool = False,
    ) -> None:
        self.skipped = skipped
        self._quantity = quantity
        self._symbols = symbols
        # What it is without a connection.
        self.down = SessionPhase.RETIRED if retired else SessionPhase.DOWN
        self.phase = self.down
        self.unanswered: set[int] = set()
        self.differences: list[Difference] = []
        self.positions = ""
        self.request = 0
        self.report = 0

    def begin(self, orders: set[int]) -> None:
        """From nothing: these orders are asked for."""
        self.phase = SessionPhase.ASKING
        self.unanswered = orders
        self.differences = []
        self.positions = self.skipped
        self.request = 0

    def take_down(self) -> None:
        """The session is not there: whatever was asked is not answered any more."""
        self.phase = self.down
        self.unanswered.clear()

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

    def compare_order(self, message: StatusAnswered, native: NativeOrder | None) -> None:
        """An order is to be known, in a state that is certain, with the venue's CumQty."""
        self.unanswered.discard(message.order)
        state = OrderState.NONE if native is None else OrderState(native.state)
        if native is not None and native.cum_qty == message.cum_qty and state != OrderState.UNKNOWN:
            return
        ours = f"{state.name} cum {0 if native is None else native.cum_qty}"
        venue = f"cum {message.cum_qty} leaves {message.leaves_qty}"
        subject = cl_ord_id_text(message.order)
        self.differences.append(Difference("order", subject, ours, venue))

    def give_up_orders(self, order: Callable[[int], NativeOrder | None]) -> None:
        """What was not answered in time differs."""
        for each in sorted(self.unanswered):
            native = order(each)
            ours = "ended" if native is None else OrderState(native.state).name
            self.differences.append(Difference("order", cl_ord_id_text(each), ours, "no answer"))
        self.unanswered.clear()

    def compare_position(self, message: VenuePosition) -> None:
        """The venue's quantity lies within what ours may be."""
        if message.readable and message.lowest_qty <= message.venue_qty <= message.highest_qty:
            return
        if not message.readable:
            found = Difference("position", self._subject(message), "", f"unclear: {message.text}")
        else:
            number = message.instrument
            found = Difference(
                kind="position",
                subject=self._symbols[number],
                ours=self._interval(message),
                venue=self._quantity(number, message.venue_qty),
                instrument=number,
                change=message.venue_qty - message.net_qty,
                settl_px=message.settl_px,
            )
        self.differences.append(found)

    def _subject(self, message: VenuePosition) -> str:
        known = message.instrument < len(self._symbols)
        return self._symbols[message.instrument] if known else "unknown"

    def _interval(self, message: VenuePosition) -> str:
        number = message.instrument
        if message.lowest_qty == message.highest_qty:
            return self._quantity(number, message.net_qty)
        low = self._quantity(number, message.lowest_qty)
        return f"{low} to {self._quantity(number, message.highest_qty)}"

    def without_positions(self, reason: str, *, silent: bool = False) -> None:
        """The venue said nothing of positions, or no; `silent`: though it should have."""
        self.positions = reason
        self.differences.append(Difference("position", ALL, "", reason))
        if silent:
            self.phase = SessionPhase.SILENT

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> dict[str, Any]:
        """All of it."""
        return {
            "phase": self.phase.value,
            "down": self.down.value,
            "unanswered": sorted(self.unanswered),
            "differences": self.differences,
            "positions": self.positions,
            "request": self.request,
            "report": self.report,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """The inverse of `save`."""
        self.phase = SessionPhase(saved["phase"])
        self.down = SessionPhase(saved["down"])
        self.unanswered = set(saved["unanswered"])
        self.differences = msgspec.convert(saved["differences"], list[Difference])
        self.positions = saved["positions"]
        self.request = saved["request"]
        self.report = saved["report"]
