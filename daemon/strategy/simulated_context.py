"""A Context without a core, for authors' tests: `daemon.strategy.testing` drives it."""

from collections.abc import Mapping
from typing import Any

from daemon.messages import (
    ArmRule,
    ArmTrigger,
    CancelAll,
    CancelOrder,
    DisarmRule,
    NativeRule,
    NativeTrigger,
    ReplaceOrder,
    RequestWorker,
    RunKernel,
    SubmitOrder,
)
from daemon.model import (
    ClOrdId,
    Instrument,
    OrdType,
    Side,
    Signal,
    TimeInForce,
    TriggerPriceType,
    make_cl_ord_id,
)
from daemon.strategy import intents
from daemon.strategy.kernels import Kernel
from daemon.strategy.random_stream import SeededStream
from daemon.strategy.testing_views import (
    SimulatedBook,
    SimulatedOrder,
    SimulatedPosition,
    SimulatedSignals,
)

Intent = (
    SubmitOrder
    | CancelOrder
    | ReplaceOrder
    | CancelAll
    | RequestWorker
    | ArmRule
    | ArmTrigger
    | DisarmRule
    | RunKernel
)


class SimulatedContext:
    """A Context over plain dictionaries. Intents wait in `released` order for the simulation."""

    def __init__(self, instruments: list[Instrument], name: str, seed: int, now: int) -> None:
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.books = {symbol: SimulatedBook(symbol) for symbol in self.instruments}
        self.signal_values = {symbol: SimulatedSignals() for symbol in self.instruments}
        self.positions = {
            symbol: SimulatedPosition(instrument, self.books[symbol])
            for symbol, instrument in self.instruments.items()
        }
        self.orders: dict[ClOrdId, SimulatedOrder] = {}
        self.timers: dict[str, tuple[int, int]] = {}
        self.rules: dict[str, NativeRule | NativeTrigger] = {}
        self.kernels: tuple[Kernel, ...] = ()
        self.subscriptions: dict[str, bool] = {}
        self.trade_subscriptions: set[str] = set()
        self.bar_subscriptions: set[tuple[str, int]] = set()
        self.workers: tuple[str, ...] = ()
        self.intents: list[Intent] = []
        self.notes: list[str] = []
        self.clock_ns = now
        self._name = name
        self._random = SeededStream(seed)
        self._last_order = 0
        self._last_request = 0
        self._new: dict[ClOrdId, SubmitOrder] = {}
        self._asked_kernels: set[tuple[str, str]] = set()

    @property
    def now(self) -> int:
        return self.clock_ns

    @property
    def name(self) -> str:
        return self._name

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self.instruments)

    @property
    def random(self) -> SeededStream:
        return self._random

    def instrument(self, symbol: str) -> Instrument:
        return self.instruments[symbol]

    def book(self, symbol: str) -> SimulatedBook:
        return self.books[symbol]

    def signals(self, symbol: str) -> SimulatedSignals:
        return self.signal_values[symbol]

    def position(self, symbol: str) -> SimulatedPosition:
        return self.positions[symbol]

    # ------------------------------------------------------------------ subscriptions

    def subscribe(self, symbol: str, *, every_update: bool = False) -> None:
        self.subscriptions[self.instruments[symbol].symbol] = every_update

    def subscribe_trades(self, symbol: str) -> None:
        self.trade_subscriptions.add(self.instruments[symbol].symbol)

    def subscribe_bars(self, symbol: str, seconds: int) -> None:
        if not 1 <= seconds <= intents.BAR_SECONDS_MAX:
            raise ValueError(f"{symbol}: a bar has 1 to 86400 seconds, found {seconds}")
        self.bar_subscriptions.add((self.instruments[symbol].symbol, seconds))

    def run_kernel(self, symbol: str, name: str, *parameters: float) -> None:
        declared = {kernel.name: kernel for kernel in self.kernels}
        self.instruments[symbol]
        if name not in declared:
            raise ValueError(f"{name} is not among the strategy's kernels {list(declared)}")
        self._asked_kernels.add((symbol, name))
        self.intents.append(RunKernel(symbol, name, declared[name].check(parameters)))

    # ------------------------------------------------------------------ orders

    def submit(
        self,
        symbol: str,
        side: Side,
        qty: int,
        price: int | None = None,
        *,
        ord_type: OrdType | None = None,
        time_in_force: TimeInForce = TimeInForce.DAY,
        post_only: bool = False,
        reduce_only: bool = False,
        stop_px: int | None = None,
        expire_ts: int = 0,
        tag: int = 0,
        trigger: TriggerPriceType | None = None,
        trail: int | None = None,
        trail_bps: int | None = None,
        after: ClOrdId | None = None,
        oco: ClOrdId | None = None,
        ouo: ClOrdId | None = None,
        display_qty: int | None = None,
    ) -> ClOrdId:
        intent = intents.order_intent(
            make_cl_ord_id(1, self._last_order + 1),
            self.instruments[symbol].symbol,
            side,
            qty,
            price,
            ord_type=ord_type,
            time_in_force=time_in_force,
            post_only=post_only,
            reduce_only=reduce_only,
            stop_px=stop_px,
            expire_ts=expire_ts,
            tag=tag,
            trigger=trigger,
            trail=trail,
            trail_bps=trail_bps,
            after=after,
            oco=oco,
            ouo=ouo,
            display_qty=display_qty,
        )
        self._last_order += 1
        self._new[intent.order] = intent
        self.intents.append(intent)
        return intent.order

    def cancel(self, order: ClOrdId) -> bool:
        if order not in self._new and not self._can_change(order):
            return False
        if self._is_leaving(order):
            return False
        self.intents.append(CancelOrder(order))
        return True

    def replace(
        self,
        order: ClOrdId,
        *,
        price: int | None = None,
        qty: int | None = None,
        stop_px: int | None = None,
    ) -> bool:
        if price is None and qty is None and stop_px is None:
            raise ValueError("replace needs a price, a qty or a stop_px")
        if order in self._new or not self._can_change(order) or self._is_leaving(order):
            return False
        known = self.orders[order]
        if price is not None:
            intents.check_whole_px(known.symbol, "price", price)
        if qty is not None:
            intents.check_qty(known.symbol, qty)
        if stop_px is not None:
            intents.check_whole_px(known.symbol, "stop_px", stop_px)
        new_px = known.price if price is None else price
        new_qty = known.order_qty if qty is None else qty
        self.intents.append(ReplaceOrder(order, new_px, new_qty, stop_px))
        return True

    def cancel_all(self, symbol: str | None = None) -> None:
        if symbol is not None:
            symbol = self.instruments[symbol].symbol
        self.intents.append(CancelAll(symbol))

    def order(self, order: ClOrdId) -> SimulatedOrder | None:
        return self.orders.get(order)

    def working(self, symbol: str | None = None) -> tuple[SimulatedOrder, ...]:
        if symbol is not None:
            symbol = self.instruments[symbol].symbol
        return tuple(
            order
            for order in self.orders.values()
            if not order.has_ended and symbol in (None, order.symbol)
        )

    # ------------------------------------------------------------------ time and beyond

    def set_timer(
        self,
        name: str,
        *,
        after_ns: int | None = None,
        at_ns: int | None = None,
        every_ns: int | None = None,
    ) -> None:
        self.timers[name] = intents.check_timer(self.now, after_ns, at_ns, every_ns)

    def cancel_timer(self, name: str) -> bool:
        return self.timers.pop(name, None) is not None

    def request_worker(self, function: str, payload: Mapping[str, Any]) -> int:
        if function not in self.workers:
            raise ValueError(f"{function} is not among the strategy's workers {self.workers}")
        self._last_request += 1
        self.intents.append(RequestWorker(self._last_request, function, dict(payload)))
        return self._last_request

    def arm_rule(self, rule: NativeRule) -> None:
        intents.check_rule(rule)
        self._check_signal(rule)
        self.rules[rule.name] = rule
        self.intents.append(ArmRule(rule))

    def arm_trigger(self, trigger: NativeTrigger) -> None:
        intents.check_trigger(trigger)
        self._check_signal(trigger)
        self.rules[trigger.name] = trigger
        self.intents.append(ArmTrigger(trigger))

    def _check_signal(self, rule: NativeRule | NativeTrigger) -> None:
        symbol = self.instruments[rule.symbol].symbol
        if not isinstance(rule.signal, Signal) and (symbol, rule.signal) not in self._asked_kernels:
            raise ValueError(f"rule {rule.name}: no kernel {rule.signal} runs on {symbol}")

    def disarm_rule(self, name: str) -> bool:
        if self.rules.pop(name, None) is None:
            return False
        self.intents.append(DisarmRule(name))
        return True

    def note(self, text: str) -> None:
        self.notes.append(intents.cut_note(text))

    # ------------------------------------------------------------------ for the simulation

    def take_intents(self) -> list[Intent]:
        """What the handler that just ended asked for, in order."""
        taken, self.intents = self.intents, []
        self._new.clear()
        return taken

    def _can_change(self, order: ClOrdId) -> bool:
        known = self.orders.get(order)
        return known is not None and not known.has_ended

    def _is_leaving(self, order: ClOrdId) -> bool:
        return any(
            isinstance(intent, CancelOrder | ReplaceOrder) and intent.order == order
            for intent in self.intents
        )
