"""`pitwire bench throughput`: seconds of a small rate and a small train, and what is no figure."""

from __future__ import annotations

import os

import pytest

from tools.bench import measured, throughput
from tools.bench.load_run import SENDER, RunError


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test` builds the sender; who builds one target may not have it."""
    if not SENDER.exists() and not os.environ.get("CI"):
        pytest.skip("pitwire_load is not built")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    monkeypatch.setattr(throughput, "FEED", 1_000)
    monkeypatch.setattr(throughput, "TRAINS", 1)
    monkeypatch.setattr(throughput, "BURST", 500)
    monkeypatch.setattr(throughput, "BURST_SECONDS", 6)


@pytest.mark.usefixtures("_small")
def test_every_order_is_answered_once_and_every_fill_of_the_train_is_booked() -> None:
    options = {"minutes": 2 / 60, "rate": 200}
    times, lost, kept, took, waited, unbooked = measured(["throughput"], options)["rows"]
    assert [each.skipped for each in (times, lost, kept, took, waited, unbooked)] == [None] * 6
    assert (lost.value, unbooked.value) == (0, 0)
    assert times.value > 0
    assert 0.1 < kept.value < 0.3
    assert took.value > 0


@pytest.mark.usefixtures("_small")
def test_what_is_not_answered_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RunError("the exchange did not start")

    monkeypatch.setattr(throughput, "ran", fails)
    monkeypatch.setattr(throughput, "train", fails)
    rows = measured(["throughput"], {"minutes": 1})["rows"]
    assert {each.skipped for each in rows} == {"the exchange did not start"}


@pytest.mark.deep
@pytest.mark.alone
def test_a_minute_at_the_peak_and_the_whole_train_lose_nothing() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    rows = measured(["throughput"], {"minutes": 1})["rows"]
    assert [each.skipped for each in rows] == [None] * 6
    assert (rows[1].value, rows[5].value) == (0, 0)
