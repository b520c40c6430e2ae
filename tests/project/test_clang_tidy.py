"""The runner of clang-tidy: what passed is remembered, what the budget left is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import clang_tidy
from tools.clang_tidy import Run


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A clang-tidy that counts its runs and complains of files with the word `bad`."""
    script = tmp_path / "tool"
    script.write_text(
        f"#!/bin/bash\nfile=${{@: -1}}\necho x >> {tmp_path}/runs\n"
        'if grep -q bad "$file"; then echo "$file: bad"; exit 1; fi\n'
    )
    script.chmod(0o755)
    return script


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


def source(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "x.cpp"
    file.write_text(text)
    return file


def test_what_passed_is_not_run_again_until_it_changes(tmp_path: Path, tool: Path) -> None:
    file = source(tmp_path, "int a;\n")
    assert Run(tool, tmp_path, 60).check(file) == ""
    assert Run(tool, tmp_path, 60).check(file) == ""
    assert runs(tmp_path) == 1
    assert Run(tool, tmp_path, 60).check(source(tmp_path, "int b;\n")) == ""
    assert runs(tmp_path) == 2


def test_a_header_that_changes_voids_what_passed(
    tmp_path: Path, tool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = source(tmp_path, "int a;\n")
    Run(tool, tmp_path, 60).check(file)
    monkeypatch.setattr(clang_tidy, "surroundings", lambda: b"other headers")
    Run(tool, tmp_path, 60).check(file)
    assert runs(tmp_path) == 2


def test_a_finding_is_told_each_time(tmp_path: Path, tool: Path) -> None:
    file = source(tmp_path, "int bad;\n")
    for _ in range(2):
        assert Run(tool, tmp_path, 60).check(file) == f"{file}: bad\n"
    assert runs(tmp_path) == 2


def test_what_the_budget_does_not_reach_is_left_and_named(tmp_path: Path, tool: Path) -> None:
    file = source(tmp_path, "int a;\n")
    run = Run(tool, tmp_path, 0)
    assert run.check(file) == ""
    assert run.left == [file]
    assert not (tmp_path / "runs").exists()
