// The gate's quick yes: is this an ordinary new order that surely passes every check?
//
// Each function answers for the checks it names (gate_table.hpp) and says true only where all of
// them pass. It needs neither which scope is the strictest nor by how much a limit was missed, so
// it compares with the least of the limits and stops at the first doubt. What is rare (market and
// stop orders, several tick bands, REDUCING, sums that leave 64 bits) is left to the table.
#pragma once

#include <algorithm>

#include "gate_checks.hpp"

namespace pitwire {

class QuickYes {
 public:
  QuickYes(const RiskGate& gate, const OrderRequest& request, const MarketView& market,
           const SessionView& session, Nanos now) noexcept
      : gate_(gate), request_(request), market_(market), session_(session), now_(now) {}

  [[nodiscard]] bool sure() const noexcept {
    if (!ordinary() || !open()) return false;
    const auto& row = gate_.registry_->row(request_.instrument);
    if (!marketable(row) || !fits(row)) return false;
    const auto& tree = gate_.limits_;
    const auto strategy = index(request_.strategy);
    const auto instrument = index(request_.instrument);
    const Scopes limits{tree.firm(), tree.instrument(instrument), tree.strategy(strategy),
                        tree.pair(strategy, instrument)};
    const Holdings held{gate_.positions_->firm(request_.instrument),
                        gate_.positions_->of(request_.strategy, request_.instrument)};
    return fresh(limits) && priced(limits) && sized(limits, held) && rated(limits) &&
           unrepeated(limits) && within_loss(limits);
  }

 private:
  struct Scopes {
    const Limits& firm;
    const Limits& instrument;
    const Limits& strategy;
    const Limits& pair;

    [[nodiscard]] std::int64_t least(std::int64_t Limits::* field) const noexcept {
      return std::min(std::min(firm.*field, instrument.*field),
                      std::min(strategy.*field, pair.*field));
    }
  };
  struct Holdings {
    const Holding& firm;
    const Holding& own;
  };

  /// unsupported, post only, reduce only, unknown instrument, strategy stopped.
  [[nodiscard]] bool ordinary() const noexcept {
    const bool at_once =
        request_.time_in_force == TimeInForce::IOC || request_.time_in_force == TimeInForce::FOK;
    const bool flags =
        request_.flags == 0 ||
        (request_.flags == static_cast<std::uint8_t>(OrderFlag::POST_ONLY) && !at_once);
    const auto& types = session_.types;
    return request_.ord_type == OrdType::LIMIT && flags && types.takes(request_.time_in_force) &&
           (types.post_only || request_.flags == 0) && request_.phase == RequestPhase::NEW &&
           request_.peg_offset == 0 && request_.display_qty == 0 &&
           request_.time_in_force != TimeInForce::GTD &&
           (request_.side == Side::BUY || request_.side == Side::SELL) &&
           gate_.registry_->known(request_.instrument) &&
           index(request_.strategy) < gate_.strategies_.size() &&
           index(request_.session) < gate_.sessions_.size();
  }

  /// killed, halted, not armed, reducing, strategy stopped, session down, session credits, table
  /// full, disk low, session held.
  [[nodiscard]] bool open() const noexcept {
    const auto& strategy = gate_.strategies_[index(request_.strategy)];
    return !gate_.killed() && !gate_.disk_low_ && gate_.armed_ && strategy.armed &&
           strategy.running && gate_.state_ == RiskState::ACTIVE &&
           strategy.state == RiskState::ACTIVE && session_.logged_on && !session_.held &&
           session_.credits > session_.cancel_reserve && gate_.orders_->can_submit() &&
           gate_.positions_->can_hold(request_.strategy, request_.instrument);
  }

  /// not tradable, book gapped, book crossed.
  [[nodiscard]] bool marketable(const InstrumentRow& row) const noexcept {
    const auto trading = market_.trading;
    return market_.book == BookState::LIVE && market_.bid_px != kNoPx && market_.ask_px != kNoPx &&
           (trading == TradingState::TRADING || trading == TradingState::AUCTION ||
            (trading == TradingState::UNKNOWN && !row.has_trading_state));
  }

  /// price allowed, off the tick table, lot size.
  [[nodiscard]] bool fits(const InstrumentRow& row) const noexcept {
    return request_.price > 0 && request_.order_qty > 0 && row.step != 0 &&
           (row.step == 1 || request_.price % row.step == 0) &&
           (row.lot == 1 || request_.order_qty % row.lot == 0);
  }

  /// book age.
  [[nodiscard]] bool fresh(const Scopes& limits) const noexcept {
    return now_ - market_.updated_ts <= limits.least(&Limits::book_age_ns);
  }

  /// price collar, self-trade.
  [[nodiscard]] bool priced(const Scopes& limits) const noexcept {
    std::int64_t sum = 0;
    std::int64_t away = 0;
    if (__builtin_add_overflow(market_.bid_px, market_.ask_px, &sum)) return false;
    const auto reference = sum >> 1;
    if (reference <= 0 || __builtin_sub_overflow(request_.price, reference, &away)) return false;
    away = away < 0 ? -away : away;
    return away <= limits.least(&Limits::collar_ticks) &&
           within_bps(away, reference, limits.least(&Limits::collar_bps)) && not_own();
  }
  [[nodiscard]] static bool within_bps(std::int64_t away, std::int64_t reference,
                                       std::int64_t bps) noexcept {
    if (bps == kUnlimited) return true;
    std::int64_t scaled = 0;
    std::int64_t width = 0;
    return !__builtin_mul_overflow(away, 10'000, &scaled) &&
           !__builtin_mul_overflow(reference, bps, &width) && scaled <= width;
  }
  [[nodiscard]] bool not_own() const noexcept {
    if (request_.side == Side::BUY) {
      const auto ask = gate_.orders_->best_own_sell(request_.instrument);
      return ask == kNoPx || request_.price < ask;
    }
    const auto bid = gate_.orders_->best_own_buy(request_.instrument);
    return bid == kNoPx || request_.price > bid;
  }

  /// quantity, notional, position, gross notional, working orders, overflow.
  [[nodiscard]] bool sized(const Scopes& limits, const Holdings& held) const noexcept {
    const auto qty = request_.order_qty;
    const auto worth = gate_.registry_->risk_notional(request_.instrument, request_.price, qty);
    return qty <= limits.least(&Limits::quantity) && worth.has_value() &&
           *worth <= limits.least(&Limits::notional) && !gate_.positions_->overflowed() &&
           reaches(held.firm, std::min(limits.firm.position, limits.instrument.position)) &&
           reaches(held.own, std::min(limits.strategy.position, limits.pair.position)) &&
           gross(limits, held, *worth) && counted(limits, held);
  }
  /// The far end of the interval, with the order filled, is at most `limit`; both ends exist.
  [[nodiscard]] bool reaches(const Holding& holding, std::int64_t limit) const noexcept {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto net = holding.position.net_qty;
    const auto qty = request_.order_qty;
    if (__builtin_sub_overflow(net, holding.working.sell_qty, &low) ||
        __builtin_add_overflow(net, holding.working.buy_qty, &high) ||
        __builtin_sub_overflow(low, qty, &low) || __builtin_add_overflow(high, qty, &high)) {
      return false;
    }
    return request_.side == Side::BUY ? high <= limit : low >= -limit;
  }
  [[nodiscard]] bool gross(const Scopes& limits, const Holdings& held,
                           std::int64_t worth) const noexcept {
    const auto under = [worth](std::int64_t now, std::int64_t limit) noexcept {
      std::int64_t sum = 0;
      return limit == kUnlimited || (!__builtin_add_overflow(now, worth, &sum) && sum <= limit);
    };
    const auto& totals = gate_.positions_->totals(request_.strategy);
    return under(gate_.positions_->firm_totals().gross_notional, limits.firm.gross_notional) &&
           under(held.firm.gross_notional(), limits.instrument.gross_notional) &&
           under(totals.gross_notional, limits.strategy.gross_notional) &&
           under(held.own.gross_notional(), limits.pair.gross_notional);
  }
  [[nodiscard]] bool counted(const Scopes& limits, const Holdings& held) const noexcept {
    const auto& totals = gate_.positions_->totals(request_.strategy);
    return gate_.positions_->firm_totals().working_orders < limits.firm.working_orders &&
           held.firm.working.orders() < limits.instrument.working_orders &&
           totals.working_orders < limits.strategy.working_orders &&
           held.own.working.orders() < limits.pair.working_orders;
  }

  /// message rate.
  [[nodiscard]] bool rated(const Scopes& limits) const noexcept {
    const auto bucket = now_ / RateWindow::kBucket;
    const auto under = [bucket](const RateWindow& window, std::int64_t rate) noexcept {
      return rate == kUnlimited || window.sent_by(bucket) < order_share(rate);
    };
    return under(gate_.firm_rate_, limits.firm.message_rate) &&
           under(gate_.sessions_[index(request_.session)], limits.firm.session_message_rate) &&
           under(gate_.strategies_[index(request_.strategy)].rate, limits.strategy.message_rate);
  }

  /// duplicate.
  [[nodiscard]] bool unrepeated(const Scopes& limits) const noexcept {
    const auto window =
        std::max(std::max(limits.firm.duplicate_window_ns, limits.instrument.duplicate_window_ns),
                 std::max(limits.strategy.duplicate_window_ns, limits.pair.duplicate_window_ns));
    std::int64_t latest = 0;
    return window == 0 || (!__builtin_sub_overflow(now_, window, &latest) &&
                           gate_.recent_.none_after(key_of(request_)) <= latest);
  }

  /// daily loss.
  [[nodiscard]] bool within_loss(const Scopes& limits) const noexcept {
    return gate_.positions_->firm_totals().day_loss() <= limits.firm.daily_loss &&
           gate_.positions_->totals(request_.strategy).day_loss() <= limits.strategy.daily_loss;
  }

  const RiskGate& gate_;
  const OrderRequest& request_;
  const MarketView& market_;
  const SessionView& session_;
  Nanos now_;
};

}  // namespace pitwire
