"""Pair trading of an Ornstein-Uhlenbeck portfolio with optimal entry, exit and stop-loss.

Long one unit of the first instrument against `beta` of the second, as Leung and Li (2015)
say. Hedge ratio and levels are fitted in a worker process and come back as logged inputs.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from daemon.messages import BookUpdate, OrderDenied, OrderUpdate, WorkerResult
from daemon.model import WorkerStatus, ns_of
from daemon.strategy import ArraySpec, Parameters, State, Strategy, TargetTaker, may_trade

WINDOW_MAX = 1000
FIT = "strategies.ou_fit:fit"
Positive = Annotated[float, Meta(gt=0)]


class Pair(Parameters, frozen=True, kw_only=True):
    """`qty` lots of the first leg; `cost` and levels in units of the money in that leg."""

    first: str
    second: str
    qty: Annotated[int, Meta(ge=1)] = 1
    sample_s: Positive = 1.0
    window: Annotated[int, Meta(ge=20, le=WINDOW_MAX)] = 240
    refit_s: Positive = 60.0
    fit_age_s_max: Positive = 300.0  # no entry on an older fit
    unit_s: Positive = 3600.0  # the time unit of `discount`
    discount: Positive = 0.05
    cost: Annotated[float, Meta(ge=0)] = 0.0002
    stop_sigmas: Positive = 4.0
    slippage_ticks: Annotated[int, Meta(ge=0)] = 2
    retry_s: Positive = 0.5


class Levels(msgspec.Struct, frozen=True):
    """What is needed of a fit to trade on it."""

    beta: float
    first: float
    second: float
    enter_above: float
    enter_below: float
    exit: float
    stop: float

    def value(self, first: float, second: float) -> float:
        """X = A/A₀ - β·B/B₀, as fitted: A₀ and B₀ are the fit's first samples."""
        return first / self.first - self.beta * second / self.second

    def hedge(self, qty: int) -> int:
        """Lots of the second leg, short, against `qty` of the first: the nearest whole number."""
        return round(qty * self.beta * self.first / self.second)


class Memory(State):
    """Samples so far, the newest levels, those of the open position, and the legs."""

    samples: int = 0
    request: int = 0
    ask_ts: int = 0
    levels: Levels | None = None
    levels_ts: int = 0
    held: Levels | None = None
    legs: tuple[TargetTaker, ...] = ()


class OuPair(Strategy[Pair, Memory]):
    """Long the portfolio or flat; both legs always work towards their targets."""

    array_specs = {"values": ArraySpec("f8", (2, WINDOW_MAX))}  # noqa: RUF012  # read only
    workers = (FIT,)
    fixed_parameters = ("first", "second", "sample_s")

    def on_start(self) -> None:
        self.state.legs, self.state.request = tuple(map(TargetTaker, self._symbols)), 0
        for symbol in self._symbols:
            self.context.subscribe(symbol)
        self.context.set_timer("sample", every_ns=ns_of(self.parameters.sample_s))

    def on_timer(self, name: str) -> None:
        if not self._live():
            self.state.samples = 0  # the model needs equal steps
            return
        values = self.arrays["values"]
        values[:, :-1] = values[:, 1:]
        values[:, -1] = self._money()
        self.state.samples = min(self.state.samples + 1, WINDOW_MAX)
        due = self.context.now >= self.state.ask_ts and not self.state.request
        if due and self.state.samples >= self.parameters.window:
            self._ask()

    def _ask(self) -> None:
        of = self.parameters
        first, second = self.arrays["values"][:, -of.window :].tolist()
        request = {"first": first, "second": second, "dt": of.sample_s / of.unit_s}
        request |= {"r": of.discount, "c": of.cost, "stop_sigmas": of.stop_sigmas}
        self.state.ask_ts = self.context.now + ns_of(of.refit_s)
        self.state.request = self.context.request_worker(FIT, request)

    def on_worker(self, result: WorkerResult) -> None:
        if result.request_id != self.state.request:
            return
        self.state.request = 0
        if result.status is WorkerStatus.DONE:
            self.state.levels = msgspec.convert(result.result, Levels)
            self.state.levels_ts = self.context.now
        else:  # the old levels stay until they are too old
            self.context.note(f"fit {result.status.name}: {result.error}")

    def on_book(self, update: BookUpdate) -> None:
        if not self._live():
            return
        self._decide()
        of, held = self.parameters, self.state.held
        targets = (of.qty, -held.hedge(of.qty)) if held else (0, 0)
        for leg, target in zip(self.state.legs, targets, strict=True):
            leg.work(self.context, target, of.slippage_ticks, ns_of(of.retry_s))

    def _decide(self) -> None:
        held, new = self.state.held, self.state.levels
        if held is not None and not held.stop < held.value(*self._money()) < held.exit:
            self.state.held = None
        elif held is None and new is not None:
            fresh = self.context.now <= self.state.levels_ts + ns_of(self.parameters.fit_age_s_max)
            if fresh and new.enter_above < new.value(*self._money()) < new.enter_below:
                self.state.held = new

    def on_order(self, update: OrderUpdate) -> None:
        for leg in self.state.legs:
            leg.on_order(update)

    def on_denied(self, denied: OrderDenied) -> None:
        for leg in self.state.legs:
            leg.on_denied(denied)

    @property
    def _symbols(self) -> tuple[str, str]:
        return self.parameters.first, self.parameters.second

    def _live(self) -> bool:
        return all(may_trade(self.context.book(symbol)) for symbol in self._symbols)

    def _money(self) -> list[float]:
        """The mid of each leg as money per lot, so that the legs can be compared."""
        at = self.context
        return [at.book(name).mid * at.instrument(name).lot_value for name in self._symbols]
