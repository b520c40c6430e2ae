"""`pitwire risk explain`: the checks of a logged order are those the gate made, with its inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from daemon.core import DenyReason, Side
from daemon.log import Frame, LogReader
from tests.app.desk import Desk
from tools.command import main
from tools.risk import ExplainError, explain


def requests_in(folder: Path) -> list[Frame]:
    types = ("ORDER_SUBMITTED", "ORDER_DENIED", "REPLACE_REQUESTED")
    return list(LogReader(folder, types=types, committed=True))


def ordered(folder: Path, *overrides: str) -> tuple[Path, int, str]:
    """A day on which the buyer asked once for 0.003 BTC: log, ClOrdID, the record's name."""
    desk = Desk(folder, *overrides).logged_on().market()
    desk.until(lambda: bool(requests_in(desk.log_folder)))
    # What happens later must not show: the price moves away and somebody halts the firm.
    desk.update("BTCUSDT", 103, [["100.0", "9"]])
    desk.command("halt")
    assert desk._log.wait_durable(desk._log.last_sequence)  # definitions are read up to there
    frame = requests_in(desk.log_folder)[0]
    return desk.log_folder, frame.fields()["cl_ord_id"], frame.name


def check_of(explained: dict[str, Any], reason: DenyReason) -> dict[str, Any]:
    return next(check for check in explained["checks"] if check["reason"] == reason.name)


def test_an_accepted_orders_checks_all_passed_with_the_inputs_of_that_moment(
    tmp_path: Path,
) -> None:
    folder, order, name = ordered(tmp_path)
    assert name == "ORDER_SUBMITTED"
    explained = explain(folder, order)
    assert not explained["denied"]
    assert all(check["passed"] for check in explained["checks"])
    assert len(explained["checks"]) > 20
    quantity = check_of(explained, DenyReason.QUANTITY_MAX)
    assert (quantity["value"], quantity["limit"], quantity["margin"]) == (3, 500, 497)
    assert quantity["scope"] == "instrument"
    working = check_of(explained, DenyReason.WORKING_ORDERS_MAX)
    assert (working["value"], working["limit"]) == (1, 10)  # itself, and nothing before it
    self_trade = check_of(explained, DenyReason.SELF_TRADE)
    assert explained["request"]["order_qty"] == 3
    assert explained["request"]["side"] == Side.BUY.name
    assert self_trade["inputs"]["price"] == 1001


def test_a_denied_order_shows_the_check_that_failed_and_by_how_much(tmp_path: Path) -> None:
    folder, order, name = ordered(tmp_path, "risk.instrument.BTC.quantity_max=0.002")
    assert name == "ORDER_DENIED"
    explained = explain(folder, order)
    assert explained["denied"]
    failed = [check for check in explained["checks"] if not check["passed"]]
    assert [check["reason"] for check in failed] == ["QUANTITY_MAX"]
    assert (failed[0]["value"], failed[0]["limit"], failed[0]["margin"]) == (3, 2, -1)


def requoted(folder: Path) -> tuple[Path, list[Frame]]:
    """Two orders from one handler, then a denied and an accepted replace: log and requests."""
    desk = Desk(folder, "strategy.buyer.class=tests.app.requoter:Requoter").logged_on().market()
    desk.until(lambda: len(desk.venue.orders) == 2)
    desk.report("0", "0")
    desk.until(lambda: len(requests_in(desk.log_folder)) == 4)
    return desk.log_folder, requests_in(desk.log_folder)


def test_requests_of_one_turn_see_those_before_them_and_not_those_after(tmp_path: Path) -> None:
    folder, requests = requoted(tmp_path)
    first, second = (explain(folder, frame.fields()["cl_ord_id"]) for frame in requests[:2])
    working = [check_of(each, DenyReason.WORKING_ORDERS_MAX)["value"] for each in (first, second)]
    assert working == [1, 2]
    assert [each["request"]["order_qty"] for each in (first, second)] == [3, 2]


def test_a_replace_is_explained_as_a_replace(tmp_path: Path) -> None:
    folder, requests = requoted(tmp_path)
    denied, replaced = requests[2:]
    assert (denied.name, replaced.name) == ("ORDER_DENIED", "REPLACE_REQUESTED")
    refused = explain(folder, denied.fields()["cl_ord_id"])
    quantity = check_of(refused, DenyReason.QUANTITY_MAX)
    assert (quantity["passed"], quantity["value"], quantity["margin"]) == (False, 501, -1)
    assert check_of(refused, DenyReason.UNKNOWN_ORDER)["passed"]
    accepted = explain(folder, replaced.fields()["cl_ord_id"])
    assert all(check["passed"] for check in accepted["checks"])
    # It takes the place of one of the two orders, and is not one more.
    assert check_of(accepted, DenyReason.QUANTITY_MAX)["value"] == 4
    assert check_of(accepted, DenyReason.WORKING_ORDERS_MAX)["value"] <= 2


def test_the_command_prints_a_table_or_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    folder, order, _ = ordered(tmp_path, "risk.instrument.BTC.quantity_max=0.002")
    table = {"risk": "tools.risk"}
    explained = explain(folder, order)
    capsys.readouterr()  # what the day itself said
    assert main(["risk", "explain", str(folder), f"{order:016x}", "--json"], table) == 0
    assert orjson.loads(capsys.readouterr().out) == explained
    assert main(["risk", "explain", str(folder), f"{order:X}"], table) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("NO")]
    assert "quantity" in line
    assert "-1" in line.split()


def test_an_unknown_order_is_exit_1_and_a_bad_id_or_folder_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, order, _ = ordered(tmp_path)
    table = {"risk": "tools.risk"}
    with pytest.raises(ExplainError, match="no order or replace"):
        explain(folder, order + 1000)
    assert main(["risk", "explain", str(folder), f"{order + 1000:x}"], table) == 1
    assert main(["risk", "explain", str(folder), "seven"], table) == 2
    assert main(["risk", "explain", str(tmp_path / "none"), "1"], table) == 2
    assert "no event log here" in capsys.readouterr().err


def test_a_request_of_ones_own_is_explained_as_the_gate_sees_it_now(tmp_path: Path) -> None:
    desk = Desk(tmp_path).market()
    checks = desk.live.core.explain_request(0, 0, 0, int(Side.BUY), 2, 0, 0, 1001, 0, 3)
    failed = [DenyReason(check["reason"]) for check in checks if not check["passed"]]
    assert DenyReason.SESSION_DOWN in failed
    assert DenyReason.QUANTITY_MAX not in failed
