"""[log] settings of a running daemon: what it does when segments roll and when the disk is low."""

from __future__ import annotations

from pathlib import Path

from daemon.app.checkpoints import checkpoint_files
from daemon.log import LogReader
from tests.days.day import Day, frames, pitwire

STRUCTURE = 0
SMALL_SEGMENTS = {"log.segment_size_bytes": 1 << 18}
EVERY_DISK_IS_LOW = {"log.low_disk_bytes": 1 << 60}


def test_each_segment_begins_with_the_definitions(tmp_path: Path) -> None:
    with Day(tmp_path, settings=SMALL_SEGMENTS) as day:
        day.until_ready()
        # The next one is always prepared: the fourth file is there when the third is begun.
        day.until("3 segments", lambda: (day.log / "00000003.seg").exists())
        assert day.stop() == 0, day.errors
    said = [
        (frame.frame_class, frame.fields()["id"], frame.fields()["kind"], frame.tail)
        for frame in frames(day.log, "DEFINITION")
    ]
    at_start = [each[1:] for each in said if each[0] != STRUCTURE]
    repeated = [each[1:] for each in said if each[0] == STRUCTURE]
    segments = len(frames(day.log, "SEGMENT_END"))
    assert segments >= 2
    assert repeated == at_start * segments
    result = pitwire("replay", str(day.log))
    assert result.returncode == 0, result.stdout + result.stderr


def test_retention_removes_segments_below_the_oldest_checkpoint_and_epoch(tmp_path: Path) -> None:
    """And a kill is then recovered from what is left."""
    settings = {
        **SMALL_SEGMENTS,
        "log.retain_bytes": 1 << 18,
        "checkpoint.every_records": 500,
        "checkpoint.keep": 1,
    }
    with Day(tmp_path, settings=settings) as day:
        day.until_ready()
        day.until("2 segments", lambda: (day.log / "00000002.seg").exists())
        day.until("a checkpoint", lambda: checkpoint_files(day.log))
        assert day.stop() == 0, day.errors
        assert (day.log / "00000000.seg").exists()  # this process's EPOCH stands there
        day.start()
        day.until_ready(2)
        day.until("the first is gone", lambda: not (day.log / "00000000.seg").exists())
        day.kill()
        day.until_ready(3)
        day.until_trading(3)
        assert day.stop() == 0, day.errors
    oldest = next(iter(LogReader(day.log, committed=True)))
    assert oldest.sequence > 1
    result = pitwire("replay", str(day.log), "--from-checkpoint")
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_low_disk_halts_once(tmp_path: Path) -> None:
    with Day(tmp_path, settings=EVERY_DISK_IS_LOW) as day:
        day.until("halted", lambda: day.status()["risk_state"] == "HALTED")
        assert not day.status()["armed"]
        assert day.stop() == 0, day.errors
    commands = [frame.tail for frame in frames(day.log, "OPERATOR")]
    halts = [each for each in commands if b'"disk is low"' in each]
    assert len(halts) == 1
    assert b'"user":"daemon"' in halts[0]
    assert frames(day.log, "ORDER_SUBMITTED") == []
