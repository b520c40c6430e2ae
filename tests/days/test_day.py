"""A day from start to end: what it earned, what it replays to, and on how many threads."""

from __future__ import annotations

from decimal import Decimal

from daemon.core import SharedCountersReader
from tests.days import books
from tests.days.conftest import Traded
from tests.days.day import frames


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


def test_a_daemon_with_a_kernel_runs_it_and_never_loads_the_compiler(traded: Traded) -> None:
    """Its machine code is in the log and was called; numba's compiler is not in the process."""
    assert "memfd:pressure" in traded.mapped
    assert "llvmlite" not in traded.mapped
    (code,) = frames(traded.log, "KERNEL_CODE")
    name, _, content = code.tail.partition(b"\0")
    assert name == b"strategies.pressure:Pressure/pressure"
    assert content.startswith(b"\x7fELF")
    states = [frame.fields()["armed"] for frame in frames(traded.log, "KERNEL_STATE")]
    assert states == [1, 0], "it ran from the strategy's start to its end"
    run, _ = books.replayed(traded.log, frames(traded.log, "OPERATOR")[-1].sequence)
    ((*_, value),) = run.wiring.core.kernels(
        [each.name for each in run.wiring.configuration.strategy].index("pressure")
    )
    assert -1.0 <= value <= 1.0


def test_the_counters_page_says_what_the_core_did(traded: Traded) -> None:
    reader = SharedCountersReader(str(traded.log.parent / "run" / "counters.page"))
    counters, durations = dict(reader.counters()), dict(reader.histograms())
    assert counters["fix_inputs"] >= 30
    assert counters["market_inputs"] > 100
    assert durations["turn_ns"].count >= counters["turns"]
    assert durations["python_phase_ns"].count == len(frames(traded.log, "TURN_END"))
