"""L2Book and L3Book as Python uses them: batches of records, rows, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.core import L2_DELTA, L3_DELTA, DecodeStatus, L2Book, L3Book

BUY, SELL = 1, 2
_LEVEL = st.tuples(st.sampled_from((BUY, SELL)), st.integers(-20, 20), st.integers(0, 5))


@given(st.lists(_LEVEL, max_size=60))
def test_a_batch_of_deltas_is_the_same_as_each_alone(levels: list[tuple[int, int, int]]) -> None:
    deltas = np.zeros(len(levels), L2_DELTA)
    single, plain = L2Book(), {BUY: dict[int, int](), SELL: dict[int, int]()}
    for at, (side, px, qty) in enumerate(levels):
        deltas[at] = (px, qty, at, side, 0)
        single.set(side, px, qty, at)
        plain[side][px] = qty
    batch = L2Book()
    batch.apply(deltas)
    assert batch.top() == single.top()
    for side in (BUY, SELL):
        expected = [(px, qty, 0) for px, qty in plain[side].items() if qty]
        expected.sort(reverse=side == BUY)
        assert batch.levels(side, 100) == single.levels(side, 100) == expected


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ((BUY, 2), TypeError, "3 to 4 integers by position, got 2"),
        ((BUY, 2, 3, 4, 5), TypeError, "3 to 4 integers by position, got 5"),
        ((BUY, 1.5, 1), TypeError, "float"),
        ((BUY, 1 << 63, 1), OverflowError, "too big"),
        ((3, 1, 1), ValueError, "side"),
    ],
)
def test_a_level_that_cannot_be_is_refused(
    given: tuple[object, ...], error: type[Exception], says: str
) -> None:
    book = L2Book()
    with pytest.raises(error, match=says):
        book.set(*given)  # type: ignore[arg-type]
    assert book.level_count(BUY) == book.level_count(SELL) == 0
    assert book.set(np.int64(BUY), -1, (1 << 63) - 1)  # type: ignore[arg-type]
    assert book.levels(BUY, 1) == [(-1, (1 << 63) - 1, 0)]


def test_no_method_reads_an_object_that_was_not_made() -> None:
    with pytest.raises(TypeError, match="__init__"):
        L2Book.__new__(L2Book).set(BUY, 1, 1)
    with pytest.raises(TypeError, match="int"):
        L2Book.set(3, 1, 1)  # type: ignore[arg-type, call-arg]


def test_orders_queue_by_time_and_the_outcome_is_told() -> None:
    book = L3Book()
    for ref, qty in ((1, 5), (2, 7), (3, 2)):
        assert book.add(ref, BUY, 100, qty) == DecodeStatus.OK
    assert book.qty_ahead(3) == 12
    book.execute(1, 5)
    assert book.qty_ahead(3) == 7
    assert book.levels(BUY, 5) == [(100, 9, 2)]
    assert book.remove(1) == DecodeStatus.UNKNOWN_ORDER
    assert book.add(2, BUY, 100, 1) == DecodeStatus.DUPLICATE_ORDER


def test_batches_count_what_was_not_applied() -> None:
    deltas = np.zeros(3, L3_DELTA)
    deltas["action"] = (1, 4, 99)
    deltas["ref"], deltas["px"], deltas["qty"], deltas["side"] = (1, 2, 3), 10, 5, BUY
    book = L3Book()
    assert book.apply(deltas) == 1
    assert book.counts() == {"OK": 1, "UNKNOWN_ORDER": 1, "UNKNOWN_TYPE": 1}


def test_arrays_of_another_layout_are_refused() -> None:
    with pytest.raises(TypeError):
        L2Book().apply(np.zeros(3, L3_DELTA))
    with pytest.raises(ValueError, match="side"):
        L2Book().apply(np.zeros(1, L2_DELTA))
    with pytest.raises(ValueError, match="side"):
        L3Book().add(1, 0, 1, 1)


def test_rows_come_after_each_message_or_at_each_interval() -> None:
    deltas = np.zeros(4, L2_DELTA)
    deltas["px"], deltas["qty"], deltas["side"] = 10, (1, 2, 3, 4), BUY
    deltas["ts_event"] = (100, 150, 260, 310)
    deltas["flags"] = (1, 0, 1, 1)
    every = L2Book()
    every.record(5)
    every.apply(deltas)
    rows = every.take_rows()
    assert rows[["ts_event", "sequence", "size"]].tolist() == [
        (100, 1, 1),
        (260, 2, 3),
        (310, 3, 4),
    ]
    assert every.take_rows().size == 0
    timed = L2Book()
    timed.record(5, 100)
    timed.apply(deltas)
    rows = timed.take_rows()
    # At 200 the book shows what happened before 200; at 300 what happened before 300.
    assert rows[["ts_event", "size"]].tolist() == [(200, 2), (300, 3)]


@pytest.mark.parametrize(("depth", "every"), [(0, 0), (1025, 0), (5, -1)])
def test_impossible_recordings_are_refused(depth: int, every: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        L2Book().record(depth, every)
