"""Prices, quantities, money and ids: exact, or refused."""

import math
import os
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.model import (
    Instrument,
    Money,
    ProductType,
    Side,
    Signal,
    cl_ord_id_text,
    make_cl_ord_id,
    ns_of,
    opposite,
    parse_cl_ord_id,
    sign,
)

SEED = int(os.environ.get("PITWIRE_TEST_SEED", "20261121"))
BASE: dict[str, Any] = {
    "symbol": "X",
    "venue": "V",
    "price_increment": "0.0001",
    "qty_increment": "0.001",
}
# 1 cent below 1.00, 5 cents from 1.00, in increments of 0.0001.
BANDS = [{"from_px": 0, "step": 100}, {"from_px": 10_000, "step": 500}]


def instrument(**changes: object) -> Instrument:
    return Instrument.from_mapping(BASE | changes)


def test_an_instrument_survives_its_definition_record() -> None:
    full = instrument(
        product="inverse",
        tick_table=BANDS,
        fees={"maker_rate_e8": -5000, "rounding": "up"},
        strike="12.5",
        borrow="0.0003",
        sector="energy",
    )
    assert full.product is ProductType.INVERSE
    assert Instrument.from_mapping(msgspec.json.decode(full.to_json())) == full


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price_increment": "0"}, "price_increment: must be above 0"),
        ({"price_increment": "NaN"}, "price_increment: must be above 0"),
        ({"qty_increment": "-1"}, "qty_increment: must be above 0"),
        ({"lot": 0}, "lot: must be at least 1"),
        ({"money_scale": 19}, "money_scale"),
        ({"product": "swap"}, "Unknown product 'swap'"),
        ({"fees": {"rounding": "nearest"}}, "unknown rule 'nearest'"),
        ({"fees": {"maker": 1}}, "unknown field `maker`"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"tick_table": [{"from_px": 0, "step": 0}]}, "step must be at least 1"),
        ({"tick_table": [BANDS[1], BANDS[0]]}, "from_px must rise"),
        ({"tick_table": [BANDS[0], {"from_px": 150, "step": 50}]}, "multiple of the steps"),
    ],
)
def test_bad_instruments_are_refused_with_key_and_reason(
    changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=reason):
        instrument(**changes)


def test_decimals_and_integers_agree_exactly() -> None:
    print(f"PITWIRE_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    x = instrument()
    for _ in range(500):
        px = rng.randrange(-(2**62), 2**62)
        assert x.px_from(x.price_of(px)) == px
        assert x.qty_from(x.qty_of(px)) == px
    assert x.price_of(12_345) == Decimal("1.2345")
    assert x.px_from("1.2345") == 12_345


@pytest.mark.parametrize("price", ["1.23456", "x", "NaN", "Infinity", Decimal(2) ** 70])
def test_inexact_prices_are_refused(price: str | Decimal) -> None:
    with pytest.raises(ValueError, match="X price"):
        instrument().px_from(price)


@pytest.mark.parametrize(
    ("px", "buy", "sell"),
    [
        (9_950.0, 9_900, 10_000),  # below the band's edge; up to it is allowed
        (9_900.0, 9_900, 9_900),
        (10_000.0, 10_000, 10_000),
        (10_001.0, 10_000, 10_500),
        (10_499.9, 10_000, 10_500),
        (123.4, 100, 200),
    ],
)
def test_we_are_never_worse_off_by_passive_rounding(px: float, buy: int, sell: int) -> None:
    x = instrument(tick_table=BANDS)
    assert x.round_to_passive_tick(Side.BUY, px) == buy
    assert x.round_to_passive_tick(Side.SELL, px) == sell
    assert x.round_to_aggressive_tick(Side.BUY, px) == sell
    assert x.round_to_aggressive_tick(Side.SELL, px) == buy


def test_rounding_is_the_nearest_allowed_price_on_its_side() -> None:
    print(f"PITWIRE_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    x = instrument(tick_table=BANDS)
    allowed = [*range(100, 10_000, 100), *range(10_000, 30_001, 500)]
    for _ in range(300):
        px = rng.uniform(100, 30_000)
        assert x.round_to_passive_tick(Side.BUY, px) == max(p for p in allowed if p <= px)
        assert x.round_to_passive_tick(Side.SELL, px) == min(p for p in allowed if p >= px)


@pytest.mark.parametrize("px", [math.nan, math.inf, -math.inf, 0.5, -3.0])
def test_no_price_comes_from_nonsense(px: float) -> None:
    with pytest.raises(ValueError, match="X: "):
        instrument().round_to_passive_tick(Side.BUY, px)


def test_prices_at_or_below_zero_are_an_instruments_choice() -> None:
    free = instrument(allows_nonpositive_price=True)
    assert free.round_to_passive_tick(Side.BUY, -2.5) == -3
    assert free.round_to_passive_tick(Side.SELL, -2.5) == -2


def test_a_takers_limit_is_beyond_the_touch() -> None:
    x = instrument(tick_table=BANDS)
    assert x.taking_px(Side.BUY, 12_000, 2) == 13_000
    assert x.taking_px(Side.SELL, 12_000, 2) == 11_000
    assert x.lot_value == pytest.approx(1e-7)


def test_money_is_exact_and_of_one_kind() -> None:
    cents = Money(12_345, "USD", 2)
    assert str(cents) == "123.45 USD"
    assert str(Money(-5, "USD", 2)) == "-0.05 USD"
    assert cents + Money(5, "USD", 2) == Money(12_350, "USD", 2)
    assert cents - Money(12_345, "USD", 2) == Money(0, "USD", 2)
    assert Money(10**30, "USD", 2).amount == Decimal(10) ** 28
    for other in (Money(1, "EUR", 2), Money(1, "USD", 4)):
        with pytest.raises(ValueError, match="cannot combine"):
            _ = cents + other


def test_cl_ord_ids_are_sixteen_hexadecimal_digits() -> None:
    order = make_cl_ord_id(0xABC, 7)
    assert cl_ord_id_text(order) == "00000ABC00000007"
    assert parse_cl_ord_id("00000ABC00000007") == order
    for text in (
        "",
        "0" * 16,
        "00000abc00000007",
        "00000ABC0000000",
        "00000ABC000000070",
        "+" * 16,
    ):
        assert parse_cl_ord_id(text) is None
    for start, counter in ((-1, 1), (1 << 32, 1), (1, 0), (1, 1 << 32)):
        with pytest.raises(ValueError, match="no ClOrdID"):
            make_cl_ord_id(start, counter)
    with pytest.raises(ValueError, match="not between"):
        cl_ord_id_text(0)


def test_sides_and_durations() -> None:
    assert (opposite(Side.BUY), opposite(Side.SELL)) == (Side.SELL, Side.BUY)
    assert (sign(Side.BUY), sign(Side.SELL)) == (1, -1)
    with pytest.raises(ValueError, match="NONE"):
        opposite(Side.NONE)
    assert ns_of(1.5) == 1_500_000_000


def test_signals_have_the_numbers_of_the_core() -> None:
    header = Path(__file__).parents[2] / "native/include/pitwire/market/signals.hpp"
    if not header.exists():
        pytest.skip("the market room is not in this tree")
    _, _, body = header.read_text().partition("enum class Signal")
    found = dict(re.findall(r"([A-Z_]+) = (\d+)", body.partition("};")[0]))
    found["OFI"] = found.pop("ORDER_FLOW")  # the C++ side spells it out
    assert {name: int(number) for name, number in found.items()} == {
        s.name: s.value for s in Signal
    }
