"""`pitwire bench --peers`: laps in turn, a peer's figure in the row, why there is none."""

from __future__ import annotations

import importlib.metadata
import io
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from tools.bench import (
    BENCHES,
    beside,
    books,
    flow,
    native,
    orders,
    pairs,
    peer,
    peer_inputs,
    table,
)
from tools.bench.beside import Group, Pair, Rival, merged, with_peers
from tools.bench.native import Native
from tools.bench.peer import PeerError, Script, prepared
from tools.bench.peers.itch import ADD, REDUCE, REMOVE, Change, Levels, Orders
from tools.bench.rows import ROOT, Peer, Row, row_of_runs, runs

FAKE = "tests.project.fake_peer"
VERSION = importlib.metadata.version("msgspec")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose interpreter is ours."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(peer, "VENV", folder)
    return folder


def script(measure: str, unit: str = "ns", path: str = "") -> Script:
    return Script(f"fake {measure}", FAKE, measure, unit, path)


def row(**fields: object) -> Row:
    return msgspec.convert({"id": "P0", "name": "n", "unit": "ns", **fields}, Row)


# ------------------------------------------------------------------ one program


def test_a_peer_is_prepared_once_and_says_a_value_a_lap() -> None:
    with prepared(script("counting"), "") as process:
        assert process.version == VERSION
        assert [process.lap().value for _ in range(3)] == [10.0, 20.0, 30.0]


def test_a_lap_of_samples_has_their_percentiles() -> None:
    with prepared(script("sampled", "us"), "") as process:
        lap = process.lap()
    assert (lap.value, lap.p50, lap.p99) == (50.5, 50.5, 99.0)


def test_a_peer_reads_the_file_that_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("7.5")
    with prepared(script("echoing"), str(path)) as process:
        assert process.lap().value == 7.5


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        ("missing", "ModuleNotFoundError: No module named 'peer'"),
        ("unknown", "it ended with 2: expected one of counting, sampled"),
    ],
)
def test_a_peer_that_cannot_be_prepared_says_why(measure: str, why: str) -> None:
    with pytest.raises(PeerError, match=why), prepared(script(measure), ""):
        pass


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        ("failing", "RuntimeError: the book ends with another touch"),
        ("dying", "it ended with 3: double free"),
    ],
)
def test_a_peer_whose_lap_fails_says_why(measure: str, why: str) -> None:
    with prepared(script(measure), "") as process, pytest.raises(PeerError, match=why):
        process.lap()


def test_a_peer_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "PREPARE_S", 0.0)
    with (
        pytest.raises(PeerError, match="it said nothing for 0 s"),
        prepared(script("counting"), ""),
    ):
        pass


def test_a_peer_that_measures_in_another_unit_is_no_peer() -> None:
    why = "it measures in us, our row is in ns"
    with pytest.raises(PeerError, match=why), prepared(script("sampled"), ""):
        pass


def test_without_its_environment_a_peer_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "VENV", tmp_path / "none")
    with pytest.raises(PeerError, match="make bench-peers"), prepared(script("counting"), ""):
        pass


# ------------------------------------------------------------------ in turn


def group(*peers: Script | Rival, more_is_better: bool = False) -> tuple[Group, list[int]]:
    """Laps of ours are 1, 2, 3, 4, 5; the second list has how often each lap was told to run."""
    asked: list[int] = []

    def lap() -> list[Row]:
        asked.append(runs(5))
        return [row_of_runs(row(more_is_better=more_is_better), [float(len(asked))])]

    return Group("some", lap, tuple(Pair("P0", "n", each) for each in peers)), asked


def test_our_laps_and_a_peers_are_taken_in_turn_and_compared_lap_by_lap() -> None:
    found, asked = group(script("counting"))
    said: list[str] = []
    (made,) = with_peers([row(value=99)], found, said.append)
    assert asked == [1, 1, 1, 1, 1]
    assert (made.value, made.low, made.high, made.runs) == (3.0, 1.0, 5.0, 5)
    assert made.peer == Peer(
        name="fake counting", version=VERSION, value=30.0, low=10.0, high=50.0, ratio=10.0
    )
    assert said[-1] == "measuring some and peers in turn, 5 of 5"
    assert runs(5) == 5


def test_the_ratio_says_how_many_times_better_ours_was_also_where_more_is_better() -> None:
    found, _ = group(script("counting"), more_is_better=True)
    (made,) = with_peers([row(more_is_better=True)], found, lambda _: None)
    assert made.peer is not None
    assert made.peer.ratio == pytest.approx(0.1)


def test_goals_and_floors_that_a_lap_does_not_set_stay() -> None:
    found, _ = group(script("counting"))
    (made,) = with_peers([row(goal=2, goal_p99=9, floor=0.5)], found, lambda _: None)
    assert (made.value, made.goal, made.goal_p99, made.floor) == (3.0, 2, 9, 0.5)


def test_a_row_with_two_peers_is_there_twice_and_others_stay() -> None:
    found, _ = group(script("counting"), script("failing"))
    other = row(name="another", value=4.0)
    first, second, last = with_peers([row(), other], found, lambda _: None)
    assert first.peer is not None
    assert first.peer.value == 30.0
    assert second.value == 3.0
    assert second.peer == Peer(
        name="fake failing",
        version=VERSION,
        skipped="RuntimeError: the book ends with another touch",
    )
    assert last == other


def test_a_missing_peer_says_why_and_ours_is_measured_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "VENV", tmp_path / "none")
    found, _ = group(script("counting"))
    (made,) = with_peers([row()], found, lambda _: None)
    assert made.value == 3.0
    assert made.skipped is None
    assert made.peer == Peer(name="fake counting", skipped="no build/peers-venv: make bench-peers")


def test_a_rival_in_our_binary_is_a_peer_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"run_name": "a", "run_type": "iteration", "items_per_second": 5e8}'
    program = tmp_path / "pitwire_x_bench"
    program.write_text(f"#!/bin/sh\necho '{{\"benchmarks\": [{text}]}}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(native, "BINARIES", tmp_path)
    rivals = [Rival("a ring", "1.5", Native(row(), "x", name)) for name in ("a", "b")]
    found, _ = group(*rivals)
    first, second = with_peers([row()], found, lambda _: None)
    assert first.peer is not None
    assert (first.peer.version, first.peer.value) == ("1.5", 2.0)
    assert second.peer is not None
    assert second.peer.skipped == "no benchmark b (its headers: 1.5)"


def test_laps_make_one_row_of_medians() -> None:
    laps = [
        row(value=2, min=1, max=9, p50=2, p99=8, floor=1, runs=1),
        row(value=4, min=3, max=5, p50=4, p99=5, floor=3, runs=1),
        row(value=3, min=2, max=7, p50=3, p99=6, floor=2, runs=1),
    ]
    expected = row(value=3, min=1, max=9, low=2, high=4, p50=3, p99=6, floor=2, runs=3)
    assert merged(laps) == expected
    skipped = row(skipped="not built")
    assert merged([laps[0], skipped]) == skipped


# ------------------------------------------------------------------ the table of pairs


def test_every_pair_names_a_row_of_its_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that are quick to measure, what they measure; of the others, what they name."""
    monkeypatch.setattr(native, "rows_of", lambda wanted: [each.row for each in wanted])
    monkeypatch.setattr(books, "DELTAS", 1_000)
    monkeypatch.setattr(orders, "ORDERS", 1)
    monkeypatch.setattr(orders, "WARM_UP", 1)
    monkeypatch.setattr(flow, "PACKETS", 1)
    monkeypatch.setattr(flow, "WARM_UP", 1)
    for each in pairs.GROUPS:
        assert each.bench in BENCHES
        if each.bench in ("order", "ring", "core", "fix", "book", "flow"):
            known = {(made.id, made.name) for made in each.lap()}
            assert {(pair.id, pair.row) for pair in each.pairs} <= known


@pytest.mark.parametrize(
    "wanted",
    [pair.peer for each in pairs.GROUPS for pair in each.pairs],
    ids=lambda each: each.name,
)
def test_every_peer_is_there_to_be_run(wanted: Script | Rival) -> None:
    if isinstance(wanted, Script):
        source = ROOT / f"{wanted.module.replace('.', '/')}.py"
        texts = [file.read_text() for file in source.parent.glob(f"{source.stem}*.py")]
        assert any(f'"{wanted.measure}": Measure("{wanted.unit}"' in text for text in texts)
        assert not wanted.input or wanted.input in peer_inputs.INPUTS
    else:
        room = ROOT / "native" / "bench" / wanted.native.binary
        text = "".join(file.read_text() for file in room.glob("*.cpp"))
        assert wanted.native.benchmark.split("/")[0] in text


def test_programs_of_peers_import_nothing_of_ours() -> None:
    for file in (ROOT / "tools" / "bench" / "peers").glob("*.py"):
        for line in file.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                assert not line.startswith(("import daemon", "from daemon"))
                assert "tools." not in line or line.startswith("from tools.bench.peers")


# ------------------------------------------------------------------ inputs


@pytest.mark.parametrize("kind", ["l2", "l3"])
def test_a_books_input_has_its_changes_and_our_touch(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "DELTAS", 2_000)
    path = peer_inputs.write(f"{kind}.npz", tmp_path)
    with np.load(path) as columns:
        assert len(columns["px"]) == 2_000
        bid, ask = columns["touch"].tolist()
    assert 0 < bid < ask


def test_an_input_is_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def write(path: Path) -> None:
        made.append(path)
        path.write_text("x")

    monkeypatch.setattr(peer_inputs, "INPUTS", {"x": write})
    assert peer_inputs.write("x", tmp_path) == peer_inputs.write("x", tmp_path)
    assert len(made) == 1
    assert peer_inputs.write("", tmp_path) == ""


def message(kind: bytes, ref: int, body: bytes = b"") -> bytes:
    whole = kind + (7).to_bytes(2, "big") + bytes(2) + (5).to_bytes(6, "big")
    whole += ref.to_bytes(8, "big") + body
    return len(whole).to_bytes(2, "big") + whole


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def test_a_stream_becomes_changes_of_orders_and_touches(tmp_path: Path) -> None:
    add = b"B" + number(300) + b"AAA     " + number(10_000 * 100)
    sell = b"S" + number(50) + b"AAA     " + number(10_002 * 100)
    replaced = (12).to_bytes(8, "big") + number(80) + number(9_999 * 100)
    path = tmp_path / "stream"
    path.write_bytes(
        message(b"A", 10, add)
        + message(b"A", 11, sell)
        + message(b"P", 10)  # a trade beside the book
        + message(b"X", 10, number(100))
        + message(b"E", 10, number(200) + bytes(8))
        + message(b"A", 13, add)
        + message(b"U", 13, replaced)
        + message(b"D", 11)
    )
    orders, levels = Orders(), Levels()
    changes = list(orders.changes(path))
    assert orders.messages == 8
    assert changes == [
        Change(5, 7, ADD, 10, True, 10_000, 300),
        Change(5, 7, ADD, 11, False, 10_002, 50),
        Change(5, 7, REDUCE, 10, True, 10_000, 200),
        Change(5, 7, REMOVE, 10, True, 10_000, 0),
        Change(5, 7, ADD, 13, True, 10_000, 300),
        Change(5, 7, REMOVE, 13, True, 10_000, 0),
        Change(5, 7, ADD, 12, True, 9_999, 80),
        Change(5, 7, REMOVE, 11, False, 10_002, 0),
    ]
    left = [levels.apply(change) for change in changes[:-1]]
    assert left == [300, 50, 200, 0, 300, 0, 80]
    assert levels.touch(5, 7)[2:] == (9_999, 80, 10_002, 50)
    assert levels.apply(changes[-1]) == 0
    assert levels.touch(5, 7)[2:] == (9_999, 80, 0, 0)


# ------------------------------------------------------------------ the table


def shown(made: Row, monkeypatch: pytest.MonkeyPatch) -> str:
    machine = {"cpu": "c", "cores": 2, "kernel": "k", "python": "p", "load_1min": "0"}
    out = io.StringIO()
    console: Callable[[], Console] = lambda: Console(file=out, width=200)  # noqa: E731 - one line
    monkeypatch.setattr(table, "screen", console)
    with redirect_stdout(out):
        table.show({"machine": machine, "commit": "abc", "rows": [made]}, Path("x.json"))
    return out.getvalue()


def test_the_table_has_the_peers_figure_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = Peer(name="Other", version="1.2", value=30.0, ratio=10.0)
    text = shown(row(value=3.0, peer=rival), monkeypatch)
    assert "ours is" in text
    assert "beside Other 1.2" in text
    assert "10 x" in text


def test_the_table_says_why_a_peer_has_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = Peer(name="Other", skipped="no module [named] so")
    assert "beside Other: no module [named] so" in shown(row(value=3.0, peer=rival), monkeypatch)


def test_the_table_says_why_a_row_of_ours_has_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = Peer(name="Other", value=30.0)
    text = shown(row(skipped="not built [yet]", peer=rival), monkeypatch)
    assert "n: not built [yet]" in text
    assert "beside Other" in text
    assert "30" in text


def test_the_table_without_peers_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ours is" not in shown(row(value=3.0), monkeypatch)


def test_laps_are_as_many_as_a_figure_needs() -> None:
    assert beside.LAPS >= 5
