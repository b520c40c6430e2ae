"""What a strategy author sees: base classes, the context, read-only views."""

from daemon.model import Level
from daemon.strategy.base import (
    AnyStrategy,
    ParameterError,
    Parameters,
    State,
    Strategy,
    decode_parameters,
)
from daemon.strategy.bracket import Bracket, submit_bracket
from daemon.strategy.context import Context
from daemon.strategy.kernels import Doubles, Kernel, KernelUpdate, kernel
from daemon.strategy.state import ArraySpec, StateError
from daemon.strategy.target import TargetTaker
from daemon.strategy.views import (
    BookView,
    OrderView,
    PositionView,
    RandomStream,
    SignalView,
    iterate_levels,
    may_trade,
)

__all__ = [
    "AnyStrategy",
    "ArraySpec",
    "BookView",
    "Bracket",
    "Context",
    "Doubles",
    "Kernel",
    "KernelUpdate",
    "Level",
    "OrderView",
    "ParameterError",
    "Parameters",
    "PositionView",
    "RandomStream",
    "SignalView",
    "State",
    "StateError",
    "Strategy",
    "TargetTaker",
    "decode_parameters",
    "iterate_levels",
    "kernel",
    "may_trade",
    "submit_bracket",
]
