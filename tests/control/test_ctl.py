"""`pitwire ctl` against a served control socket: what is asked, what is shown, how it exits."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import threading
from collections.abc import Coroutine, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.text import Text

from daemon.io.control import ControlServer, Settings
from daemon.io.peers import Peer
from daemon.messages.commands import COMMANDS
from daemon.messages.replies import Done, Outcome, Snapshot
from tests.control.samples import replies
from tools.command import main
from tools.ctl.client import default_socket
from tools.ctl.tables import (
    COLUMNS,
    EXPENDABLE,
    cell,
    duration,
    moment,
    money,
    rows,
    shown_types,
    size,
)
from tools.ctl.view import line_of, totals, view

TABLE = {"ctl": "tools.ctl"}
PARTS = ("market", "signals", "strategies", "sessions", "feeds", "orders", "fills", "latency")
LISTS = ("market", "strategies", "sessions", "feeds", "orders", "fills", "latency")


class Reply(msgspec.Struct):
    command_id: int
    status: int
    result: Any = None
    error: str = ""


class SamplePort:
    """A daemon that answers every command with an example, and notes what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.answers = replies()
        self.status = Outcome.DONE

    async def execute(self, _: Peer, name: str, arguments: dict[str, Any]) -> Reply:
        self.seen.append((name, arguments))
        error = "" if self.status is Outcome.DONE else "not now"
        return Reply(1, self.status, self.answers[name], error)


class ServedDaemon:
    """The control server on a loop and thread of its own, as the command is blocking."""

    def __init__(self, path: Path) -> None:
        self.path, self.port = path, SamplePort()
        self._loop = asyncio.new_event_loop()
        self._server = ControlServer(Settings(path=path), self.port)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._wait(self._server.start())

    def _wait(self, task: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(task, self._loop).result(10)

    def close(self) -> None:
        self._wait(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ServedDaemon]:
    served = ServedDaemon(tmp_path / "run" / "control.sock")
    yield served
    served.close()


def ctl(daemon: ServedDaemon, line: str) -> int:
    return main(["ctl", "-s", str(daemon.path), *line.split()], TABLE)


LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "status": ("status", {}),
    "market": ("market", {}),
    "feeds": ("feeds", {}),
    "risk": ("risk", {}),
    "latency": ("latency", {}),
    "snapshot": ("snapshot", {}),
    "sessions": ("sessions", {}),
    "strategies": ("strategies", {}),
    "orders --strategy q --finished": ("orders", {"strategy": "q", "finished": True}),
    "order 1f": ("order", {"cl_ord_id": "1f"}),
    "fills --limit 3": ("fills", {"limit": 3}),
    "positions --symbol X": ("positions", {"symbol": "X"}),
    "limits show": ("limits.show", {}),
    "limits set strategy:q position_max 2.5": (
        "limits.set",
        {"scope": "strategy:q", "name": "position_max", "value": "2.5"},
    ),
    "strategies start q": ("strategies.start", {"strategy": "q"}),
    "strategies stop q --reason odd": ("strategies.stop", {"strategy": "q", "reason": "odd"}),
    "strategies params q gamma=0.5 mode=fast n=[1]": (
        "strategies.params",
        {"strategy": "q", "values": {"gamma": 0.5, "mode": "fast", "n": [1]}},
    ),
    "sessions logon s": ("sessions.logon", {"session": "s"}),
    "sessions logout s": ("sessions.logout", {"session": "s"}),
    "session show s": ("sessions.show", {"session": "s"}),
    "session renew s --reason yearly": ("sessions.renew", {"session": "s", "reason": "yearly"}),
    "session hold s": ("sessions.hold", {"session": "s"}),
    "session release s": ("sessions.release", {"session": "s"}),
    "sessions numbers s --next-sender 5 --reason agreed": (
        "sessions.numbers",
        {"session": "s", "next_sender": 5, "reason": "agreed"},
    ),
    "halt --reducing --no-cancel": ("halt", {"reducing": True, "cancel": False}),
    "resume --clear-kill": ("resume", {"clear_kill": True}),
    "kill": ("kill", {}),
    "cancel-all": ("cancel-all", {}),
    "flatten --strategy q": ("flatten", {"strategy": "q"}),
    "reconciliation": ("reconciliation", {}),
    "reconcile --accept 3": ("reconcile", {"accept": 3}),
    "log-level debug": ("log-level", {"level": "debug"}),
    "shutdown --reason done": ("shutdown", {"reason": "done"}),
}


def test_every_command_of_the_protocol_has_words() -> None:
    assert {name for name, _ in LINES.values()} == set(COMMANDS)


@pytest.mark.parametrize("line", LINES)
def test_the_words_become_the_command_and_its_reply_a_table(
    daemon: ServedDaemon, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, given = LINES[line]
    assert ctl(daemon, line) == 0
    [(asked, arguments)] = daemon.port.seen
    assert asked == name
    assert {key: arguments[key] for key in given} == given
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("line", ["status --json", "--json status"])
def test_json_is_the_reply_as_the_daemon_sent_it(
    daemon: ServedDaemon, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctl(daemon, line) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == msgspec.to_builtins(daemon.port.answers["status"])


def test_exit_codes_are_1_for_refused_and_2_for_no_such_command(
    daemon: ServedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.port.status = Outcome.REFUSED
    assert ctl(daemon, "halt") == 1
    assert capsys.readouterr().err == "pitwire ctl: not now\n"
    daemon.port.status = Outcome.BAD_COMMAND
    assert ctl(daemon, "halt") == 2
    assert ctl(daemon, "limits set nowhere x 1") == 2
    assert "scope" in capsys.readouterr().err


def test_without_a_daemon_the_path_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ctl", "-s", str(tmp_path / "none"), "status"], TABLE) == 1
    assert capsys.readouterr().err == f"pitwire ctl: {tmp_path}/none: No such file or directory\n"


def test_the_socket_comes_from_the_configuration(
    daemon: ServedDaemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = (Path(__file__).parents[2] / "config" / "demo.toml").read_text()
    config = tmp_path / "c.toml"
    config.write_text(demo.replace("run/demo", str(daemon.path.parent)))
    assert main(["ctl", "-c", str(config), "status"], TABLE) == 0
    assert main(["ctl", "-c", str(tmp_path / "none.toml"), "status"], TABLE) == 2
    assert "none.toml" in capsys.readouterr().err


def test_the_default_socket_is_the_newest_under_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PITWIRE_SOCKET", raising=False)
    assert default_socket() == Path("/run/pitwire/control.sock")
    (tmp_path / "run" / "demo").mkdir(parents=True)
    (tmp_path / "run" / "demo" / "control.sock").touch()
    assert default_socket() == Path("run/demo/control.sock")
    monkeypatch.setenv("PITWIRE_SOCKET", "/elsewhere")
    assert default_socket() == Path("/elsewhere")


# ------------------------------------------------------------------ kill


@contextlib.contextmanager
def kill_socket(path: Path, reply: bytes) -> Iterator[list[bytes]]:
    """The native kill socket's protocol, once."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(100))
                connection.send(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield heard
        thread.join()


def test_kill_takes_the_native_way(daemon: ServedDaemon) -> None:
    path = daemon.path.with_name("kill.sock")
    with kill_socket(path, b'{"killed": true, "word": 1, "uid": 0, "ts": 5}\n') as heard:
        assert ctl(daemon, "kill") == 0
    assert heard == [b"kill"]
    assert daemon.port.seen == []


@pytest.mark.parametrize("reply", [b'{"error": "not permitted"}', b"noise"])
def test_kill_falls_back_to_the_control_socket(
    daemon: ServedDaemon, reply: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with kill_socket(daemon.path.with_name("kill.sock"), reply):
        assert ctl(daemon, "kill") == 0
    assert daemon.port.seen == [("kill", {"reason": ""})]
    assert "asking the control socket" in capsys.readouterr().err


# ------------------------------------------------------------------ watch


def test_watch_without_a_terminal_is_a_line_a_second(
    daemon: ServedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ctl(daemon, "watch --interval 0.01 --for 0.05") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 2
    assert "ready ACTIVE | maker=WORKING | ACME 12.50/12.50 | orders 1234567" in lines[0]
    assert lines[0].endswith("pnl +12.5000 USD")


def test_watch_waits_for_a_daemon_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["ctl", "-s", str(tmp_path / "no"), "watch", "--interval", "0.01", "--for", "0.03"]
    assert main(arguments, TABLE) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("waiting for the daemon: ")
    assert last.endswith("No such file or directory")
    assert main([*arguments, "--json"], TABLE) == 1
    assert "No such file" in json.loads(capsys.readouterr().out.splitlines()[-1])["absent"]


def screen_of(taken: object, width: int, height: int) -> list[str]:
    """What a terminal of this size shows."""
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
    with console.capture() as capture:
        console.print(view(taken))  # type: ignore[arg-type]  # plain JSON, or a sentence
    return Text.from_ansi(capture.get()).plain.splitlines()


def test_a_high_screen_shows_every_part() -> None:
    taken = msgspec.to_builtins(replies()["snapshot"])
    text = "\n".join(screen_of(taken, 200, 50))
    for title in PARTS:
        assert f"{title} ─" in text
    assert "demo" in text
    assert "KILLED" not in text
    assert "anything" not in text  # no part of the sample that has no example
    assert screen_of("no daemon", 80, 24) == [" no daemon"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 50), (60, 12)])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_the_view_never_outgrows_the_screen(width: int, height: int, count: int) -> None:
    one: Snapshot = replies()["snapshot"]
    lists = {name: getattr(one, name) * count for name in LISTS}
    shown = screen_of(msgspec.to_builtins(msgspec.structs.replace(one, **lists)), width, height)
    assert len(shown) <= height
    assert max(len(line) for line in shown) <= width
    text = "\n".join(shown)
    assert "market" in text
    assert "pnl" in text
    if (height, count) == (24, 40):
        assert "market 3 of 40 ─" in text
        assert "orders 1 of 40 ─" in text


def test_a_narrow_table_leaves_whole_columns_out_and_says_which() -> None:
    rows_of_40 = replies()["snapshot"].market * 2
    console = Console(width=60, file=io.StringIO())
    with console.capture() as capture:
        console.print(rows(rows_of_40))
    shown = capture.get()
    assert "…" not in shown
    assert "bid px" in shown
    assert "updates" not in shown.splitlines()[0]
    assert "not shown: trading, last px, updates, compared, age" in shown


def test_without_a_terminal_lines_are_whole(
    daemon: ServedDaemon, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert ctl(daemon, "strategies") == 0
    headings, row = capsys.readouterr().out.splitlines()
    assert "over budget" in headings
    assert "…" not in row


def test_pnl_is_summed_exactly_by_currency() -> None:
    snapshot: Snapshot = replies()["snapshot"]
    one = msgspec.structs.replace(
        snapshot.strategies[0], realised="0.1", unrealised="0.2", fees="0.000001"
    )
    two = msgspec.structs.replace(one, realised="-5", unrealised=None, currency="ETH")
    assert totals([one, one, two]) == ["-5.0000 ETH", "+0.6000 USD"]
    assert "pnl +0" not in line_of(msgspec.to_builtins(snapshot))


# ------------------------------------------------------------------ tables


def test_every_kind_of_row_has_its_columns() -> None:
    for kind in shown_types():
        assert set(COLUMNS[kind].split()) <= set(kind.__struct_fields__)  # type: ignore[attr-defined]  # all are Structs
        assert set(EXPENDABLE.get(kind, "").split()) < set(COLUMNS[kind].split())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("ts_core", 1_767_225_600_123_456_789, "00:00:00.123456"),
        ("ts_state", 0, "-"),
        ("p50_ns", 999, "999 ns"),
        ("max_ns", 1_500_000, "1.5 ms"),
        ("age_ms", 2_500, "2.5 s"),
        ("memory_bytes", 5 << 20, "5 MiB"),
        ("handler_ns_p99", 12_300, "12.3 us"),
        ("armed", True, "yes"),
        ("avg_px", None, "-"),
        ("signals", {"imbalance": 0.123456}, "imbalance 0.1235"),
        ("signals", {"mid": 97123.4567, "own": None}, "mid 97123.457  own -"),
        ("gaps", 3, "3"),
        ("fees", "-0.13995800", "-0.1400"),
        ("avg_px", "99.92000000", "99.92"),
        ("cl_ord_id", "000000010000002A", "10000002A"),
    ],
)
def test_values_are_shown_with_their_units(name: str, value: object, text: str) -> None:
    assert cell(name, value).plain == text


def test_money_below_a_hundredth_is_shown_exactly() -> None:
    amounts = ("1.23456", "0.01", "0", "-0.00001230", "-1234567.891")
    shown = ["1.2346", "0.0100", "0.0000", "-0.0000123", "-1234567.8910"]
    assert [money(Decimal(each)) for each in amounts] == shown


def test_forms_of_times_and_sizes() -> None:
    assert (moment(1), duration(3 * 10**9), size(3 << 30)) == ("00:00:00.000000", "3 s", "3 GiB")


def test_a_done_reply_says_where_the_log_has_it(
    daemon: ServedDaemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.port.answers["halt"] = Done(text="halted", affected=3, sequence=77)
    assert ctl(daemon, "halt") == 0
    assert capsys.readouterr().out == "halted (log sequence 77)\n"
