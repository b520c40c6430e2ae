"""A configuration file: each fault is one line with file, key and reason; right ones are exact."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from daemon.app.configuration import Configuration, ConfigurationError, load, parse
from daemon.app.market_settings import FixSessionSettings

CONFIG = Path(__file__).parents[2] / "config"
SHIPPED = sorted(
    file
    for file in CONFIG.glob("*.toml")
    if "daemon" in tomllib.loads(file.read_text())  # the exchange's are its own
)

VALID = """
[daemon]
name = "t"
[log]
folder = "log"
[control]
role = [{ role = "risk", user = "root" }]
[[venue]]
name = "v"
[[feed]]
name = "f"
kind = "itch_moldudp64"
venue = "v"
lines = [{ port = 1 }]
[[session]]
name = "s"
kind = "fix"
venue = "v"
sender_comp_id = "A"
target_comp_id = "B"
host = "h"
port = 2
[[instrument]]
symbol = "X"
venue = "v"
feed = "f"
session = "s"
price_increment = 0.0001
tick_table = [{ from = 1, step = 0.01 }]
fees = { maker_rate = -0.00002, taker_per_lot = 0.01 }
[[strategy]]
name = "q"
class = "m:C"
instruments = ["X"]
parameters = { gamma = 0.1, nested = [{ a = 0.5 }], n = 3 }
[risk.firm]
notional_max = 0.1
[risk.strategy.q]
position_max = 5
"""


def fault(text: str, *overrides: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        parse(text, "x.toml", overrides)
    return str(raised.value)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_configuration_is_right(file: Path) -> None:
    configuration = load(file)
    assert configuration.instrument
    assert configuration.strategy


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('name = "t"', 'nmae = "t"', "x.toml: daemon.nmae: unknown key"),
        ('folder = "log"', "", "x.toml: log.folder: missing"),
        ("[log]", "[log", "x.toml: line 4, column 5: "),
        ("port = 2", 'port = "2"', "x.toml: session[0].port: Expected `int`, got `str`"),
        ("port = 2", "port = 70000", "x.toml: session[0].port: Expected `int` <= 65535"),
        ('kind = "fix"', 'kind = "fax"', "x.toml: session[0].kind: Invalid value 'fax'"),
        ("port = 2", 'port = 2\npassword = "x"', "x.toml: session[0].password: "),
        ("port = 2", "port = 2\nreconnect_ms_min = 99999", "x.toml: session[0].reconnect_ms_min: "),
        (
            "port = 2",
            'port = 2\nbegin_string = "FIX.4.2"\npositions = "fix"',
            "x.toml: session[0].positions: FIX 4.2 has no RequestForPositions",
        ),
        ("0.0001", "0", "x.toml: instrument[0].price_increment: must be above 0, found 0"),
        ("0.0001", "nan", "x.toml: instrument[0].price_increment: must be above 0, found NaN"),
        ("step = 0.01", "step = 0.00015", "x.toml: instrument[0].tick_table[0].step: 0.00015 is"),
        ("per_lot = 0.01", "per_lot = 0.001", "x.toml: instrument[0].fees.taker_per_lot: 0.001 is"),
        ("max = 0.1", "max = -1", "x.toml: risk.firm.notional_max: must be at least 0, found -1"),
        ("max = 5", "max = -1", "x.toml: risk.strategy.q.position_max: must be at least 0"),
        ("max = 5", "mix = 5", "x.toml: risk.strategy.q.position_mix: unknown key"),
        ("strategy.q]", "strategy.z]", "x.toml: risk.strategy.z: there is no strategy z"),
        ('feed = "f"', 'feed = "g"', "x.toml: instrument[0].feed: there is no feed g; there are"),
        ('["X"]', '["Y"]', "x.toml: strategy[0].instruments[0]: there is no instrument Y"),
        ('session = "s"', "", "x.toml: strategy[0].instruments: X has no session"),
        ('"X"', '"LONGSYMBOL"', "x.toml: instrument[0].feed_symbol: LONGSYMBOL is longer than"),
        (
            'user = "root"',
            'user = "root", uid = 0',
            "x.toml: control.role[0].role: needs exactly one of user, uid",
        ),
        ('name = "t"', 'name = "t"\nmode = "paper"', "x.toml: session[0].kind: is not simulated"),
        ('class = "m:C"', 'class = "m.C"', "x.toml: strategy[0].class: "),
        (
            'session = "s"\nprice',
            'session = "s"\nsettlement_currency = "BTC"\nprice',
            "x.toml: risk.rates.BTC: missing: instrument[0] settles in BTC, limits are in USD",
        ),
        (
            "[risk.firm]",
            "[risk]\nrates = { BTC = 0 }\n[risk.firm]",
            "x.toml: risk.rates.BTC: must be above 0, found 0",
        ),
        (
            "[daemon]",
            "core = { turn_records_max = 273 }\n[daemon]",
            "x.toml: core.turn_records_max: 273 leaves nothing for market data: operators, 1",
        ),
        (
            "port = 2",
            'port = 2\nhours = { start = "9:30", end = "16:00" }',
            "x.toml: session[0].hours.start: ",
        ),
        (
            "port = 2",
            'port = 2\nhours = { start = "09:30", end = "16:00", time_zone = "Mars" }',
            "x.toml: session[0].hours.time_zone: there is no time zone Mars on this host",
        ),
        ("[daemon]", "daemon = 1\n[other]", "x.toml: "),
        (
            "[daemon]",
            'core = { kernel_bypass = "libonload" }\n[daemon]',
            'x.toml: core.kernel_bypass: needs wait = "spin", found park',
        ),
        (
            "port = 2",
            'port = 2\nplacement = "thread"\n[core]\nwait = "spin"\nkernel_bypass = "libonload"',
            "x.toml: session[0].placement: thread, but core.kernel_bypass polls",
        ),
    ],
)
def test_a_fault_names_file_key_and_reason(old: str, new: str, line: str) -> None:
    assert old in VALID
    assert fault(VALID.replace(old, new, 2 if "LONG" in new else 1)).startswith(line)


def test_every_contradiction_is_listed() -> None:
    text = VALID.replace('feed = "f"', 'feed = "g"').replace('["X"]', '["X", "Y"]')
    assert len(fault(text).splitlines()) == 2


def test_a_name_may_be_given_once() -> None:
    again = '\n[[venue]]\nname = "v"\n'
    assert fault(VALID + again) == "x.toml: venue[1].name: v is already venue[0]"


def test_decimals_stay_exact_and_models_get_floats() -> None:
    configuration = parse(VALID)
    assert configuration.risk.firm.given() == {"notional_max": Decimal("0.1")}
    assert configuration.strategy[0].parameters == {"gamma": 0.1, "nested": [{"a": 0.5}], "n": 3}
    assert isinstance(configuration.strategy[0].parameters["gamma"], float)


def test_an_instrument_is_defined_in_increments() -> None:
    definition = parse(VALID).instrument[0].definition()
    assert definition["tick_table"] == [{"from_px": 10000, "step": 100}]
    assert definition["fees"]["maker_rate_e8"] == -2000
    assert definition["fees"]["taker_per_lot"] == 1


def test_an_instrument_has_its_currencys_rate_in_its_own_definition() -> None:
    settled = VALID.replace("price_inc", 'settlement_currency = "BTC"\nprice_inc')
    (bitcoin,) = parse(settled, overrides=["risk.rates.BTC=60000.5"]).instrument
    assert bitcoin.risk_rate == Decimal("60000.5")
    (own,) = parse(settled, overrides=["instrument.X.risk_rate=2", "risk.rates.BTC=1"]).instrument
    assert own.risk_rate == 2
    assert parse(settled, overrides=["risk.currency=BTC"]).instrument[0].risk_rate == 1


def test_overrides_name_elements_by_name_symbol_or_number() -> None:
    configuration = parse(
        VALID,
        overrides=[
            "session.s.port=77",
            "feed.f.lines.0.port=78",
            "instrument.X.lot=100",
            "core.wait=spin",
            "risk.firm.notional_max=2.5",
        ],
    )
    session = configuration.session[0]
    assert isinstance(session, FixSessionSettings)
    assert session.port == 77
    assert configuration.feed[0].lines[0].port == 78  # type: ignore[union-attr]  # VALID's is ITCH
    assert configuration.instrument[0].lot == 100
    assert configuration.core.wait == "spin"
    assert configuration.risk.firm.notional_max == Decimal("2.5")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("nonsense", "x.toml: nonsense: an override is KEY.PATH=VALUE"),
        ("session.z.port=1", "x.toml: session.z.port: there is no z to override"),
        ("core.wait=doze", "x.toml: core.wait: "),
        ("core.wiat=spin", "x.toml: core.wiat: unknown key"),
        ("daemon.name.deeper=1", "x.toml: daemon.name.deeper: "),
    ],
)
def test_a_wrong_override_is_a_fault_like_any_other(override: str, line: str) -> None:
    assert fault(VALID, override).startswith(line)


def test_the_hash_is_of_the_values_and_not_of_the_text() -> None:
    spaced = VALID.replace("port = 2", "port   =   2  # comment")
    assert parse(VALID).sha256() == parse(spaced).sha256()
    assert parse(VALID).sha256() != parse(VALID, overrides=["session.s.port=3"]).sha256()


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'[daemon]\nname = "\xe9"')
    with pytest.raises(ConfigurationError, match="byte 17 is not UTF-8"):
        load(tmp_path / "latin.toml")


def test_canonical_json_is_read_back_equal() -> None:
    import msgspec

    configuration = parse(VALID)
    again = msgspec.json.decode(configuration.canonical(), type=Configuration)
    assert again.canonical() == configuration.canonical()
    assert json.loads(configuration.canonical())["daemon"]["name"] == "t"


WATCHED = """
[[watchdog.session]]
name = "kill"
covers = "s"
sender_comp_id = "K"
target_comp_id = "B"
host = "h"
port = 3
"""


def test_a_watchdogs_session_covers_one_that_trades() -> None:
    assert parse(VALID + WATCHED).watchdog.session[0].covers == "s"
    missing = fault(VALID + WATCHED.replace('"s"', '"z"'))
    assert missing == "x.toml: watchdog.session[0].covers: there is no session z; there are: s"
    twice = fault(VALID + WATCHED + WATCHED.replace("kill", "kill2"))
    assert twice == "x.toml: watchdog.session[1].covers: s is there twice"
    old = fault(VALID + WATCHED + 'begin_string = "FIX.4.2"\nmass_cancel = true')
    assert old.endswith("mass_cancel: FIX 4.2 has no OrderMassCancelRequest")
    assert fault(VALID, "watchdog.hang_after_ms=900").startswith("x.toml: watchdog.hang_after_ms")


def test_a_simulated_session_needs_no_watchdog() -> None:
    simulated = '[[session]]\nname = "p"\nkind = "simulated"\nvenue = "v"\n'
    text = VALID.replace("[[instrument]]", simulated + "[[instrument]]")
    reason = fault(text + WATCHED.replace('"s"', '"p"'))
    assert reason == (
        "x.toml: watchdog.session[0].covers: p is simulated: its orders end with the daemon"
    )
