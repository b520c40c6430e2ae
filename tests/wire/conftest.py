"""A runtime folder as systemd would make it: short enough for a socket's name, ours alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pitwire-"))
    yield folder
    shutil.rmtree(folder)
