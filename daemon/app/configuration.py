"""Reads a configuration file: every fault of it is one line, `FILE: key.path: reason`.

TOML to frozen structures, strictly: an unknown key is an error. Any value can be overridden from
the command line by `key.path=value`, where an element of a list is named by its `name`, `symbol`
or number: `session.broker.port=5001`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from daemon.app.dialects import DialectError, check
from daemon.app.dialects import read as read_dialect
from daemon.app.market_settings import (
    BinanceFeed,
    DropCopySettings,
    Feed,
    FixSessionSettings,
    InstrumentSettings,
    SessionSettings,
    SimulatedSessionSettings,
    StrategySettings,
    VenueSettings,
)
from daemon.app.naming import naming_problems
from daemon.app.problems import Problem, problem_of
from daemon.app.settings import (
    BacktestSettings,
    CheckpointSettings,
    ControlSettings,
    CoreSettings,
    DaemonSettings,
    Limits,
    LogSettings,
    RiskSettings,
    Section,
    ServiceSettings,
    WorkerSettings,
)
from daemon.app.watchdog_settings import WatchdogSettings

FILE_BYTES_MAX: Final = 4 << 20


class ConfigurationError(Exception):
    """A file that cannot be used; its text has a line for each problem."""

    def __init__(self, path: Path | str, problems: Sequence[Problem]) -> None:
        self.path, self.problems = str(path), tuple(problems)
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        for problem in self.problems:
            yield ": ".join(part for part in (self.path, problem.key, problem.reason) if part)


class Configuration(Section, frozen=True, kw_only=True):
    """A whole file."""

    daemon: DaemonSettings
    log: LogSettings
    control: ControlSettings = ControlSettings()
    core: CoreSettings = CoreSettings()
    checkpoint: CheckpointSettings = CheckpointSettings()
    worker: WorkerSettings = WorkerSettings()
    service: ServiceSettings = ServiceSettings()
    backtest: BacktestSettings = BacktestSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    venue: Annotated[tuple[VenueSettings, ...], Meta(min_length=1)]
    feed: Annotated[tuple[Feed, ...], Meta(min_length=1)]
    session: tuple[SessionSettings, ...] = ()
    instrument: Annotated[tuple[InstrumentSettings, ...], Meta(min_length=1)]
    strategy: tuple[StrategySettings, ...] = ()
    risk: RiskSettings = RiskSettings()

    @property
    def control_socket(self) -> Path:
        """Where operators connect."""
        return Path(self.daemon.runtime_dir) / self.control.socket

    @property
    def kill_socket(self) -> Path:
        """Where the native kill path listens."""
        return Path(self.daemon.runtime_dir) / self.control.kill_socket

    @property
    def status_page(self) -> Path:
        """Where the daemon's heartbeat, kill word and fence are shared (core.SharedStatus)."""
        return Path(self.daemon.runtime_dir) / "status.page"

    @property
    def counters_page(self) -> Path:
        """Where its counters and histograms are shared (core.SharedCounters)."""
        return Path(self.daemon.runtime_dir) / "counters.page"

    @property
    def watchdog_page(self) -> Path:
        """Where the watchdog's counters are shared (core.SharedCounters)."""
        return Path(self.daemon.runtime_dir) / "watchdog.page"

    @property
    def incident_folder(self) -> Path:
        """Where the watchdog writes what it saw and did."""
        return Path(self.watchdog.incident_folder or f"{self.log.folder}/incidents")

    @property
    def touch_page(self) -> Path | None:
        """Where best bids and asks are shared (core.TouchReader); None where they are not."""
        page = self.daemon.touch_page
        return None if page is None else Path(self.daemon.runtime_dir) / page

    def canonical(self) -> bytes:
        """JSON of every value, defaults too, in a fixed order: what the EPOCH record holds.

        Credentials are in it as references only.
        """
        return msgspec.json.encode(self, order="deterministic")

    def sha256(self) -> str:
        """Names this configuration: equal where every value is."""
        return hashlib.sha256(self.canonical()).hexdigest()


def load(path: Path | str, overrides: Sequence[str] = ()) -> Configuration:
    """The configuration in a file. ConfigurationError says what is wrong with it, and where."""
    return parse(_read(Path(path)), str(path), overrides)


def parse(text: str, path: str = "configuration", overrides: Sequence[str] = ()) -> Configuration:
    """As `load`, from text; `path` is what errors call it."""
    try:
        # Decimals stay as they are written: 0.1 is exactly a tenth.
        tree = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path, [_syntax_problem(error)]) from None
    except _UNREADABLE as error:
        raise ConfigurationError(path, [_unreadable(error)]) from None
    try:
        for override in overrides:
            _override(tree, override)
        _take_dialects(tree, Path(path).parent)
        _floats_for_strategies(tree)
        _check_limits(tree)
        configuration = msgspec.convert(tree, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError(path, [problem_of(error)]) from None
    except _LimitsError as error:
        raise ConfigurationError(path, [error.problem]) from None
    except DialectError as error:
        raise ConfigurationError(error.path, [Problem(error.key, error.reason)]) from None
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        raise ConfigurationError(path, [Problem(key, reason)]) from None
    if problems := list(contradictions(configuration)):
        raise ConfigurationError(path, problems)
    return _with_risk_rates(configuration)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigurationError(path, [Problem("", f"larger than {FILE_BYTES_MAX} bytes")])
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
        raise ConfigurationError(path, [Problem("", reason)]) from None
    except OSError as error:
        raise ConfigurationError(path, [Problem("", error.strerror or str(error))]) from None


def _syntax_problem(error: tomllib.TOMLDecodeError) -> Problem:
    text = str(error)
    if place := re.fullmatch(r"(.*) \(at (line \d+, column \d+)\)", text, re.DOTALL):
        return Problem(place[2], place[1])
    return Problem("", text)


# What TOML allows and Python's readers of it give up on.
_UNREADABLE: Final = (ValueError, ArithmeticError, RecursionError)


def _unreadable(error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem("", "arrays or tables nested too deep")
    return Problem("", "a number with too many digits, or too large an exponent")


class _LimitsError(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


def _check_limits(tree: dict[str, Any]) -> None:
    """The limits by name, each for itself: msgspec's paths leave out a mapping's keys."""
    risk = tree.get("risk", {})
    for scope in ("strategy", "instrument"):
        named = risk.get(scope, {}) if isinstance(risk, dict) else {}
        for name, limits in named.items() if isinstance(named, dict) else ():
            try:
                msgspec.convert(limits, Limits)
            except msgspec.ValidationError as error:
                fault = problem_of(error)
                key = ".".join(filter(None, ("risk", scope, name, fault.key)))
                raise _LimitsError(Problem(key, fault.reason)) from None


def _take_dialects(tree: dict[str, Any], folder: Path) -> None:
    """A dialect that a session names by its file, seen from this one, becomes part of it."""
    sessions = tree.get("session", [])
    for session in sessions if isinstance(sessions, list) else []:
        if isinstance(session, dict) and isinstance(session.get("dialect"), str):
            session["dialect"] = read_dialect(folder / session["dialect"])


def _floats_for_strategies(tree: dict[str, Any]) -> None:
    """A strategy's parameters are models' numbers, not money: there decimals become floats."""
    strategies = tree.get("strategy", [])
    for strategy in strategies if isinstance(strategies, list) else []:
        if isinstance(strategy, dict) and "parameters" in strategy:
            strategy["parameters"] = _as_floats(strategy["parameters"])


def _as_floats(value: object) -> object:
    match value:
        case Decimal():
            return float(value)
        case dict():
            return {key: _as_floats(each) for key, each in value.items()}
        case list():
            return [_as_floats(each) for each in value]
        case _:
            return value


# ------------------------------------------------------------------ overrides


def _override(tree: dict[str, Any], assignment: str) -> None:
    key, separator, text = assignment.partition("=")
    if not separator or not key:
        raise ValueError(f"{assignment}: an override is KEY.PATH=VALUE")
    node: Any = tree
    *parents, last = key.split(".")
    for part in parents:
        node = _step(node, part, key)
    if isinstance(node, list):
        node[node.index(_step(node, last, key))] = _value(text)
    elif isinstance(node, dict):
        node[last] = _value(text)
    else:
        raise ValueError(f"{key}: {parents[-1]} is a value and has no {last}")


def _step(node: Any, part: str, key: str) -> Any:  # noqa: ANN401  TOML's values, of any type
    if isinstance(node, dict):
        return node.setdefault(part, {})
    if isinstance(node, list):
        for number, each in enumerate(node):
            names = (each.get("name"), each.get("symbol")) if isinstance(each, dict) else ()
            if part in names or part == str(number):
                return each
    raise ValueError(f"{key}: there is no {part} to override")


def _value(text: str) -> object:
    """As TOML reads it; a word that is no TOML value is a string."""
    try:
        return cast("object", tomllib.loads(f"v = {text}", parse_float=Decimal)["v"])
    except tomllib.TOMLDecodeError:
        return text
    except _UNREADABLE as error:
        raise ValueError(f"{text[:32]}: {_unreadable(error).reason}") from None


# ------------------------------------------------------------------ between sections


def contradictions(configuration: Configuration) -> Iterator[Problem]:
    """What is right in each section and wrong between them."""
    yield from _duplicates(configuration)
    yield from _dangling(configuration)
    yield from _unfit(configuration)
    yield from _unrated(configuration)
    yield from _starved(configuration)
    yield from _unwatchable(configuration)
    yield from _bypassed(configuration)
    yield from _unspoken(configuration)


def _duplicates(configuration: Configuration) -> Iterator[Problem]:
    for section in ("venue", "feed", "session", "instrument", "strategy"):
        seen: dict[str, int] = {}
        attribute = "symbol" if section == "instrument" else "name"
        for number, each in enumerate(getattr(configuration, section)):
            name = getattr(each, attribute)
            if name in seen:
                reason = f"{name} is already {section}[{seen[name]}]"
                yield Problem(f"{section}[{number}].{attribute}", reason)
            seen.setdefault(name, number)


def _references(configuration: Configuration) -> Iterator[tuple[str, str, str | None]]:
    """Key, the section it points to, and the name it gives."""
    for section in ("feed", "session", "instrument"):
        for number, each in enumerate(getattr(configuration, section)):
            yield f"{section}[{number}].venue", "venue", each.venue
    for number, instrument in enumerate(configuration.instrument):
        yield f"instrument[{number}].feed", "feed", instrument.feed
        yield f"instrument[{number}].session", "session", instrument.session
    for number, session in enumerate(configuration.session):
        if isinstance(session, DropCopySettings):
            yield f"session[{number}].copies", "session", session.copies
    for number, strategy in enumerate(configuration.strategy):
        yield f"strategy[{number}].session", "session", strategy.session
        for index, symbol in enumerate(strategy.instruments):
            yield f"strategy[{number}].instruments[{index}]", "instrument", symbol
    for number, watching in enumerate(configuration.watchdog.session):
        yield f"watchdog.session[{number}].covers", "session", watching.covers
    for name in configuration.risk.strategy:
        yield f"risk.strategy.{name}", "strategy", name
    for symbol in configuration.risk.instrument:
        yield f"risk.instrument.{symbol}", "instrument", symbol


def _dangling(configuration: Configuration) -> Iterator[Problem]:
    names = {
        section: {each.name for each in getattr(configuration, section)}
        for section in ("venue", "feed", "session", "strategy")
    }
    names["instrument"] = {each.symbol for each in configuration.instrument}
    for key, section, name in _references(configuration):
        if name is not None and name not in names[section]:
            known = ", ".join(sorted(names[section])) or "none"
            yield Problem(key, f"there is no {section} {name}; there are: {known}")


def _unfit(configuration: Configuration) -> Iterator[Problem]:
    sessions = {each.name: each for each in configuration.session}
    instruments = {each.symbol: each for each in configuration.instrument}
    paper = configuration.daemon.mode == "paper"
    for number, session in enumerate(configuration.session):
        if paper and not isinstance(session, SimulatedSessionSettings):
            reason = "is not simulated, and daemon.mode is paper"
            yield Problem(f"session[{number}].kind", reason)
    for number, strategy in enumerate(configuration.strategy):
        for symbol in strategy.instruments:
            instrument = instruments.get(symbol)
            if instrument is None:
                continue
            if strategy.session is None and instrument.session is None:
                reason = f"{symbol} has no session, and the strategy names none"
                yield Problem(f"strategy[{number}].instruments", reason)
            route = sessions.get(strategy.session or instrument.session or "")
            if route is not None and route.venue != instrument.venue:
                reason = f"{symbol} trades at {instrument.venue}, {route.name} is {route.venue}'s"
                yield Problem(f"strategy[{number}].session", reason)
    yield from _unfit_copies(configuration, sessions)
    yield from _unfit_feeds(configuration)


def _unfit_copies(
    configuration: Configuration, sessions: Mapping[str, SessionSettings]
) -> Iterator[Problem]:
    """A drop copy tells another session's trades, of the same venue, and takes no orders."""
    for number, session in enumerate(configuration.session):
        if not isinstance(session, DropCopySettings):
            continue
        copied = sessions.get(session.copies)
        if isinstance(copied, DropCopySettings | SimulatedSessionSettings):
            yield Problem(f"session[{number}].copies", f"{copied.name} is no FIX order session")
        elif copied is not None and copied.venue != session.venue:
            reason = f"{copied.name} is {copied.venue}'s, {session.name} {session.venue}'s"
            yield Problem(f"session[{number}].copies", reason)
        twice = [
            each
            for each in configuration.session[:number]
            if isinstance(each, DropCopySettings) and each.copies == session.copies
        ]
        if twice:
            reason = f"{twice[0].name} copies {session.copies} already"
            yield Problem(f"session[{number}].copies", reason)
    for section in ("instrument", "strategy"):
        for number, each in enumerate(getattr(configuration, section)):
            if isinstance(sessions.get(each.session or ""), DropCopySettings):
                reason = f"{each.session} is a drop copy: it takes no orders"
                yield Problem(f"{section}[{number}].session", reason)


def _risk_rate(configuration: Configuration, instrument: InstrumentSettings) -> Decimal | None:
    risk, currency = configuration.risk, instrument.settlement_currency
    if instrument.risk_rate is not None or currency != risk.currency:
        return instrument.risk_rate or risk.rates.get(currency)
    return Decimal(1)


def _unrated(configuration: Configuration) -> Iterator[Problem]:
    """What is traded counts in the firm's sums: its money must be comparable."""
    ours = configuration.risk.currency
    for currency, rate in configuration.risk.rates.items():
        if not (rate.is_finite() and rate > 0):
            yield Problem(f"risk.rates.{currency}", f"must be above 0, found {rate}")
    unrated: set[str] = set()
    for number, instrument in enumerate(configuration.instrument):
        theirs = instrument.settlement_currency
        rated = _risk_rate(configuration, instrument) is not None
        if instrument.session is None or rated or theirs in unrated:
            continue
        unrated.add(theirs)
        reason = f"missing: instrument[{number}] settles in {theirs}, limits are in {ours}"
        yield Problem(f"risk.rates.{theirs}", reason)


def _with_risk_rates(configuration: Configuration) -> Configuration:
    """Each instrument with its own: so it is in the instrument's definition in the log."""
    instruments = tuple(
        msgspec.structs.replace(each, risk_rate=_risk_rate(configuration, each))
        for each in configuration.instrument
    )
    return msgspec.structs.replace(configuration, instrument=instruments)


def _starved(configuration: Configuration) -> Iterator[Problem]:
    """What comes first in a turn must leave room for what comes last."""
    core = configuration.core
    sessions = len(configuration.session)
    before = core.quotas.operator + core.quotas.executions * sessions + 1
    if core.turn_records_max <= before:
        reason = (
            f"{core.turn_records_max} leaves nothing for market data: operators, {sessions}"
            f" sessions and time may take {before}"
        )
        yield Problem("core.turn_records_max", reason)


def _unwatchable(configuration: Configuration) -> Iterator[Problem]:
    """Only a FIX session has orders at a venue; one watchdog session cancels for each."""
    simulated = {s.name for s in configuration.session if isinstance(s, SimulatedSessionSettings)}
    for key in ("name", "covers"):
        seen: set[str] = set()
        for number, watching in enumerate(configuration.watchdog.session):
            value = getattr(watching, key)
            if value in seen:
                yield Problem(f"watchdog.session[{number}].{key}", f"{value} is there twice")
            seen.add(value)
    for number, watching in enumerate(configuration.watchdog.session):
        if watching.covers in simulated:
            reason = f"{watching.covers} is simulated: its orders end with the daemon"
            yield Problem(f"watchdog.session[{number}].covers", reason)


def _bypassed(configuration: Configuration) -> Iterator[Problem]:
    """A thread of a line waits in the kernel, which does not know of sockets outside of it."""
    if configuration.core.kernel_bypass is None:
        return
    for section in ("feed", "session"):
        for number, each in enumerate(getattr(configuration, section)):
            if getattr(each, "placement", "inline") != "inline":
                reason = f"{each.placement}, but core.kernel_bypass polls sockets in the turn"
                yield Problem(f"{section}[{number}].placement", reason)


def _unfit_feeds(configuration: Configuration) -> Iterator[Problem]:
    kinds = {each.name: each for each in configuration.feed}
    for number, instrument in enumerate(configuration.instrument):
        feed = kinds.get(instrument.feed or "")
        symbol = instrument.feed_symbol or instrument.symbol
        if feed is not None and not isinstance(feed, BinanceFeed) and len(symbol) > 8:
            reason = f"{symbol} is longer than the 8 characters of an ITCH stock symbol"
            yield Problem(f"instrument[{number}].feed_symbol", reason)


def _unspoken(configuration: Configuration) -> Iterator[Problem]:
    """A dialect that its session cannot speak, or in which it cannot name what it trades."""
    for number, session in enumerate(configuration.session):
        if not isinstance(session, FixSessionSettings) or session.retired:
            continue
        try:
            check(session.dialect, session.begin_string, account=session.account)
        except ValueError as error:
            key, _, reason = str(error).partition(": ")
            yield Problem(f"session[{number}].dialect.{key}", reason)
            continue
        for key, reason in naming_problems(
            session, configuration.instrument, _traded(configuration, session.name)
        ):
            yield Problem(f"session[{number}].{key}", reason)


def _traded(configuration: Configuration, session: str) -> set[str]:
    """What goes to this session by itself or for a strategy."""
    by_strategy = {
        symbol
        for each in configuration.strategy
        if each.session == session
        for symbol in each.instruments
    }
    own = {each.symbol for each in configuration.instrument if each.session == session}
    return by_strategy | own
