"""`pitwire bench load`: sender, exchange and daemon for a second; what is lost, what is held."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tools.bench import load, load_orders, load_search, quickfix_venue
from tools.bench.load_log import answers_of, datagrams_of, intended_ns, orders_of, records_of
from tools.bench.load_run import SENDER, Load, Ran, Sent, cores, not_as_sent, ran
from tools.bench.load_search import PARTS, Trial, bracket, searched
from tools.command import main

SENT = Sent(
    start_ns=1_000,
    interval_ns=10,
    messages=50,
    datagrams=5,
    marks=2,
    messages_per_datagram=10,
    bytes=1,
    triggers=1,
    lateness_ns_p50=0,
    lateness_ns_p99=0,
    lateness_ns_max=0,
    endings=[("AAAA", 10_001, 5, 10_002, 0)],
)
FEED = {"packets": 7, "dropped_by_kernel": 0, "gaps": 0, "lost": 0, "malformed": 0}
BOOK = {"symbol": "AAAA", "bid_px": "100.01", "bid_qty": "5", "ask_px": "100.02", "ask_qty": None}


@pytest.fixture
def _sender() -> None:
    """`make test` builds it; who builds one target may not have it."""
    if not SENDER.exists() and not os.environ.get("CI"):
        pytest.skip("pitwire_load is not built")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")


# ------------------------------------------------------------------ whole runs


@pytest.mark.usefixtures("_sender")
def test_a_native_rule_orders_at_each_trigger_and_nothing_is_lost() -> None:
    run_as = Load(rate=2_000, seconds=1, symbols=10, toggle_every=50, trader="Native")
    with ran(run_as) as run:
        assert run.lost == ""
        assert (run.sent.messages, run.sent.datagrams, run.sent.triggers) == (2_000, 2_000, 20)
        orders = orders_of(run)
        assert len(orders.ts_sent) == 20
        assert (orders.intended < orders.ts_sent).all()
        assert (orders.ts_core <= orders.ts_sent).all()
        # The first toggle is message 50, every other one a trigger.
        expected = run.sent.start_ns + np.arange(49, 2_000, 100) * run.sent.interval_ns
        assert orders.intended.tolist() == expected.tolist()


@pytest.mark.usefixtures("_sender")
def test_python_decides_in_the_middle_of_a_datagram_beside_those_that_watch() -> None:
    run_as = Load(
        rate=4_000,
        seconds=1,
        per_datagram=20,
        symbols=10,
        toggle_every=50,
        trader="Decider",
        watchers=3,
    )
    with ran(run_as) as run:
        assert run.lost == ""
        assert len(orders_of(run).ts_sent) == run.sent.triggers == 40
        assert len(datagrams_of(run.log).first) == run.sent.datagrams == 200
        for report in run.reports:
            when, age = np.fromfile(report, np.int64).reshape(-1, 2).T
            assert len(when) > 0
            # Time of day and host's clock are one: an age is what has passed since it was due.
            assert ((age > 0) & (age < 10**10)).all()
        assert main(["replay", str(run.log)], {"replay": "tools.replay"}) == 0


@pytest.mark.usefixtures("_sender")
def test_a_trial_has_wakes_and_ages_of_every_strategy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load, "WARM_UP_NS", 100_000_000)
    monkeypatch.setattr(load, "LATE_NS_MAX", 10**12)  # whatever else runs beside the tests
    monkeypatch.setattr(load, "WAKES_PER_SECOND_MIN", 1)
    trial = load.tried(Load(rate=2_000, seconds=1, symbols=2, watchers=2))
    assert trial.refused == ""
    assert 0 < sum(trial.wakes_per_second) <= PARTS * 2_000
    assert min(trial.samples_us) > 0


@pytest.mark.usefixtures("_sender")
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--port", "1"], "--rate: expected"),
        (["--prot", "1"], "unknown option --prot"),
        (["--port", "x"], "--port: expected a whole number, found x"),
        (["--port"], "an option has no value"),
    ],
)
def test_the_sender_refuses_what_it_does_not_understand(options: list[str], reason: str) -> None:
    done = subprocess.run([SENDER, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert reason in done.stderr


@pytest.mark.usefixtures("_sender")
def test_a_schedule_of_orders_is_kept_and_every_one_is_answered() -> None:
    run_as = Load(
        rate=1_000,
        seconds=2,
        symbols=2,
        toggle_every=5,
        trader="Submitter",
        orders_per_second=200,
        orders=100,
    )
    with ran(run_as) as run:
        assert run.lost == ""
        answers = answers_of(run, 100, 200)
        assert (np.diff(answers.due) == 5_000_000).all()
        assert (answers.due <= answers.ts_logged).all()
        assert (answers.ts_logged < answers.ts_answered).all()
        with pytest.raises(ValueError, match="100 orders submitted and 0 denied of 101"):
            answers_of(run, 101, 200)


@pytest.mark.usefixtures("_sender")
def test_an_echo_between_two_processes_takes_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_orders, "ECHOES", 5)
    before = os.sched_getaffinity(0)
    assert 1 < load_orders.echo_us() < 1e6
    assert os.sched_getaffinity(0) == before


# ------------------------------------------------------------------ what counts


@pytest.mark.parametrize(
    ("feed", "book", "reason"),
    [
        ({}, {}, ""),
        ({"dropped_by_kernel": 3}, {}, "dropped by kernel: 3"),
        ({"gaps": 1}, {}, "gaps: 1"),
        ({"lost": 1}, {}, "lost: 1"),
        ({"malformed": 2}, {}, "malformed: 2"),
        ({"packets": 6}, {}, "6 datagrams arrived of 7"),
        ({}, {"bid_px": "100.00"}, "books that end with another touch: AAAA"),
        ({}, {"bid_qty": "4"}, "books that end with another touch: AAAA"),
        ({}, {"ask_qty": "1"}, "books that end with another touch: AAAA"),
    ],
)
def test_whatever_is_not_as_it_was_sent_is_said(
    feed: dict[str, int], book: dict[str, Any], reason: str
) -> None:
    assert not_as_sent(SENT, FEED | feed, [BOOK | book]) == reason


def test_a_datagrams_intended_time_follows_from_its_first_message() -> None:
    assert intended_ns(SENT, np.array([1, 11, 41])).tolist() == [1_000, 1_010, 1_040]


@pytest.mark.parametrize(
    ("lost", "late_ns", "wakes", "reason"),
    [
        ("", 0, [999.0, 1_001.0], ""),
        ("gaps: 1", 0, [5_000.0], "gaps: 1"),
        ("", 50_000_001, [5_000.0], "the sender was 50 ms late at p99"),
        ("", 0, [998.0, 1_001.0], "a strategy was woken 999.5 times/s only"),
    ],
)
def test_a_rate_is_held_where_all_arrived_in_time_and_everybody_was_woken(
    tmp_path: Path, lost: str, late_ns: int, wakes: list[float], reason: str
) -> None:
    sent = msgspec.structs.replace(SENT, lateness_ns_p99=late_ns)
    assert load.not_held(Ran(sent=sent, lost=lost, log=tmp_path, reports=[]), wakes) == reason


def holding_below(limit: int) -> Callable[[int], Trial]:
    return lambda rate: Trial(rate, "" if rate < limit else "gaps: 1")


@pytest.mark.parametrize(
    ("limit", "rates", "found"),
    [
        (10**9, [1_000, 2_000, 4_000], (4_000, 0)),  # more than is looked for
        (3_000, [1_000, 2_000, 4_000, 3_000, 2_500], (2_500, 3_000)),
        (900, [1_000, 500, 750, 875], (875, 1_000)),
        (1, [1_000, 500, 250, 125, 62], (0, 62)),
    ],
)
def test_the_highest_rate_is_found_by_doubling_or_halving_and_then_between(
    limit: int, rates: list[int], found: tuple[int, int]
) -> None:
    trials = searched(1_000, holding_below(limit))
    assert [each.rate for each in trials] == rates
    assert bracket(trials) == found


def test_a_rate_above_one_that_did_not_hold_does_not_count() -> None:
    trials = [Trial(1, ""), Trial(2, "gaps: 1"), Trial(3, "")]
    assert bracket(trials) == (1, 2)


def test_the_rows_of_a_search_say_the_rate_and_what_was_seen() -> None:
    def trial(base: Load) -> Trial:
        held = holding_below(3_000)(base.rate)
        return msgspec.structs.replace(
            held, samples_us=[1.0] * 99 + [5.0], wakes_per_second=[1_500.0, 1_700.0, 1_600.0]
        )

    rate, ages, wakes = load.ingest_rows(20, 1_000, trial)
    assert (rate.value, rate.low, rate.high, rate.runs) == (2.5, 2.5, 3.0, 5)
    assert rate.reached is True
    assert (ages.p50, ages.max) == (1.0, 5.0)
    assert (wakes.value, wakes.low) == (1_600.0, 1_500.0)


def test_the_times_of_orders_are_of_the_highest_rate_that_held() -> None:
    def trial(base: Load) -> Trial:
        rate = base.orders_per_second
        assert base.orders == rate * load_orders.BUSY_SECONDS
        held = holding_below(25_000)(rate)
        return msgspec.structs.replace(held, samples_us=[float(rate)] * PARTS)

    rate, times = load_orders.busy_rows(trial)
    assert (rate.value, rate.high) == (20.0, 25.0)
    assert rate.reached is False
    assert times.value == 20_000.0


def test_rows_of_a_rate_that_never_held_say_why() -> None:
    for made in load.ingest_rows(1, 1_000, lambda base: holding_below(0)(base.rate)):
        assert made.value is None
        assert made.skipped == "gaps: 1"


def test_without_the_sender_rows_say_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "SENDER", tmp_path / "none")
    assert {made.id for made in load.rows()} == {"P11", "P13", "P15"}
    for made in load.rows():
        assert made.skipped is not None
        assert "make bench" in made.skipped


@pytest.mark.usefixtures("_sender")
def test_a_lane_fills_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_UP_NS", 100_000_000)
    lane = load.LANES[0]
    small = msgspec.structs.replace(lane.load, rate=2_000, seconds=1, toggle_every=50)
    made = load.tick_row(msgspec.structs.replace(lane, load=small))
    assert made.skipped is None
    least, middle, tail, most = (made.min or 0, made.p50 or 0, made.p99 or 0, made.max or 0)
    assert 0 < least <= middle <= tail <= most
    assert made.runs == PARTS
    assert made.floor_p99 is not None


@pytest.mark.deep
@pytest.mark.alone
@pytest.mark.usefixtures("_sender")
def test_every_row_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole bench, at rates that a busy machine holds."""
    monkeypatch.setattr(load, "WARM_UP_NS", 100_000_000)
    monkeypatch.setattr(load, "WAKES_PER_SECOND_MIN", 1)
    monkeypatch.setattr(load, "INGEST", ((1, 2_000), (20, 4_000)))
    monkeypatch.setattr(load, "INGEST_SECONDS", 1)
    monkeypatch.setattr(load_search, "DOUBLINGS_MAX", 0)
    monkeypatch.setattr(load, "LATE_NS_MAX", 10**12)
    monkeypatch.setattr(load_orders, "LATE_NS_MAX", 10**12)
    monkeypatch.setattr(load_orders, "CALM_PER_SECOND", 50)
    monkeypatch.setattr(load_orders, "CALM_SECONDS", 2)
    monkeypatch.setattr(load_orders, "BUSY_PER_SECOND", 100)
    small = {"rate": 2_000, "seconds": 1, "toggle_every": 50}
    lanes = [
        msgspec.structs.replace(lane, load=msgspec.structs.replace(lane.load, **small))
        for lane in load.LANES
    ]
    monkeypatch.setattr(load, "LANES", lanes)
    monkeypatch.setattr(load_orders, "quickfix_rows", list)  # tested above
    rows = load.rows()
    assert [made.skipped for made in rows] == [None] * len(rows)
    assert [made.id for made in rows] == ["P15"] * 4 + ["P11"] * 6 + ["P13"] * 4
    assert len({(made.id, made.name) for made in rows}) == len(rows)


# ------------------------------------------------------------------ QuickFIX


@pytest.fixture
def _quickfix() -> None:
    """Of `make bench` alone: its sockets take a minute to compile."""
    if not quickfix_venue.ACCEPTOR.exists() or not quickfix_venue.INITIATOR.exists():
        pytest.skip("quickfix_acceptor and quickfix_initiator are not built")


@pytest.mark.usefixtures("_sender", "_quickfix")
def test_a_stock_quickfix_acceptor_fills_what_the_daemon_sends() -> None:
    run_as = Load(
        rate=1_000,
        seconds=2,
        symbols=2,
        toggle_every=5,
        trader="Submitter",
        orders_per_second=100,
        orders=50,
        venue="quickfix",
    )
    with ran(run_as) as run:
        answers = answers_of(run, 50, 100)
        assert (answers.ts_answered > answers.ts_logged).all()
        assert len(records_of(run.log, "FILL")) == 50


@pytest.mark.usefixtures("_sender", "_quickfix")
def test_a_stock_quickfix_initiator_is_answered_in_order_of_time() -> None:
    times = quickfix_venue.peer_times(50, 1_000, cores())
    assert times.shape == (50, 3)
    assert (times[:, 0] <= times[:, 1]).all()
    assert (times[:, 1] < times[:, 2]).all()


def test_without_quickfix_its_rows_say_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_orders, "ACCEPTOR", tmp_path / "none")
    (row,) = load_orders.quickfix_rows()
    assert row.id == "P13"
    assert row.skipped is not None
    assert "make bench" in row.skipped
