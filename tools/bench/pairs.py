"""What of peers stands beside which of our rows. What each times is in docs/benchmarks.md."""

from __future__ import annotations

from typing import Final

import msgspec

from tools.bench import actors, books, flow, load_orders, native, orders, updates
from tools.bench.beside import Group, Pair, Rival
from tools.bench.native import Native
from tools.bench.peer import Script
from tools.bench.rows import Row

NAUTILUS: Final = "tools.bench.peers.nautilus"
HFT: Final = "tools.bench.peers.hft"
FIX: Final = "tools.bench.peers.fix"
QUICKFIX_VERSION: Final = "1.16.0"  # of cmake/QuickFIX.cmake


def _nautilus(what: str, measure: str, unit: str, path: str = "") -> Script:
    return Script(f"NautilusTrader {what}", NAUTILUS, measure, unit, path)


def _rival(ours: Native, name: str, source: str, benchmark: str) -> Pair:
    """The same figure of another benchmark in the same binary."""
    theirs = msgspec.structs.replace(ours, benchmark=benchmark)
    return Pair(ours.row.id, ours.row.name, Rival(name, source, theirs))


# ------------------------------------------------------------------ books, bus, updates

BOOKS: Final = tuple(
    Pair(
        "P4",
        f"{kind} from Python, {how}",
        _nautilus(what, measure, "ns/delta", f"{kind.lower()}.npz"),
    )
    for kind, how, what, measure in (
        ("L2", "batches of 20", "OrderBook.apply_deltas", "batches-20"),
        ("L2", "batches of 1,000", "OrderBook.apply_deltas", "batches-1000"),
        ("L2", "batches of 1,000", "OrderBookDelta, building alone", "building"),
        ("L2", "singly", "OrderBook.apply_delta", "singly"),
        ("L3", "batches of 20", "OrderBook.apply_deltas", "batches-20"),
        ("L3", "batches of 1,000", "OrderBook.apply_deltas", "batches-1000"),
    )
)
ACTORS: Final = (
    Pair("P8", "actor to actor, one hop", _nautilus("MessageBus.send", "send", "ns")),
    Pair("P8", "actor to actor, one hop", _nautilus("MessageBus.publish", "publish", "ns")),
)
_WATCHED: Final = "ITCH through the core, log on, a Python strategy at every update"
UPDATES: Final = tuple(
    Pair(
        "P10",
        _WATCHED,
        _nautilus(f"backtest, {kind}", f"{kind}-watched", "k updates/s", "updates.itch"),
    )
    for kind in ("deltas", "quotes")
)
HOT, _, ONE = native.CORE
CORE: Final = (
    *(
        Pair("P9", HOT.row.name, _nautilus(f"backtest, {kind}", kind, "M messages/s", "hot.itch"))
        for kind in ("deltas", "quotes")
    ),
    Pair(
        "P9",
        ONE.row.name,
        Script("hftbacktest, L2, no log", HFT, "feed", "M messages/s", "one.itch"),
    ),
)

# ------------------------------------------------------------------ orders and FIX

ORDERS: Final = tuple(
    Pair("P16", name, _nautilus("Strategy.submit_order", "submit", "us"))
    for name in (orders.row_name("Python"), native.ORDER[0].row.name)
)
FLOW: Final = tuple(
    Pair(
        "P12",
        flow.row_name("Python lane"),
        _nautilus(f"backtest, each order {end}", f"orders-{end}", "k orders/s"),
    )
    for end in ("cancelled", "filled")
)
ENCODE, PARSE, _ = native.FIX
MESSAGES: Final = (
    Pair("P14", ENCODE.row.name, Script("QuickFIX from Python", FIX, "encode", "ns")),
    _rival(ENCODE, "QuickFIX C++", QUICKFIX_VERSION, "P14_encode_quickfix"),
    Pair("P14", PARSE.row.name, Script("QuickFIX from Python", FIX, "parse", "ns")),
    _rival(PARSE, "QuickFIX C++", QUICKFIX_VERSION, "P14_parse_quickfix"),
)
SESSIONS: Final = (
    *(
        Pair(
            "P13",
            load_orders.calm_name(wait),
            Script("QuickFIX from Python", FIX, "round-trips", "us"),
        )
        for wait in ("spin", "park")
    ),
    Pair(
        "P13",
        load_orders.busy_name(),
        Script("QuickFIX from Python", FIX, "bursts", "k orders/s"),
    ),
)

# ------------------------------------------------------------------ rings

SINGLE, BATCH, ONE_WAY = native.RING
MOODYCAMEL: Final = ("moodycamel ReaderWriterQueue", "libreaderwriterqueue-dev")
BOOST: Final = ("boost::lockfree::spsc_queue", "libboost-dev")
RINGS: Final = (
    _rival(SINGLE, *MOODYCAMEL, "ReaderWriterQueueThroughput/real_time"),
    _rival(SINGLE, *BOOST, "BoostSpscThroughput/1/real_time"),
    _rival(BATCH, *BOOST, "BoostSpscThroughput/16/real_time"),
    _rival(ONE_WAY, *MOODYCAMEL, "ReaderWriterQueuePingPong/real_time"),
    _rival(ONE_WAY, *BOOST, "BoostSpscPingPong/real_time"),
)


def _sessions() -> list[Row]:
    calm = [load_orders.calm_row(wait) for wait in ("spin", "park")]
    return [*calm, *load_orders.busy_rows(load_orders.answered)]


GROUPS: Final = (
    Group("ring", lambda: native.rows_of(native.RING), RINGS),
    Group("book", books.rows, BOOKS),
    Group("core", lambda: native.rows_of((HOT, ONE)), CORE),
    Group("actor", actors.rows, ACTORS),
    Group("update", updates.rows, UPDATES),
    Group("order", lambda: [*orders.order_rows(), *native.rows_of(native.ORDER)], ORDERS),
    Group("flow", flow.rows, FLOW),
    Group("fix", lambda: native.rows_of(native.FIX), MESSAGES),
    Group("load", _sessions, SESSIONS),
)
