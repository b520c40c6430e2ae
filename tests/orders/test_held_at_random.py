"""The daemon's own keeping of orders against the plainest one: `daemon.strategy.testing_held`.

A market that moves at random, orders of every kind that waits, fills of random size; after every
step the venue confirms all that was asked of it, and then both must say the same of every order.
A seed is run again by `pytest tests/orders/test_held_at_random.py -k 'seed3'`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from daemon.model import (
    BookState,
    ClOrdId,
    Level,
    OrderState,
    OrdType,
    Side,
    TriggerPriceType,
    opposite,
)
from daemon.strategy.simulated_context import SimulatedContext
from daemon.strategy.testing_venue import SimulatedVenue
from daemon.strategy.testing_views import SimulatedOrder, change
from tests.orders.held_desk import HeldDesk, call, submit
from tests.orders.scripted import ENUMERATIONS, ORDERS

STEPS = 60
LOW, HIGH = 800, 1300  # limits that never meet, wherever the price has gone
NO_STOPS = 'session.broker.order_types=["market", "limit"]'
SETTLING = ("PENDING_NEW", "PENDING_CANCEL", "PENDING_REPLACE")


class QuietVenue(SimulatedVenue):
    """Trades only when the test says so; the gate lets nobody trade with himself."""

    def may_enter(self, order: SimulatedOrder, kind: OrdType, /) -> bool:
        if kind is not OrdType.MARKET:
            return True
        return not any(
            other.side is opposite(order.side)
            and other.state is not OrderState.HELD
            and other.ord_type is OrdType.MARKET  # limits stand far from the touch here
            for other in self._context.working(order.symbol)
        )

    def _take(self, order: SimulatedOrder) -> None:
        pass

    def fill(self, order: SimulatedOrder, qty: int, px: int) -> None:
        """The venue trades as much of it."""
        self._fill(order, px, qty, aggressor=False)
        self.keeper.settle()


class Model:
    """The plain side."""

    def __init__(self, desk: HeldDesk) -> None:
        definition = desk.wiring.hosts[0]._context.instrument("BTC")
        self.context = SimulatedContext([definition], "model", 1, 1)
        self.venue = QuietVenue(self.context, lambda _handler, _message: None)
        self.orders: dict[str, ClOrdId] = {}

    def quote(self, bid: int, ask: int) -> None:
        book = self.context.books["BTC"]
        change(book, bids=(Level(bid, 5),), asks=(Level(ask, 5),), state=BookState.LIVE)
        self.venue.keeper.settle()

    def trade(self, px: int) -> None:
        self.venue.keeper.traded("BTC", px)
        self.venue.keeper.settle()

    def do(self, calls: list[dict[str, Any]]) -> None:
        for each in calls:
            given = dict(each["arguments"])
            for name, kind in ENUMERATIONS.items():
                if name in given:
                    given[name] = kind[given[name]]
            for name in ORDERS:
                if name in given:
                    given[name] = self.orders[given[name]]
            if each["method"] == "submit":
                given["symbol"] = "BTC"
            made = getattr(self.context, each["method"])(**given)
            if each["name"]:
                self.orders[each["name"]] = made
        for intent in self.context.take_intents():
            self.venue.apply(intent)

    def order(self, name: str) -> SimulatedOrder:
        return self.context.orders[self.orders[name]]

    def says(self, name: str) -> tuple[object, ...]:
        order = self.order(name)
        held = order.state is OrderState.HELD
        state = f"HELD {order.held.name}" if held else order.state.name
        if order.has_ended:
            return (state, order.cum_qty)
        return (state, order.cum_qty, order.order_qty, order.stop_px if held else None)


class Run:
    """Both sides and what happens to them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.desk = HeldDesk(folder, NO_STOPS, "risk.firm.working_orders_max=1000")
        self.model = Model(self.desk)
        self.random = random.Random(seed)
        self.price = 1000
        self.names: list[str] = []
        self.model.quote(1000, 1001)

    def step(self) -> None:
        kinds = [self.move, self.move, self.move, self.ask, self.ask, self.trade, self.trade]
        self.random.choice([*kinds, self.cancel, self.change, self.resize])()
        self.confirm()
        for name in self.names:
            waits = self.desk.order(name).waits_for
            assert self.says(name) == self.model.says(name), (name, waits)

    def says(self, name: str) -> tuple[object, ...]:
        order, state = self.desk.order(name), self.desk.state(name)
        if self.model.order(name).has_ended or not state.startswith("HELD"):
            qty = () if self.model.order(name).has_ended else (order.order_qty, None)
            return (state, order.cum_qty, *qty)
        stop_px = order.stop_px if self.model.order(name).stop_px is not None else None
        return (state, order.cum_qty, order.order_qty, stop_px)

    # ------------------------------------------------------------------ what happens

    def move(self) -> None:
        self.price += self.random.randint(-6, 6)
        if self.random.random() < 0.5:
            self.desk.trade(self.price)
            self.model.trade(self.price)
            return
        wide = self.random.randint(1, 4)
        self.desk.quote(self.price, self.price + wide)
        self.model.quote(self.price, self.price + wide)

    def ask(self) -> None:
        kinds = [self._single, self._iceberg, self._pair, self._bracket]
        self.do(self.random.choice(kinds)())

    def do(self, calls: list[dict[str, Any]]) -> None:
        self.desk.do(*calls)
        self.model.do(calls)
        self.names += [each["name"] for each in calls if each["name"]]

    def _single(self) -> list[dict[str, Any]]:
        side = self.random.choice(["BUY", "SELL"])
        away = self.random.randint(1, 12) * (1 if side == "BUY" else -1)
        more: list[dict[str, Any]] = [
            {"stop_px": self.price + away, "trigger": self._trigger()},
            {"stop_px": self.price - away, "ord_type": "MARKET_IF_TOUCHED"},
            {"trail": abs(away)},
            {"trail_bps": abs(away) * 10, "trigger": self._trigger()},
        ]
        return [submit(self._name(), side, self.random.randint(1, 9), **self.random.choice(more))]

    def _iceberg(self) -> list[dict[str, Any]]:
        side, qty = self.random.choice(["BUY", "SELL"]), self.random.randint(2, 9)
        price = LOW if side == "BUY" else HIGH
        return [submit(self._name(), side, qty, price, **self._shown(qty))]

    def _shown(self, qty: int) -> dict[str, Any]:
        """Half of the orders that rest are icebergs."""
        shown = self.random.randint(1, 2 * qty)
        return {"display_qty": shown} if shown <= qty else {}

    def _pair(self) -> list[dict[str, Any]]:
        qty, first = self.random.randint(1, 9), self._name()
        kind = self.random.choice(["oco", "ouo"])
        target = submit(first, "SELL", qty, HIGH, **self._shown(qty))
        stop_px = self.price - self.random.randint(1, 12)
        return [target, submit(self._name(1), "SELL", qty, None, stop_px=stop_px, **{kind: first})]

    def _bracket(self) -> list[dict[str, Any]]:
        qty, entry, target = self.random.randint(1, 9), self._name(), self._name(1)
        stop_px = self.price - self.random.randint(2, 12)
        return [
            submit(entry, "BUY", qty, LOW, **self._shown(qty)),
            submit(target, "SELL", qty, HIGH, after=entry, **self._shown(qty)),
            submit(self._name(2), "SELL", qty, stop_px=stop_px, after=entry, ouo=target),
        ]

    def _name(self, more: int = 0) -> str:
        return f"order{len(self.names) + more}"

    def _trigger(self) -> str:
        return self.random.choice([each.name for each in TriggerPriceType if each])

    def _pick(self, *states: str) -> str | None:
        names = [name for name in self.names if self.desk.state(name).startswith(states)]
        return self.random.choice(names) if names else None

    def trade(self) -> None:
        name = self._pick("WORKING", "PARTIALLY_FILLED")
        if name is not None:
            order = self.model.order(name)
            whole, filled = self.desk.there(name)
            qty = self.random.randint(1, whole - filled)
            self.model.venue.fill(order, qty, self.price)
            self.desk.fill(name, qty, self.price)

    def cancel(self) -> None:
        name = self._pick("WORKING", "PARTIALLY_FILLED", "HELD")
        if name is not None:
            self.do([call("cancel", order=name)])

    def change(self) -> None:
        name = self._pick("HELD TRIGGER")
        if name is not None and self.model.order(name).ord_type is OrdType.STOP:
            side = 1 if self.model.order(name).side is Side.BUY else -1
            stop_px = self.price + side * self.random.randint(1, 12)
            self.do([call("replace", order=name, stop_px=stop_px)])

    def resize(self) -> None:
        name = self._pick("WORKING", "PARTIALLY_FILLED")
        if name is not None and self.model.order(name).ord_type is OrdType.LIMIT:
            order = self.model.order(name)
            qty = order.cum_qty + self.random.randint(1, order.leaves_qty + 2)
            self.do([call("replace", order=name, qty=qty)])

    def confirm(self) -> None:
        """The venue confirms all that is on its way, and what follows from that.

        What is at the market trades whole: while it works, nobody may be on the other side.
        """
        answers = (self.desk.at_venue, self.desk.canceled, self.desk.replaced)
        while asked := [name for name in self.names if self.desk.state(name) in SETTLING]:
            name = asked[0]
            answers[SETTLING.index(self.desk.state(name))](name)
            order = self.desk.order(name)
            if order.ord_type == OrdType.MARKET and order.leaves_qty:
                self.model.venue.fill(self.model.order(name), order.leaves_qty, self.price)
                self.desk.fill(name, order.leaves_qty, self.price)


@pytest.mark.parametrize("seed", range(6), ids=lambda seed: f"seed{seed}")
def test_both_say_the_same_of_every_order(tmp_path: Path, seed: int) -> None:
    run = Run(tmp_path, seed)
    for _ in range(STEPS):
        run.step()
    states = {run.desk.state(name) for name in run.names}
    assert len(run.names) > 10, states
    assert run.desk.replayed().divergence is None
