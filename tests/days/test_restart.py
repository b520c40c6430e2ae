"""Stopped and started again on the same log."""

from __future__ import annotations

from pathlib import Path

from tests.days import books
from tests.days.day import Day, pitwire


def test_a_clean_stop_and_a_start_on_the_same_log_trades_on(tmp_path: Path) -> None:
    """The halt of a shutdown ends with the process that was shut down."""
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        assert day.stop() == 0, day.errors
        day.start()
        day.until_ready(2)
        day.until_trading()
        status = day.status()
        assert (status["risk_state"], status["armed"]) == ("ACTIVE", True)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_operators_halt_outlives_a_crash(tmp_path: Path) -> None:
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        day.done("halt", reason="odd prints")
        day.kill()
        _is_halted_until_resumed(day)
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_an_operators_halt_outlives_a_change_of_configuration(tmp_path: Path) -> None:
    """Strategies start anew then, the firm does not."""
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        day.done("halt", reason="odd prints")
        assert day.stop() == 0, day.errors
        day.start({"risk.firm.position_max": 10_000})
        _is_halted_until_resumed(day)
        assert "strategies start anew" in day.errors
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)


def _is_halted_until_resumed(day: Day) -> None:
    status = day.until_ready(2)
    assert (status["risk_state"], status["armed"]) == ("HALTED", False)
    day.done("resume", reason="prints explained")
    day.until_trading()


def test_a_shutdown_ends_with_the_process_that_died_in_it(tmp_path: Path) -> None:
    """Killed while it waits for the exchange to answer its cancels: the next one trades."""
    with Day(tmp_path) as day:
        day.until_ready()
        day.until_trading(3)
        day.until("a working order", lambda: day.status()["orders_working"] > 0)
        with day.exchange_silent():
            day.done("shutdown", reason="end of the day")
            day.until("cancels are out", lambda: day.until_logged("CANCEL_REQUESTED"))
            day.kill()
        day.until_ready(2)
        day.until_trading(3)
        assert day.status()["epoch"] == 2
        assert day.stop() == 0, day.errors
    books.assert_books_equal(day.log, day.trades)
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr
