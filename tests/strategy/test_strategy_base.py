"""Parameters are strict, state is declared, the random stream is one integer."""

from typing import Annotated, Any

import msgspec
import pytest

from daemon.strategy import (
    ArraySpec,
    ParameterError,
    Parameters,
    State,
    StateError,
    Strategy,
    decode_parameters,
)
from daemon.strategy.random_stream import SeededStream
from daemon.strategy.testing import Simulation
from tests.strategy.recorders import X


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    a: int = 1


class Knobs(Parameters, frozen=True, kw_only=True):
    symbol: str
    qty: Annotated[int, msgspec.Meta(ge=1)] = 1
    inner: Inner = Inner()


class Memory(State):
    count: int = 0
    last: str = ""


class Knobbed(Strategy[Knobs, Memory]):
    fixed_parameters = ("symbol",)
    array_specs = {"p": ArraySpec("f8", (2, 3)), "n": ArraySpec("i4", 2)}  # noqa: RUF012  # read only


class Derived(Knobbed):
    state_version = 2


def test_the_types_come_from_the_class_statement() -> None:
    assert (Knobbed.Parameters, Knobbed.State) == (Knobs, Memory)
    assert (Derived.Parameters, Derived.State) == (Knobs, Memory)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "symbol: required parameter"),
        ({"symbol": 1}, "symbol: Expected `str`, got `int`"),
        ({"symbol": "X", "qty": 0}, "qty: Expected `int` >= 1"),
        ({"symbol": "X", "colour": 1}, "colour: unknown parameter"),
        ({"symbol": "X", "inner": {"b": 1}}, "inner.b: unknown parameter"),
        ({"symbol": "X", "inner": {"a": "1"}}, "inner.a: Expected `int`, got `str`"),
    ],
)
def test_bad_parameters_name_key_and_reason(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        decode_parameters(Knobs, values)
    assert str(caught.value) == text


@pytest.mark.parametrize("changes", [{"qty": 0}, {"symbol": "Y"}, {"no": 1}])
def test_a_refused_change_leaves_the_parameters_as_they_were(changes: dict[str, Any]) -> None:
    market = Simulation([X])
    strategy = market.start(Knobbed, symbol="X", qty=3)
    before = strategy.parameters
    with pytest.raises(ParameterError):
        market.change_parameters(**changes)
    assert strategy.parameters is before
    market.change_parameters(qty=4)
    assert strategy.parameters == Knobs(symbol="X", qty=4)


def _strategy(kind: type[Knobbed] = Knobbed) -> Knobbed:
    return Simulation([X]).start(kind, symbol="X")


def test_state_and_arrays_round_trip_and_equal_states_give_equal_bytes() -> None:
    first, second = _strategy(), _strategy()
    first.state.count = 7
    first.arrays["p"][1, 2] = 0.1
    assert first.checkpoint() != second.checkpoint()
    second.restore(first.checkpoint())
    assert second.state == Memory(7)
    assert second.arrays["p"][1, 2] == 0.1
    assert second.checkpoint() == first.checkpoint()
    second.arrays["p"][0, 0] = 1.0  # a copy, and writable
    assert first.arrays["p"][0, 0] == 0.0


class Other(Strategy[Knobs, Memory]):
    array_specs = {"p": ArraySpec("f8", (3, 2)), "n": ArraySpec("i4", 2)}  # noqa: RUF012  # read only


class Fewer(Strategy[Knobs, Memory]):
    array_specs = {"n": ArraySpec("i4", 2)}  # noqa: RUF012  # read only


class Renamed(State):
    count: str = ""


class Retyped(Strategy[Knobs, Renamed]):
    array_specs = Knobbed.array_specs


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Derived, "state version: expected 2, found 1"),
        (Other, r"array p: expected <f8 \(3, 2\), found <f8 \(2, 3\)"),
        (Fewer, "arrays: expected"),
        (Retyped, "state of Renamed"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    kind: type[Strategy[Any, Any]], reason: str
) -> None:
    strategy = Simulation([X]).start(kind, symbol="X")
    with pytest.raises(StateError, match=reason):
        strategy.restore(_strategy().checkpoint())


@pytest.mark.parametrize("cut", [0, 1, 10, 40])
def test_a_damaged_checkpoint_is_refused(cut: int) -> None:
    with pytest.raises(StateError):
        _strategy().restore(_strategy().checkpoint()[:cut])


def test_the_random_stream_is_splitmix64() -> None:
    # Reference outputs of the published algorithm for seed 1234567.
    stream = SeededStream(1234567)
    assert [stream.next_u64() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_the_random_stream_continues_from_its_state() -> None:
    stream = SeededStream(9)
    stream.gauss(0.0, 1.0)
    again = SeededStream(stream.state)
    assert [stream.random(), stream.uniform(2, 3), stream.randrange(10)] == [
        again.random(),
        again.uniform(2, 3),
        again.randrange(10),
    ]


def test_the_random_stream_has_the_moments_it_should() -> None:
    stream = SeededStream(4)
    normal = [stream.gauss(1.0, 2.0) for _ in range(4000)]
    mean = sum(normal) / 4000
    variance = sum((x - mean) ** 2 for x in normal) / 4000
    assert abs(mean - 1.0) < 4 * 2 / 4000**0.5
    assert abs(variance - 4.0) < 4 * 4 * (2 / 4000) ** 0.5
    draws = [stream.randrange(7) for _ in range(7000)]
    assert {draws.count(k) // 100 for k in range(7)} <= {8, 9, 10, 11}
    with pytest.raises(ValueError, match="stop"):
        stream.randrange(0)
