"""The control socket: who may, what is refused, and that nothing a peer sends ends it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import stat
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from daemon.io.control import (
    CommandPort,
    ControlServer,
    RefusedError,
    Settings,
    checked_arguments,
    permitted,
)
from daemon.io.peers import Grant, Peer, grants_of, peer_of
from daemon.io.unix_socket import listening_socket
from daemon.messages.commands import COMMANDS, Role
from daemon.messages.replies import Done, Outcome


class Reply(msgspec.Struct):
    command_id: int
    status: int
    result: Any = None
    error: str = ""


class RecordingPort:
    """A core that notes what reaches it; `raises` makes it fail, `silent` never answer."""

    def __init__(self) -> None:
        self.seen: list[tuple[Peer, str, dict[str, Any]]] = []
        self.raises: Exception | None = None
        self.silent = False
        self.reached = asyncio.Event()
        self.text = "done"

    async def execute(self, peer: Peer, name: str, arguments: dict[str, Any]) -> Reply:
        self.seen.append((peer, name, arguments))
        self.reached.set()
        if self.raises is not None:
            raise self.raises
        if self.silent:
            await asyncio.Event().wait()
        return Reply(len(self.seen), Outcome.DONE, Done(text=self.text))


class Client:
    """A peer that can also say what it should not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def raw(self, content: bytes) -> dict[str, Any]:
        self.writer.write(content)
        (size,) = struct.unpack(">I", await self.reader.readexactly(4))
        reply: dict[str, Any] = json.loads(await self.reader.readexactly(size))
        return reply

    async def frame(self, content: bytes) -> dict[str, Any]:
        return await self.raw(struct.pack(">I", len(content)) + content)

    async def ask(self, command: str, number: int = 1, **arguments: object) -> dict[str, Any]:
        request = {"id": number, "command": command, "arguments": arguments}
        return await self.frame(json.dumps(request).encode())


@pytest.fixture
def port() -> RecordingPort:
    return RecordingPort()


@pytest.fixture
async def server(tmp_path: Path, port: CommandPort) -> AsyncIterator[Settings]:
    settings = Settings(
        path=tmp_path / "run" / "control.sock",
        request_bytes_max=1000,
        reply_bytes_max=5000,
        connections_max=3,
    )
    serving = ControlServer(settings, port)
    await serving.start()
    yield settings
    await serving.close()
    assert not settings.path.exists()


async def connect(settings: Settings) -> Client:
    return Client(*await asyncio.open_unix_connection(str(settings.path)))


async def test_a_command_reaches_the_core_with_who_gave_it(
    server: Settings, port: RecordingPort
) -> None:
    client = await connect(server)
    reply = await client.ask("cancel-all", 7, strategy="maker")
    assert reply == {
        "id": 7,
        "status": 0,
        "result": {"text": "done", "affected": 0, "sequence": 0},
        "error": "",
        "command_id": 1,
    }
    peer, name, arguments = port.seen[0]
    assert (peer.uid, peer.pid, peer.role) == (os.getuid(), os.getpid(), Role.ADMIN)
    assert name == "cancel-all"
    assert arguments == {"strategy": "maker", "symbol": None, "reason": ""}


def test_it_serves_on_uvloop_whose_sockets_are_not_quite_sockets(tmp_path: Path) -> None:
    settings = Settings(path=tmp_path / "run" / "control.sock")

    async def exchange() -> dict[str, Any]:
        serving = ControlServer(settings, RecordingPort())
        await serving.start()
        reply = await (await connect(settings)).ask("status")
        await serving.close()
        return reply

    assert uvloop.run(exchange())["status"] == Outcome.DONE
    assert not settings.path.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "malformed request"),
        (b"{", "malformed request"),
        (b"[1]", "malformed request"),
        (b"\xff\xfe", "malformed request"),
        (b"[" * 900, "malformed request"),
        (b'{"id": 1}', "malformed request"),
        (b'{"command": "status", "who": "me"}', "malformed request"),
        (b'{"command": "statsu"}', "did you mean status?"),
        (b'{"command": "status", "arguments": {"x": 1}}', "unknown field `x`"),
        (b'{"command": "orders", "arguments": {"limit": 0}}', "limit"),
        (b'{"command": "limits.set", "arguments": {"scope": "firm"}}', "name"),
    ],
)
async def test_a_bad_request_is_answered_and_the_connection_goes_on(
    server: Settings, port: RecordingPort, content: bytes, reason: str
) -> None:
    client = await connect(server)
    reply = await client.frame(content)
    assert reply["status"] == Outcome.BAD_COMMAND
    assert reason in reply["error"]
    assert port.seen == []
    assert (await client.ask("status"))["status"] == Outcome.DONE


@pytest.mark.parametrize("size", [999, 1000, 1001])
async def test_a_request_may_have_exactly_the_limit(server: Settings, size: int) -> None:
    client = await connect(server)
    content = b'{"command": "status"}'.ljust(size)
    reply = await client.frame(content)
    if size <= 1000:
        assert reply["status"] == Outcome.DONE
    else:
        assert reply["error"] == "a request of 1001 bytes; at most 1000"
        assert await client.reader.read() == b""


async def test_a_length_of_four_gigabytes_is_refused_unread(server: Settings) -> None:
    client = await connect(server)
    reply = await client.raw(b"\xff\xff\xff\xff")
    assert "4294967295 bytes" in reply["error"]


async def test_a_reply_above_the_limit_says_so(server: Settings, port: RecordingPort) -> None:
    port.text = "x" * 6000
    reply = await (await connect(server)).ask("status")
    assert reply["status"] == Outcome.REFUSED
    assert "at most 5000" in reply["error"]


async def test_a_command_that_fails_inside_is_told_and_the_socket_stays(
    server: Settings, port: RecordingPort
) -> None:
    port.raises = LookupError("no such order")
    client = await connect(server)
    reply = await client.ask("order", cl_ord_id="1F")
    assert reply["status"] == Outcome.REFUSED
    assert reply["error"] == "failed: LookupError: no such order"
    port.raises = None
    assert (await client.ask("status"))["status"] == Outcome.DONE


async def test_an_operator_is_told_when_nobody_answers(tmp_path: Path, port: RecordingPort) -> None:
    port.silent = True
    settings = Settings(path=tmp_path / "run" / "c.sock", answer_seconds_max=0.01)
    serving = ControlServer(settings, port)
    await serving.start()
    client = await connect(settings)
    reply = await client.ask("halt")
    assert (reply["status"], reply["error"]) == (
        Outcome.REFUSED,
        "no answer within 0.01 s; it may still act",
    )
    port.silent = False
    assert (await client.ask("status"))["status"] == Outcome.DONE
    await serving.close()


async def test_closing_does_not_wait_for_a_command_that_never_ends(
    tmp_path: Path, port: RecordingPort
) -> None:
    port.silent = True
    settings = Settings(path=tmp_path / "run" / "c.sock")
    serving = ControlServer(settings, port)
    await serving.start()
    asking = asyncio.create_task((await connect(settings)).ask("halt"))
    await asyncio.wait_for(port.reached.wait(), 5)
    await asyncio.wait_for(serving.close(), 5)
    with pytest.raises(asyncio.IncompleteReadError):
        await asking


async def test_the_connection_above_the_limit_is_told_why(server: Settings) -> None:
    clients = [await connect(server) for _ in range(3)]
    for client in clients:
        await client.ask("status")
    extra = await connect(server)
    reply = await extra.frame(b"{}")
    assert reply["error"] == "already 3 operators' connections"
    clients[0].writer.close()
    await clients[0].writer.wait_closed()
    again = await connect(server)
    while "already" in (await again.ask("status"))["error"]:
        again = await connect(server)


async def test_random_bytes_never_end_the_server(server: Settings) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    stream = random.Random(seed)
    for _ in range(60):
        reader, writer = await asyncio.open_unix_connection(str(server.path))
        writer.write(stream.randbytes(stream.randrange(1, 300)))
        writer.write_eof()
        await reader.read()
        writer.close()
    assert (await (await connect(server)).ask("status"))["status"] == Outcome.DONE


async def test_a_second_daemon_does_not_take_the_socket_of_a_living_one(server: Settings) -> None:
    with pytest.raises(FileExistsError, match="another daemon"):
        await ControlServer(server, RecordingPort()).start()
    assert (await (await connect(server)).ask("status"))["status"] == Outcome.DONE


# ------------------------------------------------------------------ roles


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_its_least_role(role: Role, name: str) -> None:
    peer = Peer(1, 1, 1, "alice", role)
    if role >= COMMANDS[name].role:
        assert permitted(peer, name) is COMMANDS[name]
    else:
        with pytest.raises(RefusedError, match="needs the role") as refused:
            permitted(peer, name)
        assert refused.value.status is Outcome.REFUSED


def test_only_commands_that_change_nothing_are_a_viewers() -> None:
    for name, spec in COMMANDS.items():
        assert (spec.role is Role.VIEWER) == (not spec.changes), name


def test_arguments_are_filled_in_with_their_defaults() -> None:
    assert checked_arguments(COMMANDS["orders"], {"symbol": "ACME"}) == {
        "strategy": None,
        "symbol": "ACME",
        "finished": False,
        "limit": 500,
    }


class Entry(msgspec.Struct):
    role: str
    user: str | None = None
    uid: int | None = None
    group: str | None = None
    gid: int | None = None


def test_grants_by_name_and_number() -> None:
    assert grants_of([Entry("risk", user="root"), Entry("viewer", gid=7)]) == (
        Grant(role=Role.RISK, uid=0),
        Grant(role=Role.VIEWER, gid=7),
    )
    with pytest.raises(ValueError, match="knows no nobody-here"):
        grants_of([Entry("risk", group="nobody-here")])


def as_user(uid: int, gid: int, grants: tuple[Grant, ...]) -> Peer | None:
    """The peer that a connection made by a process of that user is taken for."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        return _from_child(uid, gid, grants)


def _from_child(uid: int, gid: int, grants: tuple[Grant, ...]) -> Peer | None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # the kernel chooses an abstract name
        listener.listen()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as outgoing:
                outgoing.connect(listener.getsockname())
                outgoing.recv(1)
            os._exit(0)
        connection, _ = listener.accept()
        with connection:
            peer = peer_of(connection, grants)
        os.waitpid(child, 0)
        return peer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_kernel_says_who_a_peer_is() -> None:
    grants = (Grant(role=Role.VIEWER, gid=4242), Grant(role=Role.RISK, uid=4343))
    viewer, risk = as_user(1, 4242, grants), as_user(4343, 4242, grants)
    assert viewer is not None
    assert (viewer.uid, viewer.gid, viewer.role) == (1, 4242, Role.VIEWER)
    assert risk is not None
    assert (risk.user, risk.role) == ("uid 4343", Role.RISK)
    assert as_user(1, 1, grants) is None


# ------------------------------------------------------------------ the socket's rights


@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_the_socket_appears_with_its_rights(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "run" / "control.sock"
    with listening_socket(path, mode):
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [each.name for each in path.parent.iterdir()] == ["control.sock"]


def test_a_dead_daemons_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"
    listening_socket(path, 0o600).close()
    with listening_socket(path, 0o600), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    tmp_path.chmod(0o700)
    with pytest.raises(FileExistsError, match="no socket"):
        listening_socket(path, 0o600)
    assert path.read_text() == "precious"


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    with pytest.raises(PermissionError, match="written by others"):
        listening_socket(tmp_path / "control.sock", 0o600)
