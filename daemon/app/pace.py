"""When turns are taken: as soon as there is work, and as configured while there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from daemon.app.settings import CoreSettings
from daemon.core import Live, Turns

WAIT_MODES: Final = {"park": 0, "spin": 1, "spin_then_park": 2}  # core.WaitMode
TAKES_PER_CALLBACK: Final = 8  # before other work of the loop gets its chance


class Pace:
    """Calls `take` on the running loop, for some turns, until it says that they were the last.

    | wait           | while there is no work                                                  |
    |----------------|-------------------------------------------------------------------------|
    | park           | the loop sleeps until a socket, a thread or a deadline wakes it         |
    | spin           | `take` looks for `spin_ns`, the loop has its turn: a core for good      |
    | spin_then_park | `take` looks for `spin_ns`, then as park                                |

    `take` is to take `turns`, with `spin_ns` of this. A look is a turn that may find nothing: so it
    also sees sockets that a library has taken out of the kernel (`kernel_bypass`). It ends when the
    loop has something to do.

    `between` is called after some of them, when nothing is held up; `failed` with what a turn
    raised.
    """

    def __init__(
        self,
        live: Live,
        turns: Turns,
        settings: CoreSettings,
        take: Callable[[], bool],
        between: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._live, self._turns, self._settings = live, turns, settings
        self.spin_ns = 0 if settings.wait == "park" else settings.spin_ns
        self._take, self._between, self._failed = take, between, failed
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._scheduled = False
        self._over = False

    def schedule(self) -> None:
        """Take turns soon; called as often as one likes."""
        if self._scheduled or self._over:
            return
        self._scheduled = True
        self._loop.call_soon(self._take_turns)

    def start(self) -> None:
        """From now on also when a socket has something."""
        self._loop.add_reader(self._live.epoll_fd, self.schedule)
        # uvloop's epoll set; asyncio knows none.
        self._live.watch_loop(self._loop._get_backend_id())  # type: ignore[attr-defined]  # uvloop

    def stop(self) -> None:
        """No more turns by itself."""
        self._over = True
        self._loop.remove_reader(self._live.epoll_fd)
        self._forget_timer()

    def _take_turns(self) -> None:
        try:
            self._take_some_turns()
        except Exception as error:
            self._over = True
            self._failed(error)

    def _take_some_turns(self) -> None:
        self._scheduled = False
        self._live.disarm()
        self._forget_timer()
        for _ in range(TAKES_PER_CALLBACK):
            if self._over or self._take():
                self._over = True
                return
            if self._turns.idle:
                break
        self._between()
        if self._settings.wait == "spin" or self._live.busy or not self._live.arm():
            self.schedule()
            return
        delay = self._live.until_due_ns() / 1e9
        self._timer = self._loop.call_later(delay, self.schedule)

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
