"""Fuzzing with coverage: `python -m tools.fuzz [--runs N | --seconds S] [TARGET...]`.

Builds the C++ targets of native/fuzz with clang and libFuzzer under ASan and UBSan into
build/fuzz, makes their seeds, and runs each target in turn; those in Python run by atheris. Prints
a line a target. A corpus grows in build/fuzz/corpus/TARGET and is where the next run begins; an
input that crashes, takes a second, or more memory than a gibibyte is saved as
build/fuzz/crash-TARGET-*, and the exit code is 1. docs/testing.md says what to do with it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.fuzz_python import SEEDS

ROOT: Final = Path(__file__).parents[1]
BUILD: Final = ROOT / "build" / "fuzz"
FOUND: Final = ROOT / "native" / "fuzz" / "found"
INPUT_SECONDS_MAX: Final = 1
MEMORY_MIB_MAX: Final = 1024
RUNS: Final = 2_000_000
BUSY: Final = "the machine was too busy for an input"
INTERRUPTIONS_MAX: Final = 100

# Target -> its share of the inputs, in thousandths: what is quick gets more, so that each takes
# its part of the time.
SHARES: Final = {
    "log_frames": 330,
    "fix_fields": 210,
    "fix_framer": 160,
    "mold": 150,
    "binance": 90,
    "itch": 40,
    "configuration": 5,
    "control": 10,
    "fix_session": 3,
    "log_recovery": 2,
}


@dataclass(frozen=True)
class Limit:
    """How long a target runs: so many inputs, or so many seconds."""

    runs: int | None
    seconds: int | None

    def of(self, target: str) -> Limit:
        """One target's part of it."""
        if self.seconds is not None:
            return self
        runs = self.runs if self.runs is not None else RUNS
        return Limit(max(1, runs * SHARES[target] // 1000), None)

    def less(self, inputs: int, seconds: float) -> Limit:
        """What is left of it."""
        if self.seconds is not None:
            return Limit(None, max(0, self.seconds - int(seconds)))
        return Limit(max(0, (self.runs or 0) - inputs), None)

    @property
    def over(self) -> bool:
        """Nothing is left."""
        return 0 in (self.runs, self.seconds)

    def argument(self) -> str:
        """libFuzzer's word for it."""
        return f"-max_total_time={self.seconds}" if self.runs is None else f"-runs={self.runs}"


@dataclass(frozen=True)
class Outcome:
    """What became of one target."""

    target: str
    inputs: int
    corpus: int
    seconds: float
    result: str

    def row(self) -> str:
        rate = self.inputs / self.seconds if self.seconds > 0 else 0
        return (
            f"{self.target:<14} {self.inputs:>12,} {self.corpus:>7,} {self.seconds:>9.1f}"
            f" {rate:>10,.0f}  {self.result}"
        )


def clang() -> str:
    """The clang++ to build with: the oldest that is tried knows our C++20."""
    for name in ("clang++-14", "clang++"):
        if found := shutil.which(name):
            return found
    sys.exit("fuzzing needs clang and its runtimes: apt-get install clang-14 libclang-rt-14-dev")


def build() -> None:
    """The C++ targets and the program that writes their seeds."""
    configure: list[str | Path] = [
        "cmake",
        "-S",
        ROOT,
        "-B",
        BUILD,
        "-G",
        "Ninja",
        "-DPITWIRE_FUZZ=ON",
    ]
    configure += [f"-DCMAKE_CXX_COMPILER={clang()}", f"-DPython_EXECUTABLE={sys.executable}"]
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    compile_all: list[str | Path] = [
        "cmake",
        "--build",
        BUILD,
        "-j",
        str(min(2, os.cpu_count() or 1)),
    ]
    for command in (configure, compile_all):
        done = subprocess.run(  # noqa: S603  our own command
            command, env={**os.environ, "PATH": tools}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(f"{done.stdout[-4000:]}{done.stderr[-4000:]}\nthe fuzz targets do not build")


def write_seeds() -> None:
    """Every target's, into build/fuzz/seeds."""
    seeds = BUILD / "seeds"
    subprocess.run([BUILD / "pitwire_fuzz_seeds", seeds], check=True)  # noqa: S603  our own command
    for target, make in SEEDS.items():
        (seeds / target).mkdir(parents=True, exist_ok=True)
        for name, content in make().items():
            (seeds / target / name).write_bytes(content)


def command_of(target: str) -> list[str | Path]:
    """What runs the target, without libFuzzer's arguments."""
    if target in SEEDS:
        return [sys.executable, "-m", "tools.fuzz_python", target]
    return [BUILD / f"pitwire_fuzz_{target}"]


def run(target: str, limit: Limit) -> Outcome:
    """One target, until the limit or the first input that it fails on.

    Where the machine was too busy for an input, what is left of the limit is gone on with.
    """
    whole, began = limit.of(target), time.monotonic()
    inputs, interrupted, result = 0, 0, BUSY
    while result == BUSY and interrupted < INTERRUPTIONS_MAX:
        left = whole.less(inputs, time.monotonic() - began)
        if left.over:
            result = "clean"
            break
        count, result = once(target, left)
        inputs += count
        interrupted += result == BUSY
    if interrupted and result == "clean":
        result += f", gone on {interrupted} times: the machine was busy"
    corpus = len(list((BUILD / "corpus" / target).iterdir()))
    return Outcome(target, inputs, corpus, time.monotonic() - began, result)


def once(target: str, limit: Limit) -> tuple[int, str]:
    """Inputs that were run, and "clean", BUSY or the fault."""
    corpus = BUILD / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    inputs = [corpus, BUILD / "seeds" / target]
    if (FOUND / target).exists():
        inputs.append(FOUND / target)
    command = [
        *command_of(target),
        limit.argument(),
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-rss_limit_mb={MEMORY_MIB_MAX}",
        "-print_final_stats=1",
        f"-artifact_prefix={BUILD}/crash-{target}-",
        *inputs,
    ]
    # Short stacks and a small quarantine: three times the inputs.
    sanitizer = {"ASAN_OPTIONS": "malloc_context_size=2:quarantine_size_mb=16"}
    with (BUILD / f"{target}.log").open("wb") as log:
        code = subprocess.run(  # noqa: S603  our own command
            command, cwd=ROOT, env={**os.environ, **sanitizer}, stdout=log, stderr=log, check=False
        ).returncode
    said = (BUILD / f"{target}.log").read_text(errors="replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    count = int(executed[1]) if executed else 0
    if code == 0 and executed:
        return count, "clean"
    return count, BUSY if was_the_machine(target, said) else why(said, code)


def was_the_machine(target: str, said: str) -> bool:
    """Whether an input that took too long does not when it runs again alone; then it is removed.

    libFuzzer knows only the time that passes, also while others have the processor.
    """
    saved = re.search(r"Test unit written to (\S*timeout-\S+)", said)
    if saved is None:
        return False
    command = [*command_of(target), f"-timeout={INPUT_SECONDS_MAX}", saved[1]]
    again = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  our own command
    if again.returncode == 0:
        Path(saved[1]).unlink()
    return again.returncode == 0


def why(said: str, code: int) -> str:
    """The line of the log that names the fault, and where the input is."""
    fault = re.search(
        r"^(broken promise: .*|.*ERROR: .*|.*runtime error: .*|\w+Error: .*)$", said, re.MULTILINE
    )
    saved = re.search(r"Test unit written to (\S+)", said)
    return (
        f"{fault[1] if fault else f'exit code {code}'}; {saved[1] if saved else 'no input saved'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 where every target is clean."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.fuzz",
        description="Fuzz what reads bytes from outside, with coverage and sanitizers.",
        epilog="example: python -m tools.fuzz --seconds 30 itch fix_fields",
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(SHARES))
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--runs", type=int, help=f"inputs, all targets together ({RUNS:,})")
    amount.add_argument("--seconds", type=int, help="for each target")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.targets) - set(SHARES):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(SHARES)}")
    build()
    write_seeds()
    head = f"{'target':<14} {'inputs':>12} {'corpus':>7} {'seconds':>9} {'inputs/s':>10}  result\n"
    sys.stdout.write(head)
    outcomes = []
    for target in chosen.targets or SHARES:
        outcomes.append(run(target, Limit(chosen.runs, chosen.seconds)))
        sys.stdout.write(outcomes[-1].row() + "\n")
        sys.stdout.flush()
    total = sum(outcome.inputs for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    sys.stdout.write(f"{'all':<14} {total:>12,} {'':>7} {seconds:>9.1f}\n")
    return 0 if all(outcome.result.startswith("clean") for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
