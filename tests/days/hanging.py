"""A strategy whose orders rest far from the market, and that hangs the daemon when told to."""

from typing import Literal

from daemon.model import Side
from daemon.strategy import Doubles, KernelUpdate, Parameters, State, Strategy, kernel, may_trade

EVERY_NS = 20_000_000
BELOW = 0.9  # of the best bid, where nobody trades


@kernel(state=1, parameters=1)
def spin(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
    """Returns while its parameter is 0, and never again otherwise."""
    out[0] = update.spread
    while parameters[0] > 0.0:
        state[0] += 1.0
    return 0


class Hanging(Parameters, frozen=True, kw_only=True):
    """`orders` rest at once; `hangs` says where it loops for ever."""

    symbol: str
    orders: int = 8
    hangs: Literal["", "handler", "kernel"] = ""


class Nothing(State):
    """Everything it needs to know the context knows."""


class Hangs(Strategy[Hanging, Nothing]):
    """Keeps its orders resting: what was cancelled is sent anew as soon as that is allowed."""

    kernels = (spin,)
    fixed_parameters = ("symbol",)

    def on_start(self) -> None:
        self.on_restore()
        self.context.subscribe(self.parameters.symbol)
        self.context.set_timer("rest", every_ns=EVERY_NS)
        self.context.run_kernel(self.parameters.symbol, "spin", 0.0)

    def on_restore(self) -> None:
        self.book = self.context.book(self.parameters.symbol)

    def on_parameters(self, previous: Hanging) -> None:
        del previous
        if self.parameters.hangs == "kernel":
            self.context.run_kernel(self.parameters.symbol, "spin", 1.0)
        while self.parameters.hangs == "handler":
            pass

    def on_timer(self, name: str) -> None:
        del name
        if not may_trade(self.book) or self.book.bid_px == 0:
            return
        symbol = self.parameters.symbol
        instrument = self.context.instrument(symbol)
        missing = self.parameters.orders - len(self.context.working(symbol))
        price = instrument.round_to_passive_tick(Side.BUY, self.book.bid_px * BELOW)
        for place in range(missing):
            self.context.submit(symbol, Side.BUY, 1 + place, price)
