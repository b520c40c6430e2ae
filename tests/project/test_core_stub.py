"""daemon/core.pyi names exactly what the compiled module has."""

from __future__ import annotations

import ast
from pathlib import Path

from daemon import core

STUB = ast.parse(Path(__file__).parents[2].joinpath("daemon", "core.pyi").read_text("utf-8"))


def _names(body: list[ast.stmt]) -> list[str]:
    """What a block defines; an overload once."""
    found: dict[str, None] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = None
        elif isinstance(node, ast.Assign):
            found.update({each.id: None for each in node.targets if isinstance(each, ast.Name)})
    return list(found)


def test_the_stub_names_all_of_the_module_and_nothing_else() -> None:
    there = {name for name in vars(core) if not name.startswith("_")}
    stated = {name for name in _names(STUB.body) if not name.startswith("_")}
    assert stated == there


def test_the_stub_names_all_of_every_class_and_nothing_else() -> None:
    wrong = {}
    for node in STUB.body:
        if not isinstance(node, ast.ClassDef):
            continue
        real = getattr(core, node.name)
        own = {name for name in vars(real) if not name.startswith("_")}
        stated = {name for name in _names(node.body) if not name.startswith("_")}
        if stated - own or own - stated - {"name", "value"}:
            wrong[node.name] = (sorted(stated - own), sorted(own - stated))
    assert wrong == {}


def test_the_stub_defines_nothing_twice() -> None:
    for body in [STUB.body, *(n.body for n in STUB.body if isinstance(n, ast.ClassDef))]:
        defined = [
            node.name
            for node in body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not any(ast.unparse(each) == "overload" for each in node.decorator_list)
        ]
        assert len(defined) == len(set(defined)), sorted(n for n in defined if defined.count(n) > 1)
