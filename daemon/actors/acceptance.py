"""What an operator's acceptance of a report does to our books, item by item. Nothing is traded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daemon.actors.reconciliation import Difference, Texts
from daemon.core import Core


class RefusedError(Exception):
    """A command that is well formed and not carried out; the text says why."""


class Acceptance:
    """Closes what is UNKNOWN, books what only a drop copy told, and the venue's positions."""

    def __init__(self, core: Core, texts: Texts) -> None:
        self._core = core
        self._texts = texts

    def carry_out(self, number: int, report: int, accepted: Sequence[Difference]) -> dict[str, Any]:
        """What was done, for the accepted report. RefusedError where a quantity cannot be valued;
        then nothing was."""
        trades = [each for each in accepted if each.kind == "trade"]
        traded = [each.subject for each in trades if each.what == "missing"]
        # A trade that is booked now is in the venue's position: that is asked for again.
        priced = [] if traded else [(each, self._price(each)) for each in accepted if each.change]
        for each in trades:
            self._core.accept_copy(number, report, each.subject, each.side)
        closed = [
            each.subject
            for each in accepted
            if each.kind == "order" and self._core.close_order(int(each.subject, 16))
        ]
        adjusted = [self._adjust(number, report, each, px) for each, px in priced]
        return {"closed": closed, "adjusted": adjusted, "booked": traded}

    def _price(self, found: Difference) -> int:
        """What the venue's position is valued at."""
        px = self._core.price_of(found.instrument, found.settl_px)
        if px == 0:
            raise RefusedError(
                f"{found.subject}: no price to value the venue's position at; "
                "accept when its market is known"
            )
        return px

    def _adjust(self, number: int, report: int, found: Difference, px: int) -> dict[str, str | int]:
        """Book the venue's quantity; what our book then holds, for the report."""
        self._core.adjust_position(number, found.instrument, found.change, px, report)
        change = self._texts.quantity(found.instrument, found.change)
        return {"instrument": found.subject, "change": change, "holds": found.venue, "px": px}
