"""Ids that stay: a configuration in the order of the log's definitions."""

from __future__ import annotations

import msgspec
import pytest

from daemon.app.configuration import Configuration, ConfigurationError, parse
from daemon.app.definitions import names_of
from daemon.app.epoch import definitions
from daemon.app.identities import KINDS, Known, in_order_of_ids
from tests.project.test_configuration import VALID

MORE = """
[[venue]]
name = "w"
[[feed]]
name = "g"
kind = "binance"
venue = "w"
market = "spot"
websocket_url = "ws://h"
rest_url = "http://h"
[[session]]
name = "paper"
kind = "simulated"
venue = "w"
[[instrument]]
symbol = "Y"
venue = "w"
feed = "g"
session = "paper"
price_increment = 0.01
[[strategy]]
name = "r"
class = "m:D"
instruments = ["Y"]
parameters = { n = 1 }
"""


def known(configuration: Configuration) -> Known:
    """As the log's DEFINITION records have it."""
    found: Known = {section: {} for section in KINDS}
    for kind, number, content in definitions(configuration):
        found[kind][number] = msgspec.json.decode(content)
    return found


BEFORE = parse(VALID + MORE)


def test_what_moved_keeps_its_id_and_what_is_new_gets_the_next() -> None:
    moved = parse(MORE.replace('"Y"', '"Z"').replace('name = "r"', 'name = "s2"') + VALID)
    now = in_order_of_ids(moved, known(BEFORE))
    names = names_of(now)
    assert list(names.instruments) == ["X", "Y", "Z"]
    assert list(names.strategies) == ["q", "r", "s2"]
    assert list(names.sessions) == ["s", "paper"]
    assert [each.retired for each in now.instrument] == [False, True, False]
    assert now.instrument[0] == moved.instrument[1]
    assert now.session == (moved.session[1], moved.session[0])


def test_the_same_file_in_another_order_is_the_same_configuration() -> None:
    again = in_order_of_ids(parse(MORE + VALID), known(BEFORE))
    assert again.sha256() == BEFORE.sha256()


def test_what_left_keeps_its_place_as_it_was_and_comes_back_to_it() -> None:
    left = in_order_of_ids(parse(VALID), known(BEFORE))
    for section in KINDS:
        first, second = getattr(left, section)
        assert (first.retired, second.retired) == (False, True)
        was = msgspec.structs.replace(getattr(BEFORE, section)[1], retired=True)
        if section == "strategy":
            was = msgspec.structs.replace(was, parameters={}, start=False)
        assert second == was
    assert in_order_of_ids(BEFORE, known(left)).sha256() == BEFORE.sha256()


def test_a_definition_of_another_build_keeps_its_id() -> None:
    """A key that this build does not know is left out where the entry is retired."""
    logged = known(BEFORE)
    for section in KINDS:
        logged[section][1]["of_another_build"] = 1
    assert in_order_of_ids(parse(VALID), logged).instrument[1].symbol == "Y"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("price_increment", "instrument[0].price_increment: 0.00001, but X is counted in 0.0001"),
        ("money_scale", "instrument[0].money_scale: 5, but X is counted in 2 in this log"),
    ],
)
def test_an_instrument_is_counted_in_the_same_units_for_life(key: str, line: str) -> None:
    value = {"price_increment": "0.00001", "money_scale": "5"}[key]
    changed = parse(VALID, overrides=[f"instrument.X.{key}={value}"])
    with pytest.raises(ConfigurationError) as raised:
        in_order_of_ids(changed, known(BEFORE), "x.toml")
    assert str(raised.value).startswith(f"x.toml: {line}")
