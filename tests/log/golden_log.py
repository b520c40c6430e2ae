"""Small logs for the tests: deterministic, every field of every record with a value of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from daemon import core
from daemon.log.schema import RECORDS, RecordSpec, spec_of

SEGMENT_SIZE_BYTES = 16384
LOG_UUID = bytes(range(16))
TS_FIRST = 1_767_623_400_000_000_000  # 2026-01-05T14:30:00Z
TS_STEP = 1_000_000
TURNS = 3


def field_value(spec: RecordSpec, name: str) -> int | float | bytes:
    """A value that no other field of the record has, within the enumeration where there is one."""
    position = (spec.dtype.names or ()).index(name)
    if name in spec.enums:
        values = sorted(int(value) for value in spec.enums[name])
        return values[(spec.number + position) % len(values)]
    kind = spec.dtype[name]
    if kind.kind == "S":
        return f"{spec.name}.{name}".encode()[: kind.itemsize]
    if kind.kind == "f":
        return spec.number + position / 8
    if name == "size_bytes":
        return len(tail_of(spec))
    if name == "instrument":
        return 1
    value = spec.number * 100 + position
    if kind.itemsize == 1:
        return value % 128
    negative = kind.kind == "i" and position % 2 == 1 and not name.startswith("ts_")
    return -value if negative else value


def tail_of(spec: RecordSpec) -> bytes:
    """A tail such as the record's kind has."""
    if not spec.tail:
        return b""
    if spec.is_json_tail:
        document = {"symbol": "TEST", "price_increment": "0.01", "record": spec.name}
        return json.dumps(document).encode()
    if spec.tail.startswith("an "):
        named = "EXECUTION" if spec.name == "DROP_COPY" else "ORDER_SUBMITTED"
        return payload_of(spec_of(named))
    return f"tail of {spec.name}".encode()


def struct_of(spec: RecordSpec) -> dict[str, int | float | bytes]:
    """The record's fields. DEFINITION is of instrument 1; nested records say what they hold."""
    fields = {name: field_value(spec, name) for name in spec.dtype.names or ()}
    if spec.name == "DEFINITION":
        fields |= {"id": 1, "kind": 0}
    if spec.tail.startswith("an ") and "type" in fields:
        fields["type"] = spec_of("ORDER_SUBMITTED").number
    return fields


def payload_of(spec: RecordSpec) -> bytes:
    """Struct and tail."""
    fields = struct_of(spec)
    record = np.zeros(1, spec.dtype)
    for name, value in fields.items():
        record[0][name] = value
    return record.tobytes()[: spec.size_bytes] + tail_of(spec)


def golden_records() -> list[RecordSpec]:
    """Every record but END, which the log appends itself."""
    return [spec for spec in RECORDS.values() if spec.name != "SEGMENT_END"]


def write_golden(folder: Path) -> list[dict[str, Any]]:
    """A log of every record, three times, over two segments, with a second start in between.

    Returns what was written, as JSON values: the statement that the golden test compares with.
    """
    log = core.LogWriter.create(str(folder), SEGMENT_SIZE_BYTES, LOG_UUID)
    stated = []
    for turn in range(TURNS):
        for index, spec in enumerate(golden_records()):
            ts_core = TS_FIRST + (turn * 100 + index) * TS_STEP
            sequence = append(log, spec, ts_core, origin=index % 4, source=index)
            stated.append(statement(spec, sequence, ts_core, index % 4, index))
        if turn == 0:
            log.skip_sequences(1000)
            append(log, spec_of("EPOCH"), log.last_ts_core)
    assert log.close(), log.failure
    return stated


def statement(
    spec: RecordSpec, sequence: int, ts_core: int, origin: int, source: int
) -> dict[str, Any]:
    """One frame as JSON values; bytes in hex."""
    return {
        "record": spec.name,
        "type": spec.number,
        "frame_class": spec.frame_class,
        "sequence": sequence,
        "ts_core": ts_core,
        "origin": origin,
        "source": source,
        "fields": {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in struct_of(spec).items()
        },
        "tail": tail_of(spec).hex(),
    }


def append(
    log: core.LogWriter, spec: RecordSpec, ts_core: int, origin: int = 0, source: int = 0
) -> int:
    """One frame of this record, with the values above."""
    return log.append(spec.number, ts_core, payload_of(spec), spec.frame_class, origin, source)


if __name__ == "__main__":
    # `golden_log.py tests/log/golden/v1.1` when records were added, v2 when a format is released;
    # one that is there stays.
    import sys

    target = Path(sys.argv[1])
    stated = write_golden(target)
    target.with_name(f"{target.name}.json").write_text(json.dumps(stated, indent=1) + "\n")
