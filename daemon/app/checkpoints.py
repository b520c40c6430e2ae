"""Checkpoints on disk: what core and actors are behind a turn, so that a restart replays little.

`LOG/checkpoints/NNNNNNNN.ckpt`, numbers rising:

    offset  type       field
    0       8 bytes    magic, `PITWCKP` and a newline
    8       u32        format version, 1
    12      u32        length of the identity
    16      u64        covered sequence: replay goes on behind this TURN_END
    24      u64        its turn
    32      u64        length of the body
    40      32 bytes   SHA-256 of bytes 0..40, identity and body
    72                 identity: JSON, whose log it is and what wrote it (`Identity`)
    ...                body: `Wiring.save`

A file is written under another name and renamed, so it is there as a whole or not at all while the
kernel lives. It is not synced while trading: that would hold the turn up for as long as the disk
likes. After a power failure a checkpoint may therefore be damaged or ahead of its log. Neither is
trusted: one is used only where its sum, its log, its configuration, its code and the TURN_END that
it covers all fit, and what follows it is compared with the log, output by output.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path
from typing import Final

import msgspec
import structlog

from daemon.app.epoch import EpochStart
from daemon.app.settings import CheckpointSettings
from daemon.app.wiring import Wiring
from daemon.core import Live

log = structlog.get_logger("daemon")

MAGIC: Final = b"PITWCKP\n"
FORMAT_VERSION: Final = 1
FIXED: Final = struct.Struct("<8sIIQQQ")
SUM_BYTES: Final = 32
SUFFIX: Final = ".ckpt"
PIN: Final = "checkpoint"
# Of a segment's header: docs/log-format.md.
UUID_AT: Final = 24
UUID_BYTES: Final = 16


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the text says why."""


class Identity(msgspec.Struct, frozen=True):
    """Whose state a checkpoint holds. Of `start` the
    configuration is left out, whose hash is there, and the states that strategies kept."""

    log_uuid: str
    start: EpochStart


class Checkpoint(msgspec.Struct, frozen=True):
    """One file, whose sum fits."""

    path: Path
    covered_sequence: int
    turn: int
    identity: Identity
    body: bytes


def log_uuid_of(log_folder: Path) -> str:
    """What a log is known by, whatever segments of it are left."""
    first = min(log_folder.glob("*.seg"))
    with first.open("rb") as segment:
        header = segment.read(UUID_AT + UUID_BYTES)
    return header[UUID_AT:].hex()


def identity_of(log_folder: Path, start: EpochStart) -> Identity:
    """Of a process that runs on this log."""
    what = msgspec.structs.replace(start, configuration=msgspec.Raw(b"null"), kept={})
    return Identity(log_uuid_of(log_folder), what)


def checkpoint_files(log_folder: Path) -> list[Path]:
    """Newest first."""
    found = (log_folder / "checkpoints").glob(f"*{SUFFIX}")
    return sorted((each for each in found if each.stem.isdecimal()), key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(path.stem)


def encode(identity: Identity, covered_sequence: int, turn: int, body: bytes) -> bytes:
    """The bytes of a file."""
    said = msgspec.json.encode(identity)
    fixed = FIXED.pack(MAGIC, FORMAT_VERSION, len(said), covered_sequence, turn, len(body))
    return b"".join((fixed, _sum(fixed, said, body), said, body))


def read_checkpoint(path: Path) -> Checkpoint:
    """The file, if it is whole. CheckpointError says what is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}") from None
    at = FIXED.size + SUM_BYTES
    if len(content) < at:
        raise CheckpointError(f"{len(content)} bytes, shorter than its header")
    magic, version, said_bytes, covered, turn, body_bytes = FIXED.unpack_from(content)
    if magic != MAGIC:
        raise CheckpointError("is no checkpoint (magic)")
    if version != FORMAT_VERSION:
        raise CheckpointError(f"format version {version}, this build reads {FORMAT_VERSION}")
    if len(content) != at + said_bytes + body_bytes:
        expected = at + said_bytes + body_bytes
        raise CheckpointError(f"{len(content)} bytes, its header says {expected}")
    said, body = content[at : at + said_bytes], content[at + said_bytes :]
    if content[FIXED.size : at] != _sum(content[: FIXED.size], said, body):
        raise CheckpointError("its SHA-256 does not fit: damaged")
    return Checkpoint(path, covered, turn, msgspec.json.decode(said, type=Identity), body)


def _sum(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _covered(path: Path) -> int | None:
    """As the header says; None where it has none."""
    with path.open("rb") as file:
        fixed = file.read(FIXED.size)
    if len(fixed) < FIXED.size or not fixed.startswith(MAGIC):
        return None
    covered: int = FIXED.unpack(fixed)[3]
    return covered


class Checkpoints:
    """Writes one whenever due and keeps the newest few; holds back the log's retention for them.

    The core's thread calls it between turns. `taken` counts since the start.
    """

    def __init__(
        self,
        log_folder: Path,
        settings: CheckpointSettings,
        identity: Identity,
        epoch_sequence: int,
        last_ns: int,
    ) -> None:
        """`epoch_sequence` is the newest EPOCH's, which a restart needs whatever it replays; the
        time until the next one counts from `last_ns`."""
        self._log_folder = log_folder
        self._folder = log_folder / "checkpoints"
        self._settings = settings
        self._identity = identity
        self._epoch_sequence = epoch_sequence
        self._last_ns = last_ns
        self._last_sequence = epoch_sequence
        self.taken = 0
        self._folder.mkdir(exist_ok=True)
        for left in self._folder.glob("*.part"):  # of a process that was killed while it wrote
            left.unlink()
        self._pin()

    def due(self, now_ns: int, sequence: int) -> bool:
        """Whether it is time, by the clock or by the records since the last one."""
        if sequence <= self._last_sequence:
            return False
        return (
            now_ns - self._last_ns >= self._settings.every_seconds * 1_000_000_000
            or sequence - self._last_sequence >= self._settings.every_records
        )

    def take(self, live: Live, wiring: Wiring, covered_sequence: int, sync: bool = False) -> None:
        """Write one, or say why not: the log still holds everything, a restart only takes longer.

        Besides the disk it is a strategy's state that may refuse, and that is no reason to end the
        others.
        """
        began_ns = live.clock_now()
        try:
            path = self.write(live, wiring, covered_sequence, sync)
        except Exception:
            log.exception("no checkpoint written")
            return
        took_ms = round((live.clock_now() - began_ns) / 1e6, 1)
        log.info("checkpoint", file=path.name, covers=covered_sequence, took_ms=took_ms)

    def write(self, live: Live, wiring: Wiring, covered_sequence: int, sync: bool = False) -> Path:
        """Save what is behind the TURN_END at `covered_sequence`; only right behind it.

        `sync` waits for the disk: at the end of a process, when nothing is held up.
        OSError where the disk refuses: older checkpoints are untouched.
        """
        content = encode(self._identity, covered_sequence, live.core.turn, wiring.save())
        files = checkpoint_files(self._log_folder)
        path = self._folder / f"{_number(files[0]) + 1 if files else 0:08d}{SUFFIX}"
        self._last_ns = live.clock_now()
        self._last_sequence = covered_sequence
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        part.rename(path)
        for old in files[self._settings.keep - 1 :]:
            old.unlink()
        self._pin()
        live.append_checkpoint(covered_sequence, len(content), path.name)
        self.taken += 1
        return path

    def _pin(self) -> None:
        """Retention keeps what is above the number: the oldest TURN_END that is still covered."""
        found = [_covered(each) for each in checkpoint_files(self._log_folder)]
        covered = [each for each in found if each is not None]
        needed = min([*covered, self._epoch_sequence]) if covered else 1
        pins = self._log_folder / "pins"
        pins.mkdir(exist_ok=True)
        part = self._folder / "pin.part"
        part.write_text(f"{needed - 1}\n")
        part.rename(pins / PIN)
