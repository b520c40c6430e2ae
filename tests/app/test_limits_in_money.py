"""Limits in money are in the firm's currency: what is settled in another counts by its rate."""

from __future__ import annotations

from pathlib import Path

from daemon.log import LogReader
from daemon.model import DenyReason
from tests.app.desk import Desk

# The buyer wants 0.003 BTC at 100.1 USDT: 0.3003 USDT, which at this rate are 3.003 of the firm's.
TENFOLD = "risk.rates.USDT=10"


def _denials(desk: Desk) -> list[dict[str, int]]:
    frames = LogReader(desk.log_folder, types=["ORDER_DENIED"], committed=True)
    return [frame.fields() for frame in frames]


def test_an_orders_notional_counts_by_its_rate(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TENFOLD, "risk.firm.notional_max=3").logged_on().market()
    desk.until(lambda: desk.ask("status").orders_denied == 1)
    (denied,) = _denials(desk)
    assert denied["reason"] == DenyReason.NOTIONAL_MAX
    assert (denied["value"], denied["limit"]) == (3_003_000, 3_000_000)


def test_gross_notional_counts_by_its_rate(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TENFOLD, "risk.firm.gross_notional_max=3").logged_on().market()
    desk.until(lambda: desk.ask("status").orders_denied == 1)
    assert _denials(desk)[0]["reason"] == DenyReason.GROSS_NOTIONAL_MAX


def test_one_to_one_the_same_order_passes(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "risk.firm.notional_max=3").logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    assert _denials(desk) == []


def test_the_days_loss_is_the_sum_in_the_firms_currency(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TENFOLD).logged_on().market()
    desk.until(lambda: bool(desk.venue.orders))
    desk.report("F", "2", t31="100.1", t32="0.003", t14="0.003", t151="0", t851=1)
    desk.until(lambda: desk.ask("status").fills == 1)
    desk.update("BTCUSDT", 103, [["100.0", "7"]])
    # Valued at the mid, 100.0 in whole increments: 0.003 * 0.1 USDT lost, and a fee of 0.00003003.
    firm = desk.ask("risk").scopes[0]
    assert firm.daily_pnl in ("-0.003000", "-0.003300", "-0.003301")
