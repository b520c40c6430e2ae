"""The sections of a configuration file about the market: venues, feeds, sessions, instruments.

Prices, quantities and money are exact: TOML's decimals are read as decimals, never as floats.
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from daemon.app.dialects import PLAIN, DialectSettings, SymbolSettings
from daemon.app.settings import (
    Count,
    CredentialReference,
    Currency,
    Durability,
    Name,
    Port,
    Positive,
    Section,
    Text,
)
from daemon.model import SessionHours
from daemon.model.session_hours import DAYS

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")]
Placement = Literal["inline", "thread"]
# Whose stamp what is received has in the log: the kernel's as it arrived, ours as it was read.
Stamp = Literal["kernel", "user"]
NativeType = Literal["market", "limit", "stop", "stop_limit"]
NativeTime = Literal["day", "gtc", "ioc", "fok", "gtd"]
Micros = Annotated[int, Meta(ge=0, le=1_000_000)]  # SO_BUSY_POLL, 0 is off
Url = Annotated[str, Meta(pattern=r"^[a-z]+://[^\s]+$")]


class VenueSettings(Section, frozen=True, kw_only=True):
    """[[venue]]: the rules of a market that no message of it states."""

    name: Name
    # What "unknown order" means in answer to a status request: that it never arrived, so that it
    # is closed, or nothing certain, so that it stays UNKNOWN until an operator decides.
    unknown_order: Literal["never_arrived", "stays_unknown"] = "stays_unknown"
    # The digits of its OrderID are the order's reference in its feed, by which the book finds our
    # orders and knows their place in the queue exactly. Otherwise it is an estimate.
    order_id_is_reference: bool = False
    time_zone: Text = "UTC"  # of its sessions' hours
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False

    def __post_init__(self) -> None:
        zone_of(self.time_zone, "time_zone")


def zone_of(name: str, key: str) -> ZoneInfo:
    """The time zone of this IANA name; ValueError with the key where this host has none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{key}: there is no time zone {name} on this host") from None


class Address(Section, frozen=True, kw_only=True):
    """Host and port of a server or, to listen, of this host."""

    host: Text = "127.0.0.1"
    port: Port


class FeedLineAddress(Section, frozen=True, kw_only=True):
    """One line of a feed: the address to listen on, or a multicast group on an interface."""

    host: Text = "127.0.0.1"
    port: Port
    interface: str = ""


class ItchFeed(Section, frozen=True, kw_only=True, tag_field="kind", tag="itch_moldudp64"):
    """[[feed]] kind = "itch_moldudp64": ITCH 5.0, lines A and B, gaps asked for and filled."""

    name: Name
    venue: Name
    lines: Annotated[tuple[FeedLineAddress, ...], Meta(min_length=1, max_length=2)]
    retransmission: Address | None = None
    snapshot: Address | None = None
    receive_buffer_bytes: Annotated[int, Meta(ge=1 << 12, le=1 << 30)] = 8 << 20
    busy_poll_us: Micros = 0
    receive_stamp: Stamp = "kernel"
    stale_after_ms: Positive = 3000
    placement: Placement = "inline"
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False


class BinanceFeed(Section, frozen=True, kw_only=True, tag_field="kind", tag="binance"):
    """[[feed]] kind = "binance": depth differences bridged from a REST snapshot, and trades."""

    name: Name
    venue: Name
    market: Literal["spot", "usdm", "coinm"]
    websocket_url: Url
    # Where trades have an address of their own, as at USD-M since 2026; none: beside the books.
    trades_url: Url | None = None
    rest_url: Url
    depth_interval_ms: Literal[0, 100, 250, 500, 1000] = 100
    snapshot_levels: Literal[100, 500, 1000, 5000] = 1000
    book_ticker: bool = True
    trades: bool = True
    stale_after_ms: Positive = 5000
    reconnect_ms_max: Positive = 30_000
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False


Feed = ItchFeed | BinanceFeed


class TlsSettings(Section, frozen=True, kw_only=True):
    """TLS of a FIX connection. The server's certificate is always verified, by this authority."""

    ca_file: Text | None = None  # none: the host's authorities
    server_name: Text | None = None  # none: the host connected to
    certificate_file: Text | None = None
    key_file: Text | None = None
    crl_file: Text | None = None  # what its authority has revoked; none: not asked

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file: and key_file go together")


class HoursSettings(Section, frozen=True, kw_only=True):
    """When a session is up: outside it is logged out. An end before the start is the next day's."""

    start: TimeOfDay
    end: TimeOfDay
    time_zone: Text | None = None  # none: the venue's
    days: Annotated[tuple[Day, ...], Meta(min_length=1)] = (
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
    )

    def __post_init__(self) -> None:
        self.in_zone("UTC")

    def in_zone(self, venues: str) -> SessionHours:
        """As the actor wants it. ValueError with the key where there is no such time zone."""
        zone = zone_of(self.time_zone or venues, "time_zone")
        days = frozenset(DAYS.index(day) for day in self.days)
        return SessionHours(
            time.fromisoformat(self.start), time.fromisoformat(self.end), zone, days
        )


class VenueTypes(Section, frozen=True, kw_only=True):
    """What the venue of a session takes by itself. The daemon does the rest, where it can: stops,
    orders if touched and trailing stops are held here until their price comes, GTD and post-only
    are watched here (docs/orders.md). What nobody can do is denied as UNSUPPORTED.
    """

    order_types: tuple[NativeType, ...] = ("market", "limit", "stop", "stop_limit")
    time_in_force: tuple[NativeTime, ...] = ("day", "gtc", "ioc", "fok", "gtd")
    instructions: tuple[Literal["post_only"], ...] = ("post_only",)

    def __post_init__(self) -> None:
        if missing := {"market", "limit"} - set(self.order_types):
            raise ValueError(
                f"order_types: must have market and limit, which what is held is sent as; missing"
                f" {', '.join(sorted(missing))}"
            )
        if not self.time_in_force:
            raise ValueError("time_in_force: a venue takes one at least, found none")


class FixSessionSettings(VenueTypes, frozen=True, kw_only=True, tag_field="kind", tag="fix"):
    """[[session]] kind = "fix": an initiator's FIX session with a venue or broker."""

    name: Name
    venue: Name
    begin_string: Literal["FIX.4.2", "FIX.4.4"] = "FIX.4.4"
    sender_comp_id: Text
    target_comp_id: Text
    host: Text  # or the path of a socket on this host, whose port then counts for nothing
    port: Port
    tls: TlsSettings | None = None
    username: CredentialReference | None = None
    password: CredentialReference | None = None
    account: str = ""
    # A file of its own, seen from this one; here it is what that says. None: FIX as it is.
    dialect: DialectSettings = PLAIN
    symbols: dict[Name, SymbolSettings] = msgspec.field(default_factory=dict)
    # When both numbers begin at 1: at every logon (ResetSeqNumFlag), or where its hours begin.
    reset: Literal["never", "at_logon", "at_start"] = "never"
    hours: HoursSettings | None = None  # none: at all times
    heart_bt_int_seconds: Annotated[int, Meta(ge=1, le=3600)] = 30
    logon_timeout_seconds: Positive = 10
    logout_timeout_seconds: Positive = 2
    reconnect_ms_min: Positive = 100
    reconnect_ms_max: Positive = 10_000
    # 0: SendingTime is not compared with our clock.
    sending_time_tolerance_seconds: Count = 120
    # Whether the venue answers RequestForPositions; none: FIX 4.4 is asked, 4.2 cannot be.
    positions: Literal["fix", "none"] | None = None
    # How often the venue's positions are compared while we trade, 0 never; twice before a
    # difference counts.
    positions_every_seconds: Count = 60
    # An order that waits longer for the venue's word is asked for, one at a time; 0 never.
    status_after_ms: Count = 5000
    # What the venue takes for all orders at once. "cancel" (OrderMassCancelRequest): sent before
    # the cancels one by one. "status" (OrderMassStatusRequest): asked at every logon, which finds
    # orders that work there and that our log lost. FIX 4.2 has neither.
    mass_requests: tuple[Literal["cancel", "status"], ...] = ()
    # What working orders become when the connection is lost: kept, cancelled at the next logon
    # before anything else is asked, or cancelled by the venue, whom our Logon asks for it.
    on_disconnect: Literal["keep", "cancel", "venue"] = "keep"
    # Messages handed to the connection and not yet taken by the kernel; a share is for cancels.
    messages_in_flight_max: Annotated[int, Meta(ge=8, le=1 << 20)] = 4096
    cancel_share_percent: Annotated[int, Meta(ge=1, le=90)] = 20
    durability: Durability | None = None  # none: [log] durability_sessions
    placement: Placement = "inline"
    busy_poll_us: Micros = 0
    receive_stamp: Stamp = "kernel"  # under TLS always ours
    # Acknowledge what the venue sends at once, for one system call more a read.
    quick_ack: bool = False
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.positions == "fix" and self.begin_string == "FIX.4.2":
            raise ValueError("positions: FIX 4.2 has no RequestForPositions")
        if self.mass_requests and self.begin_string == "FIX.4.2":
            raise ValueError("mass_requests: FIX 4.2 has none")
        if self.on_disconnect == "venue" and self.dialect.cancel_on_disconnect is None:
            raise ValueError(
                'on_disconnect: "venue" needs a dialect with [cancel_on_disconnect], which says how'
            )
        if self.reset == "at_start" and self.hours is None:
            raise ValueError('reset: "at_start" needs hours, whose start it is')
        if self.reconnect_ms_min > self.reconnect_ms_max:
            raise ValueError(
                f"reconnect_ms_min: {self.reconnect_ms_min} is above reconnect_ms_max,"
                f" {self.reconnect_ms_max}"
            )

    @property
    def without_positions(self) -> str:
        """Why reconciliation compares orders alone; "" where it compares positions too."""
        if self.begin_string == "FIX.4.2":
            return "not offered by FIX 4.2"
        return 'not asked, positions = "none"' if self.positions == "none" else ""


class DropCopySettings(FixSessionSettings, frozen=True, kw_only=True, tag="drop_copy"):
    """[[session]] kind = "drop_copy": a second line, which tells the trades of a session again.

    It takes no orders. A trade that only one of the two has told for `late_after_ms` is a
    difference, as is one that they tell differently.
    """

    copies: Name
    late_after_ms: Positive = 5000
    # By ExecID and side; "order" where copies have ExecIDs of their own: by order, price, quantity.
    match: Literal["exec_id", "order"] = "exec_id"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mass_requests or self.on_disconnect != "keep":
            raise ValueError("mass_requests, on_disconnect: a drop copy has no orders of its own")


class SimulatedSessionSettings(
    VenueTypes, frozen=True, kw_only=True, tag_field="kind", tag="simulated"
):
    """[[session]] kind = "simulated": a venue inside the daemon that fills from the market seen."""

    name: Name
    venue: Name
    hours: HoursSettings | None = None  # none: at all times
    order_latency_us: Count = 500
    report_latency_us: Count = 500
    reject_one_in: Count = 0  # 0: never
    seed: Count = 1
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False

    @property
    def without_positions(self) -> str:
        """As of a FIX session: this venue always answers."""
        return ""


SessionSettings = FixSessionSettings | DropCopySettings | SimulatedSessionSettings


class TickBandSettings(Section, frozen=True, kw_only=True, rename={"from_price": "from"}):
    """From this price upwards, our orders' prices are multiples of the step."""

    from_price: Decimal = Decimal(0)
    step: Decimal


class FeeSettings(Section, frozen=True, kw_only=True):
    """Fees: a part of notional (0.0002 is 2 basis points) or an amount a lot; negative rebates."""

    maker_rate: Decimal = Decimal(0)
    taker_rate: Decimal = Decimal(0)
    maker_per_lot: Decimal = Decimal(0)
    taker_per_lot: Decimal = Decimal(0)
    rounding: Literal["half_even", "up", "down"] = "half_even"


class InstrumentSettings(Section, frozen=True, kw_only=True):
    """[[instrument]]: what one price step and one lot of it are, and where it trades.

    `feed` and `session` are names of such sections; without a session it is watched, not traded.
    """

    symbol: Name
    venue: Name
    feed: Name | None = None
    session: Name | None = None
    feed_symbol: str = ""  # the feed's name for it where that differs
    venue_symbol: str = ""  # the order session's
    price_increment: Decimal
    qty_increment: Decimal = Decimal(1)
    lot: Positive = 1
    product: Literal["linear", "inverse", "option", "spread"] = "linear"
    multiplier: Decimal = Decimal(1)
    tick_table: tuple[TickBandSettings, ...] = ()
    allows_nonpositive_price: bool = False
    quote_currency: Currency = "USD"
    settlement_currency: Currency = "USD"
    # Worth of a unit of the settlement currency in that of [risk]; none: as [risk.rates] has it.
    risk_rate: Decimal | None = None
    money_scale: Annotated[int, Meta(ge=0, le=18)] = 2
    fees: FeeSettings = FeeSettings()
    asset_class: str = ""
    region: str = ""
    sector: str = ""
    expiry_ts: Count = 0
    strike: Decimal | None = None
    trading_calendar: str = ""
    average_daily_volume: Count = 0
    borrow: Decimal | None = None
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False

    def __post_init__(self) -> None:
        for name in ("price_increment", "qty_increment", "multiplier", "risk_rate"):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and value > 0):
                raise ValueError(f"{name}: must be above 0, found {value}")
        self.definition()

    def definition(self) -> dict[str, Any]:
        """What daemon.model.Instrument.from_mapping takes: prices in increments, fees in units.

        ValueError with the key where a decimal is not a whole number of those.
        """
        same = (
            "symbol venue venue_symbol price_increment qty_increment lot product multiplier"
            " allows_nonpositive_price quote_currency settlement_currency money_scale asset_class"
            " region sector expiry_ts strike trading_calendar average_daily_volume borrow"
        )
        return {
            **{name: getattr(self, name) for name in same.split()},
            "tick_table": [self._band(n, band) for n, band in enumerate(self.tick_table)],
            "fees": self._fees(),
        }

    def _band(self, number: int, band: TickBandSettings) -> dict[str, int]:
        key = f"tick_table[{number}]"
        return {
            "from_px": _whole(band.from_price, self.price_increment, f"{key}.from"),
            "step": _whole(band.step, self.price_increment, f"{key}.step"),
        }

    def _fees(self) -> dict[str, int | str]:
        unit, fees = Decimal(1).scaleb(-self.money_scale), self.fees
        return {
            "maker_rate_e8": _whole(fees.maker_rate, Decimal("1e-8"), "fees.maker_rate"),
            "taker_rate_e8": _whole(fees.taker_rate, Decimal("1e-8"), "fees.taker_rate"),
            "maker_per_lot": _whole(fees.maker_per_lot, unit, "fees.maker_per_lot"),
            "taker_per_lot": _whole(fees.taker_per_lot, unit, "fees.taker_per_lot"),
            "rounding": fees.rounding,
        }


def _whole(value: Decimal, step: Decimal, key: str) -> int:
    """How many steps a value is; ValueError where it is not a whole number of them."""
    if not value.is_finite():
        raise ValueError(f"{key}: {value} is no number")
    try:
        count, rest = divmod(value, step)
    except InvalidOperation:
        raise ValueError(f"{key}: {value} is more than can be counted in {step}") from None
    if rest:
        raise ValueError(f"{key}: {value} is not a multiple of {step}")
    return int(count)


class StrategySettings(Section, frozen=True, kw_only=True):
    """[[strategy]]: a strategy, what it trades and where; parameters are checked by its class."""

    name: Name
    strategy_class: Annotated[str, Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = msgspec.field(
        name="class"
    )
    instruments: Annotated[tuple[Name, ...], Meta(min_length=1)]
    session: Name | None = None  # none: the instruments' own
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    start: bool = True
    # After a crash under other code: flat, or its checkpointed declared state.
    on_new_code: Literal["flat", "keep_state"] = "flat"
    # Left the file, not the log: it keeps its id and its past. The daemon sets it by itself.
    retired: bool = False
