"""A restart: strategies are run again from the log, orders are rebuilt from its facts.

Under the same configuration and code the log is replayed, with every output compared, up to the
last turn that ended; its state becomes the new process's. What stands behind that turn is applied
as facts. Under other code, or should the replay not agree with the log, nothing is re-decided:
all of the log is applied as facts and strategies start from the beginning.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

from daemon.app.epoch import LoggedEpoch, describe, differences, epochs_of, sources_of
from daemon.app.replaying import ReplayRun
from daemon.app.wiring import Wiring
from daemon.core import Live, LogReader
from daemon.log import LogReader as FrameReader

log = structlog.get_logger(__name__)


class Recovered(msgspec.Struct, frozen=True):
    """How far the log was run again: behind `from_sequence` it was taken as facts."""

    turn: int
    from_sequence: int
    last_sequence: int
    replayed: bool
    facts: int


def recover(live: Live, wiring: Wiring, folder: Path, before: LoggedEpoch) -> Recovered:
    """Bring core and actors to where the log ends."""
    last_sequence = before.sequence
    reason = _why_not_replay(wiring, folder, before)
    end = last_turn_end(folder)
    replayed = False
    if not reason and end is not None:
        run = ReplayRun(folder, wiring.configuration, sources_of(folder, before.sequence), end[0])
        outcome = run.finish()
        replayed = outcome.identical and not outcome.cut
        reason = "" if replayed else f"its replay differs at sequence {outcome.sequence}"
        if replayed:
            wiring.restore(run.wiring.save())
    if reason:
        log.warning("strategies start anew", reason=reason)
    reader = LogReader(str(folder), committed=True)
    from_sequence = end[0] + 1 if replayed and end is not None else 1
    if replayed:
        reader.seek(from_sequence)
    facts = live.apply_facts(reader)
    if not replayed:
        live.core.forget_events()
    last_sequence = reader.last_sequence
    turn = end[1] if replayed and end is not None else 0
    log.info("recovered", replayed=replayed, facts=facts, last_sequence=last_sequence)
    return Recovered(turn, from_sequence, last_sequence, replayed, facts)


def _why_not_replay(wiring: Wiring, folder: Path, before: LoggedEpoch) -> str:
    current = describe(wiring, before.start.epoch, before.start.start_number)
    for epoch in epochs_of(folder):
        if changed := differences(epoch.start, current):
            return f"epoch {epoch.start.epoch}: {'; '.join(changed)}"
    return ""


def last_turn_end(folder: Path) -> tuple[int, int] | None:
    """Sequence and turn of the last TURN_END; None where no turn ever ended."""
    found = None
    for frame in FrameReader(folder, types=["TURN_END"], committed=True):
        found = frame
    return None if found is None else (found.sequence, int(found.fields()["turn"]))
