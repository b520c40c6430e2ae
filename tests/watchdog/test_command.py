"""`pitwire watchdog` where it cannot do what it is for: it says so and ends with 2."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tools.command import main

TABLE = {"watchdog": "tools.watchdog"}
CONFIG = Path(__file__).parents[2] / "config" / "demo.toml"


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *more: str) -> str:
    """What it says."""
    words = ["watchdog", "-c", str(CONFIG), "--set", f"daemon.runtime_dir={folder}"]
    assert main([*words, *more], TABLE) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_session_that_nothing_covers_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, tmp_path, "--set", "watchdog.session=[]")
    assert line.endswith("demo.toml: watchdog.session: nothing cancels the orders of broker")


def test_a_second_watchdog_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = os.open(tmp_path / "watchdog.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert refused(capsys, tmp_path).endswith(f"{tmp_path}: another watchdog runs here")
    os.close(held)


def test_a_credential_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "watchdog.session.watchdog.password=env:PITWIRE_NO_SUCH_SECRET"
    line = refused(capsys, tmp_path, "--set", secret)
    assert line.endswith("env:PITWIRE_NO_SUCH_SECRET: the variable is not set")
