"""What the host gives the core's thread: its cores, memory that stays, a collector that waits.

Python's garbage collector would run in the middle of a turn, whenever enough objects were made.
Here everything that start-up made is frozen (never looked at again), automatic runs are off, and a
collection happens between turns, when nothing waits, once enough has gathered.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from daemon.app.settings import CoreSettings
from daemon.core import is_real_time, lock_memory, pin_thread

log = structlog.get_logger(__name__)

YOUNG_OBJECTS = 20_000  # allocations, less deallocations, that are worth a collection
YOUNG_RUNS_PER_MIDDLE = 50
NATIVE_PREFIX = "pitwire-"  # of every native thread's name


POLICIES: Final = {
    os.SCHED_OTHER: "other",
    os.SCHED_BATCH: "batch",
    os.SCHED_IDLE: "idle",
    os.SCHED_FIFO: "fifo",
    os.SCHED_RR: "rr",
}


class ThreadPlace(msgspec.Struct, frozen=True):
    """Where a thread of this process may run, and how it is scheduled."""

    name: str
    cores: str  # as taskset takes them: 0-3,8
    policy: str  # other, batch, idle; fifo and rr are real time
    priority: int  # 0 but for real time


class HostError(ValueError):
    """The host does not give what the configuration asks for; names the key and the reason."""


def settle_on_host(settings: CoreSettings) -> None:
    """Pin this thread and lock memory, as configured. HostError where the host refuses.

    Threads and processes started later inherit the pinning: call it after those that must not.
    """
    if settings.pin_core is not None:
        pinned = pin_thread([settings.pin_core])
        if not pinned:
            raise HostError(f"core.pin_core: core {settings.pin_core}: {pinned.reason}")
    if settings.lock_memory:
        locked = lock_memory()
        if not locked:
            raise HostError(f"core.lock_memory: {locked.reason}")


def settle_native_threads(settings: CoreSettings) -> None:
    """Pin our native threads, in turn, to `pin_native`; call it when all have been started.

    In the order of their names. HostError where the host refuses.
    """
    if not settings.pin_native:
        return
    for number, (_, thread_id) in enumerate(_native_threads()):
        core = settings.pin_native[number % len(settings.pin_native)]
        try:
            os.sched_setaffinity(thread_id, {core})
        except OSError as error:
            raise HostError(f"core.pin_native: core {core}: {error.strerror}") from None


def check_kernel_bypass(settings: CoreSettings) -> None:
    """HostError where the library that the configuration names is not in this process.

    It must be there before the first socket: LD_PRELOAD, or the library's own starter.
    """
    wanted = settings.kernel_bypass
    if wanted is None:
        return
    maps = Path("/proc/self/maps").read_text().splitlines()
    loaded = {Path(line.split(maxsplit=5)[5]).name for line in maps if len(line.split()) > 5}
    if not any(wanted in name for name in loaded):
        raise HostError(f"core.kernel_bypass: {wanted} is not loaded: start with LD_PRELOAD")
    if is_real_time():
        raise HostError("core.kernel_bypass: never sleeps, which would lock a real-time core")


def thread_map() -> list[ThreadPlace]:
    """Every thread of this process: the core's first, then by name."""
    own = os.getpid()
    ordered = sorted(_threads(), key=lambda each: (each[1] != own, each))
    return [_place("core" if number == own else name, number) for name, number in ordered]


def _place(name: str, thread_id: int) -> ThreadPlace:
    policy = os.sched_getscheduler(thread_id) & ~os.SCHED_RESET_ON_FORK
    return ThreadPlace(
        name,
        _ranges(sorted(os.sched_getaffinity(thread_id))),
        POLICIES.get(policy, str(policy)),
        os.sched_getparam(thread_id).sched_priority,
    )


def _ranges(cores: list[int]) -> str:
    """0-3,8 of 0, 1, 2, 3, 8."""
    parts: list[list[int]] = []
    for core in cores:
        if parts and parts[-1][-1] == core - 1:
            parts[-1] = [parts[-1][0], core]
        else:
            parts.append([core])
    return ",".join("-".join(map(str, part)) for part in parts)


def _threads() -> list[tuple[str, int]]:
    tasks = Path("/proc/self/task").iterdir()
    return [(task.joinpath("comm").read_text().strip(), int(task.name)) for task in tasks]


def _native_threads() -> list[tuple[str, int]]:
    return sorted(each for each in _threads() if each[0].startswith(NATIVE_PREFIX))


class Collector:
    """Runs Python's garbage collector between turns; `ran` gets generation, objects, ns."""

    def __init__(self, mode: str, ran: Callable[[int, int, int], None]) -> None:
        """`mode` as [core] collector: between_turns, frozen (never), or default (Python's own)."""
        self._runs_between = mode == "between_turns"
        self._ran = ran
        self._young_runs = 0
        if mode == "default":
            return
        gc.collect()
        gc.freeze()
        gc.disable()

    def between_turns(self) -> None:
        """Collect if it is worth it; called when the core has nothing to do."""
        if not self._runs_between or gc.get_count()[0] < YOUNG_OBJECTS:
            return
        self._young_runs += 1
        generation = 1 if self._young_runs % YOUNG_RUNS_PER_MIDDLE == 0 else 0
        began = time.perf_counter_ns()
        collected = gc.collect(generation)
        self._ran(generation, collected, time.perf_counter_ns() - began)

    def close(self) -> None:
        """Python's own ways again: another daemon in this process starts as this one did."""
        gc.unfreeze()
        gc.enable()
