"""From a strategy's call to a checked intent: the same rules in every context.

What is refused here is a mistake in the strategy (ValueError, which stops it), not a limit:
limits are the risk gate's, and come back as `on_denied`.
"""

import math

from daemon.messages import NO_ORDER, NativeRule, NativeTrigger, SubmitOrder
from daemon.model import (
    ClOrdId,
    ContingencyType,
    OrderFlag,
    OrdType,
    PegOffsetType,
    Side,
    TimeInForce,
    TriggerPriceType,
)

INT64_MAX = 2**63 - 1
NOTE_BYTES_MAX = 4096
BAR_SECONDS_MAX = 86_400

_HAS_PRICE = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
_HAS_STOP = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.MARKET_IF_TOUCHED})
_WAITS = _HAS_STOP | {OrdType.TRAILING_STOP}
TRAIL_BPS_MAX = 10_000
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def order_intent(
    order: ClOrdId,
    symbol: str,
    side: Side,
    qty: int,
    price: int | None,
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
) -> SubmitOrder:
    """The order as asked for, its type filled in. ValueError where its fields contradict."""
    trails = (trail, trail_bps) != (None, None)
    kind = ord_type or _implied_type(price, stop_px, trails=trails)
    offset, unit = _check_trail(symbol, kind, trail, trail_bps)
    _check_side(symbol, side)
    check_qty(symbol, qty)
    _check_display(symbol, qty, display_qty, kind, time_in_force)
    _check_px(symbol, "price", price, kind in _HAS_PRICE, kind)
    _check_px(symbol, "stop_px", stop_px, kind in _HAS_STOP, kind)
    if post_only:
        _check_rests(symbol, "a post-only order", kind, time_in_force)
    if (expire_ts > 0) is not (time_in_force is TimeInForce.GTD):
        raise ValueError(f"{symbol}: expire_ts goes with GTD, found {time_in_force.name}")
    _check_tag(symbol, tag)
    if trigger is not None and kind not in _WAITS:
        raise ValueError(f"{symbol}: a {kind.name} order waits for no price, found {trigger.name}")
    sibling, contingency = _sibling(symbol, oco, ouo)
    flags = OrderFlag(post_only * OrderFlag.POST_ONLY | reduce_only * OrderFlag.REDUCE_ONLY)
    return SubmitOrder(
        order,
        symbol,
        side,
        qty,
        price or 0,
        kind,
        time_in_force,
        flags,
        stop_px or 0,
        expire_ts,
        tag,
        trigger or TriggerPriceType.NONE,
        offset,
        unit,
        NO_ORDER if after is None else after,
        sibling,
        contingency,
        display_qty or 0,
    )


def _check_display(
    symbol: str, qty: int, display_qty: int | None, kind: OrdType, time_in_force: TimeInForce
) -> None:
    if display_qty is None:
        return
    if type(display_qty) is not int or not 1 <= display_qty <= qty:
        raise ValueError(f"{symbol}: display_qty must be from 1 to {qty}, found {display_qty!r}")
    _check_rests(symbol, "an order with display_qty", kind, time_in_force)


def _check_rests(symbol: str, what: str, kind: OrdType, time_in_force: TimeInForce) -> None:
    if kind not in _HAS_PRICE or time_in_force in _IMMEDIATE:
        raise ValueError(f"{symbol}: {what} must rest, found {kind.name} {time_in_force.name}")


def _check_side(symbol: str, side: Side) -> None:
    if side not in (Side.BUY, Side.SELL):
        raise ValueError(f"{symbol}: side must be BUY or SELL, found {side!r}")


def _check_tag(symbol: str, tag: int) -> None:
    if not 0 <= tag < 1 << 64:
        raise ValueError(f"{symbol}: tag must be an unsigned 64-bit number, found {tag}")


def _sibling(
    symbol: str, oco: ClOrdId | None, ouo: ClOrdId | None
) -> tuple[ClOrdId, ContingencyType]:
    """The order whose list this one joins, and what the list means."""
    if oco is not None and ouo is not None:
        raise ValueError(f"{symbol}: an order is in one list, found oco and ouo")
    if oco is not None:
        return oco, ContingencyType.OCO
    if ouo is not None:
        return ouo, ContingencyType.OUO
    return NO_ORDER, ContingencyType.NONE


def _check_trail(
    symbol: str, kind: OrdType, trail: int | None, trail_bps: int | None
) -> tuple[int, PegOffsetType]:
    """A trailing stop's distance and its unit; (0, PRICE) for every other order."""
    given = [each for each in (trail, trail_bps) if each is not None]
    if len(given) != (kind is OrdType.TRAILING_STOP):
        needs = "needs one of" if kind is OrdType.TRAILING_STOP else "takes no"
        raise ValueError(f"{symbol}: a {kind.name} order {needs} trail and trail_bps")
    if not given:
        return 0, PegOffsetType.PRICE
    (offset,) = given
    most = INT64_MAX if trail_bps is None else TRAIL_BPS_MAX
    if type(offset) is not int or not 1 <= offset <= most:
        raise ValueError(f"{symbol}: a trailing stop's distance must be from 1, found {offset!r}")
    return offset, PegOffsetType.PRICE if trail_bps is None else PegOffsetType.BASIS_POINTS


def check_qty(symbol: str, qty: int) -> None:
    """ValueError unless a whole number of lots, at least 1."""
    if type(qty) is not int or not 1 <= qty <= INT64_MAX:
        raise ValueError(f"{symbol}: quantity must be whole lots from 1, found {qty!r}")


def check_whole_px(symbol: str, name: str, px: int) -> None:
    """ValueError unless a whole number of price increments. A float is a mistake here."""
    if type(px) is not int or not -INT64_MAX <= px <= INT64_MAX:
        raise ValueError(f"{symbol}: {name} must be whole price increments, found {px!r}")


def check_rule(rule: NativeRule) -> None:
    """ValueError where a native rule could never fire or says nothing definite."""
    check_trigger(rule)
    check_qty(rule.symbol, rule.qty)
    if rule.side not in (Side.BUY, Side.SELL):
        raise ValueError(f"rule {rule.name}: side must be BUY or SELL")
    if rule.max_position < 0:
        raise ValueError(f"rule {rule.name}: max_position must not be negative")


def check_trigger(trigger: NativeTrigger | NativeRule) -> None:
    """ValueError where it could never fire or says nothing definite."""
    name = trigger.name
    if not math.isfinite(trigger.threshold):
        raise ValueError(f"rule {name}: threshold must be finite, found {trigger.threshold}")
    if trigger.cooldown_ns < 0:
        raise ValueError(f"rule {name}: cooldown_ns must not be negative")


def check_timer(
    now: int, after_ns: int | None, at_ns: int | None, every_ns: int | None
) -> tuple[int, int]:
    """When the timer is due first and its period (0: once), ns. ValueError unless exactly one."""
    given = [value for value in (after_ns, at_ns, every_ns) if value is not None]
    if len(given) != 1:
        raise ValueError("set_timer takes exactly one of after_ns, at_ns, every_ns")
    if every_ns is not None:
        if every_ns < 1:
            raise ValueError(f"every_ns must be at least 1, found {every_ns}")
        return now + every_ns, every_ns
    if after_ns is not None:
        if after_ns < 0:
            raise ValueError(f"after_ns must not be negative, found {after_ns}")
        return now + after_ns, 0
    return max(given[0], now), 0


def cut_note(text: str) -> str:
    """At most `NOTE_BYTES_MAX` bytes of UTF-8, cut between characters."""
    content = text.encode("utf-8", "replace")
    if len(content) <= NOTE_BYTES_MAX:
        return content.decode()
    return content[:NOTE_BYTES_MAX].decode("utf-8", "ignore")


def _implied_type(price: int | None, stop_px: int | None, *, trails: bool) -> OrdType:
    if trails:
        return OrdType.TRAILING_STOP
    if stop_px is None:
        return OrdType.MARKET if price is None else OrdType.LIMIT
    return OrdType.STOP if price is None else OrdType.STOP_LIMIT


def _check_px(symbol: str, name: str, px: int | None, wanted: bool, kind: OrdType) -> None:
    if (px is not None) is not wanted:
        needs = "needs a" if wanted else "takes no"
        raise ValueError(f"{symbol}: a {kind.name} order {needs} {name}, found {px!r}")
    if px is not None:
        check_whole_px(symbol, name, px)
