"""P13: orders through FIX from daemon to exchange, two processes on two cores, and back."""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from tools.bench.load_log import answers_of
from tools.bench.load_run import Load, RunError, cores, ran
from tools.bench.load_search import (
    LATE_NS_MAX,
    NS_PER_US,
    Trial,
    rate_row,
    sampled,
    searched,
)
from tools.bench.quickfix_venue import ACCEPTOR, INITIATOR, peer_times
from tools.bench.quickfix_venue import NOT_BUILT as QUICKFIX_NOT_BUILT
from tools.bench.rows import Row

TICKS_PER_SECOND: Final = 1_000  # that the feed goes on with
SECONDS_BESIDE: Final = 2  # the sender's time beyond the orders'
CALM_PER_SECOND: Final = 1_000
CALM_SECONDS: Final = 5
BUSY_PER_SECOND: Final = 40_000
BUSY_SECONDS: Final = 2
ROUND_TRIP_GOAL_US: Final = 40.0
PARKED_GOAL_RATIO: Final = 1.6  # of the blocking echo
ECHOES: Final = 2_000
ECHO_BYTES: Final = 64
# Answers on one connection until it ends.
ECHO: Final = """
import os, socket, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as line:
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while received := line.recv(4096):
        line.sendall(received)
"""


def rows() -> list[Row]:
    """Ours at our exchange, ours at a stock QuickFIX acceptor, and QuickFIX at the same."""
    return [*own_rows(), *quickfix_rows()]


def own_rows() -> list[Row]:
    """Round trips while both spin and while both park; the highest rate, and what it costs."""
    spin, park = calm_row("spin"), calm_row("park")
    try:
        floor = echo_us()
    except RunError as error:
        return [msgspec.structs.replace(each, skipped=str(error)) for each in (spin, park)]
    spin.goal = ROUND_TRIP_GOAL_US
    park.goal, park.floor = PARKED_GOAL_RATIO * floor, floor
    return [spin, park, *busy_rows(answered)]


def quickfix_rows() -> list[Row]:
    """The same daemon at a stock QuickFIX acceptor, and a stock QuickFIX initiator at the same."""
    if not ACCEPTOR.exists() or not INITIATOR.exists():
        name = "FIX at a stock QuickFIX acceptor"
        return [Row(id="P13", name=name, unit="us", skipped=QUICKFIX_NOT_BUILT)]
    at, peer = "at a stock QuickFIX acceptor", "QuickFIX's own initiator at that acceptor"
    return [
        calm_row("spin", at, venue="quickfix"),
        peer_calm_row(peer),
        *busy_rows(answered, at, venue="quickfix"),
        *busy_rows(peer_answered, peer),
    ]


def _load(per_second: int, seconds: int, wait: str) -> Load:
    base = Load(
        rate=TICKS_PER_SECOND,
        seconds=seconds + SECONDS_BESIDE,
        symbols=2,
        toggle_every=5,
        trader="Submitter",
        orders_per_second=per_second,
        orders=per_second * seconds,
    )
    changes: dict[str, Any] = {"wait": wait, "venue_wait": wait}
    return msgspec.structs.replace(base, **changes)


def _at(load: Load, venue: str) -> Load:
    changes: dict[str, Any] = {"venue": venue}
    return msgspec.structs.replace(load, **changes)


def calm_name(wait: str, where: str = "") -> str:
    """Of the round trips' row."""
    who = f"{where}, we {wait}" if where else f"two processes, both {wait}"
    return f"FIX order → report, {who}, {CALM_PER_SECOND:,} orders/s"


def calm_row(wait: str, where: str = "", venue: str = "pitwire") -> Row:
    """From an order in the log, about to leave, to its first report received."""
    row = Row(id="P13", name=calm_name(wait, where), unit="us")
    load = _at(_load(CALM_PER_SECOND, CALM_SECONDS, wait), venue)
    try:
        with ran(load) as run:
            answers = answers_of(run, load.orders, load.orders_per_second)
    except (RunError, ValueError) as error:
        return msgspec.structs.replace(row, skipped=str(error))
    cold = load.orders // CALM_SECONDS  # the first second
    return sampled(row, (answers.ts_answered - answers.ts_logged)[cold:] / NS_PER_US)


def answered(load: Load) -> Trial:
    """An open-loop run: every order answered, from its due time, 99 in 100 within the limit."""
    try:
        with ran(load) as run:
            answers = answers_of(run, load.orders, load.orders_per_second)
    except (RunError, ValueError) as error:
        return Trial(load.orders_per_second, str(error))
    return _kept_up(load, answers.ts_answered - answers.due)


def _kept_up(load: Load, took: npt.NDArray[np.int64]) -> Trial:
    p99 = float(np.percentile(took, 99))
    refused = "" if p99 <= LATE_NS_MAX else f"reports were {p99 / 1e6:.0f} ms late at p99"
    return Trial(load.orders_per_second, refused, (took / NS_PER_US).tolist())


def peer_calm_row(who: str) -> Row:
    """From an order handed to QuickFIX to its first report handed over by it."""
    name = f"FIX order → report, {who}, {CALM_PER_SECOND:,} orders/s"
    row = Row(id="P13", name=name, unit="us")
    try:
        times = peer_times(CALM_PER_SECOND * CALM_SECONDS, CALM_PER_SECOND, cores())
    except (RunError, ValueError) as error:
        return msgspec.structs.replace(row, skipped=str(error))
    return sampled(row, (times[:, 2] - times[:, 1])[CALM_PER_SECOND:] / NS_PER_US)


def peer_answered(load: Load) -> Trial:
    """As `answered`, of the stock initiator."""
    try:
        times = peer_times(load.orders, load.orders_per_second, cores())
    except (RunError, ValueError) as error:
        return Trial(load.orders_per_second, str(error))
    return _kept_up(load, times[:, 2] - times[:, 0])


def busy_name(where: str = "") -> str:
    """Of the highest rate's row."""
    return f"FIX orders answered, {where or 'Python lane, open loop, two processes, both spin'}"


def busy_rows(trial: Callable[[Load], Trial], where: str = "", venue: str = "pitwire") -> list[Row]:
    """The highest rate at which reports keep up with orders, and their times at it."""
    base = _at(_load(BUSY_PER_SECOND, BUSY_SECONDS, "spin"), venue)

    def at(rate: int) -> Trial:
        orders = rate * BUSY_SECONDS
        return trial(msgspec.structs.replace(base, orders_per_second=rate, orders=orders))

    trials = searched(BUSY_PER_SECOND, at)
    rate = rate_row(
        Row(
            id="P13",
            name=busy_name(where),
            unit="k orders/s",
            goal=None if where else BUSY_PER_SECOND / 1e3,
        ),
        trials,
    )
    name = f"FIX: from when an order was due to its report, at that rate{where and f', {where}'}"
    times = Row(id="P13", name=name, unit="us")
    held = max((each for each in trials if not each.refused), key=_rate, default=None)
    if held is None:
        return [rate, msgspec.structs.replace(times, skipped=trials[-1].refused)]
    return [rate, sampled(times, np.array(held.samples_us))]


def _rate(trial: Trial) -> int:
    return trial.rate


# ------------------------------------------------------------------ the floor


def echo_us() -> float:
    """Median round trip of 64 bytes between two processes that block, on the same two cores."""
    mine, other = cores()
    before = os.sched_getaffinity(0)
    with _echo(other) as line:
        os.sched_setaffinity(0, {mine})
        try:
            return statistics.median(_round_trip_ns(line) for _ in range(ECHOES)) / NS_PER_US
        finally:
            os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _echo(core: int) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        words = [sys.executable, "-c", ECHO, str(core), str(port)]
        with subprocess.Popen(words) as process:  # noqa: S603 - our own program
            listener.settimeout(10)
            line, _ = listener.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with line:
                yield line
        if process.returncode != 0:
            raise RunError(f"the echo ended with {process.returncode}")


def _round_trip_ns(line: socket.socket) -> int:
    began = perf_counter_ns()
    line.sendall(b"x" * ECHO_BYTES)
    left = ECHO_BYTES
    while left > 0:
        left -= len(line.recv(left))
    return perf_counter_ns() - began
