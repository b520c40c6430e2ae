"""What a strategy had asked of a worker when its daemon died."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec

from daemon.model import WorkerStatus
from tests.days.day import Day, frames, pitwire

QUICK = {
    "strategy.pair.parameters": (
        '{ first = "ACME", second = "CRUX", qty = 50, sample_s = 0.02, window = 30, '
        "refit_s = 0.5, cost = 0.0001 }"
    ),
}


@contextlib.contextmanager
def _workers_stand_still(pid: int) -> Iterator[None]:
    """The daemon's child processes compute nothing; they end with this."""
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    assert children
    for each in children:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def test_a_request_under_way_at_a_kill_is_answered_as_failed_and_asked_again(
    tmp_path: Path,
) -> None:
    with Day(tmp_path, QUICK) as day:
        with _workers_stand_still(day.until_ready()["pid"]):
            request = day.until_logged("WORKER_REQUEST")[0]
            # The strategy's state of a later turn is the one that the next process goes on with.
            day.until_logged("TURN_END", after=request.sequence)
            day.kill()
        day.until_ready(2)
        lost = day.until_logged("WORKER_RESULT")[0]
        day.until_logged("WORKER_REQUEST", after=lost.sequence)
        day.until("an answer", lambda: WorkerStatus.DONE in _statuses(day.log))
        assert day.stop() == 0, day.errors
    assert lost.fields()["request_id"] == request.fields()["request_id"]
    assert lost.fields()["strategy"] == request.fields()["strategy"]
    assert lost.fields()["status"] == WorkerStatus.FAILED
    reason = msgspec.json.decode(lost.tail.rstrip(b"\0"), type=str)
    assert reason == "the daemon was restarted before it was computed"
    assert any(b"fit FAILED: the daemon was restarted" in f.tail for f in frames(day.log, "NOTE"))
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def _statuses(log: Path) -> list[int]:
    return [frame.fields()["status"] for frame in frames(log, "WORKER_RESULT")]
