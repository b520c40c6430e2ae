"""A restart: strategies are run again from the log, orders are rebuilt from its facts.

Under the same configuration and code the log is replayed, with every output compared, up to the
last turn that ended; its state becomes the new process's. What stands behind that turn is applied
as facts. The replay begins behind the newest checkpoint that fits, else an older one, else at the
log's beginning. Under other code, or should no replay agree with the log, nothing is re-decided:
all of the log is applied as facts, or where retention removed its beginning what stands behind the
newest checkpoint, whose orders, positions and session numbers are facts too. Strategies then start
flat, or with the declared state of a checkpoint, as each is configured (`on_new_code`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import structlog

from daemon.app.checkpoints import (
    Checkpoint,
    CheckpointError,
    checkpoint_files,
    log_uuid_of,
    read_checkpoint,
)
from daemon.app.epoch import EpochStart, describe, differences
from daemon.app.history import Abandoned, History, Part, code_of, history_of, last_turn_end
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


def recover(
    live: Live,
    wiring: Wiring,
    folder: Path,
    history: History,
    progress: Callable[[int], None] | None = None,
) -> Recovered:
    """Bring core and actors to where the log ends; `progress` gets the sequence reached.

    `history` is the log's, with at least one epoch. RuntimeError where retention removed the log's
    beginning and no checkpoint stands for it.
    """
    end = last_turn_end(folder, history.last_sequence)
    replayed, checkpoint, from_sequence = False, "", 1
    if end is not None:
        replayed, checkpoint = _replay(wiring, folder, history, end[0], progress)
    if replayed and end is not None:
        from_sequence = end[0] + 1
    elif not (folder / FIRST_SEGMENT).exists():
        from_sequence, checkpoint = _facts_of_checkpoint(live, folder)
    reader = LogReader(str(folder), committed=True)
    if from_sequence > 1:
        reader.seek(from_sequence)
    facts = live.apply_facts(reader)
    if not replayed:
        live.core.forget_events()
        wiring.keep(kept_states(folder, history, wiring))
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


def _facts_of_checkpoint(live: Live, folder: Path) -> tuple[int, str]:
    """Where the log's beginning is gone, the newest checkpoint stands for what was logged there.

    Its orders, positions, risk state and session numbers fit whatever is configured now. Returns
    where the log goes on behind it. RuntimeError where there is none.
    """
    for checkpoint in _whole_checkpoints(folder):
        saved = msgspec.msgpack.decode(checkpoint.body)
        if live.core.restore_facts(saved["core"]):
            return checkpoint.covered_sequence + 1, checkpoint.path.name
        log.warning("checkpoint passed over", checkpoint=checkpoint.path.name, reason="its layout")
    raise RuntimeError(
        f"{folder}: retention removed the log's beginning and no checkpoint fits: orders and "
        "positions cannot be rebuilt"
    )


def _whole_checkpoints(folder: Path) -> Iterator[Checkpoint]:
    """Newest first: of this log and no other, and behind a turn that it has. Of any code."""
    log_uuid = log_uuid_of(folder)
    for path in checkpoint_files(folder):
        try:
            checkpoint = read_checkpoint(path)
            if checkpoint.identity.log_uuid != log_uuid:
                raise CheckpointError("is of another log")
            _check_turn(folder, checkpoint)
        except CheckpointError as error:
            log.warning("checkpoint passed over", checkpoint=path.name, reason=str(error))
            continue
        yield checkpoint


def _check_turn(folder: Path, checkpoint: Checkpoint) -> None:
    covered, types = checkpoint.covered_sequence, ["TURN_END"]
    reader = FrameReader(folder, types=types, committed=True, from_sequence=covered)
    frame = next(iter(reader), None)
    if frame is None or (frame.sequence, frame.fields()["turn"]) != (covered, checkpoint.turn):
        raise CheckpointError(f"turn {checkpoint.turn} does not end at {covered} in the log")


def kept_states(folder: Path, history: History, wiring: Wiring) -> dict[str, bytes]:
    """The declared states, by name, of strategies that are to keep them when they begin anew.

    As of the newest checkpoint since strategies last began anew. After a clean stop there are none:
    strategies were stopped.
    """
    wanted = {
        number: each.name
        for number, each in enumerate(wiring.configuration.strategy)
        if each.on_new_code == "keep_state" and not each.retired
    }
    for checkpoint in _whole_checkpoints(folder) if wanted else ():
        if checkpoint.covered_sequence < history.parts[-1].abandoned:
            break
        saved = msgspec.msgpack.decode(checkpoint.body)["strategies"]
        states = {name: saved[n]["state"] for n, name in wanted.items() if n < len(saved)}
        return {name: state for name, state in states.items() if state}
    return {}


def _replay(
    wiring: Wiring,
    folder: Path,
    history: History,
    until: int,
    progress: Callable[[int], None] | None,
) -> tuple[bool, str]:
    """Whether a replay agreed with the log, and the checkpoint that it began with."""
    before = history.epochs[-1].start
    current = describe(wiring, before.epoch, before.start_number)
    part = history.parts[-1]
    for checkpoint in fitting_checkpoints(folder, history, current, until):
        if _adopt(wiring, folder, history, until, checkpoint, progress):
            return True, checkpoint.path.name
    reason = _why_not_from_the_beginning(folder, current, part, until)
    if not reason and _adopt(wiring, folder, history, until, None, progress):
        return True, ""
    log.warning("strategies start anew", reason=reason or "the replay differs")
    return False, ""


def _adopt(
    wiring: Wiring,
    folder: Path,
    history: History,
    until: int,
    checkpoint: Checkpoint | None,
    progress: Callable[[int], None] | None,
) -> bool:
    """Run the log's newest part to `until`; where it agrees, its state is `wiring`'s."""
    name = checkpoint.path.name if checkpoint is not None else ""
    part = history.parts[-1]
    code = code_of(folder, part)
    try:
        run = ReplayRun(
            folder,
            wiring.configuration,
            code,
            until,
            checkpoint,
            begin=part.abandoned,
            kept=part.first.start.kept,
            history=history,
        )
    except CheckpointError as error:
        log.warning("checkpoint passed over", checkpoint=name, reason=str(error))
        return False
    outcome = run.finish(progress)
    if not outcome.identical or outcome.cut:
        reason = outcome.divergence["reason"] if outcome.divergence else outcome.log_error
        log.warning(
            "replay differs", checkpoint=name, sequence=outcome.sequence, reason=reason or "cut"
        )
        return False
    wiring.restore(run.wiring.save())
    return True


def fitting_checkpoints(
    folder: Path, history: History, current: EpochStart, until: int
) -> Iterator[Checkpoint]:
    """Newest first: whole, of this log, of this configuration and code, not ahead of `until`.

    One that is passed over is told, with the reason.
    """
    log_uuid = log_uuid_of(folder)
    for path in checkpoint_files(folder):
        try:
            checkpoint = read_checkpoint(path)
            if checkpoint.identity.log_uuid != log_uuid:
                raise CheckpointError("is of another log")
            _check_place(checkpoint, until, history.abandoned)
            _check_code(checkpoint, current, history)
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


def _check_code(checkpoint: Checkpoint, current: EpochStart, history: History) -> None:
    covered = checkpoint.covered_sequence
    behind = [each.start for each in history.epochs if each.sequence > covered]
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
    history = history_of(folder)
    end = last_turn_end(folder, history.last_sequence)
    if end is None:
        return None
    at = min(until, end[0]) if until else end[0]
    return next(fitting_checkpoints(folder, history, current, at), None)
