"""Which frames of a log are meant: by order, instrument, type, time or sequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from daemon.log.reader import Frame, LogReader
from daemon.log.schema import CL_ORD_ID_FIELDS, RECORDS, RecordSpec
from daemon.log.text import nested_frame


class Place(msgspec.Struct, frozen=True):
    """A sequence or a time (ns since 1970 UTC); the other is None."""

    sequence: int | None = None
    ts_core: int | None = None


# Sequences stay far below, times in ns since 1970 far above.
_FIRST_TIME_NS = 10**16


def parse_place(text: str) -> Place:
    """`12345` is a sequence, `2026-01-05T10:00:00.5Z` or ns since 1970 a time. ValueError."""
    if text.isdecimal():
        number = int(text)
        return Place(ts_core=number) if number >= _FIRST_TIME_NS else Place(sequence=number)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return Place(ts_core=whole * 10**9 + moment.microsecond * 1000)


class Selection(msgspec.Struct, frozen=True):
    """All conditions must hold; one that is absent holds for every frame."""

    types: frozenset[int] = frozenset()
    order: int | None = None
    instrument: int | None = None
    begin: Place = Place()
    end: Place = Place()

    def read(self, folder: Path | str) -> Iterator[Frame]:
        """The frames meant, in sequence order."""
        reader = LogReader(
            folder, types=self._types_to_read(), from_sequence=self.begin.sequence or 0
        )
        for frame in reader:
            if self._is_behind(frame):
                return
            if self.holds(frame):
                yield frame

    def holds(self, frame: Frame) -> bool:
        """Whether this frame is meant."""
        if self.begin.ts_core is not None and frame.ts_core < self.begin.ts_core:
            return False
        if self.types and frame.type not in self.types:
            return False
        if self.instrument is not None and not mentions_instrument(frame, self.instrument):
            return False
        return self.order is None or mentions_order(frame, self.order)

    def _is_behind(self, frame: Frame) -> bool:
        sequence, ts_core = self.end.sequence, self.end.ts_core
        return (sequence is not None and frame.sequence > sequence) or (
            ts_core is not None and frame.ts_core > ts_core
        )

    def _types_to_read(self) -> Iterable[int]:
        """The types that can hold a frame that is meant: the others need not leave C++."""
        if self.types:
            return self.types
        if self.instrument is not None:
            return _with_any({"instrument"})
        return ()


def _with_any(names: set[str]) -> list[int]:
    has = [spec for spec in RECORDS.values() if names & set(spec.dtype.names or ())]
    nested = [spec for spec in RECORDS.values() if spec.name in {"VENUE_TX", "VENUE_REPORT"}]
    return [spec.number for spec in has + nested]


def _has(spec: RecordSpec | None, names: Iterable[str]) -> list[str]:
    return [] if spec is None else [name for name in spec.dtype.names or () if name in names]


def mentions_instrument(frame: Frame, instrument: int) -> bool:
    """Whether the record, or the one inside it, is of this instrument."""
    if _has(frame.spec, {"instrument"}):
        return bool(frame.fields()["instrument"] == instrument)
    inner = nested_frame(frame)
    return inner is not None and mentions_instrument(inner, instrument)


def mentions_order(frame: Frame, cl_ord_id: int) -> bool:
    """Whether a ClOrdID field, a raw FIX message, or a record inside names this ClOrdID."""
    names = _has(frame.spec, CL_ORD_ID_FIELDS)
    if names:
        fields = frame.fields()
        if any(fields[name] == cl_ord_id for name in names):
            return True
    if f"{cl_ord_id:016x}".encode() in frame.tail:
        return True
    inner = nested_frame(frame)
    return inner is not None and mentions_order(inner, cl_ord_id)
