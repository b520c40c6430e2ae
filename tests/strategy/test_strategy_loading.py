"""A strategy is one file, known by the hash of its text, loadable from a log."""

import hashlib
from pathlib import Path

import pytest

from daemon.strategy import ParameterError
from daemon.strategy.loading import LoadingError, load, load_source
from daemon.strategy.testing import Simulation
from tests.strategy.recorders import X

SPEC = "strategies.market_maker:MarketMaker"
TEXT = """
from __future__ import annotations
from daemon.strategy import Parameters, State, Strategy

class P(Parameters, frozen=True):
    n: Small = 1

Small = int

class S(State):
    k: Small = 0

class Mine(Strategy[P, S]):
    def on_start(self) -> None:
        self.state.k = self.parameters.n * FACTOR
FACTOR = 2
"""


def test_a_strategy_comes_with_its_text_and_hash() -> None:
    loaded = load(SPEC)
    path = Path(__file__).parents[2] / "strategies" / "market_maker.py"
    assert loaded.source == path.read_text()
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).digest()
    assert loaded.strategy.__name__ == "MarketMaker"
    context = Simulation([X]).context
    made = loaded.make(context, {"symbol": "X", "qty": 2})
    assert made.parameters.qty == 2
    with pytest.raises(ParameterError, match="gamma: Expected `float` > 0"):
        loaded.make(context, {"symbol": "X", "gamma": 0.0})


def test_two_versions_of_a_text_live_side_by_side() -> None:
    old = load_source("elsewhere.mine:Mine", TEXT)
    new = load_source("elsewhere.mine:Mine", TEXT.replace("FACTOR = 2", "FACTOR = 3"))
    assert old.sha256 != new.sha256
    context = Simulation([X]).context
    counts = []
    for loaded in (old, new, old):
        made = loaded.make(context, {"n": 5})
        made.on_start()
        counts.append(made.state.k)
    assert counts == [10, 15, 10]


def test_types_named_in_text_are_resolved_after_loading_too() -> None:
    loaded = load_source("elsewhere.mine:Mine", TEXT)
    made = loaded.make(Simulation([X]).context, {})
    made.state.k = 4
    made.restore(made.checkpoint())
    assert made.state.k == 4


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("strategies.market_maker", "expected module:Class"),
        ("strategies market:X", "expected module:Class"),
        (":X", "expected module:Class"),
        ("strategies.nowhere:X", "no Python source"),
        ("nowhere.at.all:X", "nowhere"),
        ("strategies.market_maker:Nobody", "no Strategy named Nobody"),
        ("strategies.market_maker:Quoting", "no Strategy named Quoting"),
    ],
)
def test_what_cannot_be_loaded_says_why(spec: str, reason: str) -> None:
    with pytest.raises(LoadingError, match=reason):
        load(spec)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def", "invalid syntax"),
        ("x = 1\x00", "null"),
        ("1 / 0", "ZeroDivisionError"),
        ("import strategies.momentum", "one file"),
        ("from strategies import momentum", "one file"),
        ("from . import momentum", "one file"),
        ("from .momentum import Momentum", "one file"),
    ],
)
def test_bad_texts_are_refused(text: str, reason: str) -> None:
    with pytest.raises(LoadingError, match=reason):
        load_source("strategies.bad:Bad", text)


@pytest.mark.parametrize(
    "spec", [SPEC, "strategies.momentum:Momentum", "strategies.ou_pair:OuPair"]
)
def test_our_strategies_load_from_their_text(spec: str) -> None:
    first = load(spec)
    assert load_source(spec, first.source).sha256 == first.sha256
    assert len(first.source.splitlines()) <= 150
