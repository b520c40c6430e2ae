"""Writes docs/control-protocol.md from the tables of commands and replies.

`python -m tools.ctl.protocol > docs/control-protocol.md`; a test says when that is due.
"""
# tidy: dead: run by hand, and by the test that compares

from __future__ import annotations

import ast
import inspect
import sys
import typing
from collections.abc import Iterator
from types import NoneType

from daemon.messages import replies
from daemon.messages.commands import COMMANDS, Arguments, CommandSpec

HEAD = """\
# The control protocol

*Made from `daemon/messages/commands.py` and `daemon/messages/replies.py` by
`python -m tools.ctl.protocol`; a test compares.*

Operators talk to the daemon over a Unix stream socket, `control.sock` in `daemon.runtime_dir`. A
frame is its length, an unsigned 32-bit big-endian integer, and that many bytes of UTF-8 JSON.

    -> {"id": 7, "command": "orders", "arguments": {"strategy": "maker"}}
    <- {"id": 7, "status": 0, "result": [...], "error": "", "command_id": 0}

`id` is the client's own and comes back. `status`: 0 done; 1 refused, by role, by the daemon's
state, or because it failed; 2 no such command, or arguments that do not fit. `error` says why.
`command_id` names a command that changed something in the log's records OPERATOR and
OPERATOR_REPLY. One request at a time a connection; a client may ask for as many as it likes.

A request above `control.request_bytes_max` is answered and the connection closed; anything else
that is wrong is answered and the connection goes on. A reply above `control.reply_bytes_max` is
replaced by a refusal that says so.

Who the peer is comes from the kernel (SO_PEERCRED), which role it has from `[[control.role]]`; root
and the daemon's own user are admin. Roles: viewer < trader < risk < admin.

**Kill** has a way of its own that no strategy can block: `kill.sock` beside the control socket, of
type SOCK_SEQPACKET, one datagram `kill`, one line of JSON back. `pitwire ctl kill` takes it and
falls back to the command below.

Prices, quantities and money are exact decimal text in natural units, ClOrdIDs 16 upper-case
hexadecimal digits, enumerations the names of `native/schema/records.toml`, `ts_*` ns since 1970
UTC. Fields are only appended; a client ignores those it does not know.
"""


def document() -> Iterator[str]:
    """The whole page, line by line."""
    yield HEAD
    yield "## Commands\n"
    yield "Those that change something are in the log, with who and when, before they act.\n"
    yield "| command | role | changes | arguments | result | |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, spec in COMMANDS.items():
        yield _command_row(name, spec)
    yield "\n## Arguments\n"
    for arguments in dict.fromkeys(spec.arguments for spec in COMMANDS.values()):
        if arguments is not Arguments:
            yield from _structure(arguments)
    yield "## Results\n"
    for row in _rows():
        yield from _structure(row)


def _command_row(name: str, spec: CommandSpec) -> str:
    arguments = "" if spec.arguments is Arguments else spec.arguments.__name__
    changes = "yes" if spec.changes else ""
    role = spec.role.name.lower()
    return f"| `{name}` | {role} | {changes} | {arguments} | {_type(spec.result)} | {spec.help} |"


def _rows() -> list[type[replies.Row]]:
    found = [each for _, each in inspect.getmembers(replies, inspect.isclass)]
    rows = [each for each in found if issubclass(each, replies.Row) and each is not replies.Row]
    return sorted(rows, key=lambda row: inspect.getsourcelines(row)[1])


def _structure(kind: type[replies.Row] | type[Arguments]) -> Iterator[str]:
    yield f"### {kind.__name__}\n"
    yield f"{inspect.cleandoc(kind.__doc__ or '')}\n"
    yield "| field | type | default |"
    yield "| --- | --- | --- |"
    hints, defaults = typing.get_type_hints(kind), _defaults(kind)
    for field in kind.__struct_fields__:
        yield f"| `{field}` | {_type(hints[field])} | {defaults.get(field, '')} |"
    yield ""


def _defaults(kind: type) -> dict[str, str]:
    """Defaults as they are written: the source says it best."""
    [body] = ast.parse(inspect.getsource(kind)).body
    written = {}
    for line in body.body if isinstance(body, ast.ClassDef) else ():
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value:
            text = ast.unparse(line.value)
            empty = {"msgspec.field(default_factory=list)": "[]"}
            text = empty.get(text, "{}" if "default_factory=dict" in text else text)
            written[line.target.id] = f"`{text}`"
    return written


def _type(kind: object) -> str:
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if kind is NoneType:
        return "null"
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"{_type(arguments[1])} by name"
    if arguments:
        return " or ".join(_type(each) for each in arguments)
    name = getattr(kind, "__name__", "anything")
    return {"int": "integer", "str": "text", "bool": "boolean", "float": "number"}.get(name, name)


if __name__ == "__main__":
    sys.stdout.write("\n".join(document()))
