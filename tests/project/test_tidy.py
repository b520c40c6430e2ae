"""Our own rules: each finds what breaks it, and lets pass what does not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.tidy import Finding, findings, main


def rules(path: str, source: str) -> list[str]:
    """Rules broken by one file, which another one imports so that it is not dead."""
    module = path.removesuffix(".py").replace("/", ".")
    user = {"tools/__main__.py": f"import {module}\n"} if path.endswith(".py") else {}
    return [each.rule for each in findings({path: source, **user}) if each.path == path]


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("import time\n", "clock"),
        ("from time import monotonic\n", "clock"),
        ("import datetime\nnow = datetime.datetime.now()\n", "clock"),
        ("from datetime import date\nnow = date.today()\n", "clock"),
        ("import uuid\n", "randomness"),
        ("import os\nos.urandom(8)\n", "randomness"),
        ("import random\nrandom.shuffle([])\n", "randomness"),
        ("from random import choice\n", "randomness"),
        ("import random\nrandom.Random()\n", "randomness"),
        ("import asyncio\n", "io"),
        ("import asyncio.streams\n", "io"),
        ("import socket\n", "io"),
        ("open('x')\n", "io"),
        ("import threading\n", "thread"),
        ("x = hash('a')\n", "hash"),
        ("for x in {1, 2}:\n    pass\n", "set-order"),
        ("y = [x for x in set([1])]\n", "set-order"),
    ],
)
@pytest.mark.parametrize("folder", ["daemon/actors", "daemon/runtime", "strategies"])
def test_what_differs_between_runs_is_refused_in_deterministic_layers(
    folder: str, source: str, rule: str
) -> None:
    assert rules(f"{folder}/x.py", source) == [rule]
    assert rules("daemon/io/x.py", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import random\nrandom.Random(7)\n",
        "from random import Random\n",
        "from daemon.runtime import time\n",
        "from .time import x\n",
        "for x in sorted({1, 2}):\n    pass\n",
        "a.open(1)\n",
        "from datetime import UTC\n",
    ],
)
def test_what_is_a_function_of_its_inputs_passes(source: str) -> None:
    assert rules("daemon/actors/x.py", source) == []


@pytest.mark.parametrize(
    "source",
    ["import daemon.core\n", "from daemon.core import Side\n", "from daemon import core\n"],
)
def test_a_strategy_does_not_reach_into_the_core(source: str) -> None:
    assert rules("strategies/x.py", source) == ["layer"]
    assert rules("daemon/actors/x.py", source) == []


def test_a_line_is_exempt_with_a_reason_and_only_from_that_rule() -> None:
    assert rules("strategies/x.py", "import time  # tidy: clock: shown only\n") == []
    assert rules("strategies/x.py", "# tidy: clock: shown only\nimport time\n") == []
    assert rules("strategies/x.py", "import time  # tidy: clock:\n") == ["clock"]
    assert rules("strategies/x.py", "import time  # tidy: io: some reason\n") == ["clock"]


@pytest.mark.parametrize(("body", "found"), [(58, []), (59, []), (60, ["function-length"])])
def test_a_python_function_has_at_most_60_lines(body: int, found: list[str]) -> None:
    assert rules("daemon/io/x.py", "def f():\n" + "    x = 1\n" * body) == found


def cpp_function(lines: int) -> str:
    return "int f(int x) {\n" + "  x += 1;\n" * (lines - 2) + "}\n"


@pytest.mark.parametrize(("lines", "found"), [(69, []), (70, []), (71, ["function-length"])])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "namespace a {{\nnamespace {{\n{}}}\n}}\n",
        "class A final : public B<int> {{\n public:\n{}}};\n",
        '// a comment with a brace {{\nconst char* s = "{{";\n{}',
        "int g() {{ return 1; }}\n{}",
    ],
)
def test_a_cpp_function_has_at_most_70_lines(lines: int, around: str, found: list[str]) -> None:
    assert rules("native/src/x.cpp", around.format(cpp_function(lines))) == found


def test_a_long_table_or_class_is_no_function() -> None:
    table = "constexpr int kTable[] = {\n" + "  1,\n" * 100 + "};\n"
    many = "struct A {\n" + "  int f() { return 1; }\n" * 100 + "};\n"
    assert rules("native/src/x.cpp", table + many) == []


def test_the_finding_names_the_line_where_the_function_begins() -> None:
    [finding] = findings({"native/src/x.cpp": "int a;\n\n" + cpp_function(80)})
    assert finding == Finding(
        "native/src/x.cpp", 3, "function-length", "a function of 80 lines, above 70"
    )


def test_a_long_file_is_a_warning() -> None:
    [finding] = findings({"native/src/x.cpp": "int a;\n" * 401})
    assert (finding.rule, finding.error) == ("file-length", False)
    assert findings({"native/src/x.cpp": "int a;\n" * 400}) == []


@pytest.mark.parametrize("name", ["utils.py", "helpers/x.py", "common/y.md", "misc.txt"])
def test_names_that_say_nothing(name: str) -> None:
    assert "name" in rules(f"daemon/io/{name}", "")


def test_paths_of_one_machine_promises_and_build_products() -> None:
    assert rules("docs/x.md", "see /" + "root/notes\n") == ["machine-path"]
    assert rules("native/src/x.cpp", "// TO" + "DO: later\n") == ["todo"]
    assert rules("native/src/x.cpp", "// TO" + "DO: widen, because 2^32 orders overflow\n") == []
    assert rules("daemon/core.so", "") == ["generated"]


@pytest.mark.parametrize(
    "use",
    [
        "import daemon.io.lonely",
        "from daemon.io.lonely import f",
        "from daemon.io import other, lonely",
        "from daemon.io import (\n    other,\n    lonely,\n)",
        'NAME = "daemon.io.lonely:main"',
    ],
)
def test_a_module_that_something_uses_is_alive(use: str) -> None:
    assert findings({"daemon/io/lonely.py": "", "daemon/app/__main__.py": use}) == []


def test_a_module_that_only_its_test_uses_is_dead() -> None:
    files = {"daemon/io/lonely.py": "", "tests/x.py": "import daemon.io.lonely"}
    assert [each.rule for each in findings(files)] == ["dead"]
    files["daemon/io/lonely.py"] = "# tidy: dead: authors import it\n"
    assert findings(files) == []


def test_the_exit_code_says_whether_there_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main([str(tmp_path)]) == 0
    (tmp_path / "utils.py").write_text("")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith("utils.py:1: name: ")
