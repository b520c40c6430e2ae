"""Recovery of a log outside the daemon: cuts a torn tail, refuses damage."""

from __future__ import annotations

from pathlib import Path

import msgspec

from daemon import core


class RecoveryReport(msgspec.Struct, frozen=True):
    """What recovery found and did; native/src/log/recovery.cpp has the table of cases."""

    verdict: str  # empty, clean, torn_cut, torn_below_durable
    segments: int
    frames: int  # whose sums were checked
    last_sequence: int
    durable_sequence: int
    cut_bytes: int
    cut_frames: int
    cut: tuple[str, int, str]  # file, offset, reason; file is empty where nothing was cut
    clean_close: bool
    text: str


def recover(folder: Path | str) -> RecoveryReport:
    """Bring the log to a state that can be read to its end and appended to; close it again.

    LogError, with file and offset, where something other than its tail is damaged, or a writer
    has it open.
    """
    log, report = core.LogWriter.recover(str(folder))
    if not log.close():
        raise core.LogError(log.failure)
    return msgspec.convert(report, RecoveryReport)
