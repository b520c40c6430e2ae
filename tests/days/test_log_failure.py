"""A disk that is full: no new orders, what works is cancelled, the process ends with code 1."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.core import OrderState
from tests.days.day import Day, frames

DISK_MIB = 6
SETTINGS = {"log.segment_size_bytes": 1 << 20, "log.low_disk_bytes": 0}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_cancels_what_works_and_ends_the_daemon(
    tmp_path: Path, small_disk: Path
) -> None:
    with Day(tmp_path, settings={**SETTINGS, "log.folder": small_disk / "log"}) as day:
        day.log = small_disk / "log"
        day.daemon.leave_down()
        day.until("the daemon has ended", lambda: day.daemon.ended)
        assert day.daemon.exit_code == 1, day.errors
    assert "the log failed" in day.errors
    logged = frames(small_disk / "log", "ORDER_STATE")
    states = {each.fields()["order"]: each.fields()["to_state"] for each in logged}
    assert states, "nothing was traded before the disk was full"
    working = {"PENDING_NEW", "WORKING", "PARTIALLY_FILLED", "PENDING_CANCEL", "PENDING_REPLACE"}
    assert not working & {OrderState(each).name for each in states.values()}
