"""P20: what the daemon of the demo holds in memory, and whether it grows.

The demo's own exchange and configuration, the exchange's agents so many times as busy: an hour of
theirs is then some minutes of ours. Pages that are the process's alone are summed by
/proc/PID/smaps; the log's segments, which are the page cache's, are counted apart.
"""

from __future__ import annotations

import re
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np

from tools.bench.load_run import RunError
from tools.bench.rows import Row, row_of_runs
from tools.ctl.client import Client, NoDaemonError
from tools.demo import CONFIG, Exchange, Supervised

HOURS: Final = 1 / 6  # of the accelerated day
FASTER: Final = 20
SAMPLES: Final = 100
WARM_UP: Final = 0.3  # of the time: caches, tables and histograms fill
READY_SECONDS_MAX: Final = 20.0
POLL_SECONDS: Final = 0.05
GOAL_MB: Final = 150.0
HOURS_TO_JUDGE: Final = 1.0  # the order table and other bounded tables fill up meanwhile
NOISE: Final = 3.0  # standard errors that a slope of nothing may have
MAPPING: Final = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


class Sample(NamedTuple):
    """At so many seconds; kB."""

    at: float
    private: int
    log: int


def pages_of(smaps: str, log: Path) -> tuple[int, int]:
    """Private kB, and those of the mappings of files in this folder apart."""
    private = mapped = 0
    in_log = False
    for line in smaps.splitlines():
        if (mapping := MAPPING.match(line)) is not None:
            in_log = mapping.group(1).startswith(f"{log}/")
        elif line.startswith(("Private_Clean:", "Private_Dirty:")):
            size = int(line.split()[1])
            mapped += size if in_log else 0
            private += 0 if in_log else size
    return private, mapped


def _sampled(folder: Path, seconds: float) -> list[Sample]:
    usual = tomllib.loads((CONFIG / "exchange.toml").read_text())
    busy = {"agents.actions_per_second": usual["agents"]["actions_per_second"] * FASTER}
    with Exchange(folder, busy) as exchange:
        daemon = Supervised(exchange.daemon_command(folder / "run", folder), folder / "daemon.err")
        try:
            with _client(folder / "run" / "control.sock") as client:
                samples = _watched(int(client.ask("status").result["pid"]), folder, seconds)
                fills = int(client.ask("status").result["fills"])
        except NoDaemonError as error:
            raise RunError(str(error)) from None
        finally:
            daemon.stop()
    if daemon.restarts or daemon.exit_code:
        raise RunError(f"the daemon ended with {daemon.exit_code}, {daemon.restarts} restarts")
    if not fills:
        raise RunError("nothing was traded")
    return samples


def _client(control: Path) -> Client:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while True:
        try:
            client = Client(control)
            if client.ask("status").result["phase"] == "ready":
                return client
            client.close()
        except NoDaemonError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def _watched(pid: int, folder: Path, seconds: float) -> list[Sample]:
    began = time.monotonic()
    samples: list[Sample] = []
    for number in range(SAMPLES):
        time.sleep(max(0.0, began + (number + 1) * seconds / SAMPLES - time.monotonic()))
        smaps = Path(f"/proc/{pid}/smaps").read_text()
        samples.append(Sample(time.monotonic() - began, *pages_of(smaps, folder / "log")))
    return samples


def slope_of(samples: list[Sample]) -> tuple[float, float]:
    """By least squares, kB a second, and its standard error."""
    at = np.array([each.at for each in samples])
    private = np.array([each.private for each in samples], float)
    away = at - at.mean()
    slope = float(away @ (private - private.mean()) / (away @ away))
    left = private - private.mean() - slope * away
    return slope, float(np.sqrt(left @ left / (len(at) - 2) / (away @ away)))


def rows(hours: float = HOURS) -> list[Row]:
    """Private pages at the end, those of the log, and the slope in between."""
    day = f"demo, {hours * 60:.0f} min at {FASTER} x its rate"
    private = Row(id="P20", name=f"memory, private pages, {day}", unit="MB", goal=GOAL_MB)
    log = Row(id="P20", name=f"memory, mapped log, {day}", unit="MB")
    slope = Row(id="P20", name=f"memory, slope of private pages, {day}", unit="MB/h of that day")
    try:
        with tempfile.TemporaryDirectory(prefix="pitwire-memory-") as folder:
            samples = _sampled(Path(folder), hours * 3_600 / FASTER)
    except RunError as error:
        return [msgspec.structs.replace(x, skipped=str(error)) for x in (private, log, slope)]
    warm = samples[round(SAMPLES * WARM_UP) :]
    kb_per_second, error_ = slope_of(warm)
    per_hour = 3_600 / FASTER / 1e3
    last = warm[-5:]
    slope = row_of_runs(slope, [kb_per_second * per_hour])
    slope.floor = error_ * per_hour
    slope.goal = NOISE * slope.floor if hours >= HOURS_TO_JUDGE else None
    return [
        row_of_runs(private, [each.private / 1e3 for each in last]),
        row_of_runs(log, [each.log / 1e3 for each in last]),
        slope,
    ]
