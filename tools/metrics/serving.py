"""Follows the log and the shared pages, and answers Prometheus over HTTP."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from daemon import core
from daemon.log import LogReader
from tools.command import UsageError
from tools.config import load_configuration
from tools.metrics.families import NS_PER_SECOND, Labels, metric_name, single, summary
from tools.metrics.ledger import Ledger

FOLLOW_SECONDS: Final = 0.5
# Batches between looks at whether to stop; the lock is free in between for a scrape.
BATCH_FRAMES: Final = 65_536
PORT: Final = 9464
ORDER_STAGE: Final = "order."  # in the page: order.LANE.STAGE_ns


class Metrics(Collector):
    """The collector: reads pages when it is asked, and the log whenever `follow` is called."""

    def __init__(self, log: Path, status: Path, counters: Path, watchdog: Path) -> None:
        self._log, self._status, self._counters = log, status, counters
        self._watchdog = watchdog
        self._reader: LogReader | None = None
        self._ledger = Ledger()
        self._lock = threading.Lock()
        self.damage = ""

    def follow(self, stop: threading.Event | None = None) -> None:
        """Read what the log has now; damage is remembered and reading ends there."""
        if self.damage or not any(self._log.glob("*.seg")):
            return
        try:
            self._reader = self._reader or LogReader(self._log)
            self._reader.look_again()
            for batch in self._reader.batches(BATCH_FRAMES):
                with self._lock:
                    self._ledger.apply(batch)
                if stop is not None and stop.is_set():
                    return
        except (core.LogError, ValueError) as error:
            self.damage = str(error)
            sys.stderr.write(f"pitwire metrics: {self.damage}\n")

    def collect(self) -> Iterator[Metric]:
        """Everything, for one scrape."""
        yield from self._page()
        yield from self._shared()
        yield from self._watched()
        yield single("log_damaged", "1 where the log cannot be read on", float(bool(self.damage)))
        with self._lock:
            families = list(self._ledger.families())
        yield from families

    def _page(self) -> Iterator[Metric]:
        try:
            page = core.SharedStatus.open(str(self._status))
        except ValueError:
            yield single("up", "1 while the daemon's process lives", 0)
            return
        yield single("up", "1 while the daemon's process lives", float(_alive(page.pid)))
        age = (core.host_now() - page.turn_ts) / NS_PER_SECOND if page.turn_ts else 0.0
        yield single("turn", "Turns of this log", page.turn)
        yield single("turn_age_seconds", "Since the last turn", age)
        yield single("phase", "As the daemon numbers its phases", page.phase)
        yield single("killed", "1 while the kill word is set", float(page.killed))
        yield single("committed_sequence", "Last frame appended", page.committed_sequence)
        yield single("durable_sequence", "Last frame made durable", page.durable_sequence)

    def _shared(self) -> Iterator[Metric]:
        try:
            reader = core.SharedCountersReader(str(self._counters))
        except ValueError:
            return
        for name, value in reader.counters():
            yield single(f"core_{name}", f"The core's {name}", value)
        stages: list[tuple[Labels, core.Histogram]] = []
        for name, histogram in reader.histograms():
            if name.startswith(ORDER_STAGE):
                lane, _, stage = name.removeprefix(ORDER_STAGE).removesuffix("_ns").partition(".")
                stages.append(((lane, stage), histogram))
                continue
            text = f"The core's {name}"
            yield summary(f"core_{name}".removesuffix("_ns") + "_seconds", text, ("of",),
                          [((metric_name(name),), histogram)])  # fmt: skip
        text = "Stages of orders' ways out since the daemon's start"
        yield summary("order_stage_seconds", text, ("lane", "stage"), stages)

    def _watched(self) -> Iterator[Metric]:
        """What the watchdog says of itself; nothing where none has ever run here."""
        try:
            reader = core.SharedCountersReader(str(self._watchdog))
        except ValueError:
            return
        up = _alive(reader.writer_pid)
        yield single("watchdog_up", "1 while the watchdog's process lives", float(up))
        values = dict(reader.counters())
        if looked_ts := values.pop("looked_ts", 0):
            age = (core.host_now() - looked_ts) / NS_PER_SECOND
            yield single("watchdog_look_age_seconds", "Since the watchdog looked last", age)
        for name, value in values.items():
            yield single(f"watchdog_{name}", f"The watchdog's {name}", value)


def _alive(pid: int) -> bool:
    return pid > 0 and Path(f"/proc/{pid}").exists()


# ------------------------------------------------------------------ the command


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "metrics",
        help="serve Prometheus from the log and the shared pages",
        epilog="example: pitwire metrics -c config/demo.toml --listen 127.0.0.1:9464",
    )
    parser.add_argument("-c", "--config", type=Path, required=True, help="the daemon's")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    parser.add_argument("--listen", default=f"127.0.0.1:{PORT}", metavar="HOST:PORT")
    parser.add_argument("--once", action="store_true", help="print the metrics now and end")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    configuration = load_configuration(arguments.config, arguments.set)
    metrics = Metrics(
        Path(configuration.log.folder),
        configuration.status_page,
        configuration.counters_page,
        configuration.watchdog_page,
    )
    registry = CollectorRegistry()
    if arguments.once:
        metrics.follow()
        registry.register(metrics)
        sys.stdout.write(generate_latest(registry).decode())
        return int(bool(metrics.damage))
    registry.register(metrics)
    return _serve(metrics, registry, _address(arguments.listen))


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"--listen {text}: is no HOST:PORT")
    return host or "127.0.0.1", int(port)


def _serve(metrics: Metrics, registry: CollectorRegistry, address: tuple[str, int]) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        server, thread = start_http_server(address[1], address[0], registry)
    except OSError as error:
        raise UsageError(
            f"--listen {address[0]}:{address[1]}: {os.strerror(error.errno or 0)}"
        ) from None
    sys.stdout.write(f"metrics: http://{address[0]}:{server.server_port}/metrics\n")
    sys.stdout.flush()
    while not stop.is_set():
        metrics.follow(stop)
        stop.wait(FOLLOW_SECONDS)
    server.shutdown()
    thread.join()
    return 0
