"""Totals and last values from the event log, a batch at a time.

What is frequent is counted by NumPy over the batch's columns; what is rare is read frame by frame.
Counted from the start of the log that is kept, so a restart of this process changes no total.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from prometheus_client.metrics_core import Metric

from daemon import core
from daemon.log import RECORDS, Batch, Frame, spec_of
from tools.metrics.families import NS_PER_SECOND, Labels, counter, gauge, single

INSTRUMENT, STRATEGY, SESSION, FEED = 0, 1, 3, 4  # DEFINITION.kind
FIRM: Final = 0xFFFFFFFF


class Names:
    """Identities as the log's definitions introduce them; a number while there is none."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], dict[str, Any]] = {}

    def define(self, frame: Frame) -> None:
        """Take a DEFINITION."""
        fields = frame.fields()
        text = frame.tail.rstrip(b"\0")
        self._known[fields["kind"], fields["id"]] = json.loads(text) if text else {}

    def name(self, kind: int, number: int) -> str:
        """An instrument's symbol, or another's name."""
        known = self._known.get((kind, number), {})
        return str(known.get("symbol") or known.get("name") or number)

    def strategy(self, number: int) -> str:
        """A strategy's name, `firm` for all of them."""
        return "firm" if number == FIRM else self.name(STRATEGY, number)

    def currency(self, instrument: int) -> str:
        """What its profit is in."""
        return str(self._known.get((INSTRUMENT, instrument), {}).get("settlement_currency", ""))

    def money(self, instrument: int, units: int) -> float:
        """Money units as currency."""
        scale = int(self._known.get((INSTRUMENT, instrument), {}).get("money_scale", 0))
        return float(units / 10**scale)

    def quantity(self, instrument: int, lots: int) -> float:
        """Quantity increments as quantity."""
        step = self._known.get((INSTRUMENT, instrument), {}).get("qty_increment", 1)
        return float(lots * float(step))


class Ledger:
    """Everything the metrics say of the log."""

    def __init__(self) -> None:
        self.names = Names()
        self.sequence = 0
        self.ts_core = 0
        self.frames: Counter[int] = Counter()
        self.bytes = 0
        self.submitted: Counter[tuple[int, int]] = Counter()
        self.denied: Counter[tuple[int, int]] = Counter()
        self.fills: Counter[tuple[int, int]] = Counter()
        self.feed_events: Counter[tuple[int, int]] = Counter()
        self.checked: Counter[tuple[int, int]] = Counter()
        self.last_fill: dict[tuple[int, int], dict[str, Any]] = {}
        self.last: dict[str, dict[int, int]] = defaultdict(dict)
        self.sums: Counter[str] = Counter()
        self.handlers: dict[int, Counter[str]] = defaultdict(Counter)

    def apply(self, batch: Batch) -> None:
        """Count a batch."""
        if not len(batch):
            return
        rows = batch.rows
        self.sequence, self.ts_core = int(rows["sequence"][-1]), int(rows["ts_core"][-1])
        kinds, counts = np.unique(rows["type"], return_counts=True)
        self.frames.update(dict(zip(kinds.tolist(), counts.tolist(), strict=True)))
        self.bytes += int(rows["payload_size"].sum())
        present = {RECORDS[kind].name for kind in kinds.tolist() if kind in RECORDS}
        for name in present & _COUNTED.keys():
            _COUNTED[name](self, batch.records(spec_of(name)))
        if present & _READ.keys():
            self._read(batch, {spec_of(name).number for name in present & _READ.keys()})

    def _read(self, batch: Batch, kinds: set[int]) -> None:
        wanted = np.isin(batch.rows["type"], sorted(kinds))
        some = Batch(batch.rows[wanted].tobytes(), batch.payloads)
        for frame in some.frames():
            _READ[frame.name](self, frame)

    # -------------------------------------------------------------- counted by columns

    def _submissions(self, records: npt.NDArray[np.void]) -> None:
        self.submitted.update(_pairs(records["strategy"], records["instrument"]))

    def _denials(self, records: npt.NDArray[np.void]) -> None:
        self.denied.update(_pairs(records["strategy"], records["reason"]))

    def _fills(self, records: npt.NDArray[np.void]) -> None:
        self.fills.update(_pairs(records["strategy"], records["instrument"]))
        names = records.dtype.names or ()
        for record in records.tolist():
            fields = dict(zip(names, record, strict=True))
            self.last_fill[fields["strategy"], fields["instrument"]] = fields

    def _turns(self, records: npt.NDArray[np.void]) -> None:
        for name in ("turns", "native_ns", "python_ns"):
            self.sums[name] += int(records[name].sum())

    def _collections(self, records: npt.NDArray[np.void]) -> None:
        self.sums["collector_ns"] += int(records["duration_ns"].sum())

    def _states(self, records: npt.NDArray[np.void]) -> None:
        self.sums["illegal"] += int(np.count_nonzero(records["illegal"]))

    def _checks(self, records: npt.NDArray[np.void]) -> None:
        self.checked.update(_pairs(records["instrument"], records["different"]))

    # -------------------------------------------------------------- read one by one

    def _handlers(self, frame: Frame) -> None:
        fields = frame.fields()
        strategy = self.handlers[fields.pop("strategy")]
        strategy.update({name: fields[name] for name in ("calls", "total_ns", "over_budget")})

    def _source_state(self, frame: Frame) -> None:
        self.last["session"][frame.source] = frame.fields()["logged_on"]

    def _feed(self, frame: Frame) -> None:
        self.feed_events[frame.source, frame.fields()["event"]] += 1

    def _book(self, frame: Frame) -> None:
        fields = frame.fields()
        self.last["book"][fields["instrument"]] = fields["state"]

    def _risk(self, frame: Frame) -> None:
        fields = frame.fields()
        self.last["risk"][fields["strategy"]] = fields["state"]
        self.last["armed"][fields["strategy"]] = fields["armed"]

    def _strategy(self, frame: Frame) -> None:
        fields = frame.fields()
        self.last["strategy"][fields["strategy"]] = fields["status"]

    def _epoch(self, frame: Frame) -> None:
        self.last["epoch"][0] = frame.fields()["epoch"]

    # -------------------------------------------------------------- as metrics

    def families(self) -> Iterator[Metric]:
        """Every family, as of the last batch."""
        yield single("log_sequence", "Last sequence read from the log", self.sequence)
        yield single("log_ts_core_seconds", "ts_core of it", self.ts_core / NS_PER_SECOND)
        yield single("epoch", "Starts of the daemon on this log", self.last["epoch"].get(0, 0))
        yield counter("log_payload_bytes", "Payload bytes", (), {(): self.bytes})
        frames = {(_record(kind),): float(n) for kind, n in self.frames.items()}
        yield counter("log_frames", "Frames by record type", ("type",), frames)
        yield from self._order_families()
        yield from self._position_families()
        yield from self._state_families()
        yield from self._cost_families()

    def _order_families(self) -> Iterator[Metric]:
        labels = ("strategy", "instrument")
        yield counter("orders_submitted", "Orders that passed the gate", labels,
                      self._named(self.submitted))  # fmt: skip
        yield counter("fills", "Trades of ours, busts and corrections too", labels,
                      self._named(self.fills))  # fmt: skip
        denied = {
            (self.names.strategy(strategy), core.DenyReason(reason).name): float(n)
            for (strategy, reason), n in self.denied.items()
        }
        yield counter("orders_denied", "Orders that never left", ("strategy", "reason"), denied)
        illegal = {(): float(self.sums["illegal"])}
        yield counter("order_transitions_illegal", "Events no order may have", (), illegal)

    def _position_families(self) -> Iterator[Metric]:
        labels = ("strategy", "instrument")
        lots = {
            self._pair(key): self.names.quantity(key[1], each["position"])
            for key, each in self.last_fill.items()
        }
        yield gauge("position", "Net position, in the instrument's unit", labels, lots)
        for field, text in (
            ("realised_pnl", "Realised before fees"),
            ("fees", "Fees paid, rebates negative"),
        ):
            values = {
                (*self._pair(key), self.names.currency(key[1])): self.names.money(
                    key[1], each[field]
                )
                for key, each in self.last_fill.items()
            }
            yield gauge(field, text, (*labels, "currency"), values)

    def _state_families(self) -> Iterator[Metric]:
        sessions = {(self.names.name(SESSION, n),): v for n, v in self.last["session"].items()}
        yield gauge("session_logged_on", "1 while orders may pass", ("session",), sessions)
        books = {(self.names.name(INSTRUMENT, n),): v for n, v in self.last["book"].items()}
        yield gauge("book_state", "BookState; 2 is LIVE", ("instrument",), books)
        for name, text, least in (
            ("compared", "Books compared with the venue's best bid and ask at an update id", 0),
            ("different", "Those that were not equal to it", 1),
        ):
            checks: Counter[Labels] = Counter()
            for (instrument, different), n in self.checked.items():
                checks[(self.names.name(INSTRUMENT, instrument),)] += n * (different >= least)
            yield counter(f"book_{name}", text, ("instrument",), dict(checks))
        for name, text in (("risk", "RiskState; 0 is ACTIVE"), ("armed", "1 when orders may go")):
            states = {(self.names.strategy(n),): v for n, v in self.last[name].items()}
            yield gauge(f"{name}_state", text, ("strategy",), states)
        status = {(self.names.strategy(n),): v for n, v in self.last["strategy"].items()}
        yield gauge("strategy_status", "StrategyStatus; 1 is RUNNING", ("strategy",), status)
        events = {
            (self.names.name(FEED, feed), core.FeedEvent(event).name): float(n)
            for (feed, event), n in self.feed_events.items()
        }
        yield counter("feed_events", "What feeds said of themselves", ("feed", "event"), events)

    def _cost_families(self) -> Iterator[Metric]:
        yield counter("turns", "Turns whose cost was measured", (), {(): self.sums["turns"]})
        parts = {
            ("native",): self.sums["native_ns"] / NS_PER_SECOND,
            ("python",): self.sums["python_ns"] / NS_PER_SECOND,
            ("collector",): self.sums["collector_ns"] / NS_PER_SECOND,
        }
        yield counter("turn_seconds", "Where the core's time went", ("part",), parts)
        for field, name, text, unit in (
            ("calls", "handler_calls", "Handlers called", 1.0),
            ("total_ns", "handler_seconds", "Time in handlers", NS_PER_SECOND),
            ("over_budget", "handler_over_budget", "Calls above the budget", 1.0),
        ):
            values = {(self.names.strategy(n),): c[field] / unit for n, c in self.handlers.items()}
            yield counter(name, text, ("strategy",), values)

    def _pair(self, key: tuple[int, int]) -> Labels:
        return self.names.strategy(key[0]), self.names.name(INSTRUMENT, key[1])

    def _named(self, counts: Counter[tuple[int, int]]) -> dict[Labels, float]:
        return {self._pair(key): float(n) for key, n in counts.items()}


_COUNTED: Final = {
    "ORDER_SUBMITTED": Ledger._submissions,
    "ORDER_DENIED": Ledger._denials,
    "ORDER_STATE": Ledger._states,
    "FILL": Ledger._fills,
    "TURN_COST": Ledger._turns,
    "COLLECTOR_RUN": Ledger._collections,
    "BOOK_CHECKED": Ledger._checks,
}
_READ: Final = {
    "DEFINITION": lambda ledger, frame: ledger.names.define(frame),
    "EPOCH": Ledger._epoch,
    "HANDLER_COST": Ledger._handlers,
    "FIX_STATE": Ledger._source_state,
    "FEED_STATUS": Ledger._feed,
    "BOOK_STATE": Ledger._book,
    "RISK_STATE": Ledger._risk,
    "STRATEGY_STATE": Ledger._strategy,
}


def _record(kind: int) -> str:
    return RECORDS[kind].name if kind in RECORDS else str(kind)


def _pairs(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> dict[tuple[int, int], int]:
    """How often each pair of 32-bit numbers occurs."""
    keys = (first.astype(np.uint64) << np.uint64(32)) | second.astype(np.uint64)
    found, counts = np.unique(keys, return_counts=True)
    pairs = ((key >> 32, key & 0xFFFFFFFF) for key in found.tolist())
    return dict(zip(pairs, counts.tolist(), strict=True))
