"""P11 and P15: the whole daemon over loopback, from the sender's intended times, open loop.

What each row measures exactly is in docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from tools.bench.load_log import orders_of
from tools.bench.load_run import NOT_BUILT, SENDER, Load, Ran, RunError, ran
from tools.bench.rows import Row, row_of_runs, row_of_samples, with_jitter

NS_PER_US: Final = 1e3
WARM_UP_NS: Final = 1_000_000_000  # of every run: caches, pages, the opening of the books
PARTS: Final = 5  # of what is behind it: each is a run of its own for medians and spreads

TICKS_PER_SECOND: Final = 100_000
TICK_SECONDS: Final = 8
TOGGLE_EVERY: Final = 500  # ticks: every second toggle triggers, 1 tick in 1,000

STRATEGIES: Final = 50
WAKES_PER_SECOND_MIN: Final = 1_000
INGEST_SECONDS: Final = 3
DOUBLINGS_MAX: Final = 2
HALVINGS_MAX: Final = 4
BISECTIONS: Final = 2
LATE_NS_MAX: Final = 50_000_000  # p99 of the sender: beyond, the rate was not its rate

Floats = npt.NDArray[np.float64]


class Lane(msgspec.Struct, frozen=True):
    """A row of P15."""

    name: str
    load: Load
    goal: float | None = None
    goal_p99: float | None = None


def _ticks(**more: object) -> Load:
    base = Load(rate=TICKS_PER_SECOND, seconds=TICK_SECONDS, toggle_every=TOGGLE_EVERY)
    return msgspec.structs.replace(base, **more)


LANES: Final = (
    Lane("native lane", _ticks(trader="Native"), 15, 80),
    Lane("Python lane", _ticks(trader="Decider"), 25, 120),
    Lane("native lane beside 10 Python strategies", _ticks(trader="Native", watchers=10), 15, 80),
    Lane("native lane, parked", _ticks(trader="Native", wait="park")),
)
INGEST: Final = ((1, 200_000), (20, 500_000))  # messages a datagram, messages a second


def rows() -> list[Row]:
    """Four rows of P15, three of P11 for each size of datagram."""
    if not SENDER.exists():
        return [
            Row(id="P15", name="tick to order", unit="us", skipped=NOT_BUILT),
            Row(id="P11", name="through sockets", unit="k messages/s", skipped=NOT_BUILT),
        ]
    made = [tick_row(lane) for lane in LANES]
    for per_datagram, goal in INGEST:
        made += ingest_rows(per_datagram, goal, tried)
    return made


# ------------------------------------------------------------------ P15


def tick_row(lane: Lane) -> Row:
    """From the intended send time of a datagram to its order's last byte in the kernel."""
    load = lane.load
    row = Row(
        id="P15",
        name=(
            f"tick to order, {lane.name}; {load.rate // 1000} k ticks/s, an order a"
            f" {2 * load.toggle_every:,}, daemon on one core ({load.wait}), log: {load.durability}"
        ),
        unit="us",
        goal=lane.goal,
        goal_p99=lane.goal_p99,
    )
    try:
        with ran(load) as run:
            if run.lost:
                raise RunError(run.lost)
            orders = orders_of(run)
            warm = orders.intended >= run.sent.start_ns + WARM_UP_NS
    except (RunError, ValueError) as error:
        return msgspec.structs.replace(row, skipped=str(error))
    return _sampled(row, (orders.ts_sent - orders.intended)[warm] / NS_PER_US)


def _sampled(row: Row, values: Floats) -> Row:
    parts = [part.tolist() for part in np.array_split(values, PARTS) if len(part)]
    if not parts:
        return msgspec.structs.replace(row, skipped="nothing was measured behind the warm-up")
    return with_jitter(row_of_samples(row, parts), NS_PER_US)


# ------------------------------------------------------------------ P11


class Trial(msgspec.Struct, frozen=True):
    """A run at a rate. `refused` says why it does not count, "" where it does."""

    rate: int
    refused: str
    ages_us: list[float] = []
    wakes_per_second: list[float] = []  # of the strategy that was woken least, by parts of the run


def tried(load: Load) -> Trial:
    """Run it; nothing may be lost, and every strategy has to be woken often enough."""
    try:
        with ran(load) as run:
            seen = [np.fromfile(report, np.int64).reshape(-1, 2) for report in run.reports]
    except RunError as error:
        return Trial(load.rate, str(error))
    begin = run.sent.start_ns + WARM_UP_NS
    end = run.sent.start_ns + run.sent.datagrams * run.sent.interval_ns
    wakes = _least_wakes(seen, begin, end)
    ages = np.concatenate([each[each[:, 0] >= begin, 1] for each in seen]) / NS_PER_US
    return Trial(load.rate, not_held(run, wakes), ages.tolist(), wakes)


def _least_wakes(seen: Sequence[npt.NDArray[np.int64]], begin: int, end: int) -> list[float]:
    edges = np.linspace(begin, end, PARTS + 1)
    counts = np.array([np.histogram(each[:, 0], edges)[0] for each in seen])
    least = counts[np.argmin(counts.sum(axis=1))]
    return [float(count) / ((end - begin) / PARTS / 1e9) for count in least]


def not_held(run: Ran, wakes: Sequence[float]) -> str:
    """Why a run does not count for its rate, "" where it does; `wakes` are of the least woken."""
    if run.lost:
        return run.lost
    if run.sent.lateness_ns_p99 > LATE_NS_MAX:
        return f"the sender was {run.sent.lateness_ns_p99 / 1e6:.0f} ms late at p99"
    mean = sum(wakes) / len(wakes)
    return "" if mean >= WAKES_PER_SECOND_MIN else f"a strategy was woken {mean:.1f} times/s only"


def ingest_rows(per_datagram: int, goal: int, trial: Callable[[Load], Trial]) -> list[Row]:
    """The highest rate that holds, and what the strategies saw at the goal's rate."""
    base = Load(rate=goal, seconds=INGEST_SECONDS, per_datagram=per_datagram, watchers=STRATEGIES)
    trials = searched(base, trial)
    size = f"{per_datagram} message{'s' if per_datagram > 1 else ''} a datagram"
    return [
        _rate_row(f"through sockets, {size}, {STRATEGIES} Python strategies", goal, trials),
        *_seen_rows(f"{goal // 1000} k messages/s, {size}", trials[0]),
    ]


def searched(base: Load, trial: Callable[[Load], Trial]) -> list[Trial]:
    """Trials: the first at the base's rate, then doubling or halving, then between."""

    def at(rate: int) -> Trial:
        done.append(trial(msgspec.structs.replace(base, rate=rate)))
        return done[-1]

    done: list[Trial] = []
    first = at(base.rate)
    for step in range(1, (HALVINGS_MAX if first.refused else DOUBLINGS_MAX) + 1):
        if bool(done[-1].refused) != bool(first.refused):
            break
        at(base.rate >> step if first.refused else base.rate << step)
    holds, fails = bracket(done)
    for _ in range(BISECTIONS if holds and fails else 0):
        at((holds + fails) // 2)
        holds, fails = bracket(done)
    return done


def bracket(trials: Sequence[Trial]) -> tuple[int, int]:
    """The lowest rate that did not hold, and the highest below it that did; 0 where none."""
    fails = min((each.rate for each in trials if each.refused), default=0)
    held = [each.rate for each in trials if not each.refused and (not fails or each.rate < fails)]
    return max(held, default=0), fails


def _rate_row(name: str, goal: int, trials: Sequence[Trial]) -> Row:
    row = Row(id="P11", name=name, unit="k messages/s", goal=goal / 1e3, more_is_better=True)
    holds, fails = bracket(trials)
    if not holds:
        return msgspec.structs.replace(row, skipped=trials[-1].refused)
    row = row_of_runs(row, [holds / 1e3])
    # What it can do lies between.
    high = (fails or holds) / 1e3
    return msgspec.structs.replace(row, max=high, high=high, runs=len(trials))


def _seen_rows(at: str, trial: Trial) -> list[Row]:
    ages = Row(id="P11", name=f"age of what strategies see at {at}", unit="us")
    wakes = Row(
        id="P11",
        name=f"wakes of the strategy woken least, at {at}",
        unit="/s",
        goal=WAKES_PER_SECOND_MIN,
        more_is_better=True,
    )
    if trial.refused:
        return [msgspec.structs.replace(each, skipped=trial.refused) for each in (ages, wakes)]
    return [
        _sampled(ages, np.array(trial.ages_us)),
        row_of_runs(wakes, trial.wakes_per_second),
    ]
