"""Dialects' files: the examples are accepted, a fault is named by file, key and reason."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from daemon.app.configuration import ConfigurationError, load
from daemon.app.dialects import read
from daemon.app.naming import step
from tests.days.day import ROOT, pitwire

EXAMPLES = sorted((ROOT / "config" / "dialects").glob("*.toml"))
CONFIGURATION = """
[daemon]
name = "two"
[log]
folder = "log"
[[venue]]
name = "v"
[[feed]]
name = "f"
kind = "itch_moldudp64"
venue = "v"
lines = [{ port = 1 }]
[[session]]
name = "broker"
kind = "fix"
venue = "v"
begin_string = "FIX.4.4"
sender_comp_id = "US"
target_comp_id = "THEM"
host = "localhost"
port = 1
dialect = "own.toml"
[[instrument]]
symbol = "ACME"
venue = "v"
feed = "f"
session = "broker"
price_increment = 0.0001
tick_table = [{ from = 0, step = 0.005 }]
lot = 10
"""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_the_worked_examples_are_accepted(example: Path) -> None:
    assert read(example)["name"] == example.stem


FAULTS = {
    'colour = "red"': "own.toml: colour: unknown key",
    "price_unit = 0": "own.toml: price_unit: ",
    "price_unit = 0.03": "two.toml: session[0].dialect.price_unit: 0.0001 in units of 0.03 is no",
    "price_decimals = 2": "two.toml: session[0].dialect.price_decimals: ACME's tick 0.005 needs",
    "qty_unit = 100\nqty_decimals = 0": "two.toml: session[0].dialect.qty_decimals: ACME's lot 10",
    'version = "FIX.4.2"': "two.toml: session[0].dialect.version: FIX.4.2, but the session is",
    'identify_by = "security_id"': "two.toml: session[0].symbols.ACME: needs a security_id",
    'symbol_text = "[N/A]"': "own.toml: identify_by: ",
    '[[put]]\ntag = 9999\nvalue = "x"': "own.toml: put[0].tag: 9999 is in no dictionary",
    '[[put]]\ntag = 54\nvalue = "1"': "own.toml: put[0].tag: pitwire writes 54 into D by itself",
    "[[put]]\ntag = 207": "own.toml: put[0].value: needs exactly one of value and source",
    '[[field]]\ntag = 9001\nname = "Desk"\ntype = "STRING"\nrequired = ["D"]': (
        "two.toml: session[0].dialect.field[0].required: tag 9001 in D, which nothing writes"
    ),
    '[[field]]\ntag = 9001\nname = "Desk"\ntype = "TEXT"\nmessages = ["D"]': (
        'own.toml: field[0].type: "TEXT": expected one of AMT, BOOLEAN'
    ),
    '[report]\nexec_types = { F = "FILLED" }': "own.toml: report.exec_types.F: there is no FILLED",
    "[cancel_on_disconnect]\ntag = 108": (
        "own.toml: cancel_on_disconnect.tag: 108 has another meaning"
    ),
    "[report]\nfee_tag = 44": "own.toml: report.fee_tag: 44 has another meaning",
    "[cl_ord_id]\nbase = 8": "own.toml: cl_ord_id.base: ",
    '[cl_ord_id]\nprefix = "much too long"': "own.toml: cl_ord_id.prefix: ",
    "name = ": "own.toml: ",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_named_by_file_key_and_reason(text: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text)
    (tmp_path / "two.toml").write_text(CONFIGURATION)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path / "two.toml")
    assert str(refused.value).startswith(f"{tmp_path}/{FAULTS[text]}"), str(refused.value)


def test_config_check_says_so_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(CONFIGURATION)
    checked = pitwire("config", "check", str(tmp_path / "two.toml"))
    assert checked.returncode == 2
    assert f"{tmp_path}/own.toml: No such file or directory" in checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("increment", "unit", "expected"),
    [
        ("0.0001", "1", (1, -4)),
        ("0.0001", "0.01", (1, -2)),
        ("0.01", "0.01", (1, 0)),
        ("1", "100", (1, -2)),
        ("0.25", "0.01", (25, 0)),
        ("0.01", "8", (125, -5)),
    ],
)
def test_an_increment_in_a_venues_unit(
    increment: str, unit: str, expected: tuple[int, int]
) -> None:
    assert step(Decimal(increment), Decimal(unit), "price_unit") == expected
