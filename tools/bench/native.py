"""Rows from the C++ benchmarks (native/bench), where `make bench` has built them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson

from tools.bench.rows import ROOT, Row, row_of_runs, runs, with_jitter

BINARIES: Final = ROOT / "build" / "release"
HOW: Final = "make bench (or cmake -DPITWIRE_BENCH=ON, then build pitwire_{}_bench)"
RUNS: Final = 5
RUN_SECONDS: Final = 0.05
TIMEOUT_S: Final = 300.0
NS: Final = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
# Google Benchmark writes the variation of a counter that is always 0 as a bare nan.
NOT_JSON: Final = re.compile(rb": -?(?:nan|inf)\b", re.IGNORECASE)


class Native(msgspec.Struct, frozen=True):
    """A benchmark by its name, and the row it makes.

    `figure` is `item` (ns an item), `rate` (million items a second), `time` (ns an iteration),
    `cpu` (its processor time) or the name of a counter; `p99` and `floor` are names of counters.
    `divide` by so much.
    """

    row: Row
    binary: str
    benchmark: str
    figure: str = "item"
    divide: float = 1.0
    p99: str = ""
    floor: str = ""


def rows_of(wanted: Sequence[Native]) -> list[Row]:
    """A row for each, in order; the benchmarks of one binary run together."""
    results: dict[str, list[dict[str, Any]] | str] = {}
    for binary in dict.fromkeys(each.binary for each in wanted):
        names = [each.benchmark for each in wanted if each.binary == binary]
        results[binary] = _run(BINARIES / f"pitwire_{binary}_bench", binary, names)
    return [_row(each, results[each.binary]) for each in wanted]


def _run(path: Path, binary: str, names: Sequence[str]) -> list[dict[str, Any]] | str:
    """The runs of these benchmarks, or why there are none."""
    if not path.exists():
        return f"not built: {HOW.format(binary)}"
    command = [
        str(path),
        "--benchmark_format=json",
        f"--benchmark_filter=^({'|'.join(names)})$",
        f"--benchmark_repetitions={runs(RUNS)}",
        f"--benchmark_min_time={RUN_SECONDS}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S)  # noqa: S603 - our binary
    except subprocess.TimeoutExpired:
        return f"{path.name} took longer than {TIMEOUT_S:.0f} s"
    if done.returncode != 0:
        return f"{path.name} ended with {done.returncode}: {done.stderr.decode()[-200:]}"
    if not done.stdout.strip():  # what it says when it has none of them
        return []
    found: list[dict[str, Any]] = orjson.loads(NOT_JSON.sub(b": null", done.stdout))["benchmarks"]
    return [each for each in found if each["run_type"] == "iteration"]


def _row(wanted: Native, result: list[dict[str, Any]] | str) -> Row:
    row = wanted.row
    if isinstance(result, str):
        return msgspec.structs.replace(row, skipped=result)
    laps = [each for each in result if each["run_name"] == wanted.benchmark]
    failed = next((each["error_message"] for each in laps if each.get("error_occurred")), None)
    if failed or not laps:
        return msgspec.structs.replace(row, skipped=failed or f"no benchmark {wanted.benchmark}")
    row = row_of_runs(row, [_figure(wanted, run) for run in laps])
    if wanted.p99:
        p99 = sorted(run[wanted.p99] for run in laps)[len(laps) // 2]
        row = with_jitter(row, wanted.divide)
        row = msgspec.structs.replace(row, p50=row.value, p99=p99 / wanted.divide)
    if wanted.floor:
        floor = sorted(run[wanted.floor] for run in laps)[len(laps) // 2]
        row = msgspec.structs.replace(row, floor=floor / wanted.divide)
    return row


def _figure(wanted: Native, run: dict[str, Any]) -> float:
    if wanted.figure == "item":
        return 1e9 / float(run["items_per_second"]) / wanted.divide
    if wanted.figure == "rate":
        return float(run["items_per_second"]) / 1e6 / wanted.divide
    if wanted.figure == "time":
        return float(run["real_time"]) * NS[run["time_unit"]] / wanted.divide
    if wanted.figure == "cpu":
        return float(run["cpu_time"]) * NS[run["time_unit"]] / wanted.divide
    return float(run[wanted.figure]) / wanted.divide


def _ns(place: str, name: str, goal: float | None = None, goal_p99: float | None = None) -> Row:
    return Row(id=place, name=name, unit="ns", goal=goal, goal_p99=goal_p99)


def _rate(place: str, name: str, goal: float | None = None) -> Row:
    return Row(id=place, name=name, unit="M messages/s", goal=goal, more_is_better=True)


RING: Final = (
    Native(_ns("P5", "ring, one record at a time"), "base", "RingThroughput/1/real_time"),
    Native(_ns("P5", "ring, in place by 16", 5), "base", "RingThroughput/16/real_time"),
    Native(
        _ns("P5", "ring, one way (half a round trip)"), "base", "RingPingPong/real_time", "time", 2
    ),
)
LOG: Final = (
    Native(_ns("P6", "log append, 64 bytes", 60), "log", "BM_Append64/iterations:1000000"),
    Native(_ns("P6", "log verify, a record", 8), "log", "BM_Verify64/iterations:1"),
    Native(
        _ns("P6", "log append at 1 M/s"),
        "log",
        "BM_Append64Paced/iterations:200000",
        "p50_ns",
        p99="p99_ns",
    ),
)
BOOK: Final = (
    Native(_ns("P1", "ITCH decode, 1 M made messages", 14), "market", "P1_itch_decode"),
    Native(_ns("P2", "ITCH decode and L3 books, 100 symbols", 60), "market", "P2_itch_l3"),
    Native(_ns("P2", "the same, references over 2^40", 60), "market", "P2_itch_l3_spread"),
    Native(_ns("P3", "ITCH decode and L3 books, 8,000 symbols", 150), "market", "P3_itch_l3"),
)
KERNEL: Final = (
    Native(
        _ns("-", "kernel, one on an instrument"), "market", "kernel_call/1", floor="pointer_call_ns"
    ),
    Native(
        _ns("-", "kernel, of 16 on an instrument"),
        "market",
        "kernel_call/16",
        floor="pointer_call_ns",
    ),
)
RISK: Final = (
    Native(_ns("P7", "risk gate, 8,000 instruments", 60), "orders", "gate_check", "cpu"),
    Native(
        _ns("P7", "risk gate, each check timed", goal_p99=500),
        "orders",
        "gate_percentiles/iterations:1000000",
        "p50_ns",
        p99="p99_ns",
        floor="clock_p50_ns",
    ),
)
CORE: Final = (
    Native(
        _rate("P9", "the whole core, log on, 100 instruments", 3),
        "engine",
        "P9_ingest_hot/real_time",
        "rate",
    ),
    Native(
        _rate("P9", "the whole core, log on, 8,000 instruments", 2),
        "engine",
        "P9_ingest_wide/real_time",
        "rate",
    ),
    Native(
        _rate("P9", "the whole core, log on, 1 instrument"),
        "engine",
        "P9_ingest_one/real_time",
        "rate",
    ),
)
FIX: Final = (
    Native(_ns("P14", "FIX, a NewOrderSingle encoded", 250), "fix", "P14_encode", "cpu"),
    Native(_ns("P14", "FIX, an ExecutionReport parsed", 350), "fix", "P14_parse", "cpu"),
    Native(
        _ns("P14", "FIX, an ExecutionReport received: parsed, in sequence, by a session's rules"),
        "fix",
        "P14_receive",
        "cpu",
    ),
)
ORDER: Final = (
    Native(
        Row(
            id="P16",
            name="book change → FIX order's bytes, its records in the log, native lane",
            unit="us",
            goal=1.5,
            goal_p99=5,
        ),
        "engine",
        "P16_order_native/iterations:20000/manual_time",
        "p50_ns",
        divide=1e3,
        p99="p99_ns",
    ),
)
REPLAY: Final = (
    Native(_rate("P17", "replay of P9's log", 2), "engine", "P17_replay/real_time", "rate"),
)
