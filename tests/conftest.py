"""What every room's tests share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _no_operating_log_of_before() -> Iterator[None]:
    """A command run in this process sets one up, on an output that ends with its test."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def test_data() -> Callable[[str], Path]:
    """Real data by its path below the data folder; the test is skipped where it is absent."""
    folder = Path(os.environ.get("PITWIRE_TEST_DATA", ROOT.parent / "shared" / "data"))

    def find(relative: str) -> Path:
        path = folder / relative
        if not path.exists():
            pytest.skip(f"no test data at {path}; set PITWIRE_TEST_DATA")
        return path

    return find
