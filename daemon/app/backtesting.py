"""Runs the daemon's core over captures, on their time: the engine of `pitwire backtest`.

    captures ──► RecordedRun ──► Live ──► log      configuration, definitions, strategies, gate,
                     │  ▲                          order table and the venue inside the daemon are
                     ▼  └ worker results           those of `daemon.app.live`; sockets, operators
                 PythonPhase                       and the host's clock are not there

Everything that is decided is a function of captures, configuration and code: the clock is set by
what is due next (`native/include/pitwire/engine/recorded_run.hpp`), and a worker's answer becomes
an input a stated recorded time after the question, however long it was computed. So two runs write
the same log, and `pitwire replay` runs it as it runs any other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Final

import msgspec

from daemon.app.backtest_workers import BacktestWorkers
from daemon.app.configuration import Configuration
from daemon.app.connections import connect_sessions
from daemon.app.epoch import append_epoch, definitions
from daemon.app.identities import KINDS
from daemon.app.market_settings import SessionSettings, SimulatedSessionSettings
from daemon.app.wiring import Wiring
from daemon.core import FeedEvent, Live, LogWriter, RecordedRun
from daemon.runtime.effects import (
    Effect,
    EnableSession,
    EndProcess,
    FetchSnapshot,
    Ready,
    RunWorker,
    Tell,
)

TURNS_PER_STEP: Final = 100_000
LOW_BYTES: Final = 1 << 18  # of a capture in memory; then another piece of it is read
MS: Final = 1_000_000
SHUTDOWN: Final = {
    "name": "shutdown",
    "arguments": {"reason": "the captures are over"},
    "user": "backtest",
    "role": "admin",
}


class Stop(IntEnum):
    """Why the native part came back: `pitwire::RecordedRun::Stop`."""

    PYTHON_PHASE = 0
    WAITS = 1
    UNTIL = 2
    END = 3
    BUDGET = 4


class Recording(msgspec.Struct):
    """A capture to run over, by the feed that would have received it.

    Of one instrument's messages, or, without an instrument, of ITCH 5.0, whose times count from
    `midnight` (ns since 1970 UTC). `pieces` are its bytes, decompressed, broken anywhere.
    """

    name: str
    feed: int
    pieces: Iterator[bytes]
    instrument: int | None = None
    midnight: int = 0
    refused: int = 0
    defect: str = ""


class Watch:
    """Is told what happens, and may look at the wiring; it must change nothing."""

    def sample(self, now: int) -> None:
        """The present moment is one at which a point of the equity curve is due."""

    def tell(self, now: int, what: Tell) -> None:
        """A line of the operating log."""


def in_process(configuration: Configuration, folder: Path) -> Configuration:
    """The same with its log in `folder` and every venue simulated inside the process."""
    latency = configuration.backtest

    def simulated(session: SessionSettings) -> SimulatedSessionSettings:
        if isinstance(session, SimulatedSessionSettings):
            return session
        return SimulatedSessionSettings(
            name=session.name,
            venue=session.venue,
            hours=session.hours,
            order_latency_us=latency.order_latency_us,
            report_latency_us=latency.report_latency_us,
        )

    return msgspec.structs.replace(
        configuration,
        log=msgspec.structs.replace(configuration.log, folder=str(folder)),
        session=tuple(simulated(each) for each in configuration.session),
    )


class Backtest:
    """One run, on a new log in `configuration.log.folder`. `await run()`, then `close()`.

    ValueError, OSError or RuntimeError say why it cannot be made or cannot go on.
    """

    def __init__(self, configuration: Configuration, recordings: list[Recording]) -> None:
        self.configuration = configuration
        self.ready = False
        self.left = 0
        """Orders that had not ended when the time for that was over."""
        self.gaps: dict[str, int] = {}
        """By instrument, how often its book asked for a snapshot, which only a capture has."""
        self._recordings = recordings
        self._log = _new_log(configuration)
        try:
            self._build()
        except BaseException:
            self._log.close()
            raise

    def _build(self) -> None:
        core = self.configuration.core
        self.live = Live(
            self._log,
            None,
            orders_max=core.orders_max,
            turn_records_max=core.turn_records_max,
            operator_quota=core.quotas.operator,
            session_quota=core.quotas.executions,
            market_quota=1,  # a turn of its own for every message: nothing else is to decide it
            inbox_bytes=core.inbox_bytes,
            given_time=True,
        )
        self.wiring = Wiring(self.live.core, self.configuration)
        self._run = RecordedRun(self.live, self.configuration.backtest.align_start)
        for each in self._recordings:
            if each.instrument is not None:
                self._run.add_lines(each.feed, each.instrument)
            else:
                self._run.add_itch(each.feed, each.midnight, each.name)
        self._workers = BacktestWorkers(self.configuration.worker)
        self._answers: deque[tuple[int, int]] = deque()  # when each is due, and of which request
        self._next_sample = 0
        self._ended = False

    @property
    def messages(self) -> int:
        """Recorded messages that were handed over."""
        return self._run.messages

    @property
    def now(self) -> int:
        """The present moment, ns since 1970 UTC."""
        return self.live.clock_now()

    def close(self) -> None:
        """Close the log, whatever became of the run."""
        self._log.close()

    async def run(self, watch: Watch) -> tuple[int, int]:
        """From the first recorded message until every order has ended behind the last one; the
        times of both."""
        begin = self._begin()
        try:
            await self._turns(watch)
        finally:
            await self._workers.stop()
        for number, recording in enumerate(self._recordings):
            recording.refused, recording.defect = self._run.refused(number)
        return begin, self.now

    # ------------------------------------------------------------------ the beginning

    def _begin(self) -> int:
        self._refill()
        begin = self._run.start()
        append_epoch(self.live, self.wiring, None)
        self.live.repeat_definitions(
            [
                (number, KINDS[kind], content)
                for kind, number, content in definitions(self.configuration)
            ]
        )
        for feed in sorted({each.feed for each in self._recordings}):
            self.live.push_feed_status(feed, int(FeedEvent.CONNECTED))
        connect_sessions(self.live, self.configuration)
        self._next_sample = begin
        return begin

    def _refill(self) -> None:
        """Append to every capture of which little is left."""
        for number, recording in enumerate(self._recordings):
            while self._run.buffered(number) < LOW_BYTES:
                piece = next(recording.pieces, None)
                self._run.append(number, piece or b"", piece is None)
                if piece is None:
                    break

    # ------------------------------------------------------------------ time passes

    async def _turns(self, watch: Watch) -> None:
        run, phase = self._run.run_native, self.wiring.phase.run
        while not self._ended:
            stop = run(self._due(), TURNS_PER_STEP)
            if stop == Stop.PYTHON_PHASE:
                phase()
                for effect in self.wiring.effects.take():
                    await self._carry_out(effect, watch)
            elif stop == Stop.UNTIL:
                await self._moment(watch)
            elif stop == Stop.WAITS:
                self._refill()
            elif stop == Stop.END:
                self.live.push_operator(0, 0, 1, msgspec.json.encode(SHUTDOWN))
        watch.sample(self.now)

    def _due(self) -> int:
        """When something is due that the core does not know of."""
        return min(self._next_sample, self._answers[0][0]) if self._answers else self._next_sample

    async def _moment(self, watch: Watch) -> None:
        now = self.now
        if now >= self._next_sample:
            watch.sample(now)
            self._look_at_log()
            await asyncio.sleep(0)  # the loop that workers' pipes are on
            self._next_sample += self.configuration.backtest.sample_ms * MS
        while self._answers and self._answers[0][0] <= now:
            outcome = await self._workers.answer(self._answers.popleft()[1])
            content = msgspec.json.encode(outcome.error) if outcome.error else outcome.result
            status = int(outcome.status)
            self.live.push_worker_result(outcome.request_id, outcome.strategy, status, content)

    def _look_at_log(self) -> None:
        folder = self.configuration.log.folder
        if self._log.failed:
            raise RuntimeError(f"{folder}: {self._log.failure}")
        if self._log.disk_low:
            raise RuntimeError(f"{folder}: less than log.low_disk_bytes is free")

    # ------------------------------------------------------------------ effects

    async def _carry_out(self, effect: Effect, watch: Watch) -> None:
        match effect:
            case RunWorker(request_id, strategy, function, payload):
                due = self.now + self.configuration.backtest.worker_delay_ms * MS
                self._answers.append((due, request_id))
                await self._workers.ask(request_id, strategy, function, payload)
            case FetchSnapshot(symbol, _):
                self.gaps[symbol] = self.gaps.get(symbol, 0) + 1
            case EnableSession(session, enabled):
                self.live.enable_connection(session, enabled)
            case Tell():
                watch.tell(self.now, effect)
            case Ready():
                self.ready = True
            case EndProcess(left):
                self.left = left
                self._ended = True
            case _:
                pass  # a reply nobody waits for, and what a service manager would hear


def _new_log(configuration: Configuration) -> LogWriter:
    """No sync is asked for: a backtest that is lost is run again."""
    settings = configuration.log
    folder = Path(settings.folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.seg")):
        raise ValueError(f"{folder}: holds a log already, and a backtest begins a new one")
    log, _ = LogWriter.recover(
        str(folder),
        settings.segment_size_bytes,
        prefault=settings.prefault,
        low_disk_bytes=settings.low_disk_bytes,
        sync_market=False,
        sync_orders=False,
        sync_sessions=[False] * len(configuration.session),
    )
    return log
