"""Whose stamp a datagram has in the log, as the feed's section says: on loopback sockets."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.app.configuration import parse
from daemon.app.connections import connect_feeds
from daemon.core import Live, LogWriter
from daemon.log import LogReader

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module has no name for it
DATAGRAMS = 200
SPARE = 1_000  # ns: a stamp of the host put into the log's clock and one of the log's
CONFIGURATION = """
[daemon]
name = "stamps"
[log]
folder = "{folder}"
[[venue]]
name = "v"
[[feed]]
name = "itch"
kind = "itch_moldudp64"
venue = "v"
lines = [{{ port = {port} }}]
receive_stamp = "{stamp}"
[[instrument]]
symbol = "X"
venue = "v"
feed = "itch"
price_increment = 0.0001
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def received(folder: Path, stamp: str) -> list[tuple[int, int, int]]:
    """Of each datagram: the log's time when it had been sent, its stamp in the log, its ts_core."""
    folder.mkdir()
    port = free_port()
    log, _ = LogWriter.recover(str(folder), 1 << 20)
    live = Live(log, None)
    live.core.define_feed(0, 0, 0)
    live.append_epoch(1, 1, "{}")
    connect_feeds(
        live, parse(CONFIGURATION.format(folder=folder, port=port, stamp=stamp)), lambda: None
    )
    sent = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as venue:
        for sequence in range(1, DATAGRAMS + 1):
            packet = b"S1        " + struct.pack(">QHH", sequence, 1, 1) + b"?"
            venue.sendto(packet, ("127.0.0.1", port))
            sent.append(live.clock_now())
            for _ in range(1000):
                live.drain()
                if live.stats["market_inputs"] >= sequence:
                    break
    log.close()
    found = LogReader(folder, types=["MARKET_DATAGRAM"], committed=True)
    stamps = [(frame.fields()["ts_recv"], frame.ts_core) for frame in found]
    assert len(stamps) == DATAGRAMS
    return [(at, *stamp) for at, stamp in zip(sent, stamps, strict=True)]


@pytest.mark.parametrize("stamp", ["kernel", "user"])
def test_stamps_rise_and_are_not_after_the_input(tmp_path: Path, stamp: str) -> None:
    rows = received(tmp_path / "log", stamp)
    stamps = [stamp for _, stamp, _ in rows]
    assert stamps == sorted(stamps)
    assert all(stamp <= ts_core for _, stamp, ts_core in rows)


@pytest.fixture
def kernel_stamps() -> Iterator[None]:
    """The kernel begins to stamp a little after the first socket asked it to, on a busy host after
    milliseconds; until then it does so at the read. It goes on for as long as one wants it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
        first.bind(("127.0.0.1", 0))
        first.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        give_up = time.monotonic() + 30
        while True:
            first.sendto(b"?", first.getsockname())
            sent = time.time_ns()
            _, control, _, _ = first.recvmsg(16, 64)
            seconds, nanoseconds = struct.unpack("qq", control[0][2])
            if seconds * 1_000_000_000 + nanoseconds < sent:
                break
            assert time.monotonic() < give_up
        yield


@pytest.mark.usefixtures("kernel_stamps")
def test_the_kernels_stamp_is_of_the_arrival_and_ours_of_the_reading(tmp_path: Path) -> None:
    kernel = received(tmp_path / "kernel", "kernel")
    assert sum(stamp <= sent + SPARE for sent, stamp, _ in kernel) > DATAGRAMS // 2
    user = received(tmp_path / "user", "user")
    assert all(stamp >= sent - SPARE for sent, stamp, _ in user)
