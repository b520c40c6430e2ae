"""Replies as tables for people; numbers right, names left, what needs an eye in colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from daemon.messages import replies
from daemon.messages.commands import COMMANDS
from tools.screen import Columns, screen

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
    " updates compared different age_ms",
    replies.FeedRow: "name kind state packets gaps lost malformed dropped_by_kernel age_ms",
    replies.SessionRow: "name kind venue state next_sender_msg_seq_num next_target_msg_seq_num"
    " credits reconnects held event",
    replies.OrderRow: "order symbol strategy side price order_qty cum_qty leaves_qty avg_px"
    " state ts_submitted",
    replies.FillRow: "ts_core symbol strategy side last_qty last_px fee currency aggressor kind"
    " order",
    replies.OrderStep: "sequence ts_core event from_state to_state cl_ord_id text",
    replies.PositionRow: "symbol strategy qty qty_low qty_high avg_px mark_px realised unrealised"
    " fees currency",
    replies.RiskRow: "strategy state armed daily_pnl daily_loss_max working_orders reason",
    replies.LimitRow: "scope name value unit",
    replies.StrategyRow: "name status instruments orders_working fills realised unrealised fees"
    " currency handler_ns_p99 over_budget kernels reason",
    replies.LatencyRow: "lane stage count p50_ns p90_ns p99_ns p999_ns max_ns",
    replies.Reconciliation: "session state report positions",
    replies.Difference: "session kind what subject ours venue ts_core raw_sequence",
}
# What a narrow terminal goes without, in this order.
EXPENDABLE: Final[dict[type, str]] = {
    replies.MarketRow: "compared updates trading_state age_ms last_px",
    replies.FeedRow: "malformed dropped_by_kernel kind",
    replies.SessionRow: "kind credits reconnects venue",
    replies.OrderRow: "avg_px leaves_qty ts_submitted strategy",
    replies.FillRow: "kind currency aggressor fee strategy",
    replies.OrderStep: "cl_ord_id sequence",
    replies.PositionRow: "qty_low qty_high mark_px currency fees",
    replies.RiskRow: "working_orders daily_loss_max",
    replies.StrategyRow: "kernels over_budget handler_ns_p99 instruments currency",
    replies.LatencyRow: "p90_ns p999_ns",
    replies.Difference: "raw_sequence ts_core",
}
HEADERS: Final = {
    "book_state": "book",
    "trading_state": "trading",
    "next_sender_msg_seq_num": "next out",
    "next_target_msg_seq_num": "next in",
    "dropped_by_kernel": "dropped",
    "handler_ns_p99": "handler p99",
    "orders_working": "working",
    "working_orders": "working",
    "order_qty": "qty",
    "cum_qty": "cum",
    "leaves_qty": "leaves",
    "ts_core": "time",
    "raw_sequence": "message",
    "killed_by_uid": "by uid",
    "ts_killed": "at",
}
LEFT: Final = {
    "symbol", "name", "strategy", "kind", "what", "venue", "scope", "stage", "event", "state",
    "reason",
    "book_state", "trading_state", "side", "text", "subject", "session", "status", "unit",
    "cl_ord_id", "order", "instruments", "kernels", "signals", "from_state", "to_state", "currency",
    "lane",
}  # fmt: skip
# What the empty name of a strategy stands for.
ALL: Final[dict[type, str]] = {replies.RiskRow: "firm", replies.PositionRow: "all"}
MONEY: Final = {"realised", "unrealised", "fees", "fee", "daily_pnl"}
PRICES: Final = {"mid", "microprice", "spread"}


def show(command: str, result: object) -> None:
    """Print a command's result to standard output."""
    screen().print(render(msgspec.convert(result, COMMANDS[command].result)))


def render(result: object) -> RenderableType:
    """A structure of replies, or a list of rows, as rich can print it."""
    match result:
        case list() if result and isinstance(result[0], replies.MarketRow):
            return Group(rows(result), Text(""), signals(result))
        case list():
            compared = [each for each in result if isinstance(each, replies.Reconciliation)]
            if found := [each for report in compared for each in report.differences]:
                return Group(rows(result), rows(found))
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
    content: Sequence[replies.Row], limit: int | None = None, *, tell: bool = True
) -> RenderableType:
    """A table of rows of one kind, `limit` of them; `tell` names columns that do not fit."""
    if not content:
        return Text("none", style="dim")
    kind = type(content[0])
    names = COLUMNS[kind].split()
    return Columns(
        [HEADERS.get(name, heading(name)) for name in names],
        [[_cell(row, name) for name in names] for row in content[:limit]],
        left=frozenset(n for n, name in enumerate(names) if name in LEFT),
        expendable=[names.index(name) for name in EXPENDABLE.get(kind, "").split()],
        tell=tell,
    )


def _cell(row: replies.Row, name: str) -> Text:
    value = getattr(row, name)
    if name == "strategy" and value == "":
        return Text(ALL.get(type(row), "-"))
    return cell(name, value)


def signals(
    content: Sequence[replies.MarketRow], limit: int | None = None, *, tell: bool = True
) -> RenderableType:
    """Every instrument's signals, a column each, in the order in which they first come."""
    names = list(dict.fromkeys(name for row in content for name in row.signals))
    if not names:
        return Text("no signals", style="dim")
    # What can be read off the book goes first where there is no room.
    first = [name for name in ("spread", "mid") if name in names]
    others = [name for name in reversed(names) if name not in first]
    return Columns(
        ["symbol", *(heading(name) for name in names)],
        [
            [Text(row.symbol), *(Text(brief(name, row.signals.get(name))) for name in names)]
            for row in content[:limit]
        ],
        left=frozenset({0}),
        expendable=[names.index(name) + 1 for name in (*first, *others)],
        tell=tell,
    )


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
            table.add_row(HEADERS.get(name, heading(name)), cell(name, value))
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
            return Text("  ".join(f"{key} {brief(key, each)}" for key, each in value.items()))
        case str() if name in MONEY:
            return Text(money(Decimal(value)))
        case str() if name == "avg_px":
            return Text(f"{Decimal(value).normalize():f}")
        case str() if name in ("order", "cl_ord_id"):
            return Text(value.lstrip("0"))
        case str():
            return Text(value, style=style(value))
        case _:
            return Text(str(value))


def kernel(row: replies.KernelRow) -> Text:
    """Its value, or by which status it was disarmed."""
    if row.armed:
        return Text(f"{row.name} {brief(row.name, row.value)}")
    return Text(f"{row.name} disarmed ({row.answered})", style="bold red")


def style(value: str) -> str:
    """Green where all is well, red where somebody must look."""
    if value in GOOD:
        return "green"
    if value in BAD:
        return "bold red"
    return {"BUY": "cyan", "SELL": "magenta"}.get(value, "")


def brief(name: str, value: object) -> str:
    """A signal's value in few characters; prices keep their digits."""
    if isinstance(value, float):
        return f"{value:.8g}" if name in PRICES else f"{value:.4g}"
    return "-" if value is None else str(value)


def money(amount: Decimal) -> str:
    """To four places; what is less than a hundredth, as a bitcoin's parts are, exactly."""
    exact = 0 < abs(amount) < Decimal("0.01")
    return f"{amount.normalize():f}" if exact else f"{amount:.4f}"


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
