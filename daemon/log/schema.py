"""The layout of every record, from the native module's reflection: NumPy dtypes and meanings.

native/schema/records.toml is the one source; nothing here is written twice.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from daemon import core

SCALARS: Final = {"u8": "u1", "u16": "<u2", "u32": "<u4", "u64": "<u8", "i64": "<i8", "f64": "<f8"}

# Fields that hold a ClOrdID, in whatever record they stand: shown in 16 hexadecimal digits.
CL_ORD_ID_FIELDS: Final = frozenset({"cl_ord_id", "orig_cl_ord_id", "order"})
# Fields that count price increments of the record's instrument.
PRICE_FIELDS: Final = frozenset(
    {"price", "stop_px", "last_px", "open", "high", "low", "close"}
    | {"bid_px", "ask_px", "announced_bid_px", "announced_ask_px"}
)

# One row of core.LogReader.read_batch; native/bindings/log.cpp, BatchRow.
ROW: Final = np.dtype(
    [
        ("sequence", "<u8"),
        ("ts_core", "<i8"),
        ("payload_at", "<u8"),
        ("payload_size", "<u4"),
        ("type", "<u2"),
        ("source", "<u2"),
        ("frame_class", "u1"),
        ("version", "u1"),
        ("origin", "u1"),
        ("flags", "u1"),
        ("reserved", "<u4"),
    ]
)


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """One record type: its struct as a dtype, the enumeration of each field that has one."""

    name: str
    number: int
    frame_class: int
    doc: str
    tail: str
    size_bytes: int
    dtype: np.dtype[np.void]
    enums: dict[str, type[enum.IntEnum] | type[enum.IntFlag]]
    docs: dict[str, str]

    @property
    def is_text_tail(self) -> bool:
        """Whether the tail is to be read as UTF-8."""
        return "UTF-8" in self.tail or self.tail in {"reason", "name of the limit", "file name"}

    @property
    def is_json_tail(self) -> bool:
        """Whether the tail is a JSON document."""
        return self.tail.startswith("UTF-8 JSON")


def _enum_of(doc: str) -> type[enum.IntEnum] | type[enum.IntFlag] | None:
    """The enumeration that a field's description names: "Side", "OrderFlag bits"."""
    found = getattr(core, doc.removesuffix(" bits"), None)
    is_enum = isinstance(found, type) and issubclass(found, enum.IntEnum | enum.IntFlag)
    return found if is_enum else None


def _numpy_type(kind: str) -> str:
    return SCALARS.get(kind) or f"S{kind.removeprefix('b')}"


def _spec(entry: dict[str, Any]) -> RecordSpec:
    fields: list[tuple[str, str, int, str]] = entry["fields"]
    dtype = np.dtype(
        {
            "names": [name for name, *_ in fields],
            "formats": [_numpy_type(kind) for _, kind, *_ in fields],
            "offsets": [offset for *_, offset, _ in fields],
            "itemsize": entry["size_bytes"],
        }
    )
    enums = {name: found for name, _, _, doc in fields if (found := _enum_of(doc)) is not None}
    return RecordSpec(
        name=entry["name"],
        number=entry["number"],
        frame_class=entry["class"],
        doc=entry["doc"],
        tail=entry["tail"],
        size_bytes=entry["size_bytes"],
        dtype=dtype,
        enums=enums,
        docs={name: doc for name, _, _, doc in fields},
    )


RECORDS: Final[dict[int, RecordSpec]] = {entry["number"]: _spec(entry) for entry in core.RECORDS}
_BY_NAME: Final = {spec.name: spec for spec in RECORDS.values()}


def spec_of(record: int | str) -> RecordSpec:
    """The record of this number or name. KeyError where this build has none."""
    return _BY_NAME[record] if isinstance(record, str) else RECORDS[record]


def describe(value: int, enum_type: type[enum.IntEnum] | type[enum.IntFlag]) -> str:
    """The name of an enumeration's value, `A|B` of its bits; the number where it has none."""
    try:
        member = enum_type(value)
    except ValueError:
        return str(value)
    return member.name or str(value)
