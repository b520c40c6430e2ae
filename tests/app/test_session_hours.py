"""Session hours: in virtual time the calendar, on a clock of seconds a session that obeys it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from daemon.model import SessionHours
from tests.app.desk import Desk
from tests.days import books

NEW_YORK = ZoneInfo("America/New_York")
WEEKDAYS = frozenset(range(5))
SECOND = 1_000_000_000


def _ns(text: str) -> int:
    """Of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def _text(ns: int | None) -> str:
    assert ns is not None
    return datetime.fromtimestamp(ns / SECOND, UTC).strftime("%a %m-%d %H:%M")


def _changes(hours: SessionHours, start: str, count: int) -> list[str]:
    """What is open or closed from when on, as a daemon finds it by its timers."""
    now, found = _ns(start), []
    for _ in range(count):
        change = hours.next_change(now)
        assert change is not None
        assert change > now
        assert hours.is_open(change) != hours.is_open(now)
        assert hours.is_open(change - 1) == hours.is_open(now)
        now = change
        found.append(f"{_text(now)} {'opens' if hours.is_open(now) else 'closes'}")
    return found


def test_a_day_session_opens_and_closes_by_local_time_over_a_weekend_and_a_clock_change() -> None:
    """New York went to summer time on Sunday, 9 March 2025: 07:00 is 12:00 UTC, then 11:00."""
    hours = SessionHours(time(7), time(20), NEW_YORK, WEEKDAYS)
    assert _changes(hours, "2025-03-06T18:00", 5) == [
        "Fri 03-07 01:00 closes",
        "Fri 03-07 12:00 opens",
        "Sat 03-08 01:00 closes",
        "Mon 03-10 11:00 opens",
        "Tue 03-11 00:00 closes",
    ]


def test_an_end_before_the_start_is_the_next_days() -> None:
    """A futures session, from Sunday evening to Friday afternoon, with an hour of rest a day."""
    days = frozenset({6, 0, 1, 2, 3})
    hours = SessionHours(time(18), time(17), NEW_YORK, days)
    assert _changes(hours, "2025-07-04T12:00", 4) == [
        "Fri 07-04 21:00 closes",
        "Sun 07-06 22:00 opens",
        "Mon 07-07 21:00 closes",
        "Mon 07-07 22:00 opens",
    ]


def test_days_that_touch_are_one_session() -> None:
    always = SessionHours(time(17), time(17), NEW_YORK, frozenset(range(7)))
    assert always.is_open(_ns("2025-03-09T07:30"))
    assert always.next_change(_ns("2025-03-09T07:30")) is None
    week = SessionHours(time(0), time(0), ZoneInfo("UTC"), WEEKDAYS)
    assert _changes(week, "2025-07-02T12:00", 2) == [
        "Sat 07-05 00:00 closes",
        "Mon 07-07 00:00 opens",
    ]


@pytest.mark.parametrize("day", range(7))
def test_one_day_a_week_comes_back_every_week(day: int) -> None:
    hours = SessionHours(time(9), time(10), ZoneInfo("Asia/Tokyo"), frozenset({day}))
    opened = _changes(hours, "2024-12-31T23:00", 1)[0]
    assert opened.endswith("00:00 opens")
    now = hours.next_change(_ns("2024-12-31T23:00"))
    assert now is not None
    closes = hours.next_change(now)
    assert closes == now + 3600 * SECOND
    assert hours.next_change(closes) == now + 7 * 24 * 3600 * SECOND


def _clock(offset_s: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=offset_s)).strftime("%H:%M:%S")


def test_a_session_leaves_at_its_end_comes_back_at_its_beginning_and_replays(
    tmp_path: Path,
) -> None:
    hours = f'{{ start = "{_clock(5)}", end = "{_clock(3)}", days = ["mon", "tue", "wed", "thu",'
    hours += ' "fri", "sat", "sun"] }'
    desk = Desk(tmp_path, f"session.broker.hours={hours}").logged_on()

    def session() -> str:
        return str(desk.ask("sessions")[0].event)

    desk.until(lambda: session() == "outside its hours")
    desk.until(lambda: desk.ask("sessions")[0].state == "down")
    assert not desk.ask("status").armed
    assert desk.ask("status").note == "session broker is outside its hours"
    before = desk.ask("sessions")[0].next_sender_msg_seq_num
    desk.until(lambda: session() == "reconciliation: equal")
    row = desk.ask("sessions")[0]
    assert (row.state, desk.ask("status").armed) == ("logged_on", True)
    assert row.next_sender_msg_seq_num > before, "numbers go on"
    desk._log.close()
    _, outcome = books.replayed(desk.log_folder)
    assert outcome.identical
    assert outcome.outputs > 10


def test_a_start_outside_the_hours_is_ready_and_not_armed(tmp_path: Path) -> None:
    hours = f'{{ start = "{_clock(3600)}", end = "{_clock(7200)}", days = ["mon", "tue", "wed",'
    hours += ' "thu", "fri", "sat", "sun"] }'
    desk = Desk(tmp_path, f"session.broker.hours={hours}")
    desk.until(lambda: desk.ask("sessions")[0].event == "reconciliation: closed")
    for _ in range(20):
        desk.turn()
    assert desk.ask("sessions")[0].state == "down"
    assert not desk.ask("status").armed
    assert desk.venue.session is not None
    assert not desk.venue.session.logged_on
    assert desk.live.stats["fix_inputs"] == 0
