"""The watchdog's requests in the covered session's dialect."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from daemon.app.dialects import ClOrdIdSettings
from tests.watchdog.test_venue import words
from tools.watchdog.words import CL_ORD_ID_END, cl_ord_id_of, cl_ord_id_text
from tools.watchdog.working import Working

PARTIES = [{"id": "FIRM7", "role": 1}, {"id": "ALGO1", "source": "C", "role": 12}]


def order(instrument: str = "ACME", strategy: str = "alpha") -> Working:
    return Working(7, 7, (7,), "broker", instrument, "OLD.N", 1, Decimal(250), strategy)


@pytest.mark.parametrize(
    ("prefix", "base", "number", "text"),
    [
        ("", 16, 0xF << 60, "F000000000000000"),
        ("PW", 10, 1 << 32, "PW00000000004294967296"),
        ("", 36, CL_ORD_ID_END - 1, "3W5E11264SGSF"),
    ],
)
def test_order_numbers_look_as_the_session_writes_them(
    prefix: str, base: int, number: int, text: str
) -> None:
    settings = ClOrdIdSettings(prefix=prefix, base=base)  # type: ignore[arg-type]  # one of three
    assert cl_ord_id_text(settings, number) == text
    assert cl_ord_id_of(settings, text) == number
    others = (f"X{text}", text[:-1], f"{text[:-1]}-", text.replace(text[-1], "Z", 1) + "Z")
    assert [cl_ord_id_of(settings, other) for other in others] == [0] * 4


def test_every_number_comes_back() -> None:
    chance = random.Random(4)
    for settings in [ClOrdIdSettings(prefix="A-", base=base) for base in (10, 16, 36)]:
        for _ in range(200):
            number = chance.randrange(1, CL_ORD_ID_END)
            assert cl_ord_id_of(settings, cl_ord_id_text(settings, number)) == number
    assert cl_ord_id_of(ClOrdIdSettings(base=36), "ZZZZZZZZZZZZZ") == 0  # more than 64 bits


def test_an_instrument_is_named_and_counted_as_the_session_does() -> None:
    spoken = words(symbols={"ACME": {"symbol": "ACME.X", "qty_unit": 100}})
    assert spoken.instrument(order()) == [(55, "ACME.X")]
    assert spoken.quantity(order()) == "2.5"
    whole = words(dialect={"qty_unit": 50, "qty_decimals": 0})
    assert whole.quantity(order()) == "5"
    gone = order("LEFT")
    assert (spoken.instrument(gone), spoken.quantity(gone)) == ([(55, "OLD.N")], "250")


def test_an_instrument_is_named_by_its_security_id() -> None:
    dialect = {"identify_by": "security_id", "security_id_source": "8", "symbol_text": "[N/A]"}
    spoken = words(dialect=dialect, symbols={"ACME": {"security_id": "1301"}})
    assert spoken.instrument(order()) == [(55, "[N/A]"), (48, "1301"), (22, "8")]


def test_a_cancel_carries_what_the_dialect_adds() -> None:
    put = [{"tag": 9010, "source": "strategy", "messages": ["F"]}, {"tag": 100, "value": "N"}]
    spoken = words(dialect={"put": put, "party": PARTIES}, account="MM1")
    assert spoken.extras("F", order()) == [
        (9010, "alpha"), (100, "N"), (1, "MM1"),
        (453, "2"), (448, "FIRM7"), (447, "D"), (452, "1"), (448, "ALGO1"), (447, "C"), (452, "12"),
    ]  # fmt: skip
    assert spoken.extras("F", order(strategy=""))[0] == (9010, "firm")
    assert spoken.extras("q", None) == []
