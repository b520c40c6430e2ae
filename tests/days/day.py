"""A trading day for tests: the exchange and the daemon as processes of their own, over loopback.

    with Day(tmp_path) as day:
        day.until_trading()
        ...
    assert day.exit_code == 0

Everything is on free ports and in one folder. Waiting is polling a condition with a deadline; a
deadline that passes says what was waited for, and the newest lines of the daemon's operating log.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from daemon.log import Frame, LogReader
from tools.ctl.client import Client, NoDaemonError, Reply
from tools.demo import CONFIG, Exchange, Supervised

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 20.0
POLL_SECONDS = 0.01
ERRORS_SHOWN = 4000

# Strategies that trade often enough for a day of seconds.
BUSY: Mapping[str, object] = {
    "strategy.maker.parameters": '{ symbol = "ACME", qty = 5, max_position = 40, kappa = 5.0 }',
    "strategy.momentum.parameters": (
        '{ symbol = "BOLT", qty = 7, entry_flow = 5.0, entry_imbalance = 0.05, '
        "target_ticks = 2, stop_ticks = 2, cooldown_s = 0.05, holding_s_max = 0.5 }"
    ),
    "risk.firm.price_collar_bps": 2000,
}

# One of them does all that an order can have done to it.
CHURNING: Mapping[str, object] = {
    "risk.firm.messages_per_second_max": 20_000,
    "strategy.pair.class": "tests.days.churning:Churns",
    "strategy.pair.instruments": '["CRUX"]',
    "strategy.pair.parameters": '{ symbol = "CRUX" }',
}

Found = TypeVar("Found")


class Day:
    """`with Day(folder) as day:`; the daemon is started again when it dies, as `make run` does it.

    `settings` override keys of config/demo.toml, `exchange` of config/exchange.toml; `python_path`
    is put before the checkout; `environment` is the daemon's, beside ours.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object] | None = None,
        python_path: Path | None = None,
        exchange: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.trades = folder / "trades.csv"
        self.runtime = folder / "run"
        self.configuration = CONFIG / "demo.toml"
        self._settings = {**BUSY, **(settings or {})}
        self._path = os.pathsep.join(str(each) for each in (python_path, ROOT) if each)
        self._exchange_settings = exchange or {}
        self._environment = [f"{key}={value}" for key, value in (environment or {}).items()]
        self._client: Client | None = None
        self.exit_code: int | None = None

    def __enter__(self) -> Self:
        self._exchange = Exchange(self.folder, self._exchange_settings)
        self._exchange.__enter__()
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.exit_code is None:
            self.stop()
        self._exchange.__exit__(kind, error, trace)

    # ------------------------------------------------------------------ processes

    def start(self, settings: Mapping[str, object] | None = None) -> None:
        """Start the daemon; also again, on the same log, after `stop`, with more settings."""
        self._settings.update(settings or {})
        command = self._exchange.daemon_command(self.runtime, self.folder)
        command[command.index("-c") + 1] = str(self.configuration)
        for key, value in self._settings.items():
            command += ["--set", f"{key}={value}"]
        self._command = command
        self.exit_code = None
        self._kills = 0
        self.daemon = Supervised(self._in_environment(command), self.folder / "daemon.err")

    def companion(self, name: str, *words: str) -> list[str]:
        """The command line of a process beside the daemon, with the daemon's configuration."""
        place = self._command.index("run")
        command = [*self._command[:place], name, *self._command[place + 1 :], *words]
        return self._in_environment(command)

    def _in_environment(self, command: list[str]) -> list[str]:
        # `env` is replaced by the command: the process stays ours to signal.
        return ["/usr/bin/env", f"PYTHONPATH={self._path}", *self._environment, *command]

    def stop(self) -> int:
        """SIGTERM, as systemd stops it; the exit code."""
        self._hang_up()
        self.daemon.stop()
        self.exit_code = self.daemon.exit_code
        return self.exit_code

    def kill(self, pid: int = 0) -> int:
        """SIGKILL; the pid that is no more. `pid` is of a daemon that cannot be asked for it."""
        pid = pid or int(self.status()["pid"])
        self._hang_up()
        self._kills += 1
        process = os.pidfd_open(pid)
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [], DEADLINE_SECONDS)
        os.close(process)
        return pid

    @property
    def errors(self) -> str:
        """The daemon's operating log."""
        return (self.folder / "daemon.err").read_text(errors="replace")

    @contextlib.contextmanager
    def exchange_silent(self) -> Iterator[None]:
        """The exchange's process stands still: it hears nothing and answers nothing."""
        pid = self._exchange._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    # ------------------------------------------------------------------ operators

    @property
    def control(self) -> Path:
        """The control socket."""
        return self.runtime / "control.sock"

    def ask(self, command: str, **arguments: object) -> Reply:
        """The daemon's reply. NoDaemonError where there is none."""
        if self._client is None:
            self._client = Client(self.control)
        try:
            return self._client.ask(command, arguments)
        except NoDaemonError:
            self._hang_up()
            raise

    def done(self, command: str, **arguments: object) -> Any:  # noqa: ANN401 - any reply's result
        """The result of a command that must succeed."""
        reply = self.ask(command, **arguments)
        assert reply.status == 0, f"{command} {arguments}: {reply.error}"
        return reply.result

    def status(self) -> dict[str, Any]:
        """`ctl status`."""
        result: dict[str, Any] = self.done("status")
        return result

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`pitwire ctl …` as an operator types it."""
        return pitwire("ctl", "--socket", str(self.control), *words)

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    # ------------------------------------------------------------------ waiting

    def until(
        self, what: str, condition: Callable[[], Found | None], seconds: float = DEADLINE_SECONDS
    ) -> Found:
        """The condition's first true value. A daemon that does not answer yet is waited for.

        One that was started again without a kill of ours has failed: nothing is waited for then.
        """
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline and self.daemon.restarts <= self._kills:
            try:
                last = found = condition()
                if found:
                    return found
            except NoDaemonError as error:
                last = error
            time.sleep(POLL_SECONDS)
        raise AssertionError(
            f"not within {seconds:g} s: {what}; last seen: {last!r}; kills {self._kills}, "
            f"restarts {self.daemon.restarts}\n{self.errors[-ERRORS_SHOWN:]}"
        )

    def until_ready(self, epoch: int = 1, seconds: float = DEADLINE_SECONDS) -> dict[str, Any]:
        """Status once this epoch has been reconciled with the exchange."""

        def ready() -> dict[str, Any] | None:
            status = self.status()
            return status if status["epoch"] == epoch and status["phase"] == "ready" else None

        return self.until(f"epoch {epoch} is ready", ready, seconds)

    def until_trading(self, orders: int = 1, seconds: float = DEADLINE_SECONDS) -> None:
        """Until this process has sent so many orders."""
        what = f"{orders} orders sent"
        self.until(what, lambda: self.status()["orders_submitted"] >= orders, seconds)

    def until_logged(self, *types: str, after: int = 0) -> list[Frame]:
        """Frames of these types behind a sequence, once there is one."""

        def read() -> list[Frame]:
            reader = LogReader(self.log, types=types, committed=True, from_sequence=after + 1)
            return list(reader)

        return self.until(f"{' or '.join(types)} behind {after}", read)

    def until_sequence(self, sequence: int) -> None:
        """Until the log has come so far."""
        self.until(f"sequence {sequence}", lambda: self.last_sequence() >= sequence)

    def last_sequence(self) -> int:
        """Of the log, now."""
        return int(self.status()["log"]["last_sequence"])


# An editable install finds its own checkout before PYTHONPATH: here the folder counts.
OF_THIS_FOLDER = """
import sys
sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__name__.startswith("ScikitBuild")]
from tools.command import main
raise SystemExit(main())
"""


def pitwire(
    *words: str, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The `pitwire` command, to its end, of the checkout in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", OF_THIS_FOLDER, *words],
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def frames(log: Path, *types: str) -> list[Frame]:
    """All frames of these types."""
    return list(LogReader(log, types=types, committed=True))
