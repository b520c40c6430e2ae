"""From a run's log and samples to its metrics.

Counts, fills and exposure are read from the log, as anybody can read them afterwards; positions and
money are the core's own at the end. Nothing is booked a second time.
"""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from math import isfinite, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import msgspec

from daemon.core import Core, DenyReason, Side
from daemon.log import LogReader
from daemon.model import Instrument, ProductType, RiskState
from tools.backtest.metrics import Exposure, RiskChange, Row, Sampling, Total
from tools.backtest.sampling import Pair, Samples

MS: Final = 1_000_000
YEAR_MS: Final = 365 * 86_400 * 1000
RECORDS: Final = (
    "ORDER_SUBMITTED",
    "ORDER_DENIED",
    "CANCEL_REQUESTED",
    "REPLACE_REQUESTED",
    "FILL",
    "RISK_STATE",
)
NO_ID: Final = 0xFFFF_FFFF


class Fill(msgspec.Struct, frozen=True):
    """A trade of ours, for the page."""

    ts: int
    strategy: int
    instrument: int
    side: Side
    px: int
    qty: int
    fee: int
    position: int
    realised: int
    passive: bool
    order: int


class Tally(msgspec.Struct):
    """What the log says of a strategy in an instrument."""

    counts: Counter[str] = msgspec.field(default_factory=Counter)
    denied_by: Counter[str] = msgspec.field(default_factory=Counter)
    fills: list[Fill] = []

    def closing(self) -> tuple[int, int]:
        """Fills that closed something, and those of them that did so with a profit."""
        closed = won = realised = 0
        for fill in self.fills:
            signed = fill.qty if fill.side == Side.BUY else -fill.qty
            before = fill.position - signed
            if before and (before > 0) != (signed > 0):
                closed += 1
                won += fill.realised > realised
            realised = fill.realised
        return closed, won

    def held(self, end: int) -> list[tuple[int, int]]:
        """From when to when there was a position."""
        spans: list[tuple[int, int]] = []
        since = None
        for fill in self.fills:
            if fill.position and since is None:
                since = fill.ts
            elif not fill.position and since is not None:
                spans.append((since, fill.ts))
                since = None
        return [*spans, (since, end)] if since is not None else spans


class Logged(msgspec.Struct):
    """What is counted in the log."""

    tallies: dict[Pair, Tally] = {}
    risk: list[tuple[int, dict[str, Any], str]] = []

    def of(self, pair: Pair) -> Tally:
        """Of a strategy in an instrument; empty where it did nothing."""
        return self.tallies.setdefault(pair, Tally())


def read(folder: Path) -> Logged:
    """Everything that metrics count, in one pass."""
    logged = Logged()
    for frame in LogReader(folder, types=RECORDS):
        fields = frame.fields()
        if frame.name == "RISK_STATE":
            reason = frame.tail[: fields["size_bytes"]].decode()
            logged.risk.append((frame.ts_core, fields, reason))
            continue
        tally = logged.of((fields["strategy"], fields["instrument"]))
        tally.counts[frame.name] += 1
        if frame.name == "ORDER_DENIED":
            tally.denied_by[DenyReason(fields["reason"]).name] += 1
        elif frame.name == "FILL":
            tally.fills.append(_fill(frame.ts_core, fields))
    return logged


def _fill(ts: int, fields: dict[str, Any]) -> Fill:
    return Fill(
        ts,
        fields["strategy"],
        fields["instrument"],
        Side(fields["side"]),
        fields["last_px"],
        fields["last_qty"],
        fields["fee"],
        fields["position"],
        fields["realised_pnl"],
        not fields["flags"] & 1,
        fields["order"],
    )


# ------------------------------------------------------------------ rows


def rows_of(samples: Samples, logged: Logged, core: Core, begin: int, end: int) -> list[Row]:
    """One of each strategy and instrument that it may trade."""
    names = [each.name for each in samples.configuration.strategy]
    rows = []
    for pair in samples.pairs:
        strategy, number = pair
        instrument, rate = samples.instruments[number], samples.rates[number]
        tally, held = logged.of(pair), core.position(strategy, number)
        money = Decimal(1).scaleb(-instrument.money_scale)
        turnover = sum((_worth(instrument, fill) for fill in tally.fills), 0 * money)
        realised, fees = held.realised_pnl * money, held.fees * money
        unrealised = held.unrealised_pnl * money
        net = realised + unrealised - fees
        rows.append(
            Row(
                **_counts(names[strategy], [tally]),
                symbol=instrument.symbol,
                currency=instrument.settlement_currency,
                position=instrument.qty_of(held.net_qty),
                bought=_traded(instrument, tally, Side.BUY),
                sold=_traded(instrument, tally, Side.SELL),
                turnover=turnover,
                fees=fees,
                realised=realised,
                unrealised=unrealised,
                net=net,
                net_in_currency=net * rate,
                exposure=exposure_of(tally.held(end), begin, end),
            )
        )
    return rows


def _traded(instrument: Instrument, tally: Tally, side: Side) -> Decimal:
    return instrument.qty_of(sum(fill.qty for fill in tally.fills if fill.side == side))


def _worth(instrument: Instrument, fill: Fill) -> Decimal:
    """In the settlement currency; of an inverse contract rounded to its unit of money."""
    qty = abs(instrument.qty_of(fill.qty)) * instrument.multiplier
    price = abs(instrument.price_of(fill.px))
    if instrument.product is not ProductType.INVERSE:
        return qty * price
    return (qty / price).quantize(Decimal(1).scaleb(-instrument.money_scale), ROUND_HALF_EVEN)


def _counts(strategy: str, tallies: list[Tally]) -> dict[str, Any]:
    """The fields of Counts but the symbol."""
    counts: Counter[str] = Counter()
    denied_by: Counter[str] = Counter()
    closed = won = passive = 0
    filled = set()
    for tally in tallies:
        counts += tally.counts
        denied_by += tally.denied_by
        some_closed, some_won = tally.closing()
        closed, won = closed + some_closed, won + some_won
        passive += sum(fill.passive for fill in tally.fills)
        filled |= {fill.order for fill in tally.fills}
    orders = counts["ORDER_SUBMITTED"]
    return {
        "strategy": strategy,
        "orders": orders,
        "denied": counts["ORDER_DENIED"],
        "denied_by": dict(sorted(denied_by.items())),
        "cancels": counts["CANCEL_REQUESTED"],
        "replaces": counts["REPLACE_REQUESTED"],
        "fills": counts["FILL"],
        "passive_fills": passive,
        "fill_ratio": len(filled) / orders if orders else None,
        "hit_ratio": won / closed if closed else None,
    }


def exposure_of(spans: list[tuple[int, int]], begin: int, end: int) -> Exposure:
    """How long something was held, of spans that may overlap: a moment counts once."""
    held = reached = 0
    for since, until in sorted(spans):
        held += max(0, until - max(since, reached))
        reached = max(reached, until)
    return Exposure(seconds=held / 1e9, share=held / (end - begin) if end > begin else 0.0)


# ------------------------------------------------------------------ totals


def sampling_of(samples: Samples) -> Sampling:
    """How the equity curve was sampled; the run's end, which is off the grid, does not count."""
    interval = samples.configuration.backtest.sample_ms
    return Sampling(
        interval_ms=interval,
        samples=sum((ts - samples.times[0]) % (interval * MS) == 0 for ts in samples.times),
        samples_a_year=YEAR_MS / interval,
    )


def totals_of(
    samples: Samples, logged: Logged, rows: list[Row], begin: int, end: int
) -> tuple[Total, list[Total]]:
    """All together, and one of each strategy."""
    strategies = [
        _total(each.name, {number}, samples.equity_of[number], samples, logged, rows, (begin, end))
        for number, each in enumerate(samples.configuration.strategy)
    ]
    everyone = set(range(len(strategies)))
    whole = _total("", everyone, samples.equity, samples, logged, rows, (begin, end))
    return whole, strategies


def _total(
    name: str,
    strategies: set[int],
    equity: list[int],
    samples: Samples,
    logged: Logged,
    rows: list[Row],
    time: tuple[int, int],
) -> Total:
    own = [
        (row, samples.rates[instrument], logged.of((strategy, instrument)))
        for row, (strategy, instrument) in zip(rows, samples.pairs, strict=True)
        if strategy in strategies
    ]

    def summed(field: str) -> Decimal:
        return sum((getattr(row, field) * rate for row, rate, _ in own), Decimal(0))

    tallies = [tally for *_, tally in own]
    spans = [span for tally in tallies for span in tally.held(time[1])]
    return Total(
        **_counts(name, tallies),
        turnover_in_currency=summed("turnover"),
        fees_in_currency=summed("fees"),
        realised_in_currency=summed("realised"),
        unrealised_in_currency=summed("unrealised"),
        net_in_currency=summed("net"),
        max_drawdown_in_currency=max(drawdown(equity), default=0) * samples.unit,
        sharpe=_sharpe(equity, sampling_of(samples)),
        exposure=exposure_of(spans, *time),
    )


def drawdown(equity: list[int]) -> list[int]:
    """How far below its highest so far the curve is, at each sample; it begins at 0."""
    highest, below = 0, []
    for value in equity:
        highest = max(highest, value)
        below.append(highest - value)
    return below


def _sharpe(equity: list[int], sampling: Sampling) -> float | None:
    on_grid = equity[: sampling.samples]
    changes = [float(after - before) for before, after in pairwise(on_grid)]
    if len(changes) < 2 or not (spread := stdev(changes)):
        return None
    ratio = fmean(changes) / spread * sqrt(sampling.samples_a_year)
    return ratio if isfinite(ratio) else None


def risk_of(logged: Logged, samples: Samples) -> list[RiskChange]:
    """Every change of a risk state, in order."""
    names = [each.name for each in samples.configuration.strategy]
    return [
        RiskChange(
            ts=ts,
            strategy="" if fields["strategy"] == NO_ID else names[fields["strategy"]],
            state=RiskState(fields["state"]).name,
            armed=bool(fields["armed"]),
            reason=reason,
        )
        for ts, fields, reason in logged.risk
    ]
