"""The classic faults of a certificate: each is refused on a running connection, and named.

Both sides are ours, over loopback. Where our own side would not even load what it is to show (a key
or a signature that is too weak), Python's TLS shows it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon.core import FixConnection, FixListener, FixSessionConfig
from tests.days.certificates import WEAK_KEY, Authority, Pair, place

DEADLINE_S = 20.0
HOST, FIRM = "DNS:venue.test", "DNS:firm.test"
SERVER, CLIENT = "extendedKeyUsage=serverAuth", "extendedKeyUsage=clientAuth"
# The name of the fault, as X509_verify_cert has it, by what is wrong with a certificate.
FAULTS = {
    "expired": "certificate has expired",
    "not yet valid": "certificate is not yet valid",
    "of an unknown authority": "unable to get local issuer certificate",
    "self-signed": "self-signed certificate",
    "for another use": "unsuitable certificate purpose",
    "revoked": "certificate revoked",
    "without its intermediate": "unable to get local issuer certificate",
    "outside its authority's names": "permitted subtree violation",
    "with a weak key": "EE certificate key too weak",
    "with a weak signature": "CA signature digest algorithm too weak",
}
ELSEWHERE = "hostname mismatch"  # the eleventh: only a client knows whom it wanted
WEAK = ("with a weak key", "with a weak signature")


class Files(msgspec.Struct, frozen=True):
    """What is on disk."""

    ca: Path
    crl: Path
    good: dict[str, Pair]  # by the host it is for
    wrong: dict[tuple[str, str], Pair]  # by fault and host


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("certificates")
    ca, stranger = Authority(folder), Authority(folder, "stranger")
    between = Authority(folder, "between", over=ca)
    narrow = Authority(folder, "narrow", over=ca, constraints="nameConstraints=permitted;DNS:other")
    good, wrong = {}, {}
    for host, use, other_use in ((HOST, SERVER, CLIENT), (FIRM, CLIENT, SERVER)):
        name = host.removeprefix("DNS:")
        good[host] = ca.certify(name, host, extensions=use)
        wrong["expired", host] = ca.certify(f"{name}-1", host, days=-1, begins=-3)
        wrong["not yet valid", host] = ca.certify(f"{name}-2", host, days=9, begins=3)
        wrong["of an unknown authority", host] = stranger.certify(f"{name}-3", host)
        wrong["self-signed", host] = ca.self_signed(f"{name}-4", host)
        wrong["for another use", host] = ca.certify(f"{name}-5", host, extensions=other_use)
        wrong["revoked", host] = ca.certify(f"{name}-6", host)
        ca.revoke(wrong["revoked", host])
        wrong["without its intermediate", host] = between.certify(f"{name}-7", host)
        narrowed = narrow.certify(f"{name}-8", host)
        with narrowed[0].open("a") as chain:
            chain.write(narrow.file.read_text())
        wrong["outside its authority's names", host] = narrowed
        wrong["with a weak key", host] = ca.certify(f"{name}-9", host, key=WEAK_KEY)
        wrong["with a weak signature", host] = ca.certify(f"{name}-10", host, digest="sha1")
    crl = folder / "all.crl"
    crl.write_text("".join(each.crl().read_text() for each in (ca, narrow, between)))
    return Files(ca=ca.file, crl=crl, good=good, wrong=wrong)


def _listener(pair: Pair, files: Files) -> FixListener:
    session = FixSessionConfig()
    session.initiator, session.sender_comp_id, session.target_comp_id = False, "VENUE", "FIRM"
    own = {"certificate_file": str(pair[0]), "key_file": str(pair[1])}
    checks = {
        "ca_file": str(files.ca),
        "crl_file": str(files.crl),
        "require_client_certificate": "yes",
    }
    return FixListener("127.0.0.1", 0, [session], {**own, **checks})


def _client(port: int, pair: Pair | None, files: Files, name: str = "venue.test") -> FixConnection:
    own = {"certificate_file": str(pair[0]), "key_file": str(pair[1])} if pair else {}
    checks = {"ca_file": str(files.ca), "crl_file": str(files.crl), "server_name": name}
    return FixConnection(0, "127.0.0.1", port, {**own, **checks})


LOGON = b"8=FIX.4.4\x019=5\x0135=A\x0110=180\x01"


def _until(text: str, client: FixConnection, listener: FixListener | None) -> list[Any]:
    """What both sides say until one of them says `text` of a connection's end."""
    said: list[Any] = []
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        said += [each for each in client.poll(time.time_ns()) if each[0] == "event"]
        if listener is not None:
            said += [each for each in listener.poll(time.time_ns()) if each[0] == "event"]
        if client.connected:
            client.write(1, LOGON)  # with TLS 1.3 a refusal comes behind the client's handshake
        if any(text in str(each) for each in said):
            return said
        select.select([client.fileno()], [], [], 0.005)
    raise AssertionError(f"nobody said {text!r}: {said}")


@contextlib.contextmanager
def _python_venue(pair: Pair) -> Iterator[int]:
    """A server that shows whatever it is given; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(*pair)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with contextlib.suppress(OSError), peer:
                        context.wrap_socket(peer, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_venues_certificate_is_refused_and_the_fault_is_named(fault: str, files: Files) -> None:
    pair = files.wrong[fault, HOST]
    if fault in WEAK:
        with _python_venue(pair) as port:
            said = _until(FAULTS[fault], _client(port, files.good[FIRM], files), None)
    else:
        venue = _listener(pair, files)
        said = _until(FAULTS[fault], _client(venue.port, files.good[FIRM], files), venue)
    assert not any(each[2] == 0 for each in said if len(each) > 2), "never connected"


def test_a_venue_of_another_name_is_refused(files: Files) -> None:
    venue = _listener(files.good[HOST], files)
    _until(ELSEWHERE, _client(venue.port, files.good[FIRM], files, "elsewhere.test"), venue)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_clients_certificate_is_refused_and_the_fault_is_named(fault: str, files: Files) -> None:
    venue = _listener(files.good[HOST], files)
    if fault not in WEAK:
        client = _client(venue.port, files.wrong[fault, FIRM], files)
        _until(FAULTS[fault], client, venue)
        return
    context = ssl.create_default_context(cafile=str(files.ca))
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(*files.wrong[fault, FIRM])

    def connect() -> None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", venue.port)) as s:
            context.wrap_socket(s, server_hostname="venue.test").recv(1)

    threading.Thread(target=connect, daemon=True).start()
    said: list[str] = []
    deadline = time.monotonic() + DEADLINE_S
    while not any(FAULTS[fault] in each for each in said):
        assert time.monotonic() < deadline, said
        said += [str(each) for each in venue.poll(time.time_ns())]
        select.select([venue.fileno()], [], [], 0.005)


def test_no_certificate_is_refused(files: Files) -> None:
    venue = _listener(files.good[HOST], files)
    _until("peer did not return a certificate", _client(venue.port, None, files), venue)


def test_a_venue_without_tls_is_refused(files: Files) -> None:
    plain = FixSessionConfig()
    plain.initiator, plain.sender_comp_id, plain.target_comp_id = False, "VENUE", "FIRM"
    venue = FixListener("127.0.0.1", 0, [plain])
    said = _until("the first bytes are not a FIX message", _client(venue.port, None, files), venue)
    assert said


@pytest.mark.parametrize("fault", WEAK)
def test_what_is_too_weak_is_not_even_shown(fault: str, files: Files) -> None:
    with pytest.raises(ValueError, match=r"ee key too small|ca md too weak"):
        _client(1, files.wrong[fault, FIRM], files)


def test_a_key_of_another_certificate_is_refused_by_its_file(files: Files) -> None:
    mixed = files.good[FIRM][0], files.good[HOST][1]
    with pytest.raises(ValueError, match=r"private_key, .*key values mismatch"):
        _client(1, mixed, files)


def test_new_files_are_taken_at_the_next_connection_and_bad_ones_are_told(
    files: Files, tmp_path: Path
) -> None:
    """Renewed while running: what replaced an expired certificate is shown without a restart."""
    shown = tmp_path / "own.pem", tmp_path / "own.key"
    place(files.wrong["expired", FIRM], shown)
    venue = _listener(files.good[HOST], files)
    client = _client(venue.port, shown, files)
    _until(FAULTS["expired"], client, venue)
    place((files.good[FIRM][0], files.good[HOST][1]), shown)  # a key that does not fit
    _until("key values mismatch; the files before are still used", client, venue)
    place(files.good[FIRM], shown)
    deadline = time.monotonic() + DEADLINE_S
    reasons: list[str] = []
    while not any("no session of this version" in each for each in reasons):
        assert time.monotonic() < deadline, reasons
        reasons += [str(each) for each in venue.poll(time.time_ns())]
        client.poll(time.time_ns())
        if client.connected:
            client.write(1, LOGON)
        select.select([client.fileno()], [], [], 0.005)
