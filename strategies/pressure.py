"""Goes with the pressure at the touch: a signal of its own, compiled, and triggers that wake it.

`pressure` is the queue imbalance averaged over time, whatever the spacing of updates. The core
computes it on every update; the strategy sleeps until it crosses one of three thresholds:

| trigger | when                               | target       |
| ------- | ---------------------------------- | ------------ |
| up      | pressure rises above `enter`       | long `qty`   |
| down    | pressure falls below -`enter`      | short `qty`  |
| calm    | pressure crosses 0                 | flat         |
"""

import math
from typing import Annotated

from msgspec import Meta

from daemon.messages import KernelDisarmed, NativeTrigger, OrderDenied, OrderUpdate, TriggerFired
from daemon.model import Comparison, ns_of
from daemon.strategy import (
    Doubles,
    KernelUpdate,
    Parameters,
    State,
    Strategy,
    TargetTaker,
    kernel,
    may_trade,
)

AtLeastOne = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
KERNEL = "pressure"


@kernel(state=1, parameters=1)
def pressure(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
    """Queue imbalance, decayed over `parameters[0]` ns; an empty side counts as no pressure."""
    if update.trade_qty == 0:
        weight = math.exp(-update.dt_ns / parameters[0])
        state[0] = weight * state[0] + (1.0 - weight) * update.imbalance
    out[0] = state[0]
    return 0


class Leaning(Parameters, frozen=True, kw_only=True):
    """Pressure in [-1, 1], distances in price increments."""

    symbol: str
    qty: AtLeastOne = 1
    tau_s: Positive = 1.0
    enter: Annotated[float, Meta(gt=0, lt=1)] = 0.4
    slippage_ticks: AtLeastOne = 1
    retry_s: Positive = 0.25


class Memory(State):
    """Where it wants to be, and the order on the way there."""

    target: int = 0
    taker: TargetTaker | None = None


class Pressure(Strategy[Leaning, Memory]):
    """Long, short or flat in one instrument."""

    kernels = (pressure,)
    fixed_parameters = ("symbol",)

    def on_start(self) -> None:
        self.state.taker = TargetTaker(self.parameters.symbol)
        self.on_restore()
        self.context.set_timer("work", every_ns=ns_of(self.parameters.retry_s))
        self.on_parameters(self.parameters)

    def on_restore(self) -> None:
        self.book = self.context.book(self.parameters.symbol)
        self.signals = self.context.signals(self.parameters.symbol)

    def on_parameters(self, previous: Leaning) -> None:
        of = self.parameters
        self.context.run_kernel(of.symbol, KERNEL, float(ns_of(of.tau_s)))
        self._arm("up", Comparison.ABOVE, of.enter)
        self._arm("down", Comparison.BELOW, -of.enter)
        self._arm("calm", Comparison.CROSSES, 0.0)

    def _arm(self, name: str, comparison: Comparison, threshold: float) -> None:
        self.context.arm_trigger(
            NativeTrigger(
                name=name,
                symbol=self.parameters.symbol,
                signal=KERNEL,
                comparison=comparison,
                threshold=threshold,
            )
        )

    def on_trigger(self, fired: TriggerFired) -> None:
        side = {"up": 1, "down": -1, "calm": 0}[fired.name]
        self.state.target = side * self.parameters.qty
        self._work()

    def on_kernel(self, disarmed: KernelDisarmed) -> None:
        self.context.note(f"{disarmed.name} was disarmed by {disarmed.status}: flat from here on")
        self.state.target = 0
        self._work()

    def on_timer(self, name: str) -> None:
        self._work()

    def _work(self) -> None:
        of = self.parameters
        if self.state.taker is not None and may_trade(self.book):
            self.state.taker.work(
                self.context, self.state.target, of.slippage_ticks, ns_of(of.retry_s)
            )

    def on_order(self, update: OrderUpdate) -> None:
        if self.state.taker is not None:
            self.state.taker.on_order(update)

    def on_denied(self, denied: OrderDenied) -> None:
        if self.state.taker is not None:
            self.state.taker.on_denied(denied)
