"""How the load benchmarks find the highest rate that holds, and make rows of samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from tools.bench.rows import Row, row_of_runs, row_of_samples, with_jitter

NS_PER_US: Final = 1e3
PARTS: Final = 5  # of a run: each is a run of its own for medians and spreads
DOUBLINGS_MAX: Final = 2
HALVINGS_MAX: Final = 4
BISECTIONS: Final = 2
LATE_NS_MAX: Final = 50_000_000  # at p99: who is later than that does not keep up

Floats = npt.NDArray[np.float64]


class Trial(msgspec.Struct, frozen=True):
    """A run at a rate. `refused` says why it does not count, "" where it does."""

    rate: int
    refused: str
    samples_us: list[float] = []
    wakes_per_second: list[float] = []  # of the strategy that was woken least, by parts of the run


def searched(goal: int, trial: Callable[[int], Trial]) -> list[Trial]:
    """Trials: the first at the goal's rate, then doubling or halving, then between."""

    def at(rate: int) -> Trial:
        done.append(trial(rate))
        return done[-1]

    done: list[Trial] = []
    first = at(goal)
    for step in range(1, (HALVINGS_MAX if first.refused else DOUBLINGS_MAX) + 1):
        if bool(done[-1].refused) != bool(first.refused):
            break
        at(goal >> step if first.refused else goal << step)
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


def sampled(row: Row, values: Floats) -> Row:
    """With these samples in the order in which they were taken, and the machine's jitter."""
    parts = [part.tolist() for part in np.array_split(values, PARTS) if len(part)]
    if not parts:
        return msgspec.structs.replace(row, skipped="nothing was measured behind the warm-up")
    return with_jitter(row_of_samples(row, parts), NS_PER_US)


def rate_row(row: Row, trials: Sequence[Trial]) -> Row:
    """With the highest rate that held, in thousands; `high` is the lowest that did not."""
    holds, fails = bracket(trials)
    if not holds:
        return msgspec.structs.replace(row, skipped=trials[-1].refused)
    high = (fails or holds) / 1e3  # what it can do lies between
    made = row_of_runs(row, [holds / 1e3])
    return msgspec.structs.replace(made, max=high, high=high, runs=len(trials), more_is_better=True)
