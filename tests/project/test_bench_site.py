"""`pitwire bench start` and `bench kill`: a daemon that is started, killed, and started again."""

from __future__ import annotations

import os

import pytest

from tools.bench import kill, measured, start
from tools.bench.load_run import SENDER, RunError
from tools.command import main

pytestmark = pytest.mark.usefixtures("_sender")


@pytest.fixture
def _sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test` builds it; who builds one target may not have it."""
    if not SENDER.exists() and not os.environ.get("CI"):
        pytest.skip("pitwire_load is not built")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    monkeypatch.setattr(start, "RUNS", 1)
    monkeypatch.setattr(start, "RATE", 2_000)
    monkeypatch.setattr(start, "RECORDS", 3_000)
    monkeypatch.setattr(start, "KILL_SECONDS_MAX", 0.1)
    monkeypatch.setattr(kill, "RUNS", 1)
    monkeypatch.setattr(kill, "ORDERS", 50)
    monkeypatch.setattr(kill, "FEED_SECONDS", 20)


def test_a_daemon_says_ready_at_its_start_and_after_a_kill() -> None:
    empty, killed = measured(["start"], {"kills": 1})["rows"]
    assert (empty.id, killed.id) == ("P18", "P18")
    assert (empty.runs, killed.runs) == (1, 1)
    assert killed.value == killed.max >= killed.min > 0
    assert "worst of 1" in killed.name


def test_a_log_that_does_not_grow_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "STREAMS_MAX", 1)
    monkeypatch.setattr(start, "GROW_SECONDS", 1)
    monkeypatch.setattr(start, "RECORDS", 1_000_000_000)
    with pytest.raises(RunError, match="records are missing in the log after 1 streams"):
        start.killed_seconds(1)


def test_a_kill_refuses_cancels_and_works_while_a_handler_loops() -> None:
    refused, cancelled, looping = measured(["kill"])["rows"]
    for row in (refused, cancelled, looping):
        assert (row.id, row.runs, row.skipped) == ("P19", 1, None)
        assert row.value > 0
    assert (refused.goal, cancelled.goal, looping.goal) == (1.0, 100.0, 1.0)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["ring", "--kills", "3"], "--kills is not for bench ring"),
        (["start", "--kills", "0"], "--kills: expected more than 0, found 0"),
    ],
)
def test_an_option_of_another_benchmark_is_bad_usage(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words], {"bench": "tools.bench"}) == 2
    assert reason in capsys.readouterr().err
