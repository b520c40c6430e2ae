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
from typing import Any

import msgspec
import structlog
import uvloop

from daemon.app.checkpoints import Checkpoints, identity_of
from daemon.app.configuration import Configuration
from daemon.app.connections import connect_feeds, connect_sessions, session_durability
from daemon.app.epoch import (
    DEFINITION_KINDS,
    EpochStart,
    append_epoch,
    definitions,
    last_epoch,
)
from daemon.app.host import Collector, settle_native_threads, settle_on_host
from daemon.app.recovery import Recovered, recover
from daemon.app.reports import Reports
from daemon.app.wiring import Wiring
from daemon.core import KillSocket, Live, LogWriter, SharedStatus
from daemon.io.control import ControlServer, Peer, Settings, grants_of
from daemon.io.service import OperatingLog, ServiceManager, Signals
from daemon.io.workers import WorkerPool, WorkOutcome
from daemon.messages import Reply
from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Outcome
from daemon.runtime.effects import (
    Effect,
    EndProcess,
    FetchSnapshot,
    Ready,
    RunWorker,
    SendReply,
    SetLogLevel,
)

log = structlog.get_logger("daemon")

PHASES = ("starting", "recovering", "reconciling", "ready", "stopping")
WAIT_MODES = {"park": 0, "spin": 1, "spin_then_park": 2}
SEQUENCES_SKIPPED = 1 << 16
TURNS_PER_CALLBACK = 64  # before other work of the loop gets its chance
CLOCK_ADJUST_S = 1.0
FULL_RETRY_S = 0.01  # what the core's inbox had no room for is offered again
LOGOUT_SECONDS_MAX = 1.0  # for a venue's answer, after every order has ended


class Daemon:
    """One process on one log."""

    def __init__(self, configuration: Configuration, operating_log: OperatingLog) -> None:
        self.configuration = configuration
        self.runtime_dir = Path(configuration.daemon.runtime_dir)
        self.log_folder = Path(configuration.log.folder)
        self.phase = PHASES[0]
        self.epoch: EpochStart | None = None
        self.wiring: Wiring
        self.live: Live
        self.reports: Reports
        self._operating_log = operating_log
        self._service = ServiceManager()
        self._replies: dict[int, asyncio.Future[Reply]] = {}
        self._command_ids = 0
        self._done = asyncio.Event()
        self._failed = False
        self._log_failure_told = False
        self._timer: asyncio.TimerHandle | None = None
        self._workers: WorkerPool
        self._collector: Collector
        self._loop: asyncio.AbstractEventLoop
        self._scheduled = False
        self._checkpoints: Checkpoints
        self._checkpointed_last = False
        self._disk_was_low = False
        self._fence_told = False

    # ------------------------------------------------------------------ the life of the process

    async def run(self, for_seconds: float | None = None) -> int:
        """Until a signal, an operator's shutdown, or `for_seconds` are over; the exit code."""
        self._loop = asyncio.get_running_loop()
        self._prepare()
        try:
            recovered = self._recover()
            self._begin_epoch(recovered)
            await self._connect()
            if for_seconds is not None:
                self._loop.call_later(for_seconds, self.request_shutdown, "time is over")
            self._schedule()
            await self._done.wait()
            if not self._failed:
                await self._disconnect()
        finally:
            self._log.close()
        return 1 if self._failed or self._log.failed else 0

    def _prepare(self) -> None:
        self.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.runtime_dir.chmod(0o700)
        self.log_folder.mkdir(parents=True, exist_ok=True)
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
        log.info("log recovered", report=report["text"])

    def _recover(self) -> Recovered | None:
        core = self.configuration.core
        self.live = Live(
            self._log,
            self._status,
            orders_max=core.orders_max,
            operator_quota=core.quotas.operator,
            session_quota=core.quotas.executions,
            market_quota=core.quotas.market,
            inbox_bytes=core.inbox_bytes,
            thread_wait=WAIT_MODES[core.wait],
            thread_spin_ns=core.spin_ns,
        )
        self.wiring = Wiring(self.live.core, self.configuration)
        self.reports = Reports(self)
        self._before = last_epoch(self.log_folder)
        if self._before is None:
            return None
        return recover(self.live, self.wiring, self.log_folder, self._before)

    def _begin_epoch(self, recovered: Recovered | None) -> None:
        self._log.skip_sequences(SEQUENCES_SKIPPED)
        if recovered is not None:
            self.live.append_abandoned(
                recovered.turn, recovered.from_sequence, recovered.last_sequence
            )
        epoch_sequence = self._log.last_sequence + 1
        self.epoch = append_epoch(self.live, self.wiring, self._before)
        self.live.repeat_definitions(
            [
                (number, DEFINITION_KINDS[kind], content)
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
            self.live.clock_now(),
        )
        self._set_phase("reconciling")

    async def _connect(self) -> None:
        settings = self.configuration
        self._kill = KillSocket(
            str(settings.kill_socket), self._status, mode=int(settings.control.mode, 8)
        )
        self.live.watch(self._kill)
        self._control = ControlServer(
            Settings(
                path=settings.control_socket,
                mode=int(settings.control.mode, 8),
                grants=grants_of(settings.control.role),
                request_bytes_max=settings.control.request_bytes_max,
                reply_bytes_max=settings.control.reply_bytes_max,
                connections_max=settings.control.connections_max,
            ),
            self,
        )
        await self._control.start()
        self._workers = WorkerPool(
            settings.worker.functions,
            self._worker_done,
            processes=settings.worker.processes,
            timeout_s=settings.worker.timeout_seconds,
        )
        self._workers.start()
        self._signals = Signals(self.request_shutdown)
        self._signals.install(self._loop)
        self.live.claim_fence()
        self._feeds = connect_feeds(self.live, settings, self._schedule)
        connect_sessions(self.live, settings)
        self._loop.add_reader(self.live.epoll_fd, self._schedule)
        settle_native_threads(settings.core)
        settle_on_host(settings.core)
        self._collector = Collector(settings.core.collector, self.live.append_collector_run)
        self._adjust_clock()

    async def _disconnect(self) -> None:
        self._set_phase("stopping")
        self._service.stopping()
        self._loop.remove_reader(self.live.epoll_fd)
        if self._timer is not None:
            self._timer.cancel()
        give_up = self._loop.time() + LOGOUT_SECONDS_MAX
        while True:  # Logout messages and their answers
            self._turn()
            await asyncio.sleep(0)
            if self._logged_out() or self._loop.time() > give_up:
                break
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

    def _schedule(self) -> None:
        """Take turns soon; called as often as one likes."""
        if self._scheduled or self._done.is_set():
            return
        self._scheduled = True
        self._loop.call_soon(self._take_turns)

    def _take_turns(self) -> None:
        try:
            self._take_some_turns()
        except Exception:
            # A turn that did not end leaves the log without its mark: going on would trade on a
            # state that no replay reaches. The log is intact; the supervisor starts us again.
            log.critical("a turn failed: the daemon ends", exc_info=True)
            self._failed = True
            self._done.set()

    def _take_some_turns(self) -> None:
        self._scheduled = False
        self.live.disarm()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        core = self.configuration.core
        for _ in range(TURNS_PER_CALLBACK):
            self._turn()
            if self._done.is_set():
                return
            if not self.live.busy and not self._wait(core.spin_ns):
                break
        self._service.watchdog()
        if self.live.busy:
            self._schedule()
            return
        self._collector.between_turns()
        if not self.live.arm():
            self._schedule()
            return
        delay = self.live.until_due_ns() / 1e9
        self._timer = self._loop.call_later(delay, self._schedule)

    def _wait(self, spin_ns: int) -> bool:
        """Spin for more work where configured; uvloop sleeps where not. True: there is some."""
        mode = WAIT_MODES[self.configuration.core.wait]
        if mode == 0:
            return False
        return bool(self.live.wait(1, spin_ns, 0) & 1)

    def _turn(self) -> None:
        core = self.live.core
        turn = core.turn
        self.reports.turn_times.take(self.live, self.wiring.phase)
        # Only now: right behind a TURN_END, with nothing left for the next turn.
        saveable_at = self._log.last_sequence if core.turn != turn and core.settled else 0
        if self._status.killed:
            self._kill.seen()
        for effect in self.wiring.effects.take():
            self._carry_out(effect)
        if self.live.fenced and not self._fence_told:
            self._fence_lost()
        if self._log.failed and not self._log_failure_told:
            self._log_failed()
        elif saveable_at:
            self._checkpoint_if_due(saveable_at)

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
        if not last and not self._checkpoints.due(self.live.clock_now(), turn_end):
            return
        if any(connected != logged_on for connected, logged_on in self._session_states()):
            return  # a Logon or Logout under way is not saved: a turn later will do
        self._checkpointed_last = last
        began = self._loop.time()
        try:
            path = self._checkpoints.write(self.live, self.wiring, turn_end, sync=last)
        except Exception:
            # The log still holds everything, a restart only takes longer. Besides the disk it is
            # a strategy's state that may refuse, and that is no reason to end the others.
            log.exception("no checkpoint written")
            return
        took_ms = round((self._loop.time() - began) * 1000, 1)
        log.info("checkpoint", file=path.name, covers=turn_end, took_ms=took_ms)

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
        self._halt("disk is low")

    def _fence_lost(self) -> None:
        """Egress has stopped by itself; the firm is halted too, until this process ends."""
        self._fence_told = True
        reason = "another process has taken the right to send"
        log.critical(f"fenced: {reason}; the firm is halted", page=str(self.runtime_dir))
        self._service.status(f"fenced: {reason}")
        self._halt(f"fenced: {reason}")

    def _halt(self, reason: str) -> None:
        """As an operator would: an input, so that a replay halts at the same place."""
        said = {"name": "halt", "arguments": {"reason": reason}}
        content = msgspec.json.encode({**said, "user": "daemon", "role": "admin"})
        number = self._next_command_id()
        if not self.live.push_operator(os.getuid(), os.getpid(), number, content.decode()):
            self._loop.call_later(FULL_RETRY_S, self._halt, reason)
        self._schedule()

    def _next_command_id(self) -> int:
        self._command_ids += 1
        return ((self.epoch.epoch if self.epoch else 0) << 32) | self._command_ids

    def _adjust_clock(self) -> None:
        self._look_at_disk()
        self.live.adjust_clock()
        self._loop.call_later(CLOCK_ADJUST_S, self._adjust_clock)

    # ------------------------------------------------------------------ effects

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case SendReply(reply):
                future = self._replies.pop(reply.command_id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
            case RunWorker(request_id, strategy, function, payload):
                self._workers.submit(request_id, strategy, function, payload)
            case FetchSnapshot(symbol):
                self._feeds.fetch_snapshot(symbol)
            case Ready():
                if self.phase == "reconciling":
                    self._set_phase("ready")
                    self._service.ready("trading")
                    log.info("ready", epoch=self.epoch.epoch if self.epoch else 0)
            case SetLogLevel(level):
                self._operating_log.set_level(level)
            case EndProcess(reason):
                log.info("ends", reason=reason)
                self._done.set()

    def _worker_done(self, outcome: WorkOutcome) -> None:
        content = outcome.result.decode()
        if outcome.error:
            content = msgspec.json.encode(outcome.error).decode()
        if not self.live.push_worker_result(
            outcome.request_id, outcome.strategy, int(outcome.status), content
        ):
            self._loop.call_later(FULL_RETRY_S, self._worker_done, outcome)
        self._schedule()

    # ------------------------------------------------------------------ operators

    async def execute(self, peer: Peer, name: str, arguments: dict[str, Any]) -> Reply:
        """`daemon.io.control.CommandPort`: questions are answered at once, commands by a turn."""
        if not COMMANDS[name].changes:
            return self.reports.answer(name, arguments)
        return await self._command(peer.uid, peer.pid, peer.user, peer.role.name, name, arguments)

    async def _command(
        self, uid: int, pid: int, user: str, role: str, name: str, arguments: dict[str, Any]
    ) -> Reply:
        if name == "kill":
            self._status.kill(uid)
        if name == "resume" and arguments.get("clear_kill"):
            # The page before the gate: a gate that is free under a word that is set kills again.
            self._status.clear_kill()
        command_id = self._next_command_id()
        content = msgspec.json.encode(
            {"name": name, "arguments": arguments, "user": user, "role": role.lower()}
        )
        future: asyncio.Future[Reply] = self._loop.create_future()
        self._schedule()
        if not self.live.push_operator(uid, pid, command_id, content.decode()):
            return Reply(command_id, int(Outcome.REFUSED), None, "the core's inbox is full")
        self._replies[command_id] = future
        try:
            return await asyncio.wait_for(future, timeout=10)
        except TimeoutError:
            self._replies.pop(command_id, None)
            return Reply(command_id, int(Outcome.REFUSED), None, "not answered within 10 s")

    def request_shutdown(self, reason: str = "signal") -> None:
        """No new orders, cancel, wait for the answers, end."""
        if self.phase in ("starting", "recovering"):
            self._done.set()
            return
        task = self._loop.create_task(
            self._command(
                os.getuid(), os.getpid(), "daemon", "ADMIN", "shutdown", {"reason": str(reason)}
            )
        )
        task.add_done_callback(lambda done: done.exception() if not done.cancelled() else None)


def run(configuration: Configuration, for_seconds: float | None = None) -> int:
    """Run a daemon in this process; its exit code."""
    service = configuration.service
    operating_log = OperatingLog(service.log_format, service.log_level)

    async def main() -> int:
        return await Daemon(configuration, operating_log).run(for_seconds)

    with contextlib.suppress(KeyboardInterrupt):
        return uvloop.run(main())
    return 130
