"""Signals of a strategy's own: a plain function, compiled, called by the core on every update.

    @kernel(state=1, parameters=1)
    def pressure(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
        weight = math.exp(-update.dt_ns / parameters[0])
        state[0] = state[0] * weight + update.imbalance * (1.0 - weight)
        out[0] = state[0]
        return 0

    class Taker(Strategy[Taking, Memory]):
        kernels = (pressure,)

The core calls it without the interpreter, so it may use numbers, `math`, its four arguments and
numeric constants of its module, and nothing that allocates or is a Python object: such a function
is refused when the daemon starts. It is compiled by numba in a process of its own, for x86-64-v3,
without fast-math, so that its answers are those of the same function in the interpreter, bit for
bit. `math` beyond `sqrt` is the host's libm, whose last bit may differ on another kind of host.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from daemon.core import KERNEL_INPUT_FIELDS, KERNEL_NOT_FINITE, KERNEL_RAISED

Doubles = NDArray[np.float64]
DOUBLES_MAX: Final = 4096

KERNEL_INPUT: Final = np.dtype(
    {
        "names": [name for name, _, _ in KERNEL_INPUT_FIELDS],
        "formats": [kind for _, kind, _ in KERNEL_INPUT_FIELDS],
        "offsets": [offset for _, _, offset in KERNEL_INPUT_FIELDS],
    }
)
"""What a kernel sees of an update: `pitwire::KernelInput`, field by field."""


class KernelUpdate(Protocol):
    """An update of an instrument: its touch, the trade that it was, the native signals.

    Prices in price increments, quantities in lots, times in ns. An empty side has price and
    quantity 0, and then `mid`, `microprice` and `spread` are NaN: look at the quantities first.
    """

    ts_core: int
    ts_event: int
    dt_ns: int
    """Since this kernel's update before; 0 for the first."""
    bid_px: int
    bid_qty: int
    ask_px: int
    ask_qty: int
    trade_px: int
    trade_qty: int
    """0 where the update was no trade."""
    trade_side: int
    """`Side` of the aggressor."""
    updates: int
    trades: int
    mid: float
    microprice: float
    spread: float
    imbalance: float
    ofi: float
    volatility: float
    trade_flow: float
    trade_rate: float


KernelFunction = Callable[[KernelUpdate, Doubles, Doubles, Doubles], int]


class Kernel(msgspec.Struct, frozen=True):
    """A function with how many doubles it keeps and how many parameters it takes."""

    function: KernelFunction
    state: int
    parameters: int

    @property
    def name(self) -> str:
        """The function's, by which strategies and operators know it."""
        return self.function.__name__

    def check(self, parameters: Sequence[float]) -> tuple[float, ...]:
        """As the core takes them. ValueError for another number of them, or one not finite."""
        if len(parameters) != self.parameters:
            raise ValueError(
                f"kernel {self.name}: expected {self.parameters} parameters, found"
                f" {len(parameters)}"
            )
        for value in parameters:
            if not math.isfinite(value):
                raise ValueError(f"kernel {self.name}: parameters must be finite, found {value}")
        return tuple(float(value) for value in parameters)


def kernel(*, state: int = 0, parameters: int = 0) -> Callable[[KernelFunction], Kernel]:
    """Make a kernel of a function that answers 0 and leaves its value in `out[0]`.

    Another answer, NaN or infinity disarm it. `state` doubles are zero at first, are its own to
    change, and survive a restart. ValueError for more than 4,096 doubles.
    """
    for name, count in (("state", state), ("parameters", parameters)):
        if not 0 <= count <= DOUBLES_MAX:
            raise ValueError(f"{name} must be in [0, {DOUBLES_MAX}], found {count}")
    return lambda function: Kernel(function, state, parameters)


class InterpretedKernel:
    """A kernel that runs in the interpreter, for tests: the same answers as compiled."""

    def __init__(self, of: Kernel, parameters: Sequence[float]) -> None:
        self.kernel = of
        self.parameters = np.array(of.check(parameters))
        self.armed = True
        self.status = 0
        self._out = np.full(1, math.nan)
        self._state = np.zeros(of.state)
        self._ts_last = 0

    @property
    def value(self) -> float:
        """What it left last; NaN before its first update and once it is disarmed."""
        return float(self._out[0])

    def update(self, update: np.recarray) -> bool:
        """Look at one `KERNEL_INPUT`, of shape (1,). False where that disarmed it."""
        if not self.armed:
            return True
        now = int(update.ts_core[0])
        update.dt_ns[0] = now - self._ts_last if self._ts_last else 0
        self._ts_last = now
        self.status = self._answer(update)
        if self.status == 0 and not math.isfinite(self._out[0]):
            self.status = KERNEL_NOT_FINITE
        if self.status != 0:
            self.armed = False
            self._out[0] = math.nan
        return self.armed

    def _answer(self, update: np.recarray) -> int:
        with np.errstate(all="ignore"):
            try:
                return int(self.kernel.function(update[0], self.parameters, self._state, self._out))
            except (ArithmeticError, IndexError, ValueError):
                return KERNEL_RAISED


def kernel_input(**fields: float) -> np.recarray:
    """One update for an `InterpretedKernel`, of shape (1,); what is not named is 0."""
    made = np.zeros(1, KERNEL_INPUT).view(np.recarray)
    for name, value in fields.items():
        made[name][0] = value
    return made
