"""The pressure taker: its kernel's values, and its triggers' ways."""

import math

import pytest

from daemon.core import KERNEL_NOT_FINITE
from daemon.model import Instrument
from daemon.strategy.testing import SECOND_NS, Simulation
from strategies.pressure import KERNEL, Pressure, pressure

X = Instrument.from_mapping(
    {"symbol": "X", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)


class Scene:
    """A started strategy; `lean` is a second with this imbalance at the touch."""

    def __init__(self, **changes: object) -> None:
        self.market = Simulation([X])
        parameters: dict[str, object] = {"symbol": "X", "qty": 3, "tau_s": 1.0, "enter": 0.5}
        self.strategy = self.market.start(Pressure, **(parameters | changes))
        self.lean(0.0)

    def lean(self, imbalance: float, seconds: float = 1.0) -> None:
        self.market.advance(int(seconds * SECOND_NS))
        self.market.set_signals("X", imbalance=imbalance)
        self.market.quote("X", 999, 50, 1001, 50)

    @property
    def value(self) -> float:
        return self.market.context.signals("X")[KERNEL]

    @property
    def net(self) -> int:
        return self.market.context.position("X").net_qty


def test_pressure_is_the_imbalance_averaged_by_time() -> None:
    scene = Scene()
    scene.lean(1.0)
    assert scene.value == pytest.approx(1 - math.exp(-1))
    scene.lean(1.0, seconds=0.0)
    assert scene.value == pytest.approx(1 - math.exp(-1)), "no time, no weight"
    scene.market.trade("X", 1001, 5)
    assert scene.value == pytest.approx(1 - math.exp(-1)), "a trade is no quote"


def test_it_goes_with_the_pressure_and_leaves_when_it_is_gone() -> None:
    scene = Scene()
    scene.lean(0.4)
    assert scene.net == 0
    scene.lean(1.0)
    assert scene.value > 0.5
    assert scene.net == 3
    scene.lean(-0.6)
    assert scene.value < 0
    assert scene.net == 0
    scene.lean(-1.0)
    assert scene.net == -3


def test_changed_parameters_reach_the_kernel_without_losing_its_state() -> None:
    scene = Scene()
    scene.lean(1.0)
    before = scene.value
    scene.market.change_parameters(tau_s=2.0)
    scene.lean(1.0)
    weight = math.exp(-0.5)
    assert scene.value == pytest.approx(weight * before + 1 - weight)


def test_a_disarmed_kernel_makes_it_flat() -> None:
    scene = Scene()
    scene.lean(1.0)
    assert scene.net == 3
    scene.lean(math.nan)
    assert math.isnan(scene.value)
    assert scene.net == 0
    (note,) = scene.market.context.notes
    assert str(KERNEL_NOT_FINITE) in note
    scene.lean(1.0)
    assert scene.net == 0, "its triggers are gone"


def test_a_restart_goes_on() -> None:
    scene = Scene()
    scene.lean(1.0)
    scene.market.restart()
    scene.lean(-1.0)
    assert scene.net == 0


def test_the_kernel_checks_its_parameters() -> None:
    assert pressure.name == "pressure"
    with pytest.raises(ValueError, match="expected 1 parameters, found 2"):
        pressure.check((1.0, 2.0))
    with pytest.raises(ValueError, match="finite"):
        pressure.check((math.inf,))
