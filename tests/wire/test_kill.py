"""The kill path: native, off the interpreter's thread, with its peer's rights checked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from daemon import core

# In a process of its own, because this one's interpreter is what is blocked.
KILLER = """
import json, socket, sys, time
peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
peer.settimeout(20)
peer.connect(sys.argv[1])
begin = time.monotonic_ns()
peer.send(b"kill")
reply = json.loads(peer.recv(512))
print(json.dumps({**reply, "round_trip_ns": time.monotonic_ns() - begin}))
"""


def ask(path: Path, request: bytes) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as peer:
        peer.settimeout(20)
        peer.connect(str(path))
        peer.send(request)
        reply: dict[str, object] = json.loads(peer.recv(512))
        return reply


def test_kill_works_while_a_handler_holds_the_interpreter(runtime_dir: Path) -> None:
    status = core.SharedStatus(str(runtime_dir / "status"))
    path = runtime_dir / "kill.sock"
    server = core.KillSocket(str(path), status)
    with subprocess.Popen(
        [sys.executable, "-c", KILLER, str(path)], stdout=subprocess.PIPE
    ) as killer:
        # A handler that never returns to the loop and never gives the interpreter's lock away:
        # with a switch interval this long no other Python thread could run.
        before = sys.getswitchinterval()
        sys.setswitchinterval(1000)
        limit = time.monotonic() + 20
        try:
            while not status.killed and time.monotonic() < limit:
                pass
        finally:
            sys.setswitchinterval(before)
        output, _ = killer.communicate()
    reply = json.loads(output)
    assert status.killed
    assert reply["killed"] is True
    assert reply["uid"] == os.geteuid() == status.kill_uid
    assert status.kill_ts <= reply["ts"] <= core.host_now()
    assert server.ready()


def test_a_kill_wakes_a_parked_core_until_it_was_seen(runtime_dir: Path) -> None:
    status = core.SharedStatus(str(runtime_dir / "status"))
    path = runtime_dir / "kill.sock"
    server = core.KillSocket(str(path), status)
    waiter = core.Waiter()
    waiter.add(server)
    with subprocess.Popen([sys.executable, "-c", KILLER, str(path)], stdout=subprocess.DEVNULL):
        woken = waiter.wait(core.WaitMode.PARK, 0, 20_000_000_000)
    assert woken == core.WAIT_NATIVE
    assert status.killed
    server.seen()
    assert waiter.wait(core.WaitMode.PARK, 0, 0) == core.WAIT_TIMEOUT


def test_status_asks_without_killing(runtime_dir: Path) -> None:
    status = core.SharedStatus(str(runtime_dir / "status"))
    status.heartbeat(12, 34)
    path = runtime_dir / "kill.sock"
    server = core.KillSocket(str(path), status)
    reply = ask(path, b"status")
    assert (reply["killed"], reply["word"], reply["uid"]) == (False, 0, None)
    assert (reply["turn"], reply["turn_ts"], reply["pid"]) == (12, 34, os.getpid())
    assert ask(path, b"stop") == {"error": "unknown request"}
    assert not status.killed
    assert not server.ready()


def test_the_kill_outlives_the_daemon_until_an_operator_clears_it(runtime_dir: Path) -> None:
    path = str(runtime_dir / "status")
    core.SharedStatus(path).kill(1000)
    again = core.SharedStatus(path)
    assert again.killed
    assert again.kill_uid == 1000
    again.clear_kill()
    assert not core.SharedStatus.open(path).killed


def test_the_one_who_took_the_fence_may_send(runtime_dir: Path) -> None:
    status = core.SharedStatus(str(runtime_dir / "status"))
    first = status.acquire_fence()
    assert status.holds(first)
    second = core.SharedStatus.open(str(runtime_dir / "status"), writable=True).acquire_fence()
    assert not status.holds(first)
    assert status.holds(second)


def test_errors_name_the_path_and_the_reason(runtime_dir: Path) -> None:
    missing = runtime_dir / "none" / "kill.sock"
    with pytest.raises(ValueError, match=r"none: stat: No such file"):
        core.KillSocket(str(missing), core.SharedStatus(str(runtime_dir / "status")))
    (runtime_dir / "text").write_text("not a page" * 100)
    with pytest.raises(ValueError, match=r"text: is not a status page"):
        core.SharedStatus(str(runtime_dir / "text"))
