"""What a strategy can ask for and do: the only thing it is given of the world.

Every method returns at once. Nothing that a handler asks for takes effect before it returns:
then its intents are released in order, or all discarded when it raised. Symbols are the
configuration's; an unknown one raises KeyError, a value out of range ValueError.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from daemon.messages import NativeRule, NativeTrigger
from daemon.model import ClOrdId, Instrument, OrdType, Side, TimeInForce, TriggerPriceType
from daemon.strategy.views import BookView, OrderView, PositionView, RandomStream, SignalView


class Context(Protocol):
    """A strategy's window on the runtime. One strategy, one context, one thread."""

    # ------------------------------------------------------------------ the world

    @property
    def now(self) -> int:
        """`ts_core` of what is being handled, ns since 1970 UTC; the only clock there is."""

    @property
    def name(self) -> str:
        """The strategy's configured name."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The instruments that the configuration gives this strategy, in its order."""

    @property
    def random(self) -> RandomStream:
        """The strategy's seeded stream."""

    def instrument(self, symbol: str) -> Instrument:
        """The definition of an instrument."""

    def book(self, symbol: str) -> BookView:
        """The live view of a book: ask once, keep it."""

    def signals(self, symbol: str) -> SignalView:
        """The live view of the native signals: ask once, keep it."""

    def position(self, symbol: str) -> PositionView:
        """The live view of the strategy's own position: ask once, keep it."""

    # ------------------------------------------------------------------ subscriptions

    def subscribe(self, symbol: str, *, every_update: bool = False) -> None:
        """`on_book` from now on: once a turn on the newest state, or on every update."""

    def subscribe_trades(self, symbol: str) -> None:
        """`on_trade` for every trade of the feed."""

    def subscribe_bars(self, symbol: str, seconds: int) -> None:
        """`on_bar` for every finished bar of so many whole seconds, 1 to 86,400."""

    def run_kernel(self, symbol: str, name: str, *parameters: float) -> None:
        """Have a kernel of the strategy's `kernels` look at every update of the instrument.

        Its value is `signals(symbol)[name]` from the next update on. Asked again, it changes the
        parameters and keeps the state; one that was disarmed begins anew. ValueError for a kernel
        that was not declared or parameters that do not fit.
        """

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
        """A new order; its id, by which everything about it will be reported.

        Without `ord_type`: LIMIT where there is a price, MARKET where not (STOP_LIMIT and STOP
        with `stop_px`, TRAILING_STOP with `trail` increments or `trail_bps` basis points). The gate
        may still deny it: `on_denied`.

        What its venue cannot do the daemon does: the order is HELD then. `trigger` says which price
        a stop waits for (the last trade). `after` names an order whose fills trigger this one.
        `oco` names one that is cancelled when this one trades and the other way round; with `ouo`
        it becomes less by what traded. All three need an order of this strategy. `display_qty` is
        what the market may see of it at a time (an iceberg).
        """

    def cancel(self, order: ClOrdId) -> bool:
        """Ask to cancel. False where it is not known, has ended or a request is on its way."""

    def replace(
        self,
        order: ClOrdId,
        *,
        price: int | None = None,
        qty: int | None = None,
        stop_px: int | None = None,
    ) -> bool:
        """Ask to change limit or total quantity (filled included). False as for `cancel`.

        `stop_px` is of a stop that was not triggered yet, wherever it waits.
        """

    def cancel_all(self, symbol: str | None = None) -> None:
        """Ask to cancel every order of this strategy, or those in one instrument."""

    def order(self, order: ClOrdId) -> OrderView | None:
        """One order of this strategy from when its handler returned.

        None where it was denied, is not this strategy's, or ended so long ago that the order
        table has forgotten it.
        """

    def working(self, symbol: str | None = None) -> tuple[OrderView, ...]:
        """Orders that may still trade, oldest first: also those in flight and UNKNOWN.

        An order submitted in this handler is not among them before the handler returns.
        """

    # ------------------------------------------------------------------ time

    def set_timer(
        self,
        name: str,
        *,
        after_ns: int | None = None,
        at_ns: int | None = None,
        every_ns: int | None = None,
    ) -> None:
        """`on_timer(name)` once (`after_ns` or `at_ns`) or again and again (`every_ns`).

        Exactly one of the three. The same name again moves the timer. A periodic timer that
        was overtaken by time fires once, and next at its following multiple.
        """

    def cancel_timer(self, name: str) -> bool:
        """False where no timer of that name was set."""

    # ------------------------------------------------------------------ beyond

    def request_worker(self, function: str, payload: Mapping[str, Any]) -> int:
        """Have a worker process compute `function(payload)`; the id of the request.

        The function must be in the strategy's `workers`; the payload must be JSON. The answer
        comes as `on_worker`, always: done, failed or timed out.
        """

    def arm_rule(self, rule: NativeRule) -> None:
        """Have the core fire an order by itself; the same name again changes the rule."""

    def arm_trigger(self, trigger: NativeTrigger) -> None:
        """`on_trigger` on the update at which a signal crosses; names are shared with rules.

        ValueError, as for `arm_rule`, where it watches a kernel that was not run before.
        """

    def disarm_rule(self, name: str) -> bool:
        """False where no rule or trigger of that name was armed."""

    def note(self, text: str) -> None:
        """Put a sentence into the log, at most 4,096 bytes of UTF-8 (cut there)."""
