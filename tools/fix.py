"""`pitwire fix`: our FIX sessions against acceptance definitions, one rule a file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from daemon import core
from tools.command import UsageError

EPILOG: Final = """examples:
  pitwire fix definitions quickfix_definitions/server
  pitwire fix definitions --side initiator my_rules/ 2b_MsgSeqNumTooHigh.def"""
PATTERNS: Final = "fields.fmt"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fix` and its subcommands."""
    parser = subparsers.add_parser(
        "fix",
        help="check our FIX sessions against acceptance definitions",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    definitions = commands.add_parser(
        "definitions",
        help="run definitions (.def) in virtual time; exit 1 where one does not hold",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    definitions.add_argument("path", nargs="+", type=Path, help="a definition, or a folder of them")
    definitions.add_argument(
        "--side",
        choices=("acceptor", "initiator"),
        help="which side of ours; else the initiator where a definition begins with eCONNECT",
    )
    definitions.add_argument(
        "--patterns",
        type=Path,
        metavar="FILE",
        help=f"fields compared by expression; else the nearest {PATTERNS} above a definition",
    )
    definitions.set_defaults(run=run_definitions)


def run_definitions(arguments: argparse.Namespace) -> int:
    """A line for each definition, a count at the end: 0 all hold, 1 one does not, 2 one is none."""
    began = time.monotonic()
    files = list(_files(arguments.path))
    counts = {"passed": 0, "failed": 0, "unreadable": 0}
    for file in files:
        counts[_run(file, arguments.side, arguments.patterns or _patterns_of(file))] += 1
    took = time.monotonic() - began
    parts = [f"{counts['passed']} passed", f"{counts['failed']} failed"]
    if counts["unreadable"]:
        parts.append(f"{counts['unreadable']} not a definition")
    sys.stdout.write(f"{len(files)} definitions: {', '.join(parts)} ({took:.1f} s)\n")
    return 2 if counts["unreadable"] else int(counts["failed"] > 0)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.def"))
            if not found:
                raise UsageError(f"{path}: no definition (*.def) in this folder")
            yield from found
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{path}: no such file or folder")


def _patterns_of(file: Path) -> Path | None:
    above = (folder / PATTERNS for folder in file.resolve().parents)
    return next((path for path in above if path.exists()), None)


def _run(file: Path, side: str | None, patterns: Path | None) -> str:
    try:
        outcome = core.run_fix_definition(
            file.read_bytes(), side, patterns.read_bytes() if patterns else None
        )
    except (OSError, ValueError) as error:
        sys.stdout.write(f"ERROR   {file}: {error}\n")
        return "unreadable"
    if outcome.passed:
        sys.stdout.write(f"passed  {file}\n")
        return "passed"
    sys.stdout.write(f"FAILED  {file}, line {outcome.line}: {outcome.problem}\n")
    for name, message in (("expected", outcome.expected), ("got", outcome.found)):
        if message:
            sys.stdout.write(f"        {name:8} {message}\n")
    return "failed"
