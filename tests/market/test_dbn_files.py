"""Databento's market-by-order day: the final book, and that it is crossed before the open."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from daemon.core import L3Book
from tools.command import UsageError
from tools.marketdata.builder import Request
from tools.marketdata.dbn import _MBO, DbnBuilder, mbo_deltas, records, split
from tools.marketdata.sources import Source

DAY = "databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst"
TICK = 250_000_000


def test_the_day_ends_with_the_known_book(test_data: Callable[[str], Path]) -> None:
    builder = DbnBuilder(Request())
    for _ in builder.read(Source(test_data(DAY))):
        pass
    builder.finish()
    assert builder.symbols() == ["ESH4"]
    assert [builder.level_count("ESH4", side) for side in (1, 2)] == [922, 565]
    assert builder.levels("ESH4", 1, 1)[0][0] == 4810 * 10**9
    assert builder.levels("ESH4", 2, 1)[0][0] == 4810 * 10**9 + TICK
    assert builder.notes == []


def test_the_last_record_is_the_known_one(test_data: Callable[[str], Path]) -> None:
    source = Source(test_data(DAY))
    found, left = records(split(source.read(), source)[1], 160, _MBO)
    assert left == 0
    assert found["sequence"][-1] == 59585
    assert 1703548799446821072 in (found["ts_event"][-1], found["ts_recv"][-1])


def test_the_book_is_crossed_in_the_pre_open_and_nothing_is_refused(
    test_data: Callable[[str], Path],
) -> None:
    source = Source(test_data(DAY))
    found, _ = records(split(source.read(), source)[1], 160, _MBO)
    deltas = mbo_deltas(found)
    book = L3Book()
    crossed = 0
    for at in range(len(deltas)):
        book.apply(deltas[at : at + 1])
        bid, _, ask, *_ = book.top()
        if deltas["flags"][at]:  # only then is the event whole
            crossed += bid is not None and ask is not None and bid > ask
    assert crossed == 891
    assert set(book.counts()) == {"OK", "SKIPPED"}


def test_a_truncated_file_gives_what_is_whole_and_says_so(
    test_data: Callable[[str], Path], tmp_path: Path
) -> None:
    content = Source(test_data(DAY)).read()
    cut = tmp_path / "cut.mbo.dbn"
    cut.write_bytes(content[: 100_000 - (100_000 - 206) % 56 + 11])
    builder = DbnBuilder(Request())
    for _ in builder.read(Source(cut)):
        pass
    assert builder.level_count("ESH4", 1) > 0
    assert "ends within a record" in builder.notes[0]


def test_what_is_no_dbn_is_refused_with_the_files_name(tmp_path: Path) -> None:
    bad = tmp_path / "bad.dbn"
    bad.write_bytes(b"DBN\x01\x10\0\0\0garbage")
    with pytest.raises(UsageError, match=r"bad\.dbn"):
        list(DbnBuilder(Request()).read(Source(bad)))


def test_deltas_keep_every_field() -> None:
    found = np.zeros(1, _MBO)
    found["ref"], found["px"], found["qty"] = 7, 5, 3
    found["action"], found["side"], found["flags"] = b"A", b"A", 128
    (delta,) = mbo_deltas(found)
    assert (delta["ref"], delta["px"], delta["qty"]) == (7, 5, 3)
    assert (delta["action"], delta["side"], delta["flags"]) == (1, 2, 1)
