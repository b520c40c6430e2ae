"""Where a daemon is started, killed and started again: its exchange, its feed, its folder."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from daemon.core import SharedStatus
from tools.bench.load_run import Load, RunError, Stage
from tools.ctl.client import Client
from tools.processes import stop

READY: Final = b"READY=1"
READY_SECONDS_MAX: Final = 120.0
POLL_SECONDS: Final = 0.02
FLOWING_RECORDS: Final = 100


class Site:
    """An exchange, and one daemon at a time, to which a socket of ours is its service manager."""

    def __init__(self, load: Load, folder: Path) -> None:
        self._stage = Stage(load, folder)
        self.folder = folder
        self._exits = contextlib.ExitStack()
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sessions = 0
        self._daemon: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with self._exits as exits:
            exits.enter_context(self._manager)
            self._manager.bind(str(self.folder / "notify"))
            self._manager.settimeout(READY_SECONDS_MAX)
            with self._stage.sender() as sender:
                self._symbols: list[str] = self._stage.heard(sender)["symbols"]
            exchange = self._stage.exchange()
            exits.callback(exchange.stop)
            exchange.wait_ready()
            self._fix = exchange.ports["fix"]
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    def seconds_to_ready(self) -> float:
        """Start the daemon; from before its exec to its word. RunError where it says none."""
        began = time.perf_counter()
        environment = {"NOTIFY_SOCKET": str(self.folder / "notify")}
        self._daemon = self._stage.daemon(self._symbols, self._fix, environment)
        self._exits.callback(stop, self._daemon)
        try:
            while READY not in self._manager.recv(4096).split(b"\n"):
                pass
        except TimeoutError:
            raise RunError(f"no READY within {READY_SECONDS_MAX:g} s") from None
        return time.perf_counter() - began

    @property
    def records(self) -> int:
        """By number, in the log."""
        return SharedStatus.open(str(self.folder / "run" / "status.page")).committed_sequence

    @contextlib.contextmanager
    def fed(self) -> Iterator[subprocess.Popen[bytes]]:
        """While the next stream is sent, each in a session of its own."""
        self._sessions += 1
        with self._stage.sender(self._sessions) as sender:
            self._stage.heard(sender)
            self._stage.write(sender, b"\n")
            before = self.records
            try:
                while sender.poll() is None and self.records < before + FLOWING_RECORDS:
                    time.sleep(POLL_SECONDS)  # it makes its stream first
                yield sender
            finally:
                sender.terminate()

    def client(self) -> Client:
        """To the daemon, once it trades. RunError where it does not."""
        return self._stage.client_of(self._daemon)

    @property
    def pid(self) -> int:
        """Of the daemon."""
        return self._daemon.pid

    def kill(self) -> None:
        """As nobody can expect it."""
        self._daemon.kill()
        self._daemon.wait()
        self._manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._manager.recv(4096):  # what it said and nobody has read
                pass
        self._manager.settimeout(READY_SECONDS_MAX)

    def stop(self) -> None:
        """In order."""
        stop(self._daemon)


@contextlib.contextmanager
def site(load: Load) -> Iterator[Site]:
    """In a folder that is there until the context ends."""
    with tempfile.TemporaryDirectory(prefix="pitwire-start-") as name, Site(load, Path(name)) as at:
        yield at
