"""Orders that may work, from a log as it is written: what begins, is renamed, and ends."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import core
from daemon.core import OrderState
from daemon.log import spec_of
from tools.watchdog.working import Working, WorkingOrders

EPOCH = 3 << 32


class Log:
    """A log of which each record is committed at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "log"
        self._now = 10**18
        self._log: core.LogWriter | None = None

    def add(self, name: str, tail: bytes = b"", **fields: Any) -> None:  # noqa: ANN401  any field
        if self._log is None:
            self.folder.mkdir()
            self._log = core.LogWriter.create(str(self.folder), segment_size_bytes=1 << 20)
        spec = spec_of(name)
        record = np.zeros(1, spec.dtype)
        for field, value in fields.items():
            record[field] = value
        self._now += 1
        self._log.append(spec.number, self._now, record.tobytes() + tail, spec.frame_class)

    def flip(self, content: bytes) -> None:
        """A bit of the first place that holds this."""
        with (self.folder / "00000000.seg").open("r+b") as segment:
            place = segment.read().index(content)
            segment.seek(place)
            segment.write(bytes([content[0] ^ 1]))

    def end(self, torn: bytes = b"") -> None:
        """The writer dies; `torn` is what it had begun to write behind the last frame."""
        assert self._log is not None
        self._log.close()
        self._log = None
        with (self.folder / "00000000.seg").open("r+b") as segment:
            end = len(segment.read().rstrip(bytes(1)))
            segment.seek((end + 15) // 8 * 8 + 8)
            segment.write(torn)

    def recover(self) -> None:
        """A writer that goes on."""
        self._log, _ = core.LogWriter.recover(str(self.folder), 1 << 20)

    def define(self) -> None:
        instrument = {"symbol": "ACME", "venue_symbol": "ACM", "qty_increment": "0.5"}
        self.add("DEFINITION", json.dumps(instrument).encode(), kind=0, id=7)
        self.add("DEFINITION", json.dumps({"name": "alpha"}).encode(), kind=1, id=4)
        self.add("DEFINITION", json.dumps({"name": "broker"}).encode(), kind=3, id=1)

    def submit(self, order: int, qty: int = 10) -> None:
        route: dict[str, Any] = {"session": 1, "instrument": 7, "side": 2, "strategy": 4}
        self.add("ORDER_SUBMITTED", cl_ord_id=order, order_qty=qty, **route)
        self.state(order, order, OrderState.PENDING_NEW, qty)

    def state(self, order: int, newest: int, state: OrderState, qty: int = 10) -> None:
        self.add(
            "ORDER_STATE",
            order=order,
            cl_ord_id=newest,
            to_state=int(state),
            order_qty=qty,
            session=1,
            instrument=7,
        )


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def followed(working: WorkingOrders) -> list[Working]:
    while working.follow():
        pass
    assert working.damage == ""
    return list(working.of("broker"))


def test_orders_begin_are_renamed_and_end(log: Log) -> None:
    working = WorkingOrders(log.folder)
    assert followed(working) == []  # before there is a log
    log.define()
    first, second, renamed = EPOCH + 1, EPOCH + 2, EPOCH + 9
    log.submit(first)
    log.submit(second)
    as_sent = Working(first, first, (first,), "broker", "ACME", "ACM", 2, Decimal(5), "alpha")
    assert followed(working)[0] == as_sent
    log.add("REPLACE_REQUESTED", cl_ord_id=renamed, order=first, session=1, instrument=7)
    log.state(first, first, OrderState.PENDING_REPLACE)
    names = (first, renamed)
    assert followed(working)[0] == as_sent._replace(names=names)
    log.state(first, renamed, OrderState.WORKING, 20)
    log.state(second, second, OrderState.UNKNOWN)
    last = as_sent._replace(cl_ord_id=renamed, names=names, order_qty=Decimal(10))
    assert followed(working) == [
        last,
        as_sent._replace(order=second, cl_ord_id=second, names=(second,)),
    ]
    log.state(first, renamed, OrderState.CANCELED)
    log.state(second, second, OrderState.FILLED)
    assert followed(working) == []
    assert len(working) == 0


def test_the_slices_of_an_iceberg_are_names_of_one_order(log: Log) -> None:
    log.define()
    order, second = EPOCH + 1, EPOCH + 2
    for name in (order, second):
        log.add("ORDER_INSTRUCTIONS", cl_ord_id=name, order=order, total_qty=30, display_qty=10)
        log.add("ORDER_SUBMITTED", cl_ord_id=name, session=1, instrument=7, side=2, order_qty=10)
        log.state(order, name, OrderState.PENDING_NEW)
    working = WorkingOrders(log.folder)
    (found,) = followed(working)
    assert (found.order, found.cl_ord_id, found.names) == (order, second, (order, second))
    log.state(order, second, OrderState.CANCELED)
    assert followed(working) == []


def test_an_adopted_order_is_of_nobody_and_may_have_no_name(log: Log) -> None:
    log.define()
    named, nameless = EPOCH + 1, EPOCH + 2
    route: dict[str, Any] = {"session": 1, "instrument": 7, "side": 1, "order_qty": 4}
    log.add("ORDER_ADOPTED", order=named, cl_ord_id=named, **route)
    log.add("ORDER_ADOPTED", order=nameless, cl_ord_id=0, **route)
    for order in (named, nameless):
        log.state(order, order, OrderState.WORKING, 4)
    adopted = Working(named, named, (named,), "broker", "ACME", "ACM", 1, Decimal(2))
    of_other_name = adopted._replace(order=nameless, cl_ord_id=0, names=())
    working = WorkingOrders(log.folder)
    assert followed(working) == [adopted, of_other_name]
    log.state(nameless, nameless, OrderState.CANCELED)
    assert followed(working) == [adopted]


def test_an_order_that_begins_and_ends_in_one_batch_does_not_work(log: Log) -> None:
    log.define()
    for number in range(1, 1000):
        log.submit(EPOCH + number)
        if number != 500:
            log.state(EPOCH + number, EPOCH + number, OrderState.REJECTED)
    working = WorkingOrders(log.folder)
    assert [each.order for each in followed(working)] == [EPOCH + 500]
    assert list(working.of("another")) == []


def test_damage_is_remembered_and_the_orders_known_so_far_stay(log: Log) -> None:
    log.define()
    log.submit(EPOCH + 1)
    working = WorkingOrders(log.folder)
    assert len(followed(working)) == 1
    log.submit(EPOCH + 2)
    log.submit(EPOCH + 3)
    log.flip((EPOCH + 2).to_bytes(8, "little"))
    while working.follow():
        pass
    assert "00000000.seg" in working.damage
    assert [each.order for each in working.of("broker")] == [EPOCH + 1]
    assert not working.follow()


def test_it_goes_on_behind_a_tail_that_was_torn_and_cut(log: Log) -> None:
    log.define()
    log.submit(EPOCH + 1)
    working = WorkingOrders(log.folder)
    assert len(followed(working)) == 1
    log.end(torn=b"begun, and never committed")
    for _ in range(60):
        assert len(followed(working)) == 1
    log.recover()
    log.submit(EPOCH + 2)
    for _ in range(60):
        found = [each.order for each in followed(working)]
    assert found == [EPOCH + 1, EPOCH + 2]
