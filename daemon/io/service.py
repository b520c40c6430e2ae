"""The daemon as a service: what systemd hears, what signals do, what the operating log looks like.

The protocol of sd_notify(3) is a datagram of `KEY=value` lines to the socket that NOTIFY_SOCKET
names; without that variable every notification is a no-op, so that the same code runs in a
terminal. WATCHDOG=1 is to be sent by the turn itself, never by a timer of its own: a loop that
lives while the turn is stuck must not look healthy.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TextIO

import structlog

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# A status is one line on a terminal; systemd cuts much longer ones itself.
STATUS_CHARACTERS_MAX: Final = 200
# The manager is told that often in each of its periods: a notification costs the turn microseconds.
WATCHDOG_SHARE: Final = 8

_log = structlog.get_logger("service")


class ServiceManager:
    """Tells systemd how the daemon is. Never raises and never blocks: a deaf manager is no fault.

    `environment` holds NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID as systemd sets them.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the NUL of an abstract address; anything else must be a path.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if self._address.startswith(("\0", "/")):
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_UNIX, kind)
        self.watchdog_ns = _watchdog_ns(environment)
        self._fed_ns = 0
        self.failures = 0

    @property
    def listening(self) -> bool:
        """True where a manager asked to be notified."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """Reconciled and serving: units that wait for us may start."""
        self._send("READY=1", *_status(status))

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(*_status(text))

    def watchdog(self) -> None:
        """The turn goes on. To be called by the turn; what comes sooner than needed is not sent."""
        now = time.monotonic_ns()
        if self.watchdog_ns and now - self._fed_ns >= self.watchdog_ns // WATCHDOG_SHARE:
            self._fed_ns = now
            self._send("WATCHDOG=1")

    def extend_timeout(self, seconds: float, status: str = "") -> None:
        """The phase that starts now may take so long: starting, or stopping."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}", *_status(status))

    def reloading(self, monotonic_ns: int) -> None:
        """A reload begins; `ready` ends it. The stamp is CLOCK_MONOTONIC, as systemd demands."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={monotonic_ns // 1000}")

    def stopping(self, status: str = "") -> None:
        """The end has begun."""
        self._send("STOPPING=1", *_status(status))

    def close(self) -> None:
        """Give the socket back; later notifications are no-ops."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _send(self, *lines: str) -> None:
        if self._socket is None or not lines:
            return
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            # Counted and shown by status; a manager that restarts will listen again.
            self.failures += 1


def _status(text: str) -> list[str]:
    # A newline would begin another assignment.
    return [f"STATUS={' '.join(text.split())[:STATUS_CHARACTERS_MAX]}"] if text else []


def _watchdog_ns(environment: Mapping[str, str]) -> int:
    """The watchdog's period, 0 for none: as sd_watchdog_enabled(3), only if it is meant for us."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0
    text = environment.get("WATCHDOG_USEC", "")
    return int(text) * 1000 if text.isdecimal() else 0


# ------------------------------------------------------------------ signals


class Signals:
    """SIGTERM and SIGINT ask for shutdown, once; SIGHUP for `reopen`, or is logged and ignored.

    A second SIGTERM or SIGINT while the shutdown runs is logged: cancelling orders is not hurried.
    """

    CAUGHT: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(
        self, shutdown: Callable[[str], object], reopen: Callable[[], object] | None = None
    ) -> None:
        self._shutdown, self._reopen, self._asked = shutdown, reopen, False
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.contextmanager
    def ending_the_process(self) -> Iterator[None]:
        """Within it SIGTERM and SIGINT end the process at once, by SystemExit(0).

        For the time before anything is connected: no order works, and the loop that would deliver
        a signal is busy.
        """
        before = {number: signal.getsignal(number) for number in self.CAUGHT[:2]}
        for number in before:
            signal.signal(number, self._end)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @staticmethod
    def _end(number: int, _frame: object) -> None:
        _log.info("signal", name=signal.Signals(number).name, does="ends: nothing is connected")
        raise SystemExit(0)

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on; the callbacks run on the loop, between turns."""
        self._loop = loop
        for number in self.CAUGHT:
            loop.add_signal_handler(number, self._caught, number)

    def remove(self) -> None:
        """Back to the defaults."""
        if self._loop is not None:
            for number in self.CAUGHT:
                self._loop.remove_signal_handler(number)
        self._loop = None

    def _caught(self, number: signal.Signals) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGHUP:
            _log.info("signal", name=name, does="reopen" if self._reopen else "nothing")
            if self._reopen is not None:
                self._reopen()
        elif self._asked:
            _log.warning("signal", name=name, does="nothing: the shutdown is under way")
        else:
            self._asked = True
            _log.info("signal", name=name, does="shutdown")
            self._shutdown(name)


# ------------------------------------------------------------------ the operating log


class OperatingLog:
    """structlog on stderr, as JSON lines or for people; its level can change while it runs.

    It is for those who run the daemon, never for decisions: those are in the event log.
    """

    def __init__(
        self, form: str = "auto", level: str = "info", stream: TextIO | None = None
    ) -> None:
        self._form, self._stream = form, stream or sys.stderr
        self.set_level(level)

    @property
    def human(self) -> bool:
        """Whether lines are for people."""
        return self._form == "human" or (self._form == "auto" and self._stream.isatty())

    def set_level(self, level: str) -> None:
        """What is below this level is dropped from now on. ValueError where there is none such."""
        if level not in LEVELS:
            raise ValueError(f"no level {level}; there are: {', '.join(LEVELS)}")
        structlog.configure(
            processors=self._processors(),
            wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
            logger_factory=self._printer,
            # Loggers are module globals: caching would keep the first level for ever.
            cache_logger_on_first_use=False,
        )
        self.level = level

    def _printer(self, name: str = "", *_: object) -> _Printer:
        return _Printer(self._stream, name)

    def _processors(self) -> list[Any]:
        first = [
            structlog.contextvars.merge_contextvars,
            _name_of_logger,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]
        if self.human:
            return [*first, structlog.dev.ConsoleRenderer(colors=self._stream.isatty())]
        return [*first, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


class _Printer(structlog.PrintLogger):
    """Writes lines to a stream, and knows the name it was asked for by."""

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream)
        self.name = name


def _name_of_logger(
    logger: _Printer, _: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """`structlog.get_logger("control")` is a line's `logger`."""
    if logger.name:
        event["logger"] = logger.name
    return event
