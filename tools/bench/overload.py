"""Twice the design peak on feed, orders and executions at once: what is lost, late, or miscounted.

A calm feed and calm orders first, then both at twice the peak for as long as asked, then calm
again, in one run of one daemon at the real exchange over FIX. What must hold: no datagram and no
execution report is lost, every order ends and the exchange's own record of trades is ours; each
change of a book was told to its subscriber or conflated, counted exactly; the order path's p99 is
at most twice that of the calm before; and a second after the load's end nothing waits any more.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from daemon.core import SharedCountersReader
from daemon.model import TERMINAL_STATES, DenyReason, OrderState
from tools.bench.load_log import received_of, records_of
from tools.bench.load_run import NOT_BUILT, SENDER, Load, RunError, Sent, Stage, not_as_sent
from tools.bench.rows import Row, row_of_runs, with_jitter
from tools.ctl.client import Client
from tools.processes import stop

MINUTES: Final = 10.0
FEED_PEAK: Final = 500_000  # messages a second at 20 a datagram: P11
ORDERS_PEAK: Final = 10_000  # a second, each with two reports: P13's published figure
TIMES_PEAK: Final = 2
PER_DATAGRAM: Final = 20
LAP_SECONDS: Final = 5  # of the stream, which is made once
CALM_SECONDS: Final = 10
CALM_FEED: Final = 1_000
CALM_ORDERS: Final = 1_000
SYMBOLS: Final = 50
WATCHERS: Final = 10
PARTS: Final = 5
SETTLED_SECONDS_MAX: Final = 60.0
POLL_SECONDS: Final = 0.02
NS_PER_US: Final = 1e3


class Overloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run; times in us, by parts of the calm before and of the load."""

    calm_p99_us: list[float]
    loaded_p99_us: list[float]
    recovered_s: float
    unanswered: int  # orders without a terminal report, and trades that only one side has
    updates: int
    conflated: int


def _load(seconds: int) -> Load:
    calm = 2 * CALM_SECONDS * CALM_ORDERS
    orders = calm + seconds * ORDERS_PEAK * TIMES_PEAK
    waves = (
        f"calm = {CALM_ORDERS}, busy = {ORDERS_PEAK * TIMES_PEAK},"
        f" calm_seconds = {CALM_SECONDS}, busy_seconds = {seconds}, orders = {orders}"
    )
    return Load(
        rate=CALM_FEED,
        seconds=CALM_SECONDS,
        symbols=SYMBOLS,
        toggle_every=5,
        trader="Surge",
        trades_as=waves,
        orders=orders,
        watchers=WATCHERS,
        watcher="Counter",
        venue_trades=True,
    )


def _busy(seconds: int) -> dict[str, int]:
    """The sender's options under load: the stream of some seconds, as many times as it takes."""
    lap = min(seconds, LAP_SECONDS)
    rate = FEED_PEAK * TIMES_PEAK
    return {
        "rate": rate,
        "seconds": lap,
        "laps": max(1, seconds // lap),
        "messages-per-datagram": PER_DATAGRAM,
        "opening": min(SYMBOLS * 900, rate * lap // 2),
        "toggle-every": 500,
    }


class Run:
    """One run, its log there until the folder is gone."""

    def __init__(self, seconds: int, folder: Path) -> None:
        self._seconds, self._folder = seconds, folder
        self._load = _load(seconds)
        self._stage = Stage(self._load, folder)

    def run(self) -> Overloaded:
        """RunError where anything was lost or miscounted."""
        busy = self._stage.sender(2, **_busy(self._seconds))
        with self._stage.sender(1) as first, busy as second, self._stage.sender(900_000) as third:
            symbols: list[str] = self._stage.heard(first)["symbols"]
            for other in (second, third):
                self._stage.heard(other)
            exchange = self._stage.exchange()
            try:
                exchange.wait_ready()
                daemon = self._stage.daemon(symbols, exchange.ports["fix"])
                try:
                    with self._stage.client_of(daemon) as client:
                        recovered = self._through(client, first, second, third)
                        counts = self._counts(client)
                finally:
                    stop(daemon)
            finally:
                exchange.stop()
        if daemon.returncode != 0:
            raise RunError(f"the daemon ended with {daemon.returncode}")
        return self._judged(recovered, counts)

    def _through(self, client: Client, *senders: subprocess.Popen[bytes]) -> float:
        """All three waves; seconds from the busy one's end until nothing of it waits."""
        expected = 0
        recovered = 0.0
        for wave, sender in enumerate(senders):
            self._stage.write(sender, b"\n")
            sent = msgspec.convert(self._stage.heard(sender), Sent)
            expected += sent.datagrams + sent.marks
            ended = sent.start_ns + sent.datagrams * sent.interval_ns
            self._taken(client, sent, expected)
            if wave == 1:
                recovered = (time.time_ns() - ended) / 1e9
        return recovered

    def _taken(self, client: Client, sent: Sent, expected: int) -> None:
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        while True:
            (feed,) = client.ask("feeds").result
            if feed["packets"] >= expected or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        whole = msgspec.structs.replace(sent, datagrams=expected, marks=0)
        if lost := not_as_sent(whole, feed, client.ask("market").result):
            raise RunError(lost)

    def _counts(self, client: Client) -> dict[str, int]:
        """Of books, once all orders are answered and the counters were published since."""
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        while True:
            status = client.ask("status").result
            asked = status["orders_submitted"] + status["orders_denied"]
            if asked >= self._load.orders and status["orders_working"] == 0:
                break
            if time.monotonic() > deadline:
                raise RunError(
                    f"{status['orders_working']} orders still work; {asked} were asked for"
                )
            time.sleep(POLL_SECONDS)
        market = {row["symbol"]: row["updates"] for row in client.ask("market").result}
        time.sleep(2.0)  # published once a second
        reader = SharedCountersReader(str(self._folder / "run" / "counters.page"))
        found = dict(reader.counters())
        symbols = list(market)[:SYMBOLS]
        watched = [market[symbols[number % SYMBOLS]] for number in range(WATCHERS)]
        return {**found, "seen_by_books": sum(watched)}

    def _judged(self, recovered: float, counts: dict[str, int]) -> Overloaded:
        updates, conflated = counts["book_updates"], counts["book_conflated"]
        wakes = sum(int((self._folder / f"{n}.seen").read_text()) for n in range(WATCHERS))
        exact = (counts["seen_by_books"], conflated + wakes, counts["book_delivered"])
        if exact != (updates, updates, wakes):
            raise RunError(
                f"{updates} updates for subscribers, by books {exact[0]};"
                f" {conflated} conflated, {exact[2]} delivered, {wakes} heard"
            )
        log = self._folder / "log"
        calm, loaded = self._paths(log)
        return Overloaded(
            calm_p99_us=calm,
            loaded_p99_us=loaded,
            recovered_s=max(recovered, self._answered_s(log)),
            unanswered=_unanswered(log, self._folder / "trades.csv", self._load.orders),
            updates=updates,
            conflated=conflated,
        )

    def _paths(self, log: Path) -> tuple[list[float], list[float]]:
        """p99 of decided to sent, of parts of the calm before and of the load."""
        latency = records_of(log, "ORDER_LATENCY")
        latency = latency[np.argsort(latency["cl_ord_id"], kind="stable")]
        took = (latency["ts_sent"] - latency["ts_decided"]) / NS_PER_US
        calm = CALM_SECONDS * CALM_ORDERS
        cold = calm // CALM_SECONDS  # the first second
        busy = calm + self._seconds * ORDERS_PEAK * TIMES_PEAK
        return _p99s(took[cold:calm]), _p99s(took[calm:busy])

    def _answered_s(self, log: Path) -> float:
        """From when the last order of the load was due to its first report."""
        submitted = records_of(log, "ORDER_SUBMITTED")
        last = CALM_SECONDS * CALM_ORDERS + self._seconds * ORDERS_PEAK * TIMES_PEAK - 1
        found = submitted[submitted["tag"] == last]["cl_ord_id"]
        if len(found) == 0:
            raise RunError(f"the last order of the load was denied; of all: {_denials(log)}")
        order = found[0]
        executions = records_of(log, "EXECUTION")
        raw = executions[executions["cl_ord_id"] == order]["raw_sequence"][0]
        received = received_of(log)
        answered = received.ts_recv[np.searchsorted(received.sequence, int(raw))]
        first = records_of(log, "ORDER_LATENCY")["ts_recv"].min()
        due = int(first) + (CALM_SECONDS + self._seconds) * 1_000_000_000
        return float(answered - due) / 1e9


def _denials(log: Path) -> str:
    reasons = Counter(int(each) for each in records_of(log, "ORDER_DENIED")["reason"])
    return ", ".join(f"{count} {DenyReason(reason).name}" for reason, count in reasons.items())


def _p99s(samples: Any) -> list[float]:  # noqa: ANN401 - an array of floats
    return [float(np.percentile(part, 99)) for part in np.array_split(samples, PARTS)]


def _unanswered(log: Path, trades: Path, orders: int) -> int:
    """Orders that were not submitted or did not end, and trades that only one side has."""
    submitted = records_of(log, "ORDER_SUBMITTED")
    states = records_of(log, "ORDER_STATE")
    if (states["to_state"] == int(OrderState.UNKNOWN)).any():
        raise RunError("an order became UNKNOWN")
    ended = states[np.isin(states["to_state"], [int(each) for each in TERMINAL_STATES])]["order"]
    fills = records_of(log, "FILL")
    theirs = max(0, len(trades.read_text().splitlines()) - 1)
    left = ~np.isin(submitted["cl_ord_id"], ended)
    return int(left.sum()) + abs(orders - len(submitted)) + abs(theirs - len(fills))


def rows(minutes: float = MINUTES) -> list[Row]:
    """The order path under load, recovery, what was lost, what was conflated."""
    seconds = max(1, round(minutes * 60))
    at = (
        f"{TIMES_PEAK} x peak for {seconds} s: {FEED_PEAK * TIMES_PEAK // 1000} k messages/s,"
        f" {ORDERS_PEAK * TIMES_PEAK // 1000} k orders/s"
    )
    path = Row(id="-", name=f"overload, {at}: order decided → sent, p99", unit="us")
    late = Row(id="-", name="overload: from its end until nothing waits", unit="s", goal=1)
    lost = Row(id="-", name="overload: orders and trades without their report", unit="", goal=0)
    share = Row(id="-", name="overload: updates of books conflated, all counted", unit="%")
    made = (path, late, lost, share)
    if not SENDER.exists():
        return [msgspec.structs.replace(each, skipped=NOT_BUILT) for each in made]
    try:
        with tempfile.TemporaryDirectory(prefix="pitwire-overload-") as folder:
            ran = Run(seconds, Path(folder)).run()
    except RunError as error:
        return [msgspec.structs.replace(each, skipped=str(error)) for each in made]
    path = row_of_runs(path, ran.loaded_p99_us)
    path = with_jitter(path, NS_PER_US)
    calm = float(np.median(ran.calm_p99_us))
    path = msgspec.structs.replace(path, floor=calm, goal=2 * calm)
    return [
        path,
        row_of_runs(late, [ran.recovered_s]),
        row_of_runs(lost, [float(ran.unanswered)]),
        row_of_runs(share, [100 * ran.conflated / ran.updates]),
    ]
