"""NautilusTrader's BacktestEngine: what it takes an update, an order, a submission.

An engine is made anew for each lap, with data that were built before; its run alone is timed. Its
log is off, its analysis of results too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter_ns

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, QuoteTick
from nautilus_trader.model.enums import (
    AccountType,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    TimeInForce,
)
from nautilus_trader.model.events import OrderCanceled, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.risk.config import RiskEngineConfig
from nautilus_trader.trading.strategy import Strategy

from tools.bench.peers.itch import ADD, REMOVE, Levels, Orders
from tools.bench.peers.protocol import Lap, Measure, samples, value

VENUE = Venue("XNAS")
CENT = Price(0.01, 2).raw
SHARE = Quantity(1, 0).raw
ORDERS = 2_000
WARM_UP = 50
START_TS = 1_700_000_000_000_000_000  # an engine whose data begin at 0 crashes
QUOTE_EVERY_NS = 1_000_000
ACTIONS = {ADD: BookAction.ADD, REMOVE: BookAction.DELETE}
Data = Sequence[OrderBookDelta | QuoteTick]


def _instrument(locate: int) -> Equity:
    symbol = Symbol(f"S{locate}")
    return Equity(
        instrument_id=InstrumentId(symbol, VENUE),
        raw_symbol=symbol,
        currency=USD,
        price_precision=2,
        price_increment=Price.from_str("0.01"),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def _engine(kind: BookType, instruments: Sequence[Equity], data: Data) -> BacktestEngine:
    rate = "1000000/00:00:01"  # its default would hold orders back after 100 a second
    config = BacktestEngineConfig(
        logging=LoggingConfig(bypass_logging=True),
        risk_engine=RiskEngineConfig(max_order_submit_rate=rate, max_order_modify_rate=rate),
        run_analysis=False,
    )
    engine = BacktestEngine(config)
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000_000, USD)], book_type=kind
    )
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(list(data))
    return engine


def _ran_ns(engine: BacktestEngine) -> int:
    began = perf_counter_ns()
    engine.run()
    return perf_counter_ns() - began


# ------------------------------------------------------------------ updates


class _Watcher(Strategy):
    """Reads bid and ask at every update of every instrument, and compares."""

    def __init__(self, kind: BookType, instruments: Sequence[Equity]) -> None:
        super().__init__()
        self._kind = kind
        self._instruments = instruments
        self.seen = 0
        self.narrow = 0

    def on_start(self) -> None:
        for instrument in self._instruments:
            if self._kind == BookType.L1_MBP:
                self.subscribe_quote_ticks(instrument.id)
            else:
                self.subscribe_order_book_deltas(instrument.id, self._kind)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        self.seen += 1
        if tick.ask_price.raw - tick.bid_price.raw == CENT:
            self.narrow += 1

    def on_order_book_deltas(self, deltas: OrderBookDeltas) -> None:
        self.seen += 1
        book = self.cache.order_book(deltas.instrument_id)
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is not None and ask is not None and ask.raw - bid.raw == CENT:
            self.narrow += 1


def _deltas(path: str, instruments: dict[int, Equity]) -> tuple[list[OrderBookDelta], int]:
    """Of a stream's messages, and how many those are."""
    orders = Orders()
    made: list[OrderBookDelta] = []
    for change in orders.changes(Path(path)):
        instrument = instruments.setdefault(change.locate, _instrument(change.locate))
        action = ACTIONS.get(change.action, BookAction.UPDATE)
        side = OrderSide.BUY if change.buy else OrderSide.SELL
        raw = (change.px * CENT, 2, change.qty * SHARE, 0)
        times = (change.ts, change.ts)
        made.append(
            OrderBookDelta.from_raw(
                instrument.id, action, side, *raw, change.ref, 0, len(made), *times
            )
        )
    return made, orders.messages


def _quotes(path: str, instruments: dict[int, Equity]) -> tuple[list[QuoteTick], int]:
    """The touch behind every change, where both sides have one; and how many those are."""
    orders, levels = Orders(), Levels()
    made = []
    for change in orders.changes(Path(path)):
        levels.apply(change)
        touch = levels.touch(change.ts, change.locate)
        if touch.bid_qty == 0 or touch.ask_qty == 0:
            continue
        instrument = instruments.setdefault(change.locate, _instrument(change.locate))
        prices = (touch.bid_px * CENT, touch.ask_px * CENT, 2, 2)
        sizes = (touch.bid_qty * SHARE, touch.ask_qty * SHARE, 0, 0)
        made.append(QuoteTick.from_raw(instrument.id, *prices, *sizes, change.ts, change.ts))
    return made, len(made)


def _updates(kind: BookType, per_second: float, watched: bool, path: str) -> Lap:
    """Updates a second, in `per_second`; `watched` by one strategy, or by none."""
    instruments: dict[int, Equity] = {}
    data, count = (_quotes if kind == BookType.L1_MBP else _deltas)(path, instruments)
    known = list(instruments.values())

    def lap() -> dict[str, float]:
        engine = _engine(kind, known, data)
        watcher = _Watcher(kind, known)
        if watched:
            engine.add_strategy(watcher)
        took = _ran_ns(engine)
        engine.dispose()
        if watched and watcher.seen != len(data):
            raise RuntimeError(f"the strategy saw {watcher.seen} of {len(data)} updates")
        return value(count / took * 1e9 / per_second)

    return lap


# ------------------------------------------------------------------ orders


class _Trader(Strategy):
    """An order at every quote: far from the market, the one before cancelled; or filled at once."""

    def __init__(self, instrument: Equity, fills: bool) -> None:
        super().__init__()
        self._instrument = instrument
        self._fills = fills
        self._last: Order | None = None
        self._size = Quantity.from_int(1)
        self._far = Price.from_str("1.00")
        self.submitted = 0
        self.ended = 0
        self.took_us: list[float] = []

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self._instrument.id)

    def on_quote_tick(self, _tick: QuoteTick) -> None:
        if self._last is not None and not self._fills:
            self.cancel_order(self._last)
        self._last = order = self._order()
        self.submitted += 1
        began = perf_counter_ns()
        self.submit_order(order)
        self.took_us.append((perf_counter_ns() - began) / 1e3)

    def _order(self) -> Order:
        side = OrderSide.BUY if self.submitted % 2 == 0 else OrderSide.SELL
        if self._fills:
            return self.order_factory.market(
                self._instrument.id, side, self._size, time_in_force=TimeInForce.IOC
            )
        return self.order_factory.limit(self._instrument.id, OrderSide.BUY, self._size, self._far)

    def on_order_canceled(self, _event: OrderCanceled) -> None:
        self.ended += 1

    def on_order_filled(self, _event: OrderFilled) -> None:
        self.ended += 1


def _traded(fills: bool) -> tuple[_Trader, int]:
    instrument = _instrument(1)
    prices = (10_000 * CENT, 10_001 * CENT, 2, 2, 100_000 * SHARE, 100_000 * SHARE, 0, 0)
    quotes = [
        QuoteTick.from_raw(instrument.id, *prices, ts, ts)
        for ts in range(START_TS, START_TS + ORDERS * QUOTE_EVERY_NS, QUOTE_EVERY_NS)
    ]
    engine = _engine(BookType.L1_MBP, [instrument], quotes)
    trader = _Trader(instrument, fills)
    engine.add_strategy(trader)
    took = _ran_ns(engine)
    engine.dispose()
    if trader.submitted != ORDERS or trader.ended < ORDERS - 2:
        raise RuntimeError(f"{trader.ended} of {trader.submitted} orders ended, {ORDERS} quotes")
    return trader, took


def _orders(fills: bool, _path: str) -> Lap:
    def lap() -> dict[str, float]:
        trader, took = _traded(fills)
        return value(trader.submitted / took * 1e6)

    return lap


def _submitting(_path: str) -> Lap:
    """`submit_order` alone, of an order that was built before; the venue has not looked yet."""

    def lap() -> dict[str, float]:
        trader, _ = _traded(fills=False)
        return samples(trader.took_us[WARM_UP:])

    return lap


def _measured(kind: BookType, per_second: float, *, watched: bool) -> Callable[[str], Lap]:
    return partial(_updates, kind, per_second, watched)


MEASURES = {
    "deltas": Measure("M messages/s", _measured(BookType.L3_MBO, 1e6, watched=False)),
    "quotes": Measure("M messages/s", _measured(BookType.L1_MBP, 1e6, watched=False)),
    "deltas-watched": Measure("k updates/s", _measured(BookType.L3_MBO, 1e3, watched=True)),
    "quotes-watched": Measure("k updates/s", _measured(BookType.L1_MBP, 1e3, watched=True)),
    "orders-cancelled": Measure("k orders/s", partial(_orders, False)),
    "orders-filled": Measure("k orders/s", partial(_orders, True)),
    "submit": Measure("us", _submitting),
}
