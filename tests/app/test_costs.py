"""What turns and handlers cost goes into the log, as observations at a bounded rate."""

from __future__ import annotations

from pathlib import Path

import structlog

from daemon.log import Frame, LogReader
from tests.app.desk import Desk


def _frames(desk: Desk, *types: str) -> list[Frame]:
    return list(LogReader(desk.log_folder, types=types, committed=True))


def test_costs_are_logged_once_for_what_ran_since(tmp_path: Path) -> None:
    desk = Desk(tmp_path).logged_on().market()
    phases = desk.reports.turns.python.count
    desk.reports.log_costs()
    desk.reports.log_costs()  # nothing ran in between: nothing is written
    (turn,) = _frames(desk, "TURN_COST")
    assert turn.frame_class == 3
    cost = turn.fields()
    assert cost["turns"] == phases
    assert cost["native_ns"] > 0
    assert 0 < cost["python_ns_max"] <= cost["python_ns"]
    assert cost["mailbox_depth_max"] > 0
    assert cost["inbox_depth_max"] > 0
    handlers = {f.fields()["strategy"]: f.fields() for f in _frames(desk, "HANDLER_COST")}
    for row, number in zip(desk.ask("strategies"), (0, 1), strict=True):
        assert handlers[number]["calls"] == row.calls > 0
        assert 0 < handlers[number]["max_ns"] <= handlers[number]["total_ns"]
        assert handlers[number]["over_budget"] == 0
    desk.update("BTCUSDT", 103, [["100.0", "7"]])
    desk.reports.log_costs()
    assert _frames(desk, "TURN_COST")[-1].fields()["turns"] == 1
    (buyer,) = (f.fields() for f in _frames(desk, "HANDLER_COST")[2:])
    assert (buyer["strategy"], buyer["calls"]) == (0, 1)


def test_a_handler_over_its_budget_is_warned_of_with_its_name_and_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "core.handler_budget_ns=1").logged_on().market()
    with structlog.testing.capture_logs() as said:
        desk.reports.log_costs()
        desk.reports.log_costs()
    warnings = [each for each in said if each["event"] == "handlers over their budget"]
    assert [each["strategy"] for each in warnings] == ["buyer", "other"]
    for warning, frame in zip(warnings, _frames(desk, "HANDLER_COST"), strict=True):
        assert warning["log_level"] == "warning"
        assert warning["over_budget"] == frame.fields()["over_budget"] == frame.fields()["calls"]
        assert warning["longest_us"] == frame.fields()["max_ns"] // 1000
    assert [each.over_budget for each in desk.ask("strategies")] == [
        each["over_budget"] for each in warnings
    ]
