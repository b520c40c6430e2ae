"""A host as its files show it, and what `pitwire doctor` says of one thing it looked at."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30


@dataclass(frozen=True)
class Finding:
    """A thing looked at: state `ok`, `note`, `warning` or `bad`; what it costs where not ok."""

    name: str
    state: str
    found: str
    cost: str = ""


class Host:
    """The host as seen under `root`, so that tests can show another one; "" for what is absent."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def read(self, path: str) -> str:
        """A small text file, stripped."""
        try:
            return (self.root / path).read_text().strip()
        except OSError:
            return ""

    def all(self, pattern: str) -> set[str]:
        """Contents of all files that match."""
        return {self.read(path) for path in self.paths(pattern)}

    def paths(self, pattern: str) -> list[str]:
        """What matches, to be read."""
        return sorted(str(file.relative_to(self.root)) for file in self.root.glob(pattern))

    def cores(self, path: str) -> set[int]:
        """A list of cores in a file."""
        return cores_of(self.read(path))


def judge(good: bool, name: str, found: str, cost: str, otherwise: str = "warning") -> Finding:
    """`ok` where it is good, else `otherwise` with what it costs."""
    return Finding(name, "ok", found) if good else Finding(name, otherwise, found, cost)


def chosen(text: str) -> str:
    """The word in brackets, of a file that lists what could be chosen."""
    return text.partition("[")[2].partition("]")[0]


def cores_of(text: str) -> set[int]:
    """{0, 1, 2, 8} of "0-2,8"; none where it is no such list."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found |= set(range(int(first), int(last or first) + 1))
    return found


def cores_text(cores: set[int]) -> str:
    """ "0-2,8" of {0, 1, 2, 8}."""
    parts: list[list[int]] = []
    for core in sorted(cores):
        if parts and parts[-1][-1] == core - 1:
            parts[-1] = [parts[-1][0], core]
        else:
            parts.append([core])
    return ",".join("-".join(map(str, part)) for part in parts)


def limit_text(value: int) -> str:
    """Of a resource limit."""
    return "unlimited" if value == resource.RLIM_INFINITY else str(value)


def bytes_text(value: float) -> str:
    """In GiB or KiB."""
    return f"{value / GIB:.1f} GiB" if value >= GIB else f"{value / 1024:.0f} KiB"
