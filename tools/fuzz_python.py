"""Fuzz targets in Python: `python -m tools.fuzz_python TARGET [libFuzzer's arguments]`.

What reads bytes from outside in Python is the control socket and the configuration. Their targets
are functions of bytes that raise only where a promise is broken; atheris drives them by coverage
here, `tests/project/test_fuzz_targets.py` with seeded mutations and without atheris.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import msgspec
import structlog

from daemon.app.configuration import ConfigurationError, parse
from daemon.io.control import LENGTH, ControlServer, Settings
from daemon.io.peers import Peer
from daemon.messages.commands import COMMANDS, Role
from daemon.messages.replies import Outcome

ROOT: Final = Path(__file__).parents[1]


# ------------------------------------------------------------------ the control socket


class _Port:
    """Answers every command at once."""

    async def execute(self, _peer: Peer, _name: str, _arguments: dict[str, Any]) -> Any:  # noqa: ANN401  an Answer
        return SimpleNamespace(command_id=1, status=0, result=None, error="")


class _Server(ControlServer):
    """As the daemon's, for a peer that may do everything."""

    def _admit(self, connection: socket.socket) -> Peer:  # noqa: ARG002  there is none
        return Peer(uid=0, gid=0, pid=0, user="fuzz", role=max(Role))

    async def converse(self, frames: bytes) -> bytes:
        """All that is said to these bytes of one connection."""
        reader = asyncio.StreamReader()
        reader.feed_data(frames)
        reader.feed_eof()
        writer = _Writer()
        with contextlib.suppress(asyncio.IncompleteReadError):  # the peer has gone
            await self._converse(reader, cast("asyncio.StreamWriter", writer))
        return bytes(writer.said)


class _Writer:
    """What a connection's end needs to have of a StreamWriter."""

    def __init__(self) -> None:
        self.said = bytearray()

    def get_extra_info(self, _name: str) -> None:
        return None

    def write(self, text: bytes) -> None:
        self.said += text

    async def drain(self) -> None:
        return None


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """A reply as its reader takes it."""

    id: int
    status: Outcome
    result: Any
    error: str
    command_id: int


_SERVER: Final = _Server(Settings(path=Path("unused"), request_bytes_max=512), _Port())
_LOOP: Final = asyncio.new_event_loop()


def control(data: bytes) -> None:
    """Frames of a connection; each line of the data is one, behind a length of its own.

    A line that begins with 0xff stands as it is, so that lengths are fuzzed too.
    """
    frames = b"".join(
        line[1:] if line[:1] == b"\xff" else LENGTH.pack(len(line)) + line
        for line in data.split(b"\n")
    )
    said = _LOOP.run_until_complete(_SERVER.converse(frames))
    while said:
        (size,) = LENGTH.unpack(said[: LENGTH.size])
        msgspec.json.decode(said[LENGTH.size : LENGTH.size + size], type=_Said)
        said = said[LENGTH.size + size :]


def control_seeds() -> dict[str, bytes]:
    """A request of every command, and a few that are none."""
    seeds = {
        name: msgspec.json.encode({"id": 7, "command": name, "arguments": {}}) for name in COMMANDS
    }
    limit = {"name": "quantity_max", "value": 5, "strategy": "maker", "symbol": "ACME"}
    seeds["limit"] = b'{"command":"status"}\n' + msgspec.json.encode(
        {"id": 1, "command": "limit", "arguments": limit}
    )
    seeds["no_request"] = b'[1, 2]\n{"command":3}\n\xff\x00\x00\x00\x05ab\n'
    return seeds


# ------------------------------------------------------------------ the configuration


def configuration(data: bytes) -> None:
    """A file's text: a configuration, or told what is wrong with it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return  # refused where the file is read
    try:
        parse(text).canonical()
    except ConfigurationError as error:
        if not str(error):
            raise AssertionError("a problem without a word") from error


def configuration_seeds() -> dict[str, bytes]:
    """The configurations that are shipped."""
    files = sorted((ROOT / "config").glob("*.toml"))
    return {file.stem: file.read_bytes() for file in files if b"[daemon]" in file.read_bytes()}


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "control": control,
    "configuration": configuration,
}
SEEDS: Final[dict[str, Callable[[], dict[str, bytes]]]] = {
    "control": control_seeds,
    "configuration": configuration_seeds,
}


def main() -> None:
    """Fuzz one target; libFuzzer ends the process."""
    import atheris  # in the group `deep` alone

    # A log of refused requests says nothing here, and takes most of the time.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    name, *arguments = sys.argv[1:]
    for module in ("daemon.io.control", "daemon.app.configuration", "tomllib._parser"):
        for each in vars(sys.modules[module]).values():
            if callable(each) and getattr(each, "__module__", None) == module:
                instrument(atheris, each)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


def instrument(atheris: Any, thing: Any) -> None:  # noqa: ANN401  a module and whatever it has
    """Have atheris see where a function, or a class's methods, go."""
    functions = vars(thing).values() if isinstance(thing, type) else [thing]
    for function in functions:
        if hasattr(function, "__code__"):
            atheris.instrument_func(function)


if __name__ == "__main__":
    main()
