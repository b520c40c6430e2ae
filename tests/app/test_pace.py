"""How the core's thread waits: a live core on loopback sockets, turned by the real loop."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import uvloop

from daemon.app.pace import TAKES_PER_CALLBACK, Pace
from daemon.app.settings import CoreSettings
from daemon.core import Live, LogWriter

SECOND = 1_000_000_000
FEED_MOLD = 0
ROUNDS = 40  # of the loop, while nothing arrives


class Looking(Live):
    """Counts what is asked of it; all else is the core's."""

    turns = 0
    looks = 0

    def drain(self) -> bool:
        self.turns += 1
        return super().drain()

    def wait(self, mode: int, spin_ns: int, timeout_ns: int, /) -> int:
        self.looks += 1
        return super().wait(mode, spin_ns, timeout_ns)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Looking]:
    (tmp_path / "log").mkdir()
    log, _ = LogWriter.recover(str(tmp_path / "log"), 1 << 20)
    live = Looking(log, None)
    live.core.define_feed(0, FEED_MOLD, 0)
    live.append_epoch(1, 1, "{}")
    yield live
    log.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def datagram(sequence: int) -> bytes:
    """MoldUDP64 with one message that no book knows."""
    return b"S1        " + struct.pack(">QHH", sequence, 1, 1) + b"?"


class Day:
    """A pace over a live core with one feed, for as long as a test looks."""

    def __init__(self, live: Looking, settings: CoreSettings) -> None:
        self.live = live
        self.port = free_port()
        live.add_feed(
            0, [("127.0.0.1", self.port, "")], None, None, 1 << 16, 0, True, SECOND, False
        )
        self.failure: Exception | None = None
        self.pace = Pace(live, settings, self._turn, lambda: None, self._failed)
        self.pace.schedule()
        self.pace.start()

    def _turn(self) -> bool:
        self.live.drain()
        return False

    def _failed(self, error: Exception) -> None:
        self.failure = error

    async def settled(self) -> None:
        """Until nothing is left of the start: two rounds of the loop without a look."""
        for _ in range(3):
            await asyncio.sleep(0.01)

    async def idle(self) -> tuple[int, int]:
        """Turns and looks in so many rounds of the loop, while nothing arrives."""
        await self.settled()
        before = (self.live.turns, self.live.looks)
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        return self.live.turns - before[0], self.live.looks - before[1]

    async def receives(self) -> None:
        """A datagram is taken while the loop sleeps or spins, whatever it does."""
        before = self.live.stats["market_inputs"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as venue:
            venue.sendto(datagram(1), ("127.0.0.1", self.port))
        for _ in range(1000):
            await asyncio.sleep(0.001)
            if self.live.stats["market_inputs"] > before:
                break
        assert self.live.stats["market_inputs"] > before
        assert self.failure is None


def settings(wait: str, bypass: str | None = None) -> CoreSettings:
    given = {"wait": wait, "spin_ns": 20_000, "kernel_bypass": bypass}
    return msgspec.convert(given, CoreSettings)


def seen(live: Looking, how: CoreSettings) -> tuple[int, int]:
    """Turns and looks of an idle time, behind which a datagram still arrives."""

    async def scenario() -> tuple[int, int]:
        day = Day(live, how)
        idle = await day.idle()
        await day.receives()
        day.pace.stop()
        return idle

    return uvloop.run(scenario())


def test_parked_it_neither_turns_nor_looks_while_nothing_arrives(live: Looking) -> None:
    assert seen(live, settings("park")) == (0, 0)
    assert live.looks == 0


def test_spinning_it_looks_again_and_again_and_the_loop_has_its_turns(live: Looking) -> None:
    turns, looks = seen(live, settings("spin"))
    assert turns >= ROUNDS // 2
    assert looks >= ROUNDS // 2


def test_spin_then_park_looks_once_and_sleeps(live: Looking) -> None:
    assert seen(live, settings("spin_then_park")) == (0, 0)
    assert live.looks > 0


def test_beside_the_kernel_every_look_is_a_turn(live: Looking) -> None:
    turns, looks = seen(live, settings("spin", "libc"))
    assert turns >= ROUNDS * TAKES_PER_CALLBACK // 2
    assert looks == 0


def test_a_look_lasts_as_long_as_it_may_and_no_longer_than_the_loop_allows(live: Looking) -> None:
    async def scenario() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        live.watch_loop(loop._get_backend_id())  # type: ignore[attr-defined]  # uvloop's own
        before = live.clock_now()
        woken = live.wait(1, 3_000_000, 3_000_000)
        return woken, live.clock_now() - before

    woken, took_ns = uvloop.run(scenario())
    assert woken == 0
    assert took_ns >= 3_000_000
