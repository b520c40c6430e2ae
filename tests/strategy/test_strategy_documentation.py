"""The example in docs/strategies.md is a strategy that works."""

import re
from pathlib import Path

from daemon.strategy.loading import load_source
from daemon.strategy.testing import Simulation
from tests.strategy.recorders import X

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"


def test_the_documented_strategy_passes_the_documented_test() -> None:
    strategy, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    bidder = load_source("elsewhere.bidder:Bidder", strategy).strategy
    assert test.count("assert") == 2
    names = {"Simulation": Simulation, "instrument": X, "Bidder": bidder}
    exec(compile(test, str(PAGE), "exec"), names)
