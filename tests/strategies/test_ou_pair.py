"""The Ornstein-Uhlenbeck pair in a simulated market; its fit is the real function's."""

from typing import Any

import pytest

from daemon.model import BookState, DenyReason, Instrument, WorkerStatus
from daemon.strategy.testing import SECOND_NS, Simulation
from strategies.ou_fit import fit
from strategies.ou_pair import FIT, Levels, OuPair

A = Instrument.from_mapping(
    {"symbol": "A", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)
B = Instrument.from_mapping(
    {"symbol": "B", "venue": "V", "price_increment": "0.05", "qty_increment": "1"}
)
# A at 100.00 is 10,000 increments, B at 50.00 is 1,000; X = A/100 - 0.5·B/50 = 0.5 there.
LEVELS: dict[str, Any] = {
    "beta": 0.5,
    "first": 100.0,
    "second": 50.0,
    "enter_above": 0.45,
    "enter_below": 0.48,
    "exit": 0.52,
    "stop": 0.44,
    "theta": 0.5,
    "half_life": 1.0,
}


class Scene:
    """A started pair; `quote` sets the mids of both legs in increments, 1 increment either way."""

    def __init__(self, **changes: object) -> None:
        self.market = Simulation([A, B])
        parameters: dict[str, object] = {"first": "A", "second": "B", "qty": 10, "window": 20}
        self.strategy = self.market.start(OuPair, **(parameters | changes))

    def quote(self, a: int, b: int = 1_000, qty: int = 100) -> None:
        self.market.quote("B", b - 1, qty, b + 1, qty)
        self.market.quote("A", a - 1, qty, a + 1, qty)

    def sample(self, count: int, a: int = 10_000) -> None:
        for i in range(count):
            self.quote(a + i % 2)
            self.market.advance(SECOND_NS)

    def fitted(self, **changes: object) -> None:
        self.sample(20)
        self.market.answer_worker(self.open_request, LEVELS | changes)

    @property
    def open_request(self) -> int:
        (request,) = self.market.venue.requests
        return request

    @property
    def positions(self) -> tuple[int, int]:
        context = self.market.context
        return context.position("A").net_qty, context.position("B").net_qty


def test_it_asks_for_a_fit_when_it_has_enough_equally_spaced_samples() -> None:
    scene = Scene(sample_s=1.0, unit_s=3600.0)
    scene.sample(19)
    assert scene.market.venue.requests == {}
    scene.sample(1)
    request = scene.market.venue.requests[scene.open_request]
    assert request.function == FIT
    assert len(request.payload["first"]) == len(request.payload["second"]) == 20
    assert request.payload["first"][:2] == [pytest.approx(100.0), pytest.approx(100.01)]
    assert request.payload["second"][-1] == pytest.approx(50.0)
    assert request.payload["dt"] == pytest.approx(1 / 3600)


def test_a_gap_in_the_books_starts_the_samples_again() -> None:
    scene = Scene()
    scene.sample(15)
    scene.market.set_book_state("A", BookState.STALE)
    scene.market.advance(SECOND_NS)
    scene.market.set_book_state("A", BookState.LIVE)
    scene.sample(19)
    assert scene.market.venue.requests == {}
    scene.sample(1)
    assert len(scene.market.venue.requests) == 1


def test_one_request_at_a_time_and_the_next_after_the_interval() -> None:
    scene = Scene(refit_s=30.0)
    scene.sample(60)
    first = scene.open_request
    scene.market.answer_worker(first, LEVELS)
    scene.sample(1)
    assert scene.open_request == first + 1
    scene.market.answer_worker(first + 1, LEVELS)
    scene.sample(29)
    assert scene.market.venue.requests == {}
    scene.sample(1)
    assert scene.open_request == first + 2


def test_it_buys_the_portfolio_within_the_entry_levels_and_sells_it_at_the_exit() -> None:
    scene = Scene()
    scene.fitted()
    scene.quote(9_900)  # X = 0.49: too dear
    assert scene.positions == (0, 0)
    scene.quote(9_700)  # X = 0.47
    assert scene.positions == (10, -10)  # 10 · 0.5 · 100 / 50 lots of B
    scene.market.advance(SECOND_NS)
    scene.quote(10_100)  # X = 0.51: not yet
    assert scene.positions == (10, -10)
    scene.quote(10_200)
    assert scene.positions == (0, 0)
    assert scene.market.context.position("A").realised_pnl > 0


def test_below_the_lower_entry_level_it_does_not_buy() -> None:
    scene = Scene()
    scene.fitted()
    scene.quote(9_450)
    assert scene.positions == (0, 0)


def test_the_stop_loss_closes_both_legs() -> None:
    scene = Scene()
    scene.fitted()
    scene.quote(9_700)
    scene.market.advance(SECOND_NS)
    scene.quote(9_390)
    assert scene.positions == (0, 0)


def test_an_open_position_keeps_the_levels_it_was_opened_under() -> None:
    scene = Scene(refit_s=1.0)
    scene.fitted()
    scene.quote(9_700)
    scene.market.advance(SECOND_NS)
    scene.market.answer_worker(scene.open_request, LEVELS | {"exit": 0.40, "stop": 0.1})
    scene.quote(9_800)
    assert scene.positions == (10, -10)


def test_an_old_fit_opens_nothing() -> None:
    scene = Scene(fit_age_s_max=10.0, refit_s=1000.0)
    scene.fitted()
    scene.market.advance(10 * SECOND_NS + 1)
    scene.quote(9_700)
    assert scene.positions == (0, 0)


def test_a_failed_fit_is_noted_and_the_old_levels_stay() -> None:
    scene = Scene(refit_s=1.0)
    scene.fitted()
    scene.sample(1)
    scene.market.answer_worker(scene.open_request, None, WorkerStatus.TIMED_OUT, "no answer")
    assert scene.market.context.notes == ["fit TIMED_OUT: no answer"]
    scene.quote(9_700)
    assert scene.positions == (10, -10)


def test_a_leg_that_is_short_of_quantity_is_completed_later() -> None:
    scene = Scene(retry_s=0.5)
    scene.fitted()
    scene.quote(9_700, qty=4)
    assert scene.positions == (4, -4)
    scene.quote(9_700, qty=6)  # too early
    assert scene.positions == (4, -4)
    scene.market.advance(SECOND_NS // 2)
    scene.quote(9_700, qty=50)
    assert scene.positions == (10, -10)


def test_a_denied_leg_is_tried_again() -> None:
    scene = Scene()
    scene.fitted()
    scene.market.deny_next(DenyReason.MESSAGE_RATE)
    scene.quote(9_700)
    assert scene.positions == (0, -10)
    scene.market.advance(SECOND_NS)
    scene.quote(9_700)
    assert scene.positions == (10, -10)


def test_a_restart_keeps_samples_levels_and_position() -> None:
    scene = Scene()
    scene.fitted()
    scene.quote(9_700)
    before = scene.strategy.checkpoint()
    restarted = scene.market.restart()
    assert restarted.checkpoint() == before
    assert restarted.state.held == Levels(**{k: LEVELS[k] for k in Levels.__struct_fields__})
    scene.market.advance(SECOND_NS)
    scene.quote(10_200)
    assert scene.positions == (0, 0)


def test_its_request_is_one_that_the_fit_understands() -> None:
    scene = Scene(window=200, cost=0.0001)
    x, seed = 0.0, 12345
    for _ in range(200):  # a mean-reverting A beside a still B, from a small generator
        seed = (seed * 1103515245 + 12345) % 2**31
        x = 0.7 * x + (seed / 2**31 - 0.5) * 40
        scene.quote(10_000 + round(x))
        scene.market.advance(SECOND_NS)
    request = scene.market.venue.requests[scene.open_request]
    scene.market.answer_worker(request.request_id, fit(request.payload))
    levels = scene.strategy.state.levels
    assert levels is not None
    assert levels.stop < levels.enter_above < levels.enter_below < levels.exit
    assert levels.first == request.payload["first"][0]
