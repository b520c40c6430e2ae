"""What the market did. Prices in price increments, quantities in lots, times in ns."""

import msgspec

from daemon.model import BookState, Side, TradingState


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """An instrument's book changed; its views show it. Conflated: several changes, one message."""

    symbol: str
    ts_event: int
    ts_core: int


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A trade of the venue's feed, not necessarily ours; aggressor NONE where unknown."""

    symbol: str
    price: int
    qty: int
    aggressor: Side
    ts_event: int
    ts_core: int


class Bar(msgspec.Struct, frozen=True, gc=False):
    """A finished time bar of trades.

    It covers `[ts_open, ts_open + interval_seconds * 1e9)` of `ts_core`, where `ts_open` is a
    multiple of the interval since 1970 UTC. It arrives with the first record at or after its
    end. An interval without trades makes no bar. `notional` is Σ price × quantity in
    increments, so that `notional / volume` is the volume-weighted price.
    """

    symbol: str
    interval_seconds: int
    ts_open: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    notional: float
    trades: int


class BookStateChanged(msgspec.Struct, frozen=True, gc=False):
    """An instrument's book became tradable or ceased to be."""

    symbol: str
    state: BookState
    trading: TradingState
    ts_core: int


class TriggerFired(msgspec.Struct, frozen=True, gc=False):
    """A signal crossed the threshold of a trigger: on this very update, which the views show."""

    symbol: str
    name: str
    value: float
    ts_core: int


class KernelDisarmed(msgspec.Struct, frozen=True, gc=False):
    """A kernel of the strategy's answered `status`; its value is NaN until it is run again.

    Rules and triggers on it are disarmed with it.
    """

    symbol: str
    name: str
    status: int
    ts_core: int
