"""Takes sessions down at the end of their hours and up again at the next beginning.

Outside them a session is logged out and its connection is not tried; the firm counts it as closed
and not as down: the daemon is READY, and armed only where another session is up. Orders that work
at the venue stay there: they are asked for at the next logon, as after any absence.

Sequence numbers go on over the hours' end, and over a process's, unless the session's policy lets
them begin at 1 where its hours begin. Then they do so once in each period: at its start, or, by a
daemon that was not there, at its own. Numbers that began within the period are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from daemon.actors.firm import Firm
from daemon.core import Core
from daemon.model import SessionHours
from daemon.runtime.effects import Effects, EnableSession, Tell
from daemon.runtime.events import NO_ID, EpochBegun, TimerFired

# Above the firm's own timers.
HOURS_TIMERS = (1 << 62) + (1 << 32)


class SessionHoursDesk:
    """The actor that knows the calendar; its time is the log's."""

    name = "session hours"

    def __init__(
        self,
        core: Core,
        names: Sequence[str],
        hours: Sequence[SessionHours | None],
        resets: Sequence[bool],
        firm: Firm,
        effects: Effects,
    ) -> None:
        self._core = core
        self._names = names
        self._hours = hours
        self._resets = resets
        self._firm = firm
        self._effects = effects

    def handle(self, message: EpochBegun | TimerFired) -> None:
        """The begin of a process looks at every session, a timer at its own."""
        if isinstance(message, TimerFired):
            self._look(message.timer_id - HOURS_TIMERS)
            return
        for number, hours in enumerate(self._hours):
            if hours is not None:
                self._look(number)

    def _look(self, number: int) -> None:
        hours = self._hours[number]
        if hours is None:  # set by a process that had hours for it
            return
        now = self._core.now
        change = hours.next_change(now)
        if change is not None:
            self._core.arm_timer(HOURS_TIMERS + number, NO_ID, change, 0)
        is_open = hours.is_open(now)
        if is_open and self._resets[number]:
            self._begin_numbers(number, hours)
        if is_open == self._firm.is_open(number):
            return
        said = {"session": self._names[number], "open": is_open}
        self._effects.add(Tell("info", "session hours", said))
        self._firm.set_open(number, is_open)
        self._effects.add(EnableSession(number, is_open))
        if is_open:
            self._core.session_logon(number)
        else:
            self._core.end_day(number)
            self._core.session_logout(number, "outside its hours")

    def _begin_numbers(self, number: int, hours: SessionHours) -> None:
        began = self._core.session_activity(number).get("ts_numbers", 0)
        opened = hours.opened(self._core.now)
        if began == 0 or opened is None or began >= opened:
            return  # never used, or begun within this period
        said = {"session": self._names[number]}
        if self._core.session_reset_numbers(number):
            self._effects.add(Tell("info", "sequence numbers begin at 1", said))
        else:  # the venue never closed our connection after the period before
            self._effects.add(Tell("error", "connected: sequence numbers go on", said))
