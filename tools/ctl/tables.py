"""Replies as tables for people; numbers right, names left, what needs an eye in colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.messages import replies
from daemon.messages.commands import COMMANDS

GOOD: Final = {
    "ACTIVE",
    "LIVE",
    "RUNNING",
    "TRADING",
    "WORKING",
    "equal",
    "live",
    "logged_on",
    "ready",
}
BAD: Final = {
    "CROSSED",
    "DENIED",
    "FAILED",
    "GAPPED",
    "HALTED",
    "REJECTED",
    "STALE",
    "UNKNOWN",
    "differs",
    "down",
    "stale",
}
# What each kind of row shows, in this order; everything else is in --json.
COLUMNS: Final[dict[type, str]] = {
    replies.MarketRow: "symbol book_state trading_state bid_qty bid_px ask_px ask_qty last_px"
    " updates age_ms signals",
    replies.FeedRow: "name kind state packets gaps lost malformed dropped_by_kernel age_ms",
    replies.SessionRow: "name kind venue state next_sender_msg_seq_num next_target_msg_seq_num"
    " credits reconnects event",
    replies.OrderRow: "cl_ord_id symbol strategy side price order_qty cum_qty leaves_qty avg_px"
    " state ts_submitted",
    replies.FillRow: "ts_core symbol strategy side last_qty last_px fee aggressor kind order",
    replies.OrderStep: "sequence ts_core event from_state to_state cl_ord_id text",
    replies.PositionRow: "symbol strategy qty qty_low qty_high avg_px mark_px realised unrealised"
    " fees currency",
    replies.RiskRow: "strategy state armed daily_pnl daily_loss_max working_orders reason",
    replies.LimitRow: "scope name value unit",
    replies.StrategyRow: "name status instruments orders_working fills realised unrealised fees"
    " currency handler_ns_p99 over_budget kernels reason",
    replies.LatencyRow: "stage count p50_ns p90_ns p99_ns p999_ns max_ns",
    replies.Difference: "session kind subject ours venue",
}
HEADERS: Final = {
    "next_sender_msg_seq_num": "next out",
    "next_target_msg_seq_num": "next in",
    "dropped_by_kernel": "dropped",
    "handler_ns_p99": "handler p99",
}
LEFT: Final = {
    "symbol", "name", "strategy", "kind", "venue", "scope", "stage", "event", "state", "reason",
    "book_state", "trading_state", "side", "text", "subject", "session", "status", "unit",
    "cl_ord_id", "order", "instruments", "signals", "from_state", "to_state", "kernels",
}  # fmt: skip


def show(command: str, result: object) -> None:
    """Print a command's result to standard output."""
    Console(highlight=False).print(render(msgspec.convert(result, COMMANDS[command].result)))


def render(result: object) -> RenderableType:
    """A structure of replies, or a list of rows, as rich can print it."""
    match result:
        case list():
            return rows(result) if result else Text("none", style="dim")
        case replies.Done(text=text, sequence=sequence):
            return Text(f"{text} (log sequence {sequence})" if sequence else text)
        case replies.OrderReport():
            return Group(fields(result.order), rows(result.steps), rows(result.fills))
        case replies.RiskReport():
            return Group(rows(result.scopes), fields(result, leave_out=("scopes",)))
        case replies.Reconciliation():
            return Group(fields(result, leave_out=("differences",)), rows(result.differences))
        case replies.Snapshot():
            parts = (getattr(result, name) for name in result.__struct_fields__)
            return Group(*(render(part) for part in parts))
        case replies.Row():
            return fields(result)
        case _:
            return Text(str(result))


def rows(
    content: Sequence[replies.Row], limit: int | None = None, leave_out: Iterable[str] = ()
) -> RenderableType:
    """A table of rows of one kind; `limit` keeps the first ones and counts the others."""
    if not content:
        return Text("")
    names = [name for name in COLUMNS[type(content[0])].split() if name not in leave_out]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        justify: Literal["left", "right"] = "left" if name in LEFT else "right"
        table.add_column(HEADERS.get(name, heading(name)), justify=justify, no_wrap=True)
    for row in content[:limit]:
        table.add_row(*(cell(name, getattr(row, name)) for name in names))
    if limit is not None and len(content) > limit:
        table.add_row(Text(f"... {len(content) - limit} more", style="dim"))
    return table


def fields(row: replies.Row, leave_out: Iterable[str] = ()) -> RenderableType:
    """Names and values of one structure, one a line; nested ones are flattened."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if name in leave_out:
            continue
        if isinstance(value, replies.Row):
            for part in value.__struct_fields__:
                table.add_row(f"{name} {heading(part)}", cell(part, getattr(value, part)))
        else:
            table.add_row(heading(name), cell(name, value))
    return table


def heading(name: str) -> str:
    """A field's name without its unit, which the value shows."""
    for unit in ("_ns", "_bytes", "_ms"):
        name = name.removesuffix(unit)
    return name.removeprefix("ts_").replace("_", " ")


# ------------------------------------------------------------------ single values


def cell(name: str, value: Any) -> Text:  # noqa: ANN401  any field of any reply
    """A value as people read it: times, durations and sizes by the name's unit."""
    for fits, form in FORMS:
        if fits(name) and isinstance(value, int) and not isinstance(value, bool):
            return Text(form(value))
    match value:
        case None | "":
            return Text("-", style="dim")
        case bool():
            return Text("yes" if value else "no")
        case [replies.KernelRow(), *_]:
            return Text("  ").join(kernel(each) for each in value)
        case list():
            return Text(" ".join(str(each) for each in value))
        case dict():
            return Text("  ".join(f"{key} {brief(each)}" for key, each in value.items()))
        case str():
            return Text(value, style=style(value))
        case _:
            return Text(str(value))


def kernel(row: replies.KernelRow) -> Text:
    """Its value, or by which status it was disarmed."""
    if row.armed:
        return Text(f"{row.name} {brief(row.value) if row.value is not None else '-'}")
    return Text(f"{row.name} disarmed ({row.answered})", style="bold red")


def style(value: str) -> str:
    """Green where all is well, red where somebody must look."""
    if value in GOOD:
        return "green"
    if value in BAD:
        return "bold red"
    return {"BUY": "cyan", "SELL": "magenta"}.get(value, "")


def brief(value: object) -> str:
    """A signal's value in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


def moment(ts: int) -> str:
    """A time of day, UTC, to the microsecond; "-" where there was none."""
    if ts == 0:
        return "-"
    seconds, ns = divmod(ts, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}.{ns // 1000:06d}"


def duration(ns: int) -> str:
    """A duration with the unit that suits it."""
    for limit, unit in ((10**3, "ns"), (10**6, "us"), (10**9, "ms")):
        if ns < limit:
            return f"{ns * 1000 / limit:.3g} {unit}"
    return f"{ns / 10**9:.4g} s"


def size(count: int) -> str:
    """Bytes with a binary unit."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


Fits = Callable[[str], bool]
FORMS: Final[tuple[tuple[Fits, Callable[[int], str]], ...]] = (
    (lambda name: name.startswith("ts_"), moment),
    (lambda name: name.endswith("_ns") or "_ns_" in name, duration),
    (lambda name: name.endswith("_ms"), lambda value: duration(value * 10**6)),
    (lambda name: name.endswith("_bytes") or name == "bytes_appended", size),
)


def shown_types() -> set[type]:
    """Every kind of row that a command can answer with: each needs its columns."""
    results = (spec.result for spec in COMMANDS.values())
    return {get_args(result)[0] for result in results if get_args(result)}
