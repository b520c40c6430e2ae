"""A broker's dialect of FIX: a file of its own, named by a session, and as the core takes it.

What a key means to messages is checked by the core (`native/src/fix/dialect.cpp`), against the same
dictionary that sessions use; what cannot be written in a venue's units is checked here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from daemon.app.problems import problem_of
from daemon.app.settings import Name, Section, Text
from daemon.core import ExecType, OrdStatus, check_fix_dialect

FILE_BYTES_MAX: Final = 1 << 20
Tag = Annotated[int, Meta(ge=1, le=99_999)]
Decimals = Annotated[int, Meta(ge=0, le=18)]


def _above_0(key: str, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise ValueError(f"{key}: must be above 0, found {value}")


class DialectField(Section, frozen=True, kw_only=True):
    """[[field]]: a tag that the version's dictionary lacks, or that it lacks in these messages."""

    tag: Tag
    name: str = ""
    type: str = ""
    values: tuple[Text, ...] = ()  # none: any
    messages: tuple[Text, ...] = ()  # MsgTypes in which it may stand
    required: tuple[Text, ...] = ()  # and in which it must


class DialectPut(Section, frozen=True, kw_only=True):
    """[[put]]: a field that is written into messages, always the same or from the order."""

    tag: Tag
    value: str = ""
    source: Literal["strategy", "order_tag"] | None = None
    messages: tuple[Text, ...] = ("D", "F", "G")

    def __post_init__(self) -> None:
        if bool(self.value) == (self.source is not None):
            raise ValueError("value: needs exactly one of value and source")


class DialectParty(Section, frozen=True, kw_only=True):
    """[[party]]: an entry of NoPartyIDs (453), in orders, replaces, cancels and reports."""

    id: Text
    source: Annotated[str, Meta(min_length=1, max_length=1)] = "D"
    role: Annotated[int, Meta(ge=1, le=999)]


class ClOrdIdSettings(Section, frozen=True, kw_only=True):
    """[cl_ord_id]: how our order numbers look: a prefix, and 16, 20 or 13 digits by the base."""

    prefix: str = ""
    base: Literal[10, 16, 36] = 16


class LiquiditySettings(Section, frozen=True, kw_only=True):
    """[report.liquidity]: where and how a trade says who took; the first of each is written."""

    tag: Annotated[int, Meta(ge=0, le=99_999)] = 0  # 0: 851 in FIX 4.4, 9851 in FIX 4.2
    added: tuple[Text, ...] = ("1",)
    removed: tuple[Text, ...] = ("2",)


class ReportSettings(Section, frozen=True, kw_only=True):
    """[report]: what an execution report says where, and in words of its own."""

    fee_tag: Tag = 12
    fee_unit: Decimal = Decimal(1)  # 1 in the field, in the settlement currency
    order_id_tag: Tag = 37
    liquidity: LiquiditySettings = LiquiditySettings()
    exec_types: dict[str, str] = msgspec.field(default_factory=dict)
    ord_statuses: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _above_0("fee_unit", self.fee_unit)
        for key, words, names in (
            ("exec_types", self.exec_types, ExecType.__members__),
            ("ord_statuses", self.ord_statuses, OrdStatus.__members__),
        ):
            for text, name in words.items():
                if len(text) != 1 or not text.isascii():
                    raise ValueError(f"{key}.{text}: is no single character")
                if name not in names:
                    raise ValueError(
                        f"{key}.{text}: there is no {name}; there are: {', '.join(names)}"
                    )


class CancelOnDisconnect(Section, frozen=True, kw_only=True):
    """[cancel_on_disconnect]: the field of Logon that asks the venue for it."""

    tag: Tag
    value: Text = "Y"


class DialectSettings(Section, frozen=True, kw_only=True):
    """A dialect's file. Every default is what FIX itself says."""

    name: Name = "plain"
    version: Literal["FIX.4.2", "FIX.4.4"] | None = None  # none: any
    identify_by: Literal["symbol", "security_id"] = "symbol"
    security_id_source: str = ""
    symbol_text: str = ""
    # What 1 in a price or quantity field is in the instrument's own: 0.01 where prices are cents.
    price_unit: Decimal = Decimal(1)
    qty_unit: Decimal = Decimal(1)
    # How many are written; none: as many as the increment has.
    price_decimals: Decimals | None = None
    qty_decimals: Decimals | None = None
    cl_ord_id: ClOrdIdSettings = ClOrdIdSettings()
    field: tuple[DialectField, ...] = ()
    put: tuple[DialectPut, ...] = ()
    party: tuple[DialectParty, ...] = ()
    report: ReportSettings = ReportSettings()
    cancel_on_disconnect: CancelOnDisconnect | None = None  # none: the venue cannot be asked

    def __post_init__(self) -> None:
        _above_0("price_unit", self.price_unit)
        _above_0("qty_unit", self.qty_unit)
        if self.identify_by == "symbol" and (self.security_id_source or self.symbol_text):
            raise ValueError('identify_by: security_id_source and symbol_text need "security_id"')


PLAIN: Final = DialectSettings()


class SymbolSettings(Section, frozen=True, kw_only=True):
    """[session.symbols]: what one session calls an instrument, where that differs."""

    symbol: str = ""  # none: the instrument's venue_symbol, else our own
    security_id: str = ""
    price_unit: Decimal | None = None  # none: the dialect's
    qty_unit: Decimal | None = None

    def __post_init__(self) -> None:
        _above_0("price_unit", self.price_unit)
        _above_0("qty_unit", self.qty_unit)


class DialectError(ValueError):
    """A file that is no dialect; `key` is where."""

    def __init__(self, path: Path, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.path, self.key, self.reason = path, key, reason


def read(path: Path) -> dict[str, Any]:
    """The tables of a dialect's file. DialectError names it and the key."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise DialectError(path, "", f"larger than {FILE_BYTES_MAX} bytes")
        tree = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise DialectError(path, "", error.strerror or str(error)) from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        if isinstance(error, DialectError):
            raise
        raise DialectError(path, "", str(error)) from None
    try:
        dialect = msgspec.convert(tree, DialectSettings)
        check(dialect, dialect.version or "FIX.4.4", initiator=False)
    except msgspec.ValidationError as error:
        found = problem_of(error)
        raise DialectError(path, found.key, found.reason) from None
    except ValueError as error:
        key, _, reason = str(error).partition(": ")
        raise DialectError(path, key, reason) from None
    return tree


def check(
    dialect: DialectSettings, version: str, *, initiator: bool = True, account: str = ""
) -> None:
    """ValueError, "key: reason", where a session of this version cannot speak it."""
    if dialect.version not in (None, version):
        raise ValueError(f"version: {dialect.version}, but the session is {version}")
    check_fix_dialect(version, initiator, account, native(dialect))


def native(dialect: DialectSettings, strategies: Sequence[str] = ()) -> dict[str, Any]:
    """As `daemon.core` takes it; the strategies' names by id."""
    report, cancel = dialect.report, dialect.cancel_on_disconnect
    return {
        "name": dialect.name,
        "fields": [msgspec.structs.asdict(each) for each in dialect.field],
        "puts": [
            {
                "tag": each.tag,
                "value": each.value,
                "source": each.source or "value",
                "messages": each.messages,
            }
            for each in dialect.put
        ],
        "parties": [
            {"id": each.id, "source": each.source, "role": str(each.role)} for each in dialect.party
        ],
        "id_prefix": dialect.cl_ord_id.prefix,
        "id_base": dialect.cl_ord_id.base,
        "by_security_id": dialect.identify_by == "security_id",
        "security_id_source": dialect.security_id_source,
        "symbol_text": dialect.symbol_text,
        "fee_tag": report.fee_tag,
        "liquidity_tag": report.liquidity.tag,
        "added": report.liquidity.added,
        "removed": report.liquidity.removed,
        "order_id_tag": report.order_id_tag,
        "exec_types": [
            (text, int(ExecType.__members__[name])) for text, name in report.exec_types.items()
        ],
        "ord_statuses": [
            (text, int(OrdStatus.__members__[name])) for text, name in report.ord_statuses.items()
        ],
        "cancel_on_disconnect_tag": cancel.tag if cancel else 0,
        "cancel_on_disconnect_value": cancel.value if cancel else "",
        "strategies": list(strategies),
    }
