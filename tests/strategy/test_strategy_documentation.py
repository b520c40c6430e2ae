"""The examples in docs/strategies.md are strategies that work."""

import re
from pathlib import Path

from daemon.model import OrderState
from daemon.strategy.loading import load_source
from daemon.strategy.testing import Simulation
from tests.strategy.recorders import X

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"
BIDDER, ONCE, TEST = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_documented_strategy_passes_the_documented_test() -> None:
    bidder = load_source("elsewhere.bidder:Bidder", BIDDER).strategy
    assert TEST.count("assert") == 2
    names = {"Simulation": Simulation, "instrument": X, "Bidder": bidder}
    exec(compile(TEST, str(PAGE), "exec"), names)


def test_the_documented_bracket_leaves_by_its_stop() -> None:
    market = Simulation([X])
    market.start(load_source("elsewhere.once:Once", ONCE).strategy, symbol="X")
    market.quote("X", 999, 50, 1000, 50)
    market.trade("X", 1000, 1)
    assert market.context.position("X").net_qty == 10
    target, stop = market.context.working("X")
    assert (target.price, stop.stop_px, stop.state) == (1005, 995, OrderState.HELD)
    market.quote("X", 994, 50, 996, 50)
    market.trade("X", 995, 1)
    assert market.context.position("X").net_qty == 0
    assert market.context.working("X") == ()
    assert market.context.notes == ["out"]
