"""What changed between two documents of `pitwire bench`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table
from rich.text import Text

from tools.bench.rows import Row
from tools.bench.table import number_text
from tools.command import UsageError
from tools.screen import screen

STYLES: Final = {"faster": "green", "slower": "red"}


class Document(msgspec.Struct, frozen=True):
    """build/bench.json, as far as it is compared."""

    rows: list[Row]
    commit: str = ""


class Change(msgspec.Struct, frozen=True):
    """A row then and now. `ratio` is now to base; the verdict is about the medians.

    | verdict        | when                                                             |
    |----------------|------------------------------------------------------------------|
    | faster, slower | the ranges of the two measurements' runs do not touch             |
    | same           | they do: another measurement of the same could have said either   |
    | new, gone      | only one of the documents has the row, or a figure in it          |
    """

    id: str
    name: str
    unit: str
    base: float | None
    now: float | None
    ratio: float | None
    verdict: str


def read(path: Path) -> Document:
    """UsageError where there is no such document."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Document)
    except OSError as error:
        raise UsageError(f"--compare {path}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UsageError(f"--compare {path}: no document of pitwire bench: {error}") from None


def changes(base: Sequence[Row], now: Sequence[Row]) -> list[Change]:
    """The rows of now in their order, then those of `base` that are not there any more.

    A row is known by its id and name. Benchmarks that were not asked for now are left out.
    """
    before = {(row.id, row.name): row for row in base}
    after = {(row.id, row.name): row for row in now}
    ids = {row.id for row in now}
    gone = [row for key, row in before.items() if key not in after and row.id in ids]
    found = [_change(before.get(key), row) for key, row in after.items()]
    return found + [_change(row, None) for row in gone]


def _change(base: Row | None, now: Row | None) -> Change:
    row = now or base
    assert row is not None  # noqa: S101 - one of them was found
    then = base.value if base else None
    value = now.value if now else None
    ratio = value / then if value is not None and then else None
    return Change(row.id, row.name, row.unit, then, value, ratio, _verdict(base, now))


def _verdict(base: Row | None, now: Row | None) -> str:
    if now is None or now.value is None:
        return "gone" if base is not None and base.value is not None else ""
    if base is None or base.value is None:
        return "new"
    then, after = _range(base), _range(now)
    if after[1] < then[0]:
        return "slower" if now.more_is_better else "faster"
    if after[0] > then[1]:
        return "faster" if now.more_is_better else "slower"
    return "same"


def _range(row: Row) -> tuple[float, float]:
    """Of the runs' values; documents of before had only the samples'."""
    low = row.low if row.low is not None else row.min
    high = row.high if row.high is not None else row.max
    value = row.value or 0.0
    return (value if low is None else low), (value if high is None else high)


def show(found: Sequence[Change], path: Path) -> None:
    """The table for people."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("figure")
    for name in ("base", "now", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("unit")
    table.add_column("")
    for each in found:
        values = (number_text(value) for value in (each.base, each.now, each.ratio))
        verdict = Text(each.verdict, style=STYLES.get(each.verdict, ""))
        table.add_row(each.id, each.name, *values, each.unit, verdict)
    screen().print(table)
    screen().print(f"compared with {path}", style="dim")
