"""Worker processes of a backtest: the daemon's pool, its answers waited for when they are due.

A process computes while recorded time goes on; when the answer's time has come it is waited for. So
what it takes to compute costs time of the host and changes nothing in the run.
"""

from __future__ import annotations

import asyncio

from daemon.app.settings import WorkerSettings
from daemon.io.workers import WorkerPool, WorkOutcome
from daemon.model import WorkerStatus


class BacktestWorkers:
    """The pool starts with the first question: most backtests have none."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._pool: WorkerPool | None = None
        self._answers: dict[int, asyncio.Future[WorkOutcome]] = {}

    async def ask(self, request_id: int, strategy: int, function: str, payload: object) -> None:
        """Have it computed; `answer` has the outcome."""
        if self._pool is None:
            self._pool = WorkerPool(
                self._settings.functions,
                self._done,
                processes=self._settings.processes,
                timeout_s=self._settings.timeout_seconds,
            )
            self._pool.start()
        self._answers[request_id] = asyncio.get_running_loop().create_future()
        self._pool.submit(request_id, strategy, function, payload)
        await asyncio.sleep(0)  # so that the loop hands it to a process while time goes on

    async def answer(self, request_id: int) -> WorkOutcome:
        """Waits for the outcome of what was asked.

        RuntimeError where it was not computed in time: how long a host takes must not become an
        input of a backtest.
        """
        outcome = await self._answers[request_id]
        del self._answers[request_id]
        if outcome.status is WorkerStatus.TIMED_OUT:
            raise RuntimeError(f"worker.timeout_seconds: {outcome.function}: {outcome.error}")
        return outcome

    async def stop(self) -> None:
        """End the processes."""
        if self._pool is not None:
            await self._pool.stop()

    def _done(self, outcome: WorkOutcome) -> None:
        """Also of what the pool gives up when it is stopped, which nobody waits for."""
        future = self._answers[outcome.request_id]
        if not future.done():
            future.set_result(outcome)
