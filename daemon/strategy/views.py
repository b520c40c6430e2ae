"""What a strategy can look at: live, read-only windows on the core's state.

Ask the context once and keep the view: it always shows the state as of the message being
handled (`context.now`), at the cost of an attribute read, and never something later. Writing
to any of its attributes raises AttributeError. Prices in price increments, quantities in
lots, money in units of the settlement currency (`Instrument.money_scale`), times in ns.
"""

from collections.abc import Iterator
from typing import Protocol

from daemon.model import (
    BookState,
    ClOrdId,
    HeldStatus,
    Level,
    OrderFlag,
    OrderState,
    OrdType,
    QueueState,
    Side,
    TimeInForce,
    TradingState,
)


class BookView(Protocol):
    """One instrument's book. An empty side has quantity 0 and price 0: look at the quantity."""

    @property
    def symbol(self) -> str: ...
    @property
    def bid_px(self) -> int: ...
    @property
    def bid_qty(self) -> int: ...
    @property
    def ask_px(self) -> int: ...
    @property
    def ask_qty(self) -> int: ...

    @property
    def mid(self) -> float:
        """(bid + ask) / 2 in price increments; NaN while a side is empty."""

    @property
    def microprice(self) -> float:
        """The touch weighted by the opposite quantities (Stoikov 2018); NaN as `mid`."""

    @property
    def spread(self) -> int:
        """ask - bid in price increments, negative when crossed; 0 while a side is empty."""

    @property
    def state(self) -> BookState:
        """Whether the book may be traded on: LIVE, or why not."""

    @property
    def trading(self) -> TradingState:
        """What the venue says of trading in the instrument."""

    @property
    def ts_event(self) -> int:
        """The venue's time of the last update, ns."""

    @property
    def ts_core(self) -> int:
        """Our time of the last update, ns: what ages are measured from."""

    def levels(self, side: Side, depth: int) -> tuple[Level, ...]:
        """At most `depth` levels of a side, best first: a copy. ValueError below 1."""


class SignalView(Protocol):
    """The native signals of one instrument, NaN until they have seen enough, and the kernels."""

    def __getitem__(self, name: str) -> float:
        """A kernel of the strategy's by name, else the native signal (`Signal`, in small letters).

        NaN where the kernel was disarmed or has seen no update. KeyError where there is no such.
        """

    @property
    def mid(self) -> float:
        """In price increments."""

    @property
    def microprice(self) -> float:
        """In price increments (Stoikov 2018, first-order: weighted by opposite quantities)."""

    @property
    def imbalance(self) -> float:
        """(bid qty - ask qty) / (bid qty + ask qty) at the touch, in [-1, 1]."""

    @property
    def ofi(self) -> float:
        """Order-flow imbalance (Cont, Kukanov, Stoikov 2014), decayed; lots, + is buying."""

    @property
    def volatility(self) -> float:
        """EWMA standard deviation of the mid's relative change, per √second."""

    @property
    def trade_flow(self) -> float:
        """Decayed sum of signed trade volume; lots, + where buyers are the aggressors."""


class OrderView(Protocol):
    """One order of the strategy; it stays readable after the order has ended."""

    @property
    def order(self) -> ClOrdId:
        """The first ClOrdID, the name to cancel and replace by."""

    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def ord_type(self) -> OrdType: ...
    @property
    def time_in_force(self) -> TimeInForce: ...
    @property
    def flags(self) -> OrderFlag: ...
    @property
    def state(self) -> OrderState: ...

    @property
    def price(self) -> int:
        """The limit that the venue is known to have."""

    @property
    def stop_px(self) -> int | None:
        """What it waits for; None without, or while a trailing stop has seen no price yet."""

    @property
    def held(self) -> HeldStatus:
        """What a HELD order waits for; NONE in every other state."""

    @property
    def display_qty(self) -> int:
        """What is shown of it at a time, 0: all."""

    @property
    def order_qty(self) -> int: ...
    @property
    def cum_qty(self) -> int: ...
    @property
    def leaves_qty(self) -> int: ...
    @property
    def tag(self) -> int: ...

    @property
    def queue(self) -> QueueState:
        """What is known of its place among those at its price, as the book of its feed has it.

        UNTRACKED: the venue has not acknowledged it, or it does not rest. AWAITED: the feed has not
        shown it yet. EXACT: the feed shows it. ESTIMATED: never better than the truth. GONE: the
        feed has taken it from the book, and the venue's report is on its way. LOST: the book was
        made anew since. What `BookView.state` says of the book holds of the place, too.
        """

    @property
    def queue_ahead(self) -> int | None:
        """Lots at its price that trade before it; None unless EXACT or ESTIMATED."""

    @property
    def orders_ahead(self) -> int | None:
        """Orders of these; None also where the feed tells quantities only."""


class PositionView(Protocol):
    """The strategy's own position in one instrument."""

    @property
    def symbol(self) -> str: ...

    @property
    def net_qty(self) -> int:
        """What is certain: the sum of booked fills, negative when short."""

    @property
    def lowest_qty(self) -> int:
        """`net_qty` less every sell whose outcome is not known (working, in flight, UNKNOWN)."""

    @property
    def highest_qty(self) -> int:
        """`net_qty` plus every such buy."""

    @property
    def avg_px(self) -> float:
        """Average entry price in increments of the open position; NaN when flat."""

    @property
    def realised_pnl(self) -> int:
        """Before fees, money units."""

    @property
    def unrealised_pnl(self) -> int:
        """Against the book's mid, or the last trade where it has none; money units."""

    @property
    def fees(self) -> int:
        """Paid, money units; negative when rebates are more."""


class RandomStream(Protocol):
    """The strategy's own seeded stream: the same in replay. Part of the checkpoint."""

    def random(self) -> float:
        """Uniform in [0, 1)."""

    def uniform(self, a: float, b: float, /) -> float: ...
    def gauss(self, mu: float, sigma: float, /) -> float: ...
    def randrange(self, stop: int, /) -> int: ...


def may_trade(book: BookView) -> bool:
    """The book is LIVE and the venue has not said that trading is halted."""
    return book.state is BookState.LIVE and book.trading in _TRADABLE


_TRADABLE = (TradingState.TRADING, TradingState.UNKNOWN)


def iterate_levels(book: BookView, side: Side, qty: int, depth: int) -> Iterator[Level]:
    """The levels that a taker of `qty` lots would meet, the last cut to what is needed."""
    left = qty
    for level in book.levels(side, depth):
        if left <= 0:
            return
        yield Level(level.price, min(level.qty, left))
        left -= level.qty
