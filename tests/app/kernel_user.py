"""Strategies for tests of kernels in the running core."""

import math

from daemon.messages import KernelDisarmed, NativeTrigger, TriggerFired
from daemon.model import Comparison, Signal
from daemon.strategy import Doubles, KernelUpdate, Parameters, State, Strategy, kernel


@kernel(state=3, parameters=2)
def mixed(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
    """A bit of everything: branches, a loop, divisions by zero, integers and libm."""
    weight = math.exp(-update.dt_ns / parameters[0])
    state[0] = weight * state[0] + (1.0 - weight) * update.imbalance
    state[1] += update.trade_qty * (3 - 2 * update.trade_side)
    size = 0.0
    for place in range(3):
        size += state[place] * state[place]
    state[2] = math.sqrt(size) / 3.0
    if update.bid_qty > 0 and update.ask_qty > 0:
        state[2] += update.microprice - (update.bid_px + update.ask_px) // 2
    out[0] = state[2] * parameters[1] + update.ofi / (1.0 + update.trade_rate)
    return 0


@kernel(state=1, parameters=1)
def counter(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
    """Updates so far; answers as an index out of range, NaN or a status where it is told to."""
    state[0] += 1.0
    out[0] = state[0] + parameters[0]
    if update.bid_qty == 70:
        return 7
    if update.bid_qty == 80:
        out[0] = math.nan
    if update.bid_qty == 90:
        state[update.bid_qty] = 1.0
    return 0


class Counting(Parameters, frozen=True, kw_only=True):
    """The trigger wakes above `above` updates; `scale` is added to the count."""

    symbol: str
    above: float = 3.0
    scale: float = 0.0


class Memory(State):
    """What woke it, and what its views showed then."""

    woken: list[tuple[str, float, float, int]] = []  # noqa: RUF012  msgspec copies it
    disarmed: list[tuple[str, int]] = []  # noqa: RUF012  as above


class Counter(Strategy[Counting, Memory]):
    """Never subscribes to a book: only triggers wake it."""

    kernels = (counter, mixed)

    def on_start(self) -> None:
        self.on_restore()
        of = self.parameters
        self.context.run_kernel(of.symbol, "mixed", 1e9, 2.0)
        self._arm("spread", Signal.SPREAD, Comparison.CROSSES, 1.5)
        self.on_parameters(of)

    def on_restore(self) -> None:
        self.signals = self.context.signals(self.parameters.symbol)
        self.book = self.context.book(self.parameters.symbol)

    def on_parameters(self, previous: Counting) -> None:
        of = self.parameters
        self.context.note(f"scale {previous.scale} to {of.scale}")
        self.context.run_kernel(of.symbol, "counter", of.scale)
        self._arm("many", "counter", Comparison.ABOVE, of.above)

    def _arm(
        self, name: str, signal: Signal | str, comparison: Comparison, threshold: float
    ) -> None:
        self.context.arm_trigger(
            NativeTrigger(
                name=name,
                symbol=self.parameters.symbol,
                signal=signal,
                comparison=comparison,
                threshold=threshold,
            )
        )

    def on_trigger(self, fired: TriggerFired) -> None:
        shown = self.signals["counter" if fired.name == "many" else "spread"]
        self.state.woken.append((fired.name, fired.value, shown, self.book.bid_qty))

    def on_kernel(self, disarmed: KernelDisarmed) -> None:
        self.state.disarmed.append((disarmed.name, disarmed.status))
