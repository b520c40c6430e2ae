"""What an operator does to a trading daemon, over the sockets that `pitwire ctl` uses."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.core import DenyReason
from daemon.log import Frame, LogReader
from tests.days import books
from tests.days.day import Day, frames, pitwire
from tools.ctl.client import kill


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    """A day that trades; after the test its books and its replay are compared."""
    with Day(tmp_path) as running:
        running.until_ready()
        running.until_trading(3)
        yield running
        code = running.exit_code if running.exit_code is not None else running.stop()
        assert code == 0, running.errors
    books.assert_books_equal(running.log, running.trades)
    result = pitwire("replay", str(running.log))
    assert result.returncode == 0, result.stdout + result.stderr
    assert _commands_that_acted_before_they_were_logged(running.log) == []


def _commands_that_acted_before_they_were_logged(log: Path) -> list[int]:
    """Replies without their command before them, or a command whose author is not there."""
    asked: dict[int, Frame] = {}
    wrong = []
    for frame in frames(log, "OPERATOR", "OPERATOR_REPLY"):
        number = frame.fields()["command_id"]
        if frame.name == "OPERATOR":
            if (
                number in asked
                or frame.fields()["uid"] != os.getuid()
                or not _content(frame)["user"]
            ):
                wrong.append(frame.sequence)
            asked[number] = frame
        elif number not in asked:
            wrong.append(frame.sequence)
    return wrong


def _content(frame: Frame) -> dict[str, Any]:
    size = frame.fields()["size_bytes"]
    found: dict[str, Any] = msgspec.json.decode(frame.tail[:size])
    return found


def _command(log: Path, name: str) -> Frame:
    """The newest command of this name in the log."""
    return [frame for frame in frames(log, "OPERATOR") if _content(frame)["name"] == name][-1]


def _denials(log: Path, after: int) -> Counter[str]:
    denied = LogReader(log, types=["ORDER_DENIED"], committed=True, from_sequence=after + 1)
    return Counter(DenyReason(frame.fields()["reason"]).name for frame in denied)


def _sent_after(log: Path, after: int) -> int:
    types = ["ORDER_SUBMITTED", "REPLACE_REQUESTED"]
    return len(list(LogReader(log, types=types, committed=True, from_sequence=after + 1)))


def _strategies(day: Day) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in day.done("strategies")}


def _no_orders(day: Day) -> None:
    day.until("no working orders", lambda: day.status()["orders_working"] == 0)


def test_halt_cancels_and_denies_and_resume_trades_again(day: Day) -> None:
    halted = day.ctl("halt", "--reason", "odd prints")
    assert halted.returncode == 0, halted.stderr
    _no_orders(day)
    command = _command(day.log, "halt")
    assert command.fields()["pid"] != day.status()["pid"]
    assert _content(command)["arguments"]["reason"] == "odd prints"
    day.until("denied as HALTED", lambda: "HALTED" in _denials(day.log, command.sequence))
    assert _sent_after(day.log, command.sequence) == 0
    status = day.status()
    assert (status["risk_state"], status["note"]) == ("HALTED", "odd prints")

    before = day.status()["orders_submitted"]
    resumed = day.ctl("resume", "--reason", "prints explained")
    assert resumed.returncode == 0, resumed.stderr
    day.until_trading(before + 1)


def test_kill_denies_everything_until_it_is_cleared(day: Day) -> None:
    killed = kill(day.runtime / "kill.sock")
    assert killed["uid"] == os.getuid()
    _no_orders(day)
    word = day.until_logged("KILL")[0]
    assert word.fields()["uid"] == os.getuid()
    assert day.until_logged("MASS_CANCEL_REQUESTED", after=word.sequence)
    day.until(
        "the exchange has taken it",
        lambda: any(b"mass cancel taken" in each.tail for each in frames(day.log, "FIX_EVENT")),
    )
    day.until("denied as KILLED", lambda: "KILLED" in _denials(day.log, word.sequence))
    assert set(_denials(day.log, word.sequence)) == {"KILLED"}
    assert day.status()["killed"]

    assert day.ctl("resume").returncode == 0  # which is not enough
    resumed = _command(day.log, "resume").sequence
    day.until("still denied", lambda: "KILLED" in _denials(day.log, resumed))
    assert _sent_after(day.log, word.sequence) == 0

    before = day.status()["orders_submitted"]
    cleared = day.ctl("resume", "--clear-kill", "--reason", "it was a drill")
    assert cleared.returncode == 0, cleared.stderr
    day.until_trading(before + 1)
    assert not day.status()["killed"]
    assert len(frames(day.log, "KILL")) == 1


def test_a_kill_outlives_the_process_that_was_killed(day: Day) -> None:
    kill(day.runtime / "kill.sock")
    day.until_logged("KILL")
    day.kill()
    day.until_ready(2)
    epoch = frames(day.log, "EPOCH")[-1].sequence
    assert day.status()["killed"]
    assert _sent_after(day.log, epoch) == 0
    assert day.ctl("resume", "--clear-kill").returncode == 0
    day.until_trading()


def test_a_strategy_stops_alone_and_starts_again(day: Day) -> None:
    assert day.ctl("strategies", "stop", "maker", "--reason", "lunch").returncode == 0
    day.until("maker stopped", lambda: _strategies(day)["maker"]["status"] == "STOPPED")
    day.until("its orders cancelled", lambda: _strategies(day)["maker"]["orders_working"] == 0)
    stopped = _strategies(day)
    others = stopped["momentum"]["orders_submitted"]
    day.until(
        "momentum trades on",
        lambda: _strategies(day)["momentum"]["orders_submitted"] > others,
    )
    assert _strategies(day)["maker"]["orders_submitted"] == stopped["maker"]["orders_submitted"]
    assert day.ctl("strategies", "start", "maker").returncode == 0
    sent = stopped["maker"]["orders_submitted"]
    day.until("maker trades", lambda: _strategies(day)["maker"]["orders_submitted"] > sent)
    assert day.ctl("strategies", "stop", "nobody").returncode == 1


def test_a_limit_denies_the_first_order_over_it(day: Day) -> None:
    """momentum sends 7 lots of BOLT, pressure 50: 6 are allowed."""
    assert day.ctl("limits", "set", "instrument:BOLT", "quantity_max", "6").returncode == 0
    after = _command(day.log, "limits.set").sequence
    day.until("an order is denied", lambda: _denials(day.log, after)["QUANTITY_MAX"])
    denied = [each.fields() for each in frames(day.log, "ORDER_DENIED") if each.sequence > after]
    over = [each for each in denied if each["reason"] == DenyReason.QUANTITY_MAX]
    assert {(each["value"], each["limit"]) for each in over} <= {(7, 6), (50, 6)}
    rows = [each for each in day.done("limits.show") if each["name"] == "quantity_max"]
    assert "6" in {each["value"] for each in rows if "BOLT" in each["scope"]}
    reply = day.ctl("limits", "set", "firm", "no_such_limit", "6")
    assert reply.returncode == 1
    assert "no_such_limit" in reply.stderr


def test_shutdown_ends_the_process_with_nothing_working(day: Day) -> None:
    pid = day.status()["pid"]
    assert day.ctl("shutdown", "--reason", "the day is over").returncode == 0
    day.until("the process has ended", lambda: day.daemon.ended)
    assert day.stop() == 0, day.errors
    command = _command(day.log, "shutdown")
    assert _content(command)["arguments"] == {"reason": "the day is over"}
    assert _content(command)["role"] == "admin"
    assert command.fields()["pid"] not in (pid, os.getpid())
    run, outcome = books.replayed(day.log)
    assert outcome.identical
    assert run.wiring.core.orders_working == 0
    assert len(frames(day.log, "EPOCH")) == 1
