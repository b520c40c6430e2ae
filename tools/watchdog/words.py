"""How the covered session names and counts: the watchdog's requests speak its dialect.

The venue knows our orders by that session's ClOrdIDs, symbols and units, whoever asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from daemon.app.dialects import ClOrdIdSettings
from daemon.app.market_settings import FixSessionSettings, InstrumentSettings
from daemon.app.naming import counted, venue_names
from tools.watchdog.working import Working

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WIDTHS: Final = {10: 20, 16: 16, 36: 13}
NOBODYS: Final = "firm"  # what an order of no strategy says where its strategy's name is wanted
CL_ORD_ID_END: Final = 1 << 64
Field = tuple[int, str]


class Words:
    """Of one session; instruments of the daemon's configuration."""

    def __init__(
        self, session: FixSessionSettings, instruments: Sequence[InstrumentSettings]
    ) -> None:
        self._dialect, self._account = session.dialect, session.account
        own = [each for each in instruments if each.venue == session.venue]
        traded = [counted(each, number) for number, each in enumerate(own)]
        names = venue_names(session.dialect, session.symbols, traded)
        self._names = {own[each["id"]].symbol: each for each in names}
        self._increments = {each.symbol: each.qty_increment for each in own}

    def cl_ord_id(self, number: int) -> str:
        """As the session writes it."""
        return cl_ord_id_text(self._dialect.cl_ord_id, number)

    def number(self, text: str) -> int:
        """The inverse; 0 where it is not ours."""
        return cl_ord_id_of(self._dialect.cl_ord_id, text)

    def instrument(self, order: Working) -> list[Field]:
        """Symbol or SecurityID; the log's own name where the configuration has it no more."""
        named = self._names.get(order.instrument)
        symbol = named["venue_symbol"] if named else order.symbol
        if self._dialect.identify_by == "symbol" or named is None:
            return [(55, symbol)]
        source = self._dialect.security_id_source
        fields = [(55, self._dialect.symbol_text or symbol), (48, named["security_id"])]
        return [*fields, (22, source)] if source else fields

    def quantity(self, order: Working) -> str:
        """OrderQty in the venue's unit, with as many decimals as it wants."""
        named = self._names.get(order.instrument)
        if named is None:
            return f"{order.order_qty:f}"
        mantissa, exponent = named["qty_step"]
        lots = order.order_qty / self._increments[order.instrument]
        qty = lots * Decimal(mantissa).scaleb(exponent)
        decimals = named["qty_decimals"]
        return f"{qty:f}" if decimals < 0 else f"{qty:.{decimals}f}"

    def extras(self, msg_type: str, order: Working | None) -> list[Field]:
        """What the dialect adds to a message of this type."""
        fields: list[Field] = []
        for put in self._dialect.put:
            if msg_type not in put.messages:
                continue
            if put.source == "strategy":
                fields.append((put.tag, (order and order.strategy) or NOBODYS))
            elif put.source is None:
                fields.append((put.tag, put.value))
        if msg_type != "F":
            return fields
        if self._account:
            fields.append((1, self._account))
        if self._dialect.party:
            fields.append((453, str(len(self._dialect.party))))
            for party in self._dialect.party:
                fields += [(448, party.id), (447, party.source), (452, str(party.role))]
        return fields


def cl_ord_id_text(settings: ClOrdIdSettings, number: int) -> str:
    """As `pitwire::ClOrdIdText::append` writes it."""
    digits = []
    for _ in range(WIDTHS[settings.base]):
        number, digit = divmod(number, settings.base)
        digits.append(DIGITS[digit])
    return settings.prefix + "".join(reversed(digits))


def cl_ord_id_of(settings: ClOrdIdSettings, text: str) -> int:
    """The number of what `cl_ord_id_text` writes; 0 for any other text."""
    digits = text.removeprefix(settings.prefix)
    known = DIGITS[: settings.base]
    if not text.startswith(settings.prefix) or len(digits) != WIDTHS[settings.base]:
        return 0
    if any(digit not in known for digit in digits):
        return 0
    number = int(digits, settings.base)
    return number if number < CL_ORD_ID_END else 0
