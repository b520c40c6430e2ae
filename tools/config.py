"""`pitwire config check|show|schema`: what a configuration file says, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from daemon.app.configuration import Configuration, ConfigurationError, load
from daemon.app.market_settings import FixSessionSettings
from daemon.app.problems import Problem
from daemon.io.credentials import CredentialError, resolve
from daemon.strategy.loading import LoadingError, read_source
from tools.command import UsageError

EXAMPLES = """\
examples:
  pitwire config check config/demo.toml
  pitwire config show config/demo.toml --set core.wait=spin
  pitwire config schema > pitwire.schema.json
"""


def load_configuration(path: Path | str, overrides: Sequence[str] = ()) -> Configuration:
    """The configuration in a file, for any command: UsageError (exit 2) where it is wrong."""
    try:
        return load(path, overrides)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None


def check_outside(path: Path | str, configuration: Configuration) -> None:
    """UsageError where what the file points to is not there or does not fit."""
    if problems := list(outside_problems(configuration)):
        raise UsageError(str(ConfigurationError(path, problems)))


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "config",
        help="check a configuration file, show what it means",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    check = actions.add_parser("check", help="every fault, as FILE: key: reason")
    show = actions.add_parser("show", help="every value, defaults too; no secret is shown")
    show.add_argument("--json", action="store_true", help="one JSON object")
    for each, run in ((check, _check), (show, _show)):
        each.add_argument("file", type=Path)
        each.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
        each.set_defaults(run=run)
    schema = actions.add_parser("schema", help="JSON Schema of the file, for editors")
    schema.set_defaults(run=_schema)


def _check(arguments: argparse.Namespace) -> int:
    configuration = load_configuration(arguments.file, arguments.set)
    check_outside(arguments.file, configuration)
    counts = ", ".join(
        f"{len(getattr(configuration, section))} {section}"
        for section in ("feed", "session", "instrument", "strategy")
    )
    sys.stdout.write(f"{arguments.file}: ok ({counts}); sha256 {configuration.sha256()}\n")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    configuration = load_configuration(arguments.file, arguments.set)
    if arguments.json:
        text = msgspec.json.format(configuration.canonical(), indent=2).decode()
        sys.stdout.write(text + "\n")
        return 0
    for key, value in _flat("", json.loads(configuration.canonical())):
        sys.stdout.write(f"{key} = {json.dumps(value, ensure_ascii=False)}\n")
    return 0


def _schema(_: argparse.Namespace) -> int:
    schema = msgspec.json.schema(Configuration)
    sys.stdout.write(json.dumps(schema, indent=2) + "\n")
    return 0


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Every leaf with its key's path, in the order of the sections."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _flat(f"{path}.{key}".lstrip("."), each)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            yield from _flat(f"{path}[{number}]", each)
    else:
        yield path, value


# ------------------------------------------------------------------ beyond the file itself


def outside_problems(configuration: Configuration) -> Iterator[Problem]:
    """What the file points to and this host does not have: code, credentials, TLS files."""
    yield from _strategy_problems(configuration)
    for function in configuration.worker.functions:
        module, _, name = function.partition(":")
        try:
            # Not imported: a worker's libraries have no place in this process.
            source = read_source(module)
        except LoadingError as error:
            yield Problem("worker.functions", str(error))
            continue
        if not re.search(rf"^(async )?def {re.escape(name)}\b", source, re.MULTILINE):
            yield Problem("worker.functions", f"{module}: has no function {name}")
    for number, session in enumerate(configuration.session):
        if isinstance(session, FixSessionSettings):
            yield from _session_problems(f"session[{number}]", session)


def _strategy_problems(configuration: Configuration) -> Iterator[Problem]:
    from daemon.io.kernels import Kernels
    from daemon.strategy.loading import load as load_strategy

    folder = configuration.daemon.kernel_cache_dir
    kernels = Kernels(Path(folder) if folder else None)
    for number, strategy in enumerate(configuration.strategy):
        key = f"strategy[{number}].class"
        try:
            loaded = load_strategy(strategy.strategy_class)
            kernels.objects(loaded)
            key = f"strategy[{number}].parameters"
            loaded.parameters(strategy.parameters)
        except ValueError as error:
            yield Problem(key, str(error))


def _session_problems(key: str, session: FixSessionSettings) -> Iterator[Problem]:
    for name in ("username", "password"):
        reference = getattr(session, name)
        if reference is not None:
            try:
                resolve(reference)
            except CredentialError as error:
                yield Problem(f"{key}.{name}", str(error))
    for name in ("ca_file", "certificate_file", "key_file", "crl_file"):
        file = getattr(session.tls, name, None)
        if file is not None and not Path(file).is_file():
            yield Problem(f"{key}.tls.{name}", f"there is no file {file}")
