"""An instrument: what one lot and one price step of it mean, and the rules of its prices.

Prices are integers that count price increments, quantities integers that count quantity
increments (lots). Decimals appear only at the edges; a float becomes a price only through
`round_to_passive_tick` or `round_to_aggressive_tick`, whose names say who pays.
"""

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

import msgspec

from daemon.model.enums import ProductType, Side, sign


class TickBand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `from_px` (price increments) upwards our orders' prices are multiples of `step`."""

    from_px: int
    step: int


class FeeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fees of a fill: a part of notional in 1e-8, or money units a lot; negative is a rebate.

    `rounding` names how a fee becomes whole money units: `half_even`, `up` (against us) or
    `down` (towards us).
    """

    maker_rate_e8: int = 0
    taker_rate_e8: int = 0
    maker_per_lot: int = 0
    taker_per_lot: int = 0
    rounding: str = "half_even"


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that is fixed about one instrument for the life of its id.

    `symbol` is its name within the daemon, unique; `venue_symbol` is the venue's own where
    that differs. `money_scale` is the number of decimals of one money unit of the settlement
    currency (2: cents). `tick_table` is dated by the inputs that change it: a changed table
    is another Instrument.
    """

    symbol: str
    venue: str
    price_increment: Decimal
    qty_increment: Decimal
    venue_symbol: str = ""
    product: ProductType = ProductType.LINEAR
    tick_table: tuple[TickBand, ...] = ()
    lot: int = 1
    multiplier: Decimal = Decimal(1)
    quote_currency: str = "USD"
    settlement_currency: str = "USD"
    money_scale: int = 2
    fees: FeeRule = FeeRule()
    allows_nonpositive_price: bool = False
    asset_class: str = ""
    region: str = ""
    sector: str = ""
    expiry_ts: int = 0
    strike: Decimal | None = None
    trading_calendar: str = ""
    average_daily_volume: int = 0
    borrow: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("price_increment", "qty_increment", "multiplier"):
            value = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise ValueError(f"{name}: must be above 0, found {value}")
        if self.lot < 1:
            raise ValueError(f"lot: must be at least 1, found {self.lot}")
        if not 0 <= self.money_scale <= 18:
            raise ValueError(f"money_scale: must be in [0, 18], found {self.money_scale}")
        if self.fees.rounding not in ("half_even", "up", "down"):
            raise ValueError(f"fees.rounding: unknown rule {self.fees.rounding!r}")
        _check_tick_table(self.tick_table)

    # -------------------------------------------------------------- exact conversions

    def price_of(self, px: int) -> Decimal:
        """The exact decimal price of `px` increments."""
        return _exact_product(px, self.price_increment)

    def qty_of(self, qty: int) -> Decimal:
        """The exact decimal quantity of `qty` lots."""
        return _exact_product(qty, self.qty_increment)

    def px_from(self, price: Decimal | str | int) -> int:
        """The increments of an exact price. ValueError where it is not a multiple of one."""
        return _exact_count(price, self.price_increment, f"{self.symbol} price")

    def qty_from(self, quantity: Decimal | str | int) -> int:
        """The lots of an exact quantity. ValueError where it is not a multiple of one."""
        return _exact_count(quantity, self.qty_increment, f"{self.symbol} quantity")

    # -------------------------------------------------------------- the tick table

    def tick_at(self, px: int) -> int:
        """The step of our orders' prices at `px`, in price increments."""
        step = self.tick_table[0].step if self.tick_table else 1
        for band in self.tick_table:
            if band.from_px > px:
                break
            step = band.step
        return step

    def round_to_passive_tick(self, side: Side, px: float) -> int:
        """The nearest allowed price that is no worse for us than `px`: down to buy, up to sell.

        `px` is in price increments, as the views give them, and need not be whole. ValueError
        for NaN, infinity, or a result at or below 0 where the instrument has no such prices.
        """
        return self._round(side is Side.BUY, px)

    def round_to_aggressive_tick(self, side: Side, px: float) -> int:
        """The nearest allowed price that is no worse for the market: up to buy, down to sell."""
        return self._round(side is Side.SELL, px)

    def taking_px(self, side: Side, touch: int, ticks: int) -> int:
        """A taker's limit: `ticks` steps beyond the opposite best `touch`, up for a buy."""
        return touch + sign(side) * ticks * self.tick_at(touch)

    def _round(self, downwards: bool, px: float) -> int:
        if not math.isfinite(px):
            raise ValueError(f"{self.symbol}: {px} is no price")
        # The step comes from the band of the price itself. Going up may enter the next band;
        # its lower edge is a multiple of both steps (checked at construction), hence allowed.
        step = self.tick_at(math.floor(px))
        count = math.floor(px / step) if downwards else math.ceil(px / step)
        rounded = count * step
        if rounded <= 0 and not self.allows_nonpositive_price:
            raise ValueError(f"{self.symbol}: {px} increments round to {rounded}, not above 0")
        return rounded

    # -------------------------------------------------------------- text

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Instrument":
        """From TOML or JSON. Strict: msgspec.ValidationError names the key and the reason."""
        fields = dict(mapping)
        product = fields.get("product")
        if isinstance(product, str):
            if product.upper() not in ProductType.__members__:
                raise msgspec.ValidationError(f"Unknown product {product!r} - at `$.product`")
            fields["product"] = ProductType[product.upper()].value
        return msgspec.convert(fields, cls)

    def to_json(self) -> bytes:
        """What a DEFINITION record holds: `from_mapping` of it is equal to this."""
        return msgspec.json.encode(self)

    @property
    def lot_value(self) -> float:
        """Money per price increment and lot, a float for models; linear instruments."""
        return float(self.price_increment * self.qty_increment * self.multiplier)

    @property
    def name_at_venue(self) -> str:
        """The symbol to use towards the venue."""
        return self.venue_symbol or self.symbol


def _check_tick_table(bands: tuple[TickBand, ...]) -> None:
    previous: TickBand | None = None
    for band in bands:
        if band.step < 1:
            raise ValueError(f"tick_table: step must be at least 1, found {band.step}")
        if previous is not None:
            if band.from_px <= previous.from_px:
                raise ValueError(f"tick_table: from_px must rise, found {band.from_px}")
            if band.from_px % previous.step or band.from_px % band.step:
                raise ValueError(
                    f"tick_table: from_px {band.from_px} must be a multiple of the steps"
                    f" {previous.step} and {band.step} that meet there"
                )
        previous = band


def _exact_product(count: int, increment: Decimal) -> Decimal:
    with localcontext() as context:
        context.prec = 60  # int64 has 19 digits; increments have far fewer than 41
        return count * increment


def _exact_count(value: Decimal | str | int, increment: Decimal, what: str) -> int:
    try:
        amount = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"{what}: {value!r} is not a decimal number") from None
    if not amount.is_finite():
        raise ValueError(f"{what}: {value!r} is not finite")
    with localcontext() as context:
        context.prec = 60
        count, rest = divmod(amount, increment)
    if rest:
        raise ValueError(f"{what}: {amount} is not a multiple of {increment}")
    if not -(2**63) < count < 2**63:
        raise ValueError(f"{what}: {amount} needs more than 64 bits of {increment}")
    return int(count)
