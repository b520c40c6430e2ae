"""A day's log: run again it is identical, and what was changed in it or in the code is found."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from daemon.app.code import Code, logged_code
from daemon.app.epoch import epochs_of
from daemon.app.replaying import ReplayRun, configuration_of
from daemon.log import LogReader
from daemon.model import OrderFlag, Side
from tests.days import books
from tests.days.conftest import Traded
from tests.days.day import ROOT, frames, pitwire

SEED = 20260105
CHANGED_CLASS = "strategies.momentum:Momentum"


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_a_log_replays_identically_whatever_the_hash_seed(traded: Traded, hash_seed: str) -> None:
    result = pitwire("replay", str(traded.log), PYTHONHASHSEED=hash_seed)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "identical: " in result.stdout


@pytest.mark.deep
def test_a_log_replays_identically_twenty_times(traded: Traded) -> None:
    for hash_seed in range(20):
        result = pitwire("replay", str(traded.log), PYTHONHASHSEED=str(hash_seed))
        assert result.returncode == 0, f"hash seed {hash_seed}: {result.stdout}{result.stderr}"
        assert "identical: " in result.stdout


def test_every_output_of_the_log_is_compared(traded: Traded) -> None:
    _, outcome = books.replayed(traded.log)
    assert outcome.identical
    outputs = sum(frame.frame_class == 2 for frame in LogReader(traded.log, committed=True))
    assert outcome.outputs == outputs > 1000


def test_until_compares_up_to_the_sequence_that_it_names(traded: Traded) -> None:
    """Also where that is in the middle of a turn, of which the rest is left out."""
    fills = frames(traded.log, "FILL")
    middle = fills[len(fills) // 2].sequence
    result = pitwire("replay", str(traded.log), "--until", str(middle))
    assert result.returncode == 0, result.stdout + result.stderr
    outcome = books.replayed(traded.log, middle)[1]
    assert outcome.identical
    assert outcome.sequence == middle
    before = [each for each in LogReader(traded.log, committed=True) if each.sequence <= middle]
    assert outcome.outputs == sum(frame.frame_class == 2 for frame in before)


def test_until_gives_the_accounts_of_that_moment(traded: Traded) -> None:
    ends = frames(traded.log, "TURN_END")
    middle = ends[len(ends) // 2].sequence
    run, outcome = books.replayed(traded.log, middle)
    assert outcome.identical
    core = run.wiring.core
    ids = [number for number, _ in run.wiring.instruments.values()]
    fees = [core.position(each, n).fees for each in range(len(run.wiring.hosts)) for n in ids]
    booked = [each.fields() for each in frames(traded.log, "FILL") if each.sequence <= middle]
    assert len(booked) > 0
    assert sum(fees) == sum(fields["fee"] for fields in booked)


def test_a_changed_byte_is_found_by_verify_and_by_replay(traded: Traded, tmp_path: Path) -> None:
    assert pitwire("log", "verify", str(traded.log)).returncode == 0
    print(f"seed {SEED}")
    places = random.Random(SEED)
    whole = (traded.log / "00000000.seg").stat().st_size
    for attempt in range(3):
        copy = tmp_path / str(attempt)
        shutil.copytree(traded.log, copy)
        # Behind the header and before the end, where every byte is part of a frame.
        offset = places.randrange(whole // 10, whole * 9 // 10)
        segment = copy / "00000000.seg"
        content = bytearray(segment.read_bytes())
        content[offset] ^= 1 << places.randrange(8)
        segment.write_bytes(content)
        _found(copy, offset)


def _found(log: Path, offset: int) -> None:
    verified = pitwire("log", "verify", str(log))
    assert verified.returncode == 1, verified.stdout
    assert _near(verified.stdout, offset), f"offset {offset}: {verified.stdout}"
    again = pitwire("replay", str(log))
    assert again.returncode == 1, f"offset {offset}: {again.stdout}{again.stderr}"
    assert _near(again.stdout, offset), f"offset {offset}: {again.stdout}{again.stderr}"


def _near(text: str, offset: int) -> bool:
    """Whether a message names the segment and the place, to the frame or block it is in."""
    found = [int(each) for each in re.findall(r"00000000\.seg\D+offset (\d+)", text)]
    return any(offset - (1 << 16) <= each <= offset for each in found)


# ------------------------------------------------------------------ other code


def _changed_code(log: Path) -> Code:
    """The logged strategies, momentum with an entry that takes the other side."""
    code = logged_code(log, epochs_of(log)[0].sequence)
    text = code.loaded[CHANGED_CLASS].source
    old, new = "        return Side.BUY\n", "        return Side.SELL\n"
    assert text.count(old) == 1
    return code.with_source(CHANGED_CLASS, text.replace(old, new))


def test_a_changed_strategy_diverges_at_its_first_other_order(traded: Traded) -> None:
    configuration = configuration_of(epochs_of(traded.log)[0].start)
    outcome = ReplayRun(traded.log, configuration, _changed_code(traded.log)).finish()
    assert outcome.divergence is not None
    number = [each.name for each in configuration.strategy].index("momentum")
    first = next(
        frame.sequence
        for frame in frames(traded.log, "ORDER_SUBMITTED", "ORDER_DENIED")
        if (asked := frame.fields())["strategy"] == number
        and asked["side"] == Side.BUY
        and not asked["flags"] & OrderFlag.REDUCE_ONLY  # that would be an exit, as it was
    )
    assert outcome.sequence == first


def test_current_code_diverges_where_the_file_changed_and_logged_code_does_not(
    traded: Traded, tmp_path: Path
) -> None:
    """The command over a checkout whose strategy file has one line changed."""
    shutil.copytree(ROOT / "strategies", tmp_path / "strategies")
    file = tmp_path / "strategies" / "momentum.py"
    file.write_text(_changed_code(traded.log).loaded[CHANGED_CLASS].source)
    # Links, but for the strategies: `python -m` puts its working folder first.
    for name in ("daemon", "tools", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    current = pitwire("replay", str(traded.log), "--code", "current", folder=tmp_path)
    assert current.returncode == 1, current.stdout + current.stderr
    assert "source strategies.momentum:Momentum: not as logged" in current.stdout
    assert re.search(r"differs at sequence \d+", current.stdout)
    logged = pitwire("replay", str(traded.log), "--code", "logged", folder=tmp_path)
    assert logged.returncode == 0, logged.stdout + logged.stderr
    assert "identical: " in logged.stdout
