"""What the runtime says to its actors."""

from typing import Any

import msgspec

from daemon.model import RiskState, WorkerStatus


class Start(msgspec.Struct, frozen=True, gc=False):
    """Begin: everything that the actor may use is there."""

    ts_core: int


class Stop(msgspec.Struct, frozen=True, gc=False):
    """End; orders are cancelled by the host after the handler."""

    reason: str
    ts_core: int


class Timer(msgspec.Struct, frozen=True, gc=False):
    """A timer is due; `ts_core` may be later than `ts_due` when nothing happened in between."""

    name: str
    ts_due: int
    ts_core: int


class RequestWorker(msgspec.Struct, frozen=True):
    """A question to a worker process; the answer is a WorkerResult with the same id."""

    request_id: int
    function: str
    payload: Any


class WorkerResult(msgspec.Struct, frozen=True):
    """A worker's answer. `result` only when DONE, `error` says why otherwise."""

    request_id: int
    function: str
    status: WorkerStatus
    result: Any = None
    error: str = ""


class SessionState(msgspec.Struct, frozen=True, gc=False):
    """An order-entry session came or went."""

    session: str
    connected: bool
    logged_on: bool
    ts_core: int


class RiskStateChanged(msgspec.Struct, frozen=True, gc=False):
    """The risk state of a strategy changed, or the firm's where `strategy` is empty."""

    strategy: str
    state: RiskState
    armed: bool
    reason: str
    ts_core: int


class ParametersChanged(msgspec.Struct, frozen=True):
    """An operator changed parameters of a strategy at run time."""

    strategy: str
    parameters: dict[str, Any]
    ts_core: int
