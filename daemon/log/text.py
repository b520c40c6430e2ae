"""Frames as JSON documents for people: names of enumerations, ClOrdIDs in hex, decimal prices."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import orjson

from daemon import core
from daemon.log.reader import Frame, LogReader
from daemon.log.schema import (
    CL_ORD_ID_FIELDS,
    PRICE_FIELDS,
    RECORDS,
    RecordSpec,
    describe,
    spec_of,
)

# Kinds of DEFINITION; native/schema/records.toml.
INSTRUMENT_KIND: Final = 0
# Records whose tail is another record's payload, named by their field `type`.
NESTED: Final = frozenset({"VENUE_TX", "VENUE_REPORT"})


class Instrument(msgspec.Struct, frozen=True):
    """What a log's definitions say of an instrument, as far as showing its records needs it."""

    instrument_id: int
    symbol: str
    price_increment: Decimal | None


def _instrument(frame: Frame) -> Instrument | None:
    fields = frame.fields()
    if fields.get("kind") != INSTRUMENT_KIND:
        return None
    try:
        text = orjson.loads(frame.tail)
        increment = text.get("price_increment")
        step = None if increment is None else Decimal(str(increment))
        return Instrument(fields["id"], str(text.get("symbol", fields["id"])), step)
    except (orjson.JSONDecodeError, InvalidOperation, AttributeError):
        return None  # a definition of another build: its records are shown without decimals


def instruments_of(folder: Path | str) -> dict[int, Instrument]:
    """Every instrument the log defines, by id; the newest definition counts."""
    reader = LogReader(folder, types=[spec_of("DEFINITION").number])
    found = (_instrument(frame) for frame in reader)
    return {each.instrument_id: each for each in found if each is not None}


def _shown(spec: RecordSpec, name: str, value: Any) -> Any:  # noqa: ANN401 - a field of any kind
    if name in spec.enums:
        return describe(value, spec.enums[name])
    if name in CL_ORD_ID_FIELDS and spec.dtype[name] == np.uint64:
        return f"{value:016x}"
    if isinstance(value, bytes):
        if name == "sha256":
            return value.ljust(spec.dtype[name].itemsize, b"\0").hex()
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value != value:
        return "nan"
    return value


def _fields(
    spec: RecordSpec, fields: Mapping[str, Any], instruments: Mapping[int, Instrument]
) -> dict[str, Any]:
    instrument = instruments.get(fields.get("instrument", -1))
    step = instrument.price_increment if instrument else None
    out: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith("reserved") or (name == "type" and spec.name in NESTED):
            continue  # the record inside says its type itself
        out[name] = _shown(spec, name, value)
        if step is not None and name in PRICE_FIELDS:
            out[f"{name}_decimal"] = str(value * step)
    if instrument:
        out["symbol"] = instrument.symbol
    return out


def nested_frame(frame: Frame) -> Frame | None:
    """The record inside a request or report of the simulated venue."""
    if frame.name not in NESTED:
        return None
    inner = RECORDS.get(frame.fields()["type"])
    if inner is None or len(frame.tail) < inner.size_bytes:
        return None
    return msgspec.structs.replace(frame, type=inner.number, payload=frame.tail)


def _tail(
    frame: Frame, spec: RecordSpec, instruments: Mapping[int, Instrument]
) -> dict[str, Any] | str:
    inner = nested_frame(frame)
    if inner is not None and inner.spec is not None:
        return {"type": inner.name, **_fields(inner.spec, inner.fields(), instruments)}
    if spec.is_json_tail:
        try:
            document: dict[str, Any] = orjson.loads(frame.tail)
            return document
        except orjson.JSONDecodeError:
            pass  # shown as it is
    try:
        return frame.tail.decode("utf-8").replace("\x01", "|")
    except UnicodeDecodeError:
        return {"hex": frame.tail.hex()}


def as_document(frame: Frame, instruments: Mapping[int, Instrument]) -> dict[str, Any]:
    """The frame as JSON values. Prices stay in increments; `NAME_decimal` stands beside them."""
    head: dict[str, Any] = {
        "sequence": frame.sequence,
        "ts_core": frame.ts_core,
        "type": frame.name,
        "class": describe(frame.frame_class, core.FrameClass),
    }
    if frame.origin:
        head["origin"] = describe(frame.origin, core.Origin)
    if frame.source:
        head["source"] = frame.source
    spec = frame.spec
    if spec is None or len(frame.payload) < spec.size_bytes:
        return head | {"payload_hex": frame.payload.hex()}
    head |= _fields(spec, frame.fields(), instruments)
    if frame.tail:
        head["tail"] = _tail(frame, spec, instruments)
    return head
