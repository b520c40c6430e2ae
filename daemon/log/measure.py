"""What a log holds, in numbers: totals by type, rates, and how long orders took."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from daemon.core import LATENCY_STAGES, OrderAction, OrderLane
from daemon.log.reader import LogReader
from daemon.log.schema import RECORDS, spec_of
from daemon.log.text import instruments_of

FRAME_HEADER_BYTES: Final = 32
MARKET_TYPES: Final = ("MARKET_DATAGRAM", "MARKET_MESSAGE")
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)


class TypeTotal(msgspec.Struct, frozen=True):
    """Frames of one record type and their bytes, headers and padding included."""

    name: str
    frames: int
    bytes: int


class BookChecks(msgspec.Struct, frozen=True):
    """How often an instrument's book was compared with the venue's own best bid and ask."""

    instrument: str
    compared: int
    different: int


class LogTotals(msgspec.Struct, frozen=True):
    """Totals of a log. Rates are over ts_core; None where the log spans no time."""

    types: list[TypeTotal]
    frames: int
    bytes: int
    first_sequence: int
    last_sequence: int
    duration_seconds: float
    market_messages: int
    bytes_per_market_message: float | None
    frames_per_second: float | None
    bytes_per_second: float | None
    disk_free_bytes: int
    hours_left: float | None
    status: str  # end, torn
    book_checks: list[BookChecks]


class _Read(NamedTuple):
    """What one pass over the log finds."""

    totals: dict[int, tuple[int, int]]  # frames and bytes, by type
    ends: list[int]  # first and last sequence and ts_core
    status: str  # the reader's last
    checks: dict[int, tuple[int, int]]  # compared and different, by instrument


def _read(folder: Path) -> _Read:
    totals: dict[int, tuple[int, int]] = {}
    checks: dict[int, tuple[int, int]] = {}
    checked = spec_of("BOOK_CHECKED")
    ends: list[int] = []
    reader = LogReader(folder)
    for batch in reader.batches(65536):
        rows = batch.rows
        size = (FRAME_HEADER_BYTES + rows["payload_size"].astype(np.int64) + 7) // 8 * 8
        for kind in np.unique(rows["type"]).tolist():
            chosen = rows["type"] == kind
            frames, used = totals.get(kind, (0, 0))
            totals[kind] = (frames + int(chosen.sum()), used + int(size[chosen].sum()))
        if checked.number in totals:
            _add_checks(checks, batch.records(checked))
        first = [int(rows["sequence"][0]), int(rows["ts_core"][0])] if not ends else ends[:2]
        ends = [*first, int(rows["sequence"][-1]), int(rows["ts_core"][-1])]
    return _Read(totals, ends or [0, 0, 0, 0], reader.status, checks)


def _add_checks(checks: dict[int, tuple[int, int]], records: npt.NDArray[np.void]) -> None:
    for instrument in np.unique(records["instrument"]).tolist():
        different = records["different"][records["instrument"] == instrument]
        before = checks.get(instrument, (0, 0))
        checks[instrument] = (before[0] + len(different), before[1] + int(different.sum()))


def _book_checks(folder: Path, checks: dict[int, tuple[int, int]]) -> list[BookChecks]:
    symbols = {each.instrument_id: each.symbol for each in instruments_of(folder).values()}
    return [
        BookChecks(symbols.get(number, str(number)), compared, different)
        for number, (compared, different) in sorted(checks.items())
    ]


def totals_of(folder: Path) -> LogTotals:
    """Read the whole log once. LogError at damage."""
    totals, (first, ts_first, last, ts_last), status, checks = _read(folder)
    types = [
        TypeTotal(RECORDS[kind].name if kind in RECORDS else str(kind), frames, used)
        for kind, (frames, used) in sorted(totals.items())
    ]
    frames = sum(each.frames for each in types)
    used = sum(each.bytes for each in types)
    seconds = (ts_last - ts_first) / 1e9
    market = sum(each.frames for each in types if each.name in MARKET_TYPES)
    free = shutil.disk_usage(folder).free
    rate = used / seconds if seconds > 0 else None
    return LogTotals(
        types=types,
        frames=frames,
        bytes=used,
        first_sequence=first,
        last_sequence=last,
        duration_seconds=seconds,
        market_messages=market,
        bytes_per_market_message=used / market if market else None,
        frames_per_second=frames / seconds if seconds > 0 else None,
        bytes_per_second=rate,
        disk_free_bytes=free,
        hours_left=free / rate / 3600 if rate else None,
        status=status,
        book_checks=_book_checks(folder, checks),
    )


class StageLatency(msgspec.Struct, frozen=True):
    """One stage's durations in ns, of orders and replaces that have both of its stamps."""

    stage: str
    orders: int
    latency_ns_p50: float
    latency_ns_p90: float
    latency_ns_p99: float
    latency_ns_p99_9: float
    latency_ns_max: float
    lane: str = ""  # python, native; "" where the log does not say


def _stage(name: str, lane: OrderLane, durations: npt.NDArray[np.int64]) -> StageLatency:
    p50, p90, p99, p99_9 = (float(value) for value in np.percentile(durations, PERCENTILES))
    of = "" if lane == OrderLane.UNKNOWN else lane.name.lower()
    return StageLatency(name, len(durations), p50, p90, p99, p99_9, float(durations.max()), of)


def latencies_of(folder: Path) -> list[StageLatency]:
    """The stages of orders' ways out, by lane, from ORDER_LATENCY; what nobody passed is absent.

    Cancels pass no gate: their stages are another thing, and are not counted.
    """
    spec = spec_of("ORDER_LATENCY")
    reader = LogReader(folder, types=[spec.number])
    parts = [batch.records(spec) for batch in reader.batches(65536)]
    records = np.concatenate(parts) if parts else np.empty(0, spec.dtype)
    records = records[records["action"] != OrderAction.CANCEL]
    out: list[StageLatency] = []
    for lane in (OrderLane.NATIVE, OrderLane.PYTHON, OrderLane.UNKNOWN):
        of_lane = records[records["lane"] == lane]
        for name, begin, end in LATENCY_STAGES:
            both = of_lane[(of_lane[begin] > 0) & (of_lane[end] > 0)]
            if len(both):
                out.append(_stage(name, lane, both[end] - both[begin]))
    return out
