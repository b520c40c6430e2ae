"""`pitwire bench memory`: what counts as the process's own, and a few seconds of the demo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.bench import measured, memory
from tools.bench.memory import Sample, pages_of, slope_of

SMAPS = """\
7f0000000000-7f0000001000 rw-p 00000000 00:00 0 
Rss:                  99 kB
Private_Clean:         1 kB
Private_Dirty:        20 kB
7f0000002000-7f0000003000 rw-s 00000000 fd:00 77                         /a/log/00000000.seg
Private_Clean:         0 kB
Private_Dirty:       300 kB
7f0000004000-7f0000005000 r-xp 00000000 fd:00 78                         /a/logs/other.so
Shared_Clean:         55 kB
Private_Clean:      4000 kB
Private_Dirty:         0 kB
"""  # noqa: W291 - as the kernel writes it


def test_segments_of_the_log_are_counted_apart() -> None:
    assert pages_of(SMAPS, Path("/a/log")) == (4021, 300)


def test_a_slope_is_by_least_squares_with_its_error() -> None:
    straight = [Sample(float(at), 100 + 3 * at, 0) for at in range(10)]
    slope, error = slope_of(straight)
    assert slope == pytest.approx(3)
    assert error == pytest.approx(0, abs=1e-9)
    noisy = [Sample(float(at), 100 + 10 * (at % 2), 0) for at in range(100)]
    slope, error = slope_of(noisy)
    assert abs(slope) < 3 * error


def test_the_demo_is_watched_for_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SAMPLES", 10)
    private, log, slope = measured(["memory"], {"hours": 3 * memory.FASTER / 3600})["rows"]
    assert [each.skipped for each in (private, log, slope)] == [None] * 3
    assert 20 < private.value < 1_000
    assert log.value > 0
    assert slope.goal is None, "too short to be judged"
