"""P8: a message from actor to actor, beside a bare deque with a dispatch by type."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Final

import msgspec

from daemon.runtime.mailbox import Dispatcher, Mailbox, Overflow
from tools.bench.rows import Row, row_of_runs, runs

HOPS: Final = 100_000
RUNS: Final = 7
GOAL_RATIO: Final = 1.2


class Ping(msgspec.Struct, frozen=True, gc=False):
    """To the one."""


class Pong(msgspec.Struct, frozen=True, gc=False):
    """To the other."""


class Player:
    """Answers every message with the other kind until so many were handled."""

    def __init__(self, name: str, answer: object, post: Callable[[Any], None]) -> None:
        self.name = name
        self.left = HOPS // 2
        self._answer = answer
        self._post = post

    def handle(self, _message: object) -> None:
        """One hop."""
        self.left -= 1
        if self.left > 0:
            self._post(self._answer)


def rows() -> list[Row]:
    """One row; dispatcher and floor take turns in the same seconds."""
    ours, bare = [], []
    for _ in range(runs(RUNS)):
        ours.append(_dispatcher_ns() / HOPS)
        bare.append(_bare_ns() / HOPS)
    row = row_of_runs(Row(id="P8", name="actor to actor, one hop", unit="ns"), ours)
    row.floor = sorted(bare)[len(bare) // 2]
    row.goal = GOAL_RATIO * row.floor
    return [row]


def _dispatcher_ns() -> int:
    def failed(_mailbox: Mailbox, error: Exception) -> None:
        raise error

    dispatcher = Dispatcher(failed)
    ping, pong = Player("ping", Pong(), dispatcher.post), Player("pong", Ping(), dispatcher.post)
    dispatcher.subscribe(Mailbox(ping, 64, Overflow.HALT), Ping)
    dispatcher.subscribe(Mailbox(pong, 64, Overflow.HALT), Pong)
    dispatcher.post(Ping())
    began = perf_counter_ns()
    dispatcher.run()
    took = perf_counter_ns() - began
    if ping.left + pong.left > 1:
        raise RuntimeError(f"{ping.left + pong.left} messages of {HOPS} were not handled")
    return took


def _bare_ns() -> int:
    queue: deque[object] = deque()
    ping, pong = Player("ping", Pong(), queue.append), Player("pong", Ping(), queue.append)
    handlers: dict[type, Callable[[Any], None]] = {Ping: ping.handle, Pong: pong.handle}
    queue.append(Ping())
    began = perf_counter_ns()
    while queue:
        message = queue.popleft()
        handlers[type(message)](message)
    return perf_counter_ns() - began
