"""Tells a core what its configuration says: feeds, instruments, sessions, strategies, limits.

Live and replay call the same functions with the same configuration, which the log's EPOCH record
holds, so that ids mean the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from daemon.actors.reconciliation import SessionTerms
from daemon.app.configuration import Configuration
from daemon.app.dialects import native
from daemon.app.market_settings import (
    BinanceFeed,
    DropCopySettings,
    FixSessionSettings,
    InstrumentSettings,
    SessionSettings,
)
from daemon.app.naming import counted, venue_names
from daemon.app.settings import Limits
from daemon.core import Core
from daemon.model import Instrument, OrdType, TimeInForce
from daemon.runtime.events import NO_ID, Names

FEED_KINDS = {"itch": 0, "spot": 1, "usdm": 2, "coinm": 3}
UNKNOWN_ORDER = {"never_arrived": 0, "stays_unknown": 1}
IN_FLIGHT_MAX = 1 << 20
CREDENTIAL_PLACEHOLDERS = {"username": "PITWIRE-USERNAME-{}", "password": "PITWIRE-PASSWORD-{}"}

# The configuration's words and the gate's.
LIMIT_NAMES = {
    "quantity_max": "quantity_max",
    "notional_max": "notional_max",
    "price_collar_bps": "collar_bps",
    "price_collar_ticks": "collar_ticks",
    "position_max": "position_max",
    "gross_notional_max": "gross_notional_max",
    "working_orders_max": "working_orders_max",
    "messages_per_second_max": "message_rate_max",
    "duplicate_window_ms": "duplicate_window_ms",
    "daily_loss_max": "daily_loss_max",
    "book_age_ms_max": "book_age_max_ms",
}
# Counted in lots of one instrument: a wider scope sets them for each instrument.
_IN_LOTS = ("quantity_max", "position_max")


class DefinitionError(ValueError):
    """The configuration cannot be put into the core; the text names key and reason."""


def names_of(configuration: Configuration) -> Names:
    """The order of ids: that of the configuration."""
    return Names(
        instruments=[each.symbol for each in configuration.instrument],
        strategies=[each.name for each in configuration.strategy],
        sessions=[each.name for each in configuration.session],
    )


def define(core: Core, configuration: Configuration) -> None:
    """Define everything, in the order of ids. DefinitionError names what does not fit."""
    feeds = {feed.name: number for number, feed in enumerate(configuration.feed)}
    for number, feed in enumerate(configuration.feed):
        kind = feed.market if isinstance(feed, BinanceFeed) else "itch"
        core.define_feed(number, FEED_KINDS[kind])
    for number, settings in enumerate(configuration.instrument):
        try:
            core.define_instrument(_instrument(configuration, settings, number, feeds))
        except ValueError as error:
            raise DefinitionError(f"instrument[{number}]: {error}") from None
    venues = {venue.name: venue for venue in configuration.venue}
    for number, session in enumerate(configuration.session):
        rules = session_rules(session)
        venue = venues[session.venue]
        rules["unknown_order"] = UNKNOWN_ORDER[venue.unknown_order]
        rules["mass_cancel"] = False
        rules["order_id_is_reference"] = False  # a venue inside the daemon is in no feed
        if isinstance(session, FixSessionSettings):
            rules["mass_cancel"] = "cancel" in session.mass_requests
            rules["order_id_is_reference"] = venue.order_id_is_reference
            traded = [
                counted(each, place)
                for place, each in enumerate(configuration.instrument)
                if each.venue == session.venue
            ]
            named = venue_names(session.dialect, session.symbols, traded)
            strategies = [each.name for each in configuration.strategy]
            core.define_fix_session(_fix_session(session, number, strategies), named, rules)
            if isinstance(session, DropCopySettings):
                copied = names_of(configuration).sessions.index(session.copies)
                core.define_drop_copy(number, copied, session.match == "order")
        else:
            core.define_venue_session(number, rules)
    for number, strategy in enumerate(configuration.strategy):
        core.define_strategy(number, strategy.name)
    for name, strategy_id, instrument_id, value in limits_of(configuration):
        core.configure_limit(name, strategy_id, instrument_id, value)


def terms_of(configuration: Configuration, session: SessionSettings) -> SessionTerms:
    """How a session is reconciled. A venue inside the daemon loses nothing."""
    terms = SessionTerms(session.name, session.retired, session.without_positions)
    if not isinstance(session, FixSessionSettings):
        return terms
    every = session.positions_every_seconds * 1_000_000_000
    if isinstance(session, DropCopySettings):
        copied = names_of(configuration).sessions.index(session.copies)
        late = session.late_after_ms * 1_000_000
        return replace(terms, positions_every_ns=every, copies=copied, late_after_ns=late)
    return replace(
        terms,
        status_after_ns=session.status_after_ms * 1_000_000,
        positions_every_ns=every,
        cancels_at_logon=session.on_disconnect == "cancel",
        asks_for_all="status" in session.mass_requests,
    )


def model_instrument(settings: InstrumentSettings) -> Instrument:
    """The instrument as strategies see it."""
    return Instrument.from_mapping(settings.definition())


def _instrument(
    configuration: Configuration, settings: InstrumentSettings, number: int, feeds: dict[str, int]
) -> dict[str, Any]:
    if settings.feed is None:
        raise DefinitionError(f"instrument {settings.symbol}: has no feed")
    instrument = model_instrument(settings)
    fees = instrument.fees
    per_lot = bool(fees.maker_per_lot or fees.taker_per_lot)
    feed = configuration.feed[feeds[settings.feed]]
    return {
        **_increments(settings, number),
        "symbol": settings.symbol,
        "venue": settings.venue,
        "feed": feeds[settings.feed],
        "feed_symbol": settings.feed_symbol or settings.symbol,
        "product": int(instrument.product),
        "multiplier": mantissa_exponent(settings.multiplier),
        "tick_table": [(band.from_px, band.step) for band in instrument.tick_table],
        "lot": settings.lot,
        "allows_nonpositive_price": settings.allows_nonpositive_price,
        "has_trading_state": not isinstance(feed, BinanceFeed),
        "quote_currency": settings.quote_currency,
        "settlement_currency": settings.settlement_currency,
        "fee_per_lot": per_lot,
        "fee_rounding": fees.rounding,
        "fee_maker": fees.maker_per_lot if per_lot else fees.maker_rate_e8,
        "fee_taker": fees.taker_per_lot if per_lot else fees.taker_rate_e8,
        "sector": settings.sector,
        "risk_rate": mantissa_exponent(settings.risk_rate or Decimal(1)),
    }


def _increments(settings: InstrumentSettings, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "price_increment": mantissa_exponent(settings.price_increment),
        "qty_increment": mantissa_exponent(settings.qty_increment),
        "money_exponent": -settings.money_scale,
    }


def session_rules(session: SessionSettings) -> dict[str, int]:
    """What the venue takes by itself, and messages in flight: none ever is of a simulated session,
    which takes all it is given."""
    native = {
        "order_types": sum(1 << OrdType[each.upper()] for each in session.order_types),
        "time_in_force": sum(1 << TimeInForce[each.upper()] for each in session.time_in_force),
        "post_only": "post_only" in session.instructions,
        "iceberg": "iceberg" in session.instructions,
    }
    if not isinstance(session, FixSessionSettings):
        return {"in_flight_max": IN_FLIGHT_MAX, "cancel_reserve": 0, **native}
    in_flight = session.messages_in_flight_max
    reserve = in_flight * session.cancel_share_percent // 100
    return {"in_flight_max": in_flight, "cancel_reserve": reserve, **native}


def _fix_session(
    session: FixSessionSettings, number: int, strategies: Sequence[str]
) -> dict[str, Any]:
    def placeholder(kind: str, reference: str | None) -> str:
        return CREDENTIAL_PLACEHOLDERS[kind].format(number) if reference else ""

    return {
        "id": number,
        "begin_string": session.begin_string,
        "sender_comp_id": session.sender_comp_id,
        "target_comp_id": session.target_comp_id,
        "heart_bt_int_seconds": session.heart_bt_int_seconds,
        "sending_time_tolerance_seconds": session.sending_time_tolerance_seconds,
        "logon_timeout_seconds": session.logon_timeout_seconds,
        "logout_timeout_seconds": session.logout_timeout_seconds,
        "username_placeholder": placeholder("username", session.username),
        "password_placeholder": placeholder("password", session.password),
        "account": session.account,
        "reset_on_logon": session.reset == "at_logon",
        "cancel_on_disconnect": session.on_disconnect == "venue",
        "dialect": native(session.dialect, strategies),
    }


def mantissa_exponent(value: Decimal) -> tuple[int, int]:
    """An exact decimal as `mantissa * 10 ** exponent`, without trailing zeros, exponent <= 0."""
    sign, digits, exponent = value.normalize().as_tuple()
    if not isinstance(exponent, int):
        raise DefinitionError(f"{value} is not finite")
    mantissa = int("".join(map(str, digits)) or "0")
    if exponent > 0:
        mantissa, exponent = mantissa * 10**exponent, 0
    return (-mantissa if sign else mantissa), exponent


# ------------------------------------------------------------------ limits

LimitSetting = tuple[str, int, int, int]


def limits_of(configuration: Configuration) -> Iterator[LimitSetting]:
    """Every limit as the gate takes it: name, strategy, instrument (NO_ID for all), value."""
    risk = configuration.risk
    instruments = list(enumerate(configuration.instrument))
    strategies = {each.name: number for number, each in enumerate(configuration.strategy)}
    for number, instrument in instruments:
        own = risk.instrument.get(instrument.symbol, Limits()).given()
        for key in _IN_LOTS:
            values = [given[key] for given in (risk.firm.given(), own) if key in given]
            if values:
                yield key, NO_ID, number, lots_of(instrument, min(values))
        for key, value in own.items():
            if key not in _IN_LOTS:
                yield LIMIT_NAMES[key], NO_ID, number, int(value)
    for key, value in risk.firm.given().items():
        if key not in _IN_LOTS:
            yield LIMIT_NAMES[key], NO_ID, NO_ID, int(value)
    for name, limits in risk.strategy.items():
        for key, value in limits.given().items():
            if key not in _IN_LOTS:
                yield LIMIT_NAMES[key], strategies[name], NO_ID, int(value)
                continue
            for number, instrument in instruments:
                yield key, strategies[name], number, lots_of(instrument, value)


def lots_of(instrument: InstrumentSettings, quantity: Decimal | int) -> int:
    """Whole lots within a quantity in natural units: a limit is never rounded up."""
    return int(Decimal(quantity) // instrument.qty_increment)
