"""Orders under random faults of network and process; our books equal the exchange's at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.days.soak import soak

SEED = 20261121


def test_a_soak_of_seconds(tmp_path: Path) -> None:
    _soak(tmp_path, 20, SEED)


@pytest.mark.deep
def test_a_soak_of_half_an_hour(tmp_path: Path) -> None:
    _soak(tmp_path, 30 * 60, SEED + 1)


def _soak(folder: Path, seconds: float, seed: int) -> None:
    print(f"again: python -m tests.days.soak --minutes {seconds / 60:g} --seed {seed}")
    soaked = soak(folder, seconds, seed)
    print(soaked.table())
    assert soaked.executions > 0
    assert soaked.kills + soaked.orderly > 0
