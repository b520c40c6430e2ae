"""The sections of a configuration file about the daemon itself; defaults are for two cores.

Units are the last word of a key. What is wrong in itself is refused here, with the key; what is
wrong between sections in `configuration`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$")]
Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Positive = Annotated[int, Meta(ge=1, le=2**62)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Core = Annotated[int, Meta(ge=0, le=4095)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z0-9]{3,12}$")]
# A secret is named here and never written: where it is, not what it is.
CredentialReference = Annotated[
    str, Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|credential:[A-Za-z0-9._-]+)$")
]

# The kernel's limit on a Unix socket's path, with room for the longest name we put in a directory.
RUNTIME_DIR_BYTES_MAX: Final = 80


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: strict, so that a misspelt key is an error and not a default."""


class DaemonSettings(Section, frozen=True, kw_only=True):
    """[daemon]: who it is, and where its sockets and shared pages are."""

    name: Name
    runtime_dir: Text = "run"
    mode: Literal["live", "paper"] = "live"
    # Of every random stream of the core. Fixed, so that two runs on the same inputs are equal.
    seed: Count = 1
    # Where strategies' kernels are kept compiled; None is this user's cache folder.
    kernel_cache_dir: Text | None = None

    def __post_init__(self) -> None:
        if len(self.runtime_dir.encode()) > RUNTIME_DIR_BYTES_MAX:
            raise ValueError(
                f"runtime_dir: longer than {RUNTIME_DIR_BYTES_MAX} bytes; the kernel allows a"
                " socket's path 107"
            )


Durability = Literal["page_cache", "group", "awaited"]


class LogSettings(Section, frozen=True, kw_only=True):
    """[log]: the event log. Durability classes as in DESIGN.md: orders default to `group`."""

    folder: Text
    segment_size_bytes: Annotated[int, Meta(ge=1 << 16, le=1 << 36)] = 256 << 20
    prefault: bool = True
    durability_market: Literal["page_cache", "group"] = "page_cache"
    durability_orders: Durability = "group"
    durability_sessions: Durability = "group"
    # 0 keeps all. A segment that a checkpoint, session or reader needs is kept regardless.
    retain_bytes: Count = 0
    retain_days: Count = 0
    # Below this no new orders are sent: the disk must never fill under a working order.
    low_disk_bytes: Count = 1 << 30

    def __post_init__(self) -> None:
        if self.segment_size_bytes % 4096:
            raise ValueError(
                f"segment_size_bytes: {self.segment_size_bytes} is no multiple of 4096"
            )


class RoleGrant(Section, frozen=True, kw_only=True):
    """[[control.role]]: gives a role to a user or a group of this host, by name or by number."""

    role: Literal["viewer", "trader", "risk", "admin"]
    user: Text | None = None
    uid: Count | None = None
    group: Text | None = None
    gid: Count | None = None

    def __post_init__(self) -> None:
        given = [self.user, self.uid, self.group, self.gid]
        if sum(each is not None for each in given) != 1:
            raise ValueError("role: needs exactly one of user, uid, group, gid")


class ControlSettings(Section, frozen=True, kw_only=True):
    """[control]: the operators' socket. Root and the daemon's own user are always admin."""

    socket: Name = "control.sock"
    kill_socket: Name = "kill.sock"
    # 0660 lets the socket's group connect; the role still comes from the peer's credentials.
    mode: Literal["0600", "0660"] = "0600"
    request_bytes_max: Annotated[int, Meta(ge=256, le=1 << 24)] = 1 << 16
    reply_bytes_max: Annotated[int, Meta(ge=1 << 12, le=1 << 28)] = 1 << 24
    connections_max: Positive = 32
    role: tuple[RoleGrant, ...] = ()


class Quotas(Section, frozen=True, kw_only=True):
    """[core.quotas]: inputs of each source in one turn, so that none starves the others."""

    operator: Positive = 16
    executions: Positive = 256  # of each connection
    market: Positive = 1024  # of each feed


class CoreSettings(Section, frozen=True, kw_only=True):
    """[core]: the turn, how it waits, and where it runs."""

    turn_records_max: Positive = 2048
    quotas: Quotas = Quotas()
    wait: Literal["park", "spin", "spin_then_park"] = "park"
    spin_ns: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 50_000
    # While it spins, how often the way of an order is gone without sending one, so that code and
    # data are in the caches when one comes; 0 never.
    rehearse_every_ns: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 200_000
    # Cores for the Python thread and for the native ones; none leaves it to the kernel.
    pin_core: Core | None = None
    pin_native: tuple[Core, ...] = ()
    lock_memory: bool = False
    # Part of the file name of a preloaded library that takes sockets out of the kernel
    # ("libonload"): the daemon starts only where it is loaded, and polls sockets in every turn.
    kernel_bypass: Text | None = None
    # Objects of the second generation that may be made before it is collected between turns.
    collector: Literal["between_turns", "frozen", "default"] = "between_turns"
    orders_max: Annotated[int, Meta(ge=16, le=1 << 26)] = 1 << 16
    mailbox_messages_max: Positive = 1 << 16
    inbox_bytes: Annotated[int, Meta(ge=1 << 12, le=1 << 32)] = 1 << 24
    handler_budget_ns: Positive = 1_000_000
    shutdown_timeout_seconds: Positive = 10

    def __post_init__(self) -> None:
        if self.wait != "park" and self.spin_ns == 0:
            raise ValueError(f"spin_ns: 0, but wait is {self.wait}")
        if self.kernel_bypass is not None and self.wait != "spin":
            raise ValueError(
                f'kernel_bypass: needs wait = "spin", found {self.wait}: a socket outside the'
                " kernel wakes no sleeper"
            )


class CheckpointSettings(Section, frozen=True, kw_only=True):
    """[checkpoint]: whichever of the two comes first; `keep` old ones stay."""

    every_seconds: Positive = 60
    every_records: Positive = 5_000_000
    keep: Positive = 3


class WorkerSettings(Section, frozen=True, kw_only=True):
    """[worker]: the processes that do slow mathematics for strategies."""

    processes: Annotated[int, Meta(ge=0, le=256)] = 1
    timeout_seconds: Positive = 30
    # Dotted names; strategies may ask for no other function.
    functions: tuple[Text, ...] = ()


class BacktestSettings(Section, frozen=True, kw_only=True):
    """[backtest]: what `pitwire backtest` runs over and assumes; the daemon has no use for it."""

    # Files or patterns of files. What each holds is seen from its content.
    captures: tuple[Text, ...] = ()
    # Captures of different days: each begins when the earliest does.
    align_start: bool = False
    # Of the venue that stands in for a FIX session's. A simulated session states its own.
    order_latency_us: Count = 500
    report_latency_us: Count = 500
    # From one point of the equity curve to the next: what drawdown and Sharpe are taken of.
    sample_ms: Positive = 1000
    # A worker's answer arrives so much recorded time after the question, however long it took.
    worker_delay_ms: Count = 100


class ServiceSettings(Section, frozen=True, kw_only=True):
    """[service]: operating logs on stderr; `auto` is human on a terminal and JSON elsewhere."""

    log_format: Literal["auto", "human", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Limits(Section, frozen=True, kw_only=True):
    """Limits of the gate at one scope, in natural units; a key left out sets no limit there."""

    quantity_max: Decimal | None = None
    notional_max: Decimal | None = None
    price_collar_bps: Positive | None = None
    price_collar_ticks: Positive | None = None
    position_max: Decimal | None = None
    gross_notional_max: Decimal | None = None
    working_orders_max: Count | None = None
    messages_per_second_max: Count | None = None
    duplicate_window_ms: Count | None = None
    daily_loss_max: Decimal | None = None
    book_age_ms_max: Positive | None = None

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            if isinstance(value, Decimal) and not (value.is_finite() and value >= 0):
                raise ValueError(f"{name}: must be at least 0, found {value}")

    def given(self) -> dict[str, Decimal | int]:
        """The limits that are set, by name."""
        each = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in each if value is not None}


class RiskSettings(Section, frozen=True, kw_only=True):
    """[risk]: limits of the firm, and tighter ones by strategy name or instrument symbol."""

    # False starts READY but not armed: an operator's `resume` is needed before the first order.
    armed: bool = True
    # Limits in money are in this currency; what a unit of another is worth in it: rates.EUR = 1.08.
    currency: Currency = "USD"
    rates: dict[str, Decimal] = msgspec.field(default_factory=dict)
    firm: Limits = Limits()
    strategy: dict[str, Limits] = msgspec.field(default_factory=dict)
    instrument: dict[str, Limits] = msgspec.field(default_factory=dict)
