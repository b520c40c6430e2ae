"""The crash matrix: at every point of an order's life, the counterparty having got what was on its
way or not, the process killed or the host without power; started again, both sides are compared.

A life goes through its points one after the other, on one log, in an order of its own: what a crash
and its recovery leave is what the next one finds. In virtual time; the same seed, the same life.
"""

from __future__ import annotations

import gc
import logging
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
import structlog

from tests.crash.life import Life
from tests.crash.points import POINTS, Point

SEEDS = 50
SAMPLE = 8
# Where faults were found when the matrix was new.
ALWAYS = ("epoch logged", "order written", "partial fill applied", "gap filled")
# What ends the process; without power what has not left yet awaits the disk, or does not.
ENDED = ("killed", "power, awaited", "power, group")
MEMORY = Path("/dev/shm")
Cell = tuple[Point, bool]
CELLS: list[Cell] = [(point, got) for point in POINTS for got in (True, False)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory, where there is such a place: these tests are not about the disk.

    What thousands of starts have to tell is not told.
    """
    root = Path(mkdtemp(prefix="pitwire-", dir=MEMORY if MEMORY.is_dir() else None))
    usual = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    gc.freeze()  # each process collects when it is no more: not what was there before them all
    yield root
    gc.unfreeze()
    structlog.configure(**usual)
    shutil.rmtree(root)


def live(folder: Path, seed: int, ended: str, cells: list[Cell]) -> int:
    """One life through these points; whatever fails says where.

    How many orders of the venue's the log had lost, and an operator heard of.
    """
    life = Life(folder, seed, power=ended != "killed", awaited=ended == "power, awaited")
    try:
        for point, got in cells:
            where = f"seed {seed}, crash {life.crashes + 1}: {point.name}, got it: {got}"
            try:
                life.crash_at(point, got)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from error
        life.assert_replays()
        return life.lost
    finally:
        life.close()


def in_any_order(seed: int) -> list[Cell]:
    """Every cell of the matrix, as this seed shuffles them."""
    return random.Random(seed).sample(CELLS, len(CELLS))


@pytest.mark.parametrize("ended", ENDED)
def test_some_crashes_lose_and_double_nothing(folder: Path, ended: str) -> None:
    seed = 20260105 + ENDED.index(ended)
    cells = in_any_order(seed)
    always = [(point, got) for point, got in cells if point.name in ALWAYS]
    live(folder, seed, ended, always + cells[:SAMPLE])


def test_orders_that_a_power_failure_took_from_the_log_are_heard_of(folder: Path) -> None:
    """They left before the log had them on disk, and work: an operator hears of each."""
    written = next(point for point in POINTS if point.name == "order written")
    assert live(folder, 20260107, "power, group", [(written, True)] * 6) > 0


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("ended", ENDED)
def test_a_crash_at_any_point_loses_and_doubles_nothing(
    folder: Path, ended: str, seed: int
) -> None:
    live(folder, seed, ended, in_any_order(seed))


def test_the_matrix_has_its_points() -> None:
    assert len({point.name for point in POINTS}) == len(POINTS) >= 20
