"""The simulated venue of `daemon.strategy.testing`: answers at once, by the quoted book."""

from collections.abc import Callable

from daemon.messages import (
    CancelAll,
    CancelOrder,
    Fill,
    NativeRule,
    OrderDenied,
    OrderUpdate,
    ReplaceOrder,
    RequestWorker,
    SubmitOrder,
)
from daemon.model import (
    ClOrdId,
    DenyReason,
    HeldStatus,
    Level,
    OrderEvent,
    OrderFlag,
    OrderState,
    OrdType,
    Side,
    TimeInForce,
    make_cl_ord_id,
    opposite,
)
from daemon.strategy.simulated_context import Intent, SimulatedContext
from daemon.strategy.testing_held import WAITS, SimulatedKeeper
from daemon.strategy.testing_views import SimulatedOrder, change

# Ids of rules' orders and of replaces are from other ranges than those of the strategy's orders.
_RULE_START_NUMBER = 2
_REQUEST_START_NUMBER = 3


class SimulatedVenue:
    """Price priority against the quoted book, time priority among our own orders."""

    def __init__(self, context: SimulatedContext, emit: Callable[[str, object], None]) -> None:
        self.requests: dict[int, RequestWorker] = {}
        self.deny_next = DenyReason.NONE
        self._context = context
        self._emit = emit
        self._executions = 0
        self._rule_orders = 0
        self._requests = 0
        self.keeper = SimulatedKeeper(context, self)

    def apply(self, intent: Intent) -> None:
        """What the order policy, the gate and the venue make of a released intent."""
        self._apply(intent)
        self.keeper.settle()

    def _apply(self, intent: Intent) -> None:
        if isinstance(intent, SubmitOrder):
            self._submit(intent)
        elif isinstance(intent, ReplaceOrder):
            self._replace(intent)
        elif isinstance(intent, CancelOrder):
            self.cancel(self._context.orders.get(intent.order))
        elif isinstance(intent, CancelAll):
            for order in self._context.working(intent.symbol):
                self.cancel(order)
        elif isinstance(intent, RequestWorker):
            self.requests[intent.request_id] = intent

    def match(self, symbol: str) -> None:
        """Resting orders that the new book crosses trade at their own price, oldest first."""
        taken = {Side.BUY: 0, Side.SELL: 0}
        for order in self._context.working(symbol):
            there = self._opposite_levels(order)
            crossed = sum(level.qty for level in there if self._crosses(order, level.price))
            qty = min(order.leaves_qty, crossed - taken[order.side])
            rests = order.ord_type is OrdType.LIMIT and order.state is not OrderState.HELD
            if qty > 0 and rests:
                taken[order.side] += qty
                self._fill(order, order.price, qty, aggressor=False)
        self.keeper.settle()

    def fire_rule(self, name: str) -> None:
        """An immediate-or-cancel order at the opposite best, as `NativeRule` says."""
        rule = self._context.rules[name]
        if not isinstance(rule, NativeRule):
            raise TypeError(f"{name} is a trigger: a quote or a trade fires it")
        book = self._context.books[rule.symbol]
        buying = rule.side is Side.BUY
        price = book.ask_px + rule.price_offset if buying else book.bid_px - rule.price_offset
        self._rule_orders += 1
        order = make_cl_ord_id(_RULE_START_NUMBER, self._rule_orders)
        self._submit(
            SubmitOrder(
                order,
                rule.symbol,
                rule.side,
                rule.qty,
                price,
                time_in_force=TimeInForce.IOC,
                flags=OrderFlag.NATIVE_RULE,
            )
        )

    # ------------------------------------------------------------------ answers

    def _submit(self, intent: SubmitOrder) -> None:
        others = (intent.parent, intent.sibling)
        if any(each and each not in self._context.orders for each in others):
            self.deny_next = DenyReason.UNKNOWN_ORDER
        if self._denied(intent, ClOrdId(0)):
            return
        order = SimulatedOrder(
            intent.order,
            intent.symbol,
            intent.side,
            intent.ord_type,
            intent.time_in_force,
            intent.flags,
            OrderState.PENDING_NEW,
            intent.price,
            intent.qty,
            0,
            intent.qty,
            intent.tag,
            None if intent.ord_type not in WAITS or intent.peg_offset else intent.stop_px,
            display_qty=intent.display_qty,
        )
        self._context.orders[order.order] = order
        self.keeper.keep(intent)
        if self.keeper.holds(intent):
            change(order, state=OrderState.NONE, held=HeldStatus.TRIGGER)
            self.tell(order, OrderState.HELD, OrderEvent.HOLD)
            return
        if intent.flags & OrderFlag.POST_ONLY and self._takeable(order):
            self.end(order, OrderState.REJECTED, OrderEvent.REJECTED)
            return
        self._update(order, OrderState.WORKING, OrderEvent.ACKNOWLEDGE)
        self._take(order)

    def may_enter(self, _order: SimulatedOrder, _kind: OrdType, /) -> bool:
        """The gate lets a held order out; here it has nothing against it."""
        return True

    def enter(self, order: SimulatedOrder) -> None:
        """A held order goes out."""
        self._update(order, OrderState.PENDING_NEW, OrderEvent.SUBMIT)
        self._update(order, OrderState.WORKING, OrderEvent.ACKNOWLEDGE)
        self._take(order)

    def resize(self, order: SimulatedOrder, qty: int) -> None:
        """A new total that the daemon asks for."""
        change(order, order_qty=qty, leaves_qty=qty - order.cum_qty)
        self._update(order, order.state, OrderEvent.REPLACED)
        self._take(order)

    def _replace(self, intent: ReplaceOrder) -> None:
        order = self._context.orders[intent.order]
        self._requests += 1
        request_id = make_cl_ord_id(_REQUEST_START_NUMBER, self._requests)
        request = SubmitOrder(request_id, order.symbol, order.side, intent.qty, intent.price)
        if order.has_ended or self._denied(request, order.order):
            return
        self.keeper.ask_for(order, intent.qty)
        if order.state is OrderState.HELD:
            stop_px = order.stop_px if intent.stop_px is None else intent.stop_px
            change(order, price=intent.price, order_qty=intent.qty, leaves_qty=intent.qty)
            change(order, stop_px=stop_px)
            self.tell(order, OrderState.HELD, OrderEvent.HELD_CHANGED)
            return
        if intent.qty <= order.cum_qty:
            self.cancel(order)
            return
        change(
            order,
            price=intent.price,
            order_qty=intent.qty,
            leaves_qty=intent.qty - order.cum_qty,
        )
        self._update(order, order.state, OrderEvent.REPLACED)
        if order.flags & OrderFlag.POST_ONLY and self._takeable(order):
            self.cancel(order)
        else:
            self._take(order)

    def cancel(self, order: SimulatedOrder | None) -> None:
        """What is left of it is gone; None: denied as it was submitted."""
        if order is not None and not order.has_ended:
            held = order.state is OrderState.HELD
            event = OrderEvent.HELD_CANCELED if held else OrderEvent.CANCELED
            self.end(order, OrderState.CANCELED, event)

    def _denied(self, intent: SubmitOrder, orig_order: ClOrdId) -> bool:
        reason, self.deny_next = self.deny_next, DenyReason.NONE
        if reason is DenyReason.NONE:
            return False
        self._emit(
            "on_denied",
            OrderDenied(
                intent.order,
                orig_order,
                intent.symbol,
                intent.side,
                intent.qty,
                intent.price,
                reason,
                0,
                0,
                intent.tag,
            ),
        )
        return True

    # ------------------------------------------------------------------ trading

    def _take(self, order: SimulatedOrder) -> None:
        takeable = self._takeable(order)
        whole = sum(level.qty for level in takeable) >= order.leaves_qty
        if order.time_in_force is not TimeInForce.FOK or whole:
            for level in takeable:
                qty = min(order.leaves_qty, level.qty)
                if qty:
                    self._fill(order, level.price, qty, aggressor=True)
        rests = order.ord_type is not OrdType.MARKET and order.time_in_force not in (
            TimeInForce.IOC,
            TimeInForce.FOK,
        )
        if not rests and not order.has_ended:
            self.end(order, OrderState.CANCELED, OrderEvent.CANCELED)

    def _takeable(self, order: SimulatedOrder) -> list[Level]:
        levels = self._opposite_levels(order)
        if order.ord_type is OrdType.MARKET:
            return list(levels)
        return [level for level in levels if self._crosses(order, level.price)]

    def _opposite_levels(self, order: SimulatedOrder) -> tuple[Level, ...]:
        return self._context.books[order.symbol].levels(opposite(order.side), 1000)

    @staticmethod
    def _crosses(order: SimulatedOrder, px: int) -> bool:
        return px <= order.price if order.side is Side.BUY else px >= order.price

    def _fill(self, order: SimulatedOrder, px: int, qty: int, *, aggressor: bool) -> None:
        position = self._context.positions[order.symbol]
        position.book_fill(order.side, px, qty, 0)
        leaves = order.leaves_qty - qty
        change(order, cum_qty=order.cum_qty + qty, leaves_qty=leaves)
        state = OrderState.PARTIALLY_FILLED if leaves else OrderState.FILLED
        self._update(order, state, OrderEvent.FILL)
        self._executions += 1
        self._emit(
            "on_fill",
            Fill(
                order.order,
                order.symbol,
                order.side,
                px,
                qty,
                aggressor,
                0,
                position.net_qty,
                position.realised_pnl,
                position.fees,
                f"E{self._executions}",
                tag=order.tag,
            ),
        )

    def end(self, order: SimulatedOrder, state: OrderState, event: OrderEvent) -> None:
        """It is over."""
        change(order, leaves_qty=0, held=HeldStatus.NONE)
        self._update(order, state, event)

    def tell(self, order: SimulatedOrder, state: OrderState, event: OrderEvent) -> None:
        """The strategy hears how it stands."""
        self._update(order, state, event)

    def _update(self, order: SimulatedOrder, state: OrderState, event: OrderEvent) -> None:
        before = order.state
        change(order, state=state)
        self._reserve(order.symbol)
        update = OrderUpdate(
            order.order,
            order.order,
            order.symbol,
            order.side,
            before,
            state,
            event,
            order.price,
            order.order_qty,
            order.cum_qty,
            order.leaves_qty,
            order.tag,
        )
        self._emit("on_order", update)

    def _reserve(self, symbol: str) -> None:
        position = self._context.positions[symbol]
        kept = self._context.working(symbol)
        working = [order for order in kept if order.held is not HeldStatus.PARENT]
        buys = sum(order.leaves_qty for order in working if order.side is Side.BUY)
        sells = sum(order.leaves_qty for order in working if order.side is Side.SELL)
        net = position.net_qty
        change(position, lowest_qty=net - sells, highest_qty=net + buys)
