"""A strategy for crashes: at each update it submits, cancels, replaces, or waits, by its seed."""

from daemon.messages import BookUpdate
from daemon.model import Side
from daemon.strategy import Parameters, State, Strategy

QTY_MAX = 40
KEPT_QTY = 1000  # and more: an order that the daemon keeps, a stop or an iceberg
PX_AWAY_MAX = 30


class Trading(Parameters, frozen=True, kw_only=True):
    """Prices are price increments, quantities are lots."""

    symbol: str
    orders_max: int = 4


class Nothing(State):
    """All that it knows is in its orders and in its random stream."""


class Trader(Strategy[Trading, Nothing]):
    """Never looks at a price: what it does to its orders is the point."""

    def on_start(self) -> None:
        self.context.subscribe(self.parameters.symbol)

    def on_book(self, update: BookUpdate) -> None:
        choice = self._below(8)
        working = self.context.working(update.symbol)
        if not working or (choice < 3 and len(working) < self.parameters.orders_max):
            self._submit(update.symbol, Side.BUY if self._below(2) else Side.SELL)
            return
        order = working[self._below(len(working))]
        if choice == 3:
            self.context.cancel(order.order)
        elif choice <= 5:
            qty = order.cum_qty + 1 + self._below(QTY_MAX)
            self.context.replace(order.order, price=self._price(), qty=qty)

    def _submit(self, symbol: str, side: Side) -> None:
        kind, qty = self._below(4), 1 + self._below(QTY_MAX)
        if kind == 0:
            away = self._below(PX_AWAY_MAX) * (1 if side is Side.BUY else -1)
            kept = KEPT_QTY + qty
            self.context.submit(symbol, side, kept, self._price(), stop_px=10_000 + away)
        elif kind == 1:
            kept = KEPT_QTY * (1 + self._below(3)) + qty
            self.context.submit(symbol, side, kept, self._price(), display_qty=KEPT_QTY)
        else:
            self.context.submit(symbol, side, qty, self._price())

    def _price(self) -> int:
        return 10_000 + self._below(2 * PX_AWAY_MAX) - PX_AWAY_MAX

    def _below(self, limit: int) -> int:
        return int(self.context.random.random() * limit)
