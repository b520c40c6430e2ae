"""`pitwire fix definitions`: a line for each definition, a count, and an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.command import main

OURS = Path(__file__).parents[2] / "native" / "tests" / "definitions"
LOGON = """iCONNECT
I8=FIX.4.4|35=A|34=1|49=TW44|52=<TIME>|56=ISLD|98=0|108=30|
E8=FIX.4.4|35=A|34=1|49=ISLD|52={time}|56=TW44|98=0|108=30|
"""


def definitions(*words: object) -> int:
    return main(["fix", "definitions", *map(str, words)], {"fix": "tools.fix"})


def test_a_folder_of_definitions_that_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert definitions(OURS / "acceptor" / "fix44") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("passed  ") for line in lines[:-1])
    assert f"{len(lines) - 1} definitions: {len(lines) - 1} passed, 0 failed" in lines[-1]


def test_one_that_does_not_hold_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.def"
    file.write_text(LOGON.format(time="00000000-00:00:00").replace("108=30|\nE", "108=31|\nE"))
    assert definitions(file) == 1
    first, expected, got, count = capsys.readouterr().out.splitlines()
    assert first == f"FAILED  {file}, line 3: expected 108=30, got 108=31"
    assert expected.split() == ["expected", expected.split()[1]]
    assert "|108=30|" in expected
    assert "|108=31|" in got
    assert count.startswith("1 definitions: 0 passed, 1 failed")


def test_patterns_are_those_of_the_nearest_file_above(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    file = tmp_path / "rules" / "times.def"
    file.write_text(LOGON.format(time="0"))
    assert definitions(file) == 0
    (tmp_path / "fields.fmt").write_text("52=^never$\n")
    assert definitions(file) == 1
    other = tmp_path / "other.fmt"
    other.write_text("52=.\n")
    assert definitions(file, "--patterns", other) == 0


def test_a_side_can_be_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "logon.def"
    file.write_text(LOGON.format(time="0"))
    assert definitions(file, "--side", "acceptor") == 0
    assert definitions(file, "--side", "initiator") == 1


def test_what_is_no_definition_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.def"
    file.write_text("iCONNECT\nto do\n")
    assert definitions(file, OURS / "acceptor" / "fix42") == 2
    out = capsys.readouterr().out
    assert f"ERROR   {file}: line 2: expected I, E, i, e or !" in out
    assert "1 not a definition" in out
    assert definitions(tmp_path / "absent") == 2
    (tmp_path / "empty").mkdir()
    assert definitions(tmp_path / "empty") == 2
