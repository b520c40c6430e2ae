"""A market from a socket, an order to the venue inside the daemon, its fills by that market."""

from __future__ import annotations

from pathlib import Path

from daemon.core import BookState, OrderState, OrdType, RiskState, Side, TimeInForce
from daemon.io.binance import BinanceEdge
from tests.io.binance_venue import Venue, diff, snapshot, trade
from tests.io.live_core import NO_ID, LiveCore

BOOK = snapshot(100, [("10.00", "1.000")], [("10.02", "2.000")])


def buy(core: LiveCore, qty: int, px: int) -> int:
    """A limit order of the strategy in the first instrument; its ClOrdID."""
    order = core.core.new_cl_ord_id()
    limit, day = int(OrdType.LIMIT), int(TimeInForce.DAY)
    assert core.core.submit(order, 0, 0, 0, int(Side.BUY), limit, day, 0, px, 0, qty, 0, 0)
    return order


def state_of(core: LiveCore, order: int) -> OrderState:
    found = core.core.order(order)
    assert found is not None
    return OrderState(found.state)


async def test_order_waits_behind_the_shown_quantity_and_is_filled_by_the_markets_trades(
    tmp_path: Path,
) -> None:
    core = LiveCore(tmp_path, ["BTCUSDT"])
    core.live.add_venue(0, [0], 0, 0, 0, 1)
    core.core.set_risk_state(NO_ID, int(RiskState.ACTIVE), True, "test")
    async with Venue() as venue:
        venue.answers["BTCUSDT"] = [BOOK]
        names = {"BTCUSDT": "BTCUSDT"}
        edge = BinanceEdge(core.live, 0, venue.feed(), {"BTCUSDT": 0}, names, core.wake)
        edge.start()
        await core.until(lambda: core.state() == BookState.LIVE)
        order = buy(core, 500, 1000)
        core.wake()
        await venue.send(diff(101, 101, asks=[("10.02", "3.000")]))
        await core.until(lambda: state_of(core, order) == OrderState.WORKING)

        # The buyer was passive: somebody sold into the bid, first to the 1.000 that stood there.
        await venue.send(trade("10.00", "1.000", buyer_is_maker=True))
        await core.until(lambda: core.trades() == 1)
        assert core.core.position(0, 0).net_qty == 0
        await venue.send(trade("10.00", "0.200", buyer_is_maker=True))
        await venue.send(diff(102, 102, asks=[("10.02", "2.000")]))
        await core.until(lambda: core.core.position(0, 0).net_qty == 200)
        assert state_of(core, order) == OrderState.PARTIALLY_FILLED
        await edge.close()
    assert core.live.stats["venue_reports"] == 2
    assert core.live.stats["venue_refused"] == 0
    core.close()
