"""A day from start to end: what it earned, what it replays to, and on how many threads."""

from __future__ import annotations

from decimal import Decimal

from tests.days import books
from tests.days.conftest import Traded


def test_a_day_ends_cleanly_and_its_books_equal_the_exchanges(traded: Traded) -> None:
    assert traded.exit_code == 0, traded.errors
    assert len(books.exchange_trades(traded.trades)) >= 30
    books.assert_books_equal(traded.log, traded.trades)


def test_the_cores_own_accounts_equal_the_exchanges_record(traded: Traded) -> None:
    run, outcome = books.replayed(traded.log)
    assert outcome.identical
    theirs = books.totals(books.exchange_trades(traded.trades))
    for symbol, (number, instrument) in run.wiring.instruments.items():
        strategies = range(len(run.wiring.hosts))
        held = [run.wiring.core.position(each, number) for each in strategies]
        scale = instrument.money_scale
        total = theirs.get(symbol, books.Total(Decimal(0), Decimal(0), Decimal(0)))
        assert sum(each.net_qty for each in held) * instrument.qty_increment == total.position
        assert Decimal(sum(each.fees for each in held)).scaleb(-scale) == total.fees
        if all(each.net_qty == 0 for each in held):  # then all that was earned is realised
            assert Decimal(sum(each.realised_pnl for each in held)).scaleb(-scale) == total.cash


def test_one_python_thread_and_two_native_ones(traded: Traded) -> None:
    """The interpreter has one; what makes the log durable and the kill socket have one each."""
    python, *native = sorted(traded.threads, key=lambda name: name.startswith("pitwire-"))
    assert not python.startswith("pitwire-")
    assert native == ["pitwire-kill", "pitwire-log"]
