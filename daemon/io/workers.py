"""Worker processes: slow mathematics beside the core's thread, answers as inputs.

A pool of processes of its own interpreter each, spawned, never forked. Requests wait in one
bounded queue and go to whichever process is free; each gets exactly one `WorkOutcome`: done,
failed (the function raised, the process died, the queue was full, the name is not allowed) or
timed out (the process is killed and another takes its place). Nothing here blocks the loop:
`submit` returns at once and the outcome comes through the callback, later, never from within
`submit`. Processes run with single-threaded BLAS, so that a fit has the same digits whatever
the number of cores.
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Callable, Iterable

import msgspec

from daemon.io.worker_main import CORES, FRAME_BYTES_MAX, HEADER, WorkAnswer, WorkRequest
from daemon.model import WorkerStatus

QUEUE_MAX = 1024
TIMEOUT_S = 30.0
RESTART_DELAY_S = 1.0
"""Pause before a process is started in place of one that died without an answer."""

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_SINGLE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class WorkOutcome(msgspec.Struct, frozen=True):
    """The end of a request. `result` is JSON text, `null` unless DONE."""

    request_id: int
    strategy: int
    function: str
    status: WorkerStatus
    result: bytes = b"null"
    error: str = ""


class _Job(msgspec.Struct):
    request_id: int
    strategy: int
    function: str
    frame: bytes


class WorkerPool:
    """Construct on the loop, `start()`, `submit` as often as wanted, `await stop()`.

    Its processes run on the cores that this thread had at the construction, wherever it was pinned
    to since.
    """

    def __init__(
        self,
        functions: Iterable[str],
        deliver: Callable[[WorkOutcome], None],
        *,
        processes: int = 1,
        timeout_s: float = TIMEOUT_S,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        if processes < 0 or timeout_s <= 0 or queue_max < 1:
            raise ValueError("timeout_s and queue_max must be above 0, processes not below")
        self.functions = tuple(sorted(set(functions)))
        self.started = 0
        """Processes started so far; above the pool's size they replaced dead ones."""
        self._cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
        self._deliver = deliver
        self._processes = processes
        self._timeout_s = timeout_s
        self._queue: asyncio.Queue[_Job] = asyncio.Queue(queue_max)
        self._runners: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Requests that no process has taken yet, at most `queue_max`."""
        return self._queue.qsize()

    def start(self) -> None:
        """Start the processes; they import their functions while the daemon goes on."""
        self._runners = [asyncio.create_task(self._run()) for _ in range(self._processes)]

    async def stop(self) -> None:
        """End every process; what was not answered ends as FAILED. Submit nothing afterwards."""
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        while not self._queue.empty():
            self._fail(self._queue.get_nowait(), "the pool was stopped")

    def submit(self, request_id: int, strategy: int, function: str, payload: object) -> None:
        """Have `function(payload)` computed: exactly one outcome will be delivered, later.

        `payload` must be what JSON can hold (TypeError otherwise).
        """
        content = msgspec.json.encode(WorkRequest(request_id, function, payload))
        job = _Job(request_id, strategy, function, HEADER.pack(len(content)) + content)
        refusal = ""
        if function not in self.functions:
            refusal = f"{function}: not among the allowed functions"
        elif self._processes == 0:
            refusal = "there are no worker processes (worker.processes = 0)"
        elif len(content) > FRAME_BYTES_MAX:
            refusal = f"request of {len(content)} bytes, at most {FRAME_BYTES_MAX}"
        else:
            try:
                self._queue.put_nowait(job)
            except asyncio.QueueFull:
                refusal = f"{self._queue.maxsize} requests are waiting already"
        if refusal:
            asyncio.get_running_loop().call_soon(self._fail, job, refusal)

    # ------------------------------------------------------------------ one process

    async def _run(self) -> None:
        process = await self._spawn()
        try:
            while True:
                job = await self._queue.get()
                if process is None or process.returncode is not None:
                    process = await self._spawn()
                outcome = await self._ask(process, job)
                self._deliver(outcome)
                if process is None or process.returncode is not None:
                    if outcome.status is WorkerStatus.FAILED:
                        await asyncio.sleep(RESTART_DELAY_S)
                    process = await self._spawn()
        finally:
            if process is not None:
                await _end(process)

    async def _ask(self, process: Process | None, job: _Job) -> WorkOutcome:
        if process is None:
            return _outcome(job, WorkerStatus.FAILED, "no worker process could be started")
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await _exchange(process, job.frame)
        except TimeoutError:
            await _end(process)
            return _outcome(job, WorkerStatus.TIMED_OUT, f"no answer in {self._timeout_s} s")
        except (OSError, EOFError, msgspec.DecodeError, _FramingError) as error:
            await _end(process)
            text = f"worker process ended ({process.returncode}): {type(error).__name__}"
            return _outcome(job, WorkerStatus.FAILED, text)
        except asyncio.CancelledError:
            self._fail(job, "the pool was stopped")
            raise
        if answer.request_id != job.request_id:
            await _end(process)
            text = f"answer to request {answer.request_id}, expected {job.request_id}"
            return _outcome(job, WorkerStatus.FAILED, text)
        if not answer.ok:
            return _outcome(job, WorkerStatus.FAILED, answer.error)
        return _outcome(job, WorkerStatus.DONE, result=bytes(answer.result))

    async def _spawn(self) -> Process | None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= dict.fromkeys(_SINGLE_THREAD, "1")
        environment[CORES] = self._cores
        environment["PYTHONPATH"] = os.pathsep.join(path or "." for path in sys.path)
        command = [sys.executable, "-P", "-m", "daemon.io.worker_main", *self.functions]
        self.started += 1
        with contextlib.suppress(OSError):  # out of processes or memory: the jobs fail
            return await create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment)
        return None

    def _fail(self, job: _Job, error: str) -> None:
        self._deliver(_outcome(job, WorkerStatus.FAILED, error))


class _FramingError(Exception):
    """The process does not keep to the framing."""


async def _exchange(process: Process, frame: bytes) -> WorkAnswer:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(frame)
    await process.stdin.drain()
    (size_bytes,) = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
    if size_bytes > FRAME_BYTES_MAX:
        raise _FramingError(f"answer of {size_bytes} bytes")
    content = await process.stdout.readexactly(size_bytes)
    return msgspec.json.decode(content, type=WorkAnswer)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()


def _outcome(
    job: _Job, status: WorkerStatus, error: str = "", *, result: bytes = b"null"
) -> WorkOutcome:
    return WorkOutcome(job.request_id, job.strategy, job.function, status, result, error)
