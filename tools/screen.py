"""Output for people: as wide as the terminal; whole lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

# Wider than any line of ours: a pipe or a file is never folded, whatever COLUMNS says.
WIDTH_WITHOUT_TERMINAL: Final = 10_000
GAP: Final = 2


def screen(*, errors: bool = False) -> Console:
    """Standard output, or standard error, for tables and sentences."""
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else WIDTH_WITHOUT_TERMINAL
    return Console(highlight=False, stderr=errors, width=width)


class Columns:
    """A table that leaves columns out until it fits: empty ones first, then `expendable` ones.

    `titles` and every row have the same order; `left` are the columns that stand left. With
    `tell` a last line names what was left out.
    """

    def __init__(
        self,
        titles: Sequence[str],
        cells: Sequence[Sequence[Text]],
        *,
        left: frozenset[int] = frozenset(),
        expendable: Sequence[int] = (),
        tell: bool = False,
    ) -> None:
        self._titles, self._cells = titles, cells
        self._left, self._tell = left, tell
        empty = [n for n in range(len(titles)) if all(row[n].plain in ("", "-") for row in cells)]
        self._expendable = [*empty, *(n for n in expendable if n not in empty)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table as it fits into the options' width."""
        kept = self._kept(options.max_width)
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in kept:
            justify = "left" if column in self._left else "right"
            table.add_column(self._titles[column], justify=justify, no_wrap=True)  # type: ignore[arg-type]  # a Literal to rich
        for row in self._cells:
            table.add_row(*(row[column] for column in kept))
        yield table
        missing = [title for n, title in enumerate(self._titles) if n not in kept]
        if missing and self._tell:
            yield Text(f"not shown: {', '.join(missing)} (a wider terminal, or --json)", "dim")

    def _kept(self, width: int) -> list[int]:
        kept = list(range(len(self._titles)))
        widths = [
            max(cell_len(self._titles[n]), *(row[n].cell_len for row in self._cells), 0)
            for n in kept
        ]
        for column in self._expendable:
            if sum(widths[n] + GAP for n in kept) - GAP <= width or len(kept) == 1:
                break
            kept.remove(column)
        return kept
