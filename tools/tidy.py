"""The project's own rules, as a program: `python -m tools.tidy [ROOT]` prints what breaks them.

What ruff, mypy and import-linter cannot know: which layers must be deterministic, how long a
function may get, which names say nothing, which files nobody uses. One finding a line, exit code 1
where there is any; a file that is merely long is a warning.

A line is exempt from a rule by a comment with the rule's name and a reason, at its end or on the
line before it: `# tidy: clock: the operator's own wall clock, shown and never decided on`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PYTHON_FUNCTION_LINES_MAX: Final = 60
CPP_FUNCTION_LINES_MAX: Final = 70
FILE_LINES_WARNING: Final = 400

DETERMINISTIC: Final = (
    "daemon/model/",
    "daemon/messages/",
    "daemon/strategy/",
    "daemon/actors/",
    "daemon/runtime/",
    "strategies/",
)
# Module -> rule. What differs between two runs enters through the edge (DESIGN.md, "The one idea").
BANNED_MODULES: Final = {
    "time": "clock",
    "secrets": "randomness",
    "uuid": "randomness",
    "asyncio": "io",
    "select": "io",
    "socket": "io",
    "subprocess": "io",
    "threading": "thread",
    "multiprocessing": "thread",
    "concurrent": "thread",
}
BANNED_CALLS: Final = {
    "open": "io",
    "input": "io",
    "hash": "hash",
    "id": "hash",
    "datetime.now": "clock",
    "datetime.utcnow": "clock",
    "datetime.today": "clock",
    "date.today": "clock",
    "os.urandom": "randomness",
    "os.getpid": "randomness",
    "os.environ.get": "environment",
    "os.getenv": "environment",
}
NAMELESS: Final = {"utils", "util", "helpers", "helper", "common", "misc"}
GENERATED: Final = (".so", ".pyc", ".o", ".a", ".whl")
# Spelt in parts, so that this file does not break its own rule.
MACHINE_PATHS: Final = tuple("/" + place for place in ("work/", "root/", "tmp/bash_jobs"))
EXEMPTION: Final = re.compile(r"(?:#|//) tidy: (?P<rule>[a-z-]+): \S+ \S+")
PROMISE: Final = re.compile(r"\b(TODO|FIXME|XXX)\b(?!.*\bbecause\b)")


@dataclass(frozen=True, order=True)
class Finding:
    """A rule broken at a place; `error` is what `make check` fails on."""

    path: str
    line: int
    rule: str
    text: str
    error: bool = True

    def __str__(self) -> str:
        severity = "" if self.error else "warning: "
        return f"{self.path}:{self.line}: {severity}{self.rule}: {self.text}"


# ------------------------------------------------------------------ every text file


def text_findings(path: str, source: str) -> Iterator[Finding]:
    """What any file may not hold: paths of one machine, promises without a reason, 400 lines."""
    lines = source.splitlines()
    for number, line in enumerate(lines, 1):
        for place in MACHINE_PATHS:
            if place in line:
                yield Finding(path, number, "machine-path", f"{place} exists on one machine only")
        if (promise := PROMISE.search(line)) and not path.endswith(("tidy.py", ".md")):
            yield Finding(path, number, "todo", f"{promise[1]} without its reason (because ...)")
    if len(lines) > FILE_LINES_WARNING and path.endswith((".py", ".cpp", ".hpp")):
        text = f"{len(lines)} lines, above {FILE_LINES_WARNING}"
        yield Finding(path, 1, "file-length", text, error=False)


def name_findings(path: str) -> Iterator[Finding]:
    """What a path itself may not be: a name that says nothing, the product of a build."""
    for part in Path(path).parts:
        if Path(part).stem in NAMELESS:
            yield Finding(path, 1, "name", f"`{part}` says nothing of what is in it")
    if path.endswith(GENERATED) or Path(path).name == "compile_commands.json":
        yield Finding(path, 1, "generated", "made by the build, not to be committed")


# ------------------------------------------------------------------ Python


def python_length_findings(path: str, tree: ast.AST) -> Iterator[Finding]:
    """Functions above 60 lines, decorators and docstring included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > PYTHON_FUNCTION_LINES_MAX:
                text = f"{node.name} has {length} lines, above {PYTHON_FUNCTION_LINES_MAX}"
                yield Finding(path, node.lineno, "function-length", text)


def determinism_findings(path: str, tree: ast.AST) -> Iterator[Finding]:
    """Clocks, randomness, input and output, hash order, in a layer that must be a function."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                modules = [name.name for name in names]
                yield from _import_findings(path, node.lineno, modules)
            case ast.ImportFrom(module=str(module), level=0, names=names):
                within = [f"daemon.{name.name}" for name in names if module == "daemon"]
                yield from _import_findings(path, node.lineno, [module, *within])
                if module == "random":
                    yield from _random_findings(path, node.lineno, [name.name for name in names])
            case ast.Call():
                yield from _call_findings(path, node)
            case ast.For(iter=iterated) | ast.comprehension(iter=iterated) if _is_set(iterated):
                text = "iterates over a set, whose order differs between runs"
                yield Finding(path, iterated.lineno, "set-order", text)
            case _:
                pass


def _import_findings(path: str, line: int, modules: list[str]) -> Iterator[Finding]:
    for module in modules:
        if rule := BANNED_MODULES.get(module.split(".")[0]):
            yield Finding(path, line, rule, f"imports {module} in a deterministic layer")
        if path.startswith("strategies/") and module == "daemon.core":
            yield Finding(path, line, "layer", "a strategy sees the core only by daemon.strategy")


def _random_findings(path: str, line: int, names: list[str]) -> Iterator[Finding]:
    for name in names:
        if name != "Random":
            yield Finding(path, line, "randomness", f"random.{name} draws from no stream of ours")


def _call_findings(path: str, call: ast.Call) -> Iterator[Finding]:
    name = ast.unparse(call.func)
    tail = ".".join(name.split(".")[-2:])
    if rule := BANNED_CALLS.get(name) or BANNED_CALLS.get(tail):
        yield Finding(path, call.lineno, rule, f"calls {name}() in a deterministic layer")
    if name in {"random.Random", "Random"} and not call.args:
        yield Finding(path, call.lineno, "randomness", "a random stream without its seed")
    elif name.startswith("random.") and name.count(".") == 1 and name != "random.Random":
        yield from _random_findings(path, call.lineno, [name.removeprefix("random.")])


def _is_set(node: ast.expr) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case _:
            return False


def python_findings(path: str, source: str) -> Iterator[Finding]:
    """Every rule for one Python file."""
    tree = ast.parse(source, path)
    yield from python_length_findings(path, tree)
    if path.startswith(DETERMINISTIC):
        yield from determinism_findings(path, tree)


# ------------------------------------------------------------------ C++

_NOISE: Final = re.compile(
    # A quote behind a digit separates digits: 10'000.
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
ACCESS: Final = {"public", "protected", "private"}
_SCOPE: Final = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b[^()]*$")


def cpp_length_findings(path: str, source: str) -> Iterator[Finding]:
    """Functions above 70 lines, by counting braces: a heuristic that needs no compiler.

    A brace after text with a parenthesis and outside any function opens one; tables and classes
    open scopes of their own.
    """
    code = _NOISE.sub(lambda noise: re.sub(r"[^\n]", " ", noise[0]), source)
    line, head, head_line = 1, "", 1
    scopes: list[tuple[bool, int]] = []
    for character in code:
        if character == "{":
            inside = any(function for function, _ in scopes)
            function = not inside and "(" in head and not _SCOPE.search(head)
            scopes.append((function, head_line))
        elif character == "}" and scopes:
            function, start = scopes.pop()
            if function and line - start + 1 > CPP_FUNCTION_LINES_MAX:
                text = f"a function of {line - start + 1} lines, above {CPP_FUNCTION_LINES_MAX}"
                yield Finding(path, start, "function-length", text)
        if character in "{};" or (character == ":" and head in ACCESS):
            head = ""
        elif head or not character.isspace():
            head_line = head_line if head else line
            head += character
        line += character == "\n"


# ------------------------------------------------------------------ dead files


def dead_findings(files: dict[str, str]) -> Iterator[Finding]:
    """Modules that no other file of the product imports or names; being tested is not a use."""
    users = {path: text for path, text in files.items() if not path.startswith("tests/")}
    for path, source in sorted(files.items()):
        if not path.endswith(".py") or not path.startswith(("daemon/", "tools/", "strategies/")):
            continue
        module = path.removesuffix(".py").replace("/", ".")
        if module.endswith(("__init__", "__main__")) or _exempt(source.splitlines(), "dead", 1):
            continue
        if not any(_uses(text, module) for other, text in users.items() if other != path):
            yield Finding(path, 1, "dead", f"nothing imports or names {module}")


def _uses(text: str, module: str) -> bool:
    package, _, name = module.rpartition(".")
    if re.search(rf"\b{re.escape(module)}\b", text):
        return True
    listed = rf"from {re.escape(package)} import (?:\([^)]*|[^\n]*)\b{name}\b"
    near = rf"from \.+(?:{name} import|\s*import [^\n]*\b{name}\b)"
    return re.search(f"{listed}|{near}", text) is not None


# ------------------------------------------------------------------ all of it


def _exempt(lines: list[str], rule: str, number: int) -> bool:
    around = lines[max(0, number - 2) : number]
    return any((found := EXEMPTION.search(line)) and found["rule"] == rule for line in around)


def findings(files: dict[str, str]) -> list[Finding]:
    """Every finding in these files (path from the root, text), without the exempt ones."""
    found: list[Finding] = []
    for path, source in files.items():
        found += [*name_findings(path), *text_findings(path, source)]
        if path.endswith(".py"):
            found += python_findings(path, source)
        elif path.endswith((".cpp", ".hpp")):
            found += cpp_length_findings(path, source)
    found += dead_findings(files)
    lines = {path: source.splitlines() for path, source in files.items()}
    return sorted(each for each in found if not _exempt(lines[each.path], each.rule, each.line))


def tracked(root: Path) -> dict[str, str]:
    """The text of every file git knows of, or would add; files that are not text are left out."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True)  # noqa: S603  git of the PATH
    names = sorted(filter(None, listed.stdout.decode().split("\0")))
    return dict(_readable(root, names))


def _readable(root: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = root / name
        if path.is_file():
            content = path.read_bytes()
            yield name, "" if b"\0" in content else content.decode("utf-8", "replace")


def main(arguments: list[str]) -> int:
    """Print the findings in the checkout at ROOT, by default this one; 1 if any is an error."""
    root = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    found = findings(tracked(root))
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    return int(any(finding.error for finding in found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
