"""The live daemon: recovers its log, connects the edges, turns until told to stop.

`Daemon.run` reads like the life of the process: prepare, recover, begin the epoch, connect, turn,
stop. Everything runs on the one thread of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
import uvloop

from daemon.app.checkpoints import Checkpoints, identity_of
from daemon.app.configuration import Configuration
from daemon.app.connections import connect_feeds, connect_sessions, session_durability
from daemon.app.counters import Counters
from daemon.app.epoch import (
    EpochStart,
    append_epoch,
    definitions,
)
from daemon.app.history import History, history_of
from daemon.app.host import (
    Collector,
    check_kernel_bypass,
    settle_native_threads,
    settle_on_host,
    thread_map,
)
from daemon.app.identities import KINDS, in_order_of_ids
from daemon.app.operators import Operators
from daemon.app.pace import WAIT_MODES, Pace
from daemon.app.phases import PHASES
from daemon.app.recovery import Recovered, recover
from daemon.app.rehearsing import rehearsal_of
from daemon.app.reports import Reports
from daemon.app.wiring import Wiring
from daemon.core import KillSocket, Live, LogWriter, SharedStatus
from daemon.io.control import ControlServer, Settings
from daemon.io.peers import grants_of
from daemon.io.process import claim
from daemon.io.service import OperatingLog, ServiceManager, Signals
from daemon.io.workers import WorkerPool, WorkOutcome
from daemon.model import WorkerStatus
from daemon.runtime.effects import (
    Effect,
    EnableSession,
    EndProcess,
    FetchSnapshot,
    Ready,
    RunWorker,
    SendReply,
    SetLogLevel,
    Stopping,
    Tell,
)

log = structlog.get_logger("daemon")

SEQUENCES_SKIPPED = 1 << 16
TURNS_AT_ONCE = 8  # of those about books alone, before their effects and the log are looked at
CLOCK_ADJUST_S = 1.0
FULL_RETRY_S = 0.01  # what the core's inbox had no room for is offered again
LOGOUT_SECONDS_MAX = 1.0  # for a venue's answer, after every order has ended
TELL_S = 1.0  # how often systemd hears that a start goes on
START_TIMEOUT_S = 30.0  # from one such word to the next
STOP_SLACK_S = 10.0  # for Logouts, the last checkpoint and the last sync
EXIT_CRASHED = 70  # EX_SOFTWARE: the supervisor starts us again, other than after 1 and 2


class Market(Protocol):
    """A market that was started for this run; `fd` is readable when it says something."""

    fd: int

    def over(self) -> bool:
        """Read what it says; whether it has nothing more to trade."""
        ...


class Daemon:
    """One process on one log."""

    def __init__(self, configuration: Configuration, operating_log: OperatingLog) -> None:
        self.configuration = configuration
        self.runtime_dir = Path(configuration.daemon.runtime_dir)
        self.log_folder = Path(configuration.log.folder)
        self.phase = PHASES[0]
        self.epoch: EpochStart | None = None
        self.history: History
        self.wiring: Wiring
        self.live: Live
        self.reports: Reports
        self._operating_log = operating_log
        self._service = ServiceManager()
        self._operators: Operators
        self._done = asyncio.Event()
        self._failed = False
        self._log_failure_told = False
        self._pace: Pace
        self._workers: WorkerPool
        self._collector: Collector
        self._loop: asyncio.AbstractEventLoop
        self._checkpoints: Checkpoints
        self._checkpointed_last = False
        self._disk_was_low = False
        self._left = 0  # orders that had not ended when the time for that was over
        self._told_at = 0.0
        self._fence_told = False

    # ------------------------------------------------------------------ the life of the process

    async def run(self, for_seconds: float | None = None, market: Market | None = None) -> int:
        """Until a signal, an operator's shutdown, `for_seconds` are over, or the market that was
        started beside us is; the exit code.

        ValueError, OSError or RuntimeError say why it cannot start.
        """
        self._loop = asyncio.get_running_loop()
        self._signals = Signals(self.request_shutdown)
        with self._signals.ending_the_process():
            self._prepare()
            try:
                self._begin_epoch(self._recover())
            except BaseException:
                self._log.close()
                raise
        try:
            await self._connect()
            if for_seconds is not None:
                self._loop.call_later(for_seconds, self.request_shutdown, "time is over")
            if market is not None:
                self._loop.add_reader(market.fd, self._hear, market)
            self._pace.schedule()
            await self._done.wait()
            if not self._failed:
                await self._disconnect()
        finally:
            self._log.close()
        if self._failed:
            return EXIT_CRASHED
        return 1 if self._left or self._log.failed else 0

    def _hear(self, market: Market) -> None:
        if market.over():
            self._loop.remove_reader(market.fd)
            self.request_shutdown("the market is over")

    def _prepare(self) -> None:
        check_kernel_bypass(self.configuration.core)
        _make_folder("daemon.runtime_dir", self.runtime_dir)
        _make_folder("log.folder", self.log_folder)
        self._claimed = claim(self.runtime_dir)
        self._status = SharedStatus(str(self.runtime_dir / "status.page"))
        self._set_phase("recovering")
        settings = self.configuration.log
        self._log, report = LogWriter.recover(
            str(self.log_folder),
            settings.segment_size_bytes,
            prefault=settings.prefault,
            retain_bytes=settings.retain_bytes,
            retain_days=settings.retain_days,
            low_disk_bytes=settings.low_disk_bytes,
            sync_market=settings.durability_market != "page_cache",
            sync_orders=settings.durability_orders != "page_cache",
            sync_sessions=[
                session_durability(self.configuration, each) != "page_cache"
                for each in self.configuration.session
            ],
        )
        # What had been synced and is gone, the venue may still know.
        say = log.error if report["verdict"] == "torn_below_durable" else log.info
        say("log recovered", report=report["text"])
        self.history = history_of(self.log_folder)
        self.configuration = in_order_of_ids(self.configuration, self.history.definitions)

    def _make_live(self, given_time: bool = False) -> Live:
        core = self.configuration.core
        return Live(
            self._log,
            self._status,
            orders_max=core.orders_max,
            turn_records_max=core.turn_records_max,
            operator_quota=core.quotas.operator,
            session_quota=core.quotas.executions,
            market_quota=core.quotas.market,
            inbox_bytes=core.inbox_bytes,
            thread_wait=WAIT_MODES[core.wait],
            thread_spin_ns=core.spin_ns,
            rehearse_every_ns=core.rehearse_every_ns if core.wait != "park" else 0,
            given_time=given_time,
        )

    def _recover(self) -> Recovered | None:
        self.live = self._make_live()
        self.wiring = Wiring(self.live.core, self.configuration)
        self.reports = Reports(self)
        if not self.history.epochs:
            return None
        return recover(self.live, self.wiring, self.log_folder, self.history, self._recovering)

    def _recovering(self, sequence: int) -> None:
        """How far the log was run again: systemd waits for as long as this goes on."""
        if self._loop.time() < self._told_at + TELL_S:
            return
        self._told_at = self._loop.time()
        share = sequence * 100 // max(1, self._log.last_sequence)
        self._service.extend_timeout(START_TIMEOUT_S, f"recovering: {share} % of the log")

    def _begin_epoch(self, recovered: Recovered | None) -> None:
        self._log.skip_sequences(SEQUENCES_SKIPPED)
        if recovered is not None:
            self.live.append_abandoned(
                recovered.turn, recovered.from_sequence, recovered.last_sequence
            )
        epoch_sequence = self._log.last_sequence + 1
        self.epoch = append_epoch(self.live, self.wiring, self.history.last_epoch)
        self.live.repeat_definitions(
            [
                (number, KINDS[kind], content)
                for kind, number, content in definitions(self.configuration)
            ]
        )
        # Its start number must never be used again, whatever happens to this host.
        if not self._log.wait_durable(self._log.last_sequence):
            raise RuntimeError(f"the log cannot be synced: {self._log.failure}")
        self._checkpoints = Checkpoints(
            self.log_folder,
            self.configuration.checkpoint,
            identity_of(self.log_folder, self.epoch),
            epoch_sequence,
            # What was run again need not be a second time, however soon this process is killed.
            self.live.clock_now() if recovered is None else 0,
        )
        self._counters = Counters(self.configuration.counters_page, self.reports.turns, self.live)
        if self.configuration.touch_page is not None:
            self.live.publish_touch(str(self.configuration.touch_page), 0o640, self.epoch.epoch)
        self._answer_lost_requests()
        # Before anything is connected: a session that is outside its hours must not log on.
        self.reports.turns.take()
        self._set_phase("reconciling")

    def _answer_lost_requests(self) -> None:
        """Workers die with their daemon: what they were asked is answered as failed, as an input.

        It is for the strategy to ask again; it may not want to any more.
        """
        error = msgspec.json.encode("the daemon was restarted before it was computed").decode()
        for host in self.wiring.hosts:
            for request in host.open_requests:
                status = int(WorkerStatus.FAILED)
                self.live.push_worker_result(request, host.strategy_id, status, error)

    async def _connect(self) -> None:
        settings = self.configuration
        self._pace = Pace(
            self.live,
            self.reports.turns,
            settings.core,
            self._take_turns,
            self._between_turns,
            self._turn_failed,
        )
        if self._pace.spin_ns and settings.core.rehearse_every_ns:
            self.reports.turns.rehearsal = rehearsal_of(self.wiring)
        self.live.claim_fence()
        # First what may still refuse: an address, a credential, a certificate.
        self._feeds = connect_feeds(self.live, settings, self._pace.schedule)
        connect_sessions(self.live, settings)
        self._kill = KillSocket(
            str(settings.kill_socket), self._status, mode=int(settings.control.mode, 8)
        )
        self.live.watch(self._kill)
        epoch = self.epoch.epoch if self.epoch else 0
        self._operators = Operators(
            self.live, self._status, self.reports, self._pace.schedule, epoch, self._keeps_kill
        )
        self._control = ControlServer(
            Settings(
                path=settings.control_socket,
                mode=int(settings.control.mode, 8),
                grants=grants_of(settings.control.role),
                request_bytes_max=settings.control.request_bytes_max,
                reply_bytes_max=settings.control.reply_bytes_max,
                connections_max=settings.control.connections_max,
            ),
            self._operators,
        )
        await self._control.start()
        self._workers = WorkerPool(
            settings.worker.functions,
            self._worker_done,
            processes=settings.worker.processes,
            timeout_s=settings.worker.timeout_seconds,
        )
        self._workers.start()
        self._signals.install(self._loop)
        self._pace.start()
        settle_native_threads(settings.core)
        settle_on_host(settings.core)
        self._collector = Collector(settings.core.collector, self.live.append_collector_run)
        self._carry_out_effects()
        self._adjust_clock()

    async def _disconnect(self) -> None:
        self._set_phase("stopping")
        self._pace.stop()
        give_up = self._loop.time() + LOGOUT_SECONDS_MAX
        while True:  # Logout messages and their answers
            self._take_turns()
            await asyncio.sleep(0)
            if self._logged_out() or self._loop.time() > give_up:
                break
        if not self._left and not self._log.failed:
            self._set_phase("stopped")
        self._tell_costs()
        self.live.log_unanswered()
        self.live.end_touch()
        await self._feeds.close()
        await self._workers.stop()
        await self._control.close()
        self._signals.remove()
        self._collector.close()
        for number in Signals.CAUGHT:  # the default would end us before the log is closed
            signal.signal(number, signal.SIG_IGN)

    def _set_phase(self, phase: str) -> None:
        self.phase = phase
        self._status.set_phase(PHASES.index(phase))
        self._service.status(phase)

    # ------------------------------------------------------------------ turns

    def _turn_failed(self, error: Exception) -> None:
        """A turn that did not end leaves the log without its mark: going on would trade on a state
        that no replay reaches. The log is intact; the supervisor starts us again."""
        log.critical("a turn failed: the daemon ends", exc_info=error)
        self._failed = True
        self._done.set()

    def _between_turns(self) -> None:
        self._service.watchdog()
        if not self.live.busy:
            self._collector.between_turns()

    def _take_turns(self) -> bool:
        """Some turns and what they asked of the edges; whether they were the last."""
        ended_turn = self.reports.turns.take(TURNS_AT_ONCE, self._pace.spin_ns)
        # Only now: right behind a TURN_END, with nothing left for the next turn.
        saveable_at = self._log.last_sequence if ended_turn and self.live.core.settled else 0
        if self._status.killed:
            self._kill.seen()
        self._carry_out_effects()
        if self.live.fenced and not self._fence_told:
            self._fence_lost()
        if self._log.failed and not self._log_failure_told:
            self._log_failed()
        elif saveable_at:
            self._checkpoint_if_due(saveable_at)
        return self._done.is_set()

    def _log_failed(self) -> None:
        """No new orders, cancel what works, end: what was not synced is never tried again."""
        self._log_failure_told = True
        log.critical("the log failed: orders are cancelled", reason=self._log.failure)
        self.request_shutdown("the log failed")

    def _checkpoint_if_due(self, turn_end: int) -> None:
        """By time or records, and one more, synced, when the process ends."""
        last = self._done.is_set()
        if last and (self._checkpointed_last or not self._logged_out()):
            return
        if not last and self.phase != "ready":
            return  # the venue's answers are still coming in, and READY waits for nothing else
        if not last and not self._checkpoints.due(self.live.clock_now(), turn_end):
            return
        self._checkpointed_last = last
        self._checkpoints.take(self.live, self.wiring, turn_end, sync=last)

    def _session_states(self) -> list[tuple[bool, bool]]:
        """Connected and logged on, by session."""
        core, count = self.live.core, len(self.configuration.session)
        return [core.session_state(each)[:2] for each in range(count)]

    def _logged_out(self) -> bool:
        return not any(any(each) for each in self._session_states())

    def _look_at_disk(self) -> None:
        """Halt, once, before the disk is full: the log is what a restart knows of our orders."""
        low, was_low = self._log.disk_low, self._disk_was_low
        self._disk_was_low = low
        if not low or was_low:
            return
        log.critical("disk is low: the firm is halted", folder=str(self.log_folder))
        self._operators.command("halt", reason="disk is low")

    def _keeps_kill(self) -> str:
        """Why a kill is not taken back now; "" where it may be."""
        if self.live.fenced:
            return "this process is fenced: end it, the next one can be resumed"
        if self.phase == "reconciling":
            return "not reconciled yet: " + ", ".join(self.wiring.firm.awaited)
        return ""

    def _fence_lost(self) -> None:
        """Egress has stopped by itself; the firm is halted too, until this process ends."""
        self._fence_told = True
        reason = "another process has taken the right to send"
        log.critical(f"fenced: {reason}; the firm is halted", page=str(self.runtime_dir))
        self._service.status(f"fenced: {reason}")
        self._operators.command("halt", reason=f"fenced: {reason}")

    def _tell_costs(self) -> None:
        self.reports.log_costs()
        self._counters.publish(self.live.stats)

    def _adjust_clock(self) -> None:
        self._look_at_disk()
        self._tell_costs()
        if self.phase == "reconciling":  # which takes as long as the venue takes
            awaited = ", ".join(self.wiring.firm.awaited)
            self._service.extend_timeout(START_TIMEOUT_S, f"reconciling: {awaited}")
        self.live.adjust_clock()
        self._loop.call_later(CLOCK_ADJUST_S, self._adjust_clock)

    # ------------------------------------------------------------------ effects

    def _carry_out_effects(self) -> None:
        for effect in self.wiring.effects.take():
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case SendReply(reply):
                self._operators.answered(reply)
            case RunWorker(request_id, strategy, function, payload):
                self._workers.submit(request_id, strategy, function, payload)
            case FetchSnapshot(symbol, difference):
                if difference:
                    log.error("book differs from the venue's", symbol=symbol, reason=difference)
                self._feeds.fetch_snapshot(symbol)
            case Ready():
                if self.phase == "reconciling":
                    for thread in thread_map():  # now: what start-up needed is gone
                        log.info("thread", **msgspec.structs.asdict(thread))
                    self._set_phase("ready")
                    self._service.ready("trading")
                    log.info("ready", epoch=self.epoch.epoch if self.epoch else 0)
            case EnableSession(session, enabled):
                self.live.enable_connection(session, enabled)
            case SetLogLevel(level):
                self._operating_log.set_level(level)
            case Tell(level, event, fields, error):
                getattr(log, level)(event, **fields, exc_info=error)
            case Stopping(timeout_ns):
                self._set_phase("stopping")
                self._service.stopping("cancelling orders")
                self._service.extend_timeout(timeout_ns / 1e9 + STOP_SLACK_S)
            case EndProcess(left):
                self._end(left)

    def _end(self, left: int) -> None:
        self._left = left
        for row in self.reports.unended():
            log.error(
                "order not ended: ask the venue",
                order=row.cl_ord_id,
                symbol=row.symbol,
                side=row.side,
                leaves_qty=row.leaves_qty,
                state=row.state,
            )
        log.info("ends", reason=f"{left} orders unanswered" if left else "all orders ended")
        self._done.set()

    def _worker_done(self, outcome: WorkOutcome) -> None:
        content = outcome.result.decode()
        if outcome.error:
            content = msgspec.json.encode(outcome.error).decode()
        if not self.live.push_worker_result(
            outcome.request_id, outcome.strategy, int(outcome.status), content
        ):
            self._loop.call_later(FULL_RETRY_S, self._worker_done, outcome)
        self._pace.schedule()

    def request_shutdown(self, reason: str = "signal") -> None:
        """No new orders, cancel, wait for the answers, end."""
        self._operators.command("shutdown", reason=reason)


def _make_folder(key: str, folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{key}: {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError(f"{key}: {folder}: not writable")


def run(
    configuration: Configuration, for_seconds: float | None = None, market: Market | None = None
) -> int:
    """Run a daemon in this process; its exit code."""
    service = configuration.service
    operating_log = OperatingLog(service.log_format, service.log_level)

    async def main() -> int:
        return await Daemon(configuration, operating_log).run(for_seconds, market)

    with contextlib.suppress(KeyboardInterrupt):
        return uvloop.run(main())
    return 130
