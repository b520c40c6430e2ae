"""Kernels and triggers of the simulated context: run by the interpreter, update by update."""

from collections.abc import Callable, Iterator

import numpy as np

from daemon.messages import (
    ArmTrigger,
    DisarmRule,
    KernelDisarmed,
    NativeTrigger,
    RunKernel,
    TriggerFired,
)
from daemon.model import Comparison, Side, Signal
from daemon.strategy.kernels import InterpretedKernel, kernel_input
from daemon.strategy.simulated_context import Intent, SimulatedContext

Emit = Callable[[str, object], None]


class Crossing:
    """A trigger with what it remembers: `pitwire::NativeRule::crossed`."""

    def __init__(self, trigger: NativeTrigger) -> None:
        self.trigger = trigger
        self._beyond = False
        self._looked = False
        self._quiet_until = 0

    def fires(self, value: float, now: int) -> bool:
        """Look at the signal's value after an update; whether it crossed just now."""
        threshold, crosses = self.trigger.threshold, self.trigger.comparison is Comparison.CROSSES
        if crosses and (value != value or value == threshold):
            return False
        below = self.trigger.comparison is Comparison.BELOW
        beyond = value < threshold if below else value > threshold
        turned = self._looked and beyond != self._beyond if crosses else beyond > self._beyond
        self._beyond, self._looked = beyond, True
        if not turned or now < self._quiet_until:
            return False
        self._quiet_until = now + self.trigger.cooldown_ns
        return True


class SimulatedKernels:
    """Runs what a strategy asked for on every quote and trade; emits what the core would."""

    def __init__(self, context: SimulatedContext, emit: Emit) -> None:
        self._context = context
        self._emit = emit
        self._crossings: dict[str, Crossing] = {}
        self._updates: dict[str, int] = dict.fromkeys(context.instruments, 0)
        self._trades: dict[str, int] = dict.fromkeys(context.instruments, 0)

    def apply(self, intent: Intent) -> None:
        """What the core makes of a released intent about kernels and triggers."""
        if isinstance(intent, RunKernel):
            self._run(intent)
        elif isinstance(intent, ArmTrigger):
            self._crossings[intent.trigger.name] = Crossing(intent.trigger)
        elif isinstance(intent, DisarmRule):
            self._crossings.pop(intent.name, None)

    def _run(self, intent: RunKernel) -> None:
        kernels = self._context.signal_values[intent.symbol].kernels
        running = kernels.get(intent.name)
        if running is not None and running.armed:
            running.parameters = np.array(intent.parameters)
            return
        declared = next(each for each in self._context.kernels if each.name == intent.name)
        kernels[intent.name] = InterpretedKernel(declared, intent.parameters)

    def update(
        self, symbol: str, price: int = 0, qty: int = 0, aggressor: Side = Side.NONE
    ) -> None:
        """A quote or, with a quantity, a trade: kernels first, then triggers."""
        now = self._context.now
        if qty:
            self._trades[symbol] += 1
        else:
            self._updates[symbol] += 1
        signals = self._context.signal_values[symbol]
        for name, running in sorted(signals.kernels.items()):
            if not running.update(self._input(symbol, price, qty, aggressor)):
                self._forget(name, symbol)
                self._emit("on_kernel", KernelDisarmed(symbol, name, running.status, now))
        for crossing in self._crossings.values():
            trigger = crossing.trigger
            if trigger.symbol != symbol:
                continue
            named = trigger.signal
            value = signals[named.name.lower() if isinstance(named, Signal) else named]
            if crossing.fires(value, now):
                self._emit("on_trigger", TriggerFired(symbol, trigger.name, value, now))

    def _forget(self, kernel: str, symbol: str) -> None:
        """What stands on the value of a kernel is disarmed with it."""
        for name, rule in list(self._context.rules.items()):
            if rule.signal == kernel and rule.symbol == symbol:
                del self._context.rules[name]
                self._crossings.pop(name, None)

    def _input(self, symbol: str, price: int, qty: int, aggressor: Side) -> np.recarray:
        book = self._context.books[symbol]
        signals = self._context.signal_values[symbol]
        native = {name: signals[name] for name in _signal_names()}
        return kernel_input(
            ts_core=self._context.now,
            ts_event=book.ts_event,
            bid_px=book.bid_px,
            bid_qty=book.bid_qty,
            ask_px=book.ask_px,
            ask_qty=book.ask_qty,
            trade_px=price,
            trade_qty=qty,
            trade_side=int(aggressor),
            updates=self._updates[symbol],
            trades=self._trades[symbol],
            **native,
        )


def _signal_names() -> Iterator[str]:
    return (each.name.lower() for each in Signal)
