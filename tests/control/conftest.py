"""The operating log goes to stderr in these tests, as in the daemon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog

from daemon.io.service import OperatingLog


@pytest.fixture(autouse=True)
def operating_log() -> Iterator[None]:
    OperatingLog("json", "error")
    yield
    structlog.reset_defaults()
