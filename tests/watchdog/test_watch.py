"""An incident from its first look to its end, with a page and processes that are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon import core
from daemon.app.phases import PHASES
from daemon.core import SharedStatus
from tests.watchdog.test_working import EPOCH, Log
from tools.watchdog.incident import Alarms
from tools.watchdog.pulse import Pulse, Verdict
from tools.watchdog.rounds import Rounds
from tools.watchdog.venue import VenueSession
from tools.watchdog.watch import Watch
from tools.watchdog.working import WorkingOrders

MS = 1_000_000
STEP = 100 * MS


class Venue(VenueSession):
    """A session without a socket: up or not, and a venue that has cancelled all or has not."""

    def __init__(self) -> None:
        self.name, self.covers, self.reason = "kill", "broker", "refused"
        self.is_up = self.answers = True
        self.rounds = None
        self.stopped = 0

    @property
    def up(self) -> bool:
        return self.is_up

    def start(self, now: int) -> Rounds:
        self.rounds = Rounds(now, True)
        return self.rounds

    def stop(self) -> None:
        self.rounds = None
        self.stopped += 1

    def poll(self, now: int) -> None:
        if self.rounds is None or not self.is_up:
            return
        for request in self.rounds.wants(now):
            if request.kind == "q" and self.answers:
                self.rounds.mass_canceled(request.cl_ord_id, 0, "")
            elif request.kind == "H" and self.answers:
                self.rounds.told(request.cl_ord_id, "4", "", "")


class Watching:
    """A watch over this process's page, or another's, on a clock that is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.page = folder / "status.page"
        self.log = Log(folder)
        self.venue = Venue()
        self.now = 10**15
        command = folder / "alarm.sh"
        command.write_text(f'#!/bin/sh\necho "$1" >> {folder}/alarms\n')
        command.chmod(0o700)
        self.alarms = Alarms(folder / "incidents", (str(command),))
        self.working = WorkingOrders(self.log.folder)
        self.watch = Watch(
            self.page,
            Pulse(self.page, 1_000 * MS, 3_000 * MS),
            self.working,
            [self.venue],
            self.alarms,
            end_hung_process=True,
            host_now=lambda: self.now,
        )

    def look(self, ms: int = 100, status: SharedStatus | None = None) -> Verdict:
        """So many ms, a look each 100; with turns of this daemon."""
        for _ in range(0, ms * MS, STEP):
            self.now += STEP
            if status is not None:
                status.heartbeat(status.turn + 1, 1)
            verdict = self.watch.look(self.now)
        return verdict

    def incident(self) -> dict[str, Any]:
        """The only file."""
        (path,) = (self.folder / "incidents").glob("*.json")
        content: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        return content

    def alarmed(self) -> list[str]:
        """What the command was told, once it has ended."""
        deadline = time.monotonic() + 10
        while self.alarms._running and time.monotonic() < deadline:
            self.alarms.reap()
            time.sleep(0.01)
        said = self.folder / "alarms"
        return said.read_text().splitlines() if said.exists() else []


@pytest.fixture
def watching(tmp_path: Path) -> Watching:
    return Watching(tmp_path)


def set_phase(status: SharedStatus, phase: str) -> None:
    status.set_phase(PHASES.index(phase))


def test_a_late_daemon_is_killed_and_not_fenced_and_trades_when_the_kill_is_taken_back(
    watching: Watching,
) -> None:
    status = SharedStatus(str(watching.page))
    set_phase(status, "reconciling")
    token = status.acquire_fence()
    assert watching.look(3_100, status) is Verdict.LATE
    assert (status.killed, status.holds(token)) == (True, True)
    watching.look(1_000, status)
    incident = watching.incident()
    assert (incident["kind"], incident["fenced"], incident["killed"]) == ("late", False, True)
    assert incident["canceled_ts"]
    set_phase(status, "ready")
    watching.look(200, status)
    assert watching.incident()["back_ts"]
    assert watching.venue.stopped == 1  # from here on its orders are its own
    watching.look(60_000, status)
    assert watching.watch.open
    status.clear_kill()
    watching.look(100, status)
    assert not watching.watch.open
    assert watching.incident()["closed_ts"]
    assert watching.alarmed() == ["the daemon is late"]


def test_orders_that_may_be_left_are_named_in_a_second_alarm(watching: Watching) -> None:
    watching.log.define()
    watching.log.submit(EPOCH + 1)
    watching.venue.is_up = False
    status = SharedStatus(str(watching.page))
    set_phase(status, "ready")
    watching.look(500, status)
    watching.watch._ends = False  # it is us
    assert watching.look(1_100) is Verdict.HUNG
    assert watching.alarmed() == ["the daemon is hung"]
    watching.look(5_100)
    assert watching.alarmed() == ["the daemon is hung", "orders may still work"]
    (session,) = watching.incident()["sessions"]
    assert (session["up"], session["over"]) == (False, False)
    assert session["left"] == [f"{EPOCH + 1:016X}"]
    watching.venue.is_up = True
    watching.look(2_000)
    (session,) = watching.incident()["sessions"]
    assert (session["left"], session["over"]) == ([], True)


def test_a_log_that_cannot_be_read_is_an_alarm_and_the_watch_goes_on(watching: Watching) -> None:
    watching.log.define()
    for number in range(1, 4):
        watching.log.submit(EPOCH + number)
    watching.log.flip((EPOCH + 1).to_bytes(8, "little"))
    status = SharedStatus(str(watching.page))
    set_phase(status, "ready")
    watching.look(1_000, status)
    assert watching.alarmed() == ["the log cannot be read"]
    watching.watch._ends = False  # it is us
    watching.look(2_500)
    incident = watching.incident()
    assert "00000000.seg" in incident["log_damage"]
    assert incident["canceled_ts"]  # the mass cancel needs no log


STANDS_STILL = """
import os, signal, sys
from daemon.core import SharedStatus
status = SharedStatus(sys.argv[1])
status.set_phase(int(sys.argv[2]))
status.heartbeat(1, 1)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture
def stopped(watching: Watching) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", STANDS_STILL, str(watching.page), str(PHASES.index("ready"))]
    process = subprocess.Popen(words)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    yield process
    process.kill()
    process.wait()


def test_a_stopped_process_is_ended_when_its_orders_are_gone(
    watching: Watching, stopped: subprocess.Popen[bytes]
) -> None:
    watching.venue.answers = False
    assert watching.look(1_100) is Verdict.HUNG
    watching.look(1_000)
    page = SharedStatus.open(str(watching.page))
    assert page.killed
    assert not watching.incident()["ended_ts"]
    assert stopped.poll() is None
    watching.venue.answers = True
    watching.look(3_000)
    assert watching.incident()["ended_ts"]
    # SIGABRT waits for a process that stands still; SIGKILL does not.
    watching.look(2_100)
    assert stopped.wait(10) == -signal.SIGKILL


def test_an_alarm_command_that_cannot_run_changes_nothing(watching: Watching) -> None:
    watching.alarms._command[0] = str(watching.folder / "nothing")
    status = SharedStatus(str(watching.page))
    set_phase(status, "ready")
    watching.look(500, status)
    watching.watch._ends = False  # it is us
    watching.look(2_500)
    assert watching.incident()["canceled_ts"]


def test_an_incident_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "incidents").write_text("in the way")
    watching = Watching(tmp_path)
    status = SharedStatus(str(watching.page))
    set_phase(status, "ready")
    watching.look(500, status)
    watching.watch._ends = False  # it is us
    watching.look(2_500)
    assert watching.watch.incident is not None
    assert watching.watch.incident.canceled_ts
    assert core.SharedStatus.open(str(watching.page)).killed
