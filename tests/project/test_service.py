"""The daemon as a service: a fake manager hears what systemd would; signals; the operating log."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
import uvloop

from daemon.io.service import STATUS_CHARACTERS_MAX, OperatingLog, ServiceManager, Signals


class FakeManager:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environment = {"NOTIFY_SOCKET": address}

    def heard(self) -> list[str]:
        """The lines of the oldest datagram not yet read."""
        return self._socket.recv(4096).decode().split("\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeManager]:
    fake = FakeManager(str(tmp_path / "n") if request.param == "path" else f"@pitwire-{tmp_path}")
    yield fake
    fake.close()


def test_the_life_of_a_service_as_its_manager_hears_it(manager: FakeManager) -> None:
    service = ServiceManager(manager.environment)
    assert service.listening
    service.extend_timeout(1.5, "recovering 40 %")
    assert manager.heard() == ["EXTEND_TIMEOUT_USEC=1500000", "STATUS=recovering 40 %"]
    service.ready("armed")
    assert manager.heard() == ["READY=1", "STATUS=armed"]
    service.status("3 strategies")
    assert manager.heard() == ["STATUS=3 strategies"]
    service.reloading(5_000_999)
    assert manager.heard() == ["RELOADING=1", "MONOTONIC_USEC=5000"]
    service.stopping()
    assert manager.heard() == ["STOPPING=1"]
    service.close()
    service.status("after the end")


def test_a_status_cannot_smuggle_in_another_assignment(manager: FakeManager) -> None:
    service = ServiceManager(manager.environment)
    service.status("a\nREADY=1\r\nb" + "x" * 500)
    [line] = manager.heard()
    assert line.startswith("STATUS=a READY=1 b")
    assert len(line) == len("STATUS=") + STATUS_CHARACTERS_MAX
    service.close()


def test_without_a_manager_nothing_is_sent() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}):
        service = ServiceManager(environment)
        assert not service.listening
        service.ready()


def test_a_manager_that_is_gone_is_counted_and_harmless(tmp_path: Path) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    service.status("one")
    service.status("two")
    assert service.failures == 2
    service.close()


def test_a_manager_that_does_not_read_never_blocks_us(tmp_path: Path) -> None:
    manager = FakeManager(str(tmp_path / "n"))
    service = ServiceManager(manager.environment)
    for _ in range(5000):
        service.status("here")
    assert service.failures > 0
    assert manager.heard() == ["STATUS=here"]
    service.close()
    manager.close()


def test_the_watchdog_is_fed_no_more_often_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = 10**12
    monkeypatch.setattr("time.monotonic_ns", lambda: now_ns)
    manager = FakeManager(str(tmp_path / "n"))
    service = ServiceManager({**manager.environment, "WATCHDOG_USEC": "8000000"})
    fed = 0
    for _ in range(160):  # 16 s of turns
        service.watchdog()
        with contextlib.suppress(BlockingIOError):
            fed += manager.heard() == ["WATCHDOG=1"]
        now_ns += 100_000_000
    assert fed == 16
    unwatched = ServiceManager(manager.environment)
    unwatched.watchdog()
    with pytest.raises(BlockingIOError):
        manager.heard()
    for each in (service, unwatched, manager):
        each.close()


def test_before_anything_is_connected_a_signal_ends_the_process() -> None:
    signals = Signals(lambda name: pytest.fail(name))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, signals.ending_the_process():
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("environment", "period_ns"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "3000000"}, 3_000_000_000),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3_000_000_000),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
    ],
)
def test_the_watchdogs_period(environment: dict[str, str], period_ns: int) -> None:
    assert ServiceManager(environment).watchdog_ns == period_ns


# ------------------------------------------------------------------ signals


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_signals_ask_for_shutdown_once_and_for_reopen_each_time(
    run: Callable[..., list[str]],
) -> None:
    async def life() -> list[str]:
        asked: list[str] = []
        enough = asyncio.Event()

        def reopen() -> None:
            asked.append("reopen")
            enough.set()

        signals = Signals(asked.append, reopen)
        signals.install(asyncio.get_running_loop())
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        enough.clear()
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.wait_for(enough.wait(), 5)
        signals.remove()
        return asked

    asked = run(life())
    assert sorted(set(asked) - {"reopen"}) in (["SIGINT"], ["SIGTERM"])
    assert len([each for each in asked if each != "reopen"]) == 1


# ------------------------------------------------------------------ the operating log


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("restored")
def test_json_lines_with_level_name_and_exception() -> None:
    stream = io.StringIO()
    OperatingLog("auto", "info", stream)
    log = structlog.get_logger("control")
    log.debug("not shown")
    try:
        raise ValueError("why")
    except ValueError:
        log.exception("failed", order="1F")
    [line] = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["order"]) == ("failed", "error", "1F")
    assert said["logger"] == "control"
    assert said["timestamp"].endswith("Z")
    assert "ValueError: why" in said["exception"]


@pytest.mark.usefixtures("restored")
def test_the_level_changes_also_for_loggers_in_use() -> None:
    stream = io.StringIO()
    operating = OperatingLog("human", "warning", stream)
    log = structlog.get_logger("service")
    log.info("first")
    operating.set_level("debug")
    log.debug("second")
    assert "first" not in stream.getvalue()
    assert "second" in stream.getvalue()
    assert operating.human
    with pytest.raises(ValueError, match="there are: debug, info"):
        operating.set_level("loud")
