"""The inputs of our own benchmarks as files, for programs that are not ours."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from daemon.core import L2_DELTA, L3_DELTA, L2Book, L3Book
from tools.bench import books, updates
from tools.bench.native import BINARIES
from tools.bench.peer import PeerError

MOLD_HEADER_BYTES: Final = 20
# Messages, symbols, messages of the opening: the beginning of P9's stream; and the whole of the
# stream of one instrument (kOne in native/bench/engine/ingest_bench.cpp).
HOT: Final = (200_000, 100, 90_000)
ONE: Final = (500_000, 1, 900)


def write(name: str, folder: Path) -> str:
    """The file's path; "" for no input. It is made once in a folder. PeerError where it cannot."""
    if not name:
        return ""
    path = folder / name
    if not path.exists():
        INPUTS[name](path)
    return str(path)


def _columns(book: L2Book | L3Book, dtype: np.dtype[np.void], columns: books.Columns) -> Any:  # noqa: ANN401 - numpy's keywords
    """With the touch that our book has at their end."""
    deltas = np.zeros(books.DELTAS, dtype)
    for name, values in columns.items():
        deltas[name] = values
    book.apply(deltas)
    bid_px, _, ask_px, *_ = book.top()
    return {**columns, "touch": np.array([bid_px, ask_px])}


def _l2(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, **_columns(L2Book(), L2_DELTA, books.l2_columns()))


def _l3(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, **_columns(L3Book(), L3_DELTA, books.l3_columns()))


def _updates(path: Path) -> None:
    """P10's day, its packets' headers taken off."""
    path.write_bytes(b"".join(packet[MOLD_HEADER_BYTES:] for packet in updates.packets()))


def _stream(kind: tuple[int, int, int]) -> Callable[[Path], None]:
    def made(path: Path) -> None:
        program = BINARIES / "pitwire_stream"
        if not program.exists():
            raise PeerError("pitwire_stream is not built: make bench-peers")
        words = [str(program), *(str(number) for number in kind)]
        with path.open("wb") as file:
            subprocess.run(words, stdout=file, check=True)  # noqa: S603 - our binary

    return made


INPUTS: Final[Mapping[str, Callable[[Path], None]]] = {
    "l2.npz": _l2,
    "l3.npz": _l3,
    "updates.itch": _updates,
    "hot.itch": _stream(HOT),
    "one.itch": _stream(ONE),
}
