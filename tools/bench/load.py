"""P11, P13 and P15: the whole daemon over loopback, open loop.

What each row measures exactly is in docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from tools.bench import load_orders
from tools.bench.load_log import orders_of
from tools.bench.load_run import NOT_BUILT, SENDER, Load, Ran, RunError, ran
from tools.bench.load_search import (
    LATE_NS_MAX,
    NS_PER_US,
    PARTS,
    Trial,
    rate_row,
    sampled,
    searched,
)
from tools.bench.rows import Row, row_of_runs

WARM_UP_NS: Final = 1_000_000_000  # of every run: caches, pages, the opening of the books

TICKS_PER_SECOND: Final = 100_000
TICK_SECONDS: Final = 8
TOGGLE_EVERY: Final = 500  # ticks: every second toggle triggers, 1 tick in 1,000

STRATEGIES: Final = 50
WAKES_PER_SECOND_MIN: Final = 1_000
INGEST_SECONDS: Final = 3


class Lane(msgspec.Struct, frozen=True):
    """A row of P15."""

    name: str
    load: Load
    goal: float | None = None
    goal_p99: float | None = None


def _ticks(**more: object) -> Load:
    base = Load(
        rate=TICKS_PER_SECOND,
        seconds=TICK_SECONDS,
        toggle_every=TOGGLE_EVERY,
        venue_wait="spin",
    )
    return msgspec.structs.replace(base, **more)


LANES: Final = (
    Lane("native lane", _ticks(trader="Native"), 15, 80),
    Lane("Python lane", _ticks(trader="Decider"), 25, 120),
    Lane("native lane beside 10 Python strategies", _ticks(trader="Native", watchers=10), 15, 80),
    Lane("native lane, parked", _ticks(trader="Native", wait="park", venue_wait="park")),
)
INGEST: Final = ((1, 200_000), (20, 500_000))  # messages a datagram, messages a second


def rows() -> list[Row]:
    """Four rows of P15, three of P11 for each size of datagram, four of P13."""
    if not SENDER.exists():
        return [
            Row(id="P15", name="tick to order", unit="us", skipped=NOT_BUILT),
            Row(id="P11", name="through sockets", unit="k messages/s", skipped=NOT_BUILT),
            Row(id="P13", name="FIX, two processes", unit="us", skipped=NOT_BUILT),
        ]
    made = [tick_row(lane) for lane in LANES]
    for per_datagram, goal in INGEST:
        made += ingest_rows(per_datagram, goal, tried)
    return made + load_orders.rows()


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
    return sampled(row, (orders.ts_sent - orders.intended)[warm] / NS_PER_US)


# ------------------------------------------------------------------ P11


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
    every = np.concatenate(seen)
    every = every[np.argsort(every[:, 0])]
    ages = every[every[:, 0] >= begin, 1] / NS_PER_US
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
    trials = searched(goal, lambda rate: trial(msgspec.structs.replace(base, rate=rate)))
    size = f"{per_datagram} message{'s' if per_datagram > 1 else ''} a datagram"
    return [
        rate_row(
            Row(
                id="P11",
                name=f"through sockets, {size}, {STRATEGIES} Python strategies",
                unit="k messages/s",
                goal=goal / 1e3,
            ),
            trials,
        ),
        *_seen_rows(f"{goal // 1000} k messages/s, {size}", trials[0]),
    ]


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
        sampled(ages, np.array(trial.samples_us)),
        row_of_runs(wakes, trial.wakes_per_second),
    ]
