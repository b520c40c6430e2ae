"""Exact amounts of a currency, counted in a stated fraction of it."""

from decimal import Decimal

import msgspec


class Money(msgspec.Struct, frozen=True, gc=False):
    """`units` × 10^`-scale` of `currency`; sums only within one currency and scale."""

    units: int
    currency: str
    scale: int

    def __add__(self, other: "Money") -> "Money":
        """The exact sum. ValueError across currencies or scales."""
        self._same_kind(other)
        return Money(self.units + other.units, self.currency, self.scale)

    def __sub__(self, other: "Money") -> "Money":
        """The exact difference. ValueError across currencies or scales."""
        self._same_kind(other)
        return Money(self.units - other.units, self.currency, self.scale)

    @property
    def amount(self) -> Decimal:
        """The amount in whole units of the currency, exact."""
        units = Decimal(self.units).as_tuple()
        return Decimal((units.sign, units.digits, -self.scale))

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _same_kind(self, other: "Money") -> None:
        if (self.currency, self.scale) != (other.currency, other.scale):
            raise ValueError(
                f"cannot combine {self.currency} at scale {self.scale}"
                f" with {other.currency} at scale {other.scale}"
            )
