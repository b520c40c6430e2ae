"""A core with a scripted strategy, a market that a test moves, and a venue that it answers for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from daemon.app.code import logged_code
from daemon.app.epoch import epochs_of
from daemon.app.replaying import Outcome, ReplayRun, configuration_of
from daemon.core import MessageKind, NativeOrder
from daemon.log import LogReader
from daemon.model import HeldStatus, OrderState
from tests.app.desk import Desk
from tests.orders.scripted import Heard

LOT = "0.001"
SCRIPTED = (
    "strategy.buyer.class=tests.orders.scripted:Scripted",
    'strategy.buyer.parameters={ symbol = "BTC" }',
    "risk.firm.working_orders_max=100",
    "risk.firm.duplicate_window_ms=0",
)
BUYS = {"1": "BUY", "2": "SELL"}


class HeldDesk(Desk):
    """Prices are increments of 0.1, quantities lots of 0.001, as strategies see them."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        super().__init__(folder, *SCRIPTED, *overrides)
        self._next = 101
        self._touch = (0, 0)
        self.logged_on().market()
        self._next = 103
        self._touch = (1000, 1001)

    # ------------------------------------------------------------------ the market

    def quote(self, bid: int, ask: int) -> None:
        """The whole book: one level a side."""
        old_bid, old_ask = self._touch
        bids = [[px(old_bid), "0"]] if old_bid != bid else []
        asks = [[px(old_ask), "0"]] if old_ask != ask else []
        self._touch = (bid, ask)
        self._push(
            {
                "e": "depthUpdate",
                "U": self._next,
                "u": self._next + 1,
                "b": [*bids, [px(bid), "5"]],
                "a": [*asks, [px(ask), "5"]],
            }
        )
        self._next += 2
        self.turn()

    def trade(self, price: int, qty: str = "1") -> None:
        """A trade between others."""
        self._push({"e": "trade", "T": 1, "t": 1, "p": px(price), "q": qty, "m": False})
        self.turn()

    def _push(self, said: dict[str, Any]) -> None:
        text = json.dumps({"E": 1, "s": "BTCUSDT"} | said)
        now = self.live.clock_now()
        self.live.push_market_message(0, now, int(MessageKind.WEBSOCKET), 0xFFFF_FFFF, text)

    # ------------------------------------------------------------------ the strategy

    def do(self, *calls: dict[str, Any]) -> None:
        """The strategy calls its context, all of it in one handler."""
        reply = self.command(
            "strategies.params", strategy="buyer", values={"symbol": "BTC", "calls": list(calls)}
        )
        assert reply.status == 0, reply.error
        self.turn()

    @property
    def heard(self) -> Heard:
        strategy = self.wiring.hosts[0]._strategy
        assert strategy is not None
        heard: Heard = strategy.state
        return heard

    def order(self, name: str) -> NativeOrder:
        """An order by the test's name of it."""
        found = self.live.core.order(self.heard.orders[name])
        assert found is not None
        return found

    def state(self, name: str) -> str:
        """Its state; of a held one what it waits for."""
        order = self.order(name)
        if order.state != OrderState.HELD:
            return OrderState(order.state).name
        return f"HELD {HeldStatus(order.held).name}"

    # ------------------------------------------------------------------ the venue

    def at_venue(self, name: str) -> None:
        """Turns until the venue has the order, and has acknowledged it."""
        order = self.order(name).cl_ord_id
        self.until(lambda: order in self.venue.orders)
        qty, filled = self.there(name)
        self.say(name, "0", "0", leaves=qty - filled)

    def there(self, name: str) -> tuple[int, int]:
        """Quantity and what is filled of it as the venue has them: of an iceberg's slice."""
        order = self.order(name)
        return order.slice or (order.order_qty, order.cum_qty)

    def fill(self, name: str, qty: int, price: int) -> None:
        """The venue reports a trade."""
        whole, filled = self.there(name)
        cum, leaves = filled + qty, whole - filled - qty
        status = "1" if leaves > 0 else "2"
        more = {"t31": px(price), "t32": lots(qty), "t14": lots(cum)}
        self.say(name, "F", status, leaves=max(0, leaves), **more)

    def canceled(self, name: str) -> None:
        """The venue confirms a cancel of the order, which was asked for."""
        known = self.order(name).cl_ord_id
        self.until(lambda: any(each[1] == known for each in self.venue.cancels))
        (request, _) = next(each for each in self.venue.cancels if each[1] == known)
        _, filled = self.there(name)
        more = {"t11": f"{request:016X}", "t41": f"{known:016X}", "t14": lots(filled)}
        self.say(name, "4", "4", leaves=0, **more)

    def replaced(self, name: str) -> None:
        """The venue confirms a replace, which was asked for."""
        known = self.order(name).cl_ord_id
        self.until(lambda: any(each[1] == known for each in self.venue.replaces))
        (request, _) = [each for each in self.venue.replaces if each[1] == known][-1]
        asked = [each for each in self.logged("REPLACE_REQUESTED") if each["cl_ord_id"] == request]
        qty, price = asked[0]["order_qty"], px(asked[0]["price"])
        _, filled = self.there(name)
        more = {"t11": f"{request:016X}", "t41": f"{known:016X}", "t14": lots(filled)}
        status = "1" if filled else "0"
        self.say(name, "5", status, leaves=qty - filled, t38=lots(qty), t44=price, **more)

    def say(self, name: str, exec_type: str, ord_status: str, leaves: int, **more: object) -> None:
        """An execution report of the order; turns until it is in the log."""
        order = self.order(name)
        before = self.live.stats["fix_inputs"]
        fields = {
            "t11": f"{order.cl_ord_id:016X}",
            "t54": order.side,
            "t38": lots(self.there(name)[0]),
            "t44": px(order.price),
            "t151": lots(leaves),
            **more,
        }
        self.venue.report(self.live.clock_now(), order.order, exec_type, ord_status, **fields)
        self.until(lambda: self.live.stats["fix_inputs"] > before)
        self.turn()

    def cancel_rejected(self, name: str, request: int, response_to: int = 1) -> None:
        """The venue says that a cancel or a replace came too late."""
        before, now = self.live.stats["fix_inputs"], self.live.clock_now()
        order = self.order(name)
        fields: dict[int, object] = {35: "9", 37: "V-1", 11: f"{request:016X}"}
        fields |= {41: f"{order.cl_ord_id:016X}", 39: "2", 434: response_to, 102: 0}
        self.venue.say(now, fields)
        self.until(lambda: self.live.stats["fix_inputs"] > before)
        self.turn()

    # ------------------------------------------------------------------ the log

    def logged(self, *types: str) -> list[dict[str, Any]]:
        """The fields of all records of these types, with their name."""
        frames = LogReader(self.log_folder, types=types, committed=True)
        return [frame.fields() | {"name": frame.name} for frame in frames]

    def sent(self, msg_type: str) -> list[dict[str, str]]:
        """The fields of every message of the type that went to the venue, by tag."""
        messages = [
            dict(
                field.split("=", 1) for field in frame.tail.decode().rstrip("\0\x01").split("\x01")
            )
            for frame in LogReader(self.log_folder, types=("FIX_TX",), committed=True)
        ]
        return [each for each in messages if each["35"] == msg_type]

    def replayed(self) -> Outcome:
        """The log run again with the code that it names."""
        first = epochs_of(self.log_folder)[0]
        code = logged_code(self.log_folder, first.sequence)
        return ReplayRun(self.log_folder, configuration_of(first.start), code).finish()


def call(method: str, name: str = "", **arguments: object) -> dict[str, Any]:
    """One call of the strategy's."""
    return {"method": method, "name": name, "arguments": arguments}


def submit(name: str, side: str, qty: int, price: int | None = None, **more: object) -> Any:  # noqa: ANN401
    """`context.submit`, the order named for the test."""
    return call("submit", name, side=side, qty=qty, price=price, **more)


def px(price: int) -> str:
    """A price as the venue writes it."""
    return f"{price / 10:.1f}"


def lots(qty: int) -> str:
    """A quantity as the venue writes it."""
    return f"{qty / 1000:.3f}"
