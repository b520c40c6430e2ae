"""The run as it goes: positions, prices and equity at every sample, exact where they are money."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from decimal import Decimal
from math import nan

from daemon.app.backtesting import Watch
from daemon.app.configuration import Configuration
from daemon.app.definitions import model_instrument
from daemon.app.wiring import Wiring
from daemon.model import Instrument
from daemon.runtime.effects import Tell
from daemon.runtime.views import ASK_PX, ASK_QTY, BID_PX, BID_QTY, SLOT_BYTES

Pair = tuple[int, int]
"""Ids of a strategy and an instrument that it may trade."""


class Samples(Watch):
    """What every sample found; `say` hears the operating log's lines.

    Equity is realised + unrealised - fees since the beginning, in the currency of [risk], at the
    configuration's rates: integers of one unit, so that sums and differences are exact.
    """

    def __init__(self, configuration: Configuration, say: Callable[[int, Tell], None]) -> None:
        self.configuration = configuration
        self.instruments: list[Instrument] = [
            model_instrument(each) for each in configuration.instrument
        ]
        self.rates = [each.risk_rate or Decimal(1) for each in configuration.instrument]
        numbers = {each.symbol: number for number, each in enumerate(configuration.instrument)}
        self.pairs: list[Pair] = [
            (strategy, numbers[symbol])
            for strategy, settings in enumerate(configuration.strategy)
            for symbol in dict.fromkeys(settings.instruments)
        ]
        self.traded = sorted({instrument for _, instrument in self.pairs})
        self.unit, self._weights = self._units()
        self.times = array("q")
        self.equity: list[int] = []
        self.equity_of: list[list[int]] = [[] for _ in configuration.strategy]
        self.positions = {each: array("d") for each in self.traded}
        self.prices = {each: array("d") for each in self.traded}
        self._say = say
        self._wiring: Wiring
        self._slots: memoryview[int]

    def _units(self) -> tuple[Decimal, list[int]]:
        """The unit that divides every instrument's unit of money, and how often it does."""
        worth = [
            Decimal(1).scaleb(-instrument.money_scale) * rate
            for instrument, rate in zip(self.instruments, self.rates, strict=True)
        ]
        exponents = (int(each.normalize().as_tuple().exponent) for each in worth)
        unit = Decimal(1).scaleb(min(exponents, default=0))
        return unit, [int(each / unit) for each in worth]

    def attach(self, wiring: Wiring) -> None:
        """What is looked at."""
        self._wiring = wiring
        self._slots = wiring.core.slots.cast("B").cast("q")

    def sample(self, now: int) -> None:
        """One more; a second one of the same moment takes the place of the first."""
        if self.times and self.times[-1] == now:
            self._forget_last()
        self.times.append(now)
        position = self._wiring.core.position
        equity = [0] * len(self.equity_of)
        lots = dict.fromkeys(self.traded, 0)
        for strategy, instrument in self.pairs:
            held = position(strategy, instrument)
            money = held.realised_pnl + held.unrealised_pnl - held.fees
            equity[strategy] += money * self._weights[instrument]
            lots[instrument] += held.net_qty
        for of_strategy, value in zip(self.equity_of, equity, strict=True):
            of_strategy.append(value)
        self.equity.append(sum(equity))
        for instrument, net in lots.items():
            self.positions[instrument].append(float(self.instruments[instrument].qty_of(net)))
            self.prices[instrument].append(self._mid(instrument))

    def tell(self, now: int, what: Tell) -> None:
        """Passed on."""
        self._say(now, what)

    def _mid(self, instrument: int) -> float:
        at = instrument * SLOT_BYTES // 8
        slots = self._slots
        if not (slots[at + BID_QTY] and slots[at + ASK_QTY]):
            return nan
        double = slots[at + BID_PX] + slots[at + ASK_PX]
        return double * float(self.instruments[instrument].price_increment) / 2

    def _forget_last(self) -> None:
        self.times.pop()
        self.equity.pop()
        for equity in self.equity_of:
            equity.pop()
        for column in (*self.positions.values(), *self.prices.values()):
            column.pop()
