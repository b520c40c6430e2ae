"""Tests through the bindings under sanitizers: `python -m tools.sanitized BUILD [PYTEST WORDS]`.

BUILD is a folder configured with -DPITWIRE_SANITIZE, in which `core` was built: its module is in
BUILD/checkout/daemon, and this tree is put beside it, as links. There pytest runs, and so does
every process that its tests start, with the runtime of the sanitizers loaded before all else: the
interpreter has none. The interpreter's own leaks are not looked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
# Not here: days, benchmarks and QuickFIX/J, which are about time and other programs.
ROOMS: Final = (
    "app", "backtest", "control", "crash", "exchange", "fix", "io", "log", "market", "orders",
    "runtime", "strategies", "strategy", "watchdog", "wire",
)  # fmt: skip
# The compiler of kernels and a strategy's worker start with an environment of their own, in which
# the sanitizers' runtime cannot be the first library.
CLEAN_ENVIRONMENT: Final = (
    "tests/io/test_kernels.py",
    "tests/backtest/test_command.py::test_a_strategy_that_fails_is_named_and_is_exit_code_1",
)
TESTS: Final = (
    *("-m", "not deep"),
    *(f"--deselect={each}" for each in CLEAN_ENVIRONMENT),
    *(f"tests/{room}" for room in ROOMS),
)
RUNTIMES: Final = ("libasan.so", "libubsan.so")
SANITIZERS: Final = {
    # Python ends without taking everything apart; numba and OpenSSL keep what they have.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:malloc_context_size=8",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    # libstdc++ and Python allocate by their own pools: by malloc every object has its bounds.
    "PYTHONMALLOC": "malloc",
}
# An editable installation would find the other tree first.
SITE: Final = """import sys
sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__name__.startswith("ScikitBuild")]
"""


def lay_out(checkout: Path) -> None:
    """This tree as links below `checkout`, beside the module that is there."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607  git, from PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = {checkout / name for name in listed.splitlines()}
    for link in wanted:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / link.relative_to(checkout))
    for path in checkout.rglob("*"):
        if path.is_symlink() and path not in wanted:
            path.unlink()
    (checkout / "sitecustomize.py").write_text(SITE)


def runtime(name: str) -> str:
    """Where gcc has this library."""
    command = ["gcc", f"-print-file-name={name}"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603  our own command
    if not Path(found).is_absolute():
        sys.exit(f"gcc has no {name}: apt-get install libasan8 libubsan1")
    return str(Path(found).resolve())


def main(arguments: Sequence[str] | None = None) -> int:
    """pytest's exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        sys.exit(__doc__)
    checkout = Path(words[0]).absolute() / "checkout"
    if not list(checkout.glob("daemon/core.*.so")):
        sys.exit(f"{checkout}/daemon: no module of the core; build its target `core` first")
    if shutil.which("gcc") is None:
        sys.exit("no gcc: the sanitizers' runtimes are its own")
    lay_out(checkout)
    environment = {
        **os.environ,
        **SANITIZERS,
        "LD_PRELOAD": " ".join(runtime(name) for name in RUNTIMES),
        "PYTHONPATH": str(checkout),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *(words[1:] or TESTS)]
    return subprocess.run(command, cwd=checkout, env=environment, check=False).returncode  # noqa: S603  our own command


if __name__ == "__main__":
    sys.exit(main())
