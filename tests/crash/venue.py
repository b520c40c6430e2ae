"""The counterparty: a FIX acceptor of our own over a small, obvious model of a venue.

It never crashes. Its record of orders and trades is what the daemon's books are held against.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from daemon.core import FixSession, FixSessionConfig, FixSymbology, Side

SOH = "\x01"
MESSAGE = re.compile(rb"8=FIX[^\x01]*\x01.*?\x0110=\d\d\d\x01", re.DOTALL)
FIX_SIDE = {Side.BUY: 1, Side.SELL: 2}
SYMBOL = "ACME"
# OrdStatus, and which of them still trade.
NEW, PARTIAL, FILLED, CANCELED, REJECTED = "0", "1", "2", "4", "8"
ALIVE = {NEW, PARTIAL}


@dataclass
class Order:
    """As the venue has it; its ClOrdID is that of its newest accepted replace.

    It is known by those before, too.
    """

    number: int
    cl_ord_id: int
    side: Side
    price: int
    qty: int
    cum_qty: int = 0
    notional: int = 0
    status: str = NEW
    former: set[int] = field(default_factory=set)

    def is_known_by(self, cl_ord_id: int) -> bool:
        return cl_ord_id == self.cl_ord_id or cl_ord_id in self.former

    @property
    def leaves_qty(self) -> int:
        return self.qty - self.cum_qty if self.status in ALIVE else 0


@dataclass(frozen=True)
class Trade:
    """One fill."""

    exec_id: str
    side: Side
    px: int
    qty: int


@dataclass
class Venue:
    """Orders are answered as they arrive; `act` is what happens at the venue by itself."""

    random: random.Random
    orders: list[Order] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    duplicates: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = FixSessionConfig()
        config.id, config.begin_string, config.initiator = 0, "FIX.4.4", False
        config.sender_comp_id, config.target_comp_id = "VENUE", "FIRM"
        config.check_latency = False
        symbols = FixSymbology()
        symbols.add(0, SYMBOL, "1", "1", "0.01")
        self._config, self._symbols = config, symbols
        self._session: FixSession | None = None
        self._reports = 0
        self._received = 0
        self._waiting: list[dict[int, object]] = []  # reports of while nobody was logged on
        self._connected = False
        self._now = 0
        self.out: list[bytes] = []

    # ------------------------------------------------------------------ the connection

    def connected(self, now: int) -> None:
        """A connection begins; one before it has ended."""
        self._now = now
        if self._session is None:
            self._session = FixSession(self._config, self._symbols, now)
        self._connected = True
        self._session.connected(now)
        self._handle()

    def disconnected(self, now: int) -> None:
        """It ends: what was said and is not on its way yet is the session's to send again."""
        self._now = now
        self._connected = False
        self.out.clear()
        if self._session is not None:
            self._session.disconnected(now)
            self._handle()
        self.out.clear()

    def received(self, now: int, message: bytes) -> None:
        """A message that arrived."""
        self._now = now
        self._received += 1
        assert self._session is not None
        self._session.received(now, self._received, message)
        self._handle()
        self._send_waiting()

    def time(self, now: int) -> None:
        """Heartbeats."""
        self._now = now
        if self._session is not None and self._connected:
            self._session.time(now)
            self._handle()

    # ------------------------------------------------------------------ requests

    def _handle(self) -> None:
        assert self._session is not None
        for kind, *said in self._session.drain():
            if kind == "tx" and self._connected:
                self.out.append(said[0])
            elif kind == "new_order":
                self._new_order(said[0], Side(said[2]), said[3], said[4])
            elif kind == "cancel":
                self._cancel(said[0], said[1])
            elif kind == "replace":
                self._replace(said[0], said[1], said[2], said[3])
            elif kind == "status_request":
                self._status(said[0])
            elif kind == "mass_status_request":
                self._all_status(said[0])
            elif kind == "positions_request":
                self._positions(said[0])

    def _is_new(self, cl_ord_id: int) -> bool:
        if cl_ord_id in self.seen:
            self.duplicates.append(cl_ord_id)
            return False
        self.seen.add(cl_ord_id)
        return True

    def _new_order(self, cl_ord_id: int, side: Side, price: int, qty: int) -> None:
        if not self._is_new(cl_ord_id):
            return
        order = Order(len(self.orders) + 1, cl_ord_id, side, price, qty)
        if self.random.random() < 0.1:
            order.status = REJECTED
        self.orders.append(order)
        self._report(order, REJECTED if order.status == REJECTED else NEW)

    def _find(self, cl_ord_id: int) -> Order | None:
        return next((each for each in self.orders if each.is_known_by(cl_ord_id)), None)

    def knows(self, cl_ord_id: int) -> bool:
        """It was sent this order, or a replace that gave it that name."""
        return self._find(cl_ord_id) is not None

    def _alive(self, cl_ord_id: int) -> Order | None:
        order = self._find(cl_ord_id)
        return order if order is not None and order.status in ALIVE else None

    def _cancel(self, cl_ord_id: int, orig_cl_ord_id: int) -> None:
        if not self._is_new(cl_ord_id):
            return
        order = self._alive(orig_cl_ord_id)
        if order is None or self.random.random() < 0.1:
            self._refuse(cl_ord_id, orig_cl_ord_id, response_to=1)
            return
        order.status = CANCELED
        self._report(order, CANCELED, cl_ord_id, orig_cl_ord_id)

    def _replace(self, cl_ord_id: int, orig_cl_ord_id: int, price: int, qty: int) -> None:
        if not self._is_new(cl_ord_id):
            return
        order = self._alive(orig_cl_ord_id)
        if order is None or qty <= order.cum_qty or self.random.random() < 0.1:
            self._refuse(cl_ord_id, orig_cl_ord_id, response_to=2)
            return
        order.former.add(order.cl_ord_id)
        order.cl_ord_id, order.price, order.qty = cl_ord_id, price, qty
        self._report(order, "5", cl_ord_id, orig_cl_ord_id)

    def _status(self, cl_ord_id: int) -> None:
        order = self._find(cl_ord_id)
        self._report(order or Order(0, cl_ord_id, Side.BUY, 0, 0, status=REJECTED), "I")

    def _all_status(self, request: int) -> None:
        alive = [each for each in self.orders if each.status in ALIVE]
        for number, order in enumerate(alive, 1):
            last = "Y" if number == len(alive) else "N"
            more: dict[int, object] = {584: f"{request:016X}", 911: len(alive), 912: last}
            self._report(order, "I", more=more)
        if not alive:
            none = Order(0, 0, Side.BUY, 0, 0, status=REJECTED)
            self._report(none, "I", more={584: f"{request:016X}", 911: 0, 912: "Y"})

    def _positions(self, request: int) -> None:
        net = self.position
        held = [(0, max(net, 0), max(-net, 0), 10_000)] if net else []
        assert self._session is not None
        assert self._session.send_positions(self._now, request, held)
        self._handle()

    # ------------------------------------------------------------------ the market

    def act(self, now: int) -> None:
        """Now and then an order is filled, in part or wholly, or ends by itself."""
        self._now = now
        for order in self.orders:
            if order.status not in ALIVE or self.random.random() > 0.12:
                continue
            if self.random.random() < 0.08:
                order.status = CANCELED
                self._report(order, CANCELED)
            else:
                self._fill(order)

    def _fill(self, order: Order) -> None:
        whole = self.random.random() < 0.4
        qty = order.leaves_qty if whole else self.random.randint(1, order.leaves_qty)
        order.cum_qty += qty
        order.notional += qty * order.price
        order.status = FILLED if order.cum_qty == order.qty else PARTIAL
        trade = Trade(f"T-{len(self.trades) + 1}", order.side, order.price, qty)
        self.trades.append(trade)
        last = {17: trade.exec_id, 31: trade.px, 32: trade.qty}
        self._report(order, "F", more=last)

    @property
    def position(self) -> int:
        """Net lots."""
        return sum(t.qty if t.side is Side.BUY else -t.qty for t in self.trades)

    @property
    def cash(self) -> int:
        """What the trades paid and cost, in price increments times lots."""
        return sum(-t.px * t.qty if t.side is Side.BUY else t.px * t.qty for t in self.trades)

    # ------------------------------------------------------------------ what it says

    def _report(
        self,
        order: Order,
        exec_type: str,
        cl_ord_id: int | None = None,
        orig_cl_ord_id: int | None = None,
        more: dict[int, object] | None = None,
    ) -> None:
        self._reports += 1
        average = order.notional / order.cum_qty if order.cum_qty else 0
        fields: dict[int, object] = {
            35: "8", 37: f"V-{order.number}" if order.number else "NONE",
            11: f"{cl_ord_id or order.cl_ord_id:016X}",
            **({41: f"{orig_cl_ord_id:016X}"} if orig_cl_ord_id else {}),
            17: f"R-{self._reports}", 150: exec_type, 39: order.status, 55: SYMBOL,
            54: FIX_SIDE[order.side], 38: order.qty, 44: order.price, 151: order.leaves_qty,
            14: order.cum_qty, 6: f"{average:.6f}", **(more or {}),
            **({58: "unknown order", 103: 5} if not order.number else {}),
        }  # fmt: skip
        self._say(fields)

    def _refuse(self, cl_ord_id: int, orig_cl_ord_id: int, response_to: int) -> None:
        order = self._find(orig_cl_ord_id)
        fields: dict[int, object] = {
            35: "9", 37: f"V-{order.number}" if order else "NONE",
            11: f"{cl_ord_id:016X}", 41: f"{orig_cl_ord_id:016X}",
            39: order.status if order else REJECTED, 434: response_to, 102: 0 if order else 1,
        }  # fmt: skip
        self._say(fields)

    def _say(self, fields: dict[int, object]) -> None:
        self._waiting.append(fields)
        self._send_waiting()

    def _send_waiting(self) -> None:
        """Reports are numbered only while somebody is logged on; the session keeps those."""
        if self._session is None or not self._session.logged_on:
            return
        waiting, self._waiting = self._waiting, []
        for fields in waiting:
            assert self._session.send_application(self._now, self._encoded(fields))
            self._handle()

    def _encoded(self, fields: dict[int, object]) -> bytes:
        stamp = datetime.fromtimestamp(self._now / 1e9, UTC).strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
        header: dict[int, object] = {35: fields[35], 34: 1, 49: "VENUE", 52: stamp, 56: "FIRM"}
        said = header | fields | {60: stamp}
        body = "".join(f"{tag}={value}{SOH}" for tag, value in said.items())
        whole = f"8=FIX.4.4{SOH}9={len(body)}{SOH}{body}"
        return f"{whole}10={sum(whole.encode()) % 256:03d}{SOH}".encode()
