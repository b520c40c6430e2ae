"""A strategy that does what its parameters say: a test's hand in a running core, replayable."""

from __future__ import annotations

from typing import Any

import msgspec

from daemon.messages import ContingencyBroken, OrderDenied, OrderUpdate
from daemon.model import ClOrdId, OrdType, Side, TimeInForce, TriggerPriceType
from daemon.strategy import Parameters, State, Strategy

ENUMERATIONS = {
    "side": Side,
    "ord_type": OrdType,
    "time_in_force": TimeInForce,
    "trigger": TriggerPriceType,
}
ORDERS = ("order", "after", "oco", "ouo")


class Call(msgspec.Struct, frozen=True):
    """A method of the context. Enumerations by name, orders by the names that tests give them."""

    method: str
    arguments: dict[str, Any] = {}
    name: str = ""  # of the order that it makes


class Script(Parameters, frozen=True, kw_only=True):
    """`calls` are done when they change, in order."""

    symbol: str
    calls: tuple[Call, ...] = ()


class Heard(State):
    """Orders by name, and what was said of them."""

    orders: dict[str, int] = msgspec.field(default_factory=dict)
    said: list[str] = msgspec.field(default_factory=list)


class Scripted(Strategy[Script, Heard]):
    """Does, and remembers what it hears."""

    fixed_parameters = ("symbol",)

    def on_parameters(self, previous: Script) -> None:
        if self.parameters.calls == previous.calls:
            return
        for call in self.parameters.calls:
            given = {name: self._value(name, value) for name, value in call.arguments.items()}
            if call.method == "submit":
                given["symbol"] = self.parameters.symbol
            made = getattr(self.context, call.method)(**given)
            if call.name:
                self.state.orders[call.name] = made

    def on_order(self, update: OrderUpdate) -> None:
        self.state.said.append(f"{self._name(update.order)} {update.event.name}")

    def on_denied(self, denied: OrderDenied) -> None:
        self.state.said.append(f"{self._name(denied.order)} denied {denied.reason.name}")

    def on_contingency(self, broken: ContingencyBroken) -> None:
        self.state.said.append(f"{self._name(broken.order)} too much by {broken.excess_qty}")

    def _value(self, name: str, value: Any) -> Any:  # noqa: ANN401 - a call's argument
        if name in ENUMERATIONS:
            return ENUMERATIONS[name][value]
        if name in ORDERS:
            return ClOrdId(self.state.orders[value])
        return value

    def _name(self, order: ClOrdId) -> str:
        names = [name for name, each in self.state.orders.items() if each == order]
        return names[0] if names else f"{order:X}"
