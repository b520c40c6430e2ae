"""What leaves the daemon, and who may send: durability classes, the fence, lines on threads."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

from daemon.core import FeedEvent, SharedStatus
from daemon.log import Frame
from tests.days import books
from tests.days.day import Day, frames, pitwire


def _replays(day: Day) -> None:
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_day_on_threads_with_awaited_orders(tmp_path: Path) -> None:
    """Feed and session on threads of their own; no order leaves before the log has it on disk."""
    settings = {
        "feed.itch.placement": "thread",
        "session.broker.placement": "thread",
        "log.durability_orders": "awaited",
        "core.wait": "park",
        "core.pin_native": f"[{max(os.sched_getaffinity(0))}]",
    }
    with Day(tmp_path, settings) as day:
        day.until_ready()
        day.until("10 fills", lambda: day.status()["fills"] >= 10)
        tasks = Path(f"/proc/{day.status()['pid']}/task")
        names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
        native = sorted(name for name in names if name.startswith("pitwire-"))
        assert native == ["pitwire-fix0", "pitwire-kill", "pitwire-log", "pitwire-md0"]
        assert len(names) == len(native) + 1, "more than one thread of Python"
        assert _allowed(day, native[0]) == {max(os.sched_getaffinity(0))}
        assert _thread_map(day) == ["core", *native]
        day.kill()
        day.until_ready(2)
        day.until_trading()
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    _replays(day)


def _thread_map(day: Day) -> list[str]:
    """The threads that the daemon said when it was ready; native ones are pinned."""
    said = [each for each in map(json.loads, day.errors.splitlines()) if each["event"] == "thread"]
    mine = str(max(os.sched_getaffinity(0)))
    assert all(each["cores"] == mine for each in said[1:]), said
    assert {(each["policy"], each["priority"]) for each in said} == {("other", 0)}
    return [each["name"] for each in said]


def _allowed(day: Day, name: str) -> set[int]:
    tasks = Path(f"/proc/{day.status()['pid']}/task").iterdir()
    thread = next(task for task in tasks if (task / "comm").read_text().strip() == name)
    return os.sched_getaffinity(int(thread.name))


def test_who_is_fenced_sends_no_more_and_halts(tmp_path: Path) -> None:
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        SharedStatus.open(str(day.runtime / "status.page"), writable=True).acquire_fence()
        day.until("the firm is halted", lambda: day.status()["risk_state"] == "HALTED")
        assert day.status()["note"].startswith("fenced: ")
        assert "fenced: another process has taken the right to send" in day.errors
        ended = day.until_logged("FIX_CONNECTION", after=_last_connection(day))[-1]
        day.until_sequence(ended.sequence + 1000)  # feeds go on
        assert not [
            frame for frame in frames(day.log, "TX_WRITTEN") if frame.sequence > ended.sequence
        ]
        assert day.stop() == 1, day.errors
        assert "order not ended: ask the venue" in day.errors, "its cancels could not leave"
        # A start takes the fence over; trading waits for whoever looked into it.
        day.start()
        day.until_ready(2)
        day.done("resume", reason="the other one is gone")
        day.until_trading()
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    _replays(day)


def _last_connection(day: Day) -> int:
    return next(f.sequence for f in frames(day.log, "FIX_CONNECTION") if f.fields()["event"] == 0)


def test_a_feed_goes_on_where_the_log_ended(tmp_path: Path) -> None:
    """The gap of the night is asked for; no snapshot, and the books are the exchange's."""
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        day.kill()
        day.until_ready(2)
        day.until_trading()
        assert day.stop() == 0, day.errors
    second = frames(day.log, "EPOCH")[1].sequence
    events = [
        frame.fields()["event"]
        for frame in frames(day.log, "FEED_STATUS")
        if frame.sequence > second
    ]
    assert FeedEvent.GAP_FILLED in events
    assert not {FeedEvent.SNAPSHOT_BEGIN, FeedEvent.GAP_LOST} & set(events)
    packets = frames(day.log, "MARKET_DATAGRAM")
    before = [each for each in packets if each.sequence < second][-1]
    after = next(each for each in packets if each.sequence > second)
    session, first, count = _header(before)
    assert _header(after)[:2] == (session, first + count)
    books.assert_books_equal(day.log, day.trades)
    _replays(day)


def _header(packet: Frame) -> tuple[bytes, int, int]:
    """MoldUDP64's: session, sequence of the first message, count."""
    return struct.unpack(">10sQH", packet.tail[:20])
