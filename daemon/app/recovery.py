"""A restart: strategies are run again from the log, orders are rebuilt from its facts.

Under the same configuration and code the log is replayed, with every output compared, up to the
last turn that ended; its state becomes the new process's. What stands behind that turn is applied
as facts. The replay begins behind the newest checkpoint that fits, else an older one, else at the
log's beginning. Under other code, or should no replay agree with the log, nothing is re-decided:
all of the log is applied as facts and strategies start from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from daemon.app.checkpoints import (
    Checkpoint,
    CheckpointError,
    checkpoint_files,
    identity_of,
    read_checkpoint,
)
from daemon.app.epoch import (
    EpochStart,
    LoggedEpoch,
    describe,
    differences,
    epochs_of,
    sources_of,
)
from daemon.app.parts import Abandoned, Part, abandoned_of, parts_of
from daemon.app.replaying import ReplayRun
from daemon.app.wiring import Wiring
from daemon.core import Live, LogReader
from daemon.log import LogReader as FrameReader

log = structlog.get_logger(__name__)

FIRST_SEGMENT = "00000000.seg"


class Recovered(msgspec.Struct, frozen=True):
    """How far the log was run again: behind `from_sequence` it was taken as facts.

    `checkpoint` is the file that the replay began with; empty where it began with the log.
    """

    turn: int
    from_sequence: int
    last_sequence: int
    replayed: bool
    facts: int
    checkpoint: str = ""


def recover(live: Live, wiring: Wiring, folder: Path, before: LoggedEpoch) -> Recovered:
    """Bring core and actors to where the log ends.

    RuntimeError where retention removed the log's beginning and no checkpoint stands for it.
    """
    end = last_turn_end(folder)
    replayed, checkpoint = False, ""
    if end is not None:
        replayed, checkpoint = _replay(wiring, folder, before, end[0])
    if not replayed and not (folder / FIRST_SEGMENT).exists():
        raise RuntimeError(
            f"{folder}: retention removed the log's beginning and no checkpoint fits: orders and "
            "positions cannot be rebuilt"
        )
    reader = LogReader(str(folder), committed=True)
    from_sequence = end[0] + 1 if replayed and end is not None else 1
    if replayed:
        reader.seek(from_sequence)
    facts = live.apply_facts(reader)
    if not replayed:
        live.core.forget_events()
    # A reader that was sent behind the last frame has seen none.
    last_sequence = max(reader.last_sequence, from_sequence - 1)
    turn = end[1] if replayed and end is not None else 0
    log.info(
        "recovered",
        replayed=replayed,
        checkpoint=checkpoint,
        facts=facts,
        last_sequence=last_sequence,
    )
    return Recovered(turn, from_sequence, last_sequence, replayed, facts, checkpoint)


def _replay(wiring: Wiring, folder: Path, before: LoggedEpoch, until: int) -> tuple[bool, str]:
    """Whether a replay agreed with the log, and the checkpoint that it began with."""
    current = describe(wiring, before.start.epoch, before.start.start_number)
    part = parts_of(folder)[-1]
    for checkpoint in fitting_checkpoints(folder, current, until):
        if _adopt(wiring, folder, part, until, checkpoint):
            return True, checkpoint.path.name
    reason = _why_not_from_the_beginning(folder, current, part, until)
    if not reason and _adopt(wiring, folder, part, until, None):
        return True, ""
    log.warning("strategies start anew", reason=reason or "the replay differs")
    return False, ""


def _adopt(
    wiring: Wiring,
    folder: Path,
    part: Part,
    until: int,
    checkpoint: Checkpoint | None,
) -> bool:
    """Run the log's newest part to `until`; where it agrees, its state is `wiring`'s."""
    name = checkpoint.path.name if checkpoint is not None else ""
    sources = sources_of(folder, part.epochs[-1].sequence)
    try:
        run = ReplayRun(
            folder, wiring.configuration, sources, until, checkpoint, begin=part.abandoned
        )
    except CheckpointError as error:
        log.warning("checkpoint passed over", checkpoint=name, reason=str(error))
        return False
    outcome = run.finish()
    if not outcome.identical or outcome.cut:
        reason = outcome.divergence["reason"] if outcome.divergence else outcome.log_error
        log.warning(
            "replay differs", checkpoint=name, sequence=outcome.sequence, reason=reason or "cut"
        )
        return False
    wiring.restore(run.wiring.save())
    return True


def fitting_checkpoints(folder: Path, current: EpochStart, until: int) -> Iterator[Checkpoint]:
    """Newest first: whole, of this log, of this configuration and code, not ahead of `until`.

    One that is passed over is told, with the reason.
    """
    epochs = epochs_of(folder)
    abandoned = abandoned_of(folder)
    log_uuid = identity_of(folder, current).log_uuid
    for path in checkpoint_files(folder):
        try:
            checkpoint = read_checkpoint(path)
            if checkpoint.identity.log_uuid != log_uuid:
                raise CheckpointError("is of another log")
            _check_place(checkpoint, until, abandoned)
            _check_code(checkpoint, current, epochs)
        except CheckpointError as error:
            log.warning("checkpoint passed over", checkpoint=path.name, reason=str(error))
            continue
        yield checkpoint


def _check_place(checkpoint: Checkpoint, until: int, abandoned: list[Abandoned]) -> None:
    covered = checkpoint.covered_sequence
    if covered > until:
        raise CheckpointError(f"covers {covered}, the last turn of the log ends at {until}")
    for each in abandoned:
        if each.sequence > covered and (each.anew or covered >= each.from_sequence):
            at = each.sequence
            raise CheckpointError(f"at {at} a process began without what led to {covered}")


def _check_code(checkpoint: Checkpoint, current: EpochStart, epochs: list[LoggedEpoch]) -> None:
    behind = [each.start for each in epochs if each.sequence > checkpoint.covered_sequence]
    for start in (checkpoint.identity.start, *behind):
        if changed := differences(start, current):
            raise CheckpointError(f"epoch {start.epoch}: {'; '.join(changed)}")


def _why_not_from_the_beginning(folder: Path, current: EpochStart, part: Part, until: int) -> str:
    if not (folder / FIRST_SEGMENT).exists():
        return "retention removed the log's beginning"
    if until < part.abandoned:
        return "no turn ended since they last began anew"
    for epoch in part.epochs:
        if changed := differences(epoch.start, current):
            return f"epoch {epoch.start.epoch}: {'; '.join(changed)}"
    return ""


def newest_checkpoint(folder: Path, current: EpochStart, until: int) -> Checkpoint | None:
    """The one that a replay up to `until` (0: the end) begins with; None where none fits."""
    end = last_turn_end(folder)
    if end is None:
        return None
    at = min(until, end[0]) if until else end[0]
    return next(fitting_checkpoints(folder, current, at), None)


def last_turn_end(folder: Path) -> tuple[int, int] | None:
    """Sequence and turn of the last TURN_END; None where no turn ever ended."""
    found = None
    for frame in FrameReader(folder, types=["TURN_END"], committed=True):
        found = frame
    return None if found is None else (found.sequence, int(found.fields()["turn"]))
