"""A peer's program for tests: what a real one does, at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.bench.peers.protocol import Lap, Measure, samples, serve, value


def _counting(_path: str) -> Lap:
    print("a peer's own words, which are none of ours")
    count = 0

    def lap() -> dict[str, float]:
        nonlocal count
        count += 1
        return value(float(count * 10))

    return lap


@contextmanager
def _sampled(_path: str) -> Iterator[Lap]:
    yield lambda: samples([float(number) for number in range(1, 101)])
    print("released", file=sys.stderr)


def _failing(_path: str) -> Lap:
    def lap() -> dict[str, float]:
        raise RuntimeError("the book ends with another touch")

    return lap


def _missing(_path: str) -> Lap:
    raise ModuleNotFoundError("No module named 'peer'")


def _dying(_path: str) -> Lap:
    def lap() -> dict[str, float]:
        sys.stderr.write("double free\n")
        sys.stderr.flush()
        raise SystemExit(3)

    return lap


def _echoing(path: str) -> Lap:
    number = float(Path(path).read_text())
    return lambda: value(number)


MEASURES = {
    "counting": Measure("ns", _counting),
    "sampled": Measure("us", _sampled),
    "failing": Measure("ns", _failing),
    "missing": Measure("ns", _missing),
    "dying": Measure("ns", _dying),
    "echoing": Measure("ns", _echoing),
}

if __name__ == "__main__":
    raise SystemExit(serve("msgspec", MEASURES))
