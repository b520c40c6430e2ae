"""One seed's daemon and its venue: traded, ended at points, started again, compared.

Time is ours. A step moves what is on its way (or leaves it there a little longer), lets the venue
act, wakes the strategy, and takes the daemon's turns. The log is synced at its end, so that
everything of the step that may leave has left; what left is on its way to the venue.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from daemon.actors.reconciliation import SessionPhase
from daemon.app.history import history_of
from daemon.app.replaying import ReplayRun
from daemon.core import NativeOrder, OrderState, Side
from daemon.log import Frame, LogReader
from daemon.runtime.events import NO_ID
from tests.crash import images
from tests.crash.images import Crash
from tests.crash.points import Point, Stop, kind_of
from tests.crash.process import Process, Wire, configuration_of
from tests.crash.venue import ALIVE, MESSAGE, Trade, Venue

START_NS = 1_767_600_000_000_000_000
STEP_NS_MAX = 100_000_000
STEPS_MAX = 4_000
SETTLE_STEPS_MAX = 600
ATTEMPTS_MAX = 60


class Sent(NamedTuple):
    """A message that the socket took, and the FIX_TX that it is."""

    sequence: int
    content: bytes


class Working(NamedTuple):
    """An order that trades, as both sides have it."""

    cl_ord_id: int
    side: Side
    price: int
    qty: int
    cum_qty: int


class Life:
    """`power`: each crash is the host's. `awaited`: what is sent awaits the disk."""

    def __init__(self, root: Path, seed: int, power: bool, awaited: bool) -> None:
        self._chance = random.Random(seed)
        self._power = power
        self._awaited = awaited
        self._log = root / "log"
        self._configuration = configuration_of(root, seed, "awaited" if awaited else "group")
        self._now = START_NS
        self._updates = 0
        self._wire = Wire(root / "venue.sock")
        self.venue = Venue(random.Random(seed + 1))
        self.crashes = 0
        self.lost = 0  # orders of the venue that no log had any more
        self._synced = 0  # the log was durable up to here before this step
        self._begin()

    def close(self) -> None:
        """The end of the daemon, in order of nothing."""
        self._wire.close()
        self._process.dispose()

    # ------------------------------------------------------------------ one step

    def _begin(self) -> list[Frame]:
        """A process starts; its frames."""
        self._process = Process(self._configuration, self._now)
        recovered = self._process.recovered
        before = 0
        if recovered is not None:
            before = recovered.last_sequence
            assert recovered.replayed or not self._process.frames(["TURN_END"])
        self._reader = LogReader(self._log, committed=True, from_sequence=before + 1)
        self._unsent: deque[Sent] = deque()
        self._flight: list[Sent] = []
        self._bytes = b""
        self._needs_book = True
        self._synced = before
        self._was_armed = False
        return self._new_frames()

    def _new_frames(self) -> list[Frame]:
        found = list(self._reader)
        for frame in found:
            if kind_of(frame).startswith("FIX_TX"):
                self._unsent.append(Sent(frame.sequence, frame.tail))
        return found

    def _step(self, trading: bool) -> list[Frame]:
        """The frames that it added."""
        self._now += self._chance.randint(1, STEP_NS_MAX)
        self._to_venue()
        self._to_daemon(trading)
        if trading or self._chance.random() < 0.3:
            self._process.market(self._updates, self._needs_book)
            self._needs_book = False
            self._updates += 1
        self._synced = self._process.last_sequence
        self._process.sync()
        self._process.turn(self._now)
        self._process.sync()
        self._process.turn(self._now)
        frames = self._new_frames()
        if not self._wire.connected and self._wire.accept():
            self._bytes = b""
            self.venue.connected(self._now)
        self._take_what_left()
        return frames

    def _to_venue(self, at_once: bool = False) -> None:
        if not at_once and self._chance.random() < 0.3:
            return
        for each in self._flight:
            self.venue.received(self._now, each.content)
        self._flight.clear()

    def _to_daemon(self, trading: bool) -> None:
        if not self._wire.connected:
            return
        self.venue.time(self._now)
        if trading:
            self.venue.act(self._now)
        if self._chance.random() < 0.3:
            return
        for each in self.venue.out:
            self._wire.write(each)
        self.venue.out.clear()

    def _take_what_left(self) -> None:
        if not self._wire.connected:
            return
        found, ended = self._wire.read()
        self._bytes += found
        for content in MESSAGE.findall(self._bytes):
            while self._unsent[0].content != content:
                self._unsent.popleft()  # of a connection that had ended
            self._flight.append(self._unsent.popleft())
        self._bytes = MESSAGE.sub(b"", self._bytes)
        if ended:
            self._to_venue(at_once=True)
            self._wire.drop()
            self.venue.disconnected(self._now)

    # ------------------------------------------------------------------ to a point, and over it

    def crash_at(self, point: Point, got: bool) -> None:
        """End the process exactly there; start it again; compare."""
        for _ in range(ATTEMPTS_MAX):
            if self._reaches(point, got):
                self._settle()
                return
        raise AssertionError(f"never came to: {point.name}")

    def _reaches(self, point: Point, got: bool) -> bool:
        if not point.starting:
            for _ in range(STEPS_MAX):
                if self._ends_at(point, got, self._step(trading=True)):
                    return True
            return False
        # Reports that nobody has read are what a resend is made of.
        frames: list[Frame] = []
        for _ in range(self._chance.randint(5, 20)):
            frames = self._step(trading=True) or frames
        last = frames[-1].sequence
        self._end(Crash(last), got=self._chance.random() < 0.5, left=last)
        if self._ends_at(point, got, self._begin()):
            return True
        return self._settle(point, got)

    def _settle(self, point: Point | None = None, got: bool = True) -> bool:
        """Steps until the daemon arms; it must be equal then. True where it was ended before."""
        if point is None:
            self._begin()
        for _ in range(SETTLE_STEPS_MAX):
            frames = self._step(trading=False)
            kinds = [kind_of(frame) for frame in frames]
            armed = kinds.index("RISK_STATE armed") if "RISK_STATE armed" in kinds else len(kinds)
            early = {"FIX_TX D", "FIX_TX D kept", "FIX_TX G"} & set(kinds[:armed])
            assert not early, f"{early} before anything was compared"
            if armed < len(kinds):
                self.assert_equal(frames[armed:])
            if point is not None and self._ends_at(point, got, frames):
                return True
            if armed < len(kinds):
                return False
            assert not self._process.armed
            self._operate()
        raise AssertionError(f"not armed: {self._process.wiring.firm.phases}")

    def _operate(self) -> None:
        """Only orders that the log has lost are a difference; an operator accepts those."""
        firm = self._process.wiring.firm
        (comparison,) = firm.comparisons.values()
        if comparison.phase is not SessionPhase.DIFFERS:
            return
        found = comparison.differences
        assert self._power, found
        assert not self._awaited, found
        assert {(each.kind, each.what) for each in found} == {("order", "missing")}, found
        asked = {f.fields()["cl_ord_id"] for f in self._process.frames(["ORDER_SUBMITTED"])}
        for each in found:
            assert self.venue.knows(int(each.subject, 16))
            assert int(each.subject, 16) not in asked
        self.lost += len(found)
        self._process.accept(comparison.report)

    def _ends_at(self, point: Point, got: bool, frames: list[Frame]) -> bool:
        found = [frame for frame in frames if kind_of(frame) == point.kind]
        if not found:
            return False
        at = self._chance.choice(found).sequence
        last = at - 1 if point.stop in (Stop.BEFORE, Stop.WITHIN) else at
        half = point.kind == "CHECKPOINT" and point.stop is Stop.WITHIN
        durable = self._chance.randint(min(self._synced, last), last)
        # What was synced ends with a frame: a start leaves a gap in the numbers.
        numbers = [self._synced, *(frame.sequence for frame in frames)]
        durable = max(number for number in numbers if number <= durable)
        # The file is there before its record is.
        there = at - 1 if half else last + 1
        crash = Crash(
            last,
            torn=point.stop is Stop.WITHIN and not half,
            begun=point.stop is not Stop.BARE,
            durable=durable if self._power else None,
            checkpoints={
                frame.tail.rstrip(b"\0").decode(): frame.sequence <= there
                for frame in frames
                if kind_of(frame) == "CHECKPOINT"
            },
            half=half,
        )
        self._end(crash, got, left=at - 1 if point.stop is Stop.HELD else last)
        return True

    def _end(self, crash: Crash, got: bool, left: int) -> None:
        """`left`: what was logged behind it has not left. Of what was on its way all arrives, or
        not the last and perhaps more."""
        self.crashes += 1
        if crash.durable is not None and self._awaited:
            left = min(left, crash.durable)
        self._take_what_left()
        flight = [each for each in self._flight if each.sequence <= left]
        arrives = len(flight) if got else self._chance.randrange(max(1, len(flight)))
        for each in flight[:arrives]:
            self.venue.received(self._now, each.content)
        self.venue.disconnected(self._now)
        self._wire.drop()
        while self._wire.accept():  # it had called and was not heard
            self._wire.drop()
        live = images.read(self._log)
        self._process.dispose()
        shutil.rmtree(self._log)
        images.store(images.after(crash, live, self._chance), self._log)

    # ------------------------------------------------------------------ both sides

    def assert_equal(self, behind: Sequence[Frame] = ()) -> None:
        """Each order and each trade of both sides; `behind` are frames that came behind it."""
        core = self._process.live.core
        assert self.venue.duplicates == [], self.venue.duplicates
        assert core.orders_unknown == 0, core.orders_unknown
        ours = Counter(_trade(frame) for frame in self._process.frames(["FILL"]))
        theirs = Counter(self.venue.trades)
        assert ours == theirs, f"ours beyond: {ours - theirs}, missing: {theirs - ours}"
        position = core.position(NO_ID, 0).net_qty
        assert position == self.venue.position, f"position {position}, {self.venue.position} there"
        cash = self._cash()
        assert cash == self.venue.cash, f"cash {cash}, {self.venue.cash} there"
        new = {f.fields()["cl_ord_id"] for f in behind if f.name == "ORDER_SUBMITTED"}
        # Of an iceberg the venue has a slice, of what is held it has nothing.
        working = {
            Working(each.cl_ord_id, Side(each.side), each.price, *_there(each))
            for each in core.working(None, None)
            if each.cl_ord_id not in new and each.state != OrderState.HELD
        }
        there = {
            Working(each.cl_ord_id, each.side, each.price, each.qty, each.cum_qty)
            for each in self.venue.orders
            if each.status in ALIVE
        }
        assert working == there, f"ours alone: {working - there}, theirs: {there - working}"

    def _cash(self) -> int:
        """Of our books: what was realised, without what the position cost."""
        position = self._process.live.core.position(NO_ID, 0)
        cost = position.avg_px * position.net_qty if position.net_qty else 0.0
        return round(position.realised_pnl / 100 - cost)

    def assert_replays(self) -> None:
        """Every part of the log, every output."""
        self._process.sync()
        for part in history_of(self._log).parts:
            outcome = ReplayRun.of_part(self._log, part).finish()
            assert outcome.identical, outcome.divergence


def _there(order: NativeOrder) -> tuple[int, int]:
    return order.slice or (order.order_qty, order.cum_qty)


def _trade(frame: Frame) -> Trade:
    fields = frame.fields()
    exec_id = bytes(fields["exec_id"]).rstrip(b"\0").decode()
    return Trade(exec_id, Side(fields["side"]), fields["last_px"], fields["last_qty"])
