"""LOBSTER: the messages make every transition of the order book file."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools.marketdata.builder import Request
from tools.marketdata.lobster import LobsterBuilder, in_order
from tools.marketdata.sources import Source

NAME = "lobster/AAPL_2012-06-21_34200000_57600000_{}_10.head1000.csv"


def test_every_transition_is_the_order_book_files(test_data: Callable[[str], Path]) -> None:
    paths = [test_data(NAME.format(kind)) for kind in ("message", "orderbook")]
    shown = np.loadtxt(paths[1], np.int64, delimiter=",")
    builder = LobsterBuilder(Request(depth=20, every_ns=0))
    rows = np.concatenate(
        [rows for source in in_order([Source(p) for p in paths]) for rows in builder.read(source)]
    )
    assert builder.symbols() == ["AAPL"]
    assert len(shown) == 999
    for number, expected in enumerate(shown, 1):
        now = rows[rows["sequence"] == number]
        for side, half in ((2, 0), (1, 2)):
            built = now[now["side"] == side]
            assert built["px"].tolist() == expected[half::4].tolist(), number
            assert built["size"].tolist() == expected[half + 1 :: 4].tolist(), number


def test_messages_alone_make_what_they_tell_of(test_data: Callable[[str], Path]) -> None:
    builder = LobsterBuilder(Request())
    for _ in builder.read(Source(test_data(NAME.format("message")))):
        pass
    assert builder.level_count("AAPL", 1) > 0


def test_times_are_the_exchanges_day_in_utc(test_data: Callable[[str], Path]) -> None:
    builder = LobsterBuilder(Request(depth=1, every_ns=0))
    first = next(iter(builder.read(Source(test_data(NAME.format("message"))))))[0]
    # 34200.004241176 s after midnight in New York, in summer four hours behind UTC.
    assert first["ts_event"] == 1340285400_004241176
