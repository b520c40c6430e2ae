"""`pitwire risk explain`: every check that the gate made of one order, from the log alone.

The log is run again up to the order's own record, so that the inputs are those of that moment: the
book, the position, what else was working. What the gate then said is in the log too, and the two
are compared.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from rich.console import Console
from rich.table import Table

from tools.command import UsageError
from tools.screen import screen

if TYPE_CHECKING:
    from daemon.log import Frame

REQUESTS: Final = ("ORDER_SUBMITTED", "ORDER_DENIED", "REPLACE_REQUESTED")
INT64_MAX: Final = 2**63 - 1
SHOWN_WITHOUT: Final = frozenset(
    {"sequence", "ts_core", "type", "class", "cause", "value", "limit"}
)


class ExplainError(Exception):
    """The log does not lead to that moment: its text says why. Exit code 1."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `risk` and its subcommand."""
    parser = subparsers.add_parser(
        "risk",
        help="why the gate let an order pass, or denied it",
        epilog="example: pitwire risk explain run/demo/log 0000000100000007",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    explain = commands.add_parser(
        "explain",
        help="every check of an order, with its inputs, limit and margin",
        description=(
            "Replay the log up to an order or a replace and show every check of the gate: what it "
            "measured, from which inputs, the limit and how much was left. Exit code 1 where the "
            "log cannot be replayed up to there or has another answer."
        ),
        epilog="example: pitwire risk explain run/demo/log 0000000100000007 --json",
    )
    explain.add_argument("log", type=Path, metavar="LOG", help="the log's folder")
    explain.add_argument("order", metavar="ORDER", help="the request's ClOrdID (16 hex digits)")
    explain.add_argument("--json", action="store_true", help="for machines")
    explain.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Explain one request; 1 where that is not possible."""
    from daemon.core import LogError

    folder: Path = arguments.log
    if not any(folder.glob("*.seg")):
        raise UsageError(f"{folder}: no event log here (expected a folder with *.seg files)")
    try:
        found = explain(folder, _number(arguments.order))
    except (ExplainError, LogError) as error:
        sys.stderr.write(f"pitwire risk: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _show(found, screen())
    return 0


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise UsageError(f"{text}: expected a ClOrdID in up to 16 hex digits") from None


# ------------------------------------------------------------------ the explanation


def explain(folder: Path, cl_ord_id: int) -> dict[str, Any]:
    """`order`, `sequence`, `denied`, `request` (as the log has it) and `checks` in their order.

    ExplainError where the log holds no such request or cannot be run up to it.
    """
    from daemon.log.text import as_document, instruments_of

    frame = _request(folder, cl_ord_id)
    checks = [_named(check) for check in _replayed(folder, frame.sequence)]
    _compare(frame, checks)
    return {
        "order": f"{cl_ord_id:016x}",
        "sequence": frame.sequence,
        "denied": frame.name == "ORDER_DENIED",
        "request": as_document(frame, instruments_of(folder)),
        "checks": checks,
    }


def _request(folder: Path, cl_ord_id: int) -> Frame:
    from daemon.log import LogReader

    for frame in LogReader(folder, types=REQUESTS, committed=True):
        if frame.fields()["cl_ord_id"] == cl_ord_id:
            return frame
    raise ExplainError(
        f"{folder}: no order or replace has the ClOrdID {cl_ord_id:016x} (a cancel passes no check)"
    )


def _replayed(folder: Path, sequence: int) -> list[dict[str, Any]]:
    """Run the log up to a request; the checks as the core gives them."""
    from daemon.app.history import history_of
    from daemon.app.replaying import ReplayRun

    parts = [part for part in history_of(folder).parts if part.abandoned < sequence]
    if not parts:
        raise ExplainError("the log holds no EPOCH record: no daemon ever started on it")
    run = ReplayRun.of_part(folder, parts[-1], sequence)
    run.explain_at(sequence)
    outcome = run.finish()
    if outcome.divergence is not None:
        raise ExplainError(
            f"replay differs from the log at sequence {outcome.sequence}, before the order's "
            f"{sequence}: {outcome.divergence['reason']} (see pitwire replay)"
        )
    if outcome.log_error:
        raise ExplainError(f"the log is damaged: {outcome.log_error}")
    if not run.checks:
        raise ExplainError(f"replay ended at {outcome.sequence} and did not reach {sequence}")
    return run.checks


def _named(check: dict[str, Any]) -> dict[str, Any]:
    """With the reason's name, and no limit where there is none."""
    from daemon.core import DenyReason

    unlimited = abs(check["limit"]) >= INT64_MAX
    limit = {"limit": None, "margin": None} if unlimited or not check["applies"] else {}
    return check | limit | {"reason": DenyReason(check["reason"]).name}


def _compare(frame: Frame, checks: list[dict[str, Any]]) -> None:
    """ExplainError where the gate of the log said something else."""
    from daemon.core import DenyReason

    fields = frame.fields()
    logged = DenyReason(fields["reason"]).name if frame.name == "ORDER_DENIED" else None
    found = next((check["reason"] for check in checks if not check["passed"]), None)
    if found != logged:
        raise ExplainError(
            f"the log's gate said {logged or 'passed'}, this build's says {found or 'passed'}"
        )


# ------------------------------------------------------------------ on the screen


def _show(found: dict[str, Any], console: Console) -> None:
    request = found["request"]
    shown = [f"{name} {value}" for name, value in request.items() if name not in SHOWN_WITHOUT]
    console.print(f"{request['type']} at sequence {found['sequence']}: {', '.join(shown)}")
    table = Table(box=None, pad_edge=False)
    for name in ("", "check", "scope"):
        table.add_column(name)
    for name in ("value", "limit", "margin"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    table.add_column("inputs", overflow="fold")
    for check in found["checks"]:
        table.add_row(*_cells(check), style=_style(check))
    console.print(table)


def _style(check: dict[str, Any]) -> str:
    if not check["applies"]:
        return "dim"
    return "" if check["passed"] else "bold red"


def _cells(check: dict[str, Any]) -> list[str]:
    if not check["applies"]:
        return ["-", check["name"], "", "", "", "", "", "does not apply"]
    sign = ">= " if check["at_least"] else ""
    limit = "none" if check["limit"] is None else f"{sign}{check['limit']:,}"
    margin = "" if check["margin"] is None else f"{check['margin']:,}"
    inputs = ", ".join(f"{name} {_input(value)}" for name, value in check["inputs"].items())
    verdict = "ok" if check["passed"] else "NO"
    name, scope, unit = check["name"], check["scope"], check["unit"]
    return [verdict, name, scope, f"{check['value']:,}", limit, margin, unit, inputs]


def _input(value: int) -> str:
    return "none" if value == -INT64_MAX - 1 else f"{value:,}"
