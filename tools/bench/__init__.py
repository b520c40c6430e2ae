"""`pitwire bench`: the figures of this build on this machine, a table and build/bench.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.command import UsageError

if TYPE_CHECKING:
    from tools.bench.compare import Document
    from tools.bench.rows import Row

EXAMPLE: Final = """examples:
  pitwire bench
  pitwire bench order --json --out order.json
  pitwire bench book --compare before.json

Medians of at least five runs. Times depend on what else runs: the machine's own jitter, measured
in the same minute, stands beside every tail, and a tail within three times of it counts as reached.
"""
DEFAULT_OUT: Final = Path("build/bench.json")


def _native(name: str) -> list[Row]:
    from tools.bench import native

    return native.rows_of(getattr(native, name))


def _books() -> list[Row]:
    from tools.bench import books

    return [*_native("BOOK"), *books.rows()]


def _actors() -> list[Row]:
    from tools.bench import actors

    return actors.rows()


def _updates() -> list[Row]:
    from tools.bench import updates

    return updates.rows()


def _orders() -> list[Row]:
    from tools.bench import orders

    return [*orders.order_rows(), *_native("ORDER")]


def _flow() -> list[Row]:
    from tools.bench import flow

    return flow.rows()


def _fix() -> list[Row]:
    from tools.bench import fix

    return [*_native("FIX"), *fix.rows()]


def _load() -> list[Row]:
    from tools.bench import load

    return load.rows()


def _start(**options: float) -> list[Row]:
    from tools.bench import start

    return start.rows(**{name: int(value) for name, value in options.items()})


def _kill() -> list[Row]:
    from tools.bench import kill

    return kill.rows()


def _memory(**options: float) -> list[Row]:
    from tools.bench import memory

    return memory.rows(**options)


def _overload(**options: float) -> list[Row]:
    from tools.bench import overload

    return overload.rows(**options)


def _throughput(**options: float) -> list[Row]:
    from tools.bench import throughput

    return throughput.rows(**options)


def _replay() -> list[Row]:
    from tools.bench import orders

    return [*_native("REPLAY"), *orders.replay_rows()]


BENCHES: Final[dict[str, Callable[..., list[Row]]]] = {
    "ring": lambda: _native("RING"),
    "log": lambda: _native("LOG"),
    "book": _books,
    "kernel": lambda: _native("KERNEL"),
    "risk": lambda: _native("RISK"),
    "core": lambda: _native("CORE"),
    "actor": _actors,
    "update": _updates,
    "order": _orders,
    "flow": _flow,
    "fix": _fix,
    "load": _load,
    "replay": _replay,
    "start": _start,
    "kill": _kill,
    "memory": _memory,
    "overload": _overload,
    "throughput": _throughput,
}
# What some can be told: their options on the command line.
OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "start": ("kills",),
    "memory": ("hours",),
    "overload": ("minutes",),
    "throughput": ("minutes", "rate"),
}
# Where all are run, and nothing else is said.
AMONG_ALL: Final[dict[str, float]] = {"minutes": 1}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "bench",
        help="measure this build on this machine",
        description="Measure all, or one of: " + ", ".join(BENCHES) + ".",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="only this one")
    parser.add_argument("--json", action="store_true", help="print the document, not the table")
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        metavar="FILE",
        help=f"where the document goes (default: {DEFAULT_OUT})",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="BASE",
        help="a document of before: show what is faster or slower than it",
    )
    parser.add_argument(
        "--peers",
        action="store_true",
        help="measure peers in turn with the rows that they are compared with (make bench-peers)",
    )
    parser.add_argument("--kills", type=int, metavar="N", help="start: of the daemon (default: 5)")
    parser.add_argument(
        "--hours", type=float, metavar="H", help="memory: of an accelerated day (default: a sixth)"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="overload, throughput: of load (default: 10; among all: 1)",
    )
    parser.add_argument(
        "--rate", type=float, metavar="N", help="throughput: orders a second (default: 10,000)"
    )
    parser.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Measure, write the document, show it. Exit code 0: a goal that is missed is no failure."""
    import msgspec

    name: str | None = arguments.name
    if name is not None and name not in BENCHES:
        raise UsageError(f"unknown benchmark {name}; there are: {', '.join(BENCHES)}")
    options = _options(arguments)
    base = _base(arguments.compare)  # before measuring, and before --out is written: it may be that
    names = [name] if name is not None else list(BENCHES)
    document = measured(names, options, peers=arguments.peers)
    text = msgspec.json.format(msgspec.json.encode(document)).decode()
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(text + "\n")
    except OSError as error:
        raise UsageError(f"--out {arguments.out}: {error.strerror}") from None
    if base is not None:
        _show_changes(base, document["rows"], arguments)
    elif arguments.json:
        sys.stdout.write(text + "\n")
    else:
        from tools.bench.table import show

        show(document, arguments.out)
    return 0


def _base(path: Path | None) -> Document | None:
    if path is None:
        return None
    from tools.bench.compare import read

    return read(path)


def _show_changes(base: Document, rows: list[Row], arguments: argparse.Namespace) -> None:
    import msgspec

    from tools.bench.compare import changes, show

    found = changes(base.rows, rows)
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        show(found, arguments.compare)


def _options(arguments: argparse.Namespace) -> dict[str, float]:
    """Those that were given. UsageError for one that the benchmark does not know."""
    given = {key: getattr(arguments, key) for keys in OPTIONS.values() for key in keys}
    found = {key: value for key, value in given.items() if value is not None}
    for key, value in found.items():
        if value <= 0:
            raise UsageError(f"--{key}: expected more than 0, found {value}")
        if arguments.name is not None and key not in OPTIONS.get(arguments.name, ()):
            raise UsageError(f"--{key} is not for bench {arguments.name}")
    return found if arguments.name is not None else {**AMONG_ALL, **found}


def measured(
    names: list[str], options: Mapping[str, float] | None = None, *, peers: bool = False
) -> dict[str, Any]:
    """The document of these benchmarks: machine, commit, rows."""
    told = options or {}
    from tools.bench.rows import commit, machine
    from tools.screen import screen

    rows: list[Row] = []
    with screen(errors=True).status("") as status:
        for name in names:
            status.update(f"measuring {name}")
            found = BENCHES[name](
                **{key: told[key] for key in OPTIONS.get(name, ()) if key in told}
            )
            rows += _with_peers(name, found, status.update) if peers else found
    return {"machine": machine(), "commit": commit(), "rows": rows}


def _with_peers(name: str, rows: list[Row], say: Callable[[str], None]) -> list[Row]:
    from tools.bench.beside import with_peers
    from tools.bench.pairs import GROUPS

    for group in GROUPS:
        if group.bench == name:
            rows = with_peers(rows, group, say)
    return rows
