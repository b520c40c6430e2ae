"""Frames of an event log as Python values: in batches, one by one, or followed live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from daemon import core
from daemon.log.schema import RECORDS, ROW, RecordSpec, spec_of

BATCH_FRAMES: Final = 4096


def _number(kind: int | str) -> int:
    return spec_of(kind).number if isinstance(kind, str) else int(kind)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame: its header, and its payload as bytes.

    `type` is the record's number; a type this build does not know has no `spec` and no `record`.
    """

    sequence: int
    ts_core: int
    type: int
    frame_class: int
    version: int
    origin: int
    source: int
    payload: bytes

    @property
    def spec(self) -> RecordSpec | None:
        """The record's layout."""
        return RECORDS.get(self.type)

    @property
    def name(self) -> str:
        """The record's name, or its number."""
        spec = self.spec
        return spec.name if spec else str(self.type)

    @property
    def record(self) -> np.void:
        """The struct, by field name. ValueError where the payload is shorter or type unknown."""
        spec = self.spec
        if spec is None:
            raise ValueError(f"record type {self.type} is unknown to this build")
        if len(self.payload) < spec.size_bytes:
            raise ValueError(
                f"{spec.name} at sequence {self.sequence}: {len(self.payload)} bytes, "
                f"expected {spec.size_bytes}"
            )
        record: np.void = np.frombuffer(self.payload, spec.dtype, 1)[0]
        return record

    @property
    def tail(self) -> bytes:
        """The bytes behind the struct; as many as `size_bytes` says where the record has it."""
        spec = self.spec
        return b"" if spec is None else self.payload[spec.size_bytes :]

    def fields(self) -> dict[str, Any]:
        """Field names and plain Python values; empty for an unknown type."""
        spec = self.spec
        if spec is None or spec.size_bytes == 0:
            return {}
        return dict(zip(spec.dtype.names or (), self.record.tolist(), strict=True))


class Batch:
    """Frames in columns: `rows` has the headers (dtype schema.ROW), `payloads` the bytes."""

    __slots__ = ("payloads", "rows")

    def __init__(self, rows: bytes, payloads: bytes) -> None:
        self.rows: npt.NDArray[np.void] = np.frombuffer(rows, ROW)
        self.payloads = payloads

    def __len__(self) -> int:
        return len(self.rows)

    def frames(self) -> Iterator[Frame]:
        """The same one by one."""
        for row in self.rows.tolist():
            sequence, ts_core, at, size, kind, source, frame_class, version, origin, *_ = row
            payload = self.payloads[at : at + size]
            yield Frame(sequence, ts_core, kind, frame_class, version, origin, source, payload)

    def records(self, spec: RecordSpec) -> npt.NDArray[np.void]:
        """The structs of every row of this type, as one array."""
        rows = self.rows[self.rows["type"] == spec.number]
        rows = rows[rows["payload_size"] >= spec.size_bytes]
        if spec.size_bytes == 0:
            return np.zeros(len(rows), spec.dtype)
        starts = rows["payload_at"].astype(np.intp)[:, None]
        raw = np.frombuffer(self.payloads, np.uint8)[starts + np.arange(spec.size_bytes)]
        return np.ascontiguousarray(raw).view(spec.dtype).reshape(len(rows))


class LogReader:
    """Reads a log in sequence order, in this process or beside a live daemon.

    While a writer lives it stops at the durable mark (`committed=True`: at the last frame); where
    none does, at the end. Iteration ends there, without an error; a torn tail ends it too, and is
    in `status`. Damage raises core.LogError with file and offset. `types` are numbers or names
    (KeyError for a name that is none); none means all.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        types: Iterable[int | str] = (),
        committed: bool = False,
        from_sequence: int = 0,
    ) -> None:
        self._folder, self._committed = str(folder), committed
        self._core = core.LogReader(self._folder, committed=committed)
        self._types = sorted({_number(kind) for kind in types})
        if from_sequence > 0:
            self._core.seek(from_sequence)

    @property
    def status(self) -> str:
        """`frame`, `end`, `torn` or `corrupt`: what the last read met."""
        return self._core.status

    @property
    def error(self) -> tuple[str, int, str]:
        """File, offset and reason where the status is `torn` or `corrupt`."""
        return self._core.error

    @property
    def last_sequence(self) -> int:
        """Of the last frame looked at, 0 before any."""
        return self._core.last_sequence

    @property
    def durable_sequence(self) -> int:
        """As the writer last published it."""
        return self._core.durable_sequence

    def seek(self, sequence: int) -> bool:
        """Stand before the first frame not below `sequence`; False where there is none yet."""
        return self._core.seek(sequence)

    def look_again(self) -> None:
        """Go on behind a torn tail, which a writer that has recovered the log since has cut off.

        Nothing where the last read met something else.
        """
        if self._core.status == "torn":
            last = self._core.last_sequence
            self._core = core.LogReader(self._folder, committed=self._committed)
            self._core.seek(last + 1)

    def read_batch(self, limit: int = BATCH_FRAMES) -> Batch:
        """Up to `limit` frames of the wanted types. LogError at damage.

        Empty does not mean the end where types were named: see `at_end`.
        """
        rows, payloads = self._core.read_batch(limit, self._types)
        if not rows and self._core.status == "corrupt":
            file, offset, reason = self._core.error
            raise core.LogError(f"{file}, offset {offset}: {reason}")
        return Batch(rows, payloads)

    @property
    def at_end(self) -> bool:
        """Whether the last read stopped because there was nothing more (yet)."""
        return self._core.status != "frame"

    def batches(self, limit: int = BATCH_FRAMES) -> Iterator[Batch]:
        """Batches until there is nothing more (yet)."""
        while True:
            batch = self.read_batch(limit)
            if len(batch):
                yield batch
            elif self.at_end:
                return

    def __iter__(self) -> Iterator[Frame]:
        for batch in self.batches():
            yield from batch.frames()

    async def follow(self, interval_seconds: float = 0.02) -> AsyncIterator[Frame]:
        """Every frame as it becomes readable, without end; looks again each interval when idle.

        Ends where the log is torn: no writer will go on behind that without recovery.
        """
        while True:
            batch = self.read_batch()
            for frame in batch.frames():
                yield frame
            if self.status == "torn":
                return
            await asyncio.sleep(interval_seconds if self.at_end else 0)
