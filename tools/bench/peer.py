"""A peer's program (tools/bench/peers) as a child: prepared once, a lap whenever it is asked."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
from collections.abc import Iterator
from time import monotonic
from typing import IO, Final

import msgspec

from tools.bench.rows import ROOT

VENV: Final = ROOT / "build" / "peers-venv"
PREPARE_S: Final = 180.0  # imports, numba's compilation, data as objects
LAP_S: Final = 120.0
END_S: Final = 10.0
LINE_BYTES: Final = 1 << 16
REASON_CHARS: Final = 200


class PeerError(Exception):
    """Why there is no figure of a peer."""


class Script(msgspec.Struct, frozen=True):
    """A measurement by a program of tools/bench/peers.

    `name` is what of the peer is measured, `unit` must be the row's, `input` is one of
    tools/bench/peer_inputs.py.
    """

    name: str
    module: str
    measure: str
    unit: str
    input: str = ""


class Lap(msgspec.Struct, frozen=True):
    """One measurement."""

    value: float
    p50: float | None = None
    p99: float | None = None


class _Said(msgspec.Struct, frozen=True):
    """A line of a program: who it is, or a lap, or why there is none."""

    version: str = ""
    unit: str = ""
    value: float | None = None
    p50: float | None = None
    p99: float | None = None
    skipped: str | None = None


class PeerProcess:
    """Between `prepared` and its end; `lap` is one measurement."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors
        self._buffer = b""
        self.version = ""

    def prepare(self, unit: str) -> None:
        """Wait until it is ready. PeerError if it never is, or measures in another unit."""
        said = self._line(PREPARE_S)
        self.version = said.version
        if said.unit != unit:
            raise PeerError(f"it measures in {said.unit or 'no unit'}, our row is in {unit}")

    def lap(self) -> Lap:
        """One measurement. PeerError with the reason where there is none."""
        assert self._process.stdin is not None  # noqa: S101 - it was made with a pipe
        try:
            self._process.stdin.write(b"lap\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(self._last_words()) from None
        said = self._line(LAP_S)
        if said.value is None:
            raise PeerError("it answered a lap without a value")
        return Lap(said.value, said.p50, said.p99)

    def _line(self, timeout_s: float) -> _Said:
        until = monotonic() + timeout_s
        while b"\n" not in self._buffer:
            self._buffer += self._chunk(until - monotonic(), timeout_s)
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            said = msgspec.json.decode(line, type=_Said)
        except msgspec.DecodeError as error:
            raise PeerError(f"it said {line[:REASON_CHARS]!r}: {error}") from None
        if said.skipped is not None:
            raise PeerError(said.skipped)
        return said

    def _chunk(self, left_s: float, timeout_s: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - it was made with a pipe
        at = self._process.stdout.fileno()
        if not select.select([at], [], [], max(0.0, left_s))[0]:
            self._process.kill()
            raise PeerError(f"it said nothing for {timeout_s:.0f} s")
        chunk = os.read(at, LINE_BYTES)
        if not chunk:
            raise PeerError(self._last_words())
        return chunk

    def _last_words(self) -> str:
        code = self._process.wait(END_S)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"it ended with {code}: {lines[-1][-REASON_CHARS:] if lines else 'no word'}"


@contextlib.contextmanager
def prepared(script: Script, path: str) -> Iterator[PeerProcess]:
    """The program of a script with its input file, ready for laps; it ends with the context."""
    python = VENV / "bin" / "python"
    if not python.exists():
        raise PeerError("no build/peers-venv: make bench-peers")
    words = [str(python), "-m", script.module, script.measure, path]
    # Nothing of ours is for its interpreter: a module of ours that it found would be a surprise.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - a program of this repository
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            peer = PeerProcess(process, errors)
            peer.prepare(script.unit)
            yield peer
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The end of its input is its end; it is killed when it does not take it for that."""
    assert process.stdin is not None  # noqa: S101 - made with pipes
    assert process.stdout is not None  # noqa: S101
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
