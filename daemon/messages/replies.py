"""What the daemon answers operators: shapes of replies, shared with `pitwire ctl`.

Prices, quantities and money are exact decimal text in natural units ("101.25"), None where there
is none; ClOrdIDs 16 upper-case hex digits; enumerations by name as in native/schema/records.toml;
`ts_*` ns since 1970 UTC. Fields are only appended, with a default, so that an older `ctl` and a
newer daemon understand each other.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec


class Outcome(IntEnum):
    """As in the record OPERATOR_REPLY and in `operator.Reply.status`."""

    DONE = 0
    REFUSED = 1
    BAD_COMMAND = 2


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a reply."""


class Done(Row, frozen=True, kw_only=True):
    """A change was made: in words, how many things it touched, and where the log has it."""

    text: str
    affected: int = 0
    sequence: int = 0


class LogStatus(Row, frozen=True, kw_only=True):
    """The event log. `failure` is empty while it can be written."""

    folder: str
    last_sequence: int
    durable_sequence: int
    bytes_appended: int = 0
    disk_free_bytes: int = 0
    disk_low: bool = False
    failure: str = ""


class Status(Row, frozen=True, kw_only=True):
    """The daemon in one view. Phases: starting, recovering, reconciling, ready, stopping."""

    name: str
    mode: str
    phase: str
    pid: int
    epoch: int
    build: str
    configuration_sha256: str
    ts_started: int
    ts_core: int
    turn: int
    risk_state: str
    armed: bool
    killed: bool
    log: LogStatus
    orders_working: int = 0
    orders_unknown: int = 0
    orders_submitted: int = 0
    orders_denied: int = 0
    fills: int = 0
    inputs: int = 0
    memory_bytes: int = 0
    note: str = ""


class MarketRow(Row, frozen=True, kw_only=True):
    """An instrument's book as strategies see it.

    `compared` counts how often book and the venue's own best bid and ask were known at the same
    update id, `different` how often they were not equal.
    """

    symbol: str
    feed: str
    book_state: str
    trading_state: str
    bid_px: str | None = None
    bid_qty: str | None = None
    ask_px: str | None = None
    ask_qty: str | None = None
    last_px: str | None = None
    updates: int = 0
    compared: int = 0
    different: int = 0
    age_ms: int = 0
    signals: dict[str, float | None] = msgspec.field(default_factory=dict)


class FeedRow(Row, frozen=True, kw_only=True):
    """A feed: states are live, recovering, stale, down."""

    name: str
    kind: str
    state: str
    packets: int = 0
    gaps: int = 0
    lost: int = 0
    malformed: int = 0
    dropped_by_kernel: int = 0
    age_ms: int = 0


class SessionRow(Row, frozen=True, kw_only=True):
    """An order session: states are logged_on, connected, down.

    `enabled` is false where an operator logged it out. Numbers that we miss and asked for again,
    and that we still send again, are "first-last". `hours_open` null: it has none.
    """

    name: str
    kind: str
    venue: str
    state: str
    next_sender_msg_seq_num: int = 0
    next_target_msg_seq_num: int = 0
    credits: int = 0
    credits_max: int = 0
    reconnects: int = 0
    ts_state: int = 0
    event: str = ""
    held: bool = False
    enabled: bool = True
    ts_numbers: int = 0
    ts_sent: int = 0
    ts_received: int = 0
    missing: str = ""
    resending: str = ""
    hours_open: bool | None = None
    ts_hours_change: int = 0
    reset: str = ""
    dialect: str = ""


class OrderRow(Row, frozen=True, kw_only=True):
    """An order as it stands. `order` is its first ClOrdID, `cl_ord_id` the newest.

    `held` says what an order waits for that the daemon keeps: TRIGGER and the price's name, PARENT,
    LIST, or GATE and the reason.
    """

    order: str
    cl_ord_id: str
    order_id: str
    symbol: str
    strategy: str
    session: str
    side: str
    ord_type: str
    time_in_force: str
    state: str
    order_qty: str
    cum_qty: str
    leaves_qty: str
    price: str | None = None
    stop_px: str | None = None
    avg_px: str | None = None
    flags: list[str] = msgspec.field(default_factory=list)
    ts_submitted: int = 0
    ts_state: int = 0
    held: str = ""


class FillRow(Row, frozen=True, kw_only=True):
    """A trade of ours. `kind` is fill, bust or correction."""

    ts_core: int
    sequence: int
    order: str
    exec_id: str
    symbol: str
    strategy: str
    side: str
    last_px: str
    last_qty: str
    fee: str
    currency: str
    aggressor: bool = False
    kind: str = "fill"


class OrderStep(Row, frozen=True, kw_only=True):
    """One event in the life of an order, by its place in the log."""

    sequence: int
    ts_core: int
    event: str
    from_state: str
    to_state: str
    cl_ord_id: str = ""
    text: str = ""


class OrderReport(Row, frozen=True, kw_only=True):
    """The life of one order."""

    order: OrderRow
    cl_ord_ids: list[str]
    steps: list[OrderStep]
    fills: list[FillRow] = msgspec.field(default_factory=list)


class PositionRow(Row, frozen=True, kw_only=True):
    """A position; between `qty_low` and `qty_high` while outcomes are open. Strategy "" is all."""

    symbol: str
    strategy: str
    qty: str
    qty_low: str
    qty_high: str
    currency: str
    realised: str
    fees: str
    unrealised: str | None = None
    avg_px: str | None = None
    mark_px: str | None = None


class RiskRow(Row, frozen=True, kw_only=True):
    """The firm ("") or a strategy: ACTIVE, REDUCING or HALTED, and why."""

    strategy: str
    state: str
    armed: bool
    reason: str = ""
    daily_pnl: str | None = None
    daily_loss_max: str | None = None
    working_orders: int = 0


class RiskReport(Row, frozen=True, kw_only=True):
    """Risk states, and how often each check denied since the start."""

    killed: bool
    scopes: list[RiskRow]
    denials: dict[str, int] = msgspec.field(default_factory=dict)
    killed_by_uid: int | None = None
    ts_killed: int = 0


class LimitRow(Row, frozen=True, kw_only=True):
    """A limit that is set. `scope` is firm, strategy:NAME or instrument:SYMBOL."""

    scope: str
    name: str
    value: str
    unit: str = ""


class KernelRow(Row, frozen=True, kw_only=True):
    """A kernel of a strategy's: armed, or disarmed by what it `answered`; `value` null for NaN."""

    symbol: str
    name: str
    armed: bool
    answered: int
    parameters: list[float]
    value: float | None = None


class StrategyRow(Row, frozen=True, kw_only=True):
    """A strategy: STOPPED, RUNNING or FAILED (then `reason`)."""

    name: str
    status: str
    instruments: list[str]
    currency: str
    realised: str
    fees: str
    unrealised: str | None = None
    reason: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    code_sha256: str = ""
    orders_working: int = 0
    orders_submitted: int = 0
    fills: int = 0
    calls: int = 0
    handler_ns_p99: int = 0
    handler_ns_max: int = 0
    over_budget: int = 0
    kernels: list[KernelRow] = msgspec.field(default_factory=list)


class LatencyRow(Row, frozen=True, kw_only=True):
    """A stage's percentiles since the start, ns."""

    stage: str
    count: int
    p50_ns: int
    p90_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int
    lane: str = ""  # of an order's stages: python or native


class Difference(Row, frozen=True, kw_only=True):
    """One thing in which we and the venue differ."""

    session: str
    kind: str  # order, position, trade or session
    subject: str
    ours: str
    venue: str
    what: str = ""  # missing (with us), extra (not with the venue), quantity, price or state
    ts_core: int = 0
    raw_sequence: int = 0  # of the message in the log that says so


class Reconciliation(Row, frozen=True, kw_only=True):
    """What comparing with the venue found.

    States: running, accepted; of a report equal, differs, no answer, or how far it is.
    """

    report: int
    state: str
    differences: list[Difference]
    ts_core: int = 0
    accepted_by: str = ""
    session: str = ""
    positions: str = ""  # how they were compared, or why not


class Snapshot(Row, frozen=True, kw_only=True):
    """Everything that `ctl watch` shows, of one turn."""

    status: Status
    market: list[MarketRow]
    feeds: list[FeedRow]
    sessions: list[SessionRow]
    strategies: list[StrategyRow]
    orders: list[OrderRow]
    fills: list[FillRow]
    latency: list[LatencyRow]
