"""`pitwire bench --compare`: what is faster, slower or the same, and what is only on one side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from tools import bench
from tools.bench.compare import changes
from tools.bench.rows import Row, row_of_runs, row_of_samples
from tools.command import main

TABLE = {"bench": "tools.bench"}


def row(*values: float, name: str = "n", more_is_better: bool = False) -> Row:
    made = Row(id="P0", name=name, unit="ns", more_is_better=more_is_better)
    return row_of_runs(made, values) if values else made


@pytest.mark.parametrize(
    ("base", "now", "verdict"),
    [
        ((10, 11, 12), (7, 8, 9), "faster"),
        ((10, 11, 12), (13, 14, 15), "slower"),
        ((10, 11, 12), (8, 9, 10), "same"),  # they touch
        ((10, 11, 12), (9, 11, 13), "same"),
        ((), (8,), "new"),
        ((8,), (), "gone"),
        ((), (), ""),
    ],
)
def test_the_verdict_is_of_the_runs_ranges(
    base: tuple[float, ...], now: tuple[float, ...], verdict: str
) -> None:
    (change,) = changes([row(*base)], [row(*now)])
    assert change.verdict == verdict


def test_where_more_is_better_more_is_faster() -> None:
    base = [row(10, 11, more_is_better=True)]
    assert changes(base, [row(12, 13, more_is_better=True)])[0].verdict == "faster"
    assert changes(base, [row(8, 9, more_is_better=True)])[0].verdict == "slower"


def test_a_tail_does_not_hide_what_medians_say() -> None:
    """The samples' extremes overlap, the runs' medians do not."""
    base = row_of_samples(row(), [[10, 10, 900], [11, 11, 900]])
    now = row_of_samples(row(), [[5, 5, 800], [6, 6, 800]])
    (change,) = changes([base], [now])
    assert (change.base, change.now, change.verdict) == (10.5, 5.5, "faster")
    assert change.ratio == pytest.approx(5.5 / 10.5)


def test_a_document_without_ranges_of_runs_is_compared_by_its_extremes() -> None:
    old = msgspec.structs.replace(row(10, 12), low=None, high=None)
    assert changes([old], [row(13)])[0].verdict == "slower"
    assert changes([old], [row(12)])[0].verdict == "same"


def test_rows_are_known_by_id_and_name() -> None:
    base = [row(1, name="a"), row(2, name="b"), Row(id="P9", name="other", unit="ns", value=1)]
    found = changes(base, [row(1, name="b"), row(3, name="c")])
    assert [(each.name, each.verdict) for each in found] == [
        ("b", "faster"),
        ("c", "new"),
        ("a", "gone"),  # and P9 was not measured now
    ]


# ------------------------------------------------------------------ the command


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """The rows that the only benchmark says."""
    rows = [row(10, 11, name="first"), row(10, 11, name="second")]
    monkeypatch.setattr(bench, "BENCHES", {"one": lambda: list(rows)})
    return rows


def test_what_changed_is_shown(
    tmp_path: Path, figures: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "bench.json"
    assert main(["bench", "--out", str(base)], TABLE) == 0
    figures[1] = row(20, 21, name="second")
    capsys.readouterr()
    # The base is read before the new document takes its place.
    assert main(["bench", "--compare", str(base), "--out", str(base)], TABLE) == 0
    first, second = capsys.readouterr().out.splitlines()[1:3]
    assert first.split() == ["P0", "first", "10.5", "10.5", "1", "ns", "same"]
    assert second.split() == ["P0", "second", "10.5", "20.5", "1.95", "ns", "slower"]
    written: dict[str, Any] = orjson.loads(base.read_bytes())
    assert [each["value"] for each in written["rows"]] == [10.5, 20.5]


@pytest.mark.usefixtures("figures")
def test_changes_are_plain_values_with_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "base.json", tmp_path / "now.json"
    assert main(["bench", "--out", str(base)], TABLE) == 0
    capsys.readouterr()
    assert main(["bench", "--json", "--compare", str(base), "--out", str(out)], TABLE) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert [(each["name"], each["verdict"]) for each in found] == [
        ("first", "same"),
        ("second", "same"),
    ]


@pytest.mark.usefixtures("figures")
@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"{}", "no document"), (b'{"rows": [{"id": 1}]}', "no document")],
)
def test_a_base_that_is_none_is_bad_usage(
    tmp_path: Path, content: bytes | None, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    base, out = tmp_path / "base.json", tmp_path / "now.json"
    if content is not None:
        base.write_bytes(content)
    assert main(["bench", "--compare", str(base), "--out", str(out)], TABLE) == 2
    assert reason in capsys.readouterr().err
    assert not out.exists()
