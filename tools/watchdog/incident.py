"""What happened and what was done: a file of JSON, a line in the operating log, an alarm."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

ALARMS_RUNNING_MAX: Final = 8

log = structlog.get_logger("watchdog")


class Cancelled(msgspec.Struct):
    """Of one venue session: orders that the log knew, and what the venue said."""

    session: str
    covers: str
    up: bool = False
    expected: int = 0
    canceled: int = 0
    left: list[str] = []
    rounds: int = 0
    over: bool = False
    refused: str = ""


class Incident(msgspec.Struct):
    """Stamps are of the host clock, ns since 1970 UTC; 0 for what has not happened."""

    kind: str
    pid: int
    started_ts: int
    began_ts: int
    still_ms: int  # since its last turn, or since it was gone, when that was enough
    turn: int = 0
    committed_sequence: int = 0
    fenced: bool = False
    killed: bool = False
    log_damage: str = ""
    canceled_ts: int = 0
    ended_ts: int = 0  # the hung process was ended
    back_ts: int = 0  # READY again, and reconciled
    closed_ts: int = 0  # an operator took the kill back
    sessions: list[Cancelled] = []


class Alarms:
    """Writes incidents and runs the operators' command; nothing here may stop the watchdog."""

    def __init__(self, folder: Path, command: tuple[str, ...]) -> None:
        self._folder, self._command = folder, list(command)
        self._running: list[subprocess.Popen[bytes]] = []

    def write(self, incident: Incident) -> Path:
        """The incident's file, as it is now."""
        path = self._folder / f"{incident.began_ts}-{incident.kind}.json"
        content = msgspec.json.format(msgspec.json.encode(incident), indent=2) + b"\n"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(content)
            part.rename(path)
        except OSError as error:
            log.error("an incident was not written", path=str(path), reason=str(error))
        return path

    def raise_alarm(self, event: str, incident: Incident | None, **fields: Any) -> None:  # noqa: ANN401  any field of a line
        """A line of the highest level, and the command, which is not waited for."""
        path = "" if incident is None else str(self.write(incident))
        log.critical(event, **fields, incident=path)
        if not self._command:
            return
        self.reap()
        if len(self._running) >= ALARMS_RUNNING_MAX:
            log.error("alarm commands do not end", running=len(self._running))
            return
        words = [*self._command, event, path]
        try:
            self._running.append(subprocess.Popen(words, stdin=subprocess.DEVNULL))  # noqa: S603  the operators' own
        except OSError as error:
            log.error("the alarm command does not start", command=words, reason=str(error))

    def reap(self) -> None:
        """Take leave of commands that have ended; one that failed is said."""
        for each in self._running:
            if code := each.poll():
                log.error("the alarm command failed", exit_code=code)
        self._running = [each for each in self._running if each.returncode is None]
