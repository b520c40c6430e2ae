"""Positions and money once more, from the fills in a log alone: slow, in exact decimals.

The rules are those of docs/orders.md, "Money": average cost, each rounding where that page has it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from daemon.core import Side
from daemon.log import LogReader

getcontext().prec = 60
COST_UNITS: Final = 1_000_000


class Money(msgspec.Struct):
    """Of a strategy in an instrument, in the settlement currency."""

    position: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    turnover: Decimal = Decimal(0)
    fills: int = 0


class _Account:
    """Costs in cost units: a millionth of a step's money, or of the money unit where inverse."""

    def __init__(self, instrument: dict[str, Any]) -> None:
        self.instrument = instrument
        self.inverse = instrument["product"] == "inverse"
        self.price_step = Decimal(str(instrument["price_increment"]))
        self.lot = Decimal(str(instrument["qty_increment"]))
        self.multiplier = Decimal(str(instrument["multiplier"]))
        self.unit = Decimal(1).scaleb(-instrument["money_scale"])
        self.lots = 0
        self.open_cost = 0
        self.realised = 0
        self.found = Money()

    def add(self, side: int, px: int, qty: int, *, aggressor: bool) -> None:
        """A fill; px and qty as the log has them."""
        signed = qty if side == Side.BUY else -qty
        value = self._cost(px, qty)
        closes = min(qty, abs(self.lots)) if self.lots * signed < 0 else 0
        closed_value = value if closes == qty else _half_even(Fraction(value * closes, qty))
        if closes:
            part = _half_even(Fraction(self.open_cost * closes, abs(self.lots)))
            proceeds = closed_value if self.lots > 0 else -closed_value
            self.realised += part - proceeds if self.inverse else proceeds - part
            self.open_cost -= part
        opened = value - closed_value
        self.open_cost += opened if signed > 0 else -opened
        self.lots += signed
        self.found.fills += 1
        self._charge(px, qty, aggressor=aggressor)

    def money(self, mark: Decimal) -> Money:
        """All of it, the open position at this price."""
        worth = 0
        if self.lots:
            px = int(mark / self.price_step)
            worth = self._cost(px, abs(self.lots)) * (1 if self.lots > 0 else -1)
        gain = self.open_cost - worth if self.inverse else worth - self.open_cost
        self.found.position = self.lots * self.lot
        self.found.realised = self._read(self.realised)
        self.found.unrealised = self._read(gain) if self.lots else Decimal(0)
        return self.found

    def _cost(self, px: int, qty: int) -> int:
        if not self.inverse:
            return px * qty * COST_UNITS
        worth = Fraction(qty * self.lot * self.multiplier) / Fraction(px * self.price_step)
        return _half_even(worth / Fraction(self.unit) * COST_UNITS)

    def _read(self, cost: int) -> Decimal:
        a_unit = self.unit
        if not self.inverse:
            a_unit = self.price_step * self.lot * self.multiplier
        return (cost * a_unit / COST_UNITS).quantize(self.unit, ROUND_HALF_EVEN)

    def _charge(self, px: int, qty: int, *, aggressor: bool) -> None:
        price, amount = px * self.price_step, qty * self.lot * self.multiplier
        worth = amount / price if self.inverse else amount * price
        rate = self.instrument["fees"]["taker_rate" if aggressor else "maker_rate"]
        self.found.fees += (worth * Decimal(str(rate))).quantize(self.unit, ROUND_HALF_EVEN)
        self.found.turnover += worth.quantize(self.unit, ROUND_HALF_EVEN)


def _half_even(value: Fraction) -> int:
    return round(value)


def recomputed(log: Path, marks: dict[str, Decimal]) -> dict[tuple[str, str], Money]:
    """By strategy and instrument; open positions at these prices."""
    named: dict[int, dict[int, Any]] = {0: {}, 1: {}}
    accounts: dict[tuple[str, str], _Account] = {}
    for frame in LogReader(log, types=["DEFINITION", "FILL"]):
        fields = frame.fields()
        if frame.name == "DEFINITION":
            if fields["kind"] in named:
                named[fields["kind"]][fields["id"]] = msgspec.json.decode(frame.tail.rstrip(b"\0"))
            continue
        instrument = named[0][fields["instrument"]]
        key = (named[1][fields["strategy"]]["name"], instrument["symbol"])
        account = accounts.setdefault(key, _Account(instrument))
        aggressor = bool(fields["flags"] & 1)
        account.add(fields["side"], fields["last_px"], fields["last_qty"], aggressor=aggressor)
    return {key: each.money(marks[key[1]]) for key, each in accounts.items()}
