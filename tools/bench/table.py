"""The benchmarks' document as a table for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from tools.bench.rows import Peer, Row
from tools.screen import screen

COLUMNS = ("median", "min", "max", "p50", "p99", "floor", "goal")
PEER_COLUMNS = ("peer", "ours is")


def show(document: dict[str, Any], out: Path) -> None:
    """Print it; skipped rows say why below their line."""
    console = screen()
    machine = document["machine"]
    console.print(
        f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
        f"Python {machine['python']}, load {machine['load_1min']}; commit {document['commit'][:12]}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("figure")
    beside = any(row.peer for row in document["rows"])
    for name in (*COLUMNS, *(PEER_COLUMNS if beside else ())):
        table.add_column(name, justify="right")
    table.add_column("unit")
    table.add_column("")
    for row in document["rows"]:
        table.add_row(*_cells(row, beside=beside), style="dim" if row.skipped else "")
    console.print(table)
    console.print(f"written to {out}", style="dim")


def _cells(row: Row, *, beside: bool) -> list[str]:
    peer = [number_text(row.peer.value), _times(row.peer.ratio)] if row.peer else ["", ""]
    if not beside:
        peer = []
    if row.skipped:
        name = f"{escape(f'{row.name}: {row.skipped}')}{_beside(row.peer)}"
        return [row.id, name, *[""] * len(COLUMNS), *peer, row.unit, "skipped"]
    values = (row.value, row.min, row.max, row.p50)
    return [
        row.id,
        row.name + _beside(row.peer),
        *(number_text(value) for value in values),
        number_text(row.p99),
        _pair(row.floor, row.floor_p99),
        _pair(row.goal, row.goal_p99),
        *peer,
        row.unit,
        {True: "[green]reached[/]", False: "[yellow]not yet[/]", None: ""}[row.reached],
    ]


def _beside(peer: Peer | None) -> str:
    """A second line below the row's name: which peer's figure it is, or why it has none."""
    if peer is None:
        return ""
    why = f": {peer.skipped}" if peer.skipped else ""
    return escape(f"\n  beside {peer.name} {peer.version}".rstrip() + why)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{number_text(ratio)} x"


def number_text(value: float | None) -> str:
    """Three digits, or whole thousands; "" for None."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.3g}"


def _pair(value: float | None, tail: float | None) -> str:
    both = number_text(value), number_text(tail)
    return "/".join(both) if tail is not None else both[0]
