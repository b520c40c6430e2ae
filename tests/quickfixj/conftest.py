"""The peers, built once; without Java, Maven or Maven Central these tests are skipped."""

from __future__ import annotations

import pytest

from tools import quickfixj


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    try:
        quickfixj.build()
    except quickfixj.UnavailableError as reason:
        pytest.skip(f"QuickFIX/J: {reason}")
