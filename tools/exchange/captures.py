"""Feeds recorded lines to the native replay a piece at a time: a day never is in memory."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daemon.core import Exchange

PIECE_BYTES = 1 << 20
LOW_BYTES = 1 << 18


def pieces(files: list[Path], progress: Callable[[int], None]) -> Iterator[bytes]:
    """The decompressed content of the files, one after the other; `progress` hears how many more
    bytes of the files as they are were read."""
    for path in files:
        with path.open("rb") as file:
            lines = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
            at = 0
            while piece := lines.read(PIECE_BYTES):
                progress(file.tell() - at)
                at = file.tell()
                yield piece


class Captures:
    """The files of every instrument, by the exchange's order of instruments."""

    def __init__(self, exchange: Exchange, files: list[list[Path]]) -> None:
        self._exchange = exchange
        self._sources: list[Iterator[bytes] | None] = [pieces(paths, self._add) for paths in files]
        self._read_bytes = 0
        self._bytes = sum(path.stat().st_size for paths in files for path in paths)

    @property
    def progress(self) -> float:
        """How much of the files has been read, 0 to 1."""
        return self._read_bytes / self._bytes if self._bytes else 1.0

    def _add(self, read_bytes: int) -> None:
        self._read_bytes += read_bytes

    def refill(self) -> None:
        """Append to every instrument that has little left; a damaged file raises OSError."""
        for symbol, source in enumerate(self._sources):
            while source is not None and self._exchange.buffered(symbol) < LOW_BYTES:
                piece = next(source, None)
                if piece is None:
                    self._sources[symbol] = source = None
                self._exchange.append(symbol, piece or b"", piece is None)
