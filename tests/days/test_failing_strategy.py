"""A strategy whose handler raises ends alone."""

from __future__ import annotations

from pathlib import Path

from daemon.model import CancelReason
from tests.days import books
from tests.days.day import Day, frames, pitwire

# Two orders that rest far from the market, and at the fiftieth update after the second an error,
# with an order asked for in the same call.
BAD = '''\
from daemon.messages import BookUpdate, OrderUpdate
from daemon.model import Side
from daemon.strategy import Parameters, State, Strategy


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


class Memory(State):
    """What it has seen."""

    sent: int = 0
    updates: int = 0


class Bad(Strategy[Nothing, Memory]):
    """Fails with two orders working."""

    def on_start(self) -> None:
        self.context.subscribe("CRUX")

    def on_book(self, update: BookUpdate) -> None:
        far = self.context.book("CRUX").bid_px - 1_000
        far -= far % self.context.instrument("CRUX").tick_at(far)
        if self.state.sent < 2:
            self.state.sent += 1
            self.context.submit("CRUX", Side.BUY, 1, far)
        self.state.updates += 1
        if self.state.updates == 50:
            self.context.submit("CRUX", Side.BUY, 1, far)
            raise ZeroDivisionError("the fiftieth update")
'''
STRATEGY = 2  # pair's place


def test_a_failing_strategy_is_stopped_alone_and_its_orders_cancelled(tmp_path: Path) -> None:
    (tmp_path / "bad_strategy.py").write_text(BAD)
    settings = {
        "strategy.pair.class": "bad_strategy:Bad",
        "strategy.pair.instruments": '["CRUX"]',
        "strategy.pair.parameters": "{}",
    }
    with Day(tmp_path, settings, python_path=tmp_path) as day:
        day.until_ready()

        def failed() -> str | None:
            rows = {each["name"]: each for each in day.done("strategies")}
            row = rows["pair"]
            gone = row["status"] == "FAILED" and row["orders_working"] == 0
            return str(row["reason"]) if gone else None

        reason = day.until("the strategy has failed and its orders are cancelled", failed)
        assert reason == "ZeroDivisionError: the fiftieth update"
        before = day.status()["orders_submitted"]
        day.until_trading(before + 5)
        running = {each["name"]: each["status"] for each in day.done("strategies")}
        assert running.pop("pair") == "FAILED"
        assert set(running.values()) == {"RUNNING"}
        assert day.status()["risk_state"] == "ACTIVE"
        assert day.ctl("strategies", "start", "pair").returncode == 0
        day.until("it runs and fails again", lambda: _failures(day.log) >= 2)
        assert day.stop() == 0, day.errors
    _check(day)


def _failures(log: Path) -> int:
    states = [frame.fields() for frame in frames(log, "STRATEGY_STATE")]
    return sum(each["strategy"] == STRATEGY and each["status"] == 2 for each in states)


def _check(day: Day) -> None:
    """What the failing call asked for is not in the log; what worked was cancelled for it."""
    own = [
        frame.fields()
        for frame in frames(day.log, "ORDER_SUBMITTED", "ORDER_DENIED", "CANCEL_REQUESTED")
        if frame.fields()["strategy"] == STRATEGY
    ]
    sent = {each["cl_ord_id"] for each in own if "tag" in each}
    cancelled = {each["order"] for each in own if "tag" not in each}
    assert len(sent) == 4  # two by each run
    assert cancelled == sent
    reasons = {each["reason"] for each in own if "tag" not in each}
    assert reasons == {int(CancelReason.STRATEGY_FAILED)}
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
