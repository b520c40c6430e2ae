"""`pitwire demo`, which is `make run`: a live trading day on this machine, without keys.

Starts a simulated exchange and the daemon that trades on it, restarts the daemon when it dies,
shows what happens, stops both cleanly and says what came of it.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tools.command import UsageError
from tools.ctl.client import Client, NoDaemonError
from tools.ctl.watch import watch
from tools.demo_summary import summarise
from tools.durations import seconds
from tools.processes import STOP_SECONDS_MAX, ExchangeProcess, command, set_options, start, stop

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config"
RESTART_SECONDS = 0.2
WATCH_SECONDS = 0.5
LINE_SECONDS = 1.0
# Of `pitwire run`, which a start again would not make better: as in systemd/pitwire.service.
ENDED_AS_ASKED = (0, 1, 2)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "demo",
        help="a live trading day: exchange, daemon and terminal view (`make run`)",
        description=(
            "A simulated exchange and the daemon trading on it over FIX and ITCH, supervised. "
            "Ctrl-C or the time's end stops both; the last line printed is `log: FOLDER`."
        ),
        epilog="example: pitwire demo --for 30s",
    )
    parser.add_argument("--for", dest="duration", type=seconds, metavar="TIME", help="30s, 5m, 1h")
    parser.add_argument("--folder", type=Path, default=Path("run/demo"), help="where logs go")
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Run the demo; exit code 0 when both processes ended cleanly."""
    runtime: Path = arguments.folder
    folder = _new_folder(runtime)
    _say("starting: exchange")
    with Exchange(folder) as exchange:
        daemon = Supervised(exchange.daemon_command(runtime, folder), folder / "daemon.err")
        try:
            code = _show(runtime, daemon, arguments.duration)
            _say("stopping: the daemon cancels its orders")
        finally:
            daemon.stop()
    clean = daemon.exit_code == 0
    if not clean:
        sys.stdout.write(f"the daemon ended with code {daemon.exit_code}: {daemon.errors}\n")
    sys.stdout.write(summarise(folder / "log", folder / "trades.csv", daemon.restarts))
    sys.stdout.write(f"log: {folder / 'log'}\n")
    return code if clean else 1


def _new_folder(runtime: Path) -> Path:
    """For this day's logs. UsageError where a demo runs in `runtime` already."""
    with contextlib.suppress(NoDaemonError):
        Client(runtime / "control.sock").close()
        raise UsageError(f"{runtime}: a daemon runs here already; end it, or give --folder")
    folder = runtime / time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None
    (runtime / "status.page").unlink(missing_ok=True)  # a day's kill is not the next day's
    return folder


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _show(runtime: Path, daemon: Supervised, duration: float | None) -> int:
    def absent(_reason: str) -> str:
        if daemon.ended:
            return f"the daemon ended with code {daemon.exit_code}: see {daemon.errors}"
        return f"{'starting again' if daemon.restarts else 'starting'}: daemon"

    terminal = sys.stdout.isatty()
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        interval = WATCH_SECONDS if terminal else LINE_SECONDS
        return watch(lambda: runtime / "control.sock", interval, duration, absent=absent)
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def free_udp_port() -> int:
    """A UDP port that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Exchange:
    """The demo's exchange: ready when entered, stopped when left.

    `settings` override more keys of config/exchange.toml.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object] | None = None) -> None:
        self._mold_port = free_udp_port()
        own = {
            "exchange.trades": folder / "trades.csv",
            "fix.port": 0,
            "itch.lines.0.port": self._mold_port,
            "itch.retransmission.port": 0,
            "itch.snapshot.port": 0,
        }
        self._process = ExchangeProcess(
            CONFIG / "exchange.toml", folder / "exchange.err", {**own, **(settings or {})}
        )

    def __enter__(self) -> Exchange:
        self._process.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def daemon_command(self, runtime: Path, folder: Path) -> list[str]:
        """The daemon that trades on this exchange, its log in `folder`."""
        ports = self._process.ports
        settings = {
            "daemon.runtime_dir": runtime,
            "log.folder": folder / "log",
            "session.broker.port": ports["fix"],
            "watchdog.session.watchdog.port": ports["fix"],
            "feed.itch.lines.0.port": self._mold_port,
            "feed.itch.retransmission.port": ports["retransmission"],
            "feed.itch.snapshot.port": ports["snapshot"],
        }
        return command("run", "-c", str(CONFIG / "demo.toml"), *set_options(settings))


class Supervised:
    """A process that is started again when it dies, until it is told to stop.

    One that ends by itself with a code of `ENDED_AS_ASKED` was told to, or cannot, and stays away.
    """

    def __init__(self, command: list[str], errors: Path) -> None:
        self._command = command
        self.errors = errors
        self.restarts = 0
        self.exit_code = 0
        self._stopping = threading.Event()
        self._process = self._spawn()
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.errors.open("ab") as errors:
            return start(self._command, stdout=subprocess.DEVNULL, stderr=errors)

    def _supervise(self) -> None:
        while True:
            self.exit_code = self._process.wait()
            if self.exit_code in ENDED_AS_ASKED or self._stopping.wait(RESTART_SECONDS):
                return
            self.restarts += 1
            self._process = self._spawn()

    def leave_down(self) -> None:
        """However it ends from now on, it is not started again."""
        self._stopping.set()

    @property
    def ended(self) -> bool:
        """Whether it ended and is not started again."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """SIGTERM, and wait: it cancels its orders first."""
        self._stopping.set()
        stop(self._process)
        self._thread.join(STOP_SECONDS_MAX)
        self.exit_code = self._process.wait()
