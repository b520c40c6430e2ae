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

from daemon.app.pace import Pace
from daemon.app.settings import CoreSettings
from daemon.core import Delivery, Live, LogWriter, Turns
from daemon.runtime.events import DELIVERED, MEMBERS

SECOND = 1_000_000_000
FEED_MOLD = 0
ROUNDS = 40  # of the loop, while nothing arrives


class Phase:
    """No strategies: a Python phase has nobody to tell."""

    def __init__(self, live: Live) -> None:
        self.direct = Delivery(
            live.core, DELIVERED, MEMBERS, [], [], lambda _mailbox, _error: None, []
        )
        self._core = live.core

    def go_on(self) -> None:
        self._core.take_events()
        self._core.end_turn()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "log").mkdir()
    log, _ = LogWriter.recover(str(tmp_path / "log"), 1 << 20)
    live = Live(log, None)
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

    def __init__(self, live: Live, settings: CoreSettings) -> None:
        self.live = live
        self.turns = Turns(live, Phase(live))
        self.port = free_port()
        live.add_feed(
            0, [("127.0.0.1", self.port, "")], None, None, 1 << 16, 0, True, SECOND, False
        )
        self.failure: Exception | None = None
        self.pace = Pace(live, self.turns, settings, self._turn, lambda: None, self._failed)
        self.pace.schedule()
        self.pace.start()

    def _turn(self) -> bool:
        self.turns.take(1, self.pace.spin_ns)
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
        before = self.live.stats
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        after = self.live.stats
        return after["turns"] - before["turns"], after["looks"] - before["looks"]

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


def settings(wait: str) -> CoreSettings:
    return msgspec.convert({"wait": wait, "spin_ns": 20_000}, CoreSettings)


def seen(live: Live, wait: str) -> tuple[int, int]:
    """Turns and looks of an idle time, behind which a datagram still arrives."""

    async def scenario() -> tuple[int, int]:
        day = Day(live, settings(wait))
        idle = await day.idle()
        await day.receives()
        day.pace.stop()
        return idle

    return uvloop.run(scenario())


FEW = 2  # for the time that passes, and for what the loop was told before


def test_parked_it_neither_turns_nor_looks_while_nothing_arrives(live: Live) -> None:
    assert sum(seen(live, "park")) <= FEW


def test_spinning_it_looks_again_and_again_and_the_loop_has_its_turns(live: Live) -> None:
    turns, looks = seen(live, "spin")
    assert turns <= FEW
    assert looks >= ROUNDS // 2


def test_spin_then_park_looks_and_sleeps(live: Live) -> None:
    before = live.stats["looks"]
    turns, looks = seen(live, "spin_then_park")
    assert turns + looks <= FEW * 100  # each awakening is followed by 20 us of looks
    assert live.stats["looks"] > before


def test_only_what_found_something_is_a_turn_and_measured(live: Live) -> None:
    turns = Turns(live, Phase(live))
    while turns.take():  # what the start left
        pass
    before, measured = live.stats, turns.native.count
    turns.take(1, 1_000_000)
    after = live.stats
    assert after["looks"] - before["looks"] > 10
    assert turns.native.count - measured == after["turns"] - before["turns"] <= 2


def test_a_look_lasts_as_long_as_it_may_and_no_longer_than_the_loop_allows(live: Live) -> None:
    async def scenario() -> tuple[bool, int]:
        loop = asyncio.get_running_loop()
        live.watch_loop(loop._get_backend_id())  # type: ignore[attr-defined]  # uvloop's own
        turns = Turns(live, Phase(live))
        while turns.take():  # what the start left
            pass
        before = live.clock_now()
        turns.take(1, 3_000_000)
        return turns.idle, live.clock_now() - before

    idle, took_ns = uvloop.run(scenario())
    assert idle
    assert took_ns >= 3_000_000
