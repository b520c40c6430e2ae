"""UDP payloads out of a classic pcap file (libpcap 2.4, microseconds or nanoseconds)."""

import struct
from collections.abc import Iterator

from tools.command import UsageError
from tools.marketdata.sources import Source

PCAP_MAGICS = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
_ETHERNET = 1
_VLAN = 0x8100
_IPV4 = 0x0800
_UDP = 17


def udp_payloads(source: Source) -> Iterator[bytes]:
    """The payload of every UDP datagram over IPv4, in order; a truncated last packet is dropped."""
    capture = source.read()
    if len(capture) < 24 or capture[:4] not in PCAP_MAGICS:
        raise UsageError(f"{source.path}: not a pcap file")
    order = "<" if capture[0] in (0xD4, 0x4D) else ">"
    if struct.unpack_from(order + "I", capture, 20)[0] & 0xFFFF != _ETHERNET:
        raise UsageError(f"{source.path}: link type expected Ethernet (1)")
    at = 24
    while at + 16 <= len(capture):
        size = struct.unpack_from(order + "I", capture, at + 8)[0]
        frame = capture[at + 16 : at + 16 + size]
        at += 16 + size
        if len(frame) == size and (payload := _payload(frame)) is not None:
            yield payload


def _payload(frame: bytes) -> bytes | None:
    """Of the UDP datagram in an Ethernet frame; None if it holds none."""
    at = 12
    while frame[at : at + 2] == _VLAN.to_bytes(2):
        at += 4
    if frame[at : at + 2] != _IPV4.to_bytes(2) or len(frame) < at + 22:
        return None
    header = (frame[at + 2] & 0xF) * 4
    if frame[at + 11] != _UDP or len(frame) < at + 2 + header + 8:
        return None
    udp = at + 2 + header
    length = int.from_bytes(frame[udp + 4 : udp + 6])
    return frame[udp + 8 : udp + length]
