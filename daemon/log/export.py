"""A log as Parquet: one file a record type, columns as the schema names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from daemon.log.reader import Batch, LogReader
from daemon.log.schema import CL_ORD_ID_FIELDS, RECORDS, RecordSpec, describe

BATCH_FRAMES: Final = 65536
Progress = Callable[[int], None]


def _column(spec: RecordSpec, name: str, values: npt.NDArray[Any]) -> pa.Array:
    if name in spec.enums:
        kinds = np.unique(values)
        names = [describe(int(kind), spec.enums[name]) for kind in kinds]
        index = np.searchsorted(kinds, values).astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(index), pa.array(names, pa.string()))
    if name in CL_ORD_ID_FIELDS and values.dtype == np.uint64:
        return pa.array([f"{value:016x}" for value in values.tolist()], pa.string())
    if name == "sha256":
        size = values.dtype.itemsize
        return pa.array([value.ljust(size, b"\0") for value in values.tolist()], pa.binary())
    if values.dtype.kind == "S":
        texts = [value.decode("utf-8", "replace") for value in values.tolist()]
        return pa.array(texts, pa.string())
    return pa.array(np.ascontiguousarray(values))


def _tails(spec: RecordSpec, batch: Batch, rows: npt.NDArray[np.void]) -> pa.Array:
    places = zip(rows["payload_at"].tolist(), rows["payload_size"].tolist(), strict=True)
    tails = [batch.payloads[at + spec.size_bytes : at + size] for at, size in places]
    if not spec.is_text_tail:
        return pa.array(tails, pa.binary())
    return pa.array([tail.decode("utf-8", "replace") for tail in tails], pa.string())


def table_of(spec: RecordSpec, batch: Batch) -> pa.Table:
    """The batch's frames of one type. Columns: header, then fields, then the tail if it has one."""
    rows = batch.rows[batch.rows["type"] == spec.number]
    rows = rows[rows["payload_size"] >= spec.size_bytes]
    columns: dict[str, pa.Array] = {
        "sequence": pa.array(np.ascontiguousarray(rows["sequence"])),
        "ts_core": pa.array(np.ascontiguousarray(rows["ts_core"])).cast(pa.timestamp("ns", "UTC")),
        "origin": pa.array(np.ascontiguousarray(rows["origin"])),
        "source": pa.array(np.ascontiguousarray(rows["source"])),
    }
    records = batch.records(spec)
    for name in spec.dtype.names or ():
        if not name.startswith("reserved"):
            columns[name] = _column(spec, name, records[name])
    if spec.tail:
        columns["tail"] = _tails(spec, batch, rows)
    return pa.table(columns)


class _Files:
    """The Parquet files being written; each gets its name when it is complete."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}

    def write(self, spec: RecordSpec, table: pa.Table) -> None:
        writer = self._writers.get(spec.name)
        if writer is None:
            path = self._out / f"{spec.name.lower()}.parquet.part"
            writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            self._writers[spec.name] = writer
        writer.write_table(table)
        self.rows[spec.name] = self.rows.get(spec.name, 0) + table.num_rows

    def close(self) -> None:
        for name, writer in self._writers.items():
            writer.close()
            part = self._out / f"{name.lower()}.parquet.part"
            part.rename(part.with_suffix(""))


def export(
    folder: Path, out: Path, *, types: Iterable[int] = (), progress: Progress = lambda _: None
) -> dict[str, int]:
    """Write OUT/NAME.parquet for every record type in the log; returns the rows of each.

    Frames of types unknown to this build are left out. `progress` gets the number of frames read
    after each batch. LogError at damage: then no file has its final name.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = _Files(out)
    frames = 0
    for batch in LogReader(folder, types=types).batches(BATCH_FRAMES):
        for kind in np.unique(batch.rows["type"]).tolist():
            spec = RECORDS.get(kind)
            if spec is not None:
                files.write(spec, table_of(spec, batch))
        frames += len(batch)
        progress(frames)
    files.close()
    return dict(sorted(files.rows.items()))
