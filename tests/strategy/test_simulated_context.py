"""The simulated context keeps the contract of every context, and its venue its own promises."""

from decimal import Decimal

import pytest

from daemon.messages import Fill, NativeRule, SessionState
from daemon.model import Comparison, DenyReason, Instrument, OrderState, Side, Signal
from daemon.strategy import Level
from daemon.strategy.testing import Simulation
from tests.strategy.contract import ContextContract, Harness
from tests.strategy.recorders import Actor, Recorder, X, Y

HOUR_START_NS = 1_700_000_000_000_000_000 // 3_600_000_000_000 * 3_600_000_000_000


class TestSimulatedContext(ContextContract):
    """The contract."""

    def make(self) -> Harness:
        return Simulation([X, Y], seed=5, start_ns=HOUR_START_NS)


def test_a_denied_order_never_was() -> None:
    market = Simulation([X, Y])
    actor = market.start(Actor)
    market.deny_next(DenyReason.POSITION_MAX)
    market.quote("X", 99, 5, 101, 5)
    (denied,) = actor.denials
    assert (denied.order, denied.reason, denied.tag) == (actor.order, DenyReason.POSITION_MAX, 42)
    assert market.context.order(actor.order) is None
    assert market.context.cancel(actor.order) is False
    assert actor.orders == []


def test_a_resting_order_trades_at_its_own_price_when_crossed() -> None:
    market = Simulation([X, Y])
    actor = market.start(Actor)
    market.quote("X", 99, 5, 101, 5)
    market.quote("X", 97, 5, 98, 2)
    market.quote("X", 97, 5, 99, 9)
    assert [(f.last_px, f.last_qty, f.aggressor) for f in actor.fills] == [
        (100, 2, False),
        (100, 3, False),
    ]
    assert actor.orders[-1].state is OrderState.FILLED


def test_a_market_order_walks_the_levels() -> None:
    class Walker(Actor):
        price = None
        qty = 6

    market = Simulation([X, Y])
    walker = market.start(Walker)
    market.quote_levels("X", [Level(99, 1)], [Level(101, 2), Level(103, 3), Level(104, 9)])
    assert [(f.last_px, f.last_qty) for f in walker.fills] == [(101, 2), (103, 3), (104, 1)]
    assert market.context.position("X").avg_px == pytest.approx((202 + 309 + 104) / 6)


def test_positions_are_booked_by_average_cost_exactly() -> None:
    instrument = Instrument(
        symbol="X",
        venue="V",
        price_increment=Decimal("0.1"),
        qty_increment=Decimal("0.01"),
        multiplier=Decimal(10),
        money_scale=4,
    )
    position = Simulation([instrument]).context.positions["X"]
    trades = [(Side.BUY, 100, 3), (Side.BUY, 101, 1), (Side.SELL, 110, 2), (Side.SELL, 90, 5)]
    for side, px, qty in trades:
        position.book_fill(side, px, qty, 1)
    # Bought 4 at 100.25; sold 2 at 110 (+19.5), 2 at 90 (-20.5), then 3 short at 90.
    # One increment and lot is 0.1 × 0.01 × 10 = 0.01, that is 100 units of 10^-4.
    assert position.net_qty == -3
    assert position.avg_px == 90.0
    assert position.realised_pnl == -100
    assert position.fees == 4


def test_stopping_cancels_what_works() -> None:
    market = Simulation([X, Y])
    actor = market.start(Actor)
    market.quote("X", 99, 5, 101, 5)
    market.stop("enough")
    assert actor.orders[-1].state is OrderState.CANCELED
    assert market.context.working() == ()


def test_a_fill_is_seen_with_the_position_after_it() -> None:
    seen: list[tuple[int, int]] = []

    class Watcher(Actor):
        price = 101

        def on_fill(self, fill: Fill) -> None:
            seen.append((fill.position, self.context.position("X").net_qty))

    market = Simulation([X, Y])
    market.start(Watcher)
    market.quote("X", 99, 5, 101, 5)
    assert seen == [(5, 5)]


def test_sessions_come_and_go() -> None:
    class Watcher(Recorder):
        def on_start(self) -> None:
            super().on_start()
            self.logged_on: list[bool] = []

        def on_session(self, session: SessionState) -> None:
            self.logged_on.append(session.logged_on)

    market = Simulation([X, Y])
    watcher = market.start(Watcher)
    market.session(logged_on=False)
    market.session(logged_on=True)
    assert watcher.logged_on == [False, True]


def test_a_fired_rule_trades_at_the_touch_and_is_seen_as_a_fill() -> None:
    class Armed(Recorder):
        def on_start(self) -> None:
            super().on_start()
            self.context.arm_rule(
                NativeRule(
                    name="r",
                    symbol="X",
                    signal=Signal.OFI,
                    comparison=Comparison.BELOW,
                    threshold=-1.0,
                    side=Side.SELL,
                    qty=2,
                    max_position=2,
                    price_offset=1,
                )
            )

    market = Simulation([X, Y])
    armed = market.start(Armed)
    market.quote("X", 99, 5, 101, 5)
    market.fire_rule("r")
    assert [(f.side, f.last_px, f.last_qty, f.position) for f in armed.fills] == [
        (Side.SELL, 99, 2, -2)
    ]
