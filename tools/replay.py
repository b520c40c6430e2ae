"""`pitwire replay`: run a day again from its log and compare every output, byte for byte."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tools.command import UsageError
from tools.screen import screen

if TYPE_CHECKING:
    from daemon.app.history import Part
    from daemon.app.replaying import ReplayRun

CONTEXT_BYTES = 16


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "replay",
        help="run a log again and compare every output",
        description=(
            "Run the inputs of a log through the same core and the same strategies and compare "
            "every output with the log, byte for byte. Exit code 0: identical; 1: the first "
            "difference is shown."
        ),
        epilog="example: pitwire replay run/demo/log --until 250000",
    )
    parser.add_argument("log", metavar="LOG", help="the log's folder")
    parser.add_argument("--until", type=int, default=0, metavar="SEQ", help="stop behind it")
    parser.add_argument(
        "--from-checkpoint",
        action="store_true",
        help="begin behind the newest checkpoint that fits instead of at the beginning",
    )
    parser.add_argument(
        "--code",
        choices=("logged", "current"),
        default="logged",
        help="strategies as the log holds them, or as the files are now",
    )
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Replay and say what came of it."""
    from daemon.core import LogError

    folder = Path(arguments.log)
    if not any(folder.glob("*.seg")):
        raise UsageError(f"{folder}: no event log here (expected a folder with *.seg files)")
    console = screen()
    try:
        return _replay(arguments, folder, console)
    except LogError as error:
        console.print(f"the log is damaged: {error}")
        return 1


def _replay(arguments: argparse.Namespace, folder: Path, console: Console) -> int:
    from daemon.app.history import history_of
    from daemon.app.recovery import FIRST_SEGMENT
    from daemon.app.replaying import ReplayRun

    until = arguments.until
    parts = [part for part in history_of(folder).parts if not 0 < until <= part.abandoned]
    if not parts:
        raise UsageError(f"{folder}: holds no EPOCH record: no daemon ever started on it")
    logged = arguments.code == "logged"
    if arguments.from_checkpoint:
        return _run(_behind_checkpoint(folder, parts[-1], until, logged, console), console)
    if not (folder / FIRST_SEGMENT).exists():
        raise UsageError(f"{folder}: retention removed its beginning; use --from-checkpoint")
    for part in parts:
        if part.abandoned:
            start, at = part.first.start, part.first.sequence
            console.print(f"epoch {start.epoch} at sequence {at}: strategies began anew")
        run = ReplayRun.of_part(folder, part, until, logged)
        _say_differences(run, part, console)
        if code := _run(run, console):
            return code
    return 0


def _behind_checkpoint(
    folder: Path, part: Part, until: int, logged: bool, console: Console
) -> ReplayRun:
    from daemon.app.epoch import describe
    from daemon.app.history import code_of
    from daemon.app.recovery import newest_checkpoint
    from daemon.app.replaying import ReplayRun, configuration_of

    run = ReplayRun.of_part(folder, part, until, logged)
    _say_differences(run, part, console)
    current = describe(run.wiring, part.first.start.epoch, part.first.start.start_number)
    checkpoint = newest_checkpoint(folder, current, until)
    if checkpoint is None:
        raise UsageError(f"{folder}: no checkpoint fits; replay without --from-checkpoint")
    console.print(
        f"begins behind sequence {checkpoint.covered_sequence}, with {checkpoint.path.name}"
    )
    code = code_of(folder, part) if logged else None
    return ReplayRun(folder, configuration_of(part.first.start), code, until, checkpoint)


def _say_differences(run: ReplayRun, part: Part, console: Console) -> None:
    from daemon.app.epoch import describe, differences

    first = part.first.start
    current = describe(run.wiring, first.epoch, first.start_number)
    for line in differences(first, current):
        console.print(f"not as it was: {line}")


def _run(run: ReplayRun, console: Console) -> int:
    began = time.perf_counter()
    columns = (TextColumn("replay"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    silent = not console.is_terminal  # or an empty line is all that a pipe gets of it
    bar = Progress(*columns, TimeElapsedColumn(), console=console, transient=True, disable=silent)
    with bar as progress:
        task = progress.add_task("replay", total=run.last_sequence or None)
        outcome = run.finish(lambda sequence: progress.update(task, completed=sequence))
    took = time.perf_counter() - began
    if outcome.log_error:
        console.print(f"the log is damaged: {outcome.log_error}")
        return 1
    if outcome.divergence is not None:
        _show(outcome.divergence, console)
        return 1
    speed = outcome.duration_ns / 1e9 / took if took else 0
    console.print(
        f"identical: {outcome.outputs:,} outputs of {outcome.turns:,} turns, "
        f"{outcome.inputs:,} inputs, {took:.1f} s ({speed:.1f} x real time)"
    )
    return 0


def _show(divergence: dict[str, Any], console: Console) -> None:
    """The first difference: where, what kind, and the first bytes and fields that differ."""
    from daemon.core import RecordType

    def kind(number: int) -> str:
        return RecordType(number).name if number else "nothing"

    console.print(f"differs at sequence {divergence['sequence']}: {divergence['reason']}")
    console.print(f"  ts_core {divergence['ts_core']}")
    console.print(f"  the log has    {kind(divergence['expected_type'])}")
    console.print(f"  the replay has {kind(divergence['found_type'])}")
    for name, logged, found in _fields(divergence):
        console.print(f"  {name}: logged {logged}, replayed {found}")


def _fields(divergence: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Fields of the record that differ; the byte where it is another kind or in the tail."""
    import numpy as np

    from daemon.log import spec_of

    at = divergence["offset"]
    logged, found = divergence["expected"], divergence["found"]
    same_kind = divergence["expected_type"] == divergence["found_type"] != 0
    if same_kind:
        dtype = spec_of(divergence["expected_type"]).dtype
        if dtype.itemsize and min(len(logged), len(found)) >= dtype.itemsize:
            before = np.frombuffer(logged, dtype, count=1)[0]
            after = np.frombuffer(found, dtype, count=1)[0]
            names = dtype.names or ()
            if changed := [n for n in names if before[n] != after[n]]:
                return [(name, before[name], after[name]) for name in changed]
    part = slice(at, at + CONTEXT_BYTES)
    return [(f"byte {at}", logged[part].hex(" ") or "-", found[part].hex(" ") or "-")]
