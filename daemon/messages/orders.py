"""What a strategy wants done: intents, released to the order policy when its handler returns."""

import msgspec

from daemon.model import (
    CancelReason,
    ClOrdId,
    Comparison,
    ContingencyType,
    OrderFlag,
    OrdType,
    PegOffsetType,
    Side,
    Signal,
    TimeInForce,
    TriggerPriceType,
)

NO_ORDER = ClOrdId(0)


class SubmitOrder(msgspec.Struct, frozen=True, gc=False):
    """A new order. `price` is 0 for a market order, `stop_px` 0 where it has no stop.

    `parent` is the order whose fills trigger it (OTO), `sibling` one of the list that it joins,
    `display_qty` what is shown of it at a time, 0: all.
    """

    order: ClOrdId
    symbol: str
    side: Side
    qty: int
    price: int
    ord_type: OrdType = OrdType.LIMIT
    time_in_force: TimeInForce = TimeInForce.DAY
    flags: OrderFlag = OrderFlag.NONE
    stop_px: int = 0
    expire_ts: int = 0
    tag: int = 0
    trigger: TriggerPriceType = TriggerPriceType.NONE
    peg_offset: int = 0
    peg_offset_type: PegOffsetType = PegOffsetType.PRICE
    parent: ClOrdId = NO_ORDER
    sibling: ClOrdId = NO_ORDER
    contingency: ContingencyType = ContingencyType.NONE
    display_qty: int = 0


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """Cancel what is left of an order, named by its first ClOrdID."""

    order: ClOrdId
    reason: CancelReason = CancelReason.STRATEGY


class ReplaceOrder(msgspec.Struct, frozen=True, gc=False):
    """Change an order's limit, total quantity (what was filled included) and `stop_px`, None: as it
    is."""

    order: ClOrdId
    price: int
    qty: int
    stop_px: int | None = None


class CancelAll(msgspec.Struct, frozen=True, gc=False):
    """Cancel every order of the strategy, or those of one instrument."""

    symbol: str | None = None
    reason: CancelReason = CancelReason.STRATEGY


class NativeRule(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An order that the core sends by itself, without the interpreter, when a signal crosses.

    It fires on an update at which `signal` (a native one, or a kernel of the strategy's by name)
    goes from not beyond to beyond `threshold`, at most once in `cooldown_ns`, and only where the
    position after a full fill, working orders counted, stays within ±`max_position` lots. The
    order is a limit IOC at the opposite best plus (buy) or minus (sell) `price_offset` increments:
    0 takes at the touch, negative offers less. It passes the same gate as every order.
    """

    name: str
    symbol: str
    signal: Signal | str
    comparison: Comparison
    threshold: float
    side: Side
    qty: int
    max_position: int
    price_offset: int = 0
    cooldown_ns: int = 1_000_000_000


class NativeTrigger(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Wakes the strategy on exactly the update at which a signal crosses a threshold.

    `signal` is a native one, or a kernel of the strategy's by name. At most once in `cooldown_ns`.
    """

    name: str
    symbol: str
    signal: Signal | str
    comparison: Comparison
    threshold: float
    cooldown_ns: int = 0


class ArmTrigger(msgspec.Struct, frozen=True, gc=False):
    """Arm a trigger, or change the rule or trigger of the same name."""

    trigger: NativeTrigger


class RunKernel(msgspec.Struct, frozen=True, gc=False):
    """Run a kernel on an instrument, or change the parameters of one that runs."""

    symbol: str
    name: str
    parameters: tuple[float, ...]


class ArmRule(msgspec.Struct, frozen=True, gc=False):
    """Arm a native rule, or change the one of the same name."""

    rule: NativeRule


class DisarmRule(msgspec.Struct, frozen=True, gc=False):
    """Disarm a native rule or trigger; a rule's orders that work stay."""

    name: str


OrderIntent = SubmitOrder | CancelOrder | ReplaceOrder | CancelAll
