"""The page is one well-formed file that asks for nothing else and says what the metrics say."""

from __future__ import annotations

import re
from decimal import Decimal
from math import nan
from xml.etree import ElementTree

import pytest

from tests.backtest import market
from tools.backtest import Outcome, run_backtest
from tools.backtest.charts import Curve, Mark, chart
from tools.backtest.page import page_of

NS = 1_000_000_000


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("page")
    captures = [each.path for each in market.write_all(folder / "captures", 150).values()]
    return run_backtest(market.configuration(folder), captures, folder / "log & <more>")


@pytest.fixture(scope="module")
def page(outcome: Outcome) -> str:
    return page_of(outcome)


def tree_of(page: str) -> ElementTree.Element:
    """The document as XML, which is stricter than HTML: every element closed, all text escaped."""
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def table(tree: ElementTree.Element, *titles: str) -> list[list[str]]:
    """The rows of the table that begins with these titles."""
    for each in tree.iter("table"):
        if tuple("".join(cell.itertext()) for cell in each.iter("th"))[: len(titles)] == titles:
            return [[cell.text or "" for cell in row.iter("td")] for row in each.iter("tr")][1:]
    raise AssertionError(titles)


def test_it_is_well_formed_and_has_every_chart(page: str, outcome: Outcome) -> None:
    labels = [each.get("aria-label") for each in tree_of(page).iter("svg")]
    drawn = [label for label in labels if label is not None]
    assert drawn[:2] == ["equity over time", "drawdown over time"]
    for symbol in ("AAA", "BBB", "INV"):
        assert f"price of {symbol} with our fills" in drawn
        assert f"position in {symbol}" in drawn
    assert "log & <more>" in str(outcome.log)


def test_it_needs_no_network_and_no_script(page: str) -> None:
    assert re.findall(r"https?://|src=|href=|@import|url\(|<script|<link", page) == []


def test_it_is_readable_in_light_and_dark(page: str) -> None:
    assert "color-scheme:light dark" in page
    light, dark = (set(re.findall(r"(--[a-z0-9]+):", part)) for part in page.split("@media", 1))
    assert light == dark
    assert set(re.findall(r"var\((--[a-z0-9]+)\)", page)) <= light


def test_numbers_are_those_of_the_metrics(page: str, outcome: Outcome) -> None:
    tree, metrics = tree_of(page), outcome.metrics
    tiles = {
        (each.find("span").text or ""): each.find("b").text  # type: ignore[union-attr]  # or fail
        for each in tree.iter("div")
        if each.get("class") == "tile"
    }
    assert tiles["net, USDT"] == f"{round(metrics.total.net_in_currency, 4):+,f}"
    assert tiles["fills, passive"] == f"{metrics.total.fills}, {metrics.total.passive_fills}"
    money = table(tree, "strategy", "instrument", "in", "turnover")
    assert len(money) == len(metrics.rows)
    for cells, row in zip(money, metrics.rows, strict=True):
        assert cells[:3] == [row.strategy, row.symbol, row.currency]
        exact = [Decimal(cell.replace(",", "")) for cell in cells[3:8]]
        assert exact == [row.turnover, row.fees, row.realised, row.unrealised, row.net]


def test_every_fill_is_drawn_where_it_was(page: str, outcome: Outcome) -> None:
    drawn = [
        (each.get("class"), each.findtext("title"))
        for each in tree_of(page).iter("polygon")
        if each.find("title") is not None
    ]
    assert len(drawn) == outcome.metrics.total.fills > 0
    assert all(("BUY" in (said or "")) == (style == "buy") for style, said in drawn)


# ------------------------------------------------------------------ charts


def points(svg: str) -> list[tuple[float, float]]:
    """Of the line that was drawn."""
    path = next(each for each in ElementTree.fromstring(svg).iter("path"))
    found = re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", path.get("d", ""))
    return [(float(x), float(y)) for x, y in found]


def test_a_curve_of_too_many_points_keeps_its_peaks() -> None:
    count = 50_000
    values = [0.0] * count
    values[31_234], values[31_235] = 9.0, -7.0
    svg = chart("peaks", [each * NS for each in range(count)], [Curve("c", "c0", values)], unit="")
    drawn = [y for _, y in points(svg)]
    assert len(drawn) <= 1200
    zero = points(svg)[0][1]
    assert (zero - min(drawn)) / (max(drawn) - zero) == pytest.approx(9 / 7, rel=0.01)


def test_a_hole_is_not_drawn_over() -> None:
    times = [each * NS for each in range(5)]
    svg = chart("hole", times, [Curve("c", "c0", [1.0, 2.0, nan, 2.0, 1.0])], unit="")
    path = next(each for each in ElementTree.fromstring(svg).iter("path"))
    assert path.get("d", "").count("M") == 2


def test_buys_stand_below_their_price_and_sells_above() -> None:
    marks = [Mark(NS, 5.0, "buy", True, "b"), Mark(NS, 5.0, "sell", False, "s")]
    curve = Curve("c", "c0", [5.0, 5.0, 5.0])
    svg = chart("marks", [0, NS, 2 * NS], [curve], unit="", marks=marks)
    price = points(svg)[1][1]
    buy, sell = (
        [float(each.split(",")[1]) for each in mark.get("points", "").split()]
        for mark in ElementTree.fromstring(svg).iter("polygon")
    )
    assert min(buy) > price > max(sell)


@pytest.mark.parametrize("values", [[], [nan, nan]])
def test_nothing_to_draw_is_said(values: list[float]) -> None:
    svg = chart(
        "none", [each * NS for each in range(len(values))], [Curve("c", "", values)], unit=""
    )
    assert "nothing to draw" in svg
