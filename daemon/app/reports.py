"""Answers what operators ask: reads the live core between turns, changes nothing, logs nothing.

Every question of `daemon.messages.commands.COMMANDS` has an answer here, with the reply's type
that the table names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from daemon.app.configuration import Configuration
from daemon.app.costs import log_costs
from daemon.app.epoch import EpochStart, build_version
from daemon.app.history import History
from daemon.app.market_settings import FixSessionSettings
from daemon.app.order_life import newest_fills
from daemon.app.recent import FILLS_MAX, Recent
from daemon.app.report_market import MarketReports
from daemon.app.report_orders import OrderReports, RefusedError
from daemon.app.report_rows import qty_text
from daemon.app.told import Told
from daemon.app.wiring import Wiring
from daemon.core import HandlerTimes, Histogram, Live, LogWriter, SharedStatus, Turns
from daemon.io.process import disk_free_bytes, resident_bytes
from daemon.messages import Reply
from daemon.messages.commands import COMMANDS, Selection
from daemon.messages.commands import Recent as Newest
from daemon.messages.replies import (
    LatencyRow,
    LimitRow,
    LogStatus,
    OrderRow,
    Outcome,
    Reconciliation,
    RiskReport,
    RiskRow,
    SessionRow,
    Snapshot,
    Status,
)
from daemon.model import Money, RiskState
from daemon.runtime.events import NO_ID
from daemon.runtime.mailbox import Mailbox

SNAPSHOT_ORDERS: Final = 50
SNAPSHOT_FILLS: Final = 50
RISK_MONEY_SCALE: Final = 6  # kRiskMoneyPerUnit of native/orders/instrument.hpp
FRAMES_BACK: Final = 1_000_000  # of the log of processes before, for fills
NO_UID: Final = 0xFFFF_FFFF
# Limits that count lots of their instrument.
IN_LOTS: Final = ("quantity_max", "position_max")


class Reported(Protocol):
    """What of a daemon is reported; `daemon.app.live.Daemon` is one."""

    configuration: Configuration
    wiring: Wiring
    live: Live
    epoch: EpochStart | None
    phase: str
    log_folder: Path
    history: History
    _log: LogWriter
    _status: SharedStatus


def addresses(configuration: Configuration) -> list[tuple[str, str]]:
    """Where each FIX session connects to."""
    return [
        (each.name, f"{each.host}:{each.port}")
        for each in configuration.session
        if isinstance(each, FixSessionSettings)
    ]


def timed(mailbox: Mailbox, budget_ns: int) -> HandlerTimes:
    """From here on the mailbox's handler is measured."""
    times = HandlerTimes(mailbox, budget_ns)
    mailbox.handle = times
    return times


class Reports:
    """The read-only commands. Installs its observer and timers on the daemon's wiring."""

    def __init__(self, daemon: Reported) -> None:
        self._daemon = daemon
        wiring, live = daemon.wiring, daemon.live
        self._core = wiring.core
        self._sha256 = daemon.configuration.sha256()
        last_sequence = daemon._log.last_sequence
        told = Told(live.clock_now(), addresses(daemon.configuration))
        self._recent = Recent(last_sequence, told)
        folder = daemon.log_folder
        since = daemon.history.same_configuration_since(self._sha256)
        if since is not None:
            begin = max(since, last_sequence - FRAMES_BACK)
            self._recent.fills.extend(newest_fills(folder, wiring.names, begin, FILLS_MAX))
        wiring.phase.watch(self._recent.observe)
        budget_ns = daemon.configuration.core.handler_budget_ns
        self.turns = Turns(live, wiring.phase)
        self.handler_times = [timed(each, budget_ns) for each in wiring.strategy_mailboxes]
        self._instruments = [each for _, each in wiring.instruments.values()]
        self._market = MarketReports(daemon.configuration, live, self._instruments, self._recent)
        self._orders = OrderReports(
            wiring, self._recent, self.handler_times, folder, since or last_sequence + 1
        )
        self._answers: dict[str, Callable[[Any], Any]] = {
            "status": lambda _: self.status(),
            "snapshot": lambda _: self.snapshot(),
            "market": lambda _: self._market.market(),
            "feeds": lambda _: self._market.feeds(),
            "sessions": lambda _: self._market.sessions(wiring.firm.phases),
            "sessions.show": lambda asked: self._session(asked.session),
            "orders": self._orders.orders,
            "order": self._orders.order,
            "fills": self._orders.fills,
            "positions": self._orders.positions,
            "risk": lambda _: self.risk(),
            "limits.show": lambda _: self.limits(),
            "strategies": lambda _: self._orders.strategies(),
            "reconciliation": lambda _: self.reconciliation(),
            "latency": lambda _: self.latency(),
        }

    def answer(self, name: str, arguments: Mapping[str, Any]) -> Reply:
        """The reply to a question; a refused or bad one says why, nothing is raised for it."""
        answer = self._answers.get(name)
        if answer is None:
            return Reply(0, int(Outcome.BAD_COMMAND), None, f"{name} is no question")
        try:
            asked = msgspec.convert(arguments, COMMANDS[name].arguments)
            return Reply(0, int(Outcome.DONE), answer(asked))
        except msgspec.ValidationError as error:
            return Reply(0, int(Outcome.BAD_COMMAND), None, f"{name}: {error}")
        except RefusedError as error:
            return Reply(0, int(Outcome.REFUSED), None, str(error))

    def _session(self, name: str) -> SessionRow:
        for row in self._market.sessions(self._daemon.wiring.firm.phases):
            if row.name == name:
                return row
        raise RefusedError(f"there is no session {name}")

    # ------------------------------------------------------------------ the daemon

    def status(self) -> Status:
        """The daemon in one view."""
        daemon, core, recent = self._daemon, self._core, self._recent
        state, armed, killed, *_ = core.risk_state(NO_ID)
        firm = daemon.wiring.firm
        trades = armed and not killed and state == RiskState.ACTIVE
        return Status(
            name=daemon.configuration.daemon.name,
            mode=daemon.configuration.daemon.mode,
            phase=daemon.phase,
            pid=os.getpid(),
            epoch=daemon.epoch.epoch if daemon.epoch else 0,
            build=daemon.epoch.build if daemon.epoch else build_version(),
            configuration_sha256=self._sha256,
            ts_started=daemon._status.started_ts,
            ts_core=core.now,
            turn=core.turn,
            risk_state=RiskState(state).name,
            armed=armed,
            killed=killed,
            log=self._log(),
            orders_working=core.orders_working,
            orders_unknown=core.orders_unknown,
            orders_submitted=recent.submitted.total(),
            orders_denied=recent.denials.total(),
            fills=recent.filled.total(),
            inputs=daemon.live.stats["inputs"],
            memory_bytes=resident_bytes(),
            note="" if trades else firm.reason,
        )

    def reconciliation(self) -> list[Reconciliation]:
        """Of each session, what the newest comparison with its venue has found."""
        return [
            Reconciliation(
                report=found.report,
                state=found.phase.value,
                differences=[each.row(name) for each in found.differences],
                session=name,
                positions=found.positions,
            )
            for name, found in self._daemon.wiring.firm.comparisons.items()
        ]

    def _log(self) -> LogStatus:
        log, folder = self._daemon._log, self._daemon.log_folder
        free = disk_free_bytes(folder)
        return LogStatus(
            folder=str(folder),
            last_sequence=log.last_sequence,
            durable_sequence=log.durable_sequence,
            bytes_appended=log.bytes_appended,
            disk_free_bytes=free,
            disk_low=log.disk_low or free < self._daemon.configuration.log.low_disk_bytes,
            failure=log.failure if log.failed else "",
        )

    def snapshot(self) -> Snapshot:
        """Everything that `ctl watch` shows, of one turn."""
        return Snapshot(
            status=self.status(),
            market=self._market.market(),
            feeds=self._market.feeds(),
            sessions=self._market.sessions(self._daemon.wiring.firm.phases),
            strategies=self._orders.strategies(),
            orders=self._orders.orders(Selection(limit=SNAPSHOT_ORDERS)),
            fills=self._orders.fills(Newest(limit=SNAPSHOT_FILLS)),
            latency=self.latency(),
        )

    def unended(self) -> list[OrderRow]:
        """Orders that may still be alive at a venue."""
        return self._orders.orders(Selection(limit=SNAPSHOT_ORDERS))

    def latency(self) -> list[LatencyRow]:
        """Orders' stages by lane, turns and their phases, each strategy's handlers.

        Stages that never ran are left out.
        """
        turns = self.turns
        stages = list(self._daemon.live.order_latencies())
        stages += [
            ("", "turn", turns.turn),
            ("", "native phase", turns.native),
            ("", "python phase", turns.python),
        ]
        for host, times in zip(self._daemon.wiring.hosts, self.handler_times, strict=True):
            stages.append(("", f"handler {host.name}", times.histogram))
        return [_latency(*each) for each in stages if each[2].count]

    def log_costs(self) -> None:
        """Into the log: at most once a second, or what costs is the writing of costs."""
        wiring = self._daemon.wiring
        hosts = [host.name for host in wiring.hosts]
        handlers = list(zip(hosts, self.handler_times, strict=True))
        log_costs(self._daemon.live, self.turns, handlers, wiring.dispatcher)

    # ------------------------------------------------------------------ risk

    def risk(self) -> RiskReport:
        """The firm, then each strategy."""
        names = self._daemon.wiring.names.strategies
        killed = self._recent.killed
        page = self._daemon._status
        uid = killed.uid if killed is not None else page.kill_uid
        is_killed = self._core.risk_state(NO_ID)[2]
        return RiskReport(
            killed=is_killed,
            scopes=[self._scope(NO_ID, "")]
            + [self._scope(n, name) for n, name in enumerate(names)],
            denials=dict(sorted(self._recent.denials.items())),
            killed_by_uid=uid if is_killed and uid != NO_UID else None,
            ts_killed=page.kill_ts if is_killed else 0,
        )

    def _scope(self, number: int, name: str) -> RiskRow:
        state, armed, _, working, _, day_loss = self._core.risk_state(number)
        limits = {
            (limit, strategy): value
            for limit, _, strategy, instrument, value in self._core.limits()
            if instrument == NO_ID
        }
        loss_max = limits.get(("daily_loss_max", number))
        reason = self._recent.risk_reasons.get(name, "")
        if number == NO_ID:
            reason = self._daemon.wiring.firm.reason
        return RiskRow(
            strategy=name,
            state=RiskState(state).name,
            armed=armed,
            reason=reason,
            daily_pnl=_risk_money(-day_loss),
            daily_loss_max=None if loss_max is None else str(loss_max),
            working_orders=working,
        )

    def limits(self) -> list[LimitRow]:
        """Every limit that is set, by the gate's names; of one instrument in its own quantity."""
        return [self._limit(*each) for each in self._core.limits()]

    def _limit(self, name: str, unit: str, strategy: int, instrument: int, value: int) -> LimitRow:
        scopes = []
        if strategy != NO_ID:
            scopes.append(f"strategy:{self._daemon.wiring.names.strategies[strategy]}")
        text = str(value)
        if instrument != NO_ID:
            settled = self._instruments[instrument]
            scopes.append(f"instrument:{settled.symbol}")
            if name in IN_LOTS:
                text, unit = qty_text(settled, value), "quantity"
        return LimitRow(scope=" ".join(scopes) or "firm", name=name, value=text, unit=unit)


def _risk_money(units: int) -> str:
    return f"{Money(units, '', RISK_MONEY_SCALE).amount:f}"


def _latency(lane: str, stage: str, histogram: Histogram) -> LatencyRow:
    return LatencyRow(
        lane=lane,
        stage=stage,
        count=histogram.count,
        p50_ns=histogram.percentile(50),
        p90_ns=histogram.percentile(90),
        p99_ns=histogram.percentile(99),
        p999_ns=histogram.percentile(99.9),
        max_ns=histogram.max,
    )
