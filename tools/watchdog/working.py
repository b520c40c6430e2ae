"""The orders that may work at a venue, from the event log as it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from daemon import core
from daemon.core import OrderState
from daemon.log import Batch, LogReader, spec_of
from daemon.runtime.events import NO_ID

TYPES: Final = (
    "DEFINITION", "ORDER_INSTRUCTIONS", "ORDER_SUBMITTED", "ORDER_ADOPTED", "REPLACE_REQUESTED",
    "ORDER_STATE",
)  # fmt: skip
SUBMITTED, STATE = spec_of("ORDER_SUBMITTED"), spec_of("ORDER_STATE")
ADOPTED, REPLACE = spec_of("ORDER_ADOPTED"), spec_of("REPLACE_REQUESTED")
INSTRUCTIONS: Final = spec_of("ORDER_INSTRUCTIONS")
INSTRUMENT, STRATEGY, SESSION = 0, 1, 3  # DEFINITION.kind
BATCH_FRAMES: Final = 8192
TORN_LOOKS: Final = 25  # a torn tail is looked at again that seldom: it has to be found again
ENDED: Final = frozenset(
    int(state)
    for state in (
        OrderState.DENIED,
        OrderState.NOT_SENT,
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.DONE_FOR_DAY,
    )
)


class Working(NamedTuple):
    """An order that may work; `cl_ord_id` is its newest name, `names` are all that it may have.

    An adopted order may have no name that we could write: 0, and `names` is empty. `symbol` is the
    venue's, as the log knew it, `instrument` ours; `order_qty` in the instrument's own units.
    """

    order: int
    cl_ord_id: int
    names: tuple[int, ...]
    session: str
    instrument: str
    symbol: str
    side: int
    order_qty: Decimal
    strategy: str = ""


class WorkingOrders:
    """Follows the log up to its last committed frame. `damage` says why it cannot any more."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._reader: LogReader | None = None
        self._routes: dict[int, tuple[int, int, int, int]] = {}
        self._states: dict[int, tuple[int, int]] = {}
        self._names: dict[int, tuple[int, ...]] = {}
        self._slices: dict[int, int] = {}  # an order's next slice, by its own ClOrdID
        self._symbols: dict[int, tuple[str, str, Decimal]] = {}
        self._sessions: dict[int, str] = {}
        self._strategies: dict[int, str] = {}
        self._torn = 0
        self.damage = ""

    def follow(self) -> bool:
        """Read one batch; whether there may be more. An order ends after it began, so that a
        batch's beginnings may be taken before its ends."""
        if self.damage or (self._reader is None and not self._begun()):
            return False
        try:
            reader = self._reader = self._reader or LogReader(
                self._log, types=TYPES, committed=True
            )
            if reader.status == "torn":
                self._torn += 1
                if self._torn % TORN_LOOKS == 0:
                    reader.look_again()
            batch = reader.read_batch(BATCH_FRAMES)
        except (core.LogError, ValueError, OSError) as error:
            self.damage = str(error)
            return False
        self._apply(batch)
        return not reader.at_end

    def _begun(self) -> bool:
        return any(self._log.glob("*.seg"))

    def _apply(self, batch: Batch) -> None:
        if not len(batch):
            return
        kinds = set(np.unique(batch.rows["type"]).tolist())
        if spec_of("DEFINITION").number in kinds:
            self._define(batch)
        if INSTRUCTIONS.number in kinds:
            fields = ["cl_ord_id", "order", "total_qty"]
            for name, order, total in batch.records(INSTRUCTIONS)[fields].tolist():
                if total and name != order:
                    self._slices[name] = order
        if SUBMITTED.number in kinds:
            fields = ["cl_ord_id", "order_qty", "session", "instrument", "side", "strategy"]
            for name, qty, *route in batch.records(SUBMITTED)[fields].tolist():
                order = self._slices.pop(name, name)
                self._begin(order, (*self._names.get(order, ()), name), qty, route)
        if ADOPTED.number in kinds:
            fields = ["order", "cl_ord_id", "order_qty", "session", "instrument", "side"]
            for order, name, qty, *route in batch.records(ADOPTED)[fields].tolist():
                self._begin(order, (name,) if name else (), qty, [*route, NO_ID])
        if REPLACE.number in kinds:
            for order, name in batch.records(REPLACE)[["order", "cl_ord_id"]].tolist():
                self._slices.pop(name, None)
                if order in self._names:
                    self._names[order] = (*self._names[order], name)
        if STATE.number in kinds:
            fields = ["order", "cl_ord_id", "to_state", "order_qty"]
            for order, newest, state, qty in batch.records(STATE)[fields].tolist():
                if state in ENDED:
                    self._states.pop(order, None)
                    self._routes.pop(order, None)
                    self._names.pop(order, None)
                elif order in self._routes:
                    self._states[order] = (newest if self._names[order] else 0, qty)

    def _begin(self, order: int, names: tuple[int, ...], qty: int, route: list[int]) -> None:
        session, instrument, side, strategy = route
        self._routes[order] = (session, instrument, side, strategy)
        self._names[order] = names
        self._states[order] = (names[-1] if names else 0, qty)

    def _define(self, batch: Batch) -> None:
        for frame in batch.frames():
            if frame.name != "DEFINITION":
                continue
            fields, said = frame.fields(), _json(frame.tail)
            if fields["kind"] == INSTRUMENT:
                own = said.get("symbol", "")
                step = Decimal(str(said.get("qty_increment", 1)))
                self._symbols[fields["id"]] = (own, said.get("venue_symbol") or own, step)
            elif fields["kind"] == STRATEGY:
                self._strategies[fields["id"]] = said.get("name", "")
            elif fields["kind"] == SESSION:
                self._sessions[fields["id"]] = said.get("name", "")

    def __len__(self) -> int:
        return len(self._states)

    def of(self, session: str) -> Iterator[Working]:
        """Those of a session, by its name in the configuration."""
        for order, (newest, qty) in self._states.items():
            number, instrument, side, strategy = self._routes[order]
            if self._sessions.get(number) == session:
                own, symbol, step = self._symbols.get(instrument, ("", "", Decimal(1)))
                yield Working(
                    order,
                    newest,
                    self._names[order],
                    session,
                    own,
                    symbol,
                    side,
                    qty * step,
                    self._strategies.get(strategy, ""),
                )


def _json(tail: bytes) -> dict[str, Any]:
    text = tail.rstrip(b"\0")
    return dict(json.loads(text)) if text else {}
