"""daemon.log: frames as values, selection, following, recovery, export."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from daemon import core
from daemon.log import LogReader, recover, spec_of
from daemon.log.export import export
from daemon.log.measure import latencies_of, totals_of
from daemon.log.select import Place, Selection, parse_place
from daemon.log.text import as_document, instruments_of
from tests.log import golden_log


@pytest.fixture
def log(tmp_path: Path) -> Path:
    golden_log.write_golden(tmp_path / "log")
    return tmp_path / "log"


def test_records_come_as_one_array_in_order(log: Path) -> None:
    spec = spec_of("FILL")
    batch = LogReader(log).read_batch(10_000)
    records = batch.records(spec)
    singles = [frame.fields() for frame in batch.frames() if frame.type == spec.number]
    assert len(singles) == golden_log.TURNS
    assert [
        dict(zip(spec.dtype.names or (), row, strict=True)) for row in records.tolist()
    ] == singles


def test_named_types_are_chosen_natively_and_an_unknown_one_is_none(log: Path) -> None:
    wanted = spec_of("BAR").number
    assert [frame.name for frame in LogReader(log, types=[wanted])] == ["BAR"] * golden_log.TURNS
    assert list(LogReader(log, types=[60_000])) == []


def test_reading_begins_at_the_sequence_asked_for(log: Path) -> None:
    assert [frame.sequence for frame in LogReader(log, from_sequence=40)][:2] == [40, 41]
    after_gap = next(iter(LogReader(log, from_sequence=500)))
    assert after_gap.name == "EPOCH"


def test_a_frame_of_a_later_build_is_passed_on_without_a_record(tmp_path: Path) -> None:
    writer = core.LogWriter.create(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    writer.append(60_000, 5, b"later", 1)
    assert writer.close()
    (frame,) = LogReader(tmp_path)
    assert (frame.name, frame.fields(), frame.payload) == ("60000", {}, b"later")
    with pytest.raises(ValueError, match="unknown to this build"):
        _ = frame.record
    assert as_document(frame, {})["payload_hex"] == b"later".hex()


def test_documents_name_enumerations_and_show_decimal_prices(log: Path) -> None:
    instruments = instruments_of(log)
    order = next(iter(Selection(types=frozenset({spec_of("ORDER_SUBMITTED").number})).read(log)))
    document = as_document(order, instruments)
    fields = order.fields()
    assert document["cl_ord_id"] == f"{fields['cl_ord_id']:016x}"
    assert document["side"] == core.Side(fields["side"]).name
    assert document["symbol"] == "TEST"
    assert document["price"] == fields["price"]
    assert float(document["price_decimal"]) == pytest.approx(fields["price"] / 100)


def test_selection_finds_an_order_wherever_it_is_mentioned(tmp_path: Path) -> None:
    writer = core.LogWriter.create(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    order = 0x0000000100000007

    def put(name: str, tail: bytes = b"", **fields: int) -> int:
        spec = spec_of(name)
        record = np.zeros(1, spec.dtype)
        for field, value in fields.items():
            record[0][field] = value
        return writer.append(spec.number, 5, record.tobytes() + tail, spec.frame_class)

    submitted = np.zeros(1, spec_of("ORDER_SUBMITTED").dtype)
    submitted[0]["cl_ord_id"] = order
    expected = [
        put("ORDER_SUBMITTED", cl_ord_id=order),
        put("ORDER_STATE", order=order, cl_ord_id=9),
        put("FIX_TX", b"35=D\x0111=0000000100000007\x01"),
        put("VENUE_TX", submitted.tobytes(), type=spec_of("ORDER_SUBMITTED").number),
    ]
    put("ORDER_SUBMITTED", cl_ord_id=order + 1)
    put("FIX_TX", b"35=0\x01")
    assert writer.close()
    assert [frame.sequence for frame in Selection(order=order).read(tmp_path)] == expected


def test_selection_by_time_and_sequence_includes_both_ends(log: Path) -> None:
    begin = golden_log.TS_FIRST + 3 * golden_log.TS_STEP
    by_time = Selection(begin=Place(ts_core=begin), end=Place(ts_core=begin + golden_log.TS_STEP))
    assert [frame.sequence for frame in by_time.read(log)] == [4, 5]
    by_sequence = Selection(begin=Place(sequence=4), end=Place(sequence=6))
    assert [frame.sequence for frame in by_sequence.read(log)] == [4, 5, 6]


def test_places_are_sequences_or_times() -> None:
    assert parse_place("12") == Place(sequence=12)
    assert parse_place(str(golden_log.TS_FIRST)) == Place(ts_core=golden_log.TS_FIRST)
    assert parse_place("2026-01-05T14:30:00Z") == Place(ts_core=golden_log.TS_FIRST)
    assert parse_place("2026-01-05T14:30:00.000001") == Place(ts_core=golden_log.TS_FIRST + 1000)
    with pytest.raises(ValueError, match="later"):
        parse_place("later")


async def test_follow_gives_what_a_live_writer_appends(tmp_path: Path) -> None:
    writer = core.LogWriter.create(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    time = spec_of("TIME")
    golden_log.append(writer, time, 1)
    seen: list[int] = []
    async with asyncio.timeout(10):
        async for frame in LogReader(tmp_path).follow(interval_seconds=0.001):
            seen.append(frame.sequence)
            if len(seen) == 50:
                break
            golden_log.append(writer, time, frame.ts_core + 1)
    assert seen == list(range(1, 51))
    assert writer.close()


def test_damage_is_raised_with_file_and_offset(log: Path) -> None:
    segment = log / "00000000.seg"
    content = bytearray(segment.read_bytes())
    content[4096 + 50] ^= 1
    segment.write_bytes(content)
    with pytest.raises(core.LogError, match=r"00000000.seg, offset 4096: checksum"):
        list(LogReader(log))
    with pytest.raises(core.LogError, match=r"00000000.seg, offset 4096"):
        recover(log)


def test_recover_reports_and_leaves_a_log_that_reads_to_its_end(log: Path) -> None:
    report = recover(log)
    assert (report.verdict, report.clean_close) == ("clean", True)
    last = sorted(log.glob("*.seg"))[-1]
    last.write_bytes(last.read_bytes()[:4150])
    report = recover(log)
    assert report.verdict == "torn_below_durable"
    assert report.cut[0].endswith(last.name)
    reader = LogReader(log)
    assert [frame.sequence for frame in reader][-1] == report.last_sequence
    assert reader.status == "end"


def test_export_writes_every_type_with_its_columns(log: Path, tmp_path: Path) -> None:
    rows = export(log, tmp_path / "out")
    assert rows["EPOCH"] == golden_log.TURNS + 1
    assert set(rows) == {spec.name for spec in golden_log.golden_records()} | {"SEGMENT_END"}
    table = pq.read_table(tmp_path / "out" / "fill.parquet").to_pylist()
    frames = [frame for frame in LogReader(log) if frame.name == "FILL"]
    assert [row["last_px"] for row in table] == [frame.fields()["last_px"] for frame in frames]
    assert table[0]["order"] == f"{frames[0].fields()['order']:016x}"
    assert table[0]["side"] in core.Side.__members__
    note = pq.read_table(tmp_path / "out" / "note.parquet").to_pylist()
    assert note[0]["tail"] == "tail of NOTE"
    assert not list((tmp_path / "out").glob("*.part"))


def test_totals_agree_with_the_frames(log: Path) -> None:
    totals = totals_of(log)
    frames = list(LogReader(log))
    assert totals.frames == len(frames)
    assert totals.bytes == core.verify_log(str(log), lambda _: None)["bytes"]
    assert totals.market_messages == 2 * golden_log.TURNS
    assert totals.duration_seconds == pytest.approx((frames[-1].ts_core - frames[0].ts_core) / 1e9)
    assert totals.hours_left is not None
    assert totals.hours_left > 0


def test_latency_stages_use_only_orders_with_both_stamps(tmp_path: Path) -> None:
    writer = core.LogWriter.create(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    spec = spec_of("ORDER_LATENCY")
    for index in range(1, 101):
        record = np.zeros(1, spec.dtype)
        record[0]["ts_recv"] = 1000
        record[0]["ts_decoded"] = 1000 + index
        writer.append(spec.number, index, record.tobytes(), spec.frame_class)
    assert writer.close()
    (stage,) = latencies_of(tmp_path)
    assert (stage.lane, stage.stage, stage.orders) == ("", "received to decoded", 100)
    assert stage.latency_ns_p50 == pytest.approx(50.5)
    assert stage.latency_ns_max == 100


def test_latency_tells_the_lanes_apart_and_counts_no_cancels(tmp_path: Path) -> None:
    writer = core.LogWriter.create(str(tmp_path), golden_log.SEGMENT_SIZE_BYTES)
    spec = spec_of("ORDER_LATENCY")
    lane, action = core.OrderLane, core.OrderAction
    for sequence, (of, what, took) in enumerate(
        [
            (lane.PYTHON, action.SUBMIT, 900),
            (lane.PYTHON, action.REPLACE, 1100),
            (lane.PYTHON, action.CANCEL, 5000),
            (lane.NATIVE, action.SUBMIT, 70),
        ],
        start=1,
    ):
        record = np.zeros(1, spec.dtype)
        record[0]["ts_sent"], record[0]["ts_acknowledged"] = 1000, 1000 + took
        record[0]["lane"], record[0]["action"] = of, what
        writer.append(spec.number, sequence, record.tobytes(), spec.frame_class)
    assert writer.close()
    found = [
        (row.lane, row.stage, row.orders, row.latency_ns_p50) for row in latencies_of(tmp_path)
    ]
    assert found == [
        ("native", "sent to acknowledged", 1, 70),
        ("python", "sent to acknowledged", 2, 1000),
    ]
