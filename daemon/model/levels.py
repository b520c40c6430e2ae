"""One price of a book."""

from typing import NamedTuple


class Level(NamedTuple):
    """All that rests at one price, in price increments and lots."""

    price: int
    qty: int
