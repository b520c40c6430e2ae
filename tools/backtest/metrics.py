"""What a backtest came to, in numbers: `backtest.json`.

Money and quantities are exact decimals as text, in the instrument's settlement currency unless the
name says `_in_currency`: that of [risk], at the configuration's rates. Ratios are floats, null
where they are not defined. Two runs of the same captures differ in `wall_clock` only.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Whose (strategy "": everybody's; symbol "": in all instruments), what was asked for, and what
    came of it.

    `fill_ratio`: orders with at least one fill, of those submitted. `hit_ratio`: fills that closed
    something with a profit before fees, of those that closed something.
    """

    strategy: str
    symbol: str = ""
    orders: int
    denied: int
    denied_by: dict[str, int]
    cancels: int
    replaces: int
    fills: int
    passive_fills: int
    fill_ratio: float | None
    hit_ratio: float | None


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How long a position was held: any, at any size."""

    seconds: float
    share: float


class Row(Counts, frozen=True, kw_only=True):
    """A strategy in an instrument. `net`: realised + unrealised - fees; realised is before fees."""

    currency: str
    position: Decimal
    bought: Decimal
    sold: Decimal
    turnover: Decimal
    fees: Decimal
    realised: Decimal
    unrealised: Decimal
    net: Decimal
    net_in_currency: Decimal
    exposure: Exposure


class Total(Counts, frozen=True, kw_only=True):
    """A strategy in all of its instruments, or everybody.

    Drawdown and Sharpe are of the equity curve's samples (`sampling`); a drawdown is not negative.
    `failure`: why the strategy was stopped by an error of its own.
    """

    turnover_in_currency: Decimal
    fees_in_currency: Decimal
    realised_in_currency: Decimal
    unrealised_in_currency: Decimal
    net_in_currency: Decimal
    max_drawdown_in_currency: Decimal
    sharpe: float | None
    exposure: Exposure
    failure: str = ""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """`sharpe` is mean by standard deviation of the equity's changes from one sample to the next,
    times the square root of the samples in a year of 365 days; no interest is taken off."""

    interval_ms: int
    samples: int
    samples_a_year: float


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument's market: `compared` with the venue's own best bid and ask, and `different`."""

    symbol: str
    updates: int
    trades: int
    state: str
    snapshots_wanted: int
    compared: int
    different: int


class CaptureRead(msgspec.Struct, frozen=True, kw_only=True):
    """A capture, or several of one instrument in their order; `refused`: what was no message."""

    files: str
    symbol: str
    refused: int
    defect: str


class RiskChange(msgspec.Struct, frozen=True, kw_only=True):
    """The firm's (strategy "") or a strategy's risk state changed."""

    ts: int
    strategy: str
    state: str
    armed: bool
    reason: str


class WallClock(msgspec.Struct, frozen=True, kw_only=True):
    """What the host took: the only part that is not the same in every run."""

    seconds: float
    messages_per_second: float
    times_real: float


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Times are ns since 1970 UTC, of the captures."""

    version: int = 1
    name: str
    currency: str
    begin: int
    end: int
    seconds: float
    ready: bool
    orders_left: int
    messages: int
    inputs: int
    turns: int
    sampling: Sampling
    total: Total
    strategies: list[Total]
    rows: list[Row]
    books: list[Book]
    captures: list[CaptureRead]
    risk: list[RiskChange]
    wall_clock: WallClock

    def to_json(self) -> bytes:
        """Indented, in the order of this file, with a line's end."""
        told = _plain(msgspec.to_builtins(self, builtin_types=(Decimal,)))
        return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"

    @property
    def failed(self) -> list[str]:
        """Why the run is not what was asked for; empty where it is."""
        said = [f"{each.strategy}: {each.failure}" for each in self.strategies if each.failure]
        if not self.ready:
            said.append("reconciliation was not done: no strategy was started")
        if self.orders_left:
            said.append(f"{self.orders_left} orders had not ended")
        return said


def _plain(value: object) -> object:
    """Decimals as people write them: never 0E-8."""
    match value:
        case Decimal():
            return f"{value:f}"
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value
