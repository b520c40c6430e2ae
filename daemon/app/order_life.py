"""One order's life, and the newest fills, read from the event log.

The core's thread reads, so every read has a time limit: what would take longer is left to
`pitwire log cat`, which runs beside the daemon.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from daemon.app.recent import FillNote
from daemon.log import Frame, LogReader
from daemon.messages import Fill
from daemon.model import ClOrdId, DenyReason, FillKind, OrderEvent, OrderState, Side
from daemon.runtime.events import Names

READ_NS_MAX: Final = 50_000_000
START_NS_MAX: Final = 1_000_000_000
BATCH_FRAMES: Final = 256  # of the wanted types; a batch looks at no more than 64 times as many

REQUESTS: Final = ("CANCEL_REQUESTED", "REPLACE_REQUESTED")
REPORTS: Final = ("EXECUTION", "CANCEL_REJECTED")
ENTRIES: Final = ("ORDER_SUBMITTED", "ORDER_HELD")
SLICES: Final = "ORDER_INSTRUCTIONS"  # of an iceberg: each has a ClOrdID of its own
TYPES: Final = (*ENTRIES, SLICES, "ORDER_DENIED", "ORDER_STATE", "FILL", *REQUESTS, *REPORTS)


class TooLongError(Exception):
    """The log is longer than may be read on the core's thread."""


class LoggedStep(msgspec.Struct, frozen=True):
    """An event in an order's life, as OrderStep with enumerations."""

    sequence: int
    ts_core: int
    event: OrderEvent
    from_state: OrderState
    to_state: OrderState
    cl_ord_id: int
    text: str = ""


class Life:
    """What the log says of one order, named by its first ClOrdID (of a denied one: its only)."""

    def __init__(self, order: int) -> None:
        self.cl_ord_ids = [order]
        self.request: dict[str, Any] | None = None  # ORDER_SUBMITTED, ORDER_HELD, or ORDER_DENIED
        self.state: dict[str, Any] = {}  # the newest ORDER_STATE
        self.order_id = ""
        self.steps: list[LoggedStep] = []
        self.fills: list[Frame] = []
        self._said = ""

    def take(self, frame: Frame) -> None:
        """The next frame of TYPES, in sequence order; those of other orders are passed over."""
        fields, name = frame.fields(), frame.name
        first = self.cl_ord_ids[0]
        if name in ("ORDER_STATE", "FILL"):
            if fields["order"] == first:
                self._state(frame, fields) if name == "ORDER_STATE" else self.fills.append(frame)
        elif name in (*REQUESTS, SLICES):
            if fields["order"] == first and fields["cl_ord_id"] not in self.cl_ord_ids:
                self.cl_ord_ids.append(fields["cl_ord_id"])
        elif name in REPORTS:
            if fields["cl_ord_id"] in self.cl_ord_ids:
                self._said = text_of(fields["text"])
                self.order_id = text_of(fields["order_id"]) or self.order_id
        elif name == "ORDER_DENIED":
            self._denied(frame, fields)
        elif fields["cl_ord_id"] == first:
            self.request = fields

    def _state(self, frame: Frame, fields: dict[str, Any]) -> None:
        self.state = fields
        self.steps.append(
            LoggedStep(
                frame.sequence,
                frame.ts_core,
                OrderEvent(fields["event"]),
                OrderState(fields["from_state"]),
                OrderState(fields["to_state"]),
                fields["cl_ord_id"],
                self._said,
            )
        )
        self._said = ""

    def _denied(self, frame: Frame, fields: dict[str, Any]) -> None:
        first = self.cl_ord_ids[0]
        if first not in (fields["cl_ord_id"], fields["orig_cl_ord_id"]):
            return
        new = fields["cl_ord_id"] == first
        before = OrderState(self.state.get("to_state", OrderState.NONE))
        if new:
            self.request = fields
        reason = DenyReason(fields["reason"]).name
        text = f"{reason}: value {fields['value']}, limit {fields['limit']}"
        after = OrderState.DENIED if new else before
        place = frame.sequence, frame.ts_core
        step = LoggedStep(*place, OrderEvent.DENY, before, after, fields["cl_ord_id"], text)
        self.steps.append(step)


def text_of(field: bytes | str) -> str:
    """The text of a NUL-padded field."""
    raw = field if isinstance(field, bytes) else field.encode()
    return raw.rstrip(b"\0").decode("utf-8", "replace")


def read_life(folder: Path, order: int, begin: int, end: int) -> Life:
    """The life of an order whose records stand from `begin` to `end` (0: the log's end).

    TooLongError where reading takes more than READ_NS_MAX.
    """
    life = Life(order)
    for frame in _frames(folder, TYPES, begin):
        if end and frame.sequence > end:
            break
        life.take(frame)
    return life


def first_cl_ord_id(folder: Path, cl_ord_id: int, begin: int) -> tuple[int, int] | None:
    """The first ClOrdID of the order that ever had this one, and where its life begins at most.

    None where the log has no such order from `begin` on. TooLongError as above.
    """
    types = (*ENTRIES, SLICES, "ORDER_DENIED", *REQUESTS)
    submitted: dict[int, int] = {}
    for frame in _frames(folder, types, begin):
        fields = frame.fields()
        if frame.name in ENTRIES:
            submitted.setdefault(fields["cl_ord_id"], frame.sequence)
        if fields["cl_ord_id"] == cl_ord_id:
            order = fields.get("order", cl_ord_id)
            return order, submitted.get(order, frame.sequence)
    return None


def newest_fills(folder: Path, names: Names, begin: int, limit: int) -> list[FillNote]:
    """Up to `limit` fills from `begin` to the log's end, oldest first.

    For the start, before anything trades; none where it takes more than START_NS_MAX.
    """
    frames = _frames(folder, ("FILL",), begin, START_NS_MAX)
    try:
        return list(deque((fill_note(frame, names) for frame in frames), maxlen=limit))
    except TooLongError:
        return []  # some, but not the newest, would mislead


def fill_note(frame: Frame, names: Names) -> FillNote:
    """A FILL record as the message that it was."""
    fields = frame.fields()
    fill = Fill(
        order=ClOrdId(fields["order"]),
        symbol=names.instruments[fields["instrument"]],
        side=Side(fields["side"]),
        last_px=fields["last_px"],
        last_qty=fields["last_qty"],
        aggressor=bool(fields["flags"] & 1),
        fee=fields["fee"],
        position=fields["position"],
        realised_pnl=fields["realised_pnl"],
        fees=fields["fees"],
        exec_id=text_of(fields["exec_id"]),
        kind=FillKind(fields["kind"]),
    )
    return FillNote(frame.sequence, frame.ts_core, fields["strategy"], fill)


def _frames(
    folder: Path, types: tuple[str, ...], begin: int, limit_ns: int | None = None
) -> Iterator[Frame]:
    limit_ns = READ_NS_MAX if limit_ns is None else limit_ns
    deadline = time.perf_counter_ns() + limit_ns
    reader = LogReader(folder, types=types, committed=True, from_sequence=begin)
    while True:
        batch = reader.read_batch(BATCH_FRAMES)
        yield from batch.frames()
        if reader.at_end:
            return
        if time.perf_counter_ns() > deadline:
            raise TooLongError(f"{folder}: more than {limit_ns // 1_000_000} ms to read")
