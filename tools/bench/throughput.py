"""10,000 orders a second through one FIX session for minutes, and 5,000 fills in one packet train.

The daemon and the exchange are processes of their own, market data runs beside the orders. Each
order must be sent once, acknowledged, and end; what the exchange counted must be what we sent. For
the train, 5,000 orders rest, and one order of another client takes them all: the exchange matches,
reports and writes within one poll, so that the reports leave back to back.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from daemon import core
from daemon.core import ExecType
from daemon.log import Batch, LogReader, spec_of
from daemon.model import TERMINAL_STATES, OrderState
from tools.bench.fix import End
from tools.bench.load_log import FRAMES, records_of
from tools.bench.load_run import (
    NOT_BUILT,
    SENDER,
    TRIGGER,
    Load,
    RunError,
    Sent,
    Stage,
    not_as_sent,
)
from tools.bench.load_search import NS_PER_US, sampled
from tools.bench.rows import Row, row_of_runs
from tools.ctl.client import Client
from tools.processes import stop

MINUTES: Final = 10.0
RATE: Final = 10_000
FEED: Final = 10_000  # messages a second beside the orders
PER_DATAGRAM: Final = 5
SYMBOLS: Final = 10
WATCHERS: Final = 10
SECONDS_BESIDE: Final = 3  # that the feed goes on behind the orders
WARM_UP_SECONDS: Final = 1
SETTLED_SECONDS_MAX: Final = 60.0
POLL_SECONDS: Final = 0.02
TRAINS: Final = 3  # each of another daemon
BURST: Final = 5_000
BURST_SECONDS: Final = 12  # of feed: orders rest, are taken, and are booked in this time
BURST_SECONDS_MAX: Final = 10.0
SWEEP_QTY: Final = 900_000  # all that bids at our price or above, whoever does

I64 = npt.NDArray[np.int64]


# ------------------------------------------------------------------ what the log says


class Answers(NamedTuple):
    """Of a run of orders; ns since 1970, arrays in the orders' order."""

    submitted: int
    denied: int
    sent_twice: int
    unacknowledged: int
    unended: int
    unknown: int
    executions: int
    due: I64
    answered: I64
    first_ns: int
    last_ns: int


class _Tally:
    """One pass over a log that does not fit into memory: a few numbers of each order stay."""

    def __init__(self) -> None:
        self._columns: dict[str, list[I64]] = {}

    def take(self, batch: Batch) -> None:
        """What is needed of it."""
        for name, fields in _WANTED.items():
            spec = spec_of(name)
            records = batch.records(spec)
            if not len(records):
                continue
            for field in fields:
                self._add(f"{name}.{field}", records[field])
            rows = batch.rows[batch.rows["type"] == spec.number]
            if name == "FIX_RX":
                self._add("FIX_RX.sequence", rows["sequence"])
            elif name == "ORDER_SUBMITTED":
                self._add("ORDER_SUBMITTED.ts_core", rows["ts_core"])

    def _add(self, key: str, values: npt.NDArray[Any]) -> None:
        self._columns.setdefault(key, []).append(values.astype(np.int64))

    def __getitem__(self, key: str) -> I64:
        parts = self._columns.get(key)
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


_WANTED: Final[dict[str, tuple[str, ...]]] = {
    "ORDER_SUBMITTED": ("cl_ord_id", "tag"),
    "ORDER_DENIED": ("cl_ord_id",),
    "FIX_TX": ("order",),
    "FIX_RX": ("ts_recv",),
    "EXECUTION": ("cl_ord_id", "raw_sequence", "exec_type"),
    "ORDER_STATE": ("order", "to_state"),
}


def answers_of(log: Path, per_second: int) -> Answers:
    """The orders of a `Submitter`, by their due times."""
    tally = _Tally()
    for batch in LogReader(log, types=_WANTED).batches(FRAMES):
        tally.take(batch)
    ids = tally["ORDER_SUBMITTED.cl_ord_id"]
    sent, times = np.unique(tally["FIX_TX.order"], return_counts=True)
    state = tally["ORDER_STATE.to_state"]
    ended = tally["ORDER_STATE.order"][np.isin(state, [int(each) for each in TERMINAL_STATES])]
    acknowledged = tally["EXECUTION.exec_type"] == int(ExecType.NEW)
    known, first = np.unique(tally["EXECUTION.cl_ord_id"][acknowledged], return_index=True)
    answered = np.isin(ids, known)
    raw = tally["EXECUTION.raw_sequence"][acknowledged][first]
    raw = raw[np.searchsorted(known, ids[answered])]
    ts_recv = tally["FIX_RX.ts_recv"][np.searchsorted(tally["FIX_RX.sequence"], raw)]
    began = tally["ORDER_SUBMITTED.ts_core"]
    due = began[:1].sum() + tally["ORDER_SUBMITTED.tag"] * 1_000_000_000 // per_second
    return Answers(
        submitted=len(ids),
        denied=len(tally["ORDER_DENIED.cl_ord_id"]),
        sent_twice=int((times[np.isin(sent, ids)] != 1).sum()) + int((~np.isin(ids, sent)).sum()),
        unacknowledged=int((~answered).sum()),
        unended=int((~np.isin(ids, ended)).sum()),
        unknown=int((state == int(OrderState.UNKNOWN)).sum()),
        executions=len(tally["EXECUTION.cl_ord_id"]),
        due=due[answered],
        answered=ts_recv,
        first_ns=int(began[:1].sum()),
        last_ns=int(began[-1:].sum()),
    )


# ------------------------------------------------------------------ running


@contextlib.contextmanager
def _running(stage: Stage) -> Iterator[tuple[Client, Any, int]]:
    """A client of the daemon that trades, the sender, and the exchange's port."""
    with stage.sender() as sender:
        symbols: list[str] = stage.heard(sender)["symbols"]
        exchange = stage.exchange()
        try:
            exchange.wait_ready()
            daemon = stage.daemon(symbols, exchange.ports["fix"])
            try:
                with stage.client_of(daemon) as client:
                    yield client, sender, exchange.ports["fix"]
            finally:
                stop(daemon)
        finally:
            exchange.stop()
    if daemon.returncode != 0:
        raise RunError(f"the daemon ended with {daemon.returncode}")


def _feed_ended(stage: Stage, client: Client, sender: Any) -> None:  # noqa: ANN401 - a Popen
    """All of it arrived. RunError where not."""
    sent = msgspec.convert(stage.heard(sender), Sent)
    deadline = time.monotonic() + SETTLED_SECONDS_MAX
    while True:
        (feed,) = client.ask("feeds").result
        if feed["packets"] >= sent.datagrams + sent.marks or time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    if lost := not_as_sent(sent, feed, client.ask("market").result):
        raise RunError(lost)


def _until(client: Client, what: str, done: str, at_least: int, seconds: float) -> None:
    """RunError where `done`, of the daemon's status, does not come so far."""
    deadline = time.monotonic() + seconds
    while (status := client.ask("status").result)[done] < at_least:
        if time.monotonic() > deadline:
            raise RunError(f"{status[done]} of {at_least} {what} within {seconds:g} s")
        time.sleep(POLL_SECONDS)


def ran(seconds: int, rate: int, folder: Path) -> tuple[Answers, int]:
    """The orders of a run, and how many requests the exchange counted beyond them."""
    orders = seconds * rate
    load = Load(
        rate=FEED,
        seconds=seconds + SECONDS_BESIDE,
        per_datagram=PER_DATAGRAM,
        symbols=SYMBOLS,
        toggle_every=50,
        trader="Submitter",
        orders_per_second=rate,
        orders=orders,
        watchers=WATCHERS,
        venue_wait="spin",
    )
    stage = Stage(load, folder)
    with _running(stage) as (client, sender, _):
        stage.write(sender, b"\n")
        _feed_ended(stage, client, sender)
        _until(client, "orders", "orders_submitted", orders, SETTLED_SECONDS_MAX)
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        while client.ask("status").result["orders_working"] and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    return answers_of(folder / "log", rate), _requests(folder / "exchange.err") - orders


def _requests(errors: Path) -> int:
    """What the exchange says at its end that it was asked."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", errors.read_text(errors="replace"))
    found = re.search(r"closed.*\brequests=(\d+)", text)
    if found is None:
        raise RunError(f"the exchange did not say what it counted: {text[-300:]}")
    return int(found[1])


# ------------------------------------------------------------------ the train


class Train(NamedTuple):
    """Fills of one packet train; ns."""

    booked: int
    position: int
    doubled: int
    theirs: int
    took: int  # from the first report received to the last fill in the log
    waited: int  # the longest that a datagram of the feed waited meanwhile


def train(folder: Path, fills: int) -> Train:
    """Orders rest, and are taken by one of another client."""
    load = Load(
        rate=FEED,
        seconds=BURST_SECONDS,
        per_datagram=PER_DATAGRAM,
        symbols=SYMBOLS,
        toggle_every=50,
        trader="Sitter",
        trades_as=f"orders = {fills}",
        watchers=WATCHERS,
        venue_wait="spin",
    )
    stage = Stage(load, folder)
    with _running(stage) as (client, sender, port):
        stage.write(sender, b"\n")
        with contextlib.closing(_Sweeper(port)) as sweeper:
            _until(client, "orders at rest", "orders_working", fills, BURST_SECONDS_MAX)
            _settle(client, fills)
            sweeper.sweep(_resting_price(folder / "log"))
            _until(client, "fills", "fills", fills, BURST_SECONDS_MAX)
        _feed_ended(stage, client, sender)
    return _train_of(folder)


def _settle(client: Client, orders: int) -> None:
    """All are acknowledged: what is in flight is not at the exchange yet."""
    deadline = time.monotonic() + BURST_SECONDS_MAX
    while True:
        rows = client.ask("orders", {"limit": orders}).result
        if sum(row["state"] == "WORKING" for row in rows) >= min(orders, len(rows)):
            return
        if time.monotonic() > deadline:
            raise RunError("orders at rest are not acknowledged")
        time.sleep(POLL_SECONDS)


def _resting_price(log: Path) -> int:
    """The lowest, in cents."""
    reader = LogReader(log, types=["ORDER_SUBMITTED"], committed=True)
    return min(int(frame.fields()["price"]) for frame in reader)


class _Sweeper:
    """Another client of the exchange, which takes all that bids."""

    def __init__(self, port: int) -> None:
        config = core.FixSessionConfig()
        config.id, config.begin_string, config.initiator = 1, "FIX.4.4", True
        config.sender_comp_id, config.target_comp_id = "OTHER", "EXCHANGE"
        self._symbols = core.FixSymbology()
        self._symbols.add(0, TRIGGER, "0.01", "1", "0.01")
        self._connection = core.FixConnection(1, "127.0.0.1", port)
        session = core.FixSession(config, self._symbols, core.host_now())
        self._end = End(session, self._connection.poll, self._connection.write)
        self._turn(lambda: session.logged_on)

    def _turn(self, done: Any) -> None:  # noqa: ANN401 - a condition
        deadline = time.monotonic() + BURST_SECONDS_MAX
        while not done():
            if time.monotonic() > deadline:
                raise RunError("the exchange does not answer the other client")
            self._end.turn(core.host_now())
            time.sleep(0.001)

    def sweep(self, price: int) -> None:
        """Sell to everybody at this price or above."""
        record = np.zeros(1, spec_of("ORDER_SUBMITTED").dtype)
        record["cl_ord_id"], record["side"], record["ord_type"] = 1 << 32, 2, 2
        record["time_in_force"], record["price"], record["order_qty"] = 3, price, SWEEP_QTY
        self._end.session.send_order(core.host_now(), record.tobytes())
        self._end.flush()

    def close(self) -> None:
        """Hang up."""
        self._connection.close("done")


def _train_of(folder: Path) -> Train:
    log = folder / "log"
    fills = records_of(log, "FILL")
    frames = [
        (int(row["sequence"]), int(row["ts_core"]))
        for batch in LogReader(log, types=["FILL"]).batches(FRAMES)
        for row in batch.rows
    ]
    raw = records_of(log, "EXECUTION")
    first_raw = int(raw[raw["exec_type"] == int(ExecType.TRADE)]["raw_sequence"][0])
    received = next(
        frame for frame in LogReader(log, types=["FIX_RX"]) if frame.sequence == first_raw
    )
    began, ended = int(received.fields()["ts_recv"]), frames[-1][1]
    theirs = (folder / "trades.csv").read_text().splitlines()
    return Train(
        booked=len(fills),
        position=int(fills["position"][-1]),
        doubled=len(fills) - len(np.unique(fills["exec_id"])),
        theirs=sum(line.endswith(",PITWIRE") for line in theirs),
        took=ended - began,
        waited=_waited(log, began, ended),
    )


def _waited(log: Path, began: int, ended: int) -> int:
    """Datagrams that were received within: the longest until it was applied."""
    longest = 0
    for batch in LogReader(log, types=["MARKET_DATAGRAM"]).batches(FRAMES):
        received = batch.records(spec_of("MARKET_DATAGRAM"))["ts_recv"].astype(np.int64)
        within = (received >= began) & (received <= ended)
        if within.any():
            applied = batch.rows["ts_core"].astype(np.int64)
            longest = max(longest, int((applied - received)[within].max()))
    return longest


# ------------------------------------------------------------------ rows


def rows(minutes: float = MINUTES, rate: float = RATE) -> list[Row]:
    """Times of answers, what was lost, and the train's."""
    if not SENDER.exists():
        return [Row(id="-", name="throughput through one FIX session", unit="", skipped=NOT_BUILT)]
    return [*_order_rows(max(1, round(minutes * 60)), int(rate)), *_train_rows()]


def _order_rows(seconds: int, rate: int) -> list[Row]:
    at = f"{rate:,} orders/s for {seconds} s, one FIX session"
    times = Row(
        id="-", name=f"throughput, {at}: from when an order was due to its report", unit="us"
    )
    lost = Row(
        id="-", name="throughput: orders lost, doubled, denied or unanswered", unit="", goal=0
    )
    kept = Row(
        id="-", name="throughput: sent, over all of it", unit="k orders/s", more_is_better=True
    )
    try:
        with tempfile.TemporaryDirectory(prefix="pitwire-throughput-") as folder:
            found, beyond = ran(seconds, rate, Path(folder))
    except RunError as error:
        return [msgspec.structs.replace(each, skipped=str(error)) for each in (times, lost, kept)]
    wrong = abs(seconds * rate - found.submitted) + found.denied + found.sent_twice
    wrong += found.unacknowledged + found.unended + found.unknown + max(0, -beyond)
    cold = min(rate * WARM_UP_SECONDS, len(found.due) // 2)
    span = (found.last_ns - found.first_ns) / 1e9
    return [
        sampled(times, (found.answered - found.due)[cold:] / NS_PER_US),
        row_of_runs(lost, [float(wrong)]),
        row_of_runs(kept, [(found.submitted - 1) / span / 1e3 if span else 0.0]),
    ]


def _train_rows() -> list[Row]:
    name = f"{BURST:,} fills in one packet train"
    took = Row(id="-", name=f"{name}: from the first report received to the last booked", unit="ms")
    wait = Row(id="-", name=f"{name}: the longest that market data waited", unit="ms")
    lost = Row(id="-", name=f"{name}: lost, doubled, or not in the position", unit="", goal=0)
    try:
        found = [_new_train() for _ in range(TRAINS)]
    except RunError as error:
        return [msgspec.structs.replace(each, skipped=str(error)) for each in (took, wait, lost)]
    return [
        row_of_runs(took, [each.took / 1e6 for each in found]),
        row_of_runs(wait, [each.waited / 1e6 for each in found]),
        row_of_runs(lost, [float(sum(_wrong(each) for each in found))]),
    ]


def _new_train() -> Train:
    with tempfile.TemporaryDirectory(prefix="pitwire-train-") as folder:
        return train(Path(folder), BURST)


def _wrong(found: Train) -> int:
    missing = abs(BURST - found.booked) + abs(BURST - found.position)
    return missing + found.doubled + abs(found.theirs - found.booked)
