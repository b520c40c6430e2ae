"""What a process had logged of its code when it died."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from daemon.app.code import CutError, logged_code
from daemon.app.epoch import EpochStart, LoggedEpoch
from daemon.app.history import Part, code_of
from daemon.core import Live, LogWriter, SharedStatus
from daemon.log import LogReader

SPEC = "tests.app.trader:Trader"
SOURCE = (Path(__file__).parent / "trader.py").read_text()
ANNOUNCED = json.dumps({"sources": [{"strategy_class": SPEC, "sha256": ""}]})
START = EpochStart(1, 1, "", "", "", {}, "", [], msgspec.Raw(b"null"))


def epochs(folder: Path, whole: list[bool]) -> Part:
    """A log of processes that announced a strategy, and logged its text or died before."""
    folder.mkdir()
    log, _ = LogWriter.recover(str(folder), 1 << 20)
    live = Live(log, SharedStatus(str(folder.parent / "status.page")))
    for number, lived in enumerate(whole, 1):
        live.append_epoch(number, number, ANNOUNCED)
        if lived:
            live.append_source("", f"{SPEC}\0{SOURCE}")
    log.close()
    found = LogReader(folder, types=["EPOCH"], committed=True)
    return Part([LoggedEpoch(frame.sequence, START) for frame in found])


def test_a_process_that_died_behind_its_epoch_leaves_the_code_to_the_next(tmp_path: Path) -> None:
    part = epochs(tmp_path / "log", [False, True, False])
    assert code_of(tmp_path / "log", part).loaded[SPEC].source == SOURCE
    for epoch in (part.epochs[0], part.epochs[2]):
        with pytest.raises(CutError, match="died before it had logged its code"):
            logged_code(tmp_path / "log", epoch.sequence)


def test_code_that_nobody_lived_to_log_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CutError, match="died"):
        code_of(tmp_path / "log", epochs(tmp_path / "log", [False]))
