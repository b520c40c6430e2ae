"""What the daemon holds outlives it: killed, started again, under other code, by its own log."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

from daemon.model import CancelReason, OrderEvent
from tests.days import books
from tests.days.day import Day, frames, pitwire
from tests.orders.held_desk import call, submit

SCRIPTED: dict[str, object] = {
    "strategy.momentum.class": "tests.orders.scripted:Scripted",
    "strategy.momentum.parameters": '{ symbol = "BOLT" }',
    "session.broker.order_types": '["market", "limit"]',
    "risk.firm.price_collar_bps": 9000,
}


def _do(day: Day, *calls: dict[str, Any]) -> None:
    day.done("strategies.params", strategy="momentum", values={"calls": list(calls)})


def _held(day: Day) -> list[tuple[str, str, str]]:
    rows = day.done("orders")
    return sorted(
        (row["ord_type"], row["held"], row["order_qty"]) for row in rows if row["state"] == "HELD"
    )


def _best(day: Day) -> tuple[int, int]:
    """The touch of BOLT in price increments of 0.0001, once there is one."""

    def found() -> tuple[int, int] | None:
        (row,) = [row for row in day.done("market") if row["symbol"] == "BOLT"]
        if row["bid_px"] is None or row["ask_px"] is None or row["last_px"] is None:
            return None
        return int(Decimal(row["bid_px"]) * 10_000), int(Decimal(row["ask_px"]) * 10_000)

    return day.until("a touch and a trade of BOLT", found)


def _hold(day: Day) -> None:
    """A stop and a trailing stop far away, and a bracket whose entry rests far away."""
    bid, _ = _best(day)
    far = bid // 200 * 100  # half of it, on the tick table
    entry = submit("entry", "BUY", 5, far, time_in_force="GTC")
    _do(
        day,
        submit("stop", "SELL", 3, stop_px=far),
        submit("trail", "SELL", 4, trail_bps=5000),
        entry,
        submit("target", "SELL", 5, bid // 100 * 200, after="entry"),
        submit("protect", "SELL", 5, stop_px=far - 100, after="entry", ouo="target"),
    )
    day.until("what is held", lambda: len(_held(day)) == 4)


HELD = [
    ("LIMIT", "PARENT", "5"),
    ("STOP", "PARENT", "5"),
    ("STOP", "TRIGGER LAST_TRADE", "3"),
    ("TRAILING_STOP", "TRIGGER LAST_TRADE", "4"),
]


def test_what_is_held_outlives_a_kill_and_triggers_after_it(tmp_path: Path) -> None:
    with Day(tmp_path, SCRIPTED) as day:
        day.until_ready()
        _hold(day)
        assert _held(day) == HELD
        day.kill()
        day.until_ready(2)
        assert _held(day) == HELD
        bid, _ = _best(day)
        above = itertools.count(bid // 100 * 100 + 5000, 100)

        def sold() -> bool:  # the gate refuses while the feed fills its gap: asked again
            _do(day, call("replace", order="stop", stop_px=next(above)))
            return _filled(day, 3)

        day.until("the stop is filled", sold)
        _do(day, call("cancel", order="entry"))
        day.until("the bracket's children are gone", lambda: len(_held(day)) == 1)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_held_outlives_other_code_by_the_log_s_facts(tmp_path: Path) -> None:
    with Day(tmp_path, SCRIPTED) as day:
        day.until_ready()
        _hold(day)
        day.daemon.leave_down()
        day.kill()
        day.until("it is down", lambda: day.daemon.ended)
        day.start({"risk.firm.position_max": 10_000})
        day.until_ready(2)
        assert "strategies start anew" in day.errors
        assert _held(day) == HELD
        day.done("cancel-all", strategy="momentum")
        day.until("nothing is held", lambda: not _held(day))
        ended = [frame.fields()["event"] for frame in frames(day.log, "ORDER_HELD_ENDED")]
        assert ended == [OrderEvent.HELD_CANCELED] * 4
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_kill_cancels_what_is_held(tmp_path: Path) -> None:
    with Day(tmp_path, SCRIPTED) as day:
        day.until_ready()
        _hold(day)
        day.done("kill", reason="test")
        day.until("nothing is held", lambda: not _held(day))
        assert day.stop() == 0, day.errors
    ended = {frame.fields()["reason"] for frame in frames(day.log, "ORDER_HELD_ENDED")}
    # The bracket's children may go with their parent, as a list does.
    assert CancelReason.KILL in ended
    assert ended <= {CancelReason.KILL, CancelReason.CONTINGENCY}


def _filled(day: Day, qty: int) -> bool:
    """A held stop's market order was filled whole."""
    rows = day.done("orders", finished=True)
    flagged = [row for row in rows if "EMULATED" in row["flags"] and row["ord_type"] == "MARKET"]
    return [(row["state"], row["cum_qty"]) for row in flagged] == [("FILLED", str(qty))]
