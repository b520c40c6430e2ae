"""The process `pitwire watchdog`: one thread that looks, sleeps until something comes, looks."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from daemon import core
from daemon.app.configuration import Configuration
from daemon.app.market_settings import DropCopySettings, FixSessionSettings
from daemon.io.credentials import CredentialError
from daemon.io.service import OperatingLog, ServiceManager
from tools.command import UsageError
from tools.config import load_configuration
from tools.watchdog.incident import Alarms
from tools.watchdog.pulse import Pulse, Verdict
from tools.watchdog.venue import VenueSession
from tools.watchdog.watch import Watch
from tools.watchdog.words import Words
from tools.watchdog.working import WorkingOrders

LOOK_MS: Final = 20
LOGOUT_S: Final = 1.0
COUNTERS: Final = (
    "looked_ts",
    "incidents",
    "incident_open",
    "sessions",
    "sessions_up",
    "orders_working",
    "log_damaged",
)

log = structlog.get_logger("watchdog")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "watchdog",
        help="cancel the daemon's orders when it hangs or dies",
        description=(
            "Follows the daemon's heartbeat and its log. When it hangs or dies: takes its right to "
            "send, cancels every working order by FIX sessions of its own, raises the alarm, and "
            "keeps the daemon from trading until it has been reconciled and an operator says so. "
            "Exit code 1 where it is ended within an incident."
        ),
        epilog="example: pitwire watchdog -c /etc/pitwire/pitwire.toml",
    )
    parser.add_argument("-c", "--config", type=Path, required=True, help="the daemon's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    configuration = load_configuration(arguments.config, arguments.set)
    if uncovered := _uncovered(configuration):
        reason = f"nothing cancels the orders of {', '.join(uncovered)}"
        raise UsageError(f"{arguments.config}: watchdog.session: {reason}")
    OperatingLog(configuration.service.log_format, configuration.service.log_level)
    try:
        with _alone(Path(configuration.daemon.runtime_dir)):
            return _Life(configuration).run()
    except (CredentialError, ValueError, OSError) as error:
        raise UsageError(f"{arguments.config}: {error}") from None


def _uncovered(configuration: Configuration) -> list[str]:
    """FIX sessions that trade and that no session of the watchdog's covers."""
    covered = {each.covers for each in configuration.watchdog.session}
    return [
        each.name
        for each in configuration.session
        if isinstance(each, FixSessionSettings)
        and not isinstance(each, DropCopySettings)
        and each.name not in covered
    ]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One watchdog a runtime folder. BlockingIOError says that there is another."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(folder / "watchdog.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise FileExistsError(f"{folder}: another watchdog runs here") from None
    finally:
        os.close(held)


class _Life:
    """From the first look to the last."""

    def __init__(self, configuration: Configuration) -> None:
        settings = configuration.watchdog
        owners = {
            each.name: each
            for each in configuration.session
            if isinstance(each, FixSessionSettings)
        }
        self._sessions = [
            VenueSession(
                each,
                each.on_behalf_of or owners[each.covers].sender_comp_id,
                Words(owners[each.covers], configuration.instrument),
                number,
            )
            for number, each in enumerate(settings.session)
        ]
        self._working = WorkingOrders(Path(configuration.log.folder))
        self._watch = Watch(
            configuration.status_page,
            Pulse(
                configuration.status_page,
                settings.hang_after_ms * 1_000_000,
                settings.restart_within_ms * 1_000_000,
            ),
            self._working,
            self._sessions,
            Alarms(configuration.incident_folder, settings.alarm_command),
            settings.end_hung_process,
        )
        page = core.SharedCounters(str(configuration.watchdog_page), len(COUNTERS), 1)
        self._counters = {name: page.counter(name) for name in COUNTERS}
        self._page = page
        self._service = ServiceManager()
        self._ended = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT; the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        waiting = select.poll()
        for session in self._sessions:
            waiting.register(session.fileno(), select.POLLIN)
        self._look()
        self._service.ready("watching")
        while not self._ended:
            waiting.poll(LOOK_MS)
            self._look()
        self._log_out()
        return int(self._watch.open)

    def _end(self, number: int, _frame: object) -> None:
        log.info("signal", name=signal.Signals(number).name, incident=self._watch.open)
        self._ended = True

    def _look(self) -> Verdict:
        verdict = self._watch.look(time.monotonic_ns())
        up = sum(session.up for session in self._sessions)
        values = (
            core.host_now(),
            self._watch.incidents,
            int(self._watch.open),
            len(self._sessions),
            up,
            len(self._working),
            int(bool(self._working.damage)),
        )
        for name, value in zip(COUNTERS, values, strict=True):
            self._counters[name].set(value)
        self._service.watchdog()
        return verdict

    def _log_out(self) -> None:
        self._service.stopping("logging out")
        for session in self._sessions:
            session.stop()
            session.log_out(core.host_now())
        give_up = time.monotonic() + LOGOUT_S
        while any(session.up for session in self._sessions) and time.monotonic() < give_up:
            for session in self._sessions:
                session.poll(core.host_now())
            time.sleep(LOOK_MS / 1000)
