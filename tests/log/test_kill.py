"""A writer killed with SIGKILL: everything it had committed is there, and the log goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daemon import core
from daemon.log import LogReader, recover, spec_of
from tests.log import golden_log

# Appends for ever; says the sequence of every 50th frame, once it is committed.
WRITER = """
import sys
from daemon import core
log = core.LogWriter.recover(sys.argv[1], 16384)[0]
while True:
    log.append(16, log.last_ts_core + 1, b"", 1)
    sequence = log.append(55, log.last_ts_core + 1, bytes(24 + log.last_sequence % 90), 2)
    if sequence % 50 < 2:
        print(sequence, flush=True)
"""
SEED = 20260105


@pytest.mark.parametrize("attempt", range(4))
def test_nothing_committed_is_lost_by_a_kill(tmp_path: Path, attempt: int) -> None:
    lines = random.Random(SEED + attempt).randrange(1, 40)
    print(f"seed {SEED + attempt}")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert writer.stdout is not None
    said = [int(writer.stdout.readline()) for _ in range(lines)][-1]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()

    before = [frame.sequence for frame in LogReader(tmp_path)]
    assert before == list(range(1, len(before) + 1))
    assert before[-1] >= said
    report = recover(tmp_path)
    assert report.verdict in {"clean", "torn_cut"}
    assert report.last_sequence == before[-1]
    log, _ = core.LogWriter.recover(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    assert golden_log.append(log, spec_of("EPOCH"), log.last_ts_core) > before[-1]
    assert log.close()
    assert core.verify_log(str(tmp_path), lambda _: None)["faults"] == []
