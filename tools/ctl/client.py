"""Talks to a daemon's control socket and kill socket: blocking, one request at a time."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

LENGTH: Final = struct.Struct(">I")
REPLY_BYTES_MAX: Final = 1 << 28
KILL_REPLY_BYTES_MAX: Final = 4096
SYSTEM_SOCKET: Final = Path("/run/pitwire/control.sock")


class NoDaemonError(Exception):
    """Nobody answers, or not in our protocol; the text says where and why."""


class Reply(msgspec.Struct, frozen=True):
    """As the daemon sent it; `result` is plain JSON."""

    id: int
    status: int
    result: Any = None
    error: str = ""
    command_id: int = 0


class Client:
    """A connection to the control socket. NoDaemonError from every method."""

    def __init__(self, path: Path, timeout_seconds: float = 10) -> None:
        self._path, self._timeout_seconds, self._number = path, timeout_seconds, 0
        self._socket = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def ask(self, command: str, arguments: Mapping[str, Any] | None = None) -> Reply:
        """The daemon's reply to one command."""
        self._number += 1
        request = {"id": self._number, "command": command, "arguments": dict(arguments or {})}
        content = json.dumps(request).encode()
        try:
            self._socket.sendall(LENGTH.pack(len(content)) + content)
            (size,) = LENGTH.unpack(self._exactly(LENGTH.size))
            if size > REPLY_BYTES_MAX:
                raise NoDaemonError(f"{self._path}: a reply of {size} bytes is not ours")
            return msgspec.json.decode(self._exactly(size), type=Reply)
        except TimeoutError:
            seconds = f"{self._timeout_seconds:g} s"
            raise NoDaemonError(f"{self._path}: no answer to {command} within {seconds}") from None
        except OSError as error:
            raise NoDaemonError(f"{self._path}: {error.strerror or error}") from None
        except msgspec.DecodeError as error:
            raise NoDaemonError(f"{self._path}: not a reply of ours: {error}") from None

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(self._timeout_seconds)
        try:
            connection.connect(str(self._path))
        except OSError as error:
            connection.close()
            raise NoDaemonError(f"{self._path}: {error.strerror or error}") from None
        return connection

    def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            part = self._socket.recv(size - len(content))
            if not part:
                raise NoDaemonError(f"{self._path}: the daemon hung up")
            content += part
        return bytes(content)


def kill(path: Path, timeout_seconds: float = 2) -> dict[str, Any]:
    """Set the kill word by the native kill socket, which answers also while a strategy loops.

    The socket's JSON reply; NoDaemonError where it cannot be asked or refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(str(path))
            connection.send(b"kill")
            reply = msgspec.json.decode(connection.recv(KILL_REPLY_BYTES_MAX), type=dict[str, Any])
    except OSError as error:
        raise NoDaemonError(f"{path}: {error.strerror or error}") from None
    except msgspec.DecodeError as error:
        raise NoDaemonError(f"{path}: not a reply of ours: {error}") from None
    if "error" in reply:
        raise NoDaemonError(f"{path}: {reply['error']}")
    return reply


def default_socket() -> Path:
    """Where a daemon most likely listens: PITWIRE_SOCKET, under run/ here, or the service's."""
    if given := os.environ.get("PITWIRE_SOCKET"):
        return Path(given)
    here = sorted([*Path("run").glob("control.sock"), *Path("run").glob("*/control.sock")])
    return max(here, key=lambda path: path.stat().st_mtime) if here else SYSTEM_SOCKET
