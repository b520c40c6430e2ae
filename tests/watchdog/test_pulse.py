"""The verdict's table, with a page whose process is real: this one, or one that we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.app.phases import PHASES
from daemon.core import SharedStatus
from tools.watchdog.pulse import Process, Pulse, Verdict

MS = 1_000_000
HANG, RESTART = 1_000 * MS, 3_000 * MS
STEP = 100 * MS


class Watched:
    """A page of this process, and a pulse that looks every 100 ms of a given clock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "status.page"
        self.pulse = Pulse(self.path, HANG, RESTART)
        self.now = 10**12
        self.status: SharedStatus | None = None

    def daemon(self, phase: str = "ready") -> SharedStatus:
        """One starts: it takes over the page that is there."""
        self.status = SharedStatus(str(self.path))
        self.status.set_phase(PHASES.index(phase))
        return self.status

    def look(self, ms: int = 0, turns: bool = False) -> Verdict:
        """The verdict after so long, with or without turns of the daemon."""
        verdict = self.pulse.look(self.now)
        for _ in range(0, ms * MS, STEP):
            self.now += STEP
            if turns and self.status is not None:
                self.status.heartbeat(self.status.turn + 1, 1)
            verdict = self.pulse.look(self.now)
        return verdict


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def ended(watched: Watched) -> Watched:
    """The page names a process that is no more."""
    code = (
        "import sys; from daemon.core import SharedStatus;"
        "SharedStatus(sys.argv[1]).set_phase(int(sys.argv[2]))"
    )
    phase = str(PHASES.index("ready"))
    subprocess.run([sys.executable, "-c", code, str(watched.path), phase], check=True)
    return watched


def test_turns_are_life_and_their_end_is_a_hang_when_the_time_is_over(watched: Watched) -> None:
    assert watched.look() is Verdict.ABSENT
    watched.daemon()
    assert watched.look(5_000, turns=True) is Verdict.ALIVE
    assert watched.look(900) is Verdict.ALIVE
    assert watched.look(100) is Verdict.HUNG
    assert watched.look(100, turns=True) is Verdict.ALIVE


def test_a_process_that_has_not_turned_yet_is_not_hung_but_late(watched: Watched) -> None:
    watched.daemon("recovering")
    assert watched.look(2_900) is Verdict.ALIVE
    assert watched.look(100) is Verdict.LATE


def test_one_that_turns_but_is_not_ready_again_is_late(ended: Watched) -> None:
    assert ended.look(2_900) is Verdict.GONE
    ended.daemon("reconciling")
    assert ended.look(100, turns=True) is Verdict.LATE
    assert ended.status is not None
    ended.status.set_phase(PHASES.index("ready"))
    assert ended.look(100, turns=True) is Verdict.ALIVE
    assert ended.look(5_000, turns=True) is Verdict.ALIVE


def test_an_ended_process_is_dead_when_nobody_came_back(ended: Watched) -> None:
    assert ended.look(2_900) is Verdict.GONE
    assert ended.look(100) is Verdict.DEAD


def test_an_orderly_end_is_none_of_these(watched: Watched) -> None:
    status = watched.daemon()
    assert watched.look(100, turns=True) is Verdict.ALIVE
    status.set_phase(PHASES.index("stopped"))
    assert watched.look(60_000) is Verdict.STOPPED
    watched.daemon("recovering")  # a first start may take as long as it likes
    assert watched.look(60_000) is Verdict.ALIVE


def test_a_watchdog_that_was_away_has_seen_nothing(watched: Watched) -> None:
    watched.daemon()
    assert watched.look(1_000, turns=True) is Verdict.ALIVE
    watched.now += 60_000 * MS
    assert watched.look() is Verdict.ALIVE
    assert watched.look(900) is Verdict.ALIVE
    assert watched.look(100) is Verdict.HUNG


def test_a_page_that_was_made_anew_is_read(watched: Watched) -> None:
    watched.daemon()
    assert watched.look(100, turns=True) is Verdict.ALIVE
    watched.path.unlink()
    assert watched.look() is Verdict.ABSENT
    watched.daemon("stopped")
    assert watched.look() is Verdict.STOPPED


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_stopped_process_lives_and_an_ended_one_does_not(
    sleeper: subprocess.Popen[bytes],
) -> None:
    process = Process(sleeper.pid, time.time_ns())
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert process.alive
    process.signal(signal.SIGKILL)
    sleeper.wait()
    assert not process.alive
    process.signal(signal.SIGKILL)  # of nobody


def test_a_later_process_of_the_same_number_is_not_taken_for_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    page_made_ts = time.time_ns() - 3_600 * 10**9
    assert not Process(sleeper.pid, page_made_ts).alive
