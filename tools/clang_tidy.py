"""clang-tidy over our C++ in parallel, within a time budget, remembering what already passed.

A file's verdict holds as long as it, every header of ours, the checks and the tool stay the same;
verdicts are kept beside the build. Where the budget ends first the files left are named and the
exit code stays 0: `make check-deep` runs without one. Files that changed last go first.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FILE_SECONDS_MAX: Final = 300


def sources(tests: bool) -> list[Path]:
    """Our translation units, newest first; `tests` adds tests and benchmarks."""
    folders = ["src", "bindings", *(["tests", "bench"] if tests else [])]
    found = [file for folder in folders for file in (ROOT / "native" / folder).rglob("*.cpp")]
    return sorted(found, key=lambda file: file.stat().st_mtime, reverse=True)


def surroundings() -> bytes:
    """What every verdict depends on besides the file itself."""
    digest = hashlib.sha256(version("clang-tidy").encode())
    native = ROOT / "native"
    checks = [ROOT / ".clang-tidy", *sorted(native.rglob(".clang-tidy"))]
    for file in [*checks, *sorted(native.rglob("*.hpp"))]:
        digest.update(file.read_bytes())
    return digest.digest()


def verdict_file(folder: Path, file: Path, around: bytes) -> Path:
    """Where a pass of this very content is remembered."""
    return folder / hashlib.sha256(around + bytes(file) + file.read_bytes()).hexdigest()


class Run:
    """One pass over the files; `left` are those the budget did not reach."""

    def __init__(self, tool: Path, build: Path, budget_seconds: float) -> None:
        self.tool, self.build = tool, build
        self.deadline = time.monotonic() + budget_seconds
        self.remembered = build / "clang-tidy"
        self.remembered.mkdir(parents=True, exist_ok=True)
        self.around = surroundings()
        self.left: list[Path] = []

    def check(self, file: Path) -> str:
        """What clang-tidy says against the file; empty where it passes."""
        passed = verdict_file(self.remembered, file, self.around)
        if passed.exists():
            return ""
        seconds = min(self.deadline - time.monotonic(), FILE_SECONDS_MAX)
        if seconds <= 1:
            self.left.append(file)
            return ""
        return self._run(file, passed, seconds)

    def _run(self, file: Path, passed: Path, seconds: float) -> str:
        command = [str(part) for part in (self.tool, "--quiet", "-p", self.build, file)]
        try:
            result = subprocess.run(  # noqa: S603  the tool of our own environment
                command, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            self.left.append(file)
            return ""
        if result.returncode == 0:
            passed.touch()
            return ""
        return result.stdout + result.stderr


def main() -> int:
    """Check every file; 1 where one has a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="with compile_commands.json")
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds")
    parser.add_argument("--tests", action="store_true", help="tests and benchmarks too")
    parser.add_argument("-j", type=int, default=2, help="files at a time")
    arguments = parser.parse_args()
    run = Run(Path(sys.executable).parent / "clang-tidy", arguments.build, arguments.budget)
    files = sources(arguments.tests)
    with ThreadPoolExecutor(arguments.j) as pool:
        complaints = [text for text in pool.map(run.check, files) if text]
    sys.stdout.write("".join(complaints))
    sys.stdout.write(f"clang-tidy: {len(files) - len(run.left)} of {len(files)} files\n")
    for file in run.left:
        sys.stdout.write(f"  not within {arguments.budget:.0f} s: {file.relative_to(ROOT)}\n")
    return int(bool(complaints))


if __name__ == "__main__":
    raise SystemExit(main())
