"""The enumerations of the log's schema, as strategies and actors use them.

They are made from `native/schema/records.toml`, so a number means the same in C++, in the
log and here. `Signal` and `Comparison` name what a native rule may watch.
"""

from enum import IntEnum

from daemon.core import (
    BookState,
    CancelReason,
    ContingencyType,
    CopyMatch,
    DenyReason,
    ExecType,
    HeldStatus,
    OrderEvent,
    OrderFlag,
    OrderState,
    OrdStatus,
    OrdType,
    PegOffsetType,
    ProductType,
    QueueState,
    RiskState,
    Side,
    StrategyStatus,
    TimeInForce,
    TradingState,
    TriggerPriceType,
)

__all__ = [
    "TERMINAL_STATES",
    "BookState",
    "CancelReason",
    "Comparison",
    "ContingencyType",
    "CopyMatch",
    "DenyReason",
    "ExecType",
    "FillKind",
    "HeldStatus",
    "OrdStatus",
    "OrdType",
    "OrderEvent",
    "OrderFlag",
    "OrderState",
    "PegOffsetType",
    "ProductType",
    "QueueState",
    "RiskState",
    "Side",
    "Signal",
    "StrategyStatus",
    "TimeInForce",
    "TradingState",
    "TriggerPriceType",
    "WorkerStatus",
    "opposite",
    "sign",
]

TERMINAL_STATES = frozenset(
    {
        OrderState.DENIED,
        OrderState.NOT_SENT,
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.DONE_FOR_DAY,
    }
)


class Signal(IntEnum):
    """A native signal, by the number that the core stores it under (`market/signals.hpp`)."""

    MID = 0
    MICROPRICE = 1
    SPREAD = 2
    IMBALANCE = 3
    OFI = 4
    VOLATILITY = 5
    TRADE_FLOW = 6
    TRADE_RATE = 7


class Comparison(IntEnum):
    """When a native rule or trigger fires, compared with its threshold.

    CROSSES: in either direction, from one side to the other.
    """

    ABOVE = 0
    BELOW = 1
    CROSSES = 2


class FillKind(IntEnum):
    """What a booked trade is: the `kind` of the log's FILL record."""

    FILL = 0
    BUST = 1
    CORRECTION = 2


class WorkerStatus(IntEnum):
    """How a worker process answered: the `status` of the log's WORKER_RESULT record."""

    DONE = 0
    FAILED = 1
    TIMED_OUT = 2


def opposite(side: Side) -> Side:
    """The other side. ValueError for `Side.NONE`."""
    if side is Side.BUY:
        return Side.SELL
    if side is Side.SELL:
        return Side.BUY
    raise ValueError("side NONE has no opposite")


def sign(side: Side) -> int:
    """+1 for a buy, -1 for a sell: what a fill of one lot does to a position."""
    return 1 if side is Side.BUY else -1
