"""Runs a log again: the same core and actors, its inputs, every output compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from daemon.app.checkpoints import Checkpoint, CheckpointError
from daemon.app.code import Code
from daemon.app.configuration import Configuration
from daemon.app.epoch import EpochStart
from daemon.app.history import History, Part, code_of, history_of
from daemon.app.wiring import Wiring
from daemon.core import Replay
from daemon.log import LogReader

INPUTS_PER_STEP = 100_000


class Stop(IntEnum):
    """Why the native part came back: `pitwire::ReplayDriver::Stop`."""

    PYTHON_PHASE = 0
    EPOCH = 1
    END = 2
    DIVERGED = 3
    BUDGET = 4


class Outcome(msgspec.Struct, frozen=True):
    """What a replay came to; `divergence` is None where every output was identical.

    `cut`: the log, or what was asked for of it, ends within a turn, and so did the comparison.
    """

    identical: bool
    sequence: int
    inputs: int
    outputs: int
    turns: int
    duration_ns: int
    divergence: dict[str, Any] | None = None
    log_error: str = ""
    cut: bool = False


def configuration_of(start: EpochStart) -> Configuration:
    """The configuration that an epoch had."""
    return msgspec.json.decode(start.configuration, type=Configuration)


class ReplayRun:
    """One run over a log, from its beginning to `until` (a sequence; 0 is its end).

    With a checkpoint it begins behind that: CheckpointError where the log has no such turn.
    `begin` is the ABANDONED record by which a part of the log began anew (`daemon.app.history`),
    and `kept` are the states with which strategies began there. `history` is the log's, where the
    caller has it already.
    """

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        code: Code | None,
        until: int = 0,
        checkpoint: Checkpoint | None = None,
        begin: int = 0,
        kept: Mapping[str, bytes] | None = None,
        history: History | None = None,
    ) -> None:
        facts = (history or history_of(folder)).facts
        self._replay = Replay(str(folder), facts, configuration.core.orders_max)
        if until:
            self._replay.stop_after(until)
        self.last_sequence = until or LogReader(folder, committed=True).durable_sequence
        self.wiring = Wiring(self._replay.core, configuration, code)
        self.wiring.keep(kept or {})
        if checkpoint is not None:
            self._begin_behind(checkpoint)
        elif begin and not self._replay.begin_anew(begin):
            raise ValueError(f"{folder}: no process began anew at sequence {begin}")

    @classmethod
    def of_part(cls, folder: Path, part: Part, until: int = 0, logged: bool = True) -> ReplayRun:
        """A part of the log, as it was configured; with the strategies that it had, or today's."""
        code = code_of(folder, part) if logged else None
        last = min(until or part.last, part.last or until)
        return cls(
            folder,
            configuration_of(part.first.start),
            code,
            last,
            begin=part.abandoned,
            kept=part.first.start.kept,
        )

    def _begin_behind(self, checkpoint: Checkpoint) -> None:
        covered = checkpoint.covered_sequence
        end = self._replay.resume_after(covered)
        if end is None or end[0] != checkpoint.turn:
            raise CheckpointError(f"turn {checkpoint.turn} does not end at {covered} in the log")
        try:
            self.wiring.restore(checkpoint.body)
        except Exception as error:
            # Written by other code under the same version: whatever it is, it does not fit.
            raise CheckpointError(f"{type(error).__name__}: {error}") from error

    def explain_at(self, sequence: int) -> None:
        """Note every check of the request logged at this sequence, as the gate saw it."""
        self._replay.explain_at(sequence)

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What `explain_at` noted; empty where the run did not get there."""
        return self._replay.explained

    def finish(self, progress: Callable[[int], None] | None = None) -> Outcome:
        """Run until the end or the first difference; `progress` gets the sequence reached."""
        phase, effects = self.wiring.phase, self.wiring.effects
        while True:
            stop = Stop(self._replay.run(INPUTS_PER_STEP, phase.direct))
            if stop is Stop.PYTHON_PHASE:
                phase.go_on()
                effects.take()
            elif stop in (Stop.END, Stop.DIVERGED):
                return self._outcome()
            if progress is not None:
                progress(self._replay.last_sequence)

    def _outcome(self) -> Outcome:
        replay = self._replay
        bad, file, offset, reason = replay.log_error
        divergence = replay.divergence
        # Behind a TURN_END only an input may follow: an output that the log no longer has belongs
        # to a turn that a crash or `until` cut, and there is nothing to compare it with.
        cut = divergence is not None and divergence["expected_type"] == 0
        if cut:
            divergence = None
        return Outcome(
            identical=divergence is None and not bad,
            sequence=divergence["sequence"] if divergence else replay.last_sequence,
            inputs=replay.inputs,
            outputs=replay.outputs_compared,
            turns=replay.core.turn,
            duration_ns=max(0, replay.core.now - replay.first_ts),
            divergence=divergence,
            log_error=f"{file}: offset {offset}: {reason}" if bad else "",
            cut=cut,
        )
