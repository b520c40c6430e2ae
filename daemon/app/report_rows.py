"""Native orders, fills, positions and markets as the rows of replies.

Exact decimals in natural units; averages, which need not be exact, get four digits more than the
price increment has.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from daemon.app.order_life import Life, LoggedStep
from daemon.app.recent import FillNote, StepNote
from daemon.core import NativeOrder, NativePosition
from daemon.messages.replies import FillRow, OrderRow, OrderStep, PositionRow
from daemon.model import (
    DenyReason,
    HeldStatus,
    Instrument,
    Money,
    OrderFlag,
    OrderState,
    OrdType,
    Side,
    TimeInForce,
    TriggerPriceType,
    cl_ord_id_text,
)
from daemon.runtime.events import NO_ID, Names
from daemon.runtime.views import NO_PX, STOPS

AVERAGE_DIGITS: Final = 4
ORDER_FIELDS: Final = (
    "cl_ord_id", "order_id", "instrument", "strategy", "session", "side", "ord_type",
    "time_in_force", "flags", "state", "price", "stop_px", "order_qty", "cum_qty", "leaves_qty",
)  # fmt: skip


def price_text(instrument: Instrument, px: int) -> str:
    """An exact price."""
    return f"{instrument.price_of(px):f}"


def qty_text(instrument: Instrument, qty: int) -> str:
    """An exact quantity."""
    return f"{instrument.qty_of(qty):f}"


def average_text(instrument: Instrument, px: float) -> str | None:
    """An average price, counted in price increments; None where there is none."""
    if not math.isfinite(px):
        return None
    exponent = instrument.price_increment.as_tuple().exponent
    digits = Decimal(1).scaleb(min(int(exponent), 0) - AVERAGE_DIGITS)
    price = Decimal(px) * instrument.price_increment
    return f"{price.quantize(digits, ROUND_HALF_EVEN):f}"


def money_of(instrument: Instrument, units: int) -> Decimal:
    """An exact amount of the settlement currency."""
    return Money(units, instrument.settlement_currency, instrument.money_scale).amount


def money_text(instrument: Instrument, units: int) -> str:
    """The same as text."""
    return f"{money_of(instrument, units):f}"


def order_text(cl_ord_id: int) -> str:
    """A ClOrdID for people; empty for none."""
    return cl_ord_id_text(cl_ord_id) if cl_ord_id else ""


def held_text(native: NativeOrder) -> str:
    """What the daemon does for an order now: what a HELD one waits for in the enumerations' words,
    which slice of an iceberg is at the venue; "" for every other."""
    status = HeldStatus(native.held)
    if native.slice is not None and status is HeldStatus.NONE and native.leaves_qty:
        qty, filled = native.slice
        return f"SLICE {filled}/{qty} lots shown"
    if status is HeldStatus.GATE:
        return f"GATE {DenyReason(native.waits_for).name}"
    if status is HeldStatus.TRIGGER and native.terms is not None:
        trigger = TriggerPriceType(native.terms[1]) or TriggerPriceType.LAST_TRADE
        return f"TRIGGER {trigger.name}"
    return "" if status is HeldStatus.NONE else status.name


class Rows:
    """Makes rows; knows what ids mean."""

    def __init__(self, names: Names, instruments: list[Instrument]) -> None:
        self._names = names
        self._instruments = instruments
        self._by_symbol = {each.symbol: each for each in instruments}

    def strategy(self, number: int) -> str:
        """A strategy's name, "" for none."""
        return "" if number == NO_ID else self._names.strategies[number]

    # ------------------------------------------------------------------ orders

    def order(self, native: NativeOrder, steps: list[StepNote]) -> OrderRow:
        """An order as it stands; times where its steps are known."""
        found = {name: getattr(native, name) for name in ORDER_FIELDS}
        submitted = steps[0] if steps and steps[0].update.from_state is OrderState.NONE else None
        return self._order(
            native.order,
            found,
            held=held_text(native),
            average=native.avg_px if native.cum_qty else math.nan,
            ts_submitted=submitted.ts_core if submitted else 0,
            ts_state=steps[-1].ts_core if steps else 0,
        )

    def logged_order(self, life: Life) -> OrderRow:
        """An order of the log, which the order table no longer has, or never had: a denied one."""
        request, state = life.request or {}, life.state
        fallen = {"cum_qty": 0, "leaves_qty": 0, "state": OrderState.DENIED}
        newest = {**fallen, **request, **state, "order_id": life.order_id}
        if state:
            newest["state"] = state["to_state"]
        quantity = sum(frame.fields()["last_qty"] for frame in life.fills)
        value = sum(f["last_px"] * f["last_qty"] for f in (each.fields() for each in life.fills))
        return self._order(
            life.cl_ord_ids[0],
            newest,
            average=value / quantity if quantity else math.nan,
            ts_submitted=life.steps[0].ts_core if life.steps else 0,
            ts_state=life.steps[-1].ts_core if life.steps else 0,
        )

    def _order(
        self,
        order: int,
        found: dict[str, Any],
        *,
        average: float,
        ts_submitted: int,
        ts_state: int,
        held: str = "",
    ) -> OrderRow:
        instrument = self._instruments[found["instrument"]]
        ord_type = OrdType(found["ord_type"])
        state = OrderState(found["state"])
        has_stop = ord_type in STOPS and found["stop_px"] != NO_PX
        has_limit = ord_type in (OrdType.LIMIT, OrdType.STOP_LIMIT)
        return OrderRow(
            order=order_text(order),
            cl_ord_id=order_text(found["cl_ord_id"] or order),
            order_id=found["order_id"],
            symbol=instrument.symbol,
            strategy=self.strategy(found["strategy"]),
            session=self._names.sessions[found["session"]],
            side=Side(found["side"]).name,
            ord_type=ord_type.name,
            time_in_force=TimeInForce(found["time_in_force"]).name,
            state=state.name,
            order_qty=qty_text(instrument, found["order_qty"]),
            cum_qty=qty_text(instrument, found["cum_qty"]),
            leaves_qty=qty_text(instrument, found["leaves_qty"]),
            price=price_text(instrument, found["price"]) if has_limit else None,
            stop_px=price_text(instrument, found["stop_px"]) if has_stop else None,
            avg_px=average_text(instrument, average),
            held=held,
            flags=[flag.name or "" for flag in OrderFlag if flag and flag & found["flags"]],
            ts_submitted=ts_submitted,
            ts_state=ts_state,
        )

    def step(self, note: StepNote) -> OrderStep:
        """A step that is still in memory."""
        update = note.update
        return OrderStep(
            sequence=note.sequence,
            ts_core=note.ts_core,
            event=update.event.name,
            from_state=update.from_state.name,
            to_state=update.state.name,
            cl_ord_id=order_text(update.cl_ord_id),
            text="not allowed by the state table" if update.illegal else "",
        )

    def logged_step(self, step: LoggedStep) -> OrderStep:
        """A step of the log."""
        return OrderStep(
            sequence=step.sequence,
            ts_core=step.ts_core,
            event=step.event.name,
            from_state=step.from_state.name,
            to_state=step.to_state.name,
            cl_ord_id=order_text(step.cl_ord_id),
            text=step.text,
        )

    # ------------------------------------------------------------------ fills, positions

    def fill(self, note: FillNote) -> FillRow:
        """A trade of ours."""
        fill = note.fill
        instrument = self._by_symbol[fill.symbol]
        return FillRow(
            ts_core=note.ts_core,
            sequence=note.sequence,
            order=order_text(fill.order),
            exec_id=fill.exec_id,
            symbol=fill.symbol,
            strategy=self.strategy(note.strategy),
            side=fill.side.name,
            last_px=price_text(instrument, fill.last_px),
            last_qty=qty_text(instrument, fill.last_qty),
            fee=money_text(instrument, fill.fee),
            currency=instrument.settlement_currency,
            aggressor=fill.aggressor,
            kind=fill.kind.name.lower(),
        )

    def position(self, instrument: Instrument, strategy: int, held: NativePosition) -> PositionRow:
        """A position of a strategy, or of all."""
        mark, net = held.mark_px, held.net_qty
        unmarked = mark is None and net != 0
        return PositionRow(
            symbol=instrument.symbol,
            strategy=self.strategy(strategy),
            qty=qty_text(instrument, net),
            qty_low=qty_text(instrument, held.lowest_qty),
            qty_high=qty_text(instrument, held.highest_qty),
            currency=instrument.settlement_currency,
            realised=money_text(instrument, held.realised_pnl),
            fees=money_text(instrument, held.fees),
            unrealised=None if unmarked else money_text(instrument, held.unrealised_pnl),
            avg_px=average_text(instrument, held.avg_px),
            mark_px=None if mark is None else price_text(instrument, mark),
        )
