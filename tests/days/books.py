"""Our books beside the exchange's: each trade for itself, and what all of them come to."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from daemon.app.history import history_of
from daemon.app.replaying import Outcome, ReplayRun
from daemon.core import Side
from tests.days.day import frames


class TradeRow(NamedTuple):
    """A trade as either side has it, in natural units, exactly."""

    exec_id: str
    symbol: str
    side: str
    px: Decimal
    qty: Decimal
    fee: Decimal
    aggressor: bool


class Total(NamedTuple):
    """What the trades of an instrument come to."""

    cash: Decimal
    fees: Decimal
    position: Decimal


def exchange_rows(path: Path) -> list[dict[str, str]]:
    """The exchange's record of our trades, as it wrote it."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def exchange_trades(path: Path) -> list[TradeRow]:
    """The exchange's record."""
    return [
        TradeRow(
            row["exec_id"],
            row["symbol"],
            row["side"],
            Decimal(row["px"]),
            Decimal(row["qty"]),
            Decimal(row["fee"]),
            row["aggressor"] == "1",
        )
        for row in exchange_rows(path)
    ]


def definitions(log: Path) -> dict[int, dict[str, Any]]:
    """Instruments by id, as the log defines them."""
    found = [frame for frame in frames(log, "DEFINITION") if frame.fields()["kind"] == 0]
    return {frame.fields()["id"]: msgspec.json.decode(frame.tail.rstrip(b"\0")) for frame in found}


def logged_trades(log: Path) -> list[TradeRow]:
    """FILL records of the log."""
    instruments = definitions(log)
    return [_logged(frame.fields(), instruments) for frame in frames(log, "FILL")]


def _logged(fields: dict[str, Any], instruments: dict[int, dict[str, Any]]) -> TradeRow:
    instrument = instruments[fields["instrument"]]
    return TradeRow(
        text_of(fields["exec_id"]),
        instrument["symbol"],
        Side(fields["side"]).name,
        fields["last_px"] * Decimal(str(instrument["price_increment"])),
        fields["last_qty"] * Decimal(str(instrument["qty_increment"])),
        Decimal(fields["fee"]).scaleb(-int(instrument["money_scale"])),
        bool(fields["flags"] & 1),
    )


def text_of(padded: bytes | str) -> str:
    """Text of a field that is padded with NUL."""
    raw = padded if isinstance(padded, bytes) else padded.encode()
    return raw.rstrip(b"\0").decode()


def totals(trades: list[TradeRow]) -> dict[str, Total]:
    """By symbol."""
    found: dict[str, Total] = {}
    for trade in trades:
        cash, fees, position = found.get(trade.symbol, Total(Decimal(0), Decimal(0), Decimal(0)))
        sign = 1 if trade.side == "BUY" else -1
        amount = sign * trade.px * trade.qty
        found[trade.symbol] = Total(cash - amount, fees + trade.fee, position + sign * trade.qty)
    return found


def sent_ids(log: Path) -> Counter[str]:
    """How often each ClOrdID was sent in a new order or a replace, as the log has it."""
    sent = frames(log, "ORDER_SUBMITTED", "REPLACE_REQUESTED")
    return Counter(f"{frame.fields()['cl_ord_id']:016X}" for frame in sent)


def replayed(log: Path, until: int = 0) -> tuple[ReplayRun, Outcome]:
    """The log's first part run again with the strategies it holds."""
    run = ReplayRun.of_part(log, history_of(log).parts[0], until)
    return run, run.finish()


def assert_books_equal(log: Path, trades: Path) -> None:
    """Every trade of the exchange's record is in our log, once, digit for digit, and no other."""
    ours, theirs = logged_trades(log), exchange_trades(trades)
    assert Counter(ours) == Counter(theirs)
    assert totals(ours) == totals(theirs)
    sent = sent_ids(log)
    assert [row for row in exchange_rows(trades) if sent[row["cl_ord_id"]] != 1] == []
    assert max(sent.values()) == 1
