"""The `pitwire` command: finds the subcommand, loads only its module, turns errors to exit codes.

Subcommands are entry points of the group `pitwire.commands`, so that another distribution can add
its own. Each names a module with `register(subparsers)`, which adds a parser and sets its default
`run` to a function from the parsed arguments to the exit code: 0 done, 1 what was asked did not
hold, 2 bad usage or configuration.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, cast

GROUP: Final = "pitwire.commands"


class UsageError(Exception):
    """Bad usage or configuration: its text names the file, the key and the reason. Exit code 2."""


def commands() -> dict[str, str]:
    """Name of every subcommand and the module that holds it, in alphabetical order."""
    found = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return dict(sorted((found or _of_checkout()).items()))


def _of_checkout() -> dict[str, str]:
    """The same from pyproject.toml: a checkout that was never installed runs as it stands."""
    description = Path(__file__).parents[1] / "pyproject.toml"
    if not description.exists():
        return {}
    project = tomllib.loads(description.read_text())["project"]
    return cast("dict[str, str]", project.get("entry-points", {}).get(GROUP, {}))


def _parser(modules: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pitwire",
        description="A live trading daemon that can be replayed, bit for bit.",
        epilog="example: pitwire ctl status    (every command explains itself with --help)",
    )
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in dict.fromkeys(modules.values()):
        importlib.import_module(module).register(subparsers)
    return parser


def _chosen(arguments: Sequence[str], table: Mapping[str, str]) -> Mapping[str, str]:
    """The part of the table that these arguments need: one command, or all of them for --help."""
    if not arguments or arguments[0].startswith("-"):
        return table
    name = arguments[0]
    if name in table:
        return {name: table[name]}
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(table)}"
    raise UsageError(f"unknown command {name}; {hint}")


def _fail(text: str, code: int) -> int:
    sys.stderr.write(f"pitwire: {text}\n")
    return code


def _run(arguments: Sequence[str], table: Mapping[str, str]) -> int:
    parsed = _parser(_chosen(arguments, table)).parse_args(arguments)
    code = cast("Callable[[argparse.Namespace], int]", parsed.run)(parsed)
    sys.stdout.flush()
    return code


def main(arguments: Sequence[str] | None = None, table: Mapping[str, str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    try:
        return _run(
            sys.argv[1:] if arguments is None else arguments, commands() if table is None else table
        )
    except UsageError as error:
        return _fail(str(error), 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader (a pager, `head`) has gone. Python would report it again while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    # As a script this file is a second module: subcommands raise the UsageError of the first.
    from tools.command import main as command_main

    raise SystemExit(command_main())
