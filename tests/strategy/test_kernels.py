"""Kernels and triggers as authors' tests have them; compiled ones are tested in tests/io."""

import math

import pytest

from daemon.core import KERNEL_NOT_FINITE, KERNEL_RAISED
from daemon.messages import NativeTrigger
from daemon.model import Comparison, Signal
from daemon.strategy import Doubles, KernelUpdate, kernel
from daemon.strategy.kernels import KERNEL_INPUT, InterpretedKernel, kernel_input
from daemon.strategy.testing_kernels import Crossing

SECOND_NS = 1_000_000_000
NAN = math.nan


@kernel(state=1)
def moody(update: KernelUpdate, parameters: Doubles, state: Doubles, out: Doubles) -> int:
    """Elapsed time, or trouble by bid quantity."""
    assert len(parameters) == 0
    out[0] = update.dt_ns
    if update.bid_qty == 1:
        out[0] = 1.0 / state[0]
    if update.bid_qty == 2:
        state[1] = 1.0
    return int(update.bid_qty == 3) * 4


@pytest.mark.parametrize(
    ("comparison", "values", "cooldown_s", "expected"),
    [
        (Comparison.ABOVE, [11, 12, 10, 11, NAN, 11], 0, [0, 3, 5]),
        (Comparison.BELOW, [9, 8, 10, 9, 11, 9], 0, [0, 3, 5]),
        (Comparison.CROSSES, [11, 12, 9, 8, 11], 0, [2, 4]),
        (Comparison.CROSSES, [9, 10, 9, 10, 11], 0, [4]),
        (Comparison.CROSSES, [NAN, 9, NAN, 11, NAN, 11], 0, [3]),
        (Comparison.CROSSES, [9, 11, 9, 11, 9, 11], 2, [1, 3, 5]),
    ],
)
def test_a_trigger_fires_where_the_cores_does(
    comparison: Comparison, values: list[float], cooldown_s: int, expected: list[int]
) -> None:
    """The table of native/tests/engine/native_rules_test.cpp."""
    crossing = Crossing(
        NativeTrigger(
            name="t",
            symbol="X",
            signal=Signal.MID,
            comparison=comparison,
            threshold=10.0,
            cooldown_ns=cooldown_s * SECOND_NS,
        )
    )
    fired = [i for i, value in enumerate(values) if crossing.fires(value, (i + 1) * SECOND_NS)]
    assert fired == expected


def test_a_kernel_is_told_the_time_since_its_last_update() -> None:
    running = InterpretedKernel(moody, ())
    for ts_core, expected in ((1000, 0.0), (1250, 250.0)):
        assert running.update(kernel_input(ts_core=ts_core))
        assert running.value == expected


@pytest.mark.parametrize(
    ("bid_qty", "status"), [(1, KERNEL_NOT_FINITE), (2, KERNEL_RAISED), (3, 4)]
)
def test_a_bad_answer_disarms_it(bid_qty: int, status: int) -> None:
    running = InterpretedKernel(moody, ())
    assert not running.update(kernel_input(bid_qty=bid_qty))
    assert (running.armed, running.status) == (False, status)
    assert math.isnan(running.value)
    assert running.update(kernel_input()), "not called again"
    assert math.isnan(running.value)


@pytest.mark.parametrize("sizes", [{"state": 4097}, {"parameters": 4097}, {"state": -1}])
def test_its_sizes_are_limited(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must be in \[0, 4096\]"):
        kernel(**sizes)


def test_its_input_has_a_name_for_every_eight_bytes() -> None:
    assert KERNEL_INPUT.itemsize == 8 * len(KERNEL_INPUT.names or ())
    assert set(KERNEL_INPUT.names or ()) == set(KernelUpdate.__annotations__)
