"""Instructions of the hot loops, counted by callgrind and held against a baseline.

Times drift on a shared machine; the instructions of the same binary on the same input do not. Each
loop is a test of native/tests/steady (which sees to it that it allocates nothing and makes no
system call), counted alone. A rise above 3 % fails: make it cheaper, or say why in the commit that
takes the new counts with `python -m tools.instructions --build build/release --update`.

Counts are of one compiler: where another built, they are shown and not compared.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
BASELINE: Final = ROOT / "native" / "tests" / "steady" / "instructions.toml"
RISE_MAX: Final = 0.03
TIMEOUT_S: Final = 300
OF_THE_HOOK: Final = ("EveryAllocationIsCounted", "TheFirstSystemCallIsNamed")
COLLECTED: Final = re.compile(r"Collected : (\d+)")


class CountError(RuntimeError):
    """A loop could not be counted; the text says why."""


def loops(binary: Path) -> list[str]:
    """The tests that are hot loops, by their full names."""
    listed = subprocess.run(  # noqa: S603 - our own binary
        [binary, "--gtest_list_tests"], capture_output=True, text=True, check=True
    ).stdout
    names, suite = [], ""
    for line in listed.splitlines():
        name = line.split("#")[0].strip()
        if not line.startswith(" "):
            suite = name
        elif name not in OF_THE_HOOK:
            names.append(suite + name)
    return names


def count(binary: Path, loop: str) -> int:
    """Instructions of one loop."""
    command = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        "--toggle-collect=pitwire_counted_loop",
        str(binary),
        f"--gtest_filter={loop}",
    ]
    ran = subprocess.run(  # noqa: S603 - our own binary
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        env=os.environ | {"PITWIRE_STEADY_COUNTING": "1"},
    )
    found = COLLECTED.search(ran.stderr)
    # Whether it passes is `make test`'s to say: here nothing was run in a child, which some expect.
    if "1 test from 1 test suite ran." not in ran.stdout or found is None:
        raise CountError(f"{loop}: {(ran.stdout + ran.stderr)[-2000:]}")
    return int(found.group(1))


def compiler(build: Path) -> str:
    """The compiler of a build, as it names itself."""
    cache = (build / "CMakeCache.txt").read_text()
    path = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)
    if path is None:
        raise CountError(f"{build}: not configured")
    said = subprocess.run(  # noqa: S603 - the compiler that built
        [path.group(1), "--version"], capture_output=True, text=True, check=True
    ).stdout
    return said.splitlines()[0]


def compare(counts: dict[str, int], baseline: dict[str, int]) -> tuple[list[str], bool]:
    """A line for each loop, and whether one rose too far or is not in the baseline."""
    lines, bad = [], False
    for loop, found in counts.items():
        before = baseline.get(loop)
        change = "new" if before is None else f"{found / before - 1:+.2%}"
        risen = before is None or found > before * (1 + RISE_MAX)
        bad |= risen
        lines.append(f"{'RISEN' if risen else '':6}{change:>9}  {found:>14,}  {loop}")
    return lines, bad


def write(path: Path, said: str, counts: dict[str, int]) -> None:
    """The baseline, as TOML."""
    rows = "".join(f'"{loop}" = {found}\n' for loop, found in counts.items())
    path.write_text(
        "# Instructions of each hot loop; written by `python -m tools.instructions --update`.\n"
        f'compiler = "{said}"\n\n[counts]\n{rows}'
    )


def main() -> int:
    """Count all; 1 where one rose too far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with pitwire_steady_tests")
    parser.add_argument("--update", action="store_true", help="take the counts as the baseline")
    parser.add_argument("-j", type=int, default=2, help="loops at a time")
    arguments = parser.parse_args()
    binary = arguments.build / "pitwire_steady_tests"
    names = loops(binary)
    with ThreadPoolExecutor(arguments.j) as pool:
        counts = dict(zip(names, pool.map(lambda loop: count(binary, loop), names), strict=True))
    said = compiler(arguments.build)
    if arguments.update:
        write(BASELINE, said, counts)
        return 0
    baseline = tomllib.loads(BASELINE.read_text())
    if said != baseline["compiler"]:
        sys.stdout.write(f"instructions: not compared: built by {said}, ")
        sys.stdout.write(f"the baseline by {baseline['compiler']}\n")
        return 0
    lines, bad = compare(counts, baseline["counts"])
    if bad:
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"instructions: {len(counts)} loops, at most {RISE_MAX:.0%} above: ")
    sys.stdout.write("no\n" if bad else "yes\n")
    return int(bad)


if __name__ == "__main__":
    raise SystemExit(main())
