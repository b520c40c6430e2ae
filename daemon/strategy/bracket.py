"""An entry with its way out: the order list that strategies ask for most."""

from __future__ import annotations

from typing import NamedTuple

from daemon.model import ClOrdId, Side, TriggerPriceType, opposite
from daemon.strategy.context import Context


class Bracket(NamedTuple):
    """The three orders of `submit_bracket`."""

    entry: ClOrdId
    target: ClOrdId
    stop: ClOrdId


def submit_bracket(
    context: Context,
    symbol: str,
    side: Side,
    qty: int,
    price: int | None,
    *,
    target: int,
    stop_px: int,
    trigger: TriggerPriceType | None = None,
    tag: int = 0,
) -> Bracket:
    """An entry at `price` (None: at the market), and two orders that close what it has traded.

    A limit at `target` and a stop at `stop_px` follow the entry's fills (OTO); what one of them
    trades the other one does not (OUO). docs/orders.md has the rules.
    """
    entry = context.submit(symbol, side, qty, price, tag=tag)
    away = opposite(side)
    limit = context.submit(symbol, away, qty, target, after=entry, tag=tag)
    stop = context.submit(
        symbol, away, qty, stop_px=stop_px, trigger=trigger, after=entry, ouo=limit, tag=tag
    )
    return Bracket(entry, limit, stop)
