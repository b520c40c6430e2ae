"""Own orders' places through a day of the exchange: exact, and the same when the log runs again."""

from __future__ import annotations

import itertools
from pathlib import Path

from daemon.model import QueueState
from tests.days.day import Day, frames, pitwire

RESTING = '''\
from daemon.messages import BookUpdate
from daemon.model import Side
from daemon.strategy import Parameters, State, Strategy


class Nothing(Parameters, frozen=True, kw_only=True):
    """No parameters."""


class Memory(State):
    """None."""


class Resting(Strategy[Nothing, Memory]):
    """Joins the best bid, and says where it stands whenever the book changed."""

    def on_start(self) -> None:
        self.context.subscribe("CRUX")
        self.book = self.context.book("CRUX")

    def on_restore(self) -> None:
        self.book = self.context.book("CRUX")

    def on_book(self, update: BookUpdate) -> None:
        working = self.context.working()
        if not working and self.book.bid_qty:
            self.context.submit("CRUX", Side.BUY, 1, self.book.bid_px)
        for order in working:
            place = f"{int(order.queue)} {order.queue_ahead} {order.orders_ahead}"
            self.context.note(f"{order.order} {place}")
            if order.price < self.book.bid_px - 1:
                self.context.cancel(order.order)
'''
SETTINGS = {
    "strategy.pair.class": "resting_strategy:Resting",
    "strategy.pair.instruments": '["CRUX"]',
    "strategy.pair.parameters": "{}",
    "checkpoint.every_records": 500,
}
PAIR = 2  # its place


def places(log: Path) -> list[tuple[str, QueueState, str, str]]:
    """Order, state, quantity and orders ahead, as the strategy noted them."""
    notes = [frame for frame in frames(log, "NOTE") if frame.fields()["strategy"] == PAIR]
    words = [frame.tail.rstrip(b"\0").decode().split() for frame in notes]
    return [(order, QueueState(int(state)), qty, count) for order, state, qty, count in words]


def test_a_days_places_are_exact_fall_and_run_again_from_log_and_checkpoint(
    tmp_path: Path,
) -> None:
    (tmp_path / "resting_strategy.py").write_text(RESTING)
    with Day(tmp_path, SETTINGS, python_path=tmp_path) as day:
        day.until_ready()
        day.until("50 places", lambda: len(places(day.log)) >= 50)
        day.until_logged("CHECKPOINT")
        day.kill()
        day.until_ready(epoch=2)
        before = len(places(day.log))
        day.until("50 more", lambda: len(places(day.log)) >= before + 50)
        assert day.stop() == 0, day.errors
    noted = places(day.log)
    exact = [(order, int(qty)) for order, state, qty, _ in noted if state is QueueState.EXACT]
    assert len(exact) > len(noted) // 2
    assert QueueState.ESTIMATED not in {state for _, state, _, _ in noted}
    for (order, qty), (after, later) in itertools.pairwise(exact):
        assert order != after or later <= qty, "nothing comes in front of a resting order"
    assert len({qty for _, qty in exact}) > 1
    for words in ([], ["--from-checkpoint"]):
        result = pitwire("replay", str(day.log), *words)
        assert result.returncode == 0, result.stdout + result.stderr
