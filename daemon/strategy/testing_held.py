"""What the daemon does for orders itself (docs/orders.md), for `daemon.strategy.testing`.

The rules once more, in the plainest way: every order is looked at again and again until nothing
changes. Where the daemon waits for a venue's answer there is none to wait for here. The random test
of `tests/orders` holds the daemon's own against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from daemon.messages import SubmitOrder
from daemon.model import (
    BookState,
    ClOrdId,
    ContingencyType,
    HeldStatus,
    OrderEvent,
    OrderFlag,
    OrderState,
    OrdType,
    PegOffsetType,
    Side,
    TimeInForce,
    TriggerPriceType,
)
from daemon.strategy.simulated_context import SimulatedContext
from daemon.strategy.testing_views import SimulatedOrder, change

WAITS = frozenset(
    {OrdType.STOP, OrdType.STOP_LIMIT, OrdType.MARKET_IF_TOUCHED, OrdType.TRAILING_STOP}
)


class Venue(Protocol):
    """What is asked of the venue; it has answered when the call returns."""

    def cancel(self, order: SimulatedOrder) -> None: ...
    def resize(self, order: SimulatedOrder, qty: int) -> None: ...
    def may_enter(self, order: SimulatedOrder, kind: OrdType, /) -> bool: ...
    def enter(self, order: SimulatedOrder) -> None: ...
    def tell(self, order: SimulatedOrder, state: OrderState, event: OrderEvent) -> None: ...
    def end(self, order: SimulatedOrder, state: OrderState, event: OrderEvent) -> None: ...


class SimulatedKeeper:
    """Holds orders, and keeps lists, over a venue that answers at once."""

    def __init__(self, context: SimulatedContext, venue: Venue) -> None:
        self._context = context
        self._venue = venue
        self._intents: dict[ClOrdId, SubmitOrder] = {}
        self._asked: dict[ClOrdId, SubmitOrder] = {}  # of those that there is something to do for
        self._lists: dict[ClOrdId, ClOrdId] = {}
        self._kinds: dict[ClOrdId, ContingencyType] = {}
        self._triggered: set[ClOrdId] = set()
        self._last_px: dict[str, int] = {}

    def holds(self, intent: SubmitOrder) -> bool:
        """The order waits for a price or for another order."""
        return intent.ord_type in WAITS or intent.parent != 0

    def keep(self, intent: SubmitOrder) -> None:
        """Remember what was asked, and which list it joins."""
        self._intents[intent.order] = intent
        expires = intent.time_in_force is TimeInForce.GTD
        if not (self.holds(intent) or intent.sibling or expires or reduces(intent.flags)):
            return
        for each in (intent.parent, intent.sibling, intent.order):
            if each:
                self._asked[each] = self._intents[each]
        if intent.sibling:
            first = self._lists.setdefault(intent.sibling, intent.sibling)
            self._kinds.setdefault(intent.sibling, intent.contingency)
            self._lists[intent.order] = first
            self._kinds[intent.order] = intent.contingency

    def ask_for(self, order: SimulatedOrder, qty: int) -> None:
        """The strategy replaced the order: its list holds down what it asks for now."""
        if order.order in self._asked:
            asked = self._asked[order.order]
            self._asked[order.order] = msgspec.structs.replace(asked, qty=qty)

    def traded(self, symbol: str, px: int) -> None:
        """A trade between others."""
        self._last_px[symbol] = px

    def settle(self) -> None:
        """Look at all orders until there is nothing more to do."""
        while any(self._look(self._context.orders[each]) for each in tuple(self._asked)):
            pass

    # ------------------------------------------------------------------ one order

    def _look(self, order: SimulatedOrder) -> bool:
        asked = self._asked[order.order]
        if order.has_ended:
            return False
        held = order.state is OrderState.HELD
        if 0 < asked.expire_ts <= self._context.now:
            self._venue.end(
                order,
                OrderState.EXPIRED,
                OrderEvent.HELD_EXPIRED if held else OrderEvent.EXPIRED,
            )
            return True
        if any(self._closes(child, order) and child.cum_qty for child in self._all()):
            self._cancel(order)
            return True
        return self._look_held(order, asked) if held else self._look_working(order, asked)

    def _look_held(self, order: SimulatedOrder, asked: SubmitOrder) -> bool:
        goal, final = self._goal(order, asked)
        if goal == 0 and final:
            self._cancel(order)
            return True
        if goal == 0:
            return self._set(order, HeldStatus.PARENT, asked.qty, order.stop_px)
        stop_px = order.stop_px
        if order.ord_type in WAITS:
            if order.order not in self._triggered:
                px2 = self._px2(asked)
                if px2 is not None and order.ord_type is OrdType.TRAILING_STOP:
                    stop_px = followed(asked, stop_px, px2)
                if px2 is None or stop_px is None or not reached(asked, stop_px, px2):
                    return self._set(order, HeldStatus.TRIGGER, goal, stop_px)
                self._triggered.add(order.order)
            for other in self._all():
                in_list = other in tuple(self._others(order)) or self._closes(order, other)
                if in_list and not other.has_ended and other.state is not OrderState.HELD:
                    self._cancel(other)
        if reduces(asked.flags):
            goal = min(goal, self._reducible(order))
            if goal == 0:
                self._cancel(order)
                return True
        kind = order.ord_type
        if order.order in self._triggered:
            kind = OrdType.LIMIT if kind is OrdType.STOP_LIMIT else OrdType.MARKET
        if not self._venue.may_enter(order, kind):
            return self._set(order, HeldStatus.GATE, goal, stop_px)
        self._release(order, kind, goal)
        return True

    def _look_working(self, order: SimulatedOrder, asked: SubmitOrder) -> bool:
        if reduces(asked.flags):
            allowed = self._reducible(order)
            if allowed < order.leaves_qty:
                self._resize(order, order.cum_qty + allowed)
                return True
        if not asked.parent and order.order not in self._lists:
            return False
        goal, _ = self._goal(order, asked)
        if goal == order.order_qty or (goal > order.order_qty and not asked.parent):
            return False
        self._resize(order, goal)
        return True

    def _release(self, order: SimulatedOrder, kind: OrdType, qty: int) -> None:
        triggered = order.order in self._triggered
        change(order, ord_type=kind, order_qty=qty, leaves_qty=qty, held=HeldStatus.NONE)
        self._venue.enter(order)
        for other in tuple(self._others(order)):
            if triggered and other.state is OrderState.HELD:
                self._cancel(other)

    # ------------------------------------------------------------------ quantities

    def _goal(self, order: SimulatedOrder, asked: SubmitOrder) -> tuple[int, bool]:
        """What the order may trade in all, and whether that is final."""
        goal, final = asked.qty, True
        if asked.parent:
            parent = self._context.orders[asked.parent]
            final = parent.has_ended or parent.cum_qty >= goal
            goal = min(goal, parent.cum_qty)
        traded = sum(other.cum_qty for other in self._others(order))
        if traded and self._kinds[order.order] is ContingencyType.OCO:
            return 0, True
        return max(0, goal - traded), final

    def _reducible(self, order: SimulatedOrder) -> int:
        """What the position leaves when all else on its side at the venue has traded."""
        net = self._context.positions[order.symbol].net_qty
        room = -net if order.side is Side.BUY else net
        for other in self._context.working(order.symbol):
            newer = reduces(other.flags) and other.order > order.order
            if other.order == order.order or other.side is not order.side or newer:
                continue
            if other.state is not OrderState.HELD:
                room -= other.leaves_qty
        return max(0, room)

    def _resize(self, order: SimulatedOrder, total: int) -> None:
        if total <= order.cum_qty:
            self._cancel(order)
        else:
            self._venue.resize(order, total)

    # ------------------------------------------------------------------ other orders

    def _all(self) -> tuple[SimulatedOrder, ...]:
        return tuple(self._context.orders[each] for each in self._asked)

    def _others(self, order: SimulatedOrder) -> Iterator[SimulatedOrder]:
        first = self._lists.get(order.order)
        for other, of in self._lists.items():
            if first == of and other != order.order:
                yield self._context.orders[other]

    def _closes(self, child: SimulatedOrder, parent: SimulatedOrder) -> bool:
        return (
            self._asked[child.order].parent == parent.order
            and child.symbol == parent.symbol
            and child.side is not parent.side
        )

    # ------------------------------------------------------------------ changes

    def _cancel(self, order: SimulatedOrder) -> None:
        if order.has_ended:
            return
        if order.state is OrderState.HELD:
            self._venue.end(order, OrderState.CANCELED, OrderEvent.HELD_CANCELED)
        else:
            self._venue.cancel(order)

    def _set(self, order: SimulatedOrder, held: HeldStatus, qty: int, stop_px: int | None) -> bool:
        told = (order.held, order.order_qty) != (held, qty)
        change(order, held=held, order_qty=qty, leaves_qty=qty, stop_px=stop_px)
        if told:
            self._venue.tell(order, OrderState.HELD, OrderEvent.HELD_CHANGED)
        return told

    def _px2(self, asked: SubmitOrder) -> int | None:
        """Twice the price that it watches; None where there is none to trust."""
        book = self._context.books[asked.symbol]
        if book.state is not BookState.LIVE:
            return None
        if asked.trigger is TriggerPriceType.MID:
            return book.bid_px + book.ask_px
        if asked.trigger is TriggerPriceType.BID_ASK:
            return 2 * (book.ask_px if asked.side is Side.BUY else book.bid_px)
        last = self._last_px.get(asked.symbol)
        return None if last is None else 2 * last


def reached(asked: SubmitOrder, stop_px: int, px2: int) -> bool:
    """A stop waits for the price to come against its position, an order if touched for it."""
    up = (asked.side is Side.BUY) is not (asked.ord_type is OrdType.MARKET_IF_TOUCHED)
    return px2 >= 2 * stop_px if up else px2 <= 2 * stop_px


def followed(asked: SubmitOrder, stop_px: int | None, px2: int) -> int:
    """Where a trailing stop stands: it only comes nearer, and never nearer than its distance."""
    offset = asked.peg_offset
    if asked.peg_offset_type is PegOffsetType.BASIS_POINTS:
        offset = -(-abs(px2) * asked.peg_offset // 20_000)
    if asked.side is Side.SELL:
        stop = px2 // 2 - offset
        return stop if stop_px is None else max(stop, stop_px)
    stop = -(-px2 // 2) + offset
    return stop if stop_px is None else min(stop, stop_px)


def reduces(flags: OrderFlag) -> bool:
    """The order may never open or turn a position."""
    return bool(flags & OrderFlag.REDUCE_ONLY)
