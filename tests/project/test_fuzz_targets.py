"""What reads bytes from outside in Python, fed with seeds and with seeded mutations of them.

The C++ targets are tests of their own (`ctest -R fuzz_`); with coverage all of them run in
`make check-deep`, by `python -m tools.fuzz`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tools.fuzz_python import SEEDS, TARGETS

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "native" / "fuzz" / "found"
MUTATIONS = int(os.environ.get("PITWIRE_RANDOM_EVENTS", "1500"))
LETTERS = b'\x00\xff{}[]",:=\n\\0123456789.-e'


def mutated(source: random.Random, inputs: list[bytes]) -> bytes:
    """One of the inputs with a few things changed."""
    data = bytearray(source.choice(inputs))
    for _ in range(source.randint(1, 4)):
        at = source.randint(0, len(data))
        other = source.choice(inputs)
        begin = source.randint(0, len(other))
        piece = other[begin : begin + source.randint(1, 40)]
        match source.randrange(4):
            case 0:
                data[at : at + 1] = bytes([source.choice(LETTERS)])
            case 1:
                data[at:at] = piece
            case 2:
                del data[at : at + source.randint(1, 40)]
            case _:
                data[at : at + len(piece)] = piece * source.randint(1, 3)
    return bytes(data)


def inputs_of(target: str) -> list[bytes]:
    """Its seeds, and what was found."""
    found = sorted((FOUND / target).glob("*")) if (FOUND / target).exists() else []
    return [*SEEDS[target]().values(), *(file.read_bytes() for file in found)]


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_raises(target: str) -> None:
    inputs = inputs_of(target)
    assert len(inputs) >= 2
    for data in inputs:
        TARGETS[target](data)
    seed = int(os.environ.get("PITWIRE_SEED", random.randrange(1 << 32)))
    print(f"PITWIRE_SEED={seed}")  # shown where the test fails
    source = random.Random(seed)
    for _ in range(MUTATIONS):
        data = mutated(source, inputs)
        try:
            TARGETS[target](data)
        except BaseException:
            print(f"input {data!r}")
            raise
