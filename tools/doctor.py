"""`pitwire doctor`: whether this host suits the daemon, and what each shortcoming costs.

Reads /proc and /sys, measures two things for a moment (a sync of the disk, pauses of a core) and
changes nothing. Exit code 1 where something is bad: the daemon would not run, or not safely.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from daemon.app.configuration import Configuration
from tools import host_tuning
from tools.config import load_configuration
from tools.host import GIB, Finding, Host, bytes_text, chosen, judge, limit_text

RECEIVE_BUFFER_BYTES: Final = 8 << 20  # [[feed]] receive_buffer_bytes
FILES_MIN: Final = 1024
DISK_BAD_BYTES: Final = 1 * GIB  # [log] low_disk_bytes
DISK_WARNING_BYTES: Final = 20 * GIB
SYNCS: Final = 5
SYNC_WARNING_MS: Final = 10.0
PAUSE_MEASURED_NS: Final = 200_000_000
PAUSE_WARNING_US: Final = 1000
FLAGS_NEEDED: Final = ("avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "sse4_2")
CLOCK_UNSYNCHRONISED: Final = 5  # TIME_ERROR of adjtimex(2)
CLOCK_OFFSET_US_MAX: Final = 100
STA_NANO: Final = 0x2000
TIMEX_BYTES: Final = 208


# ------------------------------------------------------------------ processor and clock


def processor(host: Host) -> Iterator[Finding]:
    """Instructions that the native core is built for, and how many cores there are."""
    text = host.read("proc/cpuinfo")
    flags = set(text.partition("flags")[2].partition("\n")[0].replace(":", " ").split())
    missing = [flag for flag in FLAGS_NEEDED if flag not in flags]
    found = f"missing: {' '.join(missing)}" if missing else "x86-64-v3"
    cost = "the native core would stop with an illegal instruction"
    yield judge(not missing, "instructions", found, cost, "bad")
    stable = {"constant_tsc", "nonstop_tsc"} <= flags
    cost = "the time stamp counter cannot be used: a clock read costs 20 to 60 ns more"
    yield judge(stable, "time stamp counter", "invariant" if stable else "not invariant", cost)
    cores = text.count("processor\t")
    cost = "daemon and operating system share one core: every interrupt delays the turn"
    yield judge(cores >= 2, "cores", str(cores), cost)
    if "hypervisor" in flags:
        text = "waking a sleeping thread costs 20 to 35 us; the host may pause us at any time"
        yield Finding("virtual machine", "note", "yes", text)


def clock(host: Host) -> Iterator[Finding]:
    """What the kernel reads the time from, and whether it follows a reference."""
    base = "sys/devices/system/clocksource/clocksource0/current_clocksource"
    source = host.read(base) or "unknown"
    cost = "each read of the clock is a system call of about a microsecond"
    yield judge(source in {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"}, "clock source",
                 source, cost)  # fmt: skip
    synchronised, error_us, offset_us = _synchronisation()
    found = f"error at most {error_us} us" if synchronised else "follows no reference"
    cost = "our stamps and the venue's drift apart; FIX SendingTime may be refused"
    yield judge(synchronised, "clock synchronisation", found, cost)
    cost = "stamps of hosts differ by as much: their latencies cannot be compared"
    near = synchronised and abs(offset_us) <= CLOCK_OFFSET_US_MAX
    yield judge(near, "clock offset", f"{offset_us} us" if synchronised else "not known", cost)


def _synchronisation() -> tuple[bool, int, int]:
    """Whether it follows a reference, the largest possible error, and what is being slewed off."""
    # struct timex of adjtimex(2): modes at 0 (0 only reads), offset at 8 (ns where STA_NANO),
    # maxerror in us at 24, status at 40.
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    offset, error_us = (
        int.from_bytes(buffer.raw[at : at + 8], sys.byteorder, signed=True) for at in (8, 24)
    )
    status = int.from_bytes(buffer.raw[40:44], sys.byteorder)
    offset_us = offset // 1000 if status & STA_NANO else offset
    return 0 <= state < CLOCK_UNSYNCHRONISED, error_us, offset_us


def scheduling(host: Host) -> Iterator[Finding]:
    """Frequency, isolation, and how long a busy core is taken away at most."""
    governors = host.all("sys/devices/system/cpu/cpu*/cpufreq/scaling_governor")
    if governors:
        found = " ".join(sorted(governors))
        cost = "the core slows down while parked: tens of microseconds to speed up"
        yield judge(governors == {"performance"}, "frequency governor", found, cost)
    isolated = host.read("sys/devices/system/cpu/isolated")
    cost = (
        "other processes run on the daemon's core: pauses of milliseconds (isolcpus=, nohz_full=)"
    )
    yield judge(bool(isolated), "isolated cores", isolated or "none", cost, "note")
    pause_us = _longest_pause_us(time.perf_counter_ns)
    cost = "no order leaves within a pause; look for neighbours on this core"
    yield judge(pause_us < PAUSE_WARNING_US, "longest pause in 0.2 s", f"{pause_us} us", cost)


def _longest_pause_us(now_ns: Callable[[], int]) -> int:
    start = last = now_ns()
    longest = 0
    while last - start < PAUSE_MEASURED_NS:
        now = now_ns()
        longest = max(longest, now - last)
        last = now
    return longest // 1000


# ------------------------------------------------------------------ memory and limits


def memory(host: Host) -> Iterator[Finding]:
    """What can make a page fault slow."""
    mode = chosen(host.read("sys/kernel/mm/transparent_hugepage/enabled")) or "unknown"
    cost = "the kernel moves our pages together in the background: pauses of milliseconds"
    yield judge(mode != "always", "transparent huge pages", mode, cost)
    swaps = host.read("proc/swaps").splitlines()[1:]
    cost = "cold pages go to disk and come back in milliseconds (or set core.lock_memory)"
    yield judge(not swaps, "swap", f"{len(swaps)} areas" if swaps else "off", cost)


def limits(host: Host) -> Iterator[Finding]:
    """What the operating system allows this user."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = files == resource.RLIM_INFINITY or files >= FILES_MIN
    yield judge(enough, "open files", limit_text(files), "connections are refused", "bad")
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    cost = "core.lock_memory will fail (LimitMEMLOCK=infinity in the unit)"
    unlimited = locked == resource.RLIM_INFINITY or os.geteuid() == 0
    yield judge(unlimited, "locked memory", limit_text(locked), cost, "note")
    buffers = int(host.read("proc/sys/net/core/rmem_max") or 0)
    cost = f"bursts beyond it are lost; sysctl net.core.rmem_max={RECEIVE_BUFFER_BYTES}"
    yield judge(buffers >= RECEIVE_BUFFER_BYTES, "socket receive buffer", bytes_text(buffers), cost)


# ------------------------------------------------------------------ disk and ourselves


def disk(folder: Path) -> Iterator[Finding]:
    """Where the log goes: space, and what making it durable costs."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    state = "bad" if free < DISK_BAD_BYTES else "warning"
    cost = "the daemon halts new orders when it falls below log.low_disk_bytes"
    yield judge(
        free >= DISK_WARNING_BYTES, "free disk", f"{bytes_text(free)} at {folder}", cost, state
    )
    try:
        sync_ms = _sync_ms(folder)
    except OSError as error:
        cost = "the log cannot be written there"
        yield Finding("disk sync", "bad", f"{folder}: {error.strerror}", cost)
        return
    cost = "an order of durability `awaited` waits for it; group-synced ones are lost by so much"
    yield judge(sync_ms < SYNC_WARNING_MS, "disk sync", f"{sync_ms:.2f} ms (median)", cost)


def _sync_ms(folder: Path) -> float:
    """The median time of making 4 KiB durable."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            file.write(b"\0" * 4096)
            file.flush()
            start = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter_ns() - start)
    return sorted(taken)[SYNCS // 2] / 1e6


def ourselves() -> Iterator[Finding]:
    """Whether the native core loads."""
    version = ".".join(map(str, sys.version_info[:3]))
    try:
        core = importlib.import_module("daemon.core")
    except ImportError as error:
        yield Finding("native core", "bad", str(error), "nothing runs without it: make")
    else:
        records = len(core.RECORDS)
        yield Finding("native core", "ok", f"{records} records, Python {version}")


# ------------------------------------------------------------------ the command


def examine(host: Host, folder: Path, configuration: Configuration | None = None) -> list[Finding]:
    """Everything, in the order of the report."""
    parts = (processor, clock, scheduling, memory, limits)
    return [
        *(finding for part in parts for finding in part(host)),
        *disk(folder),
        *ourselves(),
        *host_tuning.cores(host, configuration),
        *host_tuning.idle(host),
        *host_tuning.network(host, configuration),
        *host_tuning.pages(host),
        *host_tuning.filesystem(host, folder),
        *host_tuning.linker(),
    ]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="whether this host suits the daemon",
        epilog="example: pitwire doctor --config my.toml",
    )
    parser.add_argument("--config", "-c", type=Path, help="whose pinned cores and log to look at")
    parser.add_argument("--log", type=Path, help="where the log will be (default: run)")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    configuration = load_configuration(arguments.config, []) if arguments.config else None
    folder = arguments.log or Path(configuration.log.folder if configuration else "run")
    found = examine(Host(), folder.absolute(), configuration)
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(each) for each in found]) + "\n")
    else:
        _print(found)
    return int(any(each.state == "bad" for each in found))


def _print(found: list[Finding]) -> None:
    from rich.table import Table

    from tools.screen import screen

    colours = {"ok": "green", "note": "cyan", "warning": "yellow", "bad": "bold red"}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "what", "found", "what it costs"):
        table.add_column(heading)
    for each in found:
        mark = f"[{colours[each.state]}]{each.state}[/]"
        table.add_row(mark, each.name, each.found, each.cost)
    screen().print(table)
