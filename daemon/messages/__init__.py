"""Every message an actor can get: immutable, grouped by who speaks."""

from daemon.messages.execution import CancelRejected, Fill, OrderDenied, OrderUpdate
from daemon.messages.market import (
    Bar,
    BookStateChanged,
    BookUpdate,
    KernelDisarmed,
    Trade,
    TriggerFired,
)
from daemon.messages.operator import Command, Reply
from daemon.messages.orders import (
    ArmRule,
    ArmTrigger,
    CancelAll,
    CancelOrder,
    DisarmRule,
    NativeRule,
    NativeTrigger,
    OrderIntent,
    ReplaceOrder,
    RunKernel,
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
    "ArmTrigger",
    "Bar",
    "BookStateChanged",
    "BookUpdate",
    "CancelAll",
    "CancelOrder",
    "CancelRejected",
    "Command",
    "DisarmRule",
    "Fill",
    "KernelDisarmed",
    "NativeRule",
    "NativeTrigger",
    "OrderDenied",
    "OrderIntent",
    "OrderUpdate",
    "ParametersChanged",
    "ReplaceOrder",
    "Reply",
    "RequestWorker",
    "RiskStateChanged",
    "RunKernel",
    "SessionState",
    "Start",
    "Stop",
    "SubmitOrder",
    "Timer",
    "Trade",
    "TriggerFired",
    "WorkerResult",
]
