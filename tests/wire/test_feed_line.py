"""The feed line from Python, over loopback: what tools that look at a feed see."""

from __future__ import annotations

import select
import socket
import struct

import pytest

from daemon import core


def packet(sequence: int, *messages: bytes, session: bytes = b"S1        ") -> bytes:
    blocks = b"".join(struct.pack(">H", len(message)) + message for message in messages)
    return session + struct.pack(">QH", sequence, len(messages)) + blocks


def make(**sequencing: int) -> tuple[core.FeedLine, socket.socket]:
    line = core.FeedLineSocket(core.Endpoint("127.0.0.1", 0))
    config = core.FeedLineConfig(3, [line, line])
    for name, value in sequencing.items():
        setattr(config.sequencing, name, value)
    feed = core.FeedLine(config)
    return feed, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def read(feed: core.FeedLine, count: int) -> list[tuple[object, ...]]:
    """Events until `count` datagrams were accepted; a millisecond passes with each poll."""
    events: list[tuple[object, ...]] = []
    for now in range(1_000_000_000, 6_000_000_000, 1_000_000):
        select.select([feed.epoll_fd], [], [], 0.001)
        events += feed.poll(now, 64)
        if sum(event[0] == "datagram" for event in events) >= count:
            return events
    raise AssertionError(f"fewer than {count} datagrams in {events}")


def test_both_lines_become_one_sequence() -> None:
    feed, venue = make()
    with venue:
        for sequence, line in [(1, 0), (1, 1), (3, 1), (3, 0)]:
            venue.sendto(packet(sequence, b"one", b"two"), ("127.0.0.1", feed.port(line)))
        accepted = [event for event in read(feed, 2) if event[0] == "datagram"]
    assert [event[3] for event in accepted] == [
        packet(1, b"one", b"two"),
        packet(3, b"one", b"two"),
    ]
    assert feed.next_sequence == 5
    assert feed.stats()["accepted_messages"] == 4


def test_a_gap_without_servers_is_lost_and_said() -> None:
    feed, venue = make(grace_ns=1)
    with venue:
        for sequence in (1, 5):
            venue.sendto(packet(sequence, b"m"), ("127.0.0.1", feed.port(0)))
        events = read(feed, 2)
    said = [event[2:] for event in events if event[0] == "status"]
    assert said == [
        (core.FeedEvent.CONNECTED, 1, 1),
        (core.FeedEvent.GAP, 2, 5),
        (core.FeedEvent.GAP_LOST, 2, 5),
    ]


def test_configuration_errors_are_value_errors_with_their_key() -> None:
    line = core.FeedLineSocket(core.Endpoint("localhost", 0))
    with pytest.raises(ValueError, match=r"feed 3\.lines\[0\]\.address: 'localhost'"):
        core.FeedLine(core.FeedLineConfig(3, [line]))
