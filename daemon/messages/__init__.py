"""Every message an actor can get: immutable, grouped by who speaks."""

from daemon.messages.execution import CancelRejected, Fill, OrderDenied, OrderUpdate
from daemon.messages.market import Bar, BookStateChanged, BookUpdate, Trade
from daemon.messages.operator import Command, Reply
from daemon.messages.orders import (
    ArmRule,
    CancelAll,
    CancelOrder,
    DisarmRule,
    NativeRule,
    OrderIntent,
    ReplaceOrder,
    SubmitOrder,
)
from daemon.messages.system import (
    ParametersChanged,
    RequestWorker,
    RiskStateChanged,
    SessionState,
    Start,
    Stop,
    Timer,
    WorkerResult,
)

__all__ = [
    "ArmRule",
    "Bar",
    "BookStateChanged",
    "BookUpdate",
    "CancelAll",
    "CancelOrder",
    "CancelRejected",
    "Command",
    "DisarmRule",
    "Fill",
    "NativeRule",
    "OrderDenied",
    "OrderIntent",
    "OrderUpdate",
    "ParametersChanged",
    "ReplaceOrder",
    "Reply",
    "RequestWorker",
    "RiskStateChanged",
    "SessionState",
    "Start",
    "Stop",
    "SubmitOrder",
    "Timer",
    "Trade",
    "WorkerResult",
]
