"""What operators read of our side: orders, fills, positions, strategies."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from daemon.actors.strategy_host import StrategyHost
from daemon.app.order_life import Life, TooLongError, fill_note, first_cl_ord_id, read_life
from daemon.app.recent import Recent
from daemon.app.report_rows import Rows, money_of, order_text
from daemon.app.wiring import Wiring
from daemon.core import HandlerTimes, NativeOrder, NativePosition
from daemon.messages.commands import OneOrder, Part, Selection
from daemon.messages.commands import Recent as Newest
from daemon.messages.replies import (
    FillRow,
    KernelRow,
    OrderReport,
    OrderRow,
    PositionRow,
    StrategyRow,
)
from daemon.model import Instrument
from daemon.runtime.events import NO_ID

PERCENTILE: Final = 99.0


class RefusedError(Exception):
    """A question that cannot be answered; the text says why."""


class OrderReports:
    """Reads the order table, the position book and what is recent, between turns."""

    def __init__(
        self,
        wiring: Wiring,
        recent: Recent,
        times: list[HandlerTimes],
        log_folder: Path,
        since: int,
    ) -> None:
        self._wiring = wiring
        self._core = wiring.core
        self._recent = recent
        self._times = times
        self._log_folder = log_folder
        self._since = since  # sequence: before it ids may have meant something else
        self._instruments = [each for _, each in wiring.instruments.values()]
        self._rows = Rows(wiring.names, self._instruments)

    # ------------------------------------------------------------------ names

    def _strategy(self, name: str | None) -> int | None:
        if name is None:
            return None
        names = list(self._wiring.names.strategies)
        if name not in names:
            raise RefusedError(f"there is no strategy {name}; there are: {', '.join(names)}")
        return names.index(name)

    def _instrument(self, symbol: str | None) -> int | None:
        if symbol is None:
            return None
        if symbol not in self._wiring.instruments:
            known = ", ".join(self._wiring.instruments)
            raise RefusedError(f"there is no instrument {symbol}; there are: {known}")
        return self._wiring.instruments[symbol][0]

    # ------------------------------------------------------------------ orders

    def orders(self, asked: Selection) -> list[OrderRow]:
        """The newest first."""
        strategy, instrument = self._strategy(asked.strategy), self._instrument(asked.symbol)
        found = self._core.orders(strategy, instrument, asked.finished)
        found.sort(key=lambda native: native.order, reverse=True)
        return [self._order(native) for native in found[: asked.limit]]

    def _order(self, native: NativeOrder) -> OrderRow:
        return self._rows.order(native, self._recent.steps(native.order))

    def order(self, asked: OneOrder) -> OrderReport:
        """From the log where that is quick, else from memory, without texts and older steps."""
        cl_ord_id = int(asked.cl_ord_id, 16)
        native = self._core.order(cl_ord_id)
        try:
            return self._logged(self._life(cl_ord_id, native), native)
        except TooLongError:
            if native is None:
                raise RefusedError(self._not_found(cl_ord_id)) from None
            return self._remembered(native)

    def _life(self, cl_ord_id: int, native: NativeOrder | None) -> Life:
        if native is not None:  # what submitted it stands behind the input that caused it
            newest = self._recent.newest_at(native.order)
            return read_life(self._log_folder, native.order, native.cause, newest or 0)
        denied = self._recent.newest_at(cl_ord_id)
        if denied is not None:
            return read_life(self._log_folder, cl_ord_id, denied, denied)
        found = first_cl_ord_id(self._log_folder, cl_ord_id, self._since)
        if found is None:
            raise RefusedError(f"there is no order {order_text(cl_ord_id)}")
        return read_life(self._log_folder, found[0], found[1], 0)

    def _logged(self, life: Life, native: NativeOrder | None) -> OrderReport:
        row = self._order(native) if native is not None else self._rows.logged_order(life)
        names = self._wiring.names
        return OrderReport(
            order=row,
            cl_ord_ids=[order_text(each) for each in life.cl_ord_ids],
            steps=[self._rows.logged_step(each) for each in life.steps],
            fills=[self._rows.fill(fill_note(frame, names)) for frame in life.fills],
        )

    def _remembered(self, native: NativeOrder) -> OrderReport:
        steps = self._recent.steps(native.order)
        ids = dict.fromkeys([native.order, *(note.update.cl_ord_id for note in steps)])
        fills = [note for note in self._recent.fills if note.fill.order == native.order]
        return OrderReport(
            order=self._order(native),
            cl_ord_ids=[order_text(each) for each in ids],
            steps=[self._rows.step(note) for note in steps],
            fills=[self._rows.fill(note) for note in fills],
        )

    def _not_found(self, cl_ord_id: int) -> str:
        name = order_text(cl_ord_id)
        return (
            f"{name} is not among the orders in memory, and the log is too long to be searched"
            f" here: pitwire log cat {self._log_folder} --order {name}"
        )

    def fills(self, asked: Newest) -> list[FillRow]:
        """The newest first."""
        newest = list(self._recent.fills)[-asked.limit :]
        return [self._rows.fill(note) for note in reversed(newest)]

    # ------------------------------------------------------------------ positions

    def positions(self, asked: Part) -> list[PositionRow]:
        """Of each strategy and, where no strategy is named, of all (strategy "")."""
        strategy, instrument = self._strategy(asked.strategy), self._instrument(asked.symbol)
        names = self._wiring.names
        holders = [*range(len(names.strategies)), NO_ID] if strategy is None else [strategy]
        rows = []
        for number, each in enumerate(self._instruments):
            if instrument is not None and number != instrument:
                continue
            for holder in holders:
                held = self._core.position(holder, number)
                if _ever_traded(held):
                    rows.append(self._rows.position(each, holder, held))
        return rows

    # ------------------------------------------------------------------ strategies

    def strategies(self) -> list[StrategyRow]:
        """One row a strategy, and one more for each further currency that it settles in."""
        rows = []
        for number, host in enumerate(self._wiring.hosts):
            row, *more = self._money_rows(number, host)
            rows.append(self._with_counts(row, number))
            rows.extend(more)
        return rows

    def _money_rows(self, number: int, host: StrategyHost) -> list[StrategyRow]:
        settings = self._wiring.configuration.strategy[number]
        of_currency: dict[str, list[Instrument]] = {}
        for symbol in settings.instruments:
            instrument = self._wiring.instruments[symbol][1]
            of_currency.setdefault(instrument.settlement_currency, []).append(instrument)
        loaded = self._wiring.loaded[number]
        return [
            StrategyRow(
                name=host.name,
                status=host.status.name,
                instruments=[each.symbol for each in instruments],
                currency=currency,
                reason=host.failure,
                parameters=host.parameters,
                code_sha256=loaded.sha256.hex(),
                **self._sums(number, instruments),
            )
            for currency, instruments in of_currency.items()
        ]

    def _sums(self, number: int, instruments: list[Instrument]) -> dict[str, Any]:
        realised = fees = unrealised = Decimal(0)
        marked = True
        for instrument in instruments:
            held = self._core.position(number, self._wiring.instruments[instrument.symbol][0])
            realised += money_of(instrument, held.realised_pnl)
            fees += money_of(instrument, held.fees)
            unrealised += money_of(instrument, held.unrealised_pnl)
            marked &= held.net_qty == 0 or held.mark_px is not None
        return {
            "realised": f"{realised:f}",
            "fees": f"{fees:f}",
            "unrealised": f"{unrealised:f}" if marked else None,
        }

    def _with_counts(self, row: StrategyRow, number: int) -> StrategyRow:
        times = self._times[number]
        return msgspec.structs.replace(
            row,
            orders_working=self._core.risk_state(number)[3],
            orders_submitted=self._recent.submitted[number],
            fills=self._recent.filled[number],
            calls=times.histogram.count,
            handler_ns_p99=times.histogram.percentile(PERCENTILE),
            handler_ns_max=times.histogram.max,
            over_budget=times.over_budget,
            kernels=self._kernels(number),
        )

    def _kernels(self, number: int) -> list[KernelRow]:
        symbols = self._wiring.names.instruments
        return [
            KernelRow(
                symbol=symbols[instrument],
                name=name,
                armed=armed,
                answered=answered,
                parameters=parameters,
                value=value if math.isfinite(value) else None,
            )
            for instrument, name, armed, answered, parameters, value in self._core.kernels(number)
        ]


def _ever_traded(held: NativePosition) -> bool:
    return bool(
        held.net_qty or held.lowest_qty or held.highest_qty or held.realised_pnl or held.fees
    )
