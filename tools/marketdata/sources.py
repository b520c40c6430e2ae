"""Market-data files as bytes, whatever they are compressed with, with their progress told."""

import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from re import compile as regex
from typing import IO, Protocol, cast
from zoneinfo import ZoneInfo

import pyarrow as pa

from tools.command import UsageError

CHUNK_BYTES = 1 << 20
_DATE = regex(r"(20\d\d)-?(0[1-9]|1[0-2])-?([0-3]\d)")
_EXCHANGE = ZoneInfo("America/New_York")  # ITCH and LOBSTER count from its midnight


class ByteStream(Protocol):
    """What the readers need of a file; decompressors of three libraries provide it."""

    def read(self, size: int = -1, /) -> bytes: ...


class Source:
    """One file. Reading raises UsageError with the file's name where it cannot be read."""

    def __init__(self, path: Path, advance: Callable[[int], None] = lambda _: None) -> None:
        self.path = path
        self._advance = advance

    @property
    def name(self) -> str:
        """The file's name without the suffix of its compression."""
        return self.path.stem if self.path.suffix in (".gz", ".xz", ".zst") else self.path.name

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """All of it, a mebibyte at a time; tells the progress in bytes of the file itself."""
        try:
            with self.path.open("rb") as raw:
                stream = _decompressed(raw, self.path.suffix)
                at = 0
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
                    self._advance(raw.tell() - at)
                    at = raw.tell()
        except (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowInvalid) as error:
            raise UsageError(f"{self.path}: {error}") from error

    def lines(self) -> Iterator[bytes]:
        """All of it, line by line without the line's end."""
        rest = b""
        for chunk in self.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        if rest:
            yield rest

    def midnight(self, day: date | None) -> int:
        """ns since 1970 UTC of the exchange's midnight of `day`, or of the date in the file's
        name; 0 if there is none."""
        if day is None and (found := _DATE.search(self.path.name)) is not None:
            try:
                day = date(*(int(part) for part in found.groups()))
            except ValueError:
                day = None
        if day is None:
            return 0
        local = datetime(day.year, day.month, day.day, tzinfo=_EXCHANGE)
        return int(local.astimezone(UTC).timestamp()) * 1_000_000_000


def _decompressed(raw: IO[bytes], suffix: str) -> ByteStream:
    if suffix == ".gz":
        return cast("ByteStream", gzip.GzipFile(fileobj=raw))
    if suffix == ".xz":
        return cast("ByteStream", lzma.LZMAFile(raw))
    if suffix == ".zst":
        return cast("ByteStream", pa.CompressedInputStream(pa.PythonFile(raw), "zstd"))
    return cast("ByteStream", raw)
