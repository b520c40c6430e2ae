"""Strategies and instruments that the tests of contexts share."""

from daemon.messages import Bar, BookUpdate, Fill, OrderDenied, OrderUpdate, Trade, WorkerResult
from daemon.model import ClOrdId, Instrument, Side, TimeInForce
from daemon.strategy import ArraySpec, Parameters, State, Strategy

X = Instrument.from_mapping(
    {"symbol": "X", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)
Y = Instrument.from_mapping(
    {"symbol": "Y", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)


class Nothing(Parameters, frozen=True):
    level: int = 1


class Count(State):
    seen: int = 0


class Recorder(Strategy[Nothing, Count]):
    """Remembers what it was told."""

    workers = ("tests.strategy.functions:double",)
    array_specs = {"sums": ArraySpec("i8", 4)}  # noqa: RUF012  # read only

    def on_start(self) -> None:
        self.on_restore()

    def on_restore(self) -> None:
        self.books: list[BookUpdate] = []
        self.trades: list[Trade] = []
        self.bars: list[Bar] = []
        self.timers: list[str] = []
        self.orders: list[OrderUpdate] = []
        self.fills: list[Fill] = []
        self.denials: list[OrderDenied] = []
        self.results: list[WorkerResult] = []
        self.previous: list[Nothing] = []

    def on_book(self, update: BookUpdate) -> None:
        self.state.seen += 1
        self.arrays["sums"][0] += self.context.book(update.symbol).bid_px
        self.books.append(update)

    def on_trade(self, trade: Trade) -> None:
        self.trades.append(trade)

    def on_bar(self, bar: Bar) -> None:
        self.bars.append(bar)

    def on_timer(self, name: str) -> None:
        self.timers.append(name)

    def on_order(self, update: OrderUpdate) -> None:
        self.orders.append(update)

    def on_fill(self, fill: Fill) -> None:
        self.fills.append(fill)

    def on_denied(self, denied: OrderDenied) -> None:
        self.denials.append(denied)

    def on_worker(self, result: WorkerResult) -> None:
        self.results.append(result)

    def on_parameters(self, previous: Nothing) -> None:
        self.previous.append(previous)


class Actor(Recorder):
    """Submits one order, as its class attributes say, at the first book."""

    side = Side.BUY
    qty = 5
    price: int | None = 100
    time_in_force = TimeInForce.DAY
    post_only = False
    cancel_at_once = False
    order = ClOrdId(0)
    working_while_submitting: tuple[object, ...] = ()

    def on_start(self) -> None:
        super().on_start()
        self.context.subscribe("X")

    def on_book(self, update: BookUpdate) -> None:
        super().on_book(update)
        if self.order:
            return
        self.order = self.context.submit(
            "X",
            self.side,
            self.qty,
            self.price,
            time_in_force=self.time_in_force,
            post_only=self.post_only,
            tag=42,
        )
        self.working_while_submitting = self.context.working("X")
        if self.cancel_at_once:
            assert self.context.cancel(self.order)


class Failing(Actor):
    def on_book(self, update: BookUpdate) -> None:
        super().on_book(update)
        raise RuntimeError("a bug")
