"""Golden logs of every released format read back as stated when they were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from daemon import core
from daemon.log import LogReader
from daemon.log.schema import spec_of
from tests.log import golden_log

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = sorted(path.name.removesuffix(".json") for path in GOLDEN.glob("*.json"))
NEWEST = VERSIONS[-1]


def stated(version: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GOLDEN / f"{version}.json").read_text())
    return found


def test_there_is_a_golden_log_of_the_first_format() -> None:
    assert "v1" in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_every_record_reads_back(version: str) -> None:
    frames = {frame.sequence: frame for frame in LogReader(GOLDEN / version)}
    for expected in stated(version):
        frame = frames[expected["sequence"]]
        assert frame.name == expected["record"]
        for name in ("type", "frame_class", "ts_core", "origin", "source"):
            assert getattr(frame, name) == expected[name], expected
        fields = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in frame.fields().items()
        }
        assert fields == expected["fields"], expected["record"]
        assert frame.tail.hex() == expected["tail"], expected["record"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_golden_log_is_whole_and_has_two_segments(version: str) -> None:
    report = core.verify_log(str(GOLDEN / version), lambda _: None)
    assert report["faults"] == []
    assert report["segments"] == 2
    assert report["epoch_gaps"] == 1


def test_todays_writer_makes_the_same_bytes(tmp_path: Path) -> None:
    """Of the newest: an older format, and one with fewer records, stays as it was."""
    golden_log.write_golden(tmp_path / "log")
    for segment in sorted((GOLDEN / NEWEST).glob("*.seg")):
        assert (tmp_path / "log" / segment.name).read_bytes() == segment.read_bytes()


def test_the_statement_covers_every_record() -> None:
    records = {each["record"] for each in stated(NEWEST)}
    assert records == {spec.name for spec in golden_log.golden_records()}
    assert spec_of("SEGMENT_END").name not in records
