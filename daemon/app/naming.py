"""What a session's venue calls our instruments, and how it counts their prices and quantities."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from daemon.app.dialects import DialectSettings, SymbolSettings
from daemon.app.market_settings import FixSessionSettings, InstrumentSettings

DIGITS_MAX: Final = 18


class Counted(msgspec.Struct, frozen=True):
    """An instrument as we count it."""

    number: int
    symbol: str
    venue_symbol: str
    price_increment: Decimal
    qty_increment: Decimal
    money_increment: Decimal


def counted(settings: InstrumentSettings, number: int) -> Counted:
    """Of the daemon's configuration."""
    return Counted(
        number,
        settings.symbol,
        settings.venue_symbol or settings.symbol,
        settings.price_increment,
        settings.qty_increment,
        Decimal(1).scaleb(-settings.money_scale),
    )


def venue_names(
    dialect: DialectSettings, symbols: Mapping[str, SymbolSettings], instruments: Sequence[Counted]
) -> list[dict[str, Any]]:
    """What the core's symbology of a session holds: instruments without a name there are left out.

    ValueError, "key: reason", where a unit cannot be counted exactly.
    """
    names = []
    for each in instruments:
        own = symbols.get(each.symbol, SymbolSettings())
        if dialect.identify_by == "security_id" and not own.security_id:
            continue
        names.append(
            {
                "id": each.number,
                "venue_symbol": own.symbol or each.venue_symbol,
                "security_id": own.security_id,
                "price_step": step(
                    each.price_increment, own.price_unit or dialect.price_unit, "price_unit"
                ),
                "qty_step": step(each.qty_increment, own.qty_unit or dialect.qty_unit, "qty_unit"),
                "fee_step": step(each.money_increment, dialect.report.fee_unit, "report.fee_unit"),
                "price_decimals": _or_as_it_is(dialect.price_decimals),
                "qty_decimals": _or_as_it_is(dialect.qty_decimals),
            }
        )
    return names


def naming_problems(
    session: FixSessionSettings, instruments: Sequence[InstrumentSettings], traded: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Key and reason of what the session cannot name or write of what it trades."""
    dialect = session.dialect
    known = {each.symbol for each in instruments}
    for symbol in session.symbols:
        if symbol not in known:
            yield f"symbols.{symbol}", "there is no such instrument"
    try:
        names = venue_names(
            dialect,
            session.symbols,
            [counted(each, n) for n, each in enumerate(instruments) if each.venue == session.venue],
        )
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        yield f"dialect.{key}", reason
        return
    for key in ("venue_symbol", "security_id"):
        values = [each[key] for each in names if each[key]]
        for value in sorted({each for each in values if values.count(each) > 1}):
            yield "symbols", f"{value} is given to two instruments"
    named = {each["id"] for each in names}
    for number, each in enumerate(instruments):
        if each.symbol not in traded or each.retired:
            continue
        if number not in named:
            yield f"symbols.{each.symbol}", "needs a security_id, by which the dialect names it"
            continue
        yield from _unwritable(session, each)


def _unwritable(
    session: FixSessionSettings, instrument: InstrumentSettings
) -> Iterator[tuple[str, str]]:
    """Prices and quantities that the gate would let pass and the dialect has no decimals for."""
    dialect, own = session.dialect, session.symbols.get(instrument.symbol, SymbolSettings())
    steps = [band.step for band in instrument.tick_table] or [instrument.price_increment]
    price_unit, qty_unit = own.price_unit or dialect.price_unit, own.qty_unit or dialect.qty_unit
    for tick in steps:
        if _is_finer(tick, price_unit, dialect.price_decimals):
            reason = f"{instrument.symbol}'s tick {tick} needs more than {dialect.price_decimals}"
            yield "dialect.price_decimals", reason
    lot = instrument.lot * instrument.qty_increment
    if _is_finer(lot, qty_unit, dialect.qty_decimals):
        reason = f"{instrument.symbol}'s lot {lot} needs more than {dialect.qty_decimals}"
        yield "dialect.qty_decimals", reason


def _is_finer(value: Decimal, unit: Decimal, decimals: int | None) -> bool:
    return decimals is not None and (_parts(value, unit) * 10**decimals).denominator != 1


def _or_as_it_is(decimals: int | None) -> int:
    return -1 if decimals is None else decimals


def _parts(value: Decimal, unit: Decimal) -> Fraction:
    return Fraction(value) / Fraction(unit)


def step(increment: Decimal, unit: Decimal, key: str) -> tuple[int, int]:
    """Our increment in the venue's unit, as mantissa and exponent; ValueError where that is no
    decimal of at most 18 digits behind the point."""
    parts = _parts(increment, unit)
    for digits in range(DIGITS_MAX + 1):
        scaled = parts * 10**digits
        if scaled.denominator == 1:
            return scaled.numerator, -digits
    raise ValueError(f"{key}: {increment} in units of {unit} is no exact decimal")
