"""The core's events as messages: one row a kind, the same numbers as `engine/events.hpp`.

An event is the tuple `(kind, strategy, instrument, values, text)`; `values` are fourteen integers
whose meaning the builders below state by unpacking them; the last two are, for events about orders,
sequence and `ts_core` of the record in the log. Ids are dense numbers, `NO_ID` for none.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec

from daemon.messages import (
    Bar,
    BookStateChanged,
    BookUpdate,
    CancelRejected,
    Command,
    ContingencyBroken,
    Fill,
    KernelDisarmed,
    OrderDenied,
    OrderUpdate,
    RiskStateChanged,
    SessionState,
    Trade,
    TriggerFired,
)
from daemon.model import (
    BookState,
    ClOrdId,
    DenyReason,
    FillKind,
    OrderEvent,
    OrderState,
    OrdStatus,
    RiskState,
    Side,
    TradingState,
)

NO_ID = 0xFFFFFFFF

# Members by number: a look-up costs a fifth of a call of the enumeration.
_SIDES = {int(each): each for each in Side}
_STATES = {int(each): each for each in OrderState}
_EVENTS = {int(each): each for each in OrderEvent}
_KINDS = {int(each): each for each in FillKind}
_REASONS = {int(each): each for each in DenyReason}

# The enumerations that messages made natively use, each as a list by number.
MEMBERS: Final = [
    [each.get(number) for number in range(max(each) + 1)]
    for each in (_SIDES, _STATES, _EVENTS, _KINDS)
]

RawEvent = tuple[int, int, int, tuple[int, ...], str]


class EventKind(IntEnum):
    """What happened: `pitwire::EventKind`."""

    BOOK = 0
    TRADE = 1
    BAR = 2
    TIMER = 3
    ORDER = 4
    FILL = 5
    DENIED = 6
    CANCEL_REJECTED = 7
    SESSION = 8
    BOOK_STATE = 9
    WORKER_RESULT = 10
    OPERATOR = 11
    KILLED = 12
    SNAPSHOT_WANTED = 13
    RISK_STATE = 14
    EXECUTION_UNMATCHED = 15
    RULE_STATE = 16
    CONNECTION = 17
    STATUS_ANSWERED = 18
    EPOCH = 19
    VENUE_POSITION = 20
    POSITIONS_ANSWERED = 21
    TRIGGER = 22
    KERNEL = 23
    CONTINGENCY = 24
    MASS_STATUS = 25
    LOG_SHORTER = 26


class TimerFired(msgspec.Struct, frozen=True, gc=False):
    """A native timer: the host knows its name."""

    timer_id: int
    ts_due: int
    ts_core: int


class WorkerAnswered(msgspec.Struct, frozen=True, gc=False):
    """A worker process answered a strategy's request."""

    request_id: int
    status: int
    content: str


class Killed(msgspec.Struct, frozen=True, gc=False):
    """The kill word was seen: every order from here on is denied, everything was cancelled."""

    uid: int
    ts_core: int


class SnapshotWanted(msgspec.Struct, frozen=True, gc=False):
    """An instrument's book is not whole; the edge is to fetch a snapshot.

    `difference` says how it differed from the venue's own best bid and ask; "" where updates are
    missing.
    """

    symbol: str
    difference: str = ""


class ExecutionUnmatched(msgspec.Struct, frozen=True, gc=False):
    """A report for an order that we do not know.

    `last_qty` is -1 for a trade whose quantity cannot be read; `order` our name for what it made
    known, 0 where it could not be taken in; `text` the ExecID, or what could not be read.
    """

    session: int
    cl_ord_id: int
    last_qty: int
    text: str
    order: int = 0
    raw_sequence: int = 0
    ts_core: int = 0


class ConnectionTold(msgspec.Struct, frozen=True, gc=False):
    """What happened to a session's connection; severity 0 is normal, 1 odd, 2 an error."""

    session: str
    severity: int
    text: str
    ts_core: int


class EpochBegun(msgspec.Struct, frozen=True, gc=False):
    """A process started on this log: no connection of the one before is left."""

    epoch: int
    ts_core: int


class StatusAnswered(msgspec.Struct, frozen=True, gc=False):
    """The venue answered what it knows of an order, beside ours once its answer was applied.

    Quantities in lots, prices in increments; price and order_qty 0 where the venue stated none.
    """

    order: int
    ord_status: int
    cum_qty: int
    leaves_qty: int
    price: int
    order_qty: int
    raw_sequence: int
    ts_core: int
    our_state: int
    our_cum_qty: int
    our_price: int
    our_order_qty: int


POSITION_UNREADABLE = 1


class VenuePosition(msgspec.Struct, frozen=True, gc=False):
    """What the venue says that a session holds of an instrument, beside ours at that moment.

    Quantities in lots, signed. `text` is the venue's symbol, or what could not be read.
    """

    instrument: int
    session: int
    request: int
    venue_qty: int
    net_qty: int
    lowest_qty: int
    highest_qty: int
    flags: int
    settl_px: int
    text: str
    raw_sequence: int = 0
    ts_core: int = 0

    @property
    def readable(self) -> bool:
        """Whether the quantities count."""
        return not self.flags & POSITION_UNREADABLE


class PositionsAnswered(msgspec.Struct, frozen=True, gc=False):
    """The venue has said all that it holds for a session, or refused to."""

    session: int
    request: int
    refused: bool
    reports: int
    text: str


class MassStatus(msgspec.Struct, frozen=True, gc=False):
    """One report of the venue's answer to a question for all orders, behind what it changed.

    `reports` are in the answer; 0 where there is no order, or, not being `last`, where the venue
    refused the question.
    """

    session: int
    request: int
    reports: int
    last: bool
    ts_core: int


class LogShorter(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a Logon: it has had messages of ours that our log does not have."""

    session: int
    our_next: int
    venue_next: int
    ts_core: int


class Names(msgspec.Struct, frozen=True):
    """What the dense ids of the log mean, in their order."""

    instruments: Sequence[str]
    strategies: Sequence[str]
    sessions: Sequence[str]


def _book(names: Names, event: RawEvent) -> BookUpdate:
    values = event[3]
    return BookUpdate(names.instruments[event[2]], values[0], values[1])


def _trade(names: Names, event: RawEvent) -> Trade:
    price, qty, aggressor, ts_event, ts_core = event[3][:5]
    symbol = names.instruments[event[2]]
    return Trade(symbol, price, qty, _SIDES[aggressor], ts_event, ts_core)


def _trigger(names: Names, event: RawEvent) -> TriggerFired:
    bits, ts_core = event[3][:2]
    return TriggerFired(names.instruments[event[2]], event[4], _double(bits), ts_core)


def _kernel(names: Names, event: RawEvent) -> KernelDisarmed:
    status, ts_core = event[3][:2]
    return KernelDisarmed(names.instruments[event[2]], event[4], status, ts_core)


def _contingency(names: Names, event: RawEvent) -> ContingencyBroken:
    order, first, excess_qty, ts_core = event[3][:4]
    symbol = names.instruments[event[2]]
    return ContingencyBroken(ClOrdId(order), ClOrdId(first), symbol, excess_qty, ts_core)


def _double(bits: int) -> float:
    value: float = struct.unpack("<d", struct.pack("<q", bits))[0]
    return value


def _bar(names: Names, event: RawEvent) -> Bar:
    interval, ts_open, first, high, low, last, volume, trades, bits = event[3][:9]
    symbol = names.instruments[event[2]]
    return Bar(symbol, interval, ts_open, first, high, low, last, volume, _double(bits), trades)


def _timer(_names: Names, event: RawEvent) -> TimerFired:
    timer_id, ts_due, ts_core = event[3][:3]
    return TimerFired(timer_id, ts_due, ts_core)


def _order(names: Names, event: RawEvent) -> OrderUpdate:
    order, cl_ord_id, side, before, after, what, price, qty, cum, leaves, tag, illegal = event[3][
        :12
    ]
    return OrderUpdate(
        order=ClOrdId(order),
        cl_ord_id=ClOrdId(cl_ord_id),
        symbol=names.instruments[event[2]],
        side=_SIDES[side],
        from_state=_STATES[before],
        state=_STATES[after],
        event=_EVENTS[what],
        price=price,
        order_qty=qty,
        cum_qty=cum,
        leaves_qty=leaves,
        tag=tag,
        illegal=bool(illegal),
    )


def _fill(names: Names, event: RawEvent) -> Fill:
    order, side, px, qty, aggressor, fee, position, realised, fees, kind, tag = event[3][:11]
    return Fill(
        order=ClOrdId(order),
        symbol=names.instruments[event[2]],
        side=_SIDES[side],
        last_px=px,
        last_qty=qty,
        aggressor=bool(aggressor),
        fee=fee,
        position=position,
        realised_pnl=realised,
        fees=fees,
        exec_id=event[4],
        kind=_KINDS[kind],
        tag=tag,
    )


def _denied(names: Names, event: RawEvent) -> OrderDenied:
    order, orig, side, qty, price, reason, value, limit, tag = event[3][:9]
    known = event[2] < len(names.instruments)
    return OrderDenied(
        order=ClOrdId(order),
        orig_order=ClOrdId(orig),
        symbol=names.instruments[event[2]] if known else "",
        side=_SIDES[side],
        qty=qty,
        price=price,
        reason=_REASONS[reason],
        value=value,
        limit=limit,
        tag=tag,
    )


def _cancel_rejected(names: Names, event: RawEvent) -> CancelRejected:
    order, cl_ord_id, response_to, ord_status, reason = event[3][:5]
    return CancelRejected(
        order=ClOrdId(order),
        cl_ord_id=ClOrdId(cl_ord_id),
        symbol=names.instruments[event[2]],
        response_to=response_to,
        ord_status=OrdStatus(ord_status),
        cxl_rej_reason=reason,
        text=event[4],
    )


def _session(names: Names, event: RawEvent) -> SessionState:
    session, connected, logged_on, ts_core = event[3][:4]
    return SessionState(names.sessions[session], bool(connected), bool(logged_on), ts_core)


def _book_state(names: Names, event: RawEvent) -> BookStateChanged:
    state, trading, ts_core = event[3][:3]
    symbol = names.instruments[event[2]]
    return BookStateChanged(symbol, BookState(state), TradingState(trading), ts_core)


def _worker(_names: Names, event: RawEvent) -> WorkerAnswered:
    return WorkerAnswered(event[3][0], event[3][1], event[4])


class _CommandText(msgspec.Struct):
    """The tail of an OPERATOR record."""

    name: str
    arguments: dict[str, Any]
    user: str
    role: str


_decode_command = msgspec.json.Decoder(_CommandText).decode


def _operator(_names: Names, event: RawEvent) -> Command:
    uid, pid, command_id, ts_core = event[3][:4]
    said = _decode_command(event[4])
    return Command(command_id, said.name, said.arguments, said.user, said.role, uid, pid, ts_core)


def _killed(_names: Names, event: RawEvent) -> Killed:
    return Killed(event[3][0], event[3][1])


def _snapshot_wanted(names: Names, event: RawEvent) -> SnapshotWanted:
    return SnapshotWanted(names.instruments[event[2]], _difference(event[3]))


def _difference(values: Sequence[int]) -> str:
    """In price and quantity increments, as BOOK_CHECKED has it."""
    update_id, *tops = values[:9]
    if update_id == 0:
        return ""
    book, announced = (
        f"{bid_qty} @ {bid_px} / {ask_qty} @ {ask_px}"
        for bid_px, bid_qty, ask_px, ask_qty in (tops[:4], tops[4:])
    )
    return f"at update {update_id} the book is {book}, the venue's {announced} (in increments)"


def _risk_state(names: Names, event: RawEvent) -> RiskStateChanged:
    state, armed, ts_core = event[3][:3]
    strategy = names.strategies[event[1]] if event[1] != NO_ID else ""
    return RiskStateChanged(strategy, RiskState(state), bool(armed), event[4], ts_core)


def _unmatched(_names: Names, event: RawEvent) -> ExecutionUnmatched:
    session, cl_ord_id, last_qty, order, raw_sequence, ts_core = event[3][:6]
    return ExecutionUnmatched(session, cl_ord_id, last_qty, event[4], order, raw_sequence, ts_core)


def _connection(names: Names, event: RawEvent) -> ConnectionTold:
    session, severity, ts_core = event[3][:3]
    return ConnectionTold(names.sessions[session], severity, event[4], ts_core)


def _epoch(_names: Names, event: RawEvent) -> EpochBegun:
    return EpochBegun(event[3][0], event[3][1])


def _status_answered(_names: Names, event: RawEvent) -> StatusAnswered:
    return StatusAnswered(*event[3][:12])


def _venue_position(_names: Names, event: RawEvent) -> VenuePosition:
    session, request, venue_qty, net, low, high, flags, settl_px, raw, ts_core = event[3][:10]
    return VenuePosition(
        instrument=event[2],
        session=session,
        request=request,
        venue_qty=venue_qty,
        net_qty=net,
        lowest_qty=low,
        highest_qty=high,
        flags=flags,
        settl_px=settl_px,
        text=event[4],
        raw_sequence=raw,
        ts_core=ts_core,
    )


def _positions_answered(_names: Names, event: RawEvent) -> PositionsAnswered:
    session, request, refused, reports = event[3][:4]
    return PositionsAnswered(session, request, bool(refused), reports, event[4])


def _mass_status(_names: Names, event: RawEvent) -> MassStatus:
    session, request, reports, last, ts_core = event[3][:5]
    return MassStatus(session, request, reports, bool(last), ts_core)


def _log_shorter(_names: Names, event: RawEvent) -> LogShorter:
    return LogShorter(*event[3][:4])


# What strategies alone hear is made natively, by position (`daemon.core.Delivery`).
DELIVERED: Final = (BookUpdate, Trade, TimerFired, OrderUpdate, Fill)

BUILDERS: dict[EventKind, Callable[[Names, RawEvent], msgspec.Struct]] = {
    EventKind.BOOK: _book,
    EventKind.TRADE: _trade,
    EventKind.BAR: _bar,
    EventKind.TIMER: _timer,
    EventKind.ORDER: _order,
    EventKind.FILL: _fill,
    EventKind.DENIED: _denied,
    EventKind.CANCEL_REJECTED: _cancel_rejected,
    EventKind.SESSION: _session,
    EventKind.BOOK_STATE: _book_state,
    EventKind.WORKER_RESULT: _worker,
    EventKind.OPERATOR: _operator,
    EventKind.KILLED: _killed,
    EventKind.SNAPSHOT_WANTED: _snapshot_wanted,
    EventKind.RISK_STATE: _risk_state,
    EventKind.EXECUTION_UNMATCHED: _unmatched,
    EventKind.CONNECTION: _connection,
    EventKind.STATUS_ANSWERED: _status_answered,
    EventKind.EPOCH: _epoch,
    EventKind.VENUE_POSITION: _venue_position,
    EventKind.POSITIONS_ANSWERED: _positions_answered,
    EventKind.TRIGGER: _trigger,
    EventKind.KERNEL: _kernel,
    EventKind.CONTINGENCY: _contingency,
    EventKind.MASS_STATUS: _mass_status,
    EventKind.LOG_SHORTER: _log_shorter,
}

_BY_NUMBER = tuple(BUILDERS.get(kind) for kind in EventKind)


def message_of(names: Names, event: RawEvent) -> msgspec.Struct:
    """The message that an event becomes. KeyError for a kind that has no row."""
    builder = _BY_NUMBER[event[0]]
    if builder is None:
        raise KeyError(EventKind(event[0]).name)
    return builder(names, event)
