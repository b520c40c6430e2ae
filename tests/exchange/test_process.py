"""The exchange as a process: orders, the feed, the snapshot, the record of trades, the end."""

from __future__ import annotations

import csv
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.exchange.fix_client import FixClient, now
from tests.exchange.running import AGENTS, ROOT, Running


@pytest.fixture
def line() -> Iterator[socket.socket]:
    """A UDP socket that hears the feed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)
        yield listening


@pytest.fixture
def exchange(tmp_path: Path, line: socket.socket) -> Iterator[Running]:
    config = tmp_path / "exchange.toml"
    # Slow agents: the book stands nearly still while a test thinks.
    config.write_text(AGENTS.format(folder=tmp_path, line=line.getsockname()[1], rate=1))
    with Running(config) as running:
        yield running


def trades(folder: Path) -> list[dict[str, str]]:
    with (folder / "trades.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_order_is_acknowledged_traded_and_recorded(exchange: Running, tmp_path: Path) -> None:
    client = FixClient(exchange.ports["fix"])
    client.order(1, 1, 5, "100.30", "ACME", (59, 3))
    assert client.report(1, "0")[39] == "0"
    filled = client.wait(lambda m: m[35] == "8" and m[39] == "2")
    assert Decimal(filled[31]) < Decimal("100.30")
    assert filled[851] == "2"
    fills = [m for m in client.received if m[35] == "8" and m[150] == "F"]
    rows = trades(tmp_path)
    assert [(row["cl_ord_id"], row["exec_id"]) for row in rows] == [(m[11], m[17]) for m in fills]
    assert [Decimal(row["px"]) for row in rows] == [Decimal(m[31]) for m in fills]
    assert [Decimal(row["fee"]) for row in rows] == [Decimal(m[12]) for m in fills]
    expected = Decimal(fills[0][31]) * Decimal(fills[0][32]) * Decimal("0.00003")
    assert Decimal(rows[0]["fee"]) == expected.quantize(Decimal("1e-8"))


def test_two_clients_trade_with_each_other_at_the_passive_price(exchange: Running) -> None:
    maker = FixClient(exchange.ports["fix"])
    taker = FixClient(exchange.ports["fix"], name="OTHER")
    maker.order(1, 2, 3, "99.99", "ACME", (18, 6))  # post-only inside the spread
    maker.report(1, "0")
    taker.order(1, 1, 3, "100.00", "ACME")
    assert taker.report(1, "F")[31] == "99.9900"
    passive = maker.report(1, "F")
    assert (passive[851], passive[39]) == ("1", "2")
    assert Decimal(passive[12]) < 0


def test_changes_follow_the_order_and_refusals_say_why(exchange: Running) -> None:
    client = FixClient(exchange.ports["fix"])
    client.order(1, 1, 10, "90.00", "ACME")
    client.report(1, "0")
    client.change("G", 2, 1, 1, "ACME", (38, 4), (40, 2), (44, "90.00"))
    assert client.report(2, "5")[151] == "4"
    client.change("F", 3, 2, 1, "ACME", (38, 4))
    assert client.report(3, "4")[41] == f"{2:016X}"
    client.change("F", 4, 2, 1, "ACME", (38, 4))
    refused = client.wait(lambda m: m[35] == "9")
    assert (refused[434], refused[102], refused[39]) == ("1", "0", "4")
    client.order(5, 1, 10, "90.001", "ACME")
    assert client.report(5, "8")[58].startswith("price")


def test_status_is_told_for_known_and_unknown_orders(exchange: Running) -> None:
    client = FixClient(exchange.ports["fix"])
    client.order(1, 1, 10, "90.00", "ACME")
    client.report(1, "0")
    client.change("H", 1, 0, 1, "ACME")
    assert client.report(1, "I")[39] == "0"
    client.change("H", 99, 0, 1, "ACME")
    unknown = client.report(99, "I")
    assert (unknown[39], unknown[103]) == ("8", "5")


def mass_cancel(client: FixClient, cl_ord_id: int, *more: tuple[int, object]) -> dict[int, str]:
    """OrderMassCancelRequest for all orders; its answer."""
    client.send("q", [(11, f"{cl_ord_id:016X}"), (530, 7), (60, now()), *more])
    return client.wait(lambda m: m[35] in "rj")


def test_a_session_that_is_entitled_cancels_anothers_orders_and_sees_them_gone(
    exchange: Running, tmp_path: Path
) -> None:
    owner, desk = FixClient(exchange.ports["fix"]), FixClient(exchange.ports["fix"], "KILL")
    for number in (1, 2, 3):
        owner.order(number, 1, 10, "90.00", "ACME")
        owner.report(number, "0")
    behalf = (115, "PITWIRE")
    desk.change("F", 0x99, 2, 1, "ACME", (38, 10), behalf)
    copy = desk.report(0x99, "4")
    assert (copy[41], copy[39]) == (f"{2:016X}", "4")
    told = owner.report(2, "4")
    assert (told.get(41), told[58]) == (None, "canceled on behalf of the session")
    report = mass_cancel(desk, 0x9A, behalf)
    assert (report[35], report[531], report[533]) == ("r", "7", "2")
    assert [owner.report(number, "4")[39] for number in (1, 3)] == ["4", "4"]
    desk.change("H", 3, 0, 1, "ACME", behalf)
    assert desk.report(3, "I")[39] == "4"
    with (tmp_path / "reports.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["exec_type"] == "CANCELED"]
    assert [(row["session"], int(row["cl_ord_id"], 16)) for row in rows] == [
        ("PITWIRE", 2),
        ("KILL", 0x99),
        ("PITWIRE", 1),
        ("PITWIRE", 3),
    ]


def test_a_session_that_is_not_entitled_is_refused_whatever_it_asks(exchange: Running) -> None:
    owner, other = FixClient(exchange.ports["fix"]), FixClient(exchange.ports["fix"], "OTHER")
    owner.order(1, 1, 10, "90.00", "ACME")
    owner.report(1, "0")
    why = "not entitled to orders of that session"
    behalf = (115, "PITWIRE")
    other.change("F", 0x99, 1, 1, "ACME", (38, 10), behalf)
    refused = other.wait(lambda m: m[35] == "9")
    assert (refused[102], refused[58]) == ("2", why)
    other.change("H", 1, 0, 1, "ACME", behalf)
    untold = other.report(1, "I")
    assert (untold[39], untold[103], untold[58]) == ("8", "99", why)
    answer = mass_cancel(other, 0x9A, behalf)
    assert (answer[531], answer[532], answer[58]) == ("0", "99", why)
    assert mass_cancel(other, 0x9B, (115, "NOBODY"))[531] == "0"
    owner.change("H", 1, 0, 1, "ACME")
    assert owner.report(1, "I")[39] == "0"


def ask_positions(client: FixClient, request: int, *more: tuple[int, object]) -> dict[int, str]:
    """RequestForPositions; its acknowledgement."""
    fields: list[tuple[int, object]] = [(710, f"{request:016X}"), (724, 0), (1, "A"), (581, 1)]
    kept = [field for field in fields if field[0] not in {tag for tag, _ in more}]
    client.send("AN", [*kept, (715, "20260101"), (60, "20260101-10:00:00"), *more])
    return client.wait(lambda m: m[35] == "AO")


def test_positions_are_told_from_the_record_of_trades_to_each_client_its_own(
    exchange: Running,
) -> None:
    maker = FixClient(exchange.ports["fix"])
    taker = FixClient(exchange.ports["fix"], name="OTHER")
    none = ask_positions(maker, 0xA1)
    assert (none[710], none[728], none[729], none[727]) == (f"{0xA1:016X}", "2", "0", "0")
    maker.order(1, 2, 3, "99.99", "ACME", (18, 6))
    maker.report(1, "0")
    taker.order(1, 1, 3, "100.00", "ACME")
    taker.report(1, "F")
    maker.report(1, "F")
    for client, quantities in ((maker, ("0", "3")), (taker, ("3", "0"))):
        found = ask_positions(client, 0xA2)
        assert (found[728], found[727], found[1]) == ("0", "1", client.name)
        report = client.wait(lambda m: m[35] == "AP")
        assert (report[710], report[55], report[703]) == (f"{0xA2:016X}", "ACME", "TOT")
        assert (report[704], report[705]) == quantities
        assert report[730] == "99.9900"
    assert ask_positions(maker, 0xA3, (55, "BOLT"))[728] == "2"


def test_a_question_for_positions_that_is_wrong_is_refused_with_the_reason(
    exchange: Running,
) -> None:
    client = FixClient(exchange.ports["fix"])
    for wrong, said in (
        ((724, 1), "PosReqType"),
        ((263, 1), "SubscriptionRequestType"),
        ((55, "NOSUCH"), "unknown symbol NOSUCH"),
        ((710, "mine"), "PosReqID"),
    ):
        refused = ask_positions(client, 1, wrong)
        assert (refused[729], refused[727]) == ("2", "0")
        assert said in refused[58]
    client.send("AN", [(710, f"{1:016X}"), (724, 0)])
    rejected = client.wait(lambda m: m[35] == "3")
    assert (rejected[372], rejected[373]) == ("AN", "1")


def test_a_restarted_exchange_goes_on_with_its_record(tmp_path: Path, line: socket.socket) -> None:
    config = tmp_path / "exchange.toml"
    config.write_text(AGENTS.format(folder=tmp_path, line=line.getsockname()[1], rate=1))
    for held in (("5", "0"), ("10", "0")):
        with Running(config) as exchange:
            client = FixClient(exchange.ports["fix"])
            client.order(1, 1, 5, "100.30", "ACME", (59, 3))
            client.wait(lambda m: m[35] == "8" and m[39] == "2")
            ask_positions(client, 1)
            report = client.wait(lambda m: m[35] == "AP")
            assert (report[704], report[705]) == held
            client.close()
    record = tmp_path / "trades.csv"
    record.write_text(record.read_text() + "1,ACME,1,0,E1,BUY,100.00,many,0,1,PITWIRE\n")
    lines = len(record.read_text().splitlines())
    with pytest.raises(AssertionError, match=f"trades.csv: line {lines}: px or qty"):
        Running(config).__enter__()


def test_reports_made_while_a_client_was_away_are_resent(exchange: Running) -> None:
    client = FixClient(exchange.ports["fix"])
    client.order(1, 2, 3, "99.99", "ACME")
    client.report(1, "0")
    seen = int(client.received[-1][34])
    client.close()
    other = FixClient(exchange.ports["fix"], name="OTHER")
    other.order(1, 1, 3, "99.99", "ACME")
    other.report(1, "F")
    again = FixClient(exchange.ports["fix"], sequence=client.sequence)
    again.send("2", [(7, seen + 1), (16, 0)])
    missed = again.report(1, "F")
    assert (missed[43], missed[32]) == ("Y", "3")


def packets(line: socket.socket) -> Iterator[tuple[int, list[bytes]]]:
    """Sequence and messages of each datagram."""
    while True:
        packet = line.recv(2000)
        count = int.from_bytes(packet[18:20], "big")
        messages, at = [], 20
        for _ in range(0 if count == 0xFFFF else count):
            size = int.from_bytes(packet[at : at + 2], "big")
            messages.append(packet[at + 2 : at + 2 + size])
            at += 2 + size
        yield int.from_bytes(packet[10:18], "big"), messages


def test_the_feed_shows_our_order_and_the_snapshot_joins_it(
    exchange: Running, line: socket.socket
) -> None:
    client = FixClient(exchange.ports["fix"])
    client.order(1, 1, 7, "95.55", "ACME")
    client.report(1, "0")
    price = (955500).to_bytes(4, "big")
    sequence, ours = next(
        (first, found)
        for first, messages in packets(line)
        if (found := [m for m in messages if m[:1] == b"A" and m[32:36] == price])
    )
    assert int.from_bytes(ours[0][20:24], "big") == 7
    kinds, session, following = snapshot(exchange.ports["snapshot"])
    assert kinds.count(b"R") == 2
    assert kinds.count(b"A") > 20
    assert following > sequence
    assert session.strip().isdigit()


def snapshot(port: int) -> tuple[list[bytes], bytes, int]:
    """Types of the messages, the session, and the sequence to go on from."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as server:
        login = b"L" + b" " * 26 + b"%20d" % 1
        server.sendall(len(login).to_bytes(2, "big") + login)
        data = b""
        while piece := server.recv(65536):
            data += piece
    frames, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 2], "big")
        frames.append(data[at + 2 : at + 2 + size])
        at += 2 + size
    assert frames[0][:1] == b"A"
    assert frames[-1][:1] == b"G"
    kinds = [frame[1:2] for frame in frames if frame[:1] == b"S"]
    return kinds, frames[0][1:11], int(frames[-1][1:])


def test_a_wrong_snapshot_login_is_refused(exchange: Running) -> None:
    port = exchange.ports["snapshot"]
    for said, reason in (
        (b"\x00\x02Lx", b"A"),
        (b"\x00\x2fL" + b" " * 16 + b"NOTTHISONE" + b" " * 20, b"S"),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as server:
            server.sendall(said)
            assert server.recv(100) == b"\x00\x02J" + reason


def test_missed_messages_are_sent_again(exchange: Running, line: socket.socket) -> None:
    session = line.recv(2000)[:10]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        request = session + (2).to_bytes(8, "big") + (3).to_bytes(2, "big")
        asking.sendto(request, ("127.0.0.1", exchange.ports["retransmission"]))
        answer = asking.recv(2000)
    assert answer[10:20] == request[10:20]
    assert answer[22:23] == b"R"


def test_sigterm_logs_out_ends_the_session_and_exits_0(
    exchange: Running, line: socket.socket
) -> None:
    client = FixClient(exchange.ports["fix"])
    client.socket.settimeout(0.2)
    exchange.process.terminate()
    client.wait(lambda m: m[35] == "5")
    client.send("5", [])
    code, errors = exchange.stop()
    assert code == 0, errors
    last = b""
    while last[18:20] != b"\xff\xff":
        last = line.recv(2000)


def test_for_ends_by_itself(tmp_path: Path, line: socket.socket) -> None:
    config = tmp_path / "exchange.toml"
    config.write_text(AGENTS.format(folder=tmp_path, line=line.getsockname()[1], rate=1000))
    with Running(config, "--for", "300ms") as running:
        code, errors = running.ended()
    assert code == 0, errors
    assert "closed" in errors


BAD: list[tuple[str, str, str]] = [
    ("port = 0\n", "port = 70000\n", "fix.port: "),
    ("rate = 0.00003", "rate = 0.000030001", "instrument[0].fees.taker_rate: "),
    ("tick = 0.01\nstart_price = 42.00", "tick = 0.015\nstart_price = 42.00", "instrument[1].tick"),
    ("seed = 7", "sede = 7", "sede"),
    ('cancels_for = ["PITWIRE"]', 'cancels_for = ["NOBODY"]', "fix.session[2].cancels_for"),
    ('symbol = "BOLT"', 'symbol = "ACME"', "instrument[1].symbol"),
    ("[agents]", "[agents", "line"),
    ('symbol = "BOLT"', 'symbol = "TOOLONGNAME"', "TOOLONGNAME"),
]


@pytest.mark.parametrize(("good", "bad", "told"), BAD)
def test_bad_configuration_names_file_key_and_reason(
    tmp_path: Path, good: str, bad: str, told: str
) -> None:
    config = tmp_path / "exchange.toml"
    text = AGENTS.format(folder=tmp_path, line=1, rate=1)
    assert good in text
    config.write_text(text.replace(good, bad))
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from tools.command import main;"
            "raise SystemExit(main(sys.argv[1:], {'exchange': 'tools.exchange'}))",
            "exchange",
            "-c",
            str(config),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
