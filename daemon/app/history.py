"""What a log says of the processes that wrote it, gathered in one walk over all of it.

A process goes on where the one before ended when its replay agreed with the log. Under another
configuration or other code it cannot: it takes all that was logged as facts and strategies begin
anew. Such a start divides the log. Each part is run by a core and actors of its own, which take
everything before the part as facts, as the process did.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from daemon.app.code import Code, CutError, logged_code
from daemon.app.epoch import LoggedEpoch, decode_epoch
from daemon.app.identities import KINDS, Known
from daemon.log import LogReader, spec_of

SECTIONS = {kind: section for section, kind in KINDS.items()}
TAIL_RECORDS = 65_536


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
    last_sequence: int

    @property
    def anew(self) -> bool:
        """Whether strategies began anew there: no turn of before was run again."""
        return self.turn == 0


class History(msgspec.Struct, frozen=True):
    """Epochs and abandoned ranges in order; what was last said of each id; the last record's
    number, 0 in an empty log."""

    epochs: list[LoggedEpoch]
    abandoned: list[Abandoned]
    definitions: Known
    last_sequence: int

    @property
    def facts(self) -> list[tuple[int, bool, int, int]]:
        """As `daemon.core.Replay` wants to know them."""
        return [(a.sequence, a.anew, a.from_sequence, a.last_sequence) for a in self.abandoned]

    @property
    def last_epoch(self) -> LoggedEpoch | None:
        """The newest; None where no daemon ever started on the log."""
        return self.epochs[-1] if self.epochs else None

    @property
    def parts(self) -> list[Part]:
        """Every part, in order; none where no daemon ever started on the log."""
        epochs = self.epochs
        if not epochs:
            return []
        begins = [each.sequence for each in self.abandoned if each.anew]
        # A start that died before its EPOCH leaves a beginning that nothing followed.
        bounds = [0, *(at for at in begins if epochs[0].sequence < at < epochs[-1].sequence)]
        parts = []
        for place, begin in enumerate(bounds):
            end = bounds[place + 1] if place + 1 < len(bounds) else 0
            own = [each for each in epochs if begin < each.sequence and not 0 < end < each.sequence]
            if own:
                parts.append(Part(own, begin, end - 1 if end else 0))
        return parts

    def same_configuration_since(self, sha256: str) -> int | None:
        """Where the last epochs of this configuration begin; None: the last had another.

        Ids mean what the configuration says: before that place they may mean something else.
        """
        begin = None
        for epoch in reversed(self.epochs):
            if epoch.start.configuration_sha256 != sha256:
                break
            begin = epoch.sequence
        return begin


def history_of(folder: Path) -> History:
    """Of a log, as far as it is committed."""
    epochs: list[LoggedEpoch] = []
    abandoned: list[Abandoned] = []
    definitions: Known = {section: {} for section in KINDS}
    reader = LogReader(folder, types=["EPOCH", "ABANDONED", "DEFINITION"], committed=True)
    for frame in reader:
        fields = frame.fields()
        if frame.name == "EPOCH":
            epochs.append(LoggedEpoch(frame.sequence, decode_epoch(frame.tail)))
        elif frame.name == "ABANDONED":
            abandoned.append(
                Abandoned(
                    frame.sequence,
                    fields["turn"],
                    fields["from_sequence"],
                    fields["last_sequence"],
                )
            )
        else:
            content = msgspec.json.decode(frame.tail.rstrip(b"\0"))
            definitions[SECTIONS[fields["kind"]]][fields["id"]] = content
    return History(epochs, abandoned, definitions, reader.last_sequence)


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


def last_turn_end(folder: Path, last_sequence: int) -> tuple[int, int] | None:
    """Sequence and turn of the last TURN_END; None where no turn ever ended.

    `last_sequence` is the log's last. Looked for from there back: a turn is every third record
    where strategies are awake, and a log has millions.
    """
    spec = spec_of("TURN_END")
    back = TAIL_RECORDS
    while True:
        begin = max(1, last_sequence - back)
        found = None
        reader = LogReader(folder, types=[spec.number], committed=True, from_sequence=begin)
        for batch in reader.batches(TAIL_RECORDS):
            found = int(batch.rows["sequence"][-1]), int(batch.records(spec)["turn"][-1])
        if found is not None or begin == 1:
            return found
        back *= 16
