"""What every room's tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
