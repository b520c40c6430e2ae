"""When sequence numbers begin at 1: where the policy says so, and never by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from daemon.actors.firm import Firm
from daemon.actors.session_hours import HOURS_TIMERS, SessionHoursDesk
from daemon.app.configuration import ConfigurationError, parse
from daemon.core import Core, FixSession, FixSessionConfig, FixSymbology
from daemon.model import SessionHours
from daemon.runtime.effects import Effects
from daemon.runtime.events import EpochBegun, TimerFired
from tests.app.desk import CONFIGURATION, Desk
from tests.days import books

SECOND = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")
WEEK = frozenset({6, 0, 1, 2, 3})  # Sunday evening to Friday afternoon


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


class CoreOfOneSession:
    """What the desk asks of a core, with the numbers of one session and one timer."""

    def __init__(self, now: str, began: str) -> None:
        self.now = _ns(now)
        self.began = _ns(began)
        self.due = 0
        self.resets: list[str] = []
        self.connected = False

    def arm_timer(self, _timer: int, _strategy: int, deadline: int, _every: int) -> None:
        self.due = deadline

    def session_activity(self, _session: int) -> dict[str, Any]:
        return {"ts_numbers": self.began}

    def session_reset_numbers(self, _session: int) -> bool:
        if self.connected:
            return False
        self.began = self.now
        at = datetime.fromtimestamp(self.now / SECOND, UTC)
        self.resets.append(at.strftime("%a %m-%d %H:%M"))
        return True

    def end_day(self, _session: int) -> None:
        """No order is held."""

    def session_logon(self, _session: int) -> None:
        self.connected = True

    def session_logout(self, _session: int, _reason: str) -> None:
        self.connected = False


class FirmOfOneSession:
    """Counts it as open or closed."""

    def __init__(self) -> None:
        self.open = True

    def is_open(self, _number: int) -> bool:
        return self.open

    def set_open(self, _number: int, is_open: bool) -> None:
        self.open = is_open


def _run(core: CoreOfOneSession, hours: SessionHours, changes: int) -> list[str]:
    """A process that starts now, through so many openings and closings; when numbers began anew."""
    firm = cast("Firm", FirmOfOneSession())
    desk = SessionHoursDesk(cast("Core", core), ["s"], [hours], [True], firm, Effects())
    desk.handle(EpochBegun(1, core.now))
    core.connected = core.connected or hours.is_open(core.now)
    for _ in range(changes):
        core.now = core.due
        desk.handle(TimerFired(HOURS_TIMERS, core.now, core.now))
    return core.resets


def test_a_daily_session_begins_its_numbers_at_its_local_start_over_a_clock_change() -> None:
    """New York went to summer time on 9 March 2025: 18:00 was 23:00 UTC on Thursday, then 22:00."""
    daily = SessionHours(time(18), time(17), NEW_YORK, WEEK)
    core = CoreOfOneSession("2025-03-06T12:00", "2025-03-05T23:00")
    assert _run(core, daily, 6) == ["Thu 03-06 23:00", "Sun 03-09 22:00", "Mon 03-10 22:00"]


def test_midnight_is_no_start() -> None:
    """A session over midnight goes on in it, in its own zone and in UTC's."""
    night = SessionHours(time(20), time(4), ZoneInfo("UTC"), frozenset(range(7)))
    core = CoreOfOneSession("2025-07-01T21:00", "2025-07-01T20:00")
    assert _run(core, night, 4) == ["Wed 07-02 20:00", "Thu 07-03 20:00"]


def test_a_weekly_session_begins_its_numbers_once_a_week() -> None:
    weekly = SessionHours(time(17), time(17), NEW_YORK, WEEK)
    core = CoreOfOneSession("2025-07-02T12:00", "2025-06-29T21:00")
    assert _run(core, weekly, 4) == ["Sun 07-06 21:00", "Sun 07-13 21:00"]


@pytest.mark.parametrize(
    ("now", "began", "resets"),
    [
        pytest.param("2025-07-02T12:00", "2025-07-02T08:00", [], id="in the middle of its period"),
        pytest.param("2025-07-02T12:00", "2025-07-02T11:00", [], id="begun within it"),
        pytest.param(
            "2025-07-02T12:00", "2025-07-01T08:00", ["Wed 07-02 12:00"], id="not there at its start"
        ),
        pytest.param("2025-07-02T06:00", "2025-07-01T08:00", [], id="before it opens"),
    ],
)
def test_a_process_that_starts(now: str, began: str, resets: list[str]) -> None:
    hours = SessionHours(time(8), time(20), ZoneInfo("UTC"), frozenset(range(7)))
    assert _run(CoreOfOneSession(now, began), hours, 0) == resets


def test_at_start_needs_a_start() -> None:
    text = CONFIGURATION.format(folder="log", port=1)
    with pytest.raises(ConfigurationError, match=r"session\[0\].reset: \"at_start\" needs hours"):
        parse(text, "desk.toml", ['session.broker.reset="at_start"'])


def _clock(offset_s: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=offset_s)).strftime("%H:%M:%S")


def test_numbers_begin_at_one_at_the_start_and_the_day_replays(tmp_path: Path) -> None:
    hours = f'{{ start = "{_clock(6)}", end = "{_clock(3)}", days = ["mon", "tue", "wed", "thu",'
    hours += ' "fri", "sat", "sun"] }'
    policy = 'session.broker.reset="at_start"'
    desk = Desk(tmp_path, f"session.broker.hours={hours}", policy).logged_on()
    assert desk.ask("sessions.show", session="broker").next_sender_msg_seq_num > 1
    desk.until(lambda: desk.ask("sessions")[0].state == "down")
    began = desk.ask("sessions")[0].ts_numbers
    desk.venue.session = None  # the venue begins anew as well
    desk.until(lambda: bool(desk.ask("sessions")[0].event == "reconciliation: equal"))
    row = desk.ask("sessions")[0]
    assert row.ts_numbers > began
    assert desk.venue.session is not None
    desk._log.close()
    _, outcome = books.replayed(desk.log_folder)
    assert outcome.identical


def test_at_logon_both_sides_begin_at_one_each_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, 'session.broker.reset="at_logon"').logged_on()
    first = desk.ask("sessions")[0]
    for _ in range(2):
        _again(desk)
        row = desk.ask("sessions")[0]
        assert row.next_sender_msg_seq_num == first.next_sender_msg_seq_num
        assert row.next_target_msg_seq_num == first.next_target_msg_seq_num


def _again(desk: Desk) -> None:
    assert desk.command("sessions.logout", session="broker").status == 0
    desk.until(lambda: bool(desk.ask("sessions")[0].state == "down"))
    assert desk.command("sessions.logon", session="broker").status == 0
    desk.until(lambda: bool(desk.ask("status").armed))


def test_without_a_policy_numbers_go_on_over_a_logout(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on()
    before = desk.ask("sessions")[0]
    _again(desk)
    after = desk.ask("sessions")[0]
    assert after.next_sender_msg_seq_num > before.next_sender_msg_seq_num
    assert after.ts_numbers == before.ts_numbers


def test_a_reset_that_the_venue_makes_is_honoured() -> None:
    """ResetSeqNumFlag (141) in its Logon: both begin at 1, whatever our policy is."""
    config, symbols, now = FixSessionConfig(), FixSymbology(), _ns("2025-07-02T12:00")
    config.sender_comp_id, config.target_comp_id = "FIRM", "VENUE"
    session = FixSession(config, symbols, now, next_sender=40, next_target=50)
    session.connected(now)
    body = ("35=A|34=1|49=VENUE|52=20250702-12:00:00.000|56=FIRM|98=0|108=30|141=Y|").replace(
        "|", "\x01"
    )
    whole = f"8=FIX.4.4\x019={len(body)}\x01{body}"
    text = f"{whole}10={sum(whole.encode()) % 256:03d}\x01"
    session.received(now, 1, text.encode())
    assert session.logged_on
    states = [said for said in session.drain() if said[0] == "state"]
    assert states[-1][1:3] == (2, 2), "a Logon each was the first"
