"""What operators read of the market's side: books, feeds, sessions."""

from __future__ import annotations

import math
from typing import Final

from daemon.app.configuration import Configuration
from daemon.app.definitions import session_rules
from daemon.app.market_settings import (
    DropCopySettings,
    FixSessionSettings,
    ItchFeed,
    SessionSettings,
)
from daemon.app.recent import Recent, SessionNote
from daemon.app.report_rows import price_text, qty_text
from daemon.core import Live
from daemon.messages.replies import FeedRow, MarketRow, SessionRow
from daemon.model import BookState, Instrument, Signal, TradingState
from daemon.runtime.views import (
    ASK_PX,
    ASK_QTY,
    BID_PX,
    BID_QTY,
    LAST_PX,
    SIGNALS,
    SLOT_BYTES,
    STATE,
    TRADES,
    TRADING,
    TS_CORE,
    UPDATES,
)

# Signals that are prices: counted in increments within the core, in natural units here.
PRICES: Final = (Signal.MID, Signal.MICROPRICE, Signal.SPREAD)
# A feed is as good as the worst of its books, in this order. A book can be empty because nobody
# quotes: that says something of the feed only where all are.
WORST_FIRST: Final = (
    (BookState.STALE, "stale"),
    (BookState.GAPPED, "recovering"),
    (BookState.RECOVERING, "recovering"),
)
NS_PER_MS: Final = 1_000_000


class MarketReports:
    """Reads slots, feed counters and session states between turns."""

    def __init__(
        self,
        configuration: Configuration,
        live: Live,
        instruments: list[Instrument],
        recent: Recent,
    ) -> None:
        self._configuration = configuration
        self._live = live
        self._instruments = instruments
        self._recent = recent

    # ------------------------------------------------------------------ books

    def market(self) -> list[MarketRow]:
        """Every instrument's book, but of those that left the configuration."""
        settings = self._configuration.instrument
        now = self._live.clock_now()
        return [
            self._book(number, settings[number].feed or "", instrument, now)
            for number, instrument in enumerate(self._instruments)
            if not settings[number].retired
        ]

    def _slot(self, number: int) -> tuple[memoryview[int], memoryview[float]]:
        whole = self._live.core.slots[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]
        return whole.cast("q"), whole.cast("d")

    def _book(self, number: int, feed: str, instrument: Instrument, now: int) -> MarketRow:
        ints, floats = self._slot(number)
        compared, different = self._live.core.book_checks(number)
        has_bid, has_ask = ints[BID_QTY] != 0, ints[ASK_QTY] != 0
        return MarketRow(
            symbol=instrument.symbol,
            feed=feed,
            book_state=BookState(ints[STATE]).name,
            trading_state=TradingState(ints[TRADING]).name,
            bid_px=price_text(instrument, ints[BID_PX]) if has_bid else None,
            bid_qty=qty_text(instrument, ints[BID_QTY]) if has_bid else None,
            ask_px=price_text(instrument, ints[ASK_PX]) if has_ask else None,
            ask_qty=qty_text(instrument, ints[ASK_QTY]) if has_ask else None,
            last_px=price_text(instrument, ints[LAST_PX]) if ints[TRADES] else None,
            updates=ints[UPDATES],
            compared=compared,
            different=different,
            age_ms=_age_ms(now, ints[TS_CORE]),
            signals=_signals(instrument, floats),
        )

    # ------------------------------------------------------------------ feeds

    def feeds(self) -> list[FeedRow]:
        """Every feed. A feed of messages counts its books' updates and trades as packets."""
        rows, natives = [], 0
        for feed in self._configuration.feed:
            if feed.retired:
                continue
            native = isinstance(feed, ItchFeed)
            counters = self._native_counters(natives) if native else self._counters(feed.name)
            natives += native
            newest = max((self._slot(n)[0][TS_CORE] for n in self._of(feed.name)), default=0)
            rows.append(
                FeedRow(
                    name=feed.name,
                    kind="itch_moldudp64" if isinstance(feed, ItchFeed) else "binance",
                    state=self._feed_state(feed.name),
                    age_ms=_age_ms(self._live.clock_now(), newest),
                    **counters,
                )
            )
        return rows

    def _of(self, feed: str) -> list[int]:
        settings = self._configuration.instrument
        own = (n for n, each in enumerate(settings) if each.feed == feed and not each.retired)
        return list(own)

    def _native_counters(self, at: int) -> dict[str, int]:
        try:
            stats = self._live.feed_stats(at)
        except IndexError:  # not connected yet
            return {}
        return {
            name: stats[name]
            for name in ("packets", "gaps", "lost", "malformed", "dropped_by_kernel")
        }

    def _counters(self, feed: str) -> dict[str, int]:
        slots = [self._slot(number)[0] for number in self._of(feed)]
        symbols = [self._instruments[number].symbol for number in self._of(feed)]
        return {
            "packets": sum(slot[UPDATES] + slot[TRADES] for slot in slots),
            "gaps": sum(self._recent.gaps[symbol] for symbol in symbols),
        }

    def _feed_state(self, feed: str) -> str:
        slots = [self._slot(number)[0] for number in self._of(feed)]
        states = {BookState(slot[STATE]) for slot in slots}
        if not any(slot[UPDATES] for slot in slots) and states <= {BookState.STALE}:
            return "down"
        for state, name in WORST_FIRST:
            if state in states:
                return name
        return "recovering" if states == {BookState.EMPTY} else "live"

    # ------------------------------------------------------------------ sessions

    def sessions(self, phases: dict[str, str]) -> list[SessionRow]:
        """Every order session; `event` is why it is down, else how far it is reconciled."""
        return [
            self._session(number, session, phases)
            for number, session in enumerate(self._configuration.session)
        ]

    def _session(self, number: int, session: SessionSettings, phases: dict[str, str]) -> SessionRow:
        core = self._live.core
        connected, logged_on, sender, target, credits_left = core.session_state(number)
        activity = core.session_activity(number)
        note = self._recent.sessions.get(session.name, SessionNote())
        fix = session if isinstance(session, FixSessionSettings) else None
        is_open, change = self._hours(session)
        return SessionRow(
            name=session.name,
            kind=_kind_of(session),
            venue=session.venue,
            state="logged_on" if logged_on else "connected" if connected else "down",
            next_sender_msg_seq_num=sender,
            next_target_msg_seq_num=target,
            credits=credits_left,
            credits_max=session_rules(session)["in_flight_max"],
            reconnects=max(0, note.connects - 1),
            ts_state=note.ts_state,
            event=note.text or f"reconciliation: {phases.get(session.name, 'down')}",
            held=activity["held"],
            enabled=activity.get("enabled", True),
            ts_numbers=activity.get("ts_numbers", 0),
            ts_sent=activity.get("ts_sent", 0),
            ts_received=activity.get("ts_received", 0),
            missing=_range(activity.get("missing", (0, 0))),
            resending=_range(activity.get("resending", (0, 0))),
            hours_open=is_open,
            ts_hours_change=change,
            reset="" if fix is None else fix.reset,
            dialect="" if fix is None else fix.dialect.name,
        )

    def _hours(self, session: SessionSettings) -> tuple[bool | None, int]:
        """Whether it is open, and when that changes; none: always."""
        if session.hours is None:
            return None, 0
        zones = {venue.name: venue.time_zone for venue in self._configuration.venue}
        hours, now = session.hours.in_zone(zones[session.venue]), self._live.core.now
        return hours.is_open(now), hours.next_change(now) or 0


def _range(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}-{numbers[1]}" if numbers[0] else ""


def _age_ms(now: int, ts_core: int) -> int:
    return max(0, now - ts_core) // NS_PER_MS if ts_core else 0


def _signals(instrument: Instrument, floats: memoryview[float]) -> dict[str, float | None]:
    out: dict[str, float | None] = {}
    increment = float(instrument.price_increment)
    for signal in Signal:
        value = floats[SIGNALS + signal]
        if signal in PRICES:
            value *= increment
        out[signal.name.lower()] = value if math.isfinite(value) else None
    return out


def _kind_of(session: SessionSettings) -> str:
    if isinstance(session, DropCopySettings):
        return "drop_copy"
    return "fix" if isinstance(session, FixSessionSettings) else "simulated"
