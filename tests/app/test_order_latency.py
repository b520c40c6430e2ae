"""The latency ledger of both lanes: a live core, the venue inside it, and the log they leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.core import LATENCY_STAGES, OrderAction, OrderLane
from daemon.log import LogReader
from daemon.log.measure import latencies_of
from tools.bench.orders import Lane

ORDERS = 5
STAMPS = (
    "ts_recv",
    "ts_decoded",
    "ts_decided",
    "ts_risk",
    "ts_logged",
    "ts_sent",
    "ts_acknowledged",
)


@pytest.mark.parametrize(("strategy", "lane"), [("Ruler", "native"), ("Taker", "python")])
def test_every_order_of_a_lane_has_every_stage_in_the_order_of_its_life(
    tmp_path: Path, strategy: str, lane: str
) -> None:
    traded = Lane(tmp_path, strategy)
    for _ in range(ORDERS):
        traded.order_ns(native=lane == "native")
    live = {
        (of, stage): histogram.count
        for of, stage, histogram in traded.live.order_latencies()
        if histogram.count
    }
    traded.close(ORDERS)
    records = [
        frame.fields()
        for frame in LogReader(traded.folder, types=["ORDER_LATENCY"], committed=True)
    ]
    assert len({record["cl_ord_id"] for record in records}) == len(records) == ORDERS
    for record in records:
        stamps = [record[name] for name in STAMPS]
        assert stamps[0] > 0
        assert stamps == sorted(stamps)
        assert OrderLane(record["lane"]).name.lower() == lane
        assert record["action"] == OrderAction.SUBMIT
    assert live == {(lane, stage): ORDERS for stage, *_ in LATENCY_STAGES}
    logged = [(row.lane, row.stage, row.orders) for row in latencies_of(traded.folder)]
    assert logged == [(lane, stage, ORDERS) for stage, *_ in LATENCY_STAGES]
