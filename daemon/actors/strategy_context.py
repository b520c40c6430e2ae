"""What a running strategy is given: `daemon.strategy.Context` over the native core.

Nothing takes effect inside a handler. Every request is kept as a call to make; the host makes
the calls, in order, when the handler has returned, or forgets them when it raised.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from daemon.core import Core, NativeOrder
from daemon.messages import NativeRule, NativeTrigger, SubmitOrder
from daemon.model import (
    TERMINAL_STATES,
    CancelReason,
    ClOrdId,
    Instrument,
    OrderState,
    OrdType,
    Side,
    Signal,
    TimeInForce,
    TriggerPriceType,
)
from daemon.runtime.views import (
    NativeOrderView,
    NativePositionView,
    SlotBookView,
    SlotSignalView,
)
from daemon.strategy import Kernel
from daemon.strategy.intents import (
    BAR_SECONDS_MAX,
    check_qty,
    check_rule,
    check_timer,
    check_trigger,
    check_whole_px,
    cut_note,
    order_intent,
)
from daemon.strategy.random_stream import SeededStream

TIMERS_PER_STRATEGY_BITS = 20
REQUESTS_PER_STRATEGY_BITS = 32
_BUSY = frozenset({*TERMINAL_STATES, OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE})
_UNCANCELLABLE = frozenset({*TERMINAL_STATES, OrderState.PENDING_CANCEL})


class HostContext:
    """One strategy's context.

    `instruments` gives each symbol's id and definition; `session_of` the session that carries a
    symbol's orders; `kernels` are those that the core has machine code of.
    """

    def __init__(
        self,
        core: Core,
        strategy: int,
        name: str,
        symbols: tuple[str, ...],
        session_of: Mapping[str, int],
        instruments: Mapping[str, tuple[int, Instrument]],
        workers: tuple[str, ...],
        kernels: tuple[Kernel, ...],
        seed: int,
    ) -> None:
        self._core = core
        self._strategy = strategy
        self._name = name
        self._symbols = symbols
        self._session_of = session_of
        self._instruments = instruments
        self._workers = workers
        self.calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self._submitted: set[ClOrdId] = set()
        self._changing: set[ClOrdId] = set()
        self._timers: dict[str, int] = {}
        self._timer_names: dict[int, str] = {}
        self._rules: set[str] = set()
        self._declared = {kernel.name: kernel for kernel in kernels}
        # By symbol and kernel, the number of the value; views hold on to the inner ones.
        self._kernels: dict[str, dict[str, int]] = {symbol: {} for symbol in symbols}
        self._requests = 0
        digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
        self._random = SeededStream(int.from_bytes(digest[:8], "little"))
        self.requested: list[tuple[int, str, Any]] = []

    # ------------------------------------------------------------------ host's side

    def release(self) -> None:
        """Make the calls that the handler asked for."""
        calls, self.calls = self.calls, []
        self._submitted.clear()
        self._changing.clear()
        for function, arguments in calls:
            function(*arguments)

    def discard(self) -> None:
        """Forget them: the handler raised."""
        self.calls.clear()
        self._submitted.clear()
        self._changing.clear()

    def timer_name(self, timer_id: int) -> str | None:
        """The name under which a timer was set; None where it was cancelled since."""
        return self._timer_names.get(timer_id)

    def save(self) -> dict[str, Any]:
        """What a checkpoint holds of the context."""
        return {
            "random": self._random.state,
            "timers": dict(sorted(self._timers.items())),
            "rules": sorted(self._rules),
            "kernels": {symbol: dict(sorted(of.items())) for symbol, of in self._kernels.items()},
            "requests": self._requests,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `save`; native subscriptions and timers are the core's to restore."""
        self._random.state = saved["random"]
        self._timers = dict(saved["timers"])
        self._timer_names = {number: name for name, number in self._timers.items()}
        self._rules = set(saved["rules"])
        for symbol, slots in saved["kernels"].items():
            self._kernels[symbol].update(slots)
        self._requests = saved["requests"]

    # ------------------------------------------------------------------ the world

    @property
    def now(self) -> int:
        return self._core.now

    @property
    def name(self) -> str:
        return self._name

    @property
    def symbols(self) -> tuple[str, ...]:
        return self._symbols

    @property
    def random(self) -> SeededStream:
        return self._random

    def instrument(self, symbol: str) -> Instrument:
        return self._instruments[symbol][1]

    def book(self, symbol: str) -> SlotBookView:
        return SlotBookView(self._core, self._instruments[symbol][0], symbol)

    def signals(self, symbol: str) -> SlotSignalView:
        number = self._instruments[symbol][0]
        return SlotSignalView(self._core, number, self._kernels[symbol])

    def position(self, symbol: str) -> NativePositionView:
        native = self._core.position(self._strategy, self._instruments[symbol][0])
        return NativePositionView(native, symbol)

    # ------------------------------------------------------------------ subscriptions

    def subscribe(self, symbol: str, *, every_update: bool = False) -> None:
        number = self._instruments[symbol][0]
        self._ask(self._core.subscribe_book, self._strategy, number, every_update)

    def subscribe_trades(self, symbol: str) -> None:
        number = self._instruments[symbol][0]
        self._ask(self._core.subscribe_trades, self._strategy, number)

    def subscribe_bars(self, symbol: str, seconds: int) -> None:
        if not 1 <= seconds <= BAR_SECONDS_MAX:
            raise ValueError(f"bar seconds must be in [1, {BAR_SECONDS_MAX}], found {seconds}")
        number = self._instruments[symbol][0]
        self._ask(self._core.subscribe_bars, self._strategy, number, seconds)

    def run_kernel(self, symbol: str, name: str, *parameters: float) -> None:
        number, kernel = self._instruments[symbol][0], self._declared.get(name)
        if kernel is None:
            raise ValueError(f"{name}: not among the strategy's kernels {list(self._declared)}")
        values = kernel.check(parameters)
        slot = self._core.kernel_slot(self._strategy, number, name)
        self._kernels[symbol][name] = slot
        self._ask(self._core.run_kernel, slot, values)

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
        order = ClOrdId(self._core.new_cl_ord_id())
        intent = order_intent(
            order,
            symbol,
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
        self._send(intent)
        return order

    def _send(self, intent: SubmitOrder) -> None:
        self._submitted.add(intent.order)
        kept: tuple[int, ...] = (
            intent.parent,
            intent.sibling,
            int(intent.contingency),
            int(intent.trigger),
            intent.peg_offset,
            int(intent.peg_offset_type),
            intent.display_qty,
        )
        if not any(kept):
            kept = ()  # nearly every order: the shorter call
        self._ask(
            self._core.submit_kept if kept else self._core.submit,
            intent.order,
            self._strategy,
            self._instruments[intent.symbol][0],
            self._session_of[intent.symbol],
            int(intent.side),
            int(intent.ord_type),
            int(intent.time_in_force),
            int(intent.flags),
            intent.price,
            intent.stop_px,
            intent.qty,
            intent.expire_ts,
            intent.tag,
            *kept,
        )

    def cancel(self, order: ClOrdId) -> bool:
        if not self._may_change(order, _UNCANCELLABLE):
            return False
        self._changing.add(order)
        self._ask(self._core.cancel, order, int(CancelReason.STRATEGY))
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
            raise ValueError(f"replace of {order:016X}: neither price nor quantity nor stop_px")
        if price is not None:
            check_whole_px(self._name, "price", price)
        if qty is not None:
            check_qty(self._name, qty)
        if stop_px is not None:
            check_whole_px(self._name, "stop_px", stop_px)
        native = self._own(order)
        if native is None or not self._may_change(order, _BUSY):
            return False
        self._changing.add(order)
        new_price = native.price if price is None else price
        new_qty = native.order_qty if qty is None else qty
        self._ask(self._core.replace, order, new_price, new_qty, stop_px)
        return True

    def cancel_all(self, symbol: str | None = None) -> None:
        number = None if symbol is None else self._instruments[symbol][0]
        reason = int(CancelReason.STRATEGY)
        self._ask(self._core.cancel_all, self._strategy, number, reason)

    def order(self, order: ClOrdId) -> NativeOrderView | None:
        native = self._own(order)
        return None if native is None else self._view(native)

    def working(self, symbol: str | None = None) -> tuple[NativeOrderView, ...]:
        number = None if symbol is None else self._instruments[symbol][0]
        return tuple(self._view(native) for native in self._core.working(self._strategy, number))

    def _own(self, order: ClOrdId) -> NativeOrder | None:
        native = self._core.order(order)
        return native if native is not None and native.strategy == self._strategy else None

    def _may_change(self, order: ClOrdId, never: frozenset[OrderState]) -> bool:
        if order in self._changing:
            return False
        if order in self._submitted:
            return True
        native = self._own(order)
        return native is not None and OrderState(native.state) not in never

    def _view(self, native: NativeOrder) -> NativeOrderView:
        return NativeOrderView(native, self._core.symbol(native.instrument))

    # ------------------------------------------------------------------ time

    def set_timer(
        self,
        name: str,
        *,
        after_ns: int | None = None,
        at_ns: int | None = None,
        every_ns: int | None = None,
    ) -> None:
        deadline, period = check_timer(self.now, after_ns, at_ns, every_ns)
        number = self._timers.get(name)
        if number is None:
            number = (self._strategy << TIMERS_PER_STRATEGY_BITS) | len(self._timers)
            self._timers[name] = number
            self._timer_names[number] = name
        self._ask(self._core.arm_timer, number, self._strategy, deadline, period)

    def cancel_timer(self, name: str) -> bool:
        number = self._timers.get(name)
        if number is None or not self._core.timer_armed(number):
            return False
        self._ask(self._core.cancel_timer, number)
        return True

    # ------------------------------------------------------------------ beyond

    def request_worker(self, function: str, payload: Mapping[str, Any]) -> int:
        if function not in self._workers:
            raise ValueError(f"{function}: not among the strategy's workers {self._workers}")
        self._requests += 1
        request_id = (self._strategy << REQUESTS_PER_STRATEGY_BITS) | self._requests
        self._ask(self.requested.append, (request_id, function, dict(payload)))
        return request_id

    def arm_rule(self, rule: NativeRule) -> None:
        check_rule(rule)
        number = self._instruments[rule.symbol][0]
        signal = self._signal(rule)
        self._rules.add(rule.name)
        self._ask(
            self._core.arm_rule,
            self._strategy,
            rule.name,
            number,
            self._session_of[rule.symbol],
            signal,
            int(rule.comparison),
            rule.threshold,
            int(rule.side),
            rule.qty,
            rule.max_position,
            rule.price_offset,
            rule.cooldown_ns,
        )

    def arm_trigger(self, trigger: NativeTrigger) -> None:
        check_trigger(trigger)
        number = self._instruments[trigger.symbol][0]
        signal = self._signal(trigger)
        self._rules.add(trigger.name)
        order = (0, 0, 0, 0)  # side, quantity, position, offset: it only wakes
        self._ask(
            self._core.arm_rule,
            self._strategy,
            trigger.name,
            number,
            self._session_of[trigger.symbol],
            signal,
            int(trigger.comparison),
            trigger.threshold,
            *order,
            trigger.cooldown_ns,
        )

    def _signal(self, rule: NativeRule | NativeTrigger) -> int:
        """The number by which the core knows a signal: native ones first, then kernels' slots."""
        if isinstance(rule.signal, Signal):
            return int(rule.signal)
        slot = self._kernels[rule.symbol].get(rule.signal)
        if slot is None:
            raise ValueError(f"rule {rule.name}: no kernel {rule.signal} runs on {rule.symbol}")
        return len(Signal) + slot

    def disarm_rule(self, name: str) -> bool:
        if name not in self._rules:
            return False
        self._rules.discard(name)
        self._ask(self._core.disarm_rule, self._strategy, name)
        return True

    def note(self, text: str) -> None:
        self._ask(self._core.note, self._strategy, 0, cut_note(text))

    def _ask(self, function: Callable[..., Any], *arguments: object) -> None:
        self.calls.append((function, arguments))
