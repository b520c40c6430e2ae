"""A strategy for tests: two orders in one handler, a replace that is denied, one that is not."""

from daemon.messages import BookUpdate, OrderDenied, OrderUpdate
from daemon.model import ClOrdId, OrderEvent, Side
from daemon.strategy import Parameters, State, Strategy

TOO_MANY = 501


class Quoting(Parameters, frozen=True, kw_only=True):
    """Price in price increments."""

    symbol: str
    price: int


class Memory(State):
    """The first of its orders."""

    order: ClOrdId = ClOrdId(0)


class Requoter(Strategy[Quoting, Memory]):
    """Buys 3 lots and 2 lots; when the first is acknowledged, asks for 501, when denied for 4."""

    def on_start(self) -> None:
        self.context.subscribe(self.parameters.symbol)

    def on_book(self, update: BookUpdate) -> None:
        if not self.state.order:
            price = self.parameters.price
            self.state.order = self.context.submit(update.symbol, Side.BUY, 3, price)
            self.context.submit(update.symbol, Side.BUY, 2, price - 1)

    def on_order(self, update: OrderUpdate) -> None:
        if update.event is OrderEvent.ACKNOWLEDGE and update.order == self.state.order:
            self.context.replace(self.state.order, qty=TOO_MANY)

    def on_denied(self, denied: OrderDenied) -> None:
        if denied.qty == TOO_MANY:
            self.context.replace(self.state.order, qty=4)
