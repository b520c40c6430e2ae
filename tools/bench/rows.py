"""What a benchmark says: rows of build/bench.json, from samples; and of which machine they are."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from time import perf_counter_ns
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
JITTER_GAPS: Final = 200_000
TAIL_TOLERANCE: Final = 3.0  # a tail is reached within so many times the machine's own jitter


_ONE_LAP: ContextVar[bool] = ContextVar("one_lap", default=False)


@contextmanager
def one_lap() -> Iterator[None]:
    """Within, every benchmark measures once: whoever measures in turn with another takes laps."""
    before = _ONE_LAP.set(True)
    try:
        yield
    finally:
        _ONE_LAP.reset(before)


def runs(usual: int) -> int:
    """How often to measure: as usual, or once within `one_lap`."""
    return 1 if _ONE_LAP.get() else usual


class Peer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Another project's figure for the same, in the row's unit, measured in turn with ours.

    `ratio` is how many times better ours was, the median of the laps' own ratios: below 1 the peer
    is ahead. Without a figure `skipped` says why.
    """

    name: str
    version: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p50: float | None = None
    p99: float | None = None
    ratio: float | None = None
    skipped: str | None = None


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One figure. `value` is the median of the runs; `floor` what the machine itself reaches.

    `min` and `max` are of all samples, `low` and `high` of the runs' own values: what another
    measurement of the same may well say. `goal` is for the value, `goal_p99` for the tail. A row
    that was not measured says why in `skipped`, and how to get it.
    """

    id: str
    name: str
    unit: str
    value: float | None = None
    min: float | None = None
    max: float | None = None
    low: float | None = None
    high: float | None = None
    p50: float | None = None
    p99: float | None = None
    runs: int = 0
    floor: float | None = None
    floor_p99: float | None = None
    goal: float | None = None
    goal_p99: float | None = None
    more_is_better: bool = False
    skipped: str | None = None
    peer: Peer | None = None

    @property
    def reached(self) -> bool | None:
        """Whether every goal of the row is reached; None where there is none, or no figure."""
        held = [self._value_reached(), self._tail_reached()]
        known = [each for each in held if each is not None]
        return all(known) if known else None

    def _value_reached(self) -> bool | None:
        if self.value is None or self.goal is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal

    def _tail_reached(self) -> bool | None:
        if self.p99 is None or self.goal_p99 is None:
            return None
        return self.p99 <= max(self.goal_p99, TAIL_TOLERANCE * (self.floor_p99 or 0))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Of an ascending sequence: the smallest value that so many percent do not exceed."""
    at = -(-len(ordered) * percent // 100) - 1
    return ordered[max(0, int(at))]


def row_of_runs(row: Row, values: Sequence[float]) -> Row:
    """With one value a run: median, least and most."""
    low, high = min(values), max(values)
    return msgspec.structs.replace(
        row,
        value=statistics.median(values),
        min=low,
        max=high,
        low=low,
        high=high,
        runs=len(values),
    )


def row_of_samples(row: Row, runs: Sequence[Sequence[float]]) -> Row:
    """With the samples of every run: the value is the median of the runs' medians."""
    row = row_of_runs(row, [statistics.median(samples) for samples in runs])
    ordered = sorted(sample for samples in runs for sample in samples)
    return msgspec.structs.replace(
        row,
        p50=percentile(ordered, 50),
        p99=percentile(ordered, 99),
        min=ordered[0],
        max=ordered[-1],
    )


def jitter_ns() -> list[float]:
    """The gaps that a spin loop sees between two reads of the clock, ns, ascending."""
    gaps = [0.0] * JITTER_GAPS
    last = perf_counter_ns()
    for at in range(JITTER_GAPS):
        now = perf_counter_ns()
        gaps[at] = now - last
        last = now
    return sorted(gaps)


def with_jitter(row: Row, ns_per_unit: float) -> Row:
    """With the machine's jitter of this minute as the floor, in the row's unit."""
    gaps = jitter_ns()
    p50, p99 = percentile(gaps, 50), percentile(gaps, 99)
    return msgspec.structs.replace(row, floor=p50 / ns_per_unit, floor_p99=p99 / ns_per_unit)


# ------------------------------------------------------------------ where it was measured


def machine() -> dict[str, str | int]:
    """Processor, cores, kernel, Python."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1min": f"{os.getloadavg()[0]:.2f}",
    }


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def commit() -> str:
    """Of the checkout, with `+` where files differ from it; the version where there is none."""
    from daemon.app.epoch import build_version

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed arguments

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return build_version()
