"""An order-flow momentum taker: goes with strong flow, leaves at a target or a stop.

| phase    | leaves when                                        | for               |
| -------- | -------------------------------------------------- | ----------------- |
| FLAT     | flow and imbalance agree, cooldown is over         | ENTERING          |
| ENTERING | the entry order has ended                          | HOLDING or FLAT   |
| HOLDING  | target, stop or the longest holding time           | EXITING           |
| EXITING  | the exit order has ended                           | FLAT, or HOLDING  |
"""

import enum
from typing import Annotated

from msgspec import Meta

from daemon.messages import BookUpdate, Fill, NativeRule, OrderDenied, OrderUpdate
from daemon.model import Comparison, Side, Signal, TimeInForce, ns_of
from daemon.strategy import Parameters, SignalView, State, Strategy, may_trade

AtLeastOne = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]


class Taking(Parameters, frozen=True, kw_only=True):
    """Flow in lots, imbalance in [0, 1], distances in price increments."""

    symbol: str
    qty: AtLeastOne = 1
    entry_flow: Positive = 50.0
    entry_imbalance: Annotated[float, Meta(ge=0, le=1)] = 0.3
    target_ticks: AtLeastOne = 8
    stop_ticks: AtLeastOne = 5
    slippage_ticks: AtLeastOne = 1
    holding_s_max: Positive = 30.0
    cooldown_s: Positive = 1.0
    native_entry: bool = False  # the core itself enters, by a rule on the flow, long only


class Phase(enum.IntEnum):
    """Where the strategy is: the table above."""

    FLAT = 0
    ENTERING = 1
    HOLDING = 2
    EXITING = 3


class Memory(State):
    """The phase, the order that it waits for (0: none) and what holding began with."""

    phase: Phase = Phase.FLAT
    order: int = 0
    since: int = 0
    quiet_until: int = 0
    leaving: bool = False


def entry_side(signals: SignalView, flow_min: float, imbalance_min: float) -> Side:
    """The side on which flow and imbalance agree, else NONE (also while a signal is NaN)."""
    if signals.trade_flow >= flow_min and signals.imbalance >= imbalance_min:
        return Side.BUY
    if signals.trade_flow <= -flow_min and signals.imbalance <= -imbalance_min:
        return Side.SELL
    return Side.NONE


class Momentum(Strategy[Taking, Memory]):
    """Takes liquidity in one instrument, one position at a time."""

    fixed_parameters = ("symbol", "native_entry")

    def on_start(self) -> None:
        self.on_restore()
        self.context.subscribe(self.parameters.symbol, every_update=True)
        self.on_parameters(self.parameters)

    def on_restore(self) -> None:
        symbol = self.parameters.symbol
        self.book = self.context.book(symbol)
        self.signals = self.context.signals(symbol)
        self.position = self.context.position(symbol)

    def on_parameters(self, previous: Taking) -> None:
        of = self.parameters
        if of.native_entry:
            rule = NativeRule(
                name="enter",
                symbol=of.symbol,
                signal=Signal.TRADE_FLOW,
                comparison=Comparison.ABOVE,
                threshold=of.entry_flow,
                side=Side.BUY,
                qty=of.qty,
                max_position=of.qty,
                cooldown_ns=ns_of(of.cooldown_s),
            )
            self.context.arm_rule(rule)

    def on_book(self, update: BookUpdate) -> None:
        of, net = self.parameters, self.position.net_qty
        if not may_trade(self.book) or self.context.now < self.state.quiet_until:
            return
        if self.state.phase is Phase.FLAT and not of.native_entry:
            side = entry_side(self.signals, of.entry_flow, of.entry_imbalance)
            if side is not Side.NONE:
                self._take(side, of.qty, Phase.ENTERING)
        elif self.state.phase is Phase.HOLDING and self._must_leave():
            self._take(Side.SELL if net > 0 else Side.BUY, abs(net), Phase.EXITING)

    def _must_leave(self) -> bool:
        """At target, stop or age, by the price at which the position could be closed now."""
        of, book, net = self.parameters, self.book, self.position.net_qty
        gain = book.bid_px - self.position.avg_px if net > 0 else self.position.avg_px - book.ask_px
        old = self.context.now - self.state.since >= ns_of(of.holding_s_max)
        if old or gain >= of.target_ticks or gain <= -of.stop_ticks:
            self.state.leaving = True  # a partial exit goes on, whatever the price does
        return self.state.leaving

    def _take(self, side: Side, qty: int, phase: Phase) -> None:
        symbol, touch = self.book.symbol, self.book.ask_px if side is Side.BUY else self.book.bid_px
        slip, leaving = self.parameters.slippage_ticks, phase is Phase.EXITING
        px, ioc = self.context.instrument(symbol).taking_px(side, touch, slip), TimeInForce.IOC
        self.state.phase = phase
        self.state.order = self.context.submit(
            symbol, side, qty, px, time_in_force=ioc, reduce_only=leaving
        )

    def on_order(self, update: OrderUpdate) -> None:
        if update.is_terminal and update.order == self.state.order:
            self._settle()

    def on_denied(self, denied: OrderDenied) -> None:
        if denied.order == self.state.order:
            self._settle()
            self.state.quiet_until = self.context.now + ns_of(self.parameters.cooldown_s)

    def on_fill(self, fill: Fill) -> None:
        if self.state.order == 0:  # the native rule's, or one that came late
            self._settle()

    def _settle(self) -> None:
        """No order is out: the position says where we are."""
        self.state.order = 0
        holding = self.position.net_qty != 0
        if holding and self.state.phase in (Phase.FLAT, Phase.ENTERING):
            self.state.since = self.context.now
        if not holding:
            self.state.leaving = False
            self.state.quiet_until = self.context.now + ns_of(self.parameters.cooldown_s)
        self.state.phase = Phase.HOLDING if holding else Phase.FLAT
