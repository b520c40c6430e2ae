"""The exchange's record of our trades has one that we never heard of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.days import books
from tests.days.day import Day, frames, pitwire

HEADING = "ts,symbol,match_number,cl_ord_id,exec_id,side,px,qty,fee,aggressor,session\n"
UNHEARD = "1767225600000000000,ACME,1,0000000000000001,Y-1,BUY,100.0000,7,0.00000000,1,PITWIRE\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A day whose exchange remembers a trade of yesterday's."""
    (tmp_path / "trades.csv").write_text(HEADING + UNHEARD)
    return tmp_path


def test_it_keeps_trading_off_until_an_operator_accepts_the_report(folder: Path) -> None:
    with Day(folder) as day:
        status = day.until_ready()
        assert not status["armed"]
        assert "differs, report 1" in status["note"]
        shown = day.ctl("reconciliation")
        assert ["broker", "position", "missing", "ACME", "0", "7"] in [
            line.split()[:6] for line in shown.stdout.splitlines()
        ], shown.stdout + shown.stderr

        day.done("reconcile")
        day.until("the second report", lambda: day.done("reconciliation")[0]["report"] == 2)
        assert day.done("reconciliation")[0]["state"] == "differs"
        assert day.status()["orders_submitted"] == 0

        accepted = day.ctl("reconcile", "--accept", "2", "--reason", "yesterday's")
        assert accepted.returncode == 0, accepted.stderr
        day.until_trading(3)
        firm = [row for row in day.done("positions") if row["symbol"] == "ACME"]
        strategies = sum(int(row["qty"]) for row in firm if row["strategy"])
        assert [int(row["qty"]) for row in firm if not row["strategy"]] == [strategies + 7]

        day.kill()
        day.until_ready(2)
        day.until_trading()
        assert day.status()["armed"], "what was accepted is in the log"
        assert day.stop() == 0, day.errors
    _check(day)


def _check(day: Day) -> None:
    theirs, ours = books.exchange_trades(day.trades), books.logged_trades(day.log)
    assert {trade.exec_id for trade in theirs} - {trade.exec_id for trade in ours} == {"Y-1"}
    (adjusted,) = frames(day.log, "POSITION_ADJUSTED")
    assert adjusted.fields()["change"] == 7
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
