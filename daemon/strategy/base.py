"""The base class of every strategy.

A strategy is a class with typed parameters and a declared state:

    class Quoting(Parameters, frozen=True, kw_only=True):
        symbol: str
        qty: Annotated[int, msgspec.Meta(ge=1)] = 1

    class Memory(State):
        quotes: int = 0

    class Maker(Strategy[Quoting, Memory]):
        def on_start(self) -> None: ...

Handlers run to completion, one at a time, on one thread. They must be functions of what they
are given: no clock but `context.now`, no random numbers but `context.random`, no input or
output. Everything that must survive a restart is in `self.state` and `self.arrays`; whatever
else an object keeps (views, derived numbers) is built again in `on_restore`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar, get_args, get_origin

import msgspec

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
    RiskStateChanged,
    SessionState,
    Trade,
    TriggerFired,
    WorkerResult,
)
from daemon.strategy.context import Context
from daemon.strategy.kernels import Kernel
from daemon.strategy.state import Array, ArraySpec, decode_state, encode_state


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of a strategy's parameters: immutable, strict, changed only as a whole.

    Subclasses say `frozen=True` again, for type checkers.
    """


class State(msgspec.Struct):
    """Base of a strategy's declared state: plain values that msgspec can encode."""


class ParameterError(ValueError):
    """Parameters do not fit; the text names the key and the reason."""


P = TypeVar("P", bound=Parameters)
S = TypeVar("S", bound=State)


class Strategy(Generic[P, S]):
    """Base class; every handler does nothing unless overridden.

    Class attributes an author may set: `state_version` (raise it when the meaning of `State`
    changes), `array_specs` (named arrays of the state), `workers` (functions, by the name
    `module:function`, that it may have computed in worker processes), `kernels` (signals of its
    own, that it may have run natively) and `fixed_parameters` (names of those that cannot change
    while it runs).
    """

    Parameters: ClassVar[type[Parameters]] = Parameters
    State: ClassVar[type[State]] = State
    state_version: ClassVar[int] = 1
    array_specs: ClassVar[Mapping[str, ArraySpec]] = {}
    workers: ClassVar[tuple[str, ...]] = ()
    kernels: ClassVar[tuple[Kernel, ...]] = ()
    fixed_parameters: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Take the types of parameters and state from `Strategy[MyParameters, MyState]`."""
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Strategy):
                parameters, state = get_args(base)
                if isinstance(parameters, type) and isinstance(state, type):
                    cls.Parameters, cls.State = parameters, state

    def __init__(self, context: Context, parameters: P) -> None:
        """Made by the host. Override `on_start` and `on_restore`, not this."""
        self.context = context
        self.parameters = parameters
        self.state: S = self.State()  # type: ignore[assignment]  # S is what State was set from
        self.arrays: dict[str, Array] = {
            name: spec.zeros() for name, spec in sorted(self.array_specs.items())
        }

    # ------------------------------------------------------------------ life

    def on_start(self) -> None:
        """Trading may begin: subscribe, set timers. Not called after a restore.

        But under other code with a kept state: then `on_restore` comes before it.
        """

    def on_restore(self) -> None:
        """`state` and `arrays` are as checkpointed; subscriptions, timers and orders as well.

        Where a state is kept under other code, only the state is.
        """

    def on_stop(self, reason: str) -> None:
        """The last call; the host cancels what works afterwards."""

    def on_parameters(self, previous: P) -> None:
        """`self.parameters` are new; they came through the log."""

    # ------------------------------------------------------------------ market

    def on_book(self, update: BookUpdate) -> None:
        """A subscribed book changed."""

    def on_book_state(self, change: BookStateChanged) -> None:
        """A subscribed book became tradable or ceased to be."""

    def on_trade(self, trade: Trade) -> None:
        """A trade in a subscribed instrument."""

    def on_bar(self, bar: Bar) -> None:
        """A subscribed bar is finished."""

    def on_timer(self, name: str) -> None:
        """A timer of the strategy's is due."""

    def on_trigger(self, fired: TriggerFired) -> None:
        """A signal crossed the threshold of an armed trigger."""

    def on_kernel(self, disarmed: KernelDisarmed) -> None:
        """A kernel's answer disarmed it. `run_kernel` arms it again."""

    # ------------------------------------------------------------------ own orders

    def on_order(self, update: OrderUpdate) -> None:
        """One of the strategy's orders changed its state."""

    def on_fill(self, fill: Fill) -> None:
        """A trade of the strategy's was booked (or busted, or corrected)."""

    def on_denied(self, denied: OrderDenied) -> None:
        """Risk refused an order or a replace: it never left."""

    def on_cancel_rejected(self, rejected: CancelRejected) -> None:
        """The venue refused a cancel or a replace."""

    def on_contingency(self, broken: ContingencyBroken) -> None:
        """More of a list of orders traded than it allows: the position is larger than meant."""

    # ------------------------------------------------------------------ surroundings

    def on_worker(self, result: WorkerResult) -> None:
        """A worker process answered, failed or timed out."""

    def on_session(self, session: SessionState) -> None:
        """The session that carries the strategy's orders came or went."""

    def on_risk(self, change: RiskStateChanged) -> None:
        """The firm's or the strategy's risk state changed."""

    # ------------------------------------------------------------------ for the host

    @classmethod
    def merged_parameters(cls, previous: P, changes: Mapping[str, Any]) -> P:
        """`previous` with `changes`. ParameterError where they do not fit or may not change."""
        merged = {**msgspec.to_builtins(previous), **changes}
        parameters: P = decode_parameters(cls.Parameters, merged)  # type: ignore[assignment]  # as in __init__
        for name in cls.fixed_parameters:
            if getattr(parameters, name) != getattr(previous, name):
                raise ParameterError(f"{name}: cannot be changed while the strategy runs")
        return parameters

    def change_parameters(self, changes: Mapping[str, Any]) -> None:
        """Merge, check, then `on_parameters`. ParameterError leaves everything as it was."""
        previous = self.parameters
        self.parameters = self.merged_parameters(previous, changes)
        self.on_parameters(previous)

    def checkpoint(self) -> bytes:
        """The declared state: equal states give equal bytes."""
        return encode_state(self.state_version, self.state, self.arrays)

    def restore(self, content: bytes) -> None:
        """Take a checkpoint's state, then `on_restore`. StateError where it does not fit."""
        specs = dict(self.array_specs)
        state, self.arrays = decode_state(content, self.state_version, self.State, specs)
        self.state = state  # type: ignore[assignment]  # as in __init__
        self.on_restore()


AnyStrategy = Strategy[Any, Any]


def decode_parameters(parameters: type[P], values: Mapping[str, Any]) -> P:
    """Strict: unknown keys, missing keys, wrong types and broken constraints are errors.

    ParameterError: `key.path: reason`.
    """
    try:
        return msgspec.convert(dict(values), parameters)
    except msgspec.ValidationError as error:
        raise ParameterError(_key_and_reason(str(error))) from None


def _key_and_reason(text: str) -> str:
    reason, _, path = text.partition(" - at `")
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    kind, field, name = reason.partition(" field `")
    if field:  # "Object contains unknown field `x`", "Object missing required field `x`"
        key = f"{path}.{name.rstrip('`')}".removeprefix(".")
        return f"{key}: {kind.split()[-1]} parameter"
    return f"{path or 'parameters'}: {reason}"
