"""Worker processes: every request gets exactly one outcome, whatever the process does."""

import asyncio
import os
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from daemon.io.workers import WorkerPool, WorkOutcome
from daemon.model import WorkerStatus

HERE = "tests.strategy.functions"
NAMES = ("double", "raise_value", "hang", "die", "not_json", "environment", "cores")
FUNCTIONS = tuple(f"{HERE}:{name}" for name in NAMES)


class Desk:
    """A pool and what it delivered."""

    def __init__(
        self, functions: tuple[str, ...], timeout_s: float, queue_max: int, processes: int = 1
    ) -> None:
        self.outcomes: list[WorkOutcome] = []
        self._arrived = asyncio.Event()
        self.pool = WorkerPool(
            functions,
            self._deliver,
            processes=processes,
            timeout_s=timeout_s,
            queue_max=queue_max,
        )
        self._requests = 0

    def ask(self, name: str, **payload: object) -> int:
        self._requests += 1
        self.pool.submit(self._requests, 7, f"{HERE}:{name}", payload)
        return self._requests

    async def answers(self, count: int) -> list[WorkOutcome]:
        async with asyncio.timeout(20):
            while len(self.outcomes) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.outcomes

    def _deliver(self, outcome: WorkOutcome) -> None:
        self.outcomes.append(outcome)
        self._arrived.set()


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk(FUNCTIONS, 20.0, 4)
    desk.pool.start()
    yield desk
    await desk.pool.stop()


async def test_results_come_back_in_order_and_prints_do_not_break_them(desk: Desk) -> None:
    for x in range(3):
        desk.ask("double", x=x)
    outcomes = await desk.answers(3)
    assert [msgspec.json.decode(outcome.result) for outcome in outcomes] == [
        {"twice": 0},
        {"twice": 2},
        {"twice": 4},
    ]
    assert {outcome.status for outcome in outcomes} == {WorkerStatus.DONE}
    assert [(outcome.request_id, outcome.strategy) for outcome in outcomes] == [
        (1, 7),
        (2, 7),
        (3, 7),
    ]


async def test_exceptions_and_unencodable_results_are_failures_that_say_why(desk: Desk) -> None:
    desk.ask("raise_value", x="so")
    desk.ask("not_json", x=1)
    desk.ask("double", x=1)
    raised, unencodable, after = await desk.answers(3)
    assert (raised.status, raised.error) == (WorkerStatus.FAILED, "ValueError: cannot do so")
    assert unencodable.status is WorkerStatus.FAILED
    assert "object" in unencodable.error
    assert after.status is WorkerStatus.DONE
    assert desk.pool.started == 1


async def test_a_death_fails_its_request_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.io.workers.RESTART_DELAY_S", 0.0)
    desk.ask("die", code=3)
    desk.ask("double", x=21)
    dead, after = await desk.answers(2)
    assert dead.status is WorkerStatus.FAILED
    # Its code is 255 where something else in this process reaped the child first.
    assert "worker process ended" in dead.error
    assert msgspec.json.decode(after.result) == {"twice": 42}
    assert desk.pool.started == 2


async def test_a_request_that_takes_too_long_is_killed_and_the_process_replaced() -> None:
    desk = Desk(FUNCTIONS, 0.3, 4)
    desk.pool.start()
    try:
        desk.ask("hang", seconds=600)
        (late,) = await desk.answers(1)
        assert late.status is WorkerStatus.TIMED_OUT
        assert late.error == "no answer in 0.3 s"
        assert desk.pool.started == 2
    finally:
        await desk.pool.stop()


async def test_only_allowed_functions_are_run_and_submit_never_answers_at_once() -> None:
    desk = Desk((f"{HERE}:double",), 20.0, 4)
    desk.ask("die", code=0)
    assert desk.outcomes == []
    (outcome,) = await desk.answers(1)
    assert outcome.status is WorkerStatus.FAILED
    assert "not among the allowed" in outcome.error


@pytest.mark.parametrize(("waiting", "refused"), [(3, 0), (4, 0), (5, 1)])
async def test_a_full_queue_refuses(waiting: int, refused: int) -> None:
    desk = Desk(FUNCTIONS, 20.0, 4)  # not started: nothing leaves the queue
    for x in range(waiting):
        desk.ask("double", x=x)
    assert desk.pool.waiting == min(waiting, 4)
    outcomes = await desk.answers(refused)
    assert len(outcomes) == refused
    await desk.pool.stop()
    assert [o.status for o in desk.outcomes] == [WorkerStatus.FAILED] * waiting


async def test_stopping_answers_what_was_running(desk: Desk) -> None:
    desk.ask("double", x=1)
    await desk.answers(1)
    desk.ask("hang", seconds=600)
    await asyncio.sleep(0)  # the runner takes it
    assert desk.pool.waiting == 0
    await desk.pool.stop()
    assert desk.outcomes[1].error == "the pool was stopped"


async def test_a_worker_sees_no_credentials_and_one_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PITWIRE_PASSWORD", "secret")
    pool = Desk(FUNCTIONS, 20.0, 4)
    pool.pool.start()
    try:
        pool.ask("environment", names=["PITWIRE_PASSWORD", "OPENBLAS_NUM_THREADS"])
        (outcome,) = await pool.answers(1)
    finally:
        await pool.pool.stop()
    found = msgspec.json.decode(outcome.result)
    assert found == {"PITWIRE_PASSWORD": None, "OPENBLAS_NUM_THREADS": "1"}
    assert desk.outcomes == []


async def test_an_unknown_function_makes_every_request_fail() -> None:
    desk = Desk((f"{HERE}:nothing",), 20.0, 4)
    desk.pool.start()
    try:
        desk.ask("nothing")
        (outcome,) = await desk.answers(1)
        assert outcome.status is WorkerStatus.FAILED
        assert "worker process ended" in outcome.error
    finally:
        await desk.pool.stop()


async def test_a_process_that_replaces_another_does_not_share_the_core_that_we_are_pinned_to(
    desk: Desk,
) -> None:
    ours = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {max(ours)})
        desk.ask("die", code=3)
        desk.ask("cores", pid=0)
        outcomes = await desk.answers(2)
    finally:
        os.sched_setaffinity(0, ours)
    assert desk.pool.started > 1
    assert msgspec.json.decode(outcomes[1].result) == sorted(ours)


async def test_a_pool_without_processes_says_so_to_every_request() -> None:
    desk = Desk(FUNCTIONS, 20.0, 4, processes=0)
    desk.pool.start()
    desk.ask("double", x=1)
    (outcome,) = await desk.answers(1)
    assert outcome.status is WorkerStatus.FAILED
    assert outcome.error == "there are no worker processes (worker.processes = 0)"
    assert desk.pool.started == 0
    await desk.pool.stop()
