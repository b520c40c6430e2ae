"""An example of every reply, built from its type, so that no command is left without one."""

from __future__ import annotations

import typing
from typing import Any

import msgspec

from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Row

# Where the type does not say what a value looks like.
BY_NAME: dict[str, Any] = {
    "ts_core": 1_767_225_600_123_456_789,
    "phase": "ready",
    "risk_state": "ACTIVE",
    "name": "maker",
    "strategy": "maker",
    "symbol": "ACME",
    "side": "BUY",
    "state": "WORKING",
    "status": "RUNNING",
    "book_state": "LIVE",
    "currency": "USD",
    "killed": False,
}


def sample(kind: Any, name: str = "") -> Any:  # noqa: ANN401  any type of a reply
    """A value of this type; optional parts are there, lists have one element."""
    if name in BY_NAME and kind is not msgspec.NODEFAULT and not _is_row(kind):
        return BY_NAME[name]
    if _is_row(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{each: sample(hints[each], each) for each in kind.__struct_fields__})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return [sample(arguments[0])]
    if origin is dict:
        return {"key": sample(arguments[1])}
    if arguments:
        return sample(arguments[0])
    return {int: 1_234_567, str: "12.50", bool: True, float: 0.25}.get(kind, "anything")


def _is_row(kind: Any) -> bool:  # noqa: ANN401  any type of a reply
    return isinstance(kind, type) and issubclass(kind, Row)


def replies() -> dict[str, Any]:
    """An example of every command's reply."""
    made = {name: sample(spec.result) for name, spec in COMMANDS.items()}
    made["snapshot"] = msgspec.structs.replace(made["snapshot"], status=sample_status())
    return made


def sample_status() -> Any:  # noqa: ANN401  a replies.Status
    """A daemon that is well."""
    status = sample(COMMANDS["status"].result)
    log = msgspec.structs.replace(status.log, failure="", disk_low=False)
    return msgspec.structs.replace(status, name="demo", mode="live", log=log, note="")
