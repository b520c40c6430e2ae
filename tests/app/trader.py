"""A strategy for tests of the running daemon: buys once, at a price that its parameters give."""

from daemon.messages import BookUpdate
from daemon.model import ClOrdId, Side
from daemon.strategy import Parameters, State, Strategy


class Buying(Parameters, frozen=True, kw_only=True):
    """Price in price increments, quantity in lots; `fails` raises at the first update."""

    symbol: str
    price: int
    qty: int = 3
    fails: bool = False


class Memory(State):
    """Whether it has bought."""

    order: ClOrdId = ClOrdId(0)


class Trader(Strategy[Buying, Memory]):
    """One order, and nothing more."""

    def on_start(self) -> None:
        self.context.subscribe(self.parameters.symbol)

    def on_book(self, update: BookUpdate) -> None:
        if self.parameters.fails:
            raise ValueError("asked to fail")
        if not self.state.order:
            of = self.parameters
            self.state.order = self.context.submit(update.symbol, Side.BUY, of.qty, of.price)
