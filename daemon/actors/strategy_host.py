"""Runs one strategy: hands it messages, releases what it asked for, and contains its failures.

A handler that raises loses what it asked for in that call; the strategy's orders are cancelled,
it is stopped, and it can be started again alone while the others trade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from daemon.actors.strategy_context import HostContext
from daemon.core import Core
from daemon.messages import (
    Bar,
    BookStateChanged,
    BookUpdate,
    CancelRejected,
    ContingencyBroken,
    Fill,
    KernelDisarmed,
    OrderDenied,
    OrderUpdate,
    ParametersChanged,
    RiskStateChanged,
    SessionState,
    Start,
    Stop,
    Trade,
    TriggerFired,
    WorkerResult,
)
from daemon.model import CancelReason, StrategyStatus, WorkerStatus
from daemon.runtime.effects import Effects, RunWorker, Tell
from daemon.runtime.events import TimerFired, WorkerAnswered
from daemon.strategy import AnyStrategy, Parameters, StateError, decode_parameters


class StrategyHost:
    """The actor around one strategy."""

    def __init__(
        self,
        core: Core,
        strategy_id: int,
        strategy_class: type[AnyStrategy],
        parameters: Parameters,
        context: HostContext,
        session: int,
        effects: Effects,
    ) -> None:
        self.name = context.name
        self.strategy_id = strategy_id
        self.session = session
        self.status = StrategyStatus.STOPPED
        self.failure = ""
        self._core = core
        self._class = strategy_class
        self._parameters = parameters
        self._context = context
        self._effects = effects
        self._functions: dict[int, str] = {}
        self._kept = b""
        self._strategy: AnyStrategy | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            Start: self._start,
            Stop: self._stop,
            ParametersChanged: self._change_parameters,
        }
        self._market: dict[type, str] = {
            BookUpdate: "on_book",
            Trade: "on_trade",
            Bar: "on_bar",
            BookStateChanged: "on_book_state",
            TriggerFired: "on_trigger",
            KernelDisarmed: "on_kernel",
            OrderUpdate: "on_order",
            Fill: "on_fill",
            OrderDenied: "on_denied",
            CancelRejected: "on_cancel_rejected",
            ContingencyBroken: "on_contingency",
            SessionState: "on_session",
            RiskStateChanged: "on_risk",
        }

    # ------------------------------------------------------------------ messages

    def handle(self, message: msgspec.Struct) -> None:
        """Deliver a message to the strategy; it never raises for what the strategy does."""
        handler = self._handlers.get(type(message))
        if handler is None:
            return
        try:
            handler(message)
        except Exception as error:
            self.fail(error)
            return
        if self._context.calls:
            self._context.release()
            self._ask_workers()

    def fail(self, error: Exception) -> None:
        """Discard what the failing handler asked for, cancel the orders, stop the strategy."""
        self._context.discard()
        self._context.requested.clear()
        self.failure = f"{type(error).__name__}: {error}"
        self._effects.add(Tell("error", "strategy failed", {"strategy": self.name}, error))
        self._end(StrategyStatus.FAILED, CancelReason.STRATEGY_FAILED, self.failure)

    @property
    def parameters(self) -> dict[str, Any]:
        """Plain values, as an operator sees them."""
        values: dict[str, Any] = msgspec.to_builtins(self._parameters)
        return values

    def check_parameters(self, changes: Mapping[str, Any]) -> Parameters:
        """The parameters with these changes. ParameterError names the key and the reason."""
        parameters: Parameters = self._class.merged_parameters(self._parameters, changes)
        return parameters

    # ------------------------------------------------------------------ life

    def keep(self, state: bytes) -> None:
        """The first start begins with this declared state, where it fits; empty: flat."""
        self._kept = state

    def _start(self, _message: Start) -> None:
        if self.status is StrategyStatus.RUNNING:
            return
        strategy, reason = self._new_strategy()
        self._adopt(strategy)
        self.failure = ""
        self._set_status(StrategyStatus.RUNNING, reason)
        strategy.on_start()

    def _new_strategy(self) -> tuple[AnyStrategy, str]:
        """In its initial state, or in the one that is kept for its first start."""
        strategy = self._class(self._context, self._parameters)
        kept, self._kept = self._kept, b""
        if not kept:
            return strategy, ""
        try:
            strategy.restore(kept)
        except StateError as error:
            said = {"strategy": self.name, "reason": str(error)}
            self._effects.add(Tell("warning", "declared state not kept", said))
            return self._class(self._context, self._parameters), f"flat: {error}"
        return strategy, "declared state kept"

    def _adopt(self, strategy: AnyStrategy) -> None:
        self._strategy = strategy
        self._handlers[TimerFired] = self._timer
        self._handlers[WorkerAnswered] = self._worker
        for message_type, name in self._market.items():
            self._handlers[message_type] = getattr(strategy, name)

    def _stop(self, message: Stop) -> None:
        if self._strategy is None:
            return
        self._strategy.on_stop(message.reason)
        self._context.release()
        self._end(StrategyStatus.STOPPED, CancelReason.OPERATOR, message.reason)

    def _end(self, status: StrategyStatus, reason: CancelReason, text: str) -> None:
        self._strategy = None
        self._functions.clear()  # nobody waits any more
        for message_type in (*self._market, TimerFired, WorkerAnswered):
            self._handlers.pop(message_type, None)
        self._core.forget_strategy(self.strategy_id)
        self._core.cancel_all(self.strategy_id, None, int(reason))
        self._set_status(status, text)

    def _set_status(self, status: StrategyStatus, reason: str) -> None:
        self.status = status
        content = msgspec.json.encode({"parameters": self.parameters, "reason": reason})
        self._core.strategy_state(self.strategy_id, int(status), content)

    def _change_parameters(self, message: ParametersChanged) -> None:
        previous = self._parameters
        self._parameters = self.check_parameters(message.parameters)
        if self._strategy is not None:
            self._strategy.parameters = self._parameters
            self._strategy.on_parameters(previous)
        self._set_status(self.status, "parameters changed")

    # ------------------------------------------------------------------ timers, workers

    def _timer(self, message: TimerFired) -> None:
        name = self._context.timer_name(message.timer_id)
        if name is not None and self._strategy is not None:
            self._strategy.on_timer(name)

    def _ask_workers(self) -> None:
        for request_id, function, payload in self._context.requested:
            content = msgspec.json.encode({"function": function, "payload": payload})
            self._core.worker_request(request_id, self.strategy_id, content)
            self._functions[request_id] = function
            self._effects.add(RunWorker(request_id, self.strategy_id, function, payload))
        self._context.requested.clear()

    @property
    def open_requests(self) -> list[int]:
        """What the strategy asked of workers and waits for."""
        return sorted(self._functions) if self._strategy is not None else []

    def _worker(self, message: WorkerAnswered) -> None:
        function = self._functions.pop(message.request_id, None)
        if function is None or self._strategy is None:
            return
        status = WorkerStatus(message.status)
        content = msgspec.json.decode(message.content)
        if status is WorkerStatus.DONE:
            result = WorkerResult(message.request_id, function, status, result=content)
        else:
            result = WorkerResult(message.request_id, function, status, error=str(content))
        self._strategy.on_worker(result)

    # ------------------------------------------------------------------ checkpoints

    def save(self) -> dict[str, Any]:
        """The declared state and what the host keeps beside it."""
        return {
            "status": int(self.status),
            "failure": self.failure,
            "kept": self._kept,
            "parameters": self.parameters,
            "context": self._context.save(),
            "requests": {str(k): v for k, v in sorted(self._functions.items())},
            "state": self._strategy.checkpoint() if self._strategy is not None else b"",
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `save`, without a word to the log."""
        self._parameters = decode_parameters(self._class.Parameters, saved["parameters"])
        self._context.restore(saved["context"])
        self._functions = {int(k): v for k, v in saved["requests"].items()}
        self.status = StrategyStatus(saved["status"])
        self.failure = saved["failure"]
        self._kept = saved["kept"]
        if self.status is not StrategyStatus.RUNNING:
            return
        strategy = self._class(self._context, self._parameters)
        self._adopt(strategy)
        strategy.restore(saved["state"])
