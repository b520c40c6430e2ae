"""What `pitwire ctl watch` shows: one line of a snapshot, or as much of it as fits the screen.

A screen has sections; where it is too low they give up lines in the order of `SQUEEZE`, and say in
their title how much of what there is they show. Where it is higher, fills take what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.rule import Rule
from rich.text import Text

from daemon.messages.replies import Row, Snapshot, StrategyRow
from tools.ctl.tables import moment, money, rows, signals, size, style

# Rows that a section goes down to, one step after the other, until everything fits; 0: left out.
SQUEEZE: Final = (
    ("fills", 8), ("orders", 8), ("latency", 3), ("fills", 4), ("orders", 4), ("latency", 0),
    ("signals", 0), ("market", 6), ("strategies", 6), ("sessions", 3), ("feeds", 3), ("fills", 2),
    ("orders", 2), ("feeds", 0), ("fills", 1), ("orders", 1), ("market", 3), ("strategies", 3),
    ("sessions", 0), ("orders", 0), ("strategies", 0), ("market", 1),
)  # fmt: skip


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
    """Realised and unrealised PnL after fees of all strategies, by currency."""
    sums: dict[str, Decimal] = {}
    for each in strategies:
        net = Decimal(each.realised) + Decimal(each.unrealised or 0) - Decimal(each.fees)
        sums[each.currency] = sums.get(each.currency, Decimal(0)) + net
    return [
        f"{'+' if value >= 0 else ''}{money(value)} {currency}"
        for currency, value in sorted(sums.items())
    ]


def view(taken: dict[str, Any] | str) -> RenderableType:
    """The whole screen; a reason where there is no snapshot."""
    if isinstance(taken, str):
        return Text(f" {taken}", style="yellow")
    return View(msgspec.convert(taken, Snapshot))


class View:
    """A snapshot, in the lines and columns that there are."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._rows: dict[str, Sequence[Row]] = {
            "market": snapshot.market,
            "signals": [row for row in snapshot.market if row.signals],
            "strategies": snapshot.strategies,
            "sessions": snapshot.sessions,
            "feeds": snapshot.feeds,
            "orders": snapshot.orders,
            "fills": snapshot.fills,
            "latency": snapshot.latency,
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Head and sections, never more lines than the screen has."""
        head = _head(self._snapshot)
        lines = (options.height or console.height) - len(head)
        yield from head
        for name, limit in self._limits(lines).items():
            if limit:
                yield self._title(name, limit)
                yield self._section(name, limit)

    def _limits(self, lines: int) -> dict[str, int]:
        limits = {name: max(1, len(rows)) for name, rows in self._rows.items()}
        if not self._rows["signals"]:
            limits["signals"] = 0
        for name, limit in SQUEEZE:
            if self._height(limits) <= lines:
                break
            limits[name] = min(limits[name], limit)
        spare = lines - self._height(limits)
        if spare > 0 and limits["fills"]:
            limits["fills"] = max(1, min(limits["fills"] + spare, len(self._rows["fills"])))
        return limits

    def _height(self, limits: dict[str, int]) -> int:
        """A title, headings above rows (where there are any), and the rows."""
        return sum(1 + bool(self._rows[name]) + limit for name, limit in limits.items() if limit)

    def _title(self, name: str, limit: int) -> RenderableType:
        count = len(self._rows[name])
        part = f" {limit} of {count}" if limit < count else ""
        return Rule(f"{name}{part}", align="left", style="dim", characters="─")

    def _section(self, name: str, limit: int) -> RenderableType:
        if name == "signals":
            return signals(self._snapshot.market, limit, tell=False)
        return rows(self._rows[name], limit, tell=False)


def _head(snapshot: Snapshot) -> list[Text]:
    status, log = snapshot.status, snapshot.status.log
    first = Text.assemble(
        (f" {status.name} ", "reverse"),
        f" {status.mode} epoch {status.epoch}  {moment(status.ts_core)}  ",
        (status.phase, style(status.phase)),
        "  ",
        (status.risk_state, style(status.risk_state)),
        "" if status.armed else ("  not armed", "yellow"),
        ("  KILLED", "bold reverse red") if status.killed else "",
    )
    second = Text(
        f" pnl {'  '.join(totals(snapshot.strategies)) or '-'}   fills {status.fills}"
        f"   orders {status.orders_submitted}, working {status.orders_working}, unknown"
        f" {status.orders_unknown}, denied {status.orders_denied}"
    )
    third = Text(
        f" log {size(log.bytes_appended)}, sequence {log.last_sequence}, durable to"
        f" {log.durable_sequence}   memory {size(status.memory_bytes)}   {log.folder}",
        style="dim",
    )
    lines = [first, second, third]
    if log.failure or log.disk_low or status.note:
        lines.append(Text(f" {log.failure or status.note or 'disk is low'}", style="bold red"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return lines
