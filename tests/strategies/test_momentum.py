"""The momentum taker: every way through its phases."""

from typing import Any

import pytest

from daemon.messages import NativeRule, SubmitOrder
from daemon.model import (
    BookState,
    DenyReason,
    Instrument,
    OrderFlag,
    Side,
    Signal,
    TimeInForce,
)
from daemon.strategy.testing import SECOND_NS, Simulation
from daemon.strategy.testing_views import SimulatedSignals
from strategies.momentum import Momentum, Phase, entry_side

X = Instrument.from_mapping(
    {"symbol": "X", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)


class Scene:
    """A started strategy with a book at 999/1001 and strong buying flow on demand."""

    def __init__(self, **changes: object) -> None:
        self.market = Simulation([X])
        parameters: dict[str, Any] = {"symbol": "X", "qty": 3, "target_ticks": 8, "stop_ticks": 5}
        self.strategy = self.market.start(Momentum, **(parameters | changes))

    def flow(self, flow: float, imbalance: float) -> None:
        self.market.set_signals("X", trade_flow=flow, imbalance=imbalance)

    def quote(self, bid: int, ask: int, qty: int = 9) -> None:
        self.market.quote("X", bid, qty, ask, qty)

    def long(self) -> None:
        self.flow(80.0, 0.6)
        self.quote(999, 1001)
        self.flow(0.0, 0.0)

    @property
    def phase(self) -> Phase:
        return self.strategy.state.phase

    @property
    def net_qty(self) -> int:
        return self.market.context.position("X").net_qty

    @property
    def submits(self) -> list[SubmitOrder]:
        return [intent for intent in self.market.sent if isinstance(intent, SubmitOrder)]


@pytest.mark.parametrize(
    ("flow", "imbalance", "side"),
    [
        (50.0, 0.3, Side.BUY),
        (49.9, 0.3, Side.NONE),
        (50.0, 0.29, Side.NONE),
        (-50.0, -0.3, Side.SELL),
        (-50.0, 0.3, Side.NONE),
        (float("nan"), 0.9, Side.NONE),
    ],
)
def test_flow_and_imbalance_must_agree(flow: float, imbalance: float, side: Side) -> None:
    signals = SimulatedSignals(trade_flow=flow, imbalance=imbalance)
    assert entry_side(signals, 50.0, 0.3) is side


def test_it_enters_with_the_flow_by_an_immediate_order_one_tick_beyond() -> None:
    scene = Scene()
    scene.quote(999, 1001)
    assert scene.submits == []
    scene.long()
    (order,) = scene.submits
    assert (order.side, order.qty, order.price) == (Side.BUY, 3, 1002)
    assert order.time_in_force is TimeInForce.IOC
    assert (scene.phase, scene.net_qty) == (Phase.HOLDING, 3)


def test_it_enters_short_too() -> None:
    scene = Scene()
    scene.flow(-80.0, -0.6)
    scene.quote(999, 1001)
    assert scene.net_qty == -3
    scene.flow(0.0, 0.0)
    scene.quote(989, 991)  # bought back at 991, 8 below 999
    assert (scene.phase, scene.net_qty) == (Phase.FLAT, 0)


@pytest.mark.parametrize(("bid", "left"), [(1008, False), (1009, True), (997, False), (996, True)])
def test_target_and_stop_are_exact_to_the_tick(bid: int, left: bool) -> None:
    scene = Scene()
    scene.long()  # at 1001
    scene.quote(bid, bid + 2)
    assert (scene.net_qty == 0) is left
    assert scene.phase is (Phase.FLAT if left else Phase.HOLDING)
    if left:
        assert scene.submits[-1].flags & OrderFlag.REDUCE_ONLY


def test_it_leaves_when_it_has_held_long_enough() -> None:
    scene = Scene(holding_s_max=10.0)
    scene.long()
    scene.market.advance(10 * SECOND_NS - 1)
    scene.quote(1000, 1002)
    assert scene.net_qty == 3
    scene.market.advance(1)
    scene.quote(1000, 1003)
    assert scene.net_qty == 0


def test_a_partial_exit_goes_on_whatever_the_price_does() -> None:
    scene = Scene()
    scene.long()
    scene.quote(1009, 1011, qty=1)
    assert (scene.phase, scene.net_qty) == (Phase.HOLDING, 2)
    scene.quote(1003, 1005)
    assert (scene.phase, scene.net_qty) == (Phase.FLAT, 0)


def test_a_partial_entry_is_held_and_managed() -> None:
    scene = Scene()
    scene.flow(80.0, 0.6)
    scene.quote(999, 1001, qty=1)
    assert (scene.phase, scene.net_qty) == (Phase.HOLDING, 1)
    scene.quote(996, 998)
    assert scene.net_qty == 0


def test_after_leaving_it_cools_down() -> None:
    scene = Scene(cooldown_s=5.0)
    scene.long()
    scene.quote(1009, 1011)
    scene.flow(80.0, 0.6)
    scene.quote(1009, 1012)
    assert scene.net_qty == 0
    scene.market.advance(5 * SECOND_NS)
    scene.quote(1009, 1011)
    assert scene.net_qty == 3


def test_a_denied_entry_returns_to_flat_and_waits() -> None:
    scene = Scene(cooldown_s=1.0)
    scene.market.deny_next(DenyReason.POSITION_MAX)
    scene.long()
    assert (scene.phase, scene.net_qty) == (Phase.FLAT, 0)
    scene.flow(80.0, 0.6)
    scene.quote(999, 1002)
    assert len(scene.submits) == 1
    scene.market.advance(SECOND_NS)
    scene.quote(999, 1001)
    assert scene.net_qty == 3


def test_a_denied_exit_is_tried_again_after_the_pause() -> None:
    scene = Scene(cooldown_s=1.0)
    scene.long()
    scene.market.deny_next(DenyReason.MESSAGE_RATE)
    scene.quote(1009, 1011)
    assert (scene.phase, scene.net_qty) == (Phase.HOLDING, 3)
    scene.market.advance(SECOND_NS)
    scene.quote(1004, 1006)  # no longer at target: it still leaves
    assert scene.net_qty == 0


def test_it_does_nothing_on_a_book_that_may_not_be_traded_on() -> None:
    scene = Scene()
    scene.market.set_book_state("X", BookState.GAPPED)
    scene.long()
    assert scene.submits == []


def test_the_core_can_enter_for_it() -> None:
    scene = Scene(native_entry=True, entry_flow=60.0)
    rule = scene.market.context.rules["enter"]
    assert isinstance(rule, NativeRule)
    assert (rule.signal, rule.threshold, rule.side) == (Signal.TRADE_FLOW, 60.0, Side.BUY)
    scene.long()
    assert scene.submits == []
    scene.market.fire_rule("enter")
    assert (scene.phase, scene.net_qty) == (Phase.HOLDING, 3)
    scene.market.change_parameters(entry_flow=70.0)
    assert scene.market.context.rules["enter"].threshold == 70.0
    scene.quote(996, 998)
    assert (scene.phase, scene.net_qty) == (Phase.FLAT, 0)


def test_a_restart_in_a_position_still_has_its_stop() -> None:
    scene = Scene()
    scene.long()
    scene.market.restart()
    scene.quote(996, 998)
    assert scene.net_qty == 0
