"""What an operator may ask: every command with its arguments, its reply, and who may give it.

The table is the protocol: the control socket checks against it before anything reaches the core,
`pitwire ctl` is built from it, and docs/control-protocol.md is written from it. Prices and
quantities are decimal text, in the instrument's own units.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from daemon.messages import replies

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Rows = Annotated[int, Meta(ge=1, le=100_000)]
Hexadecimal = Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{1,16}$")]
Reason = Annotated[str, Meta(max_length=200)]
MsgSeqNum = Annotated[int, Meta(ge=1, le=2**62)]
Scope = Annotated[str, Meta(pattern=r"^(firm|strategy:.{1,64}|instrument:.{1,64})$")]
DecimalText = Annotated[str, Meta(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,18})?$")]


class Role(IntEnum):
    """Each may do what those below it may."""

    VIEWER = 1
    TRADER = 2
    RISK = 3
    ADMIN = 4


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """No arguments."""


class Selection(Arguments, frozen=True, kw_only=True):
    """Orders of a strategy, of an instrument, or all; finished ones where asked for."""

    strategy: Name | None = None
    symbol: Name | None = None
    finished: bool = False
    limit: Rows = 500


class OneOrder(Arguments, frozen=True, kw_only=True):
    """An order by any ClOrdID it ever had, in hexadecimal."""

    cl_ord_id: Hexadecimal


class Recent(Arguments, frozen=True, kw_only=True):
    """The newest, at most this many."""

    limit: Rows = 100


class Part(Arguments, frozen=True, kw_only=True):
    """What belongs to a strategy and an instrument; neither means all. The reason is logged."""

    strategy: Name | None = None
    symbol: Name | None = None
    reason: Reason = ""


class Halt(Arguments, frozen=True, kw_only=True):
    """The firm or one strategy: no new orders (halted), or only reducing ones."""

    strategy: Name | None = None
    reducing: bool = False
    cancel: bool = True
    reason: Reason = ""


class Resume(Arguments, frozen=True, kw_only=True):
    """The firm or one strategy trades again; `clear_kill` also takes back a kill."""

    strategy: Name | None = None
    clear_kill: bool = False
    reason: Reason = ""


class Because(Arguments, frozen=True, kw_only=True):
    """With a reason, which is logged."""

    reason: Reason = ""


class SetLimit(Arguments, frozen=True, kw_only=True):
    """A limit's new value at a scope: `firm`, `strategy:NAME`, `instrument:SYMBOL`."""

    scope: Scope
    name: Name
    value: DecimalText


class OneStrategy(Arguments, frozen=True, kw_only=True):
    """A strategy by name. Stopping cancels its orders."""

    strategy: Name
    reason: Reason = ""


class Parameters(Arguments, frozen=True, kw_only=True):
    """New values of some of a strategy's parameters, checked by its class."""

    strategy: Name
    values: Annotated[dict[str, Any], Meta(min_length=1, max_length=256)]


class OneSession(Arguments, frozen=True, kw_only=True):
    """A session by name."""

    session: Name
    reason: Reason = ""


class Numbers(Arguments, frozen=True, kw_only=True):
    """A session's next MsgSeqNums, ours and the venue's; one left out stays. A reason is needed."""

    session: Name
    next_sender: MsgSeqNum | None = None
    next_target: MsgSeqNum | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class Reconcile(Arguments, frozen=True, kw_only=True):
    """Compare with the venue now; or accept the report of this number as it stands."""

    session: Name | None = None
    accept: Annotated[int, Meta(ge=1)] | None = None
    reason: Reason = ""


class LogLevel(Arguments, frozen=True, kw_only=True):
    """Of the operating log, from now on."""

    level: Literal["debug", "info", "warning", "error"]


class CommandSpec(msgspec.Struct, frozen=True):
    """A command: least role, whether it changes anything (then it is in the log), types, help."""

    role: Role
    changes: bool
    arguments: type[Arguments]
    result: Any
    help: str


def _reads(arguments: type[Arguments], result: object, text: str) -> CommandSpec:
    return CommandSpec(Role.VIEWER, False, arguments, result, text)


def _changes(role: Role, arguments: type[Arguments], text: str) -> CommandSpec:
    return CommandSpec(role, True, arguments, replies.Done, text)


COMMANDS: Final[Mapping[str, CommandSpec]] = {
    "status": _reads(Arguments, replies.Status, "the daemon in one view"),
    "snapshot": _reads(Arguments, replies.Snapshot, "everything that `ctl watch` shows"),
    "market": _reads(Arguments, list[replies.MarketRow], "books, states, signals"),
    "feeds": _reads(Arguments, list[replies.FeedRow], "market-data feeds"),
    "sessions": _reads(Arguments, list[replies.SessionRow], "order sessions"),
    "sessions.show": _reads(OneSession, replies.SessionRow, "one order session"),
    "orders": _reads(Selection, list[replies.OrderRow], "orders, working ones by default"),
    "order": _reads(OneOrder, replies.OrderReport, "the life of one order"),
    "fills": _reads(Recent, list[replies.FillRow], "the newest fills"),
    "positions": _reads(Part, list[replies.PositionRow], "positions and PnL"),
    "risk": _reads(Arguments, replies.RiskReport, "risk states, denials"),
    "limits.show": _reads(Arguments, list[replies.LimitRow], "every limit that is set"),
    "strategies": _reads(Arguments, list[replies.StrategyRow], "strategies"),
    "reconciliation": _reads(
        Arguments, list[replies.Reconciliation], "the newest report of each session"
    ),
    "latency": _reads(Arguments, list[replies.LatencyRow], "percentiles by stage"),
    "limits.set": _changes(Role.RISK, SetLimit, "change a limit"),
    "strategies.start": _changes(Role.TRADER, OneStrategy, "start a strategy"),
    "strategies.stop": _changes(Role.TRADER, OneStrategy, "stop it and cancel its orders"),
    "strategies.params": _changes(Role.TRADER, Parameters, "change parameters of a strategy"),
    "sessions.logon": _changes(Role.ADMIN, OneSession, "connect and log on"),
    "sessions.logout": _changes(Role.ADMIN, OneSession, "log out and stay so"),
    "sessions.renew": _changes(
        Role.ADMIN, OneSession, "log out and on again, with the certificate files as they are now"
    ),
    "sessions.numbers": _changes(
        Role.ADMIN, Numbers, "set sequence numbers of a session that is logged out"
    ),
    "sessions.hold": _changes(Role.TRADER, OneSession, "deny its new orders; cancels go"),
    "sessions.release": _changes(Role.RISK, OneSession, "take orders again after a hold"),
    # To stop is easier than to go on: a trader may halt, the risk role resumes.
    "halt": _changes(Role.TRADER, Halt, "no new orders; cancels working ones"),
    "resume": _changes(Role.RISK, Resume, "trade again after halt or kill"),
    "kill": _changes(Role.TRADER, Because, "stop at once: no order leaves, all are cancelled"),
    "cancel-all": _changes(Role.TRADER, Part, "cancel working orders"),
    "flatten": _changes(Role.TRADER, Part, "cancel, then close positions at the market"),
    "reconcile": CommandSpec(
        Role.RISK, True, Reconcile, replies.Reconciliation, "compare with the venue, or accept"
    ),
    "log-level": _changes(Role.ADMIN, LogLevel, "how much the operating log says"),
    "shutdown": _changes(Role.ADMIN, Because, "cancel, wait, checkpoint, end"),
}
