"""What every Context promises, as tests: the simulated one passes them and the real one must.

Derive from `ContextContract` in a test module and implement `make`. The harness hides how
inputs reach the context; `advance` also lets the venue answer. What a test asks of the context
outside a handler takes effect before the next input.
"""

import contextlib
import math
from typing import Any, Protocol, TypeVar

import pytest

from daemon.messages import (
    Bar,
    NativeRule,
)
from daemon.model import (
    BookState,
    Comparison,
    OrderEvent,
    OrderState,
    Side,
    Signal,
    TimeInForce,
    WorkerStatus,
)
from daemon.strategy import Context, Strategy
from tests.strategy.recorders import Actor, Failing, Nothing, Recorder

SECOND_NS = 1_000_000_000
A = TypeVar("A", bound=Strategy[Any, Any])


class Harness(Protocol):
    """One strategy on one context over instruments X and Y, with a market that a test moves."""

    @property
    def context(self) -> Context: ...
    def start(self, strategy: type[A], **parameters: object) -> A: ...
    def restart(self) -> Strategy[Any, Any]: ...
    def change_parameters(self, **changes: object) -> None: ...
    def quote(self, symbol: str, bid_px: int, bid_qty: int, ask_px: int, ask_qty: int) -> None: ...
    def trade(self, symbol: str, price: int, qty: int, aggressor: Side = ...) -> None: ...
    def advance(self, duration_ns: int) -> None: ...
    def answer_worker(self, request_id: int, result: object) -> None: ...


def settle(harness: Harness) -> None:
    """Enough time for the venue to answer what it was sent."""
    for _ in range(3):
        harness.advance(SECOND_NS)


class ContextContract:
    """The promises. `make` gives a new harness, its clock at a whole multiple of an hour."""

    def make(self) -> Harness:
        raise NotImplementedError

    # ------------------------------------------------------------------ views

    def test_a_book_view_is_live_and_refuses_writes(self) -> None:
        harness = self.make()
        book = harness.context.book("X")
        assert (book.bid_qty, book.ask_qty) == (0, 0)
        assert math.isnan(book.mid)
        assert book.state is BookState.EMPTY
        harness.quote("X", 100, 3, 103, 1)
        assert (book.bid_px, book.bid_qty, book.ask_px, book.ask_qty) == (100, 3, 103, 1)
        assert (book.mid, book.spread, book.state) == (101.5, 3, BookState.LIVE)
        assert book.microprice == pytest.approx((100 * 1 + 103 * 3) / 4)
        assert [tuple(level) for level in book.levels(Side.SELL, 5)] == [(103, 1)]
        with pytest.raises(AttributeError):
            book.bid_px = 1  # type: ignore[misc]  # the promise under test

    def test_position_order_and_signal_views_refuse_writes(self) -> None:
        harness = self.make()
        with pytest.raises(AttributeError):
            harness.context.position("X").net_qty = 1  # type: ignore[misc]  # under test
        with pytest.raises(AttributeError):
            harness.context.signals("X").mid = 1.0  # type: ignore[misc]  # under test

    def test_unknown_symbols_are_key_errors(self) -> None:
        context = self.make().context
        for ask in (context.book, context.signals, context.position, context.instrument):
            with pytest.raises(KeyError):
                ask("NOPE")
        with pytest.raises(KeyError):
            context.subscribe("NOPE")

    # ------------------------------------------------------------------ subscriptions

    def test_only_what_is_subscribed_arrives(self) -> None:
        harness = self.make()
        recorder = harness.start(Recorder)
        harness.quote("X", 100, 1, 101, 1)
        assert recorder.books == []
        harness.context.subscribe("X", every_update=True)
        harness.quote("X", 100, 2, 101, 1)
        harness.quote("Y", 50, 1, 51, 1)
        assert [update.symbol for update in recorder.books] == ["X"]
        harness.context.subscribe_trades("Y")
        harness.trade("X", 101, 1, Side.BUY)
        harness.trade("Y", 51, 2, Side.SELL)
        assert [(t.symbol, t.price, t.qty, t.aggressor) for t in recorder.trades] == [
            ("Y", 51, 2, Side.SELL)
        ]

    def test_bars_cover_whole_intervals_and_empty_ones_make_none(self) -> None:
        harness = self.make()
        recorder = harness.start(Recorder)
        harness.context.subscribe_bars("X", 10)
        start = harness.context.now
        assert start % (10 * SECOND_NS) == 0
        harness.trade("X", 100, 2)
        harness.advance(3 * SECOND_NS)
        harness.trade("X", 104, 1)
        harness.trade("X", 99, 1)
        assert recorder.bars == []
        harness.advance(7 * SECOND_NS)
        harness.advance(20 * SECOND_NS)
        harness.trade("X", 98, 5)
        harness.advance(10 * SECOND_NS)
        first, second = recorder.bars
        assert first == Bar("X", 10, start, 100, 104, 99, 99, 4, 403.0, 3)
        assert (second.ts_open, second.volume) == (start + 30 * SECOND_NS, 5)

    @pytest.mark.parametrize("seconds", [0, 86_401])
    def test_bars_of_other_lengths_are_refused(self, seconds: int) -> None:
        with pytest.raises(ValueError, match="86400"):
            self.make().context.subscribe_bars("X", seconds)

    # ------------------------------------------------------------------ orders

    def test_a_resting_order_is_acknowledged_and_can_be_seen(self) -> None:
        harness = self.make()
        actor = harness.start(Actor)
        harness.quote("X", 99, 5, 101, 5)
        settle(harness)
        assert actor.working_while_submitting == ()
        (view,) = harness.context.working("X")
        assert (view.order, view.side, view.price, view.leaves_qty, view.tag) == (
            actor.order,
            Side.BUY,
            100,
            5,
            42,
        )
        assert view.state is OrderState.WORKING
        assert actor.orders[-1].event is OrderEvent.ACKNOWLEDGE
        assert {update.order for update in actor.orders} == {actor.order}
        position = harness.context.position("X")
        assert (position.lowest_qty, position.net_qty, position.highest_qty) == (0, 0, 5)
        assert harness.context.working("Y") == ()

    def test_a_taker_trades_and_its_position_is_booked(self) -> None:
        class Taker(Actor):
            price = 101
            time_in_force = TimeInForce.IOC

        harness = self.make()
        taker = harness.start(Taker)
        harness.quote("X", 99, 5, 101, 3)
        settle(harness)
        (fill,) = taker.fills
        assert (fill.order, fill.last_px, fill.last_qty, fill.tag) == (taker.order, 101, 3, 42)
        assert fill.position == 3
        assert taker.orders[-1].is_terminal
        assert taker.orders[-1].cum_qty == 3
        position = harness.context.position("X")
        assert (position.lowest_qty, position.net_qty, position.highest_qty) == (3, 3, 3)
        assert position.avg_px == 101.0
        assert harness.context.working() == ()

    def test_a_post_only_order_that_would_trade_does_not(self) -> None:
        class Poster(Actor):
            price = 101
            post_only = True

        harness = self.make()
        poster = harness.start(Poster)
        harness.quote("X", 99, 5, 101, 3)
        settle(harness)
        assert poster.fills == []
        assert poster.orders[-1].is_terminal

    def test_an_order_can_be_cancelled_in_the_handler_that_submits_it(self) -> None:
        class Hasty(Actor):
            cancel_at_once = True

        harness = self.make()
        hasty = harness.start(Hasty)
        harness.quote("X", 99, 5, 101, 5)
        settle(harness)
        assert hasty.orders[-1].state is OrderState.CANCELED
        assert harness.context.cancel(hasty.order) is False
        assert harness.context.replace(hasty.order, price=98) is False

    def test_a_replace_keeps_the_order_s_name(self) -> None:
        class Mover(Actor):
            def on_timer(self, name: str) -> None:
                super().on_timer(name)
                assert self.context.replace(self.order, price=98, qty=7)

        harness = self.make()
        mover = harness.start(Mover)
        harness.quote("X", 97, 5, 105, 5)
        settle(harness)
        harness.context.set_timer("move", after_ns=1)
        settle(harness)
        (view,) = harness.context.working()
        assert (view.order, view.price, view.order_qty, view.leaves_qty) == (mover.order, 98, 7, 7)
        assert mover.orders[-1].event is OrderEvent.REPLACED

    def test_a_handler_that_raises_sends_nothing(self) -> None:
        harness = self.make()
        failing = harness.start(Failing)
        with contextlib.suppress(RuntimeError):  # the real host contains it, the simulated not
            harness.quote("X", 99, 5, 101, 5)
        settle(harness)
        assert failing.state.seen >= 1
        assert harness.context.working() == ()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"qty": 0}, "quantity"),
            ({"qty": 1.5}, "quantity"),
            ({"price": 100.0}, "whole price increments"),
            ({"price": None, "post_only": True}, "must rest"),
            ({"time_in_force": TimeInForce.IOC, "post_only": True}, "must rest"),
            ({"time_in_force": TimeInForce.GTD}, "GTD"),
            ({"expire_ts": 5}, "GTD"),
            ({"side": Side.NONE}, "BUY or SELL"),
            ({"tag": -1}, "tag"),
        ],
    )
    def test_contradictory_orders_are_value_errors(
        self, change: dict[str, Any], reason: str
    ) -> None:
        order: dict[str, Any] = {"symbol": "X", "side": Side.BUY, "qty": 1, "price": 100}
        with pytest.raises(ValueError, match=reason):
            self.make().context.submit(**(order | change))

    # ------------------------------------------------------------------ time

    def test_timers_fire_by_deadline_then_name(self) -> None:
        harness = self.make()
        recorder = harness.start(Recorder)
        context = harness.context
        context.set_timer("b", after_ns=SECOND_NS)
        context.set_timer("a", after_ns=SECOND_NS)
        context.set_timer("early", at_ns=context.now + 5)
        context.set_timer("gone", after_ns=7)
        assert context.cancel_timer("gone")
        assert not context.cancel_timer("gone")
        harness.advance(SECOND_NS)
        assert recorder.timers == ["early", "a", "b"]
        context.set_timer("again", every_ns=SECOND_NS // 2)
        before = context.now
        harness.advance(SECOND_NS // 2)
        harness.advance(SECOND_NS // 2)
        assert context.now == before + SECOND_NS
        assert recorder.timers[3:] == ["again", "again"]

    @pytest.mark.parametrize("arguments", [{}, {"after_ns": 1, "every_ns": 1}, {"every_ns": 0}])
    def test_timers_without_one_definite_time_are_refused(self, arguments: dict[str, int]) -> None:
        with pytest.raises(ValueError, match="_ns"):
            self.make().context.set_timer("x", **arguments)

    # ------------------------------------------------------------------ beyond

    def test_a_worker_s_answer_comes_back_with_its_number(self) -> None:
        harness = self.make()

        class Asker(Recorder):
            def on_timer(self, name: str) -> None:
                super().on_timer(name)
                self.request = self.context.request_worker(self.workers[0], {"x": 4})

        asker = harness.start(Asker)
        harness.context.set_timer("ask", after_ns=1)
        harness.advance(SECOND_NS)
        harness.answer_worker(asker.request, {"twice": 8})
        (result,) = asker.results
        assert (result.request_id, result.status) == (asker.request, WorkerStatus.DONE)
        assert result.result == {"twice": 8}

    def test_only_declared_worker_functions_can_be_asked(self) -> None:
        harness = self.make()
        harness.start(Recorder)
        with pytest.raises(ValueError, match="workers"):
            harness.context.request_worker("os:system", {})

    def test_the_random_stream_is_seeded(self) -> None:
        first, second = self.make().context.random, self.make().context.random
        drawn = [first.random() for _ in range(5)]
        assert drawn == [second.random() for _ in range(5)]
        assert len(set(drawn)) == 5

    def test_changed_parameters_arrive_with_the_previous_ones(self) -> None:
        harness = self.make()
        recorder = harness.start(Recorder, level=3)
        harness.change_parameters(level=4)
        assert recorder.parameters == Nothing(4)
        assert recorder.previous == [Nothing(3)]

    def test_native_rules_are_checked_armed_and_disarmed(self) -> None:
        harness = self.make()
        harness.start(Recorder)
        rule = NativeRule(
            name="r",
            symbol="X",
            signal=Signal.IMBALANCE,
            comparison=Comparison.ABOVE,
            threshold=0.5,
            side=Side.BUY,
            qty=1,
            max_position=1,
        )
        harness.context.arm_rule(rule)
        assert harness.context.disarm_rule("r")
        assert not harness.context.disarm_rule("r")
        with pytest.raises(ValueError, match="threshold"):
            harness.context.arm_rule(
                NativeRule(
                    name="r",
                    symbol="X",
                    signal=Signal.IMBALANCE,
                    comparison=Comparison.ABOVE,
                    threshold=math.nan,
                    side=Side.BUY,
                    qty=1,
                    max_position=1,
                )
            )

    def test_declared_state_survives_a_restart_and_the_rest_is_rebuilt(self) -> None:
        harness = self.make()
        recorder = harness.start(Recorder)
        harness.context.subscribe("X", every_update=True)
        harness.quote("X", 100, 1, 101, 1)
        harness.quote("X", 99, 1, 101, 1)
        kept = recorder.checkpoint()
        restarted = harness.restart()
        assert isinstance(restarted, Recorder)
        assert restarted is not recorder
        assert restarted.checkpoint() == kept
        assert (restarted.state.seen, restarted.arrays["sums"][0]) == (2, 199)
        assert restarted.books == []
        harness.quote("X", 98, 1, 101, 1)
        assert restarted.state.seen == 3
