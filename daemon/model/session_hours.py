"""When a session may be up: local times of day on days of the week, through every clock change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
NS_PER_MICROSECOND: Final = 1000
DAY_NS: Final = 24 * 3600 * 1_000_000_000
LOOK_AROUND_DAYS: Final = 9  # a week, and a day at either end


class SessionHours(msgspec.Struct, frozen=True):
    """Open from `start` to `end` in `zone`, on the days (0 is Monday) on which it starts.

    Where `end` is not after `start` it is that of the next day: 18:00 to 17:00 is 23 hours, and
    17:00 to 17:00 a whole day. A time that a clock change skips or repeats is its first instant.
    """

    start: time
    end: time
    zone: ZoneInfo
    days: frozenset[int]

    def is_open(self, now: int) -> bool:
        """Whether it is open at this time, in ns since 1970 UTC. It closes at its `end`."""
        return any(opens <= now < closes for opens, closes in self._around(now))

    def opened(self, now: int) -> int | None:
        """When the period began in which `now` is; None where it is closed, or always open."""
        for opens, closes in self._around(now):
            if opens <= now < closes:
                return opens if opens > now - (LOOK_AROUND_DAYS - 2) * DAY_NS else None
        return None

    def next_change(self, now: int) -> int | None:
        """When it opens or closes next, later than `now`; None where it is always open."""
        for opens, closes in self._around(now):
            if now < opens:
                return opens
            if now < closes:
                return closes if closes < self._horizon(now) else None
        return None

    def _around(self, now: int) -> Iterator[tuple[int, int]]:
        """The times it is open in the weeks around; what touches is one."""
        current: tuple[int, int] | None = None
        for opens, closes in self._days(now):
            if current is not None and opens <= current[1]:
                current = (current[0], closes)
                continue
            if current is not None:
                yield current
            current = (opens, closes)
        if current is not None:
            yield current

    def _days(self, now: int) -> Iterator[tuple[int, int]]:
        today = _utc(now).astimezone(self.zone).date()
        for offset in range(-LOOK_AROUND_DAYS, LOOK_AROUND_DAYS):
            day = today + timedelta(days=offset)
            if day.weekday() not in self.days:
                continue
            last = day if self.start < self.end else day + timedelta(days=1)
            yield self._at(day, self.start), self._at(last, self.end)

    def _at(self, day: date, when: time) -> int:
        local = datetime.combine(day, when, self.zone)
        return (local - EPOCH) // MICROSECOND * NS_PER_MICROSECOND

    def _horizon(self, now: int) -> int:
        return now + (LOOK_AROUND_DAYS - 2) * DAY_NS


def _utc(now: int) -> datetime:
    return EPOCH + timedelta(microseconds=now // NS_PER_MICROSECOND)
