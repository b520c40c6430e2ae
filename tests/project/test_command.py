"""The `pitwire` command: finds what is asked, says clearly what is not there, loads no more."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.command import commands, main

ROOT = Path(__file__).parents[2]

ECHO = """
from tools.command import UsageError
def register(subparsers):
    parser = subparsers.add_parser("{name}", help="says its name", epilog="example: {name}")
    parser.add_argument("--code", type=int, default=0)
    parser.set_defaults(run=run)
def run(arguments):
    if arguments.code == 2:
        raise UsageError("x.toml: key: reason")
    if arguments.code == 130:
        raise KeyboardInterrupt
    print("{name}")
    return arguments.code
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Two commands, and one whose module fails when it is loaded."""
    for name in ("echo_one", "echo_two"):
        (tmp_path / f"{name}.py").write_text(ECHO.format(name=name))
    (tmp_path / "echo_broken.py").write_text("raise RuntimeError('loaded')")
    monkeypatch.syspath_prepend(tmp_path)
    return {name: name for name in ("echo_one", "echo_two", "echo_broken")}


@pytest.mark.parametrize("code", [0, 1])
def test_a_commands_result_is_the_exit_code(
    table: dict[str, str], capsys: pytest.CaptureFixture[str], code: int
) -> None:
    assert main(["echo_one", "--code", str(code)], table) == code
    assert capsys.readouterr().out == "echo_one\n"


def test_only_the_module_of_the_command_is_loaded(table: dict[str, str]) -> None:
    assert main(["echo_two"], table) == 0
    with pytest.raises(RuntimeError, match="loaded"):
        main(["echo_broken"], table)


def test_bad_usage_is_exit_code_2_and_no_traceback(
    table: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["echo_one", "--code", "2"], table) == 2
    assert capsys.readouterr().err == "pitwire: x.toml: key: reason\n"
    assert main(["echo_on"], table) == 2
    assert "did you mean echo_one?" in capsys.readouterr().err
    assert main(["quite-else"], table) == 2
    assert "there are: echo_one, echo_two" in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130(table: dict[str, str]) -> None:
    assert main(["echo_one", "--code", "130"], table) == 130


def test_every_declared_command_exists_and_explains_itself() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert set(declared["pitwire.commands"]) <= set(commands())
    for name in declared["pitwire.commands"]:
        result = subprocess.run(
            [sys.executable, "-m", "tools.command", name, "--help"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert "example" in result.stdout, name


def test_a_closed_pipe_is_no_error() -> None:
    script = f"{sys.executable} -m tools.command config schema | head -1"
    result = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "{\n", "")
