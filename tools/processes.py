"""Our own commands as child processes: started in a session of their own, stopped in order."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from tools.command import UsageError

ROOT = Path(__file__).parents[1]
READY_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 30.0


def command(*words: str) -> list[str]:
    """The `pitwire` command of this checkout with these words."""
    return [sys.executable, "-m", "tools.command", *words]


def set_options(settings: Mapping[str, object]) -> list[str]:
    """`--set KEY=VALUE` for each."""
    return [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]


def start(
    words: list[str], stdout: int, stderr: IO[bytes], more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start; Ctrl-C reaches only us, who stop the children in order. `more` is added to our own
    environment."""
    environment = {**os.environ, "PYTHONPATH": _path(), **(more or {})}
    return subprocess.Popen(  # noqa: S603 - our own commands
        words, stdout=stdout, stderr=stderr, start_new_session=True, env=environment
    )


def _path() -> str:
    inherited = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(part for part in (inherited, str(ROOT)) if part)


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started within stays on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL when it does not end within `STOP_SECONDS_MAX`."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class ExchangeProcess:
    """`pitwire exchange` as a child; `ports` are those of its ready line."""

    def __init__(
        self, config: Path, errors: Path, settings: Mapping[str, object], *words: str
    ) -> None:
        self._errors = errors.open("wb")
        line = command("exchange", "-c", str(config), *words, *set_options(settings))
        self._process = start(line, stdout=subprocess.PIPE, stderr=self._errors)
        assert self._process.stdout is not None  # noqa: S101 - asked for as a pipe
        self.fd = self._process.stdout.fileno()
        self._unread = b""
        self.ports: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Block until it says its ports. UsageError names the file with its reasons."""
        timer = threading.Timer(READY_SECONDS_MAX, self._process.kill)
        timer.start()
        said = self.hear()
        timer.cancel()
        if not said:
            self._process.wait()
            errors = Path(self._errors.name).read_text(errors="replace").splitlines()
            reason = errors[-1] if errors else "no reason said"
            raise UsageError(f"the exchange did not start: {reason}")
        self.ports = said[0]

    def hear(self) -> list[dict[str, Any]]:
        """What it says next, at least one line; nothing when it has ended. Blocks until then, or
        not at all where `fd` is readable and it speaks in whole lines."""
        while b"\n" not in self._unread:
            read = os.read(self.fd, 1 << 16)
            if not read:
                return []
            self._unread += read
        *lines, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        """End it cleanly."""
        stop(self._process)
        self._errors.close()
