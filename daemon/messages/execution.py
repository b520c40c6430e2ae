"""What became of our orders. Prices in increments, quantities in lots, fees in money units."""

import msgspec

from daemon.model import (
    TERMINAL_STATES,
    ClOrdId,
    DenyReason,
    FillKind,
    OrderEvent,
    OrderState,
    OrdStatus,
    Side,
)


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """An order after an event: the log's ORDER_STATE with what the strategy gave it."""

    order: ClOrdId
    cl_ord_id: ClOrdId
    symbol: str
    side: Side
    from_state: OrderState
    state: OrderState
    event: OrderEvent
    price: int
    order_qty: int
    cum_qty: int
    leaves_qty: int
    tag: int = 0
    illegal: bool = False

    @property
    def is_terminal(self) -> bool:
        """Nothing more is expected of it; a late fill may still come and is booked."""
        return self.state in TERMINAL_STATES


class Fill(msgspec.Struct, frozen=True, gc=False):
    """A trade of ours, booked, with the strategy's position in the instrument after it.

    `last_qty` is negative for a bust. `realised_pnl` (before fees) and `fees` are totals.
    """

    order: ClOrdId
    symbol: str
    side: Side
    last_px: int
    last_qty: int
    aggressor: bool
    fee: int
    position: int
    realised_pnl: int
    fees: int
    exec_id: str
    kind: FillKind = FillKind.FILL
    tag: int = 0


class OrderDenied(msgspec.Struct, frozen=True, gc=False):
    """Our own risk said no: the order, or the change to it, never left.

    `value` is what the failed check measured and `limit` what it may be, in the check's unit.
    `order` is the ClOrdID that the request would have had. For a replace `orig_order` names the
    order, which lives on unchanged; 0 for a new one.
    """

    order: ClOrdId
    orig_order: ClOrdId
    symbol: str
    side: Side
    qty: int
    price: int
    reason: DenyReason
    value: int
    limit: int
    tag: int = 0


class ContingencyBroken(msgspec.Struct, frozen=True, gc=False):
    """More of a list traded than it allows: two of its orders were filled before one could be
    cancelled. `order` traded last, by `excess_qty` lots too much; `list` is its first order."""

    order: ClOrdId
    list: ClOrdId
    symbol: str
    excess_qty: int
    ts_core: int


class CancelRejected(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a cancel (`response_to` 1) or a replace (2); the order lives on."""

    order: ClOrdId
    cl_ord_id: ClOrdId
    symbol: str
    response_to: int
    ord_status: OrdStatus
    cxl_rej_reason: int
    text: str
