"""Checkpoints of a day: what is restored goes on exactly as what was saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.app.checkpoints import (
    Checkpoint,
    CheckpointError,
    checkpoint_files,
    encode,
    identity_of,
    read_checkpoint,
)
from daemon.app.code import logged_code
from daemon.app.epoch import epochs_of
from daemon.app.replaying import ReplayRun, configuration_of
from daemon.model import StrategyStatus
from tests.days import books
from tests.days.conftest import Traded
from tests.days.day import Day, frames, pitwire

PLACES = 4
OFTEN = {"checkpoint.every_records": 500, "checkpoint.every_seconds": 3600, "checkpoint.keep": 2}


def _checkpoint_at(log: Path, ends: list[int], folder: Path) -> Checkpoint:
    """Made by a replay up to the first of these ends of turns where nothing is left over."""
    for sequence in ends:
        run, outcome = books.replayed(log, sequence)
        assert outcome.identical
        if run.wiring.core.settled:
            break
    assert run.wiring.core.settled
    assert {host.status for host in run.wiring.hosts} == {StrategyStatus.RUNNING}
    identity = identity_of(log, epochs_of(log)[0].start)
    path = folder / f"{sequence:08d}.ckpt"
    path.write_bytes(encode(identity, sequence, outcome.turns, run.wiring.save()))
    return read_checkpoint(path)


def test_every_strategy_restored_in_the_middle_goes_on_identically(
    traded: Traded, tmp_path: Path
) -> None:
    """To the end of the day: every output compared, and all of the state equal in the end."""
    log = traded.log
    whole, _ = books.replayed(log)
    first = epochs_of(log)[0]
    configuration, code = configuration_of(first.start), logged_code(log, first.sequence)
    running = [
        frame.sequence for frame in frames(log, "STRATEGY_STATE") if frame.fields()["status"] == 1
    ]
    stopping = frames(log, "OPERATOR")[-1].sequence
    ends = [f.sequence for f in frames(log, "TURN_END") if running[-1] < f.sequence < stopping]
    for part in range(1, PLACES + 1):
        at = len(ends) * part // (PLACES + 1)
        checkpoint = _checkpoint_at(log, ends[at : at + 50], tmp_path)
        middle = checkpoint.covered_sequence
        run = ReplayRun(log, configuration, code, checkpoint=checkpoint)
        assert run.wiring.save() == checkpoint.body, f"restored at {middle}, saved again"
        outcome = run.finish()
        assert outcome.identical, f"from {middle}: {outcome}"
        behind = [f for f in frames(log) if f.sequence > middle and f.frame_class == 2]
        assert outcome.outputs == len(behind) > 100
        assert run.wiring.save() == whole.wiring.save()


def test_a_damaged_byte_anywhere_is_found(traded: Traded, tmp_path: Path) -> None:
    end = frames(traded.log, "TURN_END")[-1].sequence
    run, outcome = books.replayed(traded.log, end)
    identity = identity_of(traded.log, epochs_of(traded.log)[0].start)
    content = encode(identity, end, outcome.turns, run.wiring.save())
    path = tmp_path / "0.ckpt"
    for offset in (0, 8, 12, 16, 24, 32, 40, 71, 72, 200, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[offset] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(CheckpointError):
            read_checkpoint(path)
    for size in (0, 39, 71, 72, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)
    path.write_bytes(content)
    assert read_checkpoint(path).covered_sequence == end


def test_a_stop_leaves_a_checkpoint_and_replay_begins_with_it(traded: Traded) -> None:
    newest = checkpoint_files(traded.log)[0]
    checkpoint = read_checkpoint(newest)
    logged = frames(traded.log, "CHECKPOINT")[-1]
    assert logged.fields()["covered_sequence"] == checkpoint.covered_sequence
    assert logged.fields()["size_bytes"] == newest.stat().st_size
    assert logged.tail.rstrip(b"\0").decode() == newest.name
    assert int((traded.log / "pins" / "checkpoint").read_text()) >= 0
    result = pitwire("replay", str(traded.log), "--from-checkpoint")
    assert result.returncode == 0, result.stdout + result.stderr
    assert newest.name in result.stdout
    assert "identical: " in result.stdout


def test_a_kill_is_recovered_from_the_newest_whole_checkpoint(tmp_path: Path) -> None:
    """Twice: with the newest one whole, and with it damaged, where the older one serves."""
    with Day(tmp_path, settings=OFTEN) as day:
        day.until_ready()
        day.until(
            "2 checkpoints", lambda: len(checkpoint_files(day.log)) == OFTEN["checkpoint.keep"]
        )
        day.until_trading(3)
        day.kill()
        day.until_ready(2)
        day.until_trading(3)
        assert day.stop() == 0, day.errors
        newest, older = checkpoint_files(day.log)
        content = bytearray(newest.read_bytes())
        content[-1] ^= 1
        newest.write_bytes(content)
        day.start()
        day.until_ready(3)
        day.until_trading(3)
        assert day.stop() == 0, day.errors
    recovered = [
        line for line in day.errors.splitlines() if "recovered" in line and ".ckpt" in line
    ]
    assert len(recovered) == 2, day.errors
    assert older.name in recovered[1]
    passed = [line for line in day.errors.splitlines() if "passed over" in line]
    assert [newest.name in line and "SHA-256" in line for line in passed] == [True]
    books.assert_books_equal(day.log, day.trades)
    for words in ((), ("--from-checkpoint",)):
        result = pitwire("replay", str(day.log), *words)
        assert result.returncode == 0, result.stdout + result.stderr


def test_a_restart_leaves_a_checkpoint_however_seldom_they_are(tmp_path: Path) -> None:
    """So that a process which is killed again and again does not replay more each time."""
    seldom = {"checkpoint.every_records": 1_000_000_000, "checkpoint.every_seconds": 86_400}
    with Day(tmp_path, settings=seldom) as day:
        day.until_trading(1)
        assert checkpoint_files(day.log) == []
        day.kill()
        day.until_ready(2)
        day.until("a checkpoint", lambda: bool(checkpoint_files(day.log)))
        (first,) = checkpoint_files(day.log)
        day.kill()
        day.until_ready(3)
        assert day.stop() == 0, day.errors
    recovered = [line for line in day.errors.splitlines() if '"event": "recovered"' in line]
    assert [first.name in line for line in recovered] == [False, True]
