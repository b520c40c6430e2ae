"""The parts of a log that run as one: from one beginning of the strategies to the next.

A process goes on where the one before ended when its replay agreed with the log. Under another
configuration or other code it cannot: it takes all that was logged as facts and strategies begin
anew. Such a start divides the log. Each part is run by a core and actors of its own, which take
everything before the part as facts, as the process did.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from daemon.app.code import Code, CutError, logged_code
from daemon.app.epoch import LoggedEpoch, epochs_of
from daemon.log import LogReader


class Part(msgspec.Struct, frozen=True):
    """Its epochs, all with the configuration and code of the first.

    `abandoned` is the sequence of the ABANDONED record that it begins with, 0 for the log's first
    part; `last` the sequence before the next part, 0 for the newest.
    """

    epochs: list[LoggedEpoch]
    abandoned: int = 0
    last: int = 0

    @property
    def first(self) -> LoggedEpoch:
        """The epoch that began the part."""
        return self.epochs[0]


class Abandoned(msgspec.Struct, frozen=True):
    """An ABANDONED record with its place."""

    sequence: int
    turn: int
    from_sequence: int

    @property
    def anew(self) -> bool:
        """Whether strategies began anew there: no turn of before was run again."""
        return self.turn == 0


def abandoned_of(folder: Path) -> list[Abandoned]:
    """Every ABANDONED in a log, in order."""
    found = []
    for frame in LogReader(folder, types=["ABANDONED"], committed=True):
        fields = frame.fields()
        found.append(Abandoned(frame.sequence, fields["turn"], fields["from_sequence"]))
    return found


def parts_of(folder: Path) -> list[Part]:
    """Every part of a log, in order; none where no daemon ever started on it."""
    epochs = epochs_of(folder)
    if not epochs:
        return []
    begins = [each.sequence for each in abandoned_of(folder) if each.anew]
    # A start that died before its EPOCH leaves a beginning that nothing followed.
    bounds = [0, *(at for at in begins if epochs[0].sequence < at < epochs[-1].sequence)]
    parts = []
    for place, begin in enumerate(bounds):
        end = bounds[place + 1] if place + 1 < len(bounds) else 0
        own = [each for each in epochs if begin < each.sequence and not 0 < end < each.sequence]
        if own:
            parts.append(Part(own, begin, end - 1 if end else 0))
    return parts


def code_of(folder: Path, part: Part) -> Code:
    """What strategies of the part decided by, as logged; that of all of its epochs is the same.

    LoadingError where no process lived to log all of it, or it is damaged.
    """
    cut: CutError | None = None
    for epoch in part.epochs:
        try:
            return logged_code(folder, epoch.sequence)
        except CutError as error:
            cut = error
    raise cut or CutError("a part without a process")
