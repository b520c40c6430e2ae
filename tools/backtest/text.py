"""Numbers of a backtest for people."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal


def amount(value: Decimal) -> str:
    """Money, to four decimals at most."""
    return f"{_short(value):,f}"


def signed(value: Decimal) -> str:
    """The same with its sign."""
    return f"{_short(value):+,f}"


def _short(value: Decimal) -> Decimal:
    return round(value, 4 if abs(value) < 1000 else 2)


def ratio(value: float | None) -> str:
    """A number without unit; - where it is not defined."""
    return "-" if value is None else f"{value:,.2f}"


def per_cent(value: float | None) -> str:
    """A share; - where it is not defined."""
    return "-" if value is None else f"{value:.1%}".replace("%", " %")


def when(ts: int) -> str:
    """Date and time, UTC, to the millisecond."""
    moment = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts % 1_000_000_000 // 1_000_000:03d}"
