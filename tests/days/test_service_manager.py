"""What systemd hears of a real daemon: a fake NOTIFY_SOCKET listens."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.days.day import Day

# Its timer's handler never comes back.
LOOPS = '''\
from daemon.strategy import Parameters, State, Strategy


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


class Memory(State):
    """Nothing to remember."""


class Loops(Strategy[Nothing, Memory]):
    """Loops once somebody turns it on."""

    def on_start(self) -> None:
        self.context.set_timer("loop", after_ns=1_000_000_000)

    def on_timer(self, name: str) -> None:
        while True:
            pass
'''
WATCHDOG_S = 0.8


class Manager:
    """systemd's end of NOTIFY_SOCKET, and everything that it heard."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        self._heard: list[str] = []
        self._heard_at = time.monotonic()
        self.environment = {
            "NOTIFY_SOCKET": str(path),
            "WATCHDOG_USEC": str(round(WATCHDOG_S * 1e6)),
        }

    def heard(self) -> list[str]:
        """Assignments in the order in which they came."""
        while True:
            try:
                self._heard += self._socket.recv(4096).decode().split("\n")
                self._heard_at = time.monotonic()
            except BlockingIOError:
                return self._heard

    def silent_s(self) -> float:
        """For how long nothing came."""
        self.heard()
        return time.monotonic() - self._heard_at

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path / "notify")
    yield made
    made.close()


def test_ready_comes_after_reconciliation_and_the_turn_feeds_the_watchdog(
    tmp_path: Path, manager: Manager
) -> None:
    with Day(tmp_path, environment=manager.environment) as day:
        with day.exchange_silent():
            day.until(
                "the start is extended while the venue is silent",
                lambda: "STATUS=reconciling: broker" in manager.heard(),
            )
            assert any(each.startswith("EXTEND_TIMEOUT_USEC=") for each in manager.heard())
            assert "READY=1" not in manager.heard()
        day.until("READY", lambda: "READY=1" in manager.heard())
        assert day.status()["phase"] == "ready"
        fed = manager.heard().count("WATCHDOG=1")
        day.until("fed", lambda: manager.heard().count("WATCHDOG=1") >= fed + 5)
        assert "STOPPING=1" not in manager.heard()
        assert day.stop() == 0, day.errors
        after = manager.heard()[manager.heard().index("STOPPING=1") :]
        assert any(each.startswith("EXTEND_TIMEOUT_USEC=") for each in after)


def test_a_handler_that_loops_starves_the_watchdog(tmp_path: Path, manager: Manager) -> None:
    (tmp_path / "loops.py").write_text(LOOPS)
    settings = {
        "strategy.pair.class": "loops:Loops",
        "strategy.pair.instruments": '["CRUX"]',
        "strategy.pair.parameters": "{}",
    }
    with Day(tmp_path, settings, tmp_path, environment=manager.environment) as day:
        day.until_ready()
        pid = int(day.status()["pid"])
        day.until("silence for two periods", lambda: manager.silent_s() > 2 * WATCHDOG_S)
        # As systemd would.
        day.daemon.leave_down()
        os.kill(pid, signal.SIGKILL)
        day.until("the daemon has ended", lambda: day.daemon.ended)
