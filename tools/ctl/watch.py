"""`pitwire ctl watch`: the running daemon at a glance, redrawn; also what `make run` shows.

On a terminal a full-screen view; without one a status line each interval, so that a log or a pipe
gets something to read. A daemon that goes away is waited for: restarts are worth watching.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from daemon.messages.replies import Outcome, Snapshot, StrategyRow
from tools.ctl.client import Client, NoDaemonError
from tools.ctl.tables import moment, rows, size, style

ORDERS_SHOWN: Final = 10
FILLS_SHOWN: Final = 8


class Source:
    """Snapshots from a daemon that may come and go: a reason instead, while there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._client: Client | None = None

    def take(self) -> dict[str, Any] | str:
        """The newest snapshot as plain JSON, or why there is none."""
        try:
            if self._client is None:
                self._client = Client(self._path, timeout_seconds=5)
            reply = self._client.ask("snapshot")
        except NoDaemonError as error:
            self.close()
            return str(error)
        if reply.status != Outcome.DONE:
            return reply.error
        return dict(reply.result)

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()
        self._client = None


def watch(
    path: Path, interval_seconds: float, seconds: float | None = None, *, as_json: bool = False
) -> int:
    """Show until interrupted or until the time is over; the exit code.

    1 where no daemon was seen at all.
    """
    source = Source(path)
    try:
        if as_json:
            return _lines(source, interval_seconds, seconds, json.dumps)
        if sys.stdout.isatty():
            return _screen(source, interval_seconds, seconds)
        return _lines(source, interval_seconds, seconds, line_of)
    except KeyboardInterrupt:
        return 0
    finally:
        source.close()


def _ticks(interval_seconds: float, seconds: float | None) -> Iterator[None]:
    """Yields at once and then every interval, on the beat however long the work takes."""
    start = time.monotonic()
    beat = start
    while True:
        yield
        beat = max(beat + interval_seconds, time.monotonic())
        if seconds is not None and beat > start + seconds:
            return
        time.sleep(max(0.0, beat - time.monotonic()))


def _lines(source: Source, interval_seconds: float, seconds: float | None, form: Any) -> int:  # noqa: ANN401  json.dumps or line_of
    seen = False
    for _ in _ticks(interval_seconds, seconds):
        taken = source.take()
        seen = seen or not isinstance(taken, str)
        sys.stdout.write(f"{taken if isinstance(taken, str) else form(taken)}\n")
        sys.stdout.flush()
    return 0 if seen else 1


def _screen(source: Source, interval_seconds: float, seconds: float | None) -> int:
    seen = False
    with Live(console=Console(highlight=False), screen=True, auto_refresh=False) as live:
        for _ in _ticks(interval_seconds, seconds):
            taken = source.take()
            seen = seen or not isinstance(taken, str)
            live.update(view(taken), refresh=True)
    return 0 if seen else 1


# ------------------------------------------------------------------ what is shown


def line_of(taken: dict[str, Any]) -> str:
    """The status line: phase, risk, feeds and sessions, orders, fills, PnL."""
    snapshot = msgspec.convert(taken, Snapshot)
    status = snapshot.status
    sessions = ",".join(f"{each.name}={each.state}" for each in snapshot.sessions)
    prices = " ".join(f"{m.symbol} {m.bid_px or '-'}/{m.ask_px or '-'}" for m in snapshot.market)
    return (
        f"{moment(status.ts_core)} {status.phase} {status.risk_state}"
        f"{' KILLED' if status.killed else ''}{'' if status.armed else ' not armed'}"
        f" | {sessions or 'no sessions'} | {prices}"
        f" | orders {status.orders_submitted} working {status.orders_working}"
        f" unknown {status.orders_unknown} denied {status.orders_denied} fills {status.fills}"
        f" | pnl {' '.join(totals(snapshot.strategies)) or '-'}"
    )


def totals(strategies: list[StrategyRow]) -> list[str]:
    """Realised and unrealised PnL after fees of all strategies, by currency, exact."""
    sums: dict[str, Decimal] = {}
    for each in strategies:
        net = Decimal(each.realised) + Decimal(each.unrealised or 0) - Decimal(each.fees)
        sums[each.currency] = sums.get(each.currency, Decimal(0)) + net
    return [f"{value:+f} {currency}" for currency, value in sorted(sums.items())]


def view(taken: dict[str, Any] | str) -> RenderableType:
    """The whole screen; a reason where there is no snapshot."""
    if isinstance(taken, str):
        return Panel(Text(taken, style="bold red"), title="waiting for the daemon")
    snapshot = msgspec.convert(taken, Snapshot)
    return Group(
        _head(snapshot),
        Panel(rows(snapshot.market, leave_out={"signals"}), title="market", title_align="left"),
        Panel(rows(snapshot.strategies), title="strategies", title_align="left"),
        Panel(Group(rows(snapshot.sessions), rows(snapshot.feeds)), title="sessions and feeds",
              title_align="left"),
        Panel(rows(snapshot.orders, ORDERS_SHOWN), title="orders", title_align="left"),
        Panel(rows(snapshot.fills, FILLS_SHOWN), title="fills", title_align="left"),
        Panel(rows(snapshot.latency), title="latency", title_align="left"),
    )  # fmt: skip


def _head(snapshot: Snapshot) -> RenderableType:
    status = snapshot.status
    text = Text.assemble(
        (f" {status.name} ", "reverse"),
        f" {status.mode} epoch {status.epoch}  {moment(status.ts_core)}  ",
        (status.phase, style(status.phase)),
        "  ",
        (status.risk_state, style(status.risk_state)),
        "" if status.armed else ("  not armed", "yellow"),
        ("  KILLED", "bold reverse red") if status.killed else "",
    )
    text.append(
        f"\n orders {status.orders_submitted}, working {status.orders_working}, unknown"
        f" {status.orders_unknown}, denied {status.orders_denied}   fills {status.fills}"
        f"   pnl {'  '.join(totals(snapshot.strategies)) or '-'}"
    )
    log = status.log
    text.append(
        f"\n log {log.folder}: sequence {log.last_sequence}, durable to {log.durable_sequence},"
        f" {size(log.bytes_appended)}   memory {size(status.memory_bytes)}",
        style="dim",
    )
    if log.failure or log.disk_low or status.note:
        text.append(f"\n {log.failure or status.note or 'disk is low'}", style="bold red")
    return text
