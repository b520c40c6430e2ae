"""The control socket: framed JSON over a Unix stream socket, one request at a time a connection.

A frame is its length, an unsigned 32-bit big-endian integer, and that many bytes of UTF-8 JSON.
Request `{"id": 7, "command": "status", "arguments": {}}`, reply `{"id": 7, "status": 0, "result":
..., "error": "", "command_id": n}`, status as `replies.Outcome`. What is wrong with a request is
said in a reply and the connection goes on, except after a frame beyond the limit, whose bytes are
not read: there it is closed.

Who the peer is comes from the kernel (SO_PEERCRED at the time of connect), what it may do from the
grants (`daemon.io.peers`); every command has its least role in `daemon.messages.commands`.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import socket
import struct
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import structlog

from daemon.io.peers import Grant, Peer, peer_of
from daemon.io.unix_socket import identity, listening_socket
from daemon.messages.commands import COMMANDS, CommandSpec
from daemon.messages.replies import Outcome

LENGTH: Final = struct.Struct(">I")

_log = structlog.get_logger("control")


class Answer(Protocol):
    """What a command comes back as: `daemon.messages.operator.Reply` is one."""

    @property
    def command_id(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def result(self) -> Any: ...  # noqa: ANN401  a structure of daemon.messages.replies
    @property
    def error(self) -> str: ...


class CommandPort(Protocol):
    """The core as operators see it."""

    async def execute(self, peer: Peer, name: str, arguments: dict[str, Any]) -> Answer:
        """Put the command into the log and the turn; return when it was answered.

        Called only with a name of COMMANDS, arguments its type accepts (defaults filled in), and
        a peer whose role suffices.
        """


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where and for whom; sizes in bytes, without the length."""

    path: Path
    mode: int = 0o600
    grants: tuple[Grant, ...] = ()
    request_bytes_max: int = 1 << 16
    reply_bytes_max: int = 1 << 24
    connections_max: int = 32
    # Beyond it the operator is told that nobody answered; the command may still act.
    answer_seconds_max: float = 60.0


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    command: str
    id: int = 0
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)


class _Reply(msgspec.Struct):
    id: int
    status: int
    result: Any = None
    error: str = ""
    command_id: int = 0


class RefusedError(Exception):
    """A request that does not reach the core; `status` is its reply's."""

    def __init__(self, status: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class ControlServer:
    """Serves operators on the running event loop until closed."""

    def __init__(self, settings: Settings, port: CommandPort) -> None:
        self._settings, self._port = settings, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._identity: tuple[int, int] | None = None

    async def start(self) -> None:
        """Listen. OSError where the path cannot be had; a dead daemon's socket is replaced."""
        listener = listening_socket(self._settings.path, self._settings.mode)
        # By its inode, so that the end removes only what is still ours.
        self._identity = identity(self._settings.path)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=self._settings.request_bytes_max + LENGTH.size
        )

    async def close(self) -> None:
        """Stop listening, end every connection, remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if identity(self._settings.path) == self._identity:
            self._settings.path.unlink(missing_ok=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  asyncio runs this as a task
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The peer has gone, or we close: there is nobody to tell.
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = self._admit(writer.get_extra_info("socket"))
        except RefusedError as refused:
            await self._send(writer, _Reply(0, refused.status, error=str(refused)))
            return
        while True:
            (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if size > self._settings.request_bytes_max:
                reason = f"a request of {size} bytes; at most {self._settings.request_bytes_max}"
                await self._send(writer, _Reply(0, Outcome.BAD_COMMAND, error=reason))
                return
            await self._send(writer, await self._answer(peer, await reader.readexactly(size)))

    def _admit(self, connection: socket.socket) -> Peer:
        if len(self._connections) > self._settings.connections_max:
            reason = f"already {self._settings.connections_max} operators' connections"
            raise RefusedError(Outcome.REFUSED, reason)
        peer = peer_of(connection, self._settings.grants)
        if peer is None:
            raise RefusedError(Outcome.REFUSED, "your user has no role in [control]")
        return peer

    async def _answer(self, peer: Peer, frame: bytes) -> _Reply:
        number = 0
        try:
            request = _decode(frame)
            number = request.id
            spec = permitted(peer, request.command)
            arguments = checked_arguments(spec, request.arguments)
            async with asyncio.timeout(self._settings.answer_seconds_max):
                answer = await self._port.execute(peer, request.command, arguments)
        except RefusedError as refused:
            _log.warning("command refused", user=peer.user, reason=str(refused))
            return _Reply(number, refused.status, error=str(refused))
        except TimeoutError:
            reason = f"no answer within {self._settings.answer_seconds_max:g} s; it may still act"
            return _Reply(number, Outcome.REFUSED, error=reason)
        except Exception as error:
            # The command failed inside the daemon: the operator must hear of it, and so must the
            # log; the socket stays, because it is what one stops the daemon with.
            _log.exception("a command failed", command=request.command, user=peer.user)
            reason = f"failed: {type(error).__name__}: {error}"
            return _Reply(number, Outcome.REFUSED, error=reason)
        return _Reply(number, answer.status, answer.result, answer.error, answer.command_id)

    async def _send(self, writer: asyncio.StreamWriter, reply: _Reply) -> None:
        text = msgspec.json.encode(reply)
        if len(text) > self._settings.reply_bytes_max:
            limit = self._settings.reply_bytes_max
            reason = f"the reply has {len(text)} bytes, at most {limit}: ask for less (limit)"
            text = msgspec.json.encode(_Reply(reply.id, Outcome.REFUSED, error=reason))
        writer.write(LENGTH.pack(len(text)) + text)
        await writer.drain()


# ------------------------------------------------------------------ requests


def _decode(frame: bytes) -> _Request:
    try:
        return msgspec.json.decode(frame, type=_Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Outcome.BAD_COMMAND, f"malformed request: {error}") from None


def permitted(peer: Peer, name: str) -> CommandSpec:
    """The command of this name, if the peer's role suffices; RefusedError otherwise."""
    spec = COMMANDS.get(name)
    if spec is None:
        near = difflib.get_close_matches(name[:64], COMMANDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise RefusedError(Outcome.BAD_COMMAND, f"unknown command {name[:64]!r}{hint}")
    if peer.role < spec.role:
        needs, has = spec.role.name.lower(), peer.role.name.lower()
        raise RefusedError(Outcome.REFUSED, f"{name} needs the role {needs}; {peer.user} is {has}")
    return spec


def checked_arguments(spec: CommandSpec, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with defaults filled in; RefusedError names the one that is wrong."""
    try:
        typed = msgspec.convert(arguments, spec.arguments)
    except msgspec.ValidationError as error:
        reason = str(error).replace(" - at `$.", " - at `")
        raise RefusedError(Outcome.BAD_COMMAND, f"arguments: {reason}") from None
    return {name: getattr(typed, name) for name in typed.__struct_fields__}
