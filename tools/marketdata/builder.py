"""What every format's book builder offers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tools.marketdata.sources import Source

Rows = NDArray[np.void]  # dtype daemon.core.BOOK_ROW
Levels = list[tuple[int, int, int]]  # price, size, orders (0 where a format does not tell)


@dataclass(frozen=True)
class Request:
    """What the user wants of the files. `every_ns` 0 is after every message, None is no rows."""

    symbols: frozenset[str] = frozenset()
    depth: int = 10
    every_ns: int | None = None
    day: date | None = None


class Builder(ABC):
    """Books from the files of one format, read one after the other."""

    price_scale: int
    """Prices are int multiples of 10^-price_scale."""
    size_scale: int = 0

    def __init__(self, request: Request) -> None:
        self.request = request
        self.notes: list[str] = []
        """What the user should know: truncated ends, unknown orders, gaps."""

    @abstractmethod
    def read(self, source: Source) -> Iterator[Rows]:
        """Applies the file; yields rows as they come, if any were asked for."""

    @abstractmethod
    def symbols(self) -> list[str]:
        """Index is the rows' `instrument`."""

    @abstractmethod
    def levels(self, symbol: str, side: int, depth: int) -> Levels:
        """The best `depth` levels of the side (1 bids, 2 asks) as they are now."""

    @abstractmethod
    def level_count(self, symbol: str, side: int) -> int: ...

    @abstractmethod
    def finish(self) -> None:
        """Adds the last notes; called once after the last file."""

    def wants(self, symbol: str) -> bool:
        return not self.request.symbols or symbol in self.request.symbols
