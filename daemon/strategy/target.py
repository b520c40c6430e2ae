"""A building block: bring a position to a target by taking liquidity, one order at a time."""

import msgspec

from daemon.messages import OrderDenied, OrderUpdate
from daemon.model import Side, TimeInForce
from daemon.strategy.context import Context


class TargetTaker(msgspec.Struct):
    """What working one instrument towards a target must remember: a field of a State.

    Call `work` as often as you like (on every book, say), and its `on_order` and `on_denied`
    from yours. There is at most one order out, so a target is never overshot,
    also while the outcome of an order is UNKNOWN; and none sooner than `retry_ns` after the
    one before, so a level that is gone is not hammered.
    """

    symbol: str
    order: int = 0
    retry_ts: int = 0

    def work(self, context: Context, target: int, slippage_ticks: int, retry_ns: int) -> None:
        """Submit what is missing as a limit IOC, `slippage_ticks` beyond the opposite best.

        The book must be one that may be traded on (`may_trade`).
        """
        missing = target - context.position(self.symbol).net_qty
        if not missing or self.order or context.now < self.retry_ts:
            return
        book = context.book(self.symbol)
        side, touch = (Side.BUY, book.ask_px) if missing > 0 else (Side.SELL, book.bid_px)
        px = context.instrument(self.symbol).taking_px(side, touch, slippage_ticks)
        self.retry_ts = context.now + retry_ns
        self.order = context.submit(
            self.symbol, side, abs(missing), px, time_in_force=TimeInForce.IOC
        )

    def on_order(self, update: OrderUpdate) -> None:
        """What the order out became; updates of other orders are ignored."""
        if update.is_terminal and update.order == self.order:
            self.order = 0

    def on_denied(self, denied: OrderDenied) -> None:
        """It never left; others' are ignored."""
        if denied.order == self.order:
            self.order = 0
