"""The market maker's mathematics against the paper, its orders in a simulated market."""

import math

import pytest

from daemon.messages import ReplaceOrder, SubmitOrder
from daemon.model import BookState, DenyReason, Instrument, OrderFlag, Side, TradingState
from daemon.strategy.testing import SECOND_NS, Simulation
from strategies.market_maker import MarketMaker, optimal_spread, reservation_price

X = Instrument.from_mapping(
    {"symbol": "X", "venue": "V", "price_increment": "0.01", "qty_increment": "1"}
)
# Half a spread of (1/γ)·ln(1 + γ/k) = 10·ln(1 + 0.1/0.5) = 1.82 increments without risk.
CALM = {"symbol": "X", "qty": 2, "max_position": 6, "gamma": 0.1, "kappa": 0.5, "sigma": 1e-9}

WIDE = {"kappa": 0.05}  # 10·ln(3) = 10.99 increments: quotes that a small move does not cross


def started(**changes: object) -> Simulation:
    market = Simulation([X])
    market.start(MarketMaker, **(CALM | changes))
    return market


def quotes(market: Simulation) -> list[tuple[Side, int, int]]:
    working = sorted(market.context.working("X"), key=lambda order: order.side)
    return [(order.side, order.price, order.leaves_qty) for order in working]


# ---------------------------------------------------------------------- the model


@pytest.mark.parametrize(("gamma", "printed"), [(0.01, 1.35), (0.1, 1.49)])
def test_the_spread_averages_to_the_paper_s_tables(gamma: float, printed: float) -> None:
    """Section 3.3: σ = 2, T = 1, k = 1.5, 200 steps; the average spread over the day."""
    spreads = [optimal_spread(gamma, 2.0, 1.0 - i / 200, 1.5) for i in range(200)]
    assert sum(spreads) / 200 == pytest.approx(printed, abs=0.0051)


def test_half_the_risk_free_spread_maximises_expected_utility_of_a_fill() -> None:
    """(1/γ)·ln(1 + γ/k) is the argmax of exp(-kδ)·(1 - exp(-γδ)): checked by search."""
    gamma, kappa = 0.3, 1.7
    grid = [i / 10_000 for i in range(1, 30_000)]
    best = max(grid, key=lambda d: math.exp(-kappa * d) * -math.expm1(-gamma * d))
    assert optimal_spread(gamma, 0.0, 1.0, kappa) / 2 == pytest.approx(best, abs=1e-4)


def test_the_reservation_price_leans_against_inventory() -> None:
    assert reservation_price(100.0, 0.0, 0.1, 2.0, 1.0) == 100.0
    assert reservation_price(100.0, 3.0, 0.1, 2.0, 0.5) == pytest.approx(99.4)
    assert reservation_price(100.0, -3.0, 0.1, 2.0, 0.5) == pytest.approx(100.6)
    assert reservation_price(100.0, 3.0, 0.1, 2.0, 0.0) == 100.0


# ---------------------------------------------------------------------- its orders


def test_it_quotes_both_sides_post_only_around_the_mid() -> None:
    market = started()
    market.quote("X", 999, 5, 1001, 5)
    assert quotes(market) == [(Side.BUY, 998, 2), (Side.SELL, 1002, 2)]
    submits = [intent for intent in market.sent if isinstance(intent, SubmitOrder)]
    assert [intent.flags for intent in submits] == [OrderFlag.POST_ONLY] * 2


def test_it_never_quotes_at_or_through_the_other_side() -> None:
    market = started(kappa=50.0, horizon_s=1.0)
    market.quote("X", 1000, 5, 1001, 5)
    assert quotes(market) == [(Side.BUY, 1000, 2), (Side.SELL, 1001, 2)]


def test_it_moves_only_when_the_quote_has_moved_far_enough() -> None:
    market = started(requote_ticks=3, **WIDE)
    market.quote("X", 999, 5, 1001, 5)
    market.quote("X", 1001, 5, 1003, 5)
    assert quotes(market) == [(Side.BUY, 989, 2), (Side.SELL, 1011, 2)]
    market.quote("X", 1002, 5, 1004, 5)
    assert quotes(market) == [(Side.BUY, 992, 2), (Side.SELL, 1014, 2)]
    assert sum(isinstance(intent, ReplaceOrder) for intent in market.sent) == 2


def test_a_long_inventory_lowers_both_quotes() -> None:
    market = started(sigma=2.0, horizon_s=10.0, qty=1)
    market.quote("X", 999, 5, 1001, 5)
    flat = quotes(market)
    market.context.positions["X"].book_fill(Side.BUY, 1000, 1, 0)
    market.quote("X", 999, 6, 1001, 5)
    lean = 1 * 0.1 * 4.0 * 10.0  # q·γ·σ²·(T - t)
    assert [px for _, px, _ in quotes(market)] == [flat[0][1] - lean, flat[1][1] - lean]


def test_the_inventory_limit_holds_one_below_at_and_is_never_passed() -> None:
    market = started(max_position=3)
    market.quote("X", 999, 5, 1001, 5)
    market.quote("X", 990, 5, 991, 9)
    position = market.context.position("X")
    assert position.net_qty == 2
    bids = [qty for side, _, qty in quotes(market) if side is Side.BUY]
    assert bids == [1]  # one lot left to the limit
    market.quote("X", 970, 5, 971, 9)
    assert position.net_qty == 3
    market.quote("X", 970, 5, 972, 9)
    assert [side for side, _, _ in quotes(market)] == [Side.SELL]


def test_a_book_that_may_not_be_traded_on_withdraws_the_quotes() -> None:
    market = started()
    market.quote("X", 999, 5, 1001, 5)
    market.set_book_state("X", BookState.STALE)
    assert quotes(market) == []
    market.set_book_state("X", BookState.LIVE)
    assert len(quotes(market)) == 2
    market.set_trading("X", TradingState.HALTED)
    assert quotes(market) == []


def test_without_a_volatility_it_does_not_quote() -> None:
    market = started(sigma=0.0)
    market.quote("X", 999, 5, 1001, 5)
    assert quotes(market) == []
    market.set_signals("X", volatility=1e-6)
    market.quote("X", 999, 6, 1001, 5)
    assert len(quotes(market)) == 2


def test_a_denied_order_pauses_quoting_then_it_resumes() -> None:
    market = started(pause_s=2.0)
    market.deny_next(DenyReason.MESSAGE_RATE)
    market.quote("X", 999, 5, 1001, 5)
    assert [side for side, _, _ in quotes(market)] == [Side.SELL]
    market.quote("X", 999, 6, 1001, 5)
    assert [side for side, _, _ in quotes(market)] == [Side.SELL]
    market.advance(2 * SECOND_NS)
    market.quote("X", 999, 5, 1001, 5)
    assert len(quotes(market)) == 2


def test_a_denied_replace_keeps_the_order_known_and_moves_it_after_the_pause() -> None:
    market = started(**WIDE, pause_s=2.0)
    market.quote("X", 999, 5, 1001, 5)
    market.deny_next(DenyReason.MESSAGE_RATE)
    market.quote("X", 1004, 5, 1006, 5)
    assert quotes(market) == [(Side.BUY, 989, 2), (Side.SELL, 1016, 2)]
    market.quote("X", 1004, 6, 1006, 5)
    assert quotes(market) == [(Side.BUY, 989, 2), (Side.SELL, 1016, 2)]
    market.advance(2 * SECOND_NS)
    market.quote("X", 1004, 5, 1006, 5)
    assert quotes(market) == [(Side.BUY, 994, 2), (Side.SELL, 1016, 2)]
    assert len(market.context.orders) == 2


def test_the_horizon_shrinks_before_the_end() -> None:
    market = started(sigma=2.0, horizon_s=60.0, end_ts=0)
    market.quote("X", 999, 5, 1001, 5)
    wide = quotes(market)
    market.change_parameters(end_ts=market.context.now + 1)
    assert quotes(market)[0][1] > wide[0][1]
    assert quotes(market) == [(Side.BUY, 998, 2), (Side.SELL, 1002, 2)]


def test_it_goes_on_after_a_restart_without_a_second_pair_of_orders() -> None:
    market = started(**WIDE)
    market.quote("X", 999, 5, 1001, 5)
    market.restart()
    market.quote("X", 1004, 5, 1006, 5)
    assert quotes(market) == [(Side.BUY, 994, 2), (Side.SELL, 1016, 2)]
    assert len(market.context.orders) == 2
