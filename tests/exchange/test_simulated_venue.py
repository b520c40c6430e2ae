"""The venue inside the daemon as Python sees it: record payloads in, record payloads out."""

from __future__ import annotations

import numpy as np
import pytest

from daemon import core
from daemon.core import RecordType, SimulatedVenue

KINDS = {"u8": "u1", "u16": "u2", "u32": "u4", "u64": "u8", "i64": "i8", "f64": "f8"}


def dtype(name: str) -> np.dtype[np.void]:
    """The layout of a record, from the schema that the module carries."""
    record = next(entry for entry in core.RECORDS if entry["name"] == name)
    fields = record["fields"]
    kinds = [KINDS.get(kind, f"S{kind[1:]}") for _, kind, _, _ in fields]
    return np.dtype(
        {
            "names": [field[0] for field in fields],
            "formats": kinds,
            "offsets": [field[2] for field in fields],
            "itemsize": record["size_bytes"],
        }
    )


def order(cl_ord_id: int, qty: int, price: int) -> bytes:
    record = np.zeros((), dtype("ORDER_SUBMITTED"))
    record["cl_ord_id"], record["order_qty"], record["price"] = cl_ord_id, qty, price
    record["side"], record["ord_type"] = core.Side.BUY, core.OrdType.LIMIT
    return record.tobytes()


def test_an_order_is_filled_by_the_book_after_its_latency() -> None:
    venue = SimulatedVenue(1, latency_in_ns=100, latency_out_ns=50)
    venue.set_level(0, 0, core.Side.SELL, 101, 3)
    assert venue.on_request(1_000, RecordType.ORDER_SUBMITTED, order(7, 5, 101))
    assert venue.next_deadline() == 1_100
    assert venue.poll(1_100) == []
    reports = venue.poll(1_150)
    assert [kind for _, kind, _ in reports] == [RecordType.EXECUTION] * 2
    fill = np.frombuffer(reports[1][2], dtype("EXECUTION"))[0]
    assert (fill["last_qty"], fill["last_px"], fill["leaves_qty"]) == (3, 101, 2)
    assert fill["exec_type"] == core.ExecType.TRADE
    venue.on_trade(2_000, 0, 101, 2, core.Side.SELL)
    (report,) = venue.poll(2_050)
    assert np.frombuffer(report[2], dtype("EXECUTION"))["ord_status"][0] == core.OrdStatus.FILLED


def test_what_is_no_request_is_refused() -> None:
    venue = SimulatedVenue(1)
    assert not venue.on_request(1, RecordType.EXECUTION, order(1, 1, 1))
    assert not venue.on_request(1, RecordType.ORDER_SUBMITTED, b"short")
    with pytest.raises(IndexError, match="instrument"):
        venue.set_level(0, 1, core.Side.BUY, 1, 1)
