"""Instruction counts: what is a rise, and what a baseline looks like when it is read again."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tools.instructions import BASELINE, compare, write

BEFORE = {"A.a": 1_000, "B.b": 2_000}


@pytest.mark.parametrize(
    ("found", "bad"),
    [
        ({"A.a": 1_000, "B.b": 2_000}, False),
        ({"A.a": 1_030, "B.b": 1_000}, False),
        ({"A.a": 1_031}, True),
        ({"C.c": 1}, True),
    ],
)
def test_a_rise_above_three_percent_and_a_loop_without_a_baseline_are_refused(
    found: dict[str, int], bad: bool
) -> None:
    lines, refused = compare(found, BEFORE)
    assert refused is bad
    assert len(lines) == len(found)
    assert any("RISEN" in line for line in lines) is bad


def test_a_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "instructions.toml"
    write(path, "g++ 12", BEFORE)
    assert tomllib.loads(path.read_text()) == {"compiler": "g++ 12", "counts": BEFORE}


def test_the_baseline_has_the_hot_loops() -> None:
    counts = tomllib.loads(BASELINE.read_text())["counts"]
    assert "Steady.ItchIntoBooks" in counts
    assert all(count > 0 for count in counts.values())
