"""What is wrong in a file, by the key: the same words for every file that is read strictly."""

from __future__ import annotations

import re

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One fault: the key's path, empty where the file as a whole is meant, and the reason."""

    key: str
    reason: str


def problem_of(error: msgspec.ValidationError) -> Problem:
    """msgspec's message as key and reason: "... unknown field `x` - at `$.log`" is key log.x."""
    reason, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").removeprefix(".")
    named = re.match(r"Object (?:contains unknown|missing required) field `(.+)`$", reason)
    # What our own __post_init__ refuses begins with the key.
    own = re.match(r"([a-z_][\w.\[\]]*): (.+)$", reason, re.DOTALL)
    if named:
        reason = "unknown key" if "unknown" in reason else "missing"
        path = f"{path}.{named[1]}"
    elif own:
        path, reason = f"{path}.{own[1]}", own[2]
    return Problem(path.strip("."), reason)
