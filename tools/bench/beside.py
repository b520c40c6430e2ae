"""Peers measured in turn with our own rows: our lap, every peer's lap, ours again.

A group is some rows of one benchmark and what of peers stands beside them. A row with several
peers is there once for each, with the same figure of ours.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from tools.bench import native, peer_inputs
from tools.bench.native import Native
from tools.bench.peer import Lap, PeerError, Script, prepared
from tools.bench.rows import Peer, Row, one_lap

LAPS: Final = 5
CONTEXT: Final = ("floor", "floor_p99", "goal", "goal_p99")
MEDIANS: Final = ("value", "p50", "p99", *CONTEXT)
Key: TypeAlias = tuple[str, str]


class Rival(msgspec.Struct, frozen=True):
    """A peer's code compiled into our benchmark's binary, and its benchmark there.

    `source` is its version, or the Debian package that its headers come from.
    """

    name: str
    source: str
    native: Native


class Pair(msgspec.Struct, frozen=True):
    """A row of ours by id and name, and what of a peer stands beside it."""

    id: str
    row: str
    peer: Script | Rival


class Group(msgspec.Struct, frozen=True):
    """Pairs of the benchmark `bench`; `lap` measures their rows of ours (and may measure more)."""

    bench: str
    lap: Callable[[], list[Row]]
    pairs: tuple[Pair, ...]


class _Figures:
    """What a peer's laps gave; `skipped` from the first lap that gave nothing."""

    def __init__(self, pair: Pair, lap: Callable[[], Lap], version: str) -> None:
        self.pair = pair
        self.version = version
        self.laps: list[Lap] = []
        self.skipped = ""
        self._lap = lap

    def take(self) -> None:
        """One more lap."""
        if self.skipped:
            return
        try:
            self.laps.append(self._lap())
        except PeerError as error:
            self.skipped = str(error)

    def beside(self, ours: Sequence[Row]) -> Peer:
        """As it stands in a row; `ours` are the row's laps, in the same order."""
        name = self.pair.peer.name
        if self.skipped or not self.laps:
            return Peer(name=name, version=self.version, skipped=self.skipped or "no lap was taken")
        values = [lap.value for lap in self.laps]
        return Peer(
            name=name,
            version=self.version,
            value=statistics.median(values),
            low=min(values),
            high=max(values),
            p50=_median([lap.p50 for lap in self.laps]),
            p99=_median([lap.p99 for lap in self.laps]),
            ratio=_ratio(ours, values),
        )


def with_peers(rows: Sequence[Row], group: Group, say: Callable[[str], None]) -> list[Row]:
    """The rows, those of the group's pairs replaced by what was measured in turn with peers."""
    laps: list[list[Row]] = []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pitwire-bench-")))
        say(f"preparing peers of {group.bench}")
        figures = [_figures(pair, folder, stack) for pair in group.pairs]
        for number in range(LAPS):
            say(f"measuring {group.bench} and peers in turn, {number + 1} of {LAPS}")
            with one_lap():
                laps.append(group.lap())
            for each in figures:
                each.take()
    return list(_replaced(rows, laps, figures))


def _figures(pair: Pair, folder: Path, stack: contextlib.ExitStack) -> _Figures:
    if isinstance(pair.peer, Rival):
        rival = pair.peer
        return _Figures(pair, lambda: _rival_lap(rival), _version(rival.source))
    try:
        process = stack.enter_context(
            prepared(pair.peer, peer_inputs.write(pair.peer.input, folder))
        )
    except PeerError as error:
        figures = _Figures(pair, lambda: Lap(0.0), "")
        figures.skipped = str(error)
        return figures
    return _Figures(pair, process.lap, process.version)


def _version(source: str) -> str:
    """As it stands; of a package what is installed, "" where that cannot be told."""
    if source[0].isdigit():
        return source
    try:
        words = ["dpkg-query", "--show", "--showformat=${Version}", source]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    except OSError:
        return ""
    return done.stdout


def _rival_lap(rival: Rival) -> Lap:
    with one_lap():
        (row,) = native.rows_of([rival.native])
    if row.value is None:
        raise PeerError(f"{row.skipped} (its headers: {rival.source})")
    return Lap(row.value)


def _replaced(
    rows: Sequence[Row], laps: Sequence[Sequence[Row]], figures: Sequence[_Figures]
) -> Iterator[Row]:
    by_key: dict[Key, list[Row]] = {}
    for lap in laps:
        for row in lap:
            by_key.setdefault((row.id, row.name), []).append(row)
    for row in rows:
        beside = [each for each in figures if (each.pair.id, each.pair.row) == (row.id, row.name)]
        taken = by_key.get((row.id, row.name), [row])
        for each in beside:
            yield _with_context(merged(taken), row, each.beside(taken))
        if not beside:
            yield row


def _with_context(made: Row, before: Row, peer: Peer) -> Row:
    """Goals and floors that a lap does not set are those of the row measured before."""
    context = {name: getattr(made, name) or getattr(before, name) for name in CONTEXT}
    return msgspec.structs.replace(made, peer=peer, **context)


def merged(laps: Sequence[Row]) -> Row:
    """One row of a row's laps: medians of their figures, least and most of their ranges."""
    failed = next((row for row in laps if row.value is None), None)
    if failed is not None:
        return failed
    medians = {name: _median([getattr(row, name) for row in laps]) for name in MEDIANS}
    values = [row.value for row in laps if row.value is not None]
    return msgspec.structs.replace(
        laps[0],
        min=min(_known([row.min for row in laps])),
        max=max(_known([row.max for row in laps])),
        low=min(values),
        high=max(values),
        runs=len(laps),
        **medians,
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _median(values: Sequence[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None


def _ratio(ours: Sequence[Row], theirs: Sequence[float]) -> float | None:
    """Of each lap of ours to the peer's lap beside it; None where a lap of ours has no figure."""
    ratios = []
    for row, value in zip(ours, theirs, strict=True):
        if not row.value or not value:
            return None
        ratios.append(row.value / value if row.more_is_better else value / row.value)
    return statistics.median(ratios)
