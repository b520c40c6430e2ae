"""Rows of books as CSV or Parquet, prices and sizes as exact decimals."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tools.command import UsageError
from tools.marketdata.builder import Rows


class Writer(Protocol):
    """What pyarrow's CSV and Parquet writers have in common."""

    def write_table(self, table: pa.Table) -> None: ...
    def __enter__(self) -> "Writer": ...
    def __exit__(self, *reason: object) -> None: ...


def schema(price_scale: int, size_scale: int) -> pa.Schema:
    """The columns that DESIGN.md names."""
    size = pa.int64() if size_scale == 0 else pa.decimal128(38, size_scale)
    return pa.schema(
        [
            ("ts_event", pa.int64()),
            ("sequence", pa.uint64()),
            ("symbol", pa.string()),
            ("side", pa.string()),
            ("level", pa.uint16()),
            ("price", pa.decimal128(38, price_scale)),
            ("size", size),
        ]
    )


class RowFile:
    """Appends rows to a file; its kind is its suffix, .csv or .parquet."""

    def __init__(self, writer: Writer, columns: pa.Schema) -> None:
        self._writer = writer
        self._columns = columns
        self.rows = 0

    def add(self, rows: Rows, symbols: Sequence[str]) -> None:
        if not rows.size:
            return
        self.rows += int(rows.size)
        sides = np.array(["", "bid", "ask"])[rows["side"]]
        arrays = [
            pa.array(rows["ts_event"]),
            pa.array(rows["sequence"]),
            pa.array(np.array(symbols)[rows["instrument"]]),
            pa.array(sides),
            pa.array(rows["level"]),
            _decimals(rows["px"], self._columns.field("price").type),
            _decimals(rows["size"], self._columns.field("size").type),
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._columns))


def _decimals(counts: Rows, kind: pa.DataType) -> pa.Array:
    integers = pa.array(counts.astype(np.int64))
    if not pa.types.is_decimal(kind):
        return integers
    unit = pa.scalar(Decimal(1).scaleb(-kind.scale), pa.decimal128(kind.scale + 1, kind.scale))
    return pc.multiply(integers.cast(pa.decimal128(19, 0)), unit).cast(kind)


@contextmanager
def row_file(path: Path, price_scale: int, size_scale: int) -> Iterator[RowFile]:
    """A new file at the path, complete when the block ends. UsageError for another suffix."""
    columns = schema(price_scale, size_scale)
    try:
        if path.suffix == ".parquet":
            writer: Writer = pq.ParquetWriter(path, columns, compression="zstd")
        elif path.suffix == ".csv":
            options = pa_csv.WriteOptions(quoting_style="none")
            writer = pa_csv.CSVWriter(path, columns, write_options=options)
        else:
            raise UsageError(f"--out {path}: expected a name that ends in .csv or .parquet")
    except OSError as error:
        raise UsageError(f"--out {path}: {error}") from error
    with writer:
        yield RowFile(writer, columns)
