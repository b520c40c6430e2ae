"""What an operator asked, and what was answered."""

from typing import Any

import msgspec


class Command(msgspec.Struct, frozen=True):
    """An operator's command, in the log before it acts."""

    command_id: int
    name: str
    arguments: dict[str, Any]
    user: str
    role: str
    uid: int
    pid: int
    ts_core: int


class Reply(msgspec.Struct, frozen=True):
    """The answer: status 0 done, 1 refused, 2 bad command."""

    command_id: int
    status: int
    result: Any = None
    error: str = ""
