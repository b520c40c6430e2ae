"""The watchdog: looks, and at an incident fences the daemon, cancels its orders and raises alarm.

    look → HUNG, DEAD or LATE → fence and kill word → rounds of cancels at each venue
         → nothing works → a hung process is ended → READY again → an operator takes the kill back

The fence first: a daemon that wakes up can write nothing more to a socket, so that what is
cancelled stays cancelled. A restart takes the fence back, to reconcile; the kill word stays, and
keeps it from sending an order until `ctl resume --clear-kill`. A daemon that is LATE is not fenced
while it reconciles: it turns, and it cancels too.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from daemon import core
from tools.watchdog.incident import Alarms, Cancelled, Incident
from tools.watchdog.pulse import Pulse, Verdict
from tools.watchdog.venue import VenueSession
from tools.watchdog.working import WorkingOrders

UNCANCELED_NS: Final = 5_000_000_000  # then it is said again
END_NS: Final = 2_000_000_000  # from SIGABRT, which leaves a core file, to SIGKILL
BATCHES_A_LOOK: Final = 16
ACTS: Final = frozenset({Verdict.HUNG, Verdict.DEAD, Verdict.LATE})

log = structlog.get_logger("watchdog")


class Watch:
    """`look` does all that is due. `now` is a clock that never goes back, in ns."""

    def __init__(
        self,
        page: Path,
        pulse: Pulse,
        working: WorkingOrders,
        sessions: Sequence[VenueSession],
        alarms: Alarms,
        end_hung_process: bool,
        host_now: Callable[[], int] = core.host_now,
    ) -> None:
        self._page, self._pulse, self._working = page, pulse, working
        self._sessions, self._alarms, self._ends = sessions, alarms, end_hung_process
        self._host_now = host_now
        self._told: Verdict | None = None
        self._up: dict[str, bool] = {}
        self._damage_told = False
        self._began_at = 0
        self._left_told = False
        self._abort_at: int | None = None
        self.incident: Incident | None = None
        self.incidents = 0

    @property
    def open(self) -> bool:
        """Whether an incident is not over."""
        return self.incident is not None

    def look(self, now: int) -> Verdict:
        """Once; it never waits."""
        verdict = self._pulse.look(now)
        self._follow()
        if self.incident is None and verdict in ACTS:
            self._begin(verdict, now)
        host_now = self._host_now()
        for session in self._sessions:
            session.poll(host_now)
        if self.incident is not None:
            self._go_on(self.incident, now)
        self._tell(verdict)
        self._alarms.reap()
        return verdict

    def _follow(self) -> None:
        for _ in range(BATCHES_A_LOOK):
            if not self._working.follow():
                break
        if self._working.damage and not self._damage_told:
            self._damage_told = True
            reason = self._working.damage
            self._alarms.raise_alarm("the log cannot be read", self.incident, reason=reason)

    def _tell(self, verdict: Verdict) -> None:
        if verdict is not self._told:
            self._told = verdict
            log.info("the daemon", state=verdict.value, pid=self._pulse.identity[0])
        for session in self._sessions:
            if self._up.get(session.name) != session.up:
                self._up[session.name] = session.up
                say = log.info if session.up else log.warning
                state = "logged on" if session.up else f"down: {session.reason}"
                say("venue session", session=session.name, covers=session.covers, state=state)

    # ------------------------------------------------------------------ an incident

    def _begin(self, verdict: Verdict, now: int) -> None:
        pid, started_ts = self._pulse.identity
        still_ms = self._pulse.still_ns // 1_000_000
        incident = Incident(verdict.value, pid, started_ts, self._host_now(), still_ms)
        self.incident, self._began_at = incident, now
        self.incidents += 1
        self._left_told, self._abort_at = False, None
        self._hold(incident, fence=verdict is not Verdict.LATE)
        for session in self._sessions:
            session.start(self._host_now())
        self._take_stock(incident)
        self._alarms.raise_alarm(
            f"the daemon is {verdict.value}",
            incident,
            pid=pid,
            still_ms=still_ms,
            fenced=incident.fenced,
            orders=len(self._working),
        )

    def _hold(self, incident: Incident, fence: bool) -> None:
        """No byte from it any more, and no order from the one that comes after it."""
        try:
            page = core.SharedStatus.open(str(self._page), writable=True)
        except ValueError as error:
            log.critical("the daemon cannot be fenced", reason=str(error))
            return
        if fence:
            page.acquire_fence()
            incident.fenced = True
        if not page.killed:
            page.kill()
        incident.killed = True
        incident.turn, incident.committed_sequence = page.turn, page.committed_sequence

    def _take_stock(self, incident: Incident) -> None:
        """What the venues have said so far; what the log says may work is what they are asked."""
        incident.log_damage = self._working.damage
        incident.sessions = []
        for session in self._sessions:
            stand = Cancelled(session.name, session.covers, session.up)
            incident.sessions.append(stand)
            if (rounds := session.rounds) is None:
                continue
            rounds.expect(self._working.of(session.covers))
            stand.expected, stand.canceled = rounds.expected, rounds.canceled
            stand.left = [f"{order:016X}" for order in rounds.left]
            stand.rounds, stand.over, stand.refused = rounds.rounds, rounds.over, rounds.refused

    def _go_on(self, incident: Incident, now: int) -> None:
        if not incident.back_ts:
            self._take_stock(incident)
            self._cancelled(incident, now)
            self._end_process(incident, now)
            self._look_for_return(incident)
        elif not self._killed():
            incident.closed_ts = self._host_now()
            self._alarms.write(incident)
            log.info("the incident is over: the kill was taken back", pid=self._pulse.identity[0])
            self.incident = None

    def _cancelled(self, incident: Incident, now: int) -> None:
        over = all(stand.over for stand in incident.sessions)
        if over and not incident.canceled_ts:
            incident.canceled_ts = self._host_now()
            path = self._alarms.write(incident)
            took_ms = (incident.canceled_ts - incident.began_ts) // 1_000_000
            canceled = sum(stand.canceled for stand in incident.sessions)
            log.warning("nothing works", canceled=canceled, took_ms=took_ms, incident=str(path))
        elif not over and not self._left_told and now - self._began_at >= UNCANCELED_NS:
            self._left_told = True
            down = [each.name for each in self._sessions if not each.up]
            left = {stand.covers: stand.left for stand in incident.sessions if not stand.over}
            self._alarms.raise_alarm("orders may still work", incident, left=left, down=down)

    def _end_process(self, incident: Incident, now: int) -> None:
        """A hung process keeps its supervisor from starting another. Its orders go first."""
        process = self._pulse.process
        if incident.kind != Verdict.HUNG.value or not self._ends or process is None:
            return
        if self._pulse.identity != (incident.pid, incident.started_ts):
            return
        waited = now - self._began_at >= UNCANCELED_NS
        if self._abort_at is None and (incident.canceled_ts or waited):
            self._abort_at = now
            incident.ended_ts = self._host_now()
            process.signal(signal.SIGABRT)
            log.warning("the hung process is ended", pid=incident.pid)
            self._alarms.write(incident)
        elif self._abort_at is not None and now - self._abort_at >= END_NS and process.alive:
            process.signal(signal.SIGKILL)

    def _look_for_return(self, incident: Incident) -> None:
        """Once another process has been reconciled, the orders are its own to cancel."""
        another = self._pulse.identity != (incident.pid, incident.started_ts)
        if not self._pulse.ready or not (another or incident.kind == Verdict.LATE.value):
            return
        incident.back_ts = self._host_now()
        self._alarms.write(incident)
        for session in self._sessions:
            session.stop()
        pid = self._pulse.identity[0]
        log.warning("the daemon is back and stays killed: ctl resume --clear-kill", pid=pid)

    def _killed(self) -> bool:
        try:
            return bool(core.SharedStatus.open(str(self._page)).killed)
        except ValueError:
            return True
