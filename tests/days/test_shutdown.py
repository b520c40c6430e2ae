"""How a day ends: by a signal, at any moment, with the venue there or not."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from daemon.model import CancelReason
from tests.days import books
from tests.days.day import Day, frames, pitwire

TIMEOUT_S = 2
SILENCE_MS = 200


def _said(day: Day, event: str) -> list[dict[str, Any]]:
    lines = [msgspec.json.decode(line) for line in day.errors.splitlines()]
    return [line for line in lines if line["event"] == event]


def _wait_for_the_end(day: Day) -> int:
    day.daemon.leave_down()
    day.until("the daemon has ended", lambda: day.daemon.ended)
    return day.daemon.exit_code


@contextlib.contextmanager
def _silent_while_an_order_works(day: Day) -> Iterator[None]:
    """The exchange answers nothing more, and what it said last ended not all of our orders."""
    while True:
        day.until("a working order", lambda: day.status()["orders_working"] > 0)
        with day.exchange_silent():
            day.until("silence", lambda: min(m["age_ms"] for m in day.done("market")) > SILENCE_MS)
            if day.status()["orders_working"]:
                yield
                return


def test_sigterm_cancels_waits_and_ends_with_0(tmp_path: Path) -> None:
    with Day(tmp_path) as day:
        day.until_ready()
        day.until("a working order", lambda: day.status()["orders_working"] > 0)
        assert day.stop() == 0, day.errors
        assert "Traceback" not in day.errors
        assert _said(day, "ends")[-1]["reason"] == "all orders ended"
        assert _said(day, "order not ended: ask the venue") == []
    cancels = [each.fields()["reason"] for each in frames(day.log, "CANCEL_REQUESTED")]
    assert CancelReason.SHUTDOWN in cancels
    books.assert_books_equal(day.log, day.trades)


def test_a_venue_that_is_gone_is_waited_for_only_so_long(tmp_path: Path) -> None:
    settings = {"core.shutdown_timeout_seconds": TIMEOUT_S}
    with Day(tmp_path, settings) as day:
        day.until_ready()
        pid = int(day.status()["pid"])
        with _silent_while_an_order_works(day):
            day.daemon.leave_down()
            os.kill(pid, signal.SIGTERM)
            began = time.monotonic()
            day.until("the shutdown has begun", lambda: _said(day, "command"))
            os.kill(pid, signal.SIGTERM)  # cancelling is not hurried
            assert _wait_for_the_end(day) == 1
            took = time.monotonic() - began
        assert TIMEOUT_S <= took < TIMEOUT_S + 5
        assert "nothing: the shutdown is under way" in day.errors
        unended = {line["order"] for line in _said(day, "order not ended: ask the venue")}
        assert unended
        assert f"{len(unended)} orders unanswered" in day.errors
        day.start()
        day.until_ready(2)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)


def test_sigterm_before_ready_ends_with_0_and_no_order(tmp_path: Path) -> None:
    with Day(tmp_path, {"session.broker.port": 1}) as day:
        day.until("reconciling", lambda: day.status()["phase"] == "reconciling")
        (session,) = day.done("sessions")
        assert session["event"] == "Connection refused"
        assert day.stop() == 0, day.errors
        assert "Traceback" not in day.errors
    assert frames(day.log, "ORDER_SUBMITTED") == []


def test_a_second_daemon_is_refused_and_takes_nothing_from_the_first(tmp_path: Path) -> None:
    with Day(tmp_path) as day:
        day.until_ready()
        kill_socket = (day.runtime / "kill.sock").stat().st_ino
        same_folder = _second(day, f"log.folder={tmp_path}/log2")
        assert same_folder.returncode == 2
        assert f"{day.runtime}: another daemon runs here" in same_folder.stderr
        assert not (tmp_path / "log2" / "00000000.seg").exists()
        same_log = _second(day, f"daemon.runtime_dir={tmp_path}/run2")
        assert same_log.returncode == 2
        assert f"{day.log}" in same_log.stderr
        for refused in (same_folder, same_log):
            assert refused.stderr.splitlines()[-1].startswith("pitwire: ")
            assert "Traceback" not in refused.stderr
        assert (day.runtime / "kill.sock").stat().st_ino == kill_socket
        assert day.status()["phase"] == "ready"
        assert day.stop() == 0, day.errors


def _second(day: Day, override: str) -> Any:  # noqa: ANN401  a completed process of text
    words = ["--set", f"daemon.runtime_dir={day.runtime}", "--set", f"log.folder={day.log}"]
    return pitwire("run", "-c", "config/demo.toml", "--for", "1s", *words, "--set", override)
