"""`pitwire doctor` on hosts made of files: each shortcoming is found, with what it costs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools import doctor
from tools.command import main
from tools.doctor import Finding, Host

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
}
# Measured on the host that runs the tests, whatever the files say.
MEASURED = {"clock synchronisation", "longest pause in 0.2 s", "open files", "locked memory"}


@pytest.fixture(autouse=True)
def short_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A moment of a busy core instead of 0.2 s."""
    monkeypatch.setattr(doctor, "PAUSE_MEASURED_NS", 1_000_000)


def host(root: Path, changes: dict[str, str]) -> Host:
    for name, text in {**GOOD, **changes}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Host(root)


def states(root: Path, changes: dict[str, str]) -> dict[str, str]:
    found = doctor.examine(host(root, changes), root)
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
    ],
)
def test_each_shortcoming_is_found(
    tmp_path: Path, file: str, text: str, name: str, state: str
) -> None:
    assert states(tmp_path, {file: text})[name] == state


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
        monkeypatch.setattr(doctor, "examine", lambda _, __, found=found: found)
        assert main(["doctor", "--json"], table) == code
        assert json.loads(capsys.readouterr().out)[0]["state"] == state
        assert main(["doctor"], table) == code
        assert "disk" in capsys.readouterr().out
