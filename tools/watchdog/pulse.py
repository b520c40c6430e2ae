"""Whether the daemon lives, from its status page and its process.

| process | phase | turns | verdict |
| --- | --- | --- | --- |
| whatever | stopped | | STOPPED: it ended in order, nothing works |
| there | any | moved within `hang_after` | ALIVE |
| there | has turned before | stand still for `hang_after` | HUNG |
| there | not READY `restart_within` after the one before died | | LATE |
| gone | any other | for less than `restart_within` | GONE |
| gone | any other | for `restart_within` | DEAD |
| there is no page | | | ABSENT |

A watchdog that was itself stopped for a while begins to measure anew: it has seen nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from daemon import core
from daemon.app.phases import PHASES

READY: Final = PHASES.index("ready")
STOPPED: Final = PHASES.index("stopped")
NS_PER_SECOND: Final = 10**9
# The process begins before it makes its page; /proc counts in hundredths.
BEGAN_SLACK_NS: Final = NS_PER_SECOND
START_TIME: Final = 19  # the field's place in /proc/PID/stat behind the command's name


class Verdict(Enum):
    """What the table above says."""

    ABSENT = "absent"
    STOPPED = "stopped"
    ALIVE = "alive"
    GONE = "gone"
    HUNG = "hung"
    DEAD = "dead"
    LATE = "late"


class Page(Protocol):
    """What is read of core.SharedStatus."""

    @property
    def pid(self) -> int: ...
    @property
    def started_ts(self) -> int: ...
    @property
    def phase(self) -> int: ...
    @property
    def turn(self) -> int: ...


class Process:
    """A process by its pid, held so that no later one of the same number is taken for it."""

    def __init__(self, pid: int, page_made_ts: int) -> None:
        """`page_made_ts`: host clock, ns; what began after that is another process."""
        self._pidfd: int | None = None
        began = _began_ts(pid)
        if began is None or began > page_made_ts + BEGAN_SLACK_NS:
            return
        with contextlib.suppress(OSError):
            self._pidfd = os.pidfd_open(pid)

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a stopped one lives."""
        if self._pidfd is None:
            return False
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return not poll.poll(0)

    def signal(self, number: signal.Signals) -> None:
        """Send it; nothing where the process has ended."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """Let go of it."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def _began_ts(pid: int) -> int | None:
    """Host clock, ns; None where there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        boot = next(
            int(line.split()[1])
            for line in Path("/proc/stat").read_text().splitlines()
            if line.startswith("btime ")
        )
    except (OSError, StopIteration):
        return None
    ticks = int(stat.rpartition(")")[2].split()[START_TIME])
    return boot * NS_PER_SECOND + ticks * NS_PER_SECOND // os.sysconf("SC_CLK_TCK")


class Pulse:
    """Looks at the page and the process, and says the verdict. Durations are ns of one clock."""

    def __init__(self, path: Path, hang_after_ns: int, restart_within_ns: int) -> None:
        self._path = path
        self._hang_after_ns, self._restart_within_ns = hang_after_ns, restart_within_ns
        self._page: Page | None = None
        self._inode: int | None = None
        self._identity = (0, 0)
        self._turn: int | None = None
        self._turned = False
        self._moved_at = self._looked_at = 0
        self._gone_at: int | None = None
        self.process: Process | None = None

    @property
    def identity(self) -> tuple[int, int]:
        """Pid and start of the process that the page names: another after a restart."""
        return self._identity

    @property
    def ready(self) -> bool:
        """Whether it has been reconciled with its venues."""
        return self._page is not None and self._page.phase == READY

    @property
    def still_ns(self) -> int:
        """Since its last turn, as far as we saw."""
        return self._looked_at - self._moved_at

    def look(self, now: int) -> Verdict:
        """`now` is of a clock that never goes back."""
        away = self._looked_at and now - self._looked_at > self._hang_after_ns // 2
        self._looked_at = now
        page = self._open()
        if page is None:
            return Verdict.ABSENT
        if away:
            self._moved_at = now
            self._gone_at = None if self._gone_at is None else now
        self._meet(page, now)
        if page.phase == STOPPED:
            self._gone_at = None
            return Verdict.STOPPED
        return self._alive(page, now) if self.process and self.process.alive else self._gone(now)

    def _open(self) -> Page | None:
        try:
            inode = self._path.stat().st_ino
            if inode != self._inode:
                self._page, self._inode = core.SharedStatus.open(str(self._path)), inode
        except (OSError, ValueError):
            self._page = self._inode = None
        return self._page

    def _meet(self, page: Page, now: int) -> None:
        """A process that we have not seen yet. The first may come after one that died."""
        identity = (page.pid, page.started_ts)
        if identity == self._identity:
            return
        if self._identity == (0, 0) and page.phase not in (READY, STOPPED):
            self._gone_at = now
        self._identity = identity
        if self.process is not None:
            self.process.close()
        self.process = Process(*identity)
        self._turn, self._turned, self._moved_at = page.turn, False, now

    def _alive(self, page: Page, now: int) -> Verdict:
        if page.turn != self._turn:
            self._turn, self._turned, self._moved_at = page.turn, True, now
        if page.phase == READY:
            self._gone_at = None
        if (self._turned or page.phase == READY) and self.still_ns >= self._hang_after_ns:
            return Verdict.HUNG
        if self._gone_at is not None and now - self._gone_at >= self._restart_within_ns:
            return Verdict.LATE
        return Verdict.ALIVE

    def _gone(self, now: int) -> Verdict:
        if self._gone_at is None:
            self._gone_at = now
        return Verdict.DEAD if now - self._gone_at >= self._restart_within_ns else Verdict.GONE
