"""Values with units: instruments, prices, money, identities, enumerations."""

from daemon.model.durations import SECOND_NS, ns_of
from daemon.model.enums import (
    TERMINAL_STATES,
    BookState,
    CancelReason,
    Comparison,
    DenyReason,
    ExecType,
    FillKind,
    OrderEvent,
    OrderFlag,
    OrderState,
    OrdStatus,
    OrdType,
    ProductType,
    RiskState,
    Side,
    Signal,
    StrategyStatus,
    TimeInForce,
    TradingState,
    WorkerStatus,
    opposite,
    sign,
)
from daemon.model.identity import ClOrdId, cl_ord_id_text, make_cl_ord_id, parse_cl_ord_id
from daemon.model.instrument import FeeRule, Instrument, TickBand
from daemon.model.levels import Level
from daemon.model.money import Money
from daemon.model.session_hours import SessionHours

__all__ = [
    "SECOND_NS",
    "TERMINAL_STATES",
    "BookState",
    "CancelReason",
    "ClOrdId",
    "Comparison",
    "DenyReason",
    "ExecType",
    "FeeRule",
    "FillKind",
    "Instrument",
    "Level",
    "Money",
    "OrdStatus",
    "OrdType",
    "OrderEvent",
    "OrderFlag",
    "OrderState",
    "ProductType",
    "RiskState",
    "SessionHours",
    "Side",
    "Signal",
    "StrategyStatus",
    "TickBand",
    "TimeInForce",
    "TradingState",
    "WorkerStatus",
    "cl_ord_id_text",
    "make_cl_ord_id",
    "ns_of",
    "opposite",
    "parse_cl_ord_id",
    "sign",
]
