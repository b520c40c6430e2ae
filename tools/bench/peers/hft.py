"""hftbacktest: one instrument's feed through its market depth.

The stream's changes of orders become changes of levels in its own format, its fastest kind of
depth (a vector of prices around the touch), before the clock starts; so does numba's compilation.
Two processors apply every event: its exchange's and the strategy's, as in each of its backtests.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import numpy.typing as npt
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

from tools.bench.peers.itch import Levels, Orders
from tools.bench.peers.protocol import Lap, Measure, serve, value

STEP_NS = 1_000_000  # of feed time at once: some hundred events
ROOM_PX = 100


@njit
def _through(backtest: Any, step_ns: int) -> tuple[int, float, float]:  # noqa: ANN401 - numba's
    """Steps until the feed ends; the touch at its end."""
    steps = 0
    bid = ask = 0.0
    while backtest.elapse(step_ns) == 0:
        depth = backtest.depth(0)
        bid, ask = depth.best_bid, depth.best_ask
        steps += 1
    return steps, bid, ask


def _events(path: str) -> tuple[npt.NDArray[np.void], int, tuple[float, float]]:
    """In its format; of how many messages; and the touch at their end."""
    orders, levels = Orders(), Levels()
    flags = DEPTH_EVENT | EXCH_EVENT | LOCAL_EVENT
    rows = []
    change = None
    for change in orders.changes(Path(path)):
        side = BUY_EVENT if change.buy else SELL_EVENT
        left = levels.apply(change)
        rows.append((flags | side, change.ts, change.ts, float(change.px), float(left), 0, 0, 0.0))
    if change is None:
        raise ValueError(f"{path} changes no book")
    touch = levels.touch(change.ts, change.locate)
    return np.array(rows, event_dtype), orders.messages, (touch.bid_px, touch.ask_px)


def _backtest(events: npt.NDArray[np.void]) -> Any:  # noqa: ANN401 - its class is numba's
    least, most = events["px"].min(), events["px"].max()
    asset = (
        BacktestAsset()
        .data(events)
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(1.0)
        .lot_size(1.0)
        .roi_lb(least - ROOM_PX)
        .roi_ub(most + ROOM_PX)
    )
    return ROIVectorMarketDepthBacktest([asset])


def _feed(path: str) -> Lap:
    events, messages, touch = _events(path)

    def lap() -> dict[str, float]:
        backtest = _backtest(events)
        began = perf_counter_ns()
        _, bid, ask = _through(backtest, STEP_NS)
        took = perf_counter_ns() - began
        backtest.close()
        if (bid, ask) != touch:
            raise RuntimeError(f"the book ends with the touch {bid} {ask}, the stream with {touch}")
        return value(messages / took * 1e3)

    lap()  # compiles
    return lap


MEASURES = {"feed": Measure("M messages/s", _feed)}

if __name__ == "__main__":
    raise SystemExit(serve("hftbacktest", MEASURES))
