"""What a crash leaves of a log's folder, made from the folder as it was a little later.

Killed: every frame up to the last one that was appended, and perhaps a part of the next. Without
power: what was durable, and of everything behind it each sector for itself, or not.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEADER_BYTES = 4096
SECTOR_BYTES = 512
# Of a segment's header page and of the marks: docs/log-format.md.
FIRST_SEQUENCE_AT, SEGMENT_SIZE_AT, PREVIOUS_HASH_AT, PREVIOUS_HASH_BYTES = 40, 48, 2048, 48
CLEAN_CLOSE_AT, COMMITTED_AT, DURABLE_AT = 32, 64, 72
CHAIN_HEADER_BYTES = 64


@dataclass(frozen=True)
class Crash:
    """Where the process ended.

    `last`: the newest frame that was appended. `torn`: the next one was being written. `begun`:
    where `last` ends a segment, the next one's header stands. `durable`: the power went, and the
    log had been synced up to here. `checkpoints`: those of the newest step, by name, with whether
    each was there; none is synced. `half`: one was being written.
    """

    last: int
    torn: bool = False
    begun: bool = True
    durable: int | None = None
    checkpoints: Mapping[str, bool] = field(default_factory=dict)
    half: bool = False


Image = dict[str, bytes]


def read(folder: Path) -> Image:
    """Every file, by its name in the folder."""
    files = (each for each in sorted(folder.rglob("*")) if each.is_file())
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}


def store(image: Image, folder: Path) -> None:
    """In an empty folder."""
    for name, content in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def after(crash: Crash, live: Image, chance: random.Random) -> Image:
    """The folder that is left, of the folder as it was then or later."""
    live = _with_checkpoints(crash, live, chance)
    killed = _cut(live, crash.last, crash.torn, crash.begun, chance)
    if crash.durable is None:
        return killed | _marks(live, chance.randint(0, crash.last))
    synced = _cut(live, crash.durable, False, True, chance)
    share = chance.choice((0.0, 0.5, 1.0, chance.random()))
    mixed = {
        name: _mixed(synced.get(name, b""), content, share, chance)
        for name, content in killed.items()
    }
    return mixed | _marks(live, chance.randint(0, crash.durable))


def _with_checkpoints(crash: Crash, live: Image, chance: random.Random) -> Image:
    out = dict(live)
    for name, written in crash.checkpoints.items():
        path = f"checkpoints/{name}"
        content = out.pop(path)
        if not written and crash.half:
            out[path.replace(".ckpt", ".part")] = content[: len(content) // 2]
        elif written and crash.durable is None:
            out[path] = content
        elif written and chance.random() < 0.8:  # of its name and its bytes any part
            out[path] = content[: chance.choice((0, len(content) // 2, len(content)))]
    return out


def _cut(live: Image, last: int, torn: bool, begun: bool, chance: random.Random) -> Image:
    out = {name: content for name, content in live.items() if not name.endswith((".seg", ".chain"))}
    ended = False
    for name in sorted(each for each in live if each.endswith(".seg")):
        content, chain = live[name], name.replace(".seg", ".chain")
        first = 0  # the log's thread may have named the next one and not given it its size yet
        if content:
            (first,) = struct.unpack_from("<Q", content, FIRST_SEQUENCE_AT)
        if ended or first == 0 or first > last + 1 or (first == last + 1 and not begun):
            out[name] = bytes(_segment_size(live))  # prepared, or not even that
            continue
        end, whole = _end_of(content, last)
        if whole:
            out[name] = content
            out |= {chain: live[chain]} if chain in live else {}
            continue
        ended = True
        rest = _torn(content, end, chance) if torn else b""
        out[name] = (content[:end] + rest).ljust(_segment_size(live), b"\0")
        if chain in live:  # whole blocks are longer than these segments: no link was there yet
            out[chain] = live[chain][:CHAIN_HEADER_BYTES]
    return out


def _segment_size(live: Image) -> int:
    (size,) = struct.unpack_from("<Q", live["00000000.seg"], SEGMENT_SIZE_AT)
    return int(size)


def _end_of(content: bytes, last: int) -> tuple[int, bool]:
    """Behind the last frame that is not above `last`; whether no frame is behind that."""
    at = HEADER_BYTES
    while at + 16 <= len(content):
        length, _, sequence = struct.unpack_from("<IIQ", content, at)
        if length == 0:
            return at, True
        if sequence > last:
            return at, False
        at += length
    return at, True


def _torn(content: bytes, at: int, chance: random.Random) -> bytes:
    """A part of the frame there, without its length, which is written last."""
    (length,) = struct.unpack_from("<I", content, at)
    return bytes(8) + content[at + 8 : at + 8 + chance.randint(1, length - 8)]


def _mixed(synced: bytes, killed: bytes, share: float, chance: random.Random) -> bytes:
    if synced == killed:
        return killed
    out = bytearray(synced.ljust(len(killed), b"\0"))
    for at in range(0, len(killed), SECTOR_BYTES):
        if chance.random() < share:
            out[at : at + SECTOR_BYTES] = killed[at : at + SECTOR_BYTES]
    return bytes(out)


def _marks(live: Image, durable: int) -> Image:
    marks = bytearray(live["marks"])
    struct.pack_into("<Q", marks, CLEAN_CLOSE_AT, 0)
    struct.pack_into("<QQ", marks, COMMITTED_AT, durable, durable)
    return {"marks": bytes(marks)}
