"""A strategy for crashes: at each update it submits, cancels, replaces, or waits, by its seed."""

from daemon.messages import BookUpdate
from daemon.model import Side
from daemon.strategy import Parameters, State, Strategy

QTY_MAX = 40
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
            side = Side.BUY if self._below(2) else Side.SELL
            self.context.submit(update.symbol, side, 1 + self._below(QTY_MAX), self._price())
            return
        order = working[self._below(len(working))]
        if choice == 3:
            self.context.cancel(order.order)
        elif choice <= 5:
            qty = order.cum_qty + 1 + self._below(QTY_MAX)
            self.context.replace(order.order, price=self._price(), qty=qty)

    def _price(self) -> int:
        return 10_000 + self._below(2 * PX_AWAY_MAX) - PX_AWAY_MAX

    def _below(self, limit: int) -> int:
        return int(self.context.random.random() * limit)
