"""`pitwire bench overload`: a few seconds of twice a small peak, and what is no figure."""

from __future__ import annotations

import os

import pytest

from tools.bench import measured, overload
from tools.bench.load_run import SENDER


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test` builds the sender; who builds one target may not have it."""
    if not SENDER.exists() and not os.environ.get("CI"):
        pytest.skip("pitwire_load is not built")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    monkeypatch.setattr(overload, "CALM_SECONDS", 2)
    monkeypatch.setattr(overload, "CALM_ORDERS", 100)
    monkeypatch.setattr(overload, "FEED_PEAK", 10_000)
    monkeypatch.setattr(overload, "ORDERS_PEAK", 250)
    monkeypatch.setattr(overload, "LAP_SECONDS", 1)


@pytest.mark.usefixtures("_small")
def test_every_order_ends_and_every_update_is_counted() -> None:
    path, late, lost, share = measured(["overload"], {"minutes": 2 / 60})["rows"]
    assert [each.skipped for each in (path, late, lost, share)] == [None] * 4
    assert path.runs == overload.PARTS
    assert path.goal == 2 * path.floor
    assert 0 < late.value < overload.SETTLED_SECONDS_MAX
    assert lost.value == 0
    assert 0 < share.value < 100


@pytest.mark.deep
@pytest.mark.alone
@pytest.mark.usefixtures("_whole")
def test_a_minute_at_twice_the_peak_loses_nothing() -> None:
    path, late, lost, _ = measured(["overload"], {"minutes": 1})["rows"]
    assert (path.skipped, late.skipped, lost.value) == (None, None, 0)


@pytest.fixture
def _whole() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
