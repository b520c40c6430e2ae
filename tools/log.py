"""`pitwire log`: what is in an event log, whether it is whole, and a way out of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import orjson
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from daemon import core
from daemon.log.measure import LogTotals, latencies_of, totals_of
from daemon.log.reader import LogReader
from daemon.log.schema import RECORDS, spec_of
from daemon.log.select import Place, Selection, parse_place
from daemon.log.text import Instrument, as_document, instruments_of
from tools.command import UsageError
from tools.screen import screen

EPILOG: Final = """examples:
  pitwire log stat /var/lib/pitwire/log
  pitwire log cat /var/lib/pitwire/log --order 0000000100000007
  pitwire log cat LOG --type FILL --from 2026-01-05T14:30:00Z --limit 20
  pitwire log verify LOG
  pitwire log export LOG --out day/
  pitwire log latency LOG"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `log` and its subcommands."""
    parser = subparsers.add_parser(
        "log",
        help="totals, records, checks, export and latencies of an event log",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    stat = _add(commands, "stat", "totals by type, rates, hours left on the disk", run_stat)
    stat.add_argument("--json", action="store_true", help="for machines")
    _add_cat(commands)
    _add(
        commands, "verify", "check sums, sequences, gaps, hash chain; exit 1 at a fault", run_verify
    )
    export = _add(commands, "export", "a Parquet file for every record type", run_export)
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if need be")
    export.add_argument(
        "--type", action="append", default=[], metavar="NAME", help="only this type"
    )
    latency = _add(commands, "latency", "percentiles of the stages of orders' way out", run_latency)
    latency.add_argument("--json", action="store_true", help="for machines")


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("log", type=Path, metavar="LOG", help="folder of the event log")
    parser.set_defaults(run=partial(_guarded, run))
    return parser


def _add_cat(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "cat", "records as JSON lines", run_cat)
    parser.add_argument(
        "--order", metavar="HEX", help="all that mention this ClOrdID (16 hex digits)"
    )
    parser.add_argument("--instrument", metavar="ID|SYMBOL", help="all of this instrument")
    parser.add_argument("--type", action="append", default=[], metavar="NAME", help="of this type")
    parser.add_argument("--from", dest="begin", metavar="WHEN", help="sequence, or time (UTC)")
    parser.add_argument("--to", dest="end", metavar="WHEN", help="sequence, or time, inclusive")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many records")


def _guarded(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Damage met on the way is exit 1 with file and offset; no log there is bad usage."""
    folder: Path = args.log
    if not folder.is_dir() or not any(folder.glob("*.seg")):
        raise UsageError(f"{folder}: no event log here (expected a folder with *.seg files)")
    try:
        return run(args)
    except core.LogError as error:
        sys.stderr.write(f"pitwire log: {error}\n")
        return 1


# ------------------------------------------------------------------ stat


def run_stat(args: argparse.Namespace) -> int:
    """Totals; exit 0, also where the log has a torn tail (it is said)."""
    totals = totals_of(args.log)
    if args.json:
        sys.stdout.write(orjson.dumps(msgspec.to_builtins(totals)).decode() + "\n")
    else:
        _print_totals(totals)
    return 0


def _print_totals(totals: LogTotals) -> None:
    table = Table("type", "frames", "bytes", "bytes/frame")
    for column in table.columns[1:]:
        column.justify = "right"
    for each in totals.types:
        size = f"{each.bytes / each.frames:.1f}"
        table.add_row(each.name, f"{each.frames:,}", f"{each.bytes:,}", size)
    console = screen()
    console.print(table)
    console.print(
        f"sequences {totals.first_sequence} to {totals.last_sequence}, {totals.frames:,} frames, "
        f"{totals.bytes:,} bytes in {totals.duration_seconds:.3f} s; log ends: {totals.status}",
        soft_wrap=True,
    )
    console.print(_rates(totals), soft_wrap=True)
    for checks in totals.book_checks:
        console.print(
            f"{checks.instrument}: book compared with the venue's best bid and ask "
            f"{checks.compared:,} times, {checks.different:,} different",
            style="bold red" if checks.different else None,
            soft_wrap=True,
        )


def _rates(totals: LogTotals) -> str:
    parts = []
    if totals.bytes_per_market_message is not None:
        parts.append(
            f"{totals.market_messages:,} market messages, "
            f"{totals.bytes_per_market_message:.1f} bytes of log each"
        )
    if totals.frames_per_second is not None and totals.hours_left is not None:
        parts.append(f"{totals.frames_per_second:,.0f} frames/s")
        free = totals.disk_free_bytes / 2**30
        parts.append(f"{totals.hours_left:,.1f} hours left at this rate on {free:.1f} GiB free")
    return "; ".join(parts) or "no rates: the log spans no time"


# ------------------------------------------------------------------ cat


def run_cat(args: argparse.Namespace) -> int:
    """JSON lines of the records asked for; exit 0, also where there are none."""
    if args.limit is not None and args.limit < 0:
        raise UsageError(f"--limit {args.limit}: expected 0 or more")
    instruments = instruments_of(args.log)
    selection = _selection(args, instruments)
    left = args.limit
    for frame in selection.read(args.log):
        if left is not None:
            if left == 0:
                break
            left -= 1
        sys.stdout.write(orjson.dumps(as_document(frame, instruments)).decode() + "\n")
    return 0


def _selection(args: argparse.Namespace, instruments: dict[int, Instrument]) -> Selection:
    return Selection(
        types=frozenset(_types(args.type)),
        order=None if args.order is None else _order(args.order),
        instrument=None if args.instrument is None else _instrument(args.instrument, instruments),
        begin=_place("--from", args.begin),
        end=_place("--to", args.end),
    )


def _types(names: list[str]) -> list[int]:
    try:
        return [spec_of(name.upper()).number for name in names]
    except KeyError as error:
        known = ", ".join(spec.name for spec in RECORDS.values())
        raise UsageError(f"--type {error.args[0]}: expected one of {known}") from None


def _order(text: str) -> int:
    try:
        if len(text) > 16:
            raise ValueError
        return int(text, 16)
    except ValueError:
        raise UsageError(f"--order {text}: expected a ClOrdID in up to 16 hex digits") from None


def _instrument(text: str, instruments: dict[int, Instrument]) -> int:
    for each in instruments.values():
        if each.symbol == text:
            return each.instrument_id
    if text.isdecimal():
        return int(text)
    known = ", ".join(each.symbol for each in instruments.values()) or "none defined"
    raise UsageError(f"--instrument {text}: expected an id or one of: {known}")


def _place(key: str, text: str | None) -> Place:
    if text is None:
        return Place()
    try:
        return parse_place(text)
    except ValueError:
        raise UsageError(
            f"{key} {text}: expected a sequence, ns since 1970, or a time as 2026-01-05T14:30:00Z"
        ) from None


# ------------------------------------------------------------------ verify, export, latency


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=screen(errors=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def run_verify(args: argparse.Namespace) -> int:
    """Exit 0 where every promise of the log's bytes holds, 1 with file and offset otherwise."""
    size = sum(path.stat().st_size for path in args.log.glob("*.seg"))
    with _bar() as bar:
        task = bar.add_task("verify", total=size)
        report = core.verify_log(str(args.log), lambda done: bar.update(task, completed=done))
    for file, offset, reason in report["faults"]:
        sys.stdout.write(f"{file}, offset {offset}: {reason}\n")
    sys.stdout.write(
        f"{report['segments']} segments, {report['frames']} frames, {report['bytes']} bytes, "
        f"sequences {report['first_sequence']} to {report['last_sequence']}, "
        f"{report['epoch_gaps']} gaps at starts: {len(report['faults']) or 'no'} faults\n"
    )
    return 1 if report["faults"] else 0


def run_export(args: argparse.Namespace) -> int:
    """Exit 0 when every file is complete."""
    from daemon.log.export import export  # pyarrow takes 0.2 s to import: only where it is used

    if args.out.exists() and not args.out.is_dir():
        raise UsageError(f"--out {args.out}: expected a folder")
    reader = LogReader(args.log)
    reader.seek(2**63)
    with _bar() as bar:
        task = bar.add_task("export", total=max(reader.last_sequence, 1))
        rows = export(
            args.log,
            args.out,
            types=_types(args.type),
            progress=lambda frames: bar.update(task, completed=frames),
        )
    for name, count in rows.items():
        sys.stdout.write(f"{args.out / name.lower()}.parquet: {count} rows\n")
    return 0


def run_latency(args: argparse.Namespace) -> int:
    """Exit 0; 1 where the log holds no ORDER_LATENCY frame."""
    stages = latencies_of(args.log)
    if args.json:
        sys.stdout.write(orjson.dumps(msgspec.to_builtins(stages)).decode() + "\n")
        return 0 if stages else 1
    if not stages:
        sys.stderr.write("pitwire log: no ORDER_LATENCY frames in this log\n")
        return 1
    table = Table("lane", "stage", "orders", "p50 ns", "p90 ns", "p99 ns", "p99.9 ns", "max ns")
    for column in table.columns[2:]:
        column.justify = "right"
    for stage in stages:
        name, orders, *values, lane = msgspec.structs.astuple(stage)
        table.add_row(lane, name, f"{orders:,}", *(f"{value:,.0f}" for value in values))
    screen().print(table)
    return 0
