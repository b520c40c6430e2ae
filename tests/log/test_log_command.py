"""`pitwire log`: what it prints and what it exits with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from tests.log import golden_log
from tools import log as command
from tools.command import UsageError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    golden_log.write_golden(tmp_path / "log")
    return tmp_path / "log"


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser(prog="pitwire")
    command.register(parser.add_subparsers(required=True))
    args = parser.parse_args(["log", *map(str, words)])
    code: int = args.run(args)
    return code


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_cat_filters_and_limits(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cat", log, "--type", "fill", "--limit", "1") == 0
    (document,) = lines(capsys)
    assert document["type"] == "FILL"
    assert run("cat", log, "--instrument", "TEST", "--type", "BAR") == 0
    assert len(lines(capsys)) == golden_log.TURNS
    assert run("cat", log, "--order", str(document["order"])) == 0
    assert {each["type"] for each in lines(capsys)} == {"FILL"}
    assert run("cat", log, "--limit", "0") == 0
    assert lines(capsys) == []


def test_cat_shows_every_record_of_the_schema(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("cat", log) == 0
    shown = {str(each["type"]) for each in lines(capsys)}
    assert shown == {spec.name for spec in golden_log.golden_records()} | {"SEGMENT_END"}


def test_stat_and_latency_speak_to_people_and_machines(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("stat", log, "--json") == 0
    (totals,) = lines(capsys)
    assert run("stat", log) == 0
    text = capsys.readouterr().out
    assert f"{totals['frames']} frames" in text
    assert "hours left" in text
    assert run("latency", log) == 0
    assert "received to sent" in capsys.readouterr().out


def test_verify_exits_1_with_file_and_offset(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", log) == 0
    assert "no faults" in capsys.readouterr().out
    chain = log / "00000000.chain"
    content = bytearray(chain.read_bytes())
    content[70] ^= 1
    chain.write_bytes(content)
    assert run("verify", log) == 1
    assert "00000000.chain, offset 64" in capsys.readouterr().out


def test_damage_met_on_the_way_is_exit_1(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segment = log / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[4096 + 50] ^= 1
    segment.write_bytes(content)
    for words in (("stat", log), ("cat", log), ("export", log, "--out", log.parent / "out")):
        assert run(*words) == 1
        assert "00000000.seg, offset 4096" in capsys.readouterr().err
    assert not list((log.parent / "out").glob("*.parquet"))


def test_export_names_its_files(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = log.parent / "out"
    assert run("export", log, "--out", out, "--type", "FILL") == 0
    assert capsys.readouterr().out == f"{out / 'fill.parquet'}: 3 rows\n"
    assert [path.name for path in out.iterdir()] == ["fill.parquet"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--order", "xyz"], "expected a ClOrdID"),
        (["--order", "0" * 17], "expected a ClOrdID"),
        (["--instrument", "NONE"], "expected an id or one of: TEST"),
        (["--type", "FILLS"], "expected one of SEGMENT_END"),
        (["--from", "noon"], "expected a sequence"),
        (["--limit", "-1"], "expected 0 or more"),
    ],
)
def test_bad_usage_says_what_was_expected(log: Path, words: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        run("cat", log, *words)


def test_a_folder_without_a_log_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no event log here"):
        run("stat", tmp_path)
