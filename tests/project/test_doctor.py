"""`pitwire doctor` on hosts made of files: each shortcoming is found, with what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.app.configuration import Configuration, parse
from tools import doctor, host_tuning
from tools.command import main
from tools.host import Finding, Host

FLAGS = " ".join(doctor.FLAGS_NEEDED)
GOOD = {
    "proc/cpuinfo": f"processor\t: 0\nflags\t\t: fpu {FLAGS} constant_tsc nonstop_tsc\n\n"
    "processor\t: 1\n",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/isolated": "1\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "proc/swaps": "Filename Type Size Used Priority\n",
    "proc/sys/net/core/rmem_max": f"{8 << 20}\n",
    "sys/devices/system/cpu/online": "0-1\n",
    "sys/devices/system/cpu/nohz_full": "1\n",
    "sys/devices/system/cpu/cpuidle/current_driver": "intel_idle\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state0/latency": "0\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state0/name": "POLL\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state1/latency": "2\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state1/name": "C1\n",
    "sys/kernel/mm/transparent_hugepage/defrag": "always [madvise] never\n",
    "proc/self/timerslack_ns": "1\n",
    "proc/self/mounts": "/dev/sda1 / ext4 rw,noatime 0 0\n",
    "proc/meminfo": "MemTotal:       16384000 kB\n",
    "proc/sys/vm/dirty_background_ratio": "10\n",
    "proc/sys/vm/dirty_background_bytes": "0\n",
    "proc/cmdline": "quiet isolcpus=1 nohz_full=1 rcu_nocbs=1\n",
    "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1\n",
    "sys/devices/system/node/node0/cpulist": "0-1\n",
    "sys/class/net/lo/mtu": "65536\n",
    "sys/class/net/eth0/device/msi_irqs/24": "msix\n",
    "sys/class/net/eth0/device/msi_irqs/25": "msix\n",
    "proc/irq/24/effective_affinity_list": "0\n",
    "proc/irq/25/effective_affinity_list": "0\n",
}
# Measured on the host that runs the tests, whatever the files say.
MEASURED = {"clock synchronisation", "clock offset", "longest pause in 0.2 s", "open files"}
MEASURED |= {"locked memory", "linker", "eth0 coalescing"}
CPU = "sys/devices/system/cpu"
PINNED = parse(
    (Path(__file__).parents[2] / "config" / "demo.toml").read_text(),
    overrides=["core.pin_core=1", "core.pin_native=[0]", "feed.itch.busy_poll_us=50"],
)


@pytest.fixture(autouse=True)
def short_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment of a busy core instead of 0.2 s."""
    monkeypatch.setattr(doctor, "PAUSE_MEASURED_NS", 1_000_000)


def host(root: Path, changes: dict[str, str]) -> Host:
    for name, text in {**GOOD, **changes}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Host(root)


def states(
    root: Path, changes: dict[str, str], configuration: Configuration | None = None
) -> dict[str, str]:
    found = doctor.examine(host(root, changes), root, configuration)
    return {each.name: each.state for each in found if each.name not in MEASURED}


def test_a_good_host_has_nothing_to_say_against(tmp_path: Path) -> None:
    found = states(tmp_path, {})
    for disk in ("free disk", "disk sync", "native core"):
        found.pop(disk)
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize(
    ("file", "text", "name", "state"),
    [
        ("proc/cpuinfo", "processor\t: 0\nflags\t: fpu\n", "instructions", "bad"),
        ("proc/cpuinfo", "processor\t: 0\nflags\t: fpu\n", "cores", "warning"),
        ("proc/cpuinfo", "processor\t: 0\nflags\t: fpu\n", "time stamp counter", "warning"),
        ("proc/cpuinfo", "flags\t: hypervisor\n", "virtual machine", "note"),
        (
            "sys/devices/system/clocksource/clocksource0/current_clocksource",
            "hpet",
            "clock source",
            "warning",
        ),
        (
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            "powersave",
            "frequency governor",
            "warning",
        ),
        ("sys/devices/system/cpu/isolated", "", "isolated cores", "note"),
        (
            "sys/kernel/mm/transparent_hugepage/enabled",
            "[always] never",
            "transparent huge pages",
            "warning",
        ),
        ("proc/swaps", "Filename\n/dev/sda1 partition 1 0 -1\n", "swap", "warning"),
        ("proc/sys/net/core/rmem_max", "212992", "socket receive buffer", "warning"),
        (f"{CPU}/nohz_full", "(null)", "tickless cores", "note"),
        (f"{CPU}/cpu0/cpuidle/state2/latency", "133", "idle states", "warning"),
        ("proc/self/timerslack_ns", "50000", "timer slack", "note"),
        (
            "sys/kernel/mm/transparent_hugepage/defrag",
            "[always] madvise",
            "huge page compaction",
            "warning",
        ),
        (
            "proc/sys/vm/dirty_background_bytes",
            f"{5 << 30}",
            "dirty pages before write-back",
            "note",
        ),
        (
            "proc/meminfo",
            "MemTotal:   268435456 kB",
            "dirty pages before write-back",
            "note",
        ),
        ("proc/self/mounts", "none / tmpfs rw 0 0", "file system", "warning"),
        ("proc/self/mounts", "a / ext4 rw 0 0\nhost:/ / nfs4 rw 0 0", "file system", "warning"),
    ],
)
def test_each_shortcoming_is_found(
    tmp_path: Path, file: str, text: str, name: str, state: str
) -> None:
    assert states(tmp_path, {file: text})[name] == state


def test_cores_that_threads_are_pinned_to_are_looked_at_one_by_one(tmp_path: Path) -> None:
    busy = {"proc/sys/net/core/busy_read": "50"}
    good = states(tmp_path, busy, PINNED)
    assert (good["core 1"], good["NUMA nodes of the threads"]) == ("ok", "ok")
    assert good["core 0"] == "warning", "the operating system's"
    assert good["eth0 interrupts"] == "warning", "on core 0, which has native threads"


@pytest.mark.parametrize(
    ("file", "text", "name", "found", "state"),
    [
        (f"{CPU}/online", "0", "core 1", "the core's thread; not online", "bad"),
        (f"{CPU}/isolated", "0", "core 1", "the core's thread; lacks: isolcpus", "warning"),
        (f"{CPU}/nohz_full", "0", "core 1", "the core's thread; lacks: nohz_full", "warning"),
        ("proc/cmdline", "quiet", "core 1", "the core's thread; lacks: rcu_nocbs", "warning"),
        (
            f"{CPU}/cpu1/topology/thread_siblings_list",
            "0-1",
            "core 1",
            "the core's thread; lacks: shares its pipeline with core 0",
            "warning",
        ),
        (
            "proc/irq/25/effective_affinity_list",
            "1",
            "eth0 interrupts",
            "2 on cores 0-1",
            "warning",
        ),
        (
            "sys/devices/system/node/node1/cpulist",
            "1",
            "NUMA nodes of the threads",
            "node0 node1",
            "warning",
        ),
    ],
)
def test_what_a_pinned_core_lacks_is_said(
    tmp_path: Path, file: str, text: str, name: str, found: str, state: str
) -> None:
    seen = host(tmp_path, {file: text})
    findings = [*host_tuning.cores(seen, PINNED), *host_tuning.network(seen, PINNED, lambda _: 0)]
    finding = next(each for each in findings if each.name == name)
    assert (finding.found, finding.state) == (found, state)
    assert finding.cost


def test_busy_polling_beyond_what_the_host_allows_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for allowed, state in (("49", "bad"), ("50", "ok")):
        seen = host(tmp_path, {"proc/sys/net/core/busy_read": allowed})
        findings = {each.name: each for each in host_tuning.network(seen, PINNED, lambda _: None)}
        assert findings["busy polling"].state == state
    assert not any(
        each.name == "busy polling" for each in host_tuning.network(seen, None, lambda _: None)
    )


def test_a_card_that_holds_packets_back_is_found(tmp_path: Path) -> None:
    seen = host(tmp_path, {})
    for wait_us, state in ((0, "ok"), (50, "warning")):
        findings = {
            each.name: each for each in host_tuning.network(seen, None, {"eth0": wait_us}.get)
        }
        assert findings["eth0 coalescing"].state == state
    findings = {each.name: each for each in host_tuning.network(seen, None, lambda _: None)}
    assert "eth0 coalescing" not in findings
    assert host_tuning.read_coalescing("no-such-card") is None


def test_without_a_linker_kernels_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD", "no-such-linker")
    (finding,) = host_tuning.linker()
    assert (finding.state, finding.found) == ("note", "no ld")


def test_whatever_is_not_ok_says_what_it_costs(tmp_path: Path) -> None:
    for each in doctor.examine(Host(tmp_path), tmp_path):
        assert each.state == "ok" or each.cost, each


def test_a_full_disk_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = doctor.DISK_BAD_BYTES - 1

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    free, sync = doctor.disk(tmp_path / "not" / "there")
    assert (free.state, sync.name) == ("bad", "disk sync")


def test_the_longest_pause_is_the_largest_step_of_the_clock() -> None:
    clock = iter([0, 10_000, 410_000, 420_000, 1_000_000])
    assert doctor._longest_pause_us(lambda: next(clock)) == 580


def test_the_exit_code_is_1_where_something_is_bad(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {"doctor": "tools.doctor"}
    for state, code in (("warning", 0), ("bad", 1)):
        found = [Finding("disk", state, "x", "y")]
        monkeypatch.setattr(doctor, "examine", lambda *_, found=found: found)
        assert main(["doctor", "--json"], table) == code
        assert json.loads(capsys.readouterr().out)[0]["state"] == state
        assert main(["doctor"], table) == code
        assert "disk" in capsys.readouterr().out


def test_a_configuration_that_is_wrong_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text("[daemon]\n")
    assert main(["doctor", "--config", str(tmp_path / "c.toml")], {"doctor": "tools.doctor"}) == 2
    assert "c.toml" in capsys.readouterr().err
