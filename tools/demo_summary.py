"""What a day came to: orders, fills, PnL beside the exchange's own record, books, latencies."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

COUNTED = ("ORDER_SUBMITTED", "ORDER_DENIED", "CANCEL_REQUESTED", "REPLACE_REQUESTED", "FILL")


class Book(msgspec.Struct):
    """Trades of one instrument: money received less money paid, fees, and what is held."""

    cash: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    qty: Decimal = Decimal(0)

    def add(self, side: str, price: Decimal, qty: Decimal, fee: Decimal) -> None:
        """One trade; a bust has a negative quantity."""
        sign = 1 if side == "SELL" else -1
        self.cash += sign * price * qty
        self.qty -= sign * qty
        self.fees += fee


class Traded(msgspec.Struct):
    """What we say of one instrument: its trades, and what they realised before fees."""

    book: Book
    inverse: bool
    currency: str
    realised: dict[int, Decimal] = {}  # by strategy

    def text(self) -> str:
        """Where profit is not cash, cash is not shown."""
        digits = 8 if self.inverse else 4
        realised = f"realised {sum(self.realised.values()):+,.{digits}f} {self.currency}"
        return realised + "  " + _text(self.book, self.inverse)


def summarise(log: Path, trades: Path, restarts: int = 0) -> str:
    """A few lines of text, the last of them ended."""
    counts, ours = _of_log(log)
    lines = [
        f"orders {counts['ORDER_SUBMITTED']:,}  denied {counts['ORDER_DENIED']:,}  "
        f"cancels {counts['CANCEL_REQUESTED']:,}  replaces {counts['REPLACE_REQUESTED']:,}  "
        f"fills {counts['FILL']:,}  restarts {restarts}"
    ]
    theirs = _of_exchange(trades)
    for symbol in sorted(set(ours) | set(theirs)):
        mine, venue = ours.get(symbol), theirs.get(symbol, Book())
        said = mine.text() if mine else "no fills"
        same = mine is not None and mine.book == venue
        told = "equal to the exchange's record" if same else f"exchange DIFFERS: {_text(venue)}"
        lines.append(f"{symbol:<6} {said}  ({told})")
    lines += _book_checks(log)
    lines += _latencies(log)
    return "\n".join(lines) + "\n"


def _text(book: Book, inverse: bool = False) -> str:
    if inverse:
        return f"fees {book.fees:,.8f}  position {book.qty:,f}"
    cash = f"cash {book.cash:+,.4f}  "
    return f"{cash}fees {book.fees:,.4f}  position {book.qty:,f}"


def _of_log(folder: Path) -> tuple[Counter[str], dict[str, Traded]]:
    from daemon.log import LogReader

    counts: Counter[str] = Counter()
    traded: dict[str, Traded] = {}
    instruments: dict[int, dict[str, Any]] = {}
    for frame in LogReader(folder, types=[*COUNTED, "DEFINITION"], committed=True):
        fields = frame.fields()
        if frame.name == "DEFINITION":
            if fields["kind"] == 0:
                instruments[fields["id"]] = msgspec.json.decode(bytes(frame.tail))
            continue
        counts[frame.name] += 1
        if frame.name == "FILL":
            _add_fill(traded, instruments[fields["instrument"]], fields)
    return counts, traded


def _add_fill(
    traded: dict[str, Traded], instrument: dict[str, Any], fields: dict[str, Any]
) -> None:
    from daemon.core import Side

    price = int(fields["last_px"]) * Decimal(str(instrument["price_increment"]))
    qty = int(fields["last_qty"]) * Decimal(str(instrument["qty_increment"]))
    fee, realised = (
        Decimal(int(fields[name])).scaleb(-int(instrument["money_scale"]))
        for name in ("fee", "realised_pnl")
    )
    inverse = instrument["product"] == "inverse"
    new = Traded(Book(), inverse, instrument["settlement_currency"])
    mine = traded.setdefault(instrument["symbol"], new)
    mine.book.add(Side(fields["side"]).name, price, qty, fee)
    mine.realised[int(fields["strategy"])] = realised


def _of_exchange(path: Path) -> dict[str, Book]:
    books: dict[str, Book] = {}
    for row in _rows(path):
        book = books.setdefault(row["symbol"], Book())
        side = {"B": "BUY", "S": "SELL", "1": "BUY", "2": "SELL"}.get(row["side"], row["side"])
        book.add(side.upper(), Decimal(row["px"]), Decimal(row["qty"]), Decimal(row["fee"]))
    return books


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _book_checks(folder: Path) -> list[str]:
    from daemon.log.measure import totals_of

    return [
        f"{each.instrument}: book compared with the venue's best bid and ask {each.compared:,} "
        f"times, {each.different:,} different"
        for each in totals_of(folder).book_checks
    ]


def _latencies(folder: Path) -> list[str]:
    from daemon.log.measure import latencies_of

    rows = latencies_of(folder)
    if not rows:
        return []
    head = f"{'orders, us':<33}{'p50':>10}{'p99':>10}{'max':>10}{'count':>10}"
    return [head] + [
        f"{row.lane + '  ' if row.lane else ''}{row.stage}".ljust(33)
        + "".join(
            f"{ns / 1000:>10,.1f}"
            for ns in (row.latency_ns_p50, row.latency_ns_p99, row.latency_ns_max)
        )
        + f"{row.orders:>10,}"
        for row in rows
    ]
