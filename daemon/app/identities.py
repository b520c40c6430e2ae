"""Ids stay what they were: names that a log knows keep their number, new names get the next one.

An id is a place in the configuration's section, and the log's DEFINITION records say which name
had it. Here a configuration is put into the order of those ids before anything is defined. What
left the file keeps its place as it was last defined, `retired`: its orders and positions remain
known, and nothing is connected, subscribed or started for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from daemon.app.configuration import Configuration, ConfigurationError
from daemon.app.market_settings import (
    Feed,
    InstrumentSettings,
    SessionSettings,
    StrategySettings,
    VenueSettings,
)
from daemon.app.problems import Problem

# Section and DEFINITION's kind: appended to, never renumbered.
KINDS: Final = {"instrument": 0, "strategy": 1, "venue": 2, "session": 3, "feed": 4}
_TYPES: Final[dict[str, Any]] = {
    "instrument": InstrumentSettings,
    "strategy": StrategySettings,
    "venue": VenueSettings,
    "session": SessionSettings,
    "feed": Feed,
}
# What an instrument's logged numbers are counted in: fixed for the life of its id.
FIXED: Final = (
    "product",
    "price_increment",
    "qty_increment",
    "multiplier",
    "settlement_currency",
    "money_scale",
)

# What a log last said of each id, by section: the definition's JSON as it stands.
Known = dict[str, dict[int, dict[str, Any]]]


def in_order_of_ids(configuration: Configuration, known: Known, path: str = "") -> Configuration:
    """The configuration with each section in the order of its ids, retired entries in their places.

    ConfigurationError where an instrument of the log is counted in other units now.
    """
    problems = list(_changed_units(configuration, known["instrument"]))
    if problems:
        raise ConfigurationError(path or "configuration", problems)
    sections = {
        section: _ordered(section, getattr(configuration, section), known[section])
        for section in KINDS
    }
    return msgspec.structs.replace(configuration, **sections)


def name_of(entry: Any) -> str:  # noqa: ANN401  an entry of any section
    """What an entry is known by."""
    return str(entry.symbol if isinstance(entry, InstrumentSettings) else entry.name)


def _ordered(
    section: str, entries: tuple[Any, ...], known: Mapping[int, dict[str, Any]]
) -> tuple[Any, ...]:
    given = {name_of(entry): entry for entry in entries}
    ordered: list[Any] = []
    for number in sorted(known):
        if number != len(ordered):
            raise ValueError(f"the log has no {section} of id {len(ordered)}, but one of {number}")
        logged = known[number]
        name = logged.get("symbol" if section == "instrument" else "name", "")
        ordered.append(given.pop(name, None) or _retired(section, logged))
    return (*ordered, *given.values())


def _retired(section: str, logged: dict[str, Any]) -> Any:  # noqa: ANN401  an entry of any section
    """As it was last defined. Keys that this build does not know any more are left out."""
    kind = _TYPES[section]
    candidates = getattr(kind, "__args__", (kind,))
    tag = logged.get("kind")
    entry_type = next(t for t in candidates if getattr(t, "__struct_config__").tag in (None, tag))  # noqa: B009
    fields = {field.encode_name for field in msgspec.structs.fields(entry_type)}
    content = {key: value for key, value in logged.items() if key in fields or key == "kind"}
    content["retired"] = True
    if section == "strategy":
        content |= {"start": False, "parameters": {}}
    return msgspec.convert(content, entry_type, strict=False)


def _changed_units(
    configuration: Configuration, known: Mapping[int, dict[str, Any]]
) -> Iterator[Problem]:
    logged = {entry["symbol"]: entry for entry in known.values()}
    for number, instrument in enumerate(configuration.instrument):
        before = logged.get(instrument.symbol)
        if before is None:
            continue
        was = _retired("instrument", before)
        for key in FIXED:
            found, expected = getattr(instrument, key), getattr(was, key)
            if found != expected:
                reason = (
                    f"{found}, but {instrument.symbol} is counted in {expected} in this log:"
                    " another symbol or another log is needed"
                )
                yield Problem(f"instrument[{number}].{key}", reason)
