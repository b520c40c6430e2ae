"""What of a host makes a core's time its own: cores, interrupts, idle states, the network card.

With a configuration the cores that it pins threads to are looked at one by one. Everything here is
explained in docs/tuning.md.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from daemon.app.configuration import Configuration
from tools.host import GIB, Finding, Host, bytes_text, chosen, cores_of, cores_text, judge

IDLE_EXIT_US_MAX: Final = 10  # of the deepest idle state
COALESCE_US_MAX: Final = 10
TIMER_SLACK_NS_MAX: Final = 1000
DIRTY_BACKGROUND_BYTES_MAX: Final = 4 * GIB
VOLATILE: Final = {"tmpfs", "ramfs"}
REMOTE: Final = {"nfs", "nfs4", "cifs", "fuse", "fuse.sshfs", "9p", "virtiofs"}
SIOCETHTOOL: Final = 0x8946
ETHTOOL_GCOALESCE: Final = 0x0E
COALESCE_WORDS: Final = 23  # of struct ethtool_coalesce
CPU: Final = "sys/devices/system/cpu"


def pinned(configuration: Configuration | None) -> dict[int, str]:
    """Core and the threads that the configuration pins to it."""
    if configuration is None:
        return {}
    core = configuration.core
    places = dict.fromkeys(core.pin_native, "native threads")
    if core.pin_core is not None:
        also = f", {places[core.pin_core]}" if core.pin_core in places else ""
        places[core.pin_core] = f"the core's thread{also}"
    return places


# ------------------------------------------------------------------ cores


def cores(host: Host, configuration: Configuration | None) -> Iterator[Finding]:
    """What else may run on the cores that threads are pinned to."""
    for core, threads in sorted(pinned(configuration).items()):
        yield _core(host, core, threads)
    places = set(pinned(configuration))
    nodes = {
        path.split("/")[-2] for path in host.paths("sys/devices/system/node/node*/cpulist")
        if host.cores(path) & places
    }  # fmt: skip
    if places:
        cost = "memory and rings of another socket: 60 to 120 ns more for each line that is fetched"
        yield judge(len(nodes) <= 1, "NUMA nodes of the threads", " ".join(sorted(nodes)) or "one",
                    cost)  # fmt: skip
    full = host.read(f"{CPU}/nohz_full").strip("()")
    full = "" if full == "null" else full
    cost = "the scheduler's tick interrupts a busy core 100 to 1000 times a second, 1 to 5 us each"
    yield judge(bool(full), "tickless cores", full or "none (nohz_full=)", cost, "note")


def _core(host: Host, core: int, threads: str) -> Finding:
    name = f"core {core}"
    if core not in host.cores(f"{CPU}/online"):
        return Finding(name, "bad", f"{threads}; not online", "the daemon will not start")
    missing = [
        text
        for text, there in (
            ("isolcpus", core in host.cores(f"{CPU}/isolated")),
            ("nohz_full", core in host.cores(f"{CPU}/nohz_full")),
            ("rcu_nocbs", core in _command_line_cores(host, "rcu_nocbs")),
        )
        if not there
    ]
    siblings = host.cores(f"{CPU}/cpu{core}/topology/thread_siblings_list") - {core}
    if siblings:
        missing.append(f"shares its pipeline with core {cores_text(siblings)}")
    cost = (
        "others run there and in its callbacks: pauses of microseconds to milliseconds; a busy"
        " sibling takes up to half of its speed"
    )
    found = f"{threads}; lacks: {', '.join(missing)}" if missing else f"{threads}; its own"
    return judge(not missing, name, found, cost)


def _command_line_cores(host: Host, key: str) -> set[int]:
    for word in host.read("proc/cmdline").split():
        name, _, value = word.partition("=")
        if name == key:
            return cores_of(value)
    return set()


def idle(host: Host) -> Iterator[Finding]:
    """How deep a core may sleep, and how exact its timers are."""
    driver = host.read(f"{CPU}/cpuidle/current_driver") or "none"
    deepest, exit_us = "", 0
    for path in host.paths(f"{CPU}/cpu0/cpuidle/state*/latency"):
        folder = path.rpartition("/")[0]
        if host.read(f"{folder}/disable") == "1":
            continue
        latency = int(host.read(path) or 0)
        if latency >= exit_us:
            deepest, exit_us = host.read(f"{folder}/name"), latency
    cost = "a core that sleeps wakes so much later: busy-wait, or processor.max_cstate=1"
    state = f", {deepest} takes {exit_us} us to leave" if deepest else ""
    yield judge(exit_us <= IDLE_EXIT_US_MAX, "idle states", f"{driver}{state}", cost)
    slack_ns = int(host.read("proc/self/timerslack_ns") or 0)
    cost = "a sleep until a deadline ends as much later where the core parks; spinning does not"
    yield judge(slack_ns <= TIMER_SLACK_NS_MAX, "timer slack", f"{slack_ns / 1000:g} us", cost,
                "note")  # fmt: skip


# ------------------------------------------------------------------ the network


def network(
    host: Host,
    configuration: Configuration | None,
    coalescing: Callable[[str], int | None] | None = None,
) -> Iterator[Finding]:
    """Interrupts of network cards, and how long a card waits before it raises one."""
    busy = set(pinned(configuration))
    for path in host.paths("sys/class/net/*/device"):
        device = path.split("/")[3]
        yield _interrupts(host, path, device, busy)
        wait_us = (coalescing or read_coalescing)(device)
        if wait_us is not None:
            cost = "a packet is held back for so long: ethtool -C rx-usecs 0 adaptive-rx off"
            name = f"{device} coalescing"
            yield judge(wait_us <= COALESCE_US_MAX, name, f"{wait_us} us", cost)
    yield from _busy_polling(host, configuration)


def _interrupts(host: Host, path: str, device: str, busy: set[int]) -> Finding:
    numbers = [
        file.rpartition("/")[2]
        for pattern in ("msi_irqs/*", "../msi_irqs/*")
        for file in host.paths(f"{path}/{pattern}")
    ]
    served: set[int] = set()
    for number in numbers:
        allowed = host.read(f"proc/irq/{number}/effective_affinity_list")
        served |= cores_of(allowed or host.read(f"proc/irq/{number}/smp_affinity_list"))
    name = f"{device} interrupts"
    if not served:
        return Finding(name, "ok", "none of its own")
    found = f"{len(numbers)} on cores {cores_text(served)}"
    if not busy:
        return Finding(name, "ok", found)
    cost = (
        f"a pinned thread is interrupted on core {cores_text(served & busy)}, 2 to 20 us a burst:"
        " /proc/irq/N/smp_affinity_list, and no irqbalance there"
    )
    return judge(not served & busy, name, found, cost)


def read_coalescing(device: str) -> int | None:
    """rx-usecs of a card; None where its driver does not say, or we may not ask."""
    words = (ctypes.c_uint32 * COALESCE_WORDS)(ETHTOOL_GCOALESCE)
    request = struct.pack("16sP16x", device.encode()[:15], ctypes.addressof(words))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            fcntl.ioctl(control, SIOCETHTOOL, request)
        except OSError:
            return None
    return int(words[1])


def _busy_polling(host: Host, configuration: Configuration | None) -> Iterator[Finding]:
    if configuration is None:
        return
    sockets = [*configuration.feed, *configuration.session]
    wanted = max((getattr(each, "busy_poll_us", 0) for each in sockets), default=0)
    if not wanted:
        return
    allowed = int(host.read("proc/sys/net/core/busy_read") or 0)
    cost = "the daemon will not start: sysctl net.core.busy_read, or CAP_NET_ADMIN"
    may = wanted <= allowed or os.geteuid() == 0
    yield judge(may, "busy polling", f"{wanted} us wanted, {allowed} allowed", cost, "bad")


# ------------------------------------------------------------------ memory and disk


def pages(host: Host) -> Iterator[Finding]:
    """What the kernel does with huge pages, and when it makes writers wait for the disk."""
    defrag = chosen(host.read("sys/kernel/mm/transparent_hugepage/defrag")) or "unknown"
    cost = "a page fault may wait for memory to be moved together: milliseconds"
    yield judge(defrag != "always", "huge page compaction", defrag, cost)
    background = int(host.read("proc/sys/vm/dirty_background_bytes") or 0)
    if not background:
        memory = re.search(r"MemTotal:\s+(\d+) kB", host.read("proc/meminfo"))
        ratio = int(host.read("proc/sys/vm/dirty_background_ratio") or 0)
        background = int(memory[1]) * 1024 * ratio // 100 if memory else 0
    cost = "the disk gets the log in floods, and syncs wait behind them: vm.dirty_background_bytes"
    yield judge(background <= DIRTY_BACKGROUND_BYTES_MAX, "dirty pages before write-back",
                bytes_text(background), cost, "note")  # fmt: skip


def filesystem(host: Host, folder: Path) -> Iterator[Finding]:
    """What the log's folder lies on."""
    kind, options = _mount_of(host.read("proc/self/mounts"), folder)
    found = f"{kind} {options}".strip() or "unknown"
    if kind in VOLATILE:
        yield Finding("file system", "warning", found, "the log is gone with the host's power")
    elif kind in REMOTE:
        cost = "a sync waits for another host, and a mapped page may fault over the network"
        yield Finding("file system", "warning", found, cost)
    else:
        yield Finding("file system", "ok", found)


def _mount_of(mounts: str, folder: Path) -> tuple[str, str]:
    """Kind and options of the mount that is deepest above the folder; of equals the last."""
    best = (-1, "", "")
    for line in mounts.splitlines():
        words = line.split()
        if len(words) < 4 or not folder.is_relative_to(words[1]):
            continue
        mount = (len(Path(words[1]).parts), words[2], words[3])
        best = max(mount, best, key=lambda each: each[0])
    return best[1], best[2]


def linker() -> Iterator[Finding]:
    """What strategies' kernels are linked by."""
    found = shutil.which(os.environ.get("LD", "ld"))
    cost = "strategies with kernels of their own do not start, unless they are in the cache"
    yield judge(found is not None, "linker", found or "no ld", cost, "note")
