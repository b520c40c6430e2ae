"""`pitwire bench`: its document, what counts as reached, and benches that do their work."""

from __future__ import annotations

from pathlib import Path

import msgspec
import orjson
import pytest

from daemon.model import RiskState
from daemon.runtime.events import NO_ID
from tools.bench import BENCHES, actors, books, fix, flow, measured, native, orders
from tools.bench.native import Native
from tools.bench.rows import ROOT, Row, percentile, row_of_runs, row_of_samples
from tools.command import main

TABLE = {"bench": "tools.bench"}


def row(**fields: object) -> Row:
    return msgspec.convert({"id": "P0", "name": "n", "unit": "ns", **fields}, Row)


# ------------------------------------------------------------------ rows


def test_the_value_is_the_median_of_the_runs() -> None:
    made = row_of_runs(row(), [5.0, 1.0, 3.0])
    assert (made.value, made.min, made.max, made.runs) == (3.0, 1.0, 5.0, 3)


def test_percentiles_are_over_the_samples_of_all_runs() -> None:
    made = row_of_samples(row(), [[1.0] * 99, [9.0] * 99, [2.0] * 99])
    assert (made.value, made.p50, made.p99, made.runs) == (2.0, 2.0, 9.0, 3)


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 2), (75, 3), (76, 4), (100, 4)])
def test_a_percentile_is_a_value_that_was_there(percent: float, expected: float) -> None:
    assert percentile([1, 2, 3, 4], percent) == expected


@pytest.mark.parametrize(
    ("fields", "reached"),
    [
        ({"value": 10, "goal": 10}, True),
        ({"value": 11, "goal": 10}, False),
        ({"value": 11, "goal": 10, "more_is_better": True}, True),
        ({"value": 9, "goal": 10, "more_is_better": True}, False),
        ({"value": 9}, None),
        ({"goal": 10, "skipped": "why"}, None),
        ({"value": 9, "goal": 10, "p99": 41, "goal_p99": 40}, False),
        ({"value": 9, "goal": 10, "p99": 60, "goal_p99": 40, "floor_p99": 20}, True),
        ({"value": 9, "goal": 10, "p99": 61, "goal_p99": 40, "floor_p99": 20}, False),
    ],
)
def test_a_tail_is_reached_within_three_times_the_machines_own(
    fields: dict[str, object], reached: bool | None
) -> None:
    assert row(**fields).reached is reached


# ------------------------------------------------------------------ native benchmarks

FAKE = """#!/bin/sh
echo '{"benchmarks": [
 {"run_name": "a", "run_type": "iteration", "items_per_second": 5e8, "tail": 30},
 {"run_name": "a", "run_type": "iteration", "items_per_second": 25e7, "tail": 20},
 {"run_name": "a", "run_type": "iteration", "items_per_second": 1e9, "tail": 10},
 {"run_name": "a", "run_type": "aggregate", "items_per_second": 1, "zeros": -nan},
 {"run_name": "b", "run_type": "iteration", "real_time": 3, "time_unit": "us"},
 {"run_name": "c", "run_type": "iteration", "error_occurred": true, "error_message": "denied"}]}'
"""


def test_rows_of_native_benchmarks_come_from_their_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pitwire_x_bench"
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setattr(native, "BINARIES", tmp_path)
    wanted = [
        Native(row(), "x", "a", p99="tail"),
        Native(row(), "x", "b", "time", 2),
        Native(row(), "x", "c"),
        Native(row(), "x", "d"),
    ]
    a, b, c, d = native.rows_of(wanted)
    assert (a.value, a.min, a.max, a.runs, a.p99) == (2.0, 1.0, 4.0, 3, 20.0)
    assert b.value == 1500.0
    assert c.skipped == "denied"
    assert d.skipped == "no benchmark d"


def test_a_binary_that_has_none_of_the_benchmarks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pitwire_x_bench"
    program.write_text("#!/bin/sh\necho 'Failed to match any benchmarks' >&2\n")
    program.chmod(0o755)
    monkeypatch.setattr(native, "BINARIES", tmp_path)
    (made,) = native.rows_of([Native(row(), "x", "a")])
    assert made.skipped == "no benchmark a"


def test_a_native_benchmark_that_is_not_built_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "BINARIES", tmp_path)
    for made in BENCHES["ring"]() + BENCHES["log"]() + BENCHES["risk"]():
        assert made.value is None
        assert made.skipped is not None
        assert "make bench" in made.skipped


@pytest.mark.parametrize(
    "wanted",
    [
        *native.RING,
        *native.LOG,
        *native.BOOK,
        *native.RISK,
        *native.CORE,
        *native.FIX,
        flow.ALONE,
    ],
)
def test_every_native_row_names_a_benchmark_of_the_source(wanted: Native) -> None:
    room = ROOT / "native" / "bench" / wanted.binary
    source = "".join(file.read_text() for file in room.glob("*.cpp"))
    assert wanted.benchmark.split("/")[0] in source
    count = wanted.benchmark.partition("iterations:")[2]
    assert not count or f"{int(count):,}".replace(",", "'") in source


# ------------------------------------------------------------------ benches in Python


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work, a few times."""
    monkeypatch.setattr(actors, "HOPS", 100)
    monkeypatch.setattr(books, "DELTAS", 2_000)
    for module in (orders, fix):
        monkeypatch.setattr(module, "RUNS", 2)
        monkeypatch.setattr(module, "ORDERS", 3)
        monkeypatch.setattr(module, "WARM_UP", 1)
    monkeypatch.setattr(flow, "PACKETS", 2)
    monkeypatch.setattr(flow, "WARM_UP", 1)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("actor", ["P8"]),
        ("order", ["P16", "P16", "P16"]),
        ("flow", ["P12", "P12", "P12"]),
        ("fix", ["P14", "P14", "P14", "P13"]),
        ("replay", ["P17", "P17"]),
    ],
)
def test_a_bench_fills_its_rows(name: str, ids: list[str]) -> None:
    document = measured([name])
    assert [made.id for made in document["rows"]] == ids
    for made in document["rows"]:
        if made.skipped is not None:
            # Of the C++ benchmarks, which `make test` does not build.
            assert made.skipped.startswith("not built: make bench")
            continue
        assert made.value is not None
        assert made.min <= made.value <= made.max
        assert made.runs >= 2
    assert {"cpu", "cores", "kernel", "python"} <= set(document["machine"])


@pytest.mark.usefixtures("brief")
def test_books_are_measured_in_batches_and_singly() -> None:
    assert [made.name for made in books.rows()] == [
        "L2 from Python, batches of 20",
        "L2 from Python, batches of 1,000",
        "L2 from Python, singly",
        "L3 from Python, batches of 20",
        "L3 from Python, batches of 1,000",
    ]


@pytest.mark.usefixtures("brief")
def test_a_lane_whose_log_lacks_an_order_is_an_error(tmp_path: Path) -> None:
    lane = orders.Lane(tmp_path, "Ruler")
    assert lane.order_ns(native=True) > 0
    with pytest.raises(RuntimeError, match="1 ORDER_SUBMITTED in the log, expected 2"):
        lane.close(2)


def test_an_order_that_was_denied_is_no_figure(tmp_path: Path) -> None:
    day = flow.Flow(tmp_path, "Crosser")
    day.live.core.set_risk_state(NO_ID, int(RiskState.HALTED), True, "")
    day.orders_per_second(1)
    with pytest.raises(RuntimeError, match=r"of 20 orders 0 were submitted.*denied: \[2\]"):
        day.close()


# ------------------------------------------------------------------ the command


@pytest.mark.usefixtures("brief")
def test_the_document_is_written_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "bench.json"
    assert main(["bench", "actor", "--json", "--out", str(out)], TABLE) == 0
    document = orjson.loads(out.read_bytes())
    assert orjson.loads(capsys.readouterr().out) == document
    assert set(document) == {"machine", "commit", "rows"}
    assert {"id", "name", "unit", "value", "min", "max", "runs", "floor", "goal"} <= set(
        document["rows"][0]
    )
    assert main(["bench", "actor", "--out", str(out)], TABLE) == 0
    assert "actor to actor" in capsys.readouterr().out


def test_an_unknown_benchmark_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "speed", "--out", str(tmp_path / "x.json")], TABLE) == 2
    assert "there are: ring, log" in capsys.readouterr().err
