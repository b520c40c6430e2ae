"""The exchange's process: one loop, which polls the native exchange and serves what is not native.

*park*: the loop sleeps until a socket is readable or the next millisecond tick; *spin*: it polls
without sleeping (one core, microseconds of latency).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop

from daemon.core import Exchange
from tools.exchange.configuration import Config
from tools.exchange.control import ControlServer
from tools.exchange.native import settings
from tools.exchange.replay import Replay, made_from
from tools.exchange.snapshot_server import SnapshotServer

LOGOUT_SECONDS_MAX = 2.0
LEVELS = ("info", "warning", "error")


class Process:
    """Start, run until stopped, stop: a life."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._log = structlog.get_logger("exchange")
        self._stopped = asyncio.Event()
        for record in filter(None, (config.exchange.trades, config.exchange.reports)):
            Path(record).parent.mkdir(parents=True, exist_ok=True)
        self._exchange = Exchange(settings(config))
        self._snapshots = SnapshotServer(self._exchange)
        self._control = ControlServer(self._exchange)
        self._replay = made_from(config, self._exchange)
        self._tasks: list[asyncio.Task[None]] = []
        self._refused = 0

    async def run(self, seconds: float | None) -> int:
        """Until SIGTERM, SIGINT, the time's end, or the end of the capture where so configured."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        await self._start(loop)
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            pass
        await self._stop(loop)
        return 0

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        ports: dict[str, Any] = {"ready": True, "fix": self._exchange.fix_port}
        if (itch := self._config.itch) is not None and self._config.capture is None:
            ports["mold"] = [line.port for line in itch.lines]
            ports["retransmission"] = self._exchange.retransmission_port
            ports["snapshot"] = await self._snapshots.start(itch.snapshot.host, itch.snapshot.port)
        if self._config.exchange.control:
            await self._control.start(self._config.exchange.control)
        if self._replay is not None:
            ports["binance"] = await self._replay.start()
            self._tasks.append(loop.create_task(self._play(self._replay)))
        for fd in self._exchange.fds():
            loop.add_reader(fd, self._exchange.poll)
        self._tasks.append(loop.create_task(self._drive()))
        self._tasks.append(loop.create_task(self._tell()))
        for task in self._tasks:
            task.add_done_callback(self._ended)
        _say(ports)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that fails ends the process, and says why."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("failed", reason=repr(error))
            self._stopped.set()

    # ------------------------------------------------------------ loops

    async def _drive(self) -> None:
        tick = self._config.exchange.tick_ms / 1000
        spin_ns = self._config.exchange.spin_us * 1000
        while True:
            if self._config.exchange.wait == "spin":
                self._exchange.spin(spin_ns)
                await asyncio.sleep(0)
            else:
                self._exchange.poll()
                await asyncio.sleep(tick)

    async def _play(self, replay: Replay) -> None:
        await replay.play()
        _say({"ended": True})
        self._log.info("capture ended", **self._exchange.counts())
        if replay.ends_process:
            self._stopped.set()

    async def _tell(self) -> None:
        percent = 0
        while True:
            self._log_notes()
            if self._replay is not None and (now := int(100 * self._replay.progress)) > percent:
                percent = now
                _say({"percent": percent})
            await asyncio.sleep(0.2)

    def _log_notes(self) -> None:
        refused = self._exchange.counts()["capture_refused"]
        if refused > self._refused:
            self._refused = refused
            self._log.warning(
                "recorded lines refused", refused=refused, last=self._exchange.capture_defect()
            )
        for severity, text in self._exchange.notes():
            getattr(self._log, LEVELS[severity])(text)

    # ------------------------------------------------------------ end

    async def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._exchange.shut_down()
        try:
            async with asyncio.timeout(LOGOUT_SECONDS_MAX):
                while self._exchange.anyone_connected():
                    self._exchange.poll()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            self._log.warning("a client did not answer the logout")
        for fd in self._exchange.fds():
            loop.remove_reader(fd)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._snapshots.stop()
        await self._control.stop()
        if self._replay is not None:
            await self._replay.stop()
        self._log_notes()
        self._log.info("closed", **self._exchange.counts())


def _say(what: dict[str, Any]) -> None:
    """A line of JSON for whoever started us: ports, then how far a capture is, and its end."""
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")
    sys.stdout.flush()


async def _live(config: Config, seconds: float | None) -> int:
    return await Process(config).run(seconds)


def serve(config: Config, seconds: float | None) -> int:
    """Run the exchange; the exit code. ValueError or OSError say why it cannot start."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    return uvloop.run(_live(config, seconds))
