"""The daemon hangs or dies; the watchdog cancels its orders and keeps it from trading."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from daemon.core import SharedStatus
from daemon.io.kernels import Kernels
from daemon.strategy.loading import load
from tests.days import books
from tests.days.day import Day, pitwire
from tests.days.watched import PATIENCE_S, WatchedDay

SEED = 20261121
CANCELED_NS_MAX = 5_000_000_000
HANGS = ("stopped", "handler", "kernel")
# A loaded machine is late; the 5 s are the deep test's.
SLOW_NS_MAX = 20_000_000_000


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    Kernels().objects(load("tests.days.hanging:Hangs"))


@pytest.mark.parametrize("kind", [*HANGS, "killed"])
def test_what_worked_is_cancelled_by_the_exchanges_own_record(tmp_path: Path, kind: str) -> None:
    canceled, took_ns = _hang(tmp_path, kind, 0.0)
    assert canceled >= 8
    assert took_ns < SLOW_NS_MAX


@pytest.mark.deep
@pytest.mark.alone
def test_a_hundred_hangs_leave_nothing_working_within_five_seconds(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    rows = []
    for number in range(100):
        kind, moment_s = HANGS[number % len(HANGS)], dice.random()
        folder = tmp_path / str(number)
        folder.mkdir()
        rows.append((kind, *_hang(folder, kind, moment_s)))
        print(f"{number + 1:3} {kind:8} {rows[-1][1]:3} cancelled, last {rows[-1][2] / 1e9:.3f} s")
    print(f"{'hang':8} {'days':>4} {'cancelled':>9} {'median s':>9} {'longest s':>9}")
    for kind in HANGS:
        took = sorted(row[2] for row in rows if row[0] == kind)
        canceled = sum(row[1] for row in rows if row[0] == kind)
        middle, last = took[len(took) // 2] / 1e9, took[-1] / 1e9
        print(f"{kind:8} {len(took):4} {canceled:9} {middle:9.3f} {last:9.3f}")
    assert all(canceled >= 8 for _, canceled, _ in rows)
    assert max(took for _, _, took in rows) <= CANCELED_NS_MAX


def _hang(folder: Path, kind: str, moment_s: float) -> tuple[int, int]:
    """Orders cancelled after the hang, and when the last was, by the exchange's record, in ns."""
    with WatchedDay(folder) as day:
        day.until_ready(1, PATIENCE_S)
        day.until_resting()
        time.sleep(moment_s)  # the moment of the hang is drawn, not waited for
        day.daemon.leave_down()
        hung = day.hang(kind)
        incident = day.until_canceled()
        assert incident["kind"] == ("dead" if kind == "killed" else "hung")
        assert day.working_at_exchange() == set()
        canceled = [each.ts for each in day.reported() if each.exec_type == "CANCELED"]
        behind = [ts for ts in canceled if ts >= hung]
        assert incident["sessions"][0]["left"] == []
        assert (incident["fenced"], incident["killed"]) == (True, True)
        assert "|" in day.alarms.read_text()
        assert day.end_watchdog() == 1  # within an incident
        day.put_down()
    return len(behind), max(behind) - hung


def test_a_daemon_that_wakes_up_sends_nothing_and_the_next_trades_when_an_operator_says_so(
    tmp_path: Path,
) -> None:
    with WatchedDay(tmp_path, {"watchdog.end_hung_process": "false"}) as day:
        day.until_ready(1, PATIENCE_S)
        day.until_resting()
        pid = int(day.status()["pid"])
        day.hang("stopped")
        day.until_canceled()
        fenced_ts = time.time_ns()
        os.kill(pid, signal.SIGCONT)
        day.until("it knows", lambda: "fenced: " in day.errors)
        refused = day.ask("resume", clear_kill=True, reason="too early")
        assert refused.status == 1
        assert "fenced" in str(refused.error)
        assert SharedStatus.open(str(day.runtime / "status.page")).killed
        assert [each for each in day.reported() if each.ts > fenced_ts] == []

        day.kill()
        status = day.until_ready(2, PATIENCE_S)
        assert (status["killed"], status["armed"]) == (True, False)
        day.until("it is told to be back", lambda: day.incidents()[-1]["back_ts"])
        assert day.working_at_exchange() == set()
        day.done("resume", clear_kill=True, reason="hang explained")
        day.until_resting()
        day.until("the incident is over", lambda: day.incidents()[-1]["closed_ts"])
        assert len(day.incidents()) == 1
        assert day.end_watchdog() == 0
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_kill_is_not_taken_back_before_the_venue_was_asked(tmp_path: Path) -> None:
    with Day(tmp_path, {"session.broker.port": 1}) as day:
        day.until("reconciling", lambda: day.status()["phase"] == "reconciling", PATIENCE_S)
        day.done("kill", reason="as a watchdog does")
        refused = day.ask("resume", clear_kill=True, reason="too early")
        assert (refused.status, refused.error) == (1, "not reconciled yet: broker")
        assert day.status()["killed"]
        assert day.stop() == 0, day.errors


def test_a_hung_process_is_ended_and_its_successor_waits_for_an_operator(tmp_path: Path) -> None:
    with WatchedDay(tmp_path) as day:
        day.until_ready(1, PATIENCE_S)
        day.until_resting()
        day._kills += 1  # the watchdog's
        day.hang("handler")
        status = day.until_ready(2, PATIENCE_S)
        assert (status["killed"], status["armed"]) == (True, False)
        assert day.working_at_exchange() == set()
        assert day.incidents()[-1]["ended_ts"]
        assert day.stop() == 0, day.errors


def test_an_orderly_end_and_a_quick_restart_are_no_incident(tmp_path: Path) -> None:
    settings = {"watchdog.restart_within_ms": 60_000, "watchdog.hang_after_ms": 20_000}
    with WatchedDay(tmp_path, settings) as day:
        day.until_ready(1, PATIENCE_S)
        day.until_resting()
        day.kill()
        day.until_ready(2, PATIENCE_S)
        day.until_resting()
        assert day.stop() == 0, day.errors
        assert day.working_at_exchange() == set()
        day.until_said("stopped")
        assert day.incidents() == []
        assert not day.alarms.exists()
        assert day.end_watchdog() == 0
