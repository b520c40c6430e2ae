"""What an exchange's TOML file may say. Every error names the file, the key and the reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from daemon.app.dialects import PLAIN, DialectError, DialectSettings, SymbolSettings, check, read
from tools.command import UsageError

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; unknown keys are errors."""


class Exchange(Section, frozen=True):
    """[exchange]: the process. `exec_id_prefix` empty: from the start time, so runs differ.

    `trades` and `reports` are files: what clients traded, and every execution report.
    """

    seed: NotNegative = 1
    trades: str = ""
    reports: str = ""
    exec_id_prefix: Annotated[str, msgspec.Meta(max_length=16)] = ""
    orders_max: Positive = 1 << 20
    client_orders_max: Positive = 1 << 17
    wait: Literal["park", "spin"] = "park"
    # A Unix socket that takes what a venue does unasked; "": none.
    control: str = ""
    tick_ms: Positive = 1
    spin_us: Positive = 200


class Tls(Section, frozen=True):
    """[fix.tls]: files in PEM."""

    certificate: str
    private_key: str
    ca_file: str = ""
    crl_file: str = ""
    require_client_certificate: bool = False


class Session(Section, frozen=True):
    """[[fix.session]]: one client, by its CompIDs; `sender_comp_id` is the exchange's.

    `cancels_for`: clients whose orders it may cancel, naming them by OnBehalfOfCompID.
    """

    target_comp_id: str
    sender_comp_id: str = "EXCHANGE"
    begin_string: Literal["FIX.4.2", "FIX.4.4"] = "FIX.4.4"
    cancel_on_disconnect: bool = False
    copies: str = ""  # a drop copy: it takes no orders, and gets every report of this client's
    check_latency: bool = True
    stored_bytes_max: Positive = 64 << 20
    cancels_for: list[str] = []
    # As in the daemon's [[session]]: a dialect's file, seen from this one, and names by instrument.
    dialect: DialectSettings = PLAIN
    symbols: dict[str, SymbolSettings] = {}


class Fix(Section, frozen=True):
    """[fix]: order entry and its misbehaviour. Latency is one way, plus a uniform jitter."""

    session: Annotated[list[Session], msgspec.Meta(min_length=1)]
    host: str = "127.0.0.1"
    port: Port = 9878
    tls: Tls | None = None
    latency_in_us: NotNegative = 0
    latency_out_us: NotNegative = 0
    jitter_us: NotNegative = 0
    rejects_per_million: Share = 0
    disconnects_per_hour: Amount = 0.0


class Address(Section, frozen=True):
    """A numeric address and a port; port 0 takes a free one where something listens."""

    host: str = "127.0.0.1"
    port: Port = 0


class Line(Address, frozen=True):
    """[[itch.lines]]: where datagrams go; `drop_per_million` of them are lost, seeded."""

    interface: str = ""
    drop_per_million: Share = 0


class Itch(Section, frozen=True):
    """[itch]: MoldUDP64 with retransmission and a snapshot server."""

    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    retransmission: Address = Address(port=26401)
    snapshot: Address = Address(port=26402)
    session: Annotated[str, msgspec.Meta(max_length=10)] = ""
    heartbeat_ms: Positive = 500
    datagram_bytes_max: Annotated[int, msgspec.Meta(ge=128, le=1472)] = 1400
    history_messages: Positive = 1 << 20


class Agents(Section, frozen=True):
    """[agents]: a market made by seeded agents; shares are relative."""

    actions_per_second: Annotated[float, msgspec.Meta(gt=0, le=1e7)] = 2000.0
    makers: NotNegative = 120
    noise: NotNegative = 850
    trend: NotNegative = 10
    informed: NotNegative = 20


class Capture(Section, frozen=True):
    """[capture]: a recorded market; `speed` 0 is as fast as clients read.

    It starts when `clients` connections have subscribed something, or at once.
    """

    folder: str = ""
    speed: Amount = 1.0
    start: Literal["client", "now"] = "client"
    clients: Positive = 1
    at_end: Literal["hold", "exit"] = "hold"
    align_start: bool = False


class Binance(Section, frozen=True):
    """[binance]: WebSocket and REST on one port."""

    host: str = "127.0.0.1"
    port: Port = 26410
    queue_messages_max: Positive = 100_000


class Fees(Section, frozen=True):
    """Of the notional; negative is a rebate. `decimals`: of the settlement currency's unit."""

    maker_rate: Decimal = Decimal(0)
    taker_rate: Decimal = Decimal(0)
    decimals: Annotated[int, msgspec.Meta(ge=0, le=12)] = 8


class Agent(Section, frozen=True):
    """How agents trade one instrument; prices in ticks."""

    order_lots_max: Positive = 10
    volatility_ticks: Amount = 2.0
    spread_ticks: Positive = 2
    depth_ticks: Positive = 20
    live_orders_max: Positive = 400
    follows: str = ""
    beta: float = 1.0
    spread_reversion_per_second: Amount = 0.5
    spread_volatility_ticks: Amount = 1.0


class Instrument(Section, frozen=True):
    """[[instrument]]: prices and quantities are exact decimals in the instrument's own units."""

    symbol: Annotated[str, msgspec.Meta(min_length=1)]
    price_increment: Decimal = Decimal("0.01")
    qty_increment: Decimal = Decimal(1)
    tick: Decimal | None = None
    lot: Decimal | None = None
    start_price: Decimal = Decimal(100)
    price_max: Decimal = Decimal(400_000)
    order_qty_max: Decimal = Decimal(1_000_000)
    multiplier: Decimal = Decimal(1)
    inverse: bool = False
    fees: Fees = Fees()
    agent: Agent = Agent()
    market: Literal["spot", "usdm", "coinm"] = "spot"
    feed_symbol: str = ""
    captures: list[str] = []


class Config(Section, frozen=True):
    """The whole file: a market of agents, or, where [capture] is there, a recorded one."""

    fix: Fix
    instrument: Annotated[list[Instrument], msgspec.Meta(min_length=1)]
    exchange: Exchange = Exchange()
    itch: Itch | None = None
    agents: Agents = Agents()
    capture: Capture | None = None
    binance: Binance | None = None


def _decode_hook(kind: type, value: object) -> object:
    if kind is Decimal and isinstance(value, int | str):
        return Decimal(value)
    raise NotImplementedError(kind)


def _override(tables: dict[str, Any], text: str) -> None:
    path, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set {text}: expected KEY.PATH=VALUE")
    *parents, last = path.split(".")
    place: Any = tables
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    try:
        parsed = tomllib.loads(f"value = {value}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    place[int(last) if isinstance(place, list) else last] = parsed


def load(path: Path, overrides: Iterable[str] = (), captures: Path | None = None) -> Config:
    """The checked configuration; raises UsageError as `FILE: key: reason`."""
    try:
        tables = tomllib.loads(path.read_text(), parse_float=Decimal)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    for text in overrides:
        try:
            _override(tables, text)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise UsageError(f"--set {text}: no such key: {error}") from None
    if captures is not None:
        tables.setdefault("capture", {})["folder"] = str(captures)
    _take_dialects(path, tables)
    config = _converted(path, tables)
    _check(path, config)
    return config


def _take_dialects(path: Path, tables: dict[str, Any]) -> None:
    """A dialect that a session names by its file becomes part of it."""
    fix = tables.get("fix", {})
    for session in fix.get("session", []) if isinstance(fix, dict) else []:
        if isinstance(session, dict) and isinstance(session.get("dialect"), str):
            try:
                session["dialect"] = read(path.parent / session["dialect"])
            except DialectError as error:
                raise UsageError(f"{error.path}: {error}") from None


def _converted(path: Path, tables: dict[str, Any]) -> Config:
    try:
        return msgspec.convert(tables, Config, strict=False, dec_hook=_decode_hook)
    except msgspec.ValidationError as error:
        reason, _, key = str(error).partition(" - at `$.")
        key = key.rstrip("`")
        if unknown := re.search(r"unknown field `(.*)`", reason):
            key, reason = f"{key}.{unknown[1]}".lstrip("."), "unknown key"
        raise UsageError(f"{path}: {key}: {reason}" if key else f"{path}: {reason}") from None


def _check(path: Path, config: Config) -> None:
    """What no single field can tell."""
    _check_clients(path, config)
    for number, session in enumerate(config.fix.session):
        try:
            check(session.dialect, session.begin_string, initiator=False)
        except ValueError as error:
            raise UsageError(f"{path}: fix.session[{number}].dialect.{error}") from None
    symbols: list[str] = []
    for place, instrument in enumerate(config.instrument):
        key = f"{path}: instrument[{place}]"
        if instrument.symbol in symbols:
            raise UsageError(f"{key}.symbol: {instrument.symbol} is there twice")
        if instrument.agent.follows and instrument.agent.follows not in symbols:
            raise UsageError(
                f"{key}.agent.follows: {instrument.agent.follows} is not an earlier instrument"
            )
        symbols.append(instrument.symbol)
        _check_steps(key, instrument)
        if config.capture is not None and not instrument.captures:
            raise UsageError(f"{key}.captures: the files of this instrument are missing")
    if config.capture is not None:
        _check_capture(path, config, config.capture)


def _check_clients(path: Path, config: Config) -> None:
    """Whom a session speaks for, and whose reports it is told."""
    names = {session.target_comp_id for session in config.fix.session}
    trading = {each.target_comp_id for each in config.fix.session if not each.copies}
    for place, session in enumerate(config.fix.session):
        key = f"{path}: fix.session[{place}]"
        for name in session.cancels_for:
            if name not in names:
                raise UsageError(f"{key}.cancels_for: there is no session {name}")
        if session.copies and session.copies not in trading:
            raise UsageError(f"{key}.copies: {session.copies} is no client that sends orders")


def _check_steps(key: str, instrument: Instrument) -> None:
    for name, value, step in (
        ("tick", instrument.tick, instrument.price_increment),
        ("lot", instrument.lot, instrument.qty_increment),
        ("start_price", instrument.start_price, instrument.tick or instrument.price_increment),
        ("order_qty_max", instrument.order_qty_max, instrument.qty_increment),
    ):
        if step <= 0:
            raise UsageError(f"{key}: increments must be positive")
        if value is not None and (value <= 0 or value % step != 0):
            raise UsageError(f"{key}.{name}: {value} is no positive multiple of {step}")
    for name, rate in (
        ("maker_rate", instrument.fees.maker_rate),
        ("taker_rate", instrument.fees.taker_rate),
    ):
        if rate * 10**8 % 1 != 0 or abs(rate) > 1:
            raise UsageError(f"{key}.fees.{name}: {rate} is no multiple of 1e-8 in [-1, 1]")


def _check_capture(path: Path, config: Config, capture: Capture) -> None:
    if config.binance is None:
        raise UsageError(f"{path}: binance: a capture needs the section that serves it")
    if not capture.folder:
        raise UsageError(f"{path}: capture.folder: missing, and no folder on the command line")
    folder = Path(capture.folder)
    for instrument in config.instrument:
        for name in instrument.captures:
            if not (folder / name).is_file():
                raise UsageError(f"{path}: instrument {instrument.symbol}: no file {folder / name}")
