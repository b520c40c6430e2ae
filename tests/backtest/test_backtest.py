"""A backtest is a function of captures, configuration and code, and its log is a day like any."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from daemon.app.backtesting import Backtest, Recording, Watch, in_process
from daemon.app.history import history_of
from daemon.app.replaying import ReplayRun
from daemon.core import FrameClass, RecordType
from daemon.log import LogReader
from daemon.model import WorkerStatus
from tests.backtest import market
from tests.backtest.recomputed import recomputed
from tools.backtest import Outcome, run_backtest
from tools.backtest.metrics import Metrics, Row, Total

LATENCY_NS = 500_000


class Run(msgspec.Struct):
    """The same backtest twice, each on a log of its own."""

    folder: Path
    markets: dict[str, market.Market]
    first: Outcome
    second: Outcome


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("backtest")
    markets = market.write_all(folder / "captures")
    captures = [each.path for each in markets.values()]
    configuration = market.configuration(folder)
    outcomes = [
        run_backtest(configuration, captures, folder / name) for name in ("first", "second")
    ]
    return Run(folder, markets, *outcomes)


def frames(log: Path) -> list[tuple[int, int, int, int, bytes]]:
    """All but the configuration, which names the log's folder."""
    return [
        (each.sequence, each.ts_core, each.type, each.frame_class, each.payload)
        for each in LogReader(log)
        if each.type != RecordType.EPOCH
    ]


def row(metrics: Metrics, strategy: str, symbol: str) -> Row:
    return next(r for r in metrics.rows if (r.strategy, r.symbol) == (strategy, symbol))


def total(metrics: Metrics, strategy: str) -> Total:
    return next(each for each in metrics.strategies if each.strategy == strategy)


# ------------------------------------------------------------------ determinism


def test_two_runs_differ_in_nothing_but_the_hosts_clock(run: Run) -> None:
    told = [msgspec.json.decode(each.metrics.to_json()) for each in (run.first, run.second)]
    assert told[0].pop("wall_clock") != told[1].pop("wall_clock")
    assert msgspec.json.encode(told[0]) == msgspec.json.encode(told[1])
    first = frames(run.first.log)
    assert first == frames(run.second.log)
    assert {FrameClass.INPUT, FrameClass.OUTPUT} <= {each[3] for each in first}


def test_its_log_replays_identically(run: Run) -> None:
    (part,) = history_of(run.first.log).parts
    outcome = ReplayRun.of_part(run.first.log, part).finish()
    assert outcome.identical
    assert outcome.turns == run.first.metrics.turns > 0


def test_every_time_in_the_log_is_the_captures(run: Run) -> None:
    times = [each[1] for each in frames(run.first.log)]
    assert times == sorted(times)
    assert times[0] == market.BEGIN == run.first.metrics.begin
    assert times[-1] <= run.first.metrics.end < market.BEGIN + 60_000_000_000


def test_sampling_more_often_changes_nothing_that_is_decided(run: Run) -> None:
    configuration = market.configuration(run.folder, "backtest.sample_ms=70")
    captures = [each.path for each in run.markets.values()]
    outcome = run_backtest(configuration, captures, run.folder / "sampled")
    assert frames(outcome.log) == frames(run.first.log)
    assert outcome.metrics.sampling.samples > 10 * run.first.metrics.sampling.samples


def broken(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    return (content[at : at + 1000] for at in range(0, len(content), 1000))


def test_where_the_captures_pieces_break_changes_nothing(run: Run) -> None:
    log = run.folder / "pieces"
    recordings = [
        Recording(name="", feed=0, pieces=broken(each.path), instrument=number)
        for number, each in enumerate(run.markets.values())
    ]
    backtest = Backtest(in_process(market.configuration(run.folder), log), recordings)
    try:
        begin, end = asyncio.run(backtest.run(Watch()))
    finally:
        backtest.close()
    assert (begin, end) == (run.first.metrics.begin, run.first.metrics.end)
    assert frames(log) == frames(run.first.log)


def test_a_log_of_many_segments_replays_identically(run: Run) -> None:
    configuration = market.configuration(run.folder, "log.segment_size_bytes=131072")
    captures = [each.path for each in run.markets.values()]
    outcome = run_backtest(configuration, captures, run.folder / "segments")
    assert len(list(outcome.log.glob("*.seg"))) > 5
    assert outcome.metrics.total == run.first.metrics.total
    (part,) = history_of(outcome.log).parts
    assert ReplayRun.of_part(outcome.log, part).finish().identical


# ------------------------------------------------------------------ what came of it


def test_money_equals_a_slow_recomputation_from_the_fills_in_the_log(run: Run) -> None:
    marks = {}
    for symbol, found in run.markets.items():
        increments = (found.bid / market.TICK, found.ask / market.TICK)
        below = int(increments[0]) + int(increments[1] - increments[0]) // 2
        marks[symbol] = below * market.TICK
    expected = recomputed(run.first.log, marks)
    traded = {(r.strategy, r.symbol): r for r in run.first.metrics.rows if r.fills}
    assert set(traded) == set(expected)
    assert len(traded) >= 4
    for key, found_row in traded.items():
        money = expected[key]
        assert found_row.fills == money.fills, key
        assert found_row.position == money.position, key
        assert found_row.bought - found_row.sold == money.position, key
        assert found_row.fees == money.fees, key
        assert found_row.turnover == money.turnover, key
        assert found_row.realised == money.realised, key
        assert found_row.unrealised == money.unrealised, key
        assert found_row.net == money.realised + money.unrealised - money.fees, key


def test_totals_are_the_sums_of_the_rows_at_the_configured_rates(run: Run) -> None:
    metrics = run.first.metrics
    rates = {"USDT": Decimal(1), "ETH": Decimal(2000)}
    net = sum(each.net * rates[each.currency] for each in metrics.rows)
    assert net == metrics.total.net_in_currency
    assert net == run.first.samples.equity[-1] * run.first.samples.unit
    inverse = row(metrics, "inverse", "INV")
    assert inverse.net_in_currency == inverse.net * 2000 != 0
    assert sum(each.net_in_currency for each in metrics.strategies) == net
    for field in ("orders", "denied", "fills", "cancels", "replaces"):
        of_all = sum(getattr(each, field) for each in metrics.rows)
        assert of_all == getattr(metrics.total, field), field


def test_drawdown_and_sharpe_are_of_the_samples(run: Run) -> None:
    samples, metrics = run.first.samples, run.first.metrics
    grid = [after - before for before, after in pairwise(samples.times)][:-1]
    assert set(grid) == {1_000_000_000}
    equity = [0, *samples.equity]
    deepest = max(max(equity[: at + 1]) - value for at, value in enumerate(equity))
    assert metrics.total.max_drawdown_in_currency == deepest * samples.unit > 0
    assert metrics.sampling.samples == len(samples.times) - 1
    changes = np.diff(np.array(samples.equity[:-1], float))
    yearly = changes.mean() / changes.std(ddof=1) * np.sqrt(365 * 86_400)
    assert metrics.total.sharpe == pytest.approx(yearly)


def test_ratios_of_a_strategy_that_traded(run: Run) -> None:
    maker = total(run.first.metrics, "maker")
    assert maker.fills > 0
    assert maker.fill_ratio is not None
    assert 0 < maker.fill_ratio <= 1
    assert maker.hit_ratio is not None
    assert 0 <= maker.hit_ratio <= 1
    assert 0 < maker.exposure.share < 1
    assert row(run.first.metrics, "maker", "AAA").passive_fills > 0


def test_every_book_agrees_with_the_captures_own_best_prices(run: Run) -> None:
    books = {each.symbol: each for each in run.first.metrics.books}
    assert set(books) == set(run.markets)
    for book in books.values():
        assert (book.state, book.compared, book.different) == ("LIVE", 400, 0)
        assert book.snapshots_wanted == 0
    assert run.first.metrics.messages == sum(each.messages for each in run.markets.values())


# ------------------------------------------------------------------ venue, workers, kernels


def test_orders_reach_the_venue_after_the_latency_and_reports_take_theirs(run: Run) -> None:
    submitted: dict[int, int] = {}
    first_report: dict[int, int] = {}
    for frame in LogReader(run.first.log, types=["ORDER_SUBMITTED", "EXECUTION"]):
        order = frame.fields()["cl_ord_id"]
        into = submitted if frame.name == "ORDER_SUBMITTED" else first_report
        into.setdefault(order, frame.ts_core)
    answered = set(submitted) & set(first_report)
    assert len(answered) > 20
    assert {first_report[each] - submitted[each] for each in answered} == {2 * LATENCY_NS}


def test_latency_is_configurable(run: Run) -> None:
    overrides = ("backtest.order_latency_us=20000", "backtest.report_latency_us=70000")
    configuration = market.configuration(run.folder, *overrides)
    captures = [each.path for each in run.markets.values()]
    outcome = run_backtest(configuration, captures, run.folder / "slow")
    (asked,) = [f.ts_core for f in LogReader(outcome.log, types=["POSITIONS_REQUESTED"])]
    (answered,) = [f.ts_core for f in LogReader(outcome.log, types=["POSITIONS_ANSWERED"])]
    assert answered - asked == 90_000_000
    assert outcome.metrics.total.net_in_currency != run.first.metrics.total.net_in_currency


def test_a_workers_answer_arrives_a_stated_time_after_the_question(run: Run) -> None:
    asked = {
        frame.fields()["request_id"]: frame.ts_core
        for frame in LogReader(run.first.log, types=["WORKER_REQUEST"])
    }
    answered = {}
    for frame in LogReader(run.first.log, types=["WORKER_RESULT"]):
        fields = frame.fields()
        assert fields["status"] == WorkerStatus.DONE
        answered[fields["request_id"]] = frame.ts_core
    assert len(answered) >= 5
    assert {answered[each] - asked[each] for each in answered} == {50_000_000}


def test_a_kernel_runs_in_it(run: Run) -> None:
    reasons = [
        msgspec.json.decode(frame.tail.rstrip(b"\0"))["reason"]
        for frame in LogReader(run.first.log, types=["KERNEL_STATE"])
    ]
    assert reasons == ["run", "stopped"]
    assert total(run.first.metrics, "pressure").fills > 0


def test_the_run_ends_as_a_day_does(run: Run) -> None:
    metrics = run.first.metrics
    assert metrics.ready
    assert metrics.orders_left == 0
    assert metrics.failed == []
    assert [(each.strategy, each.armed, each.reason) for each in metrics.risk] == [
        ("", False, "epoch 1 begins"),
        ("", True, "reconciled"),
        ("", False, "the captures are over"),
    ]
