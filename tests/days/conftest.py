"""One day that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from daemon.core import OrderFlag, Side
from daemon.io.kernels import Kernels
from daemon.strategy.loading import load
from tests.days.day import Day, frames

MOMENTUM: Final = 1  # its place in config/demo.toml


class Traded(msgspec.Struct, frozen=True):
    """A day that is over, and what was seen of it while it went on."""

    log: Path
    trades: Path
    exit_code: int
    threads: list[str]
    mapped: str
    errors: str


def bought(log: Path, strategy: int) -> bool:
    """This strategy asked to buy, and not to leave a position, whatever became of it."""
    asked = (frame.fields() for frame in frames(log, "ORDER_SUBMITTED", "ORDER_DENIED"))
    return any(
        each["strategy"] == strategy
        and each["side"] == Side.BUY
        and not each["flags"] & OrderFlag.REDUCE_ONLY
        for each in asked
    )


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """A day's deadlines are not for compiling: what the daemons load is in the cache."""
    Kernels().objects(load("strategies.pressure:Pressure"))


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    """A day with some dozen fills of every kind, ended by SIGTERM. Read only."""
    folder = tmp_path_factory.mktemp("day")
    with Day(folder) as day:
        day.until_ready()
        day.until("30 fills", lambda: day.status()["fills"] >= 30)
        # A slow machine sees less of the market: what tests change must have been decided in it.
        day.until("momentum has bought", lambda: bought(day.log, MOMENTUM))
        tasks = Path(f"/proc/{day.status()['pid']}/task")
        threads = sorted((task / "comm").read_text().strip() for task in tasks.iterdir())
        mapped = Path(f"/proc/{day.status()['pid']}/maps").read_text()
        code = day.stop()
    return Traded(day.log, day.trades, code, threads, mapped, day.errors)
