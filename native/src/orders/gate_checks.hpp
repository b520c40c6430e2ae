// Each check of the gate as a function from what the gate sees to a measure, and their table.
#pragma once

#include <algorithm>
#include <array>

#include "pitwire/orders/risk_gate.hpp"

namespace pitwire {

/// Everything a check may look at, gathered once a request.
struct GateInput {
  GateInput(const RiskGate& gate, const OrderRequest& request, const Order* replaced,
            const MarketView& market, const SessionView& session, Nanos now) noexcept;

  const RiskGate& gate;
  const OrderRequest& request;
  const Order* replaced;  ///< the order that a replace changes, null for a new one
  const MarketView& market;
  const SessionView& session;
  Nanos now;
  bool known;  ///< the instrument is; nothing below the holdings may be read otherwise

  const RiskGate::StrategyRow& strategy;
  const Holding& own;   ///< the strategy's holding
  const Holding& firm;  ///< the firm's
  const InstrumentRow* row = nullptr;
  const Limits* limits[4] = {};  ///< by LimitScope

  std::int64_t reference_px = kNoPx;  ///< middle of the book, else the last trade
  std::int64_t valued_px = kNoPx;     ///< what the order is valued at
  std::int64_t remaining = 0;         ///< lots it could still trade
  std::int64_t held_qty = 0;          ///< what the replaced order reserves already
  std::int64_t held_notional = 0;
  std::int64_t extra_qty = 0;  ///< reservation beyond that
  std::int64_t extra_notional = 0;
  std::int64_t notional = 0;  ///< of `remaining`; the maximum where it overflows
  bool exact = true;          ///< no overflow

  // The gate's private state, for the checks.
  [[nodiscard]] bool firm_armed() const noexcept { return gate.armed_; }
  [[nodiscard]] RiskState firm_state() const noexcept { return gate.state_; }
  [[nodiscard]] bool disk_low() const noexcept { return gate.disk_low_; }
  [[nodiscard]] const PositionBook& positions() const noexcept { return *gate.positions_; }
  [[nodiscard]] const OrderTable& orders() const noexcept { return *gate.orders_; }
  [[nodiscard]] const InstrumentRegistry& registry() const noexcept { return *gate.registry_; }
  [[nodiscard]] const RecentOrders& recent() const noexcept { return gate.recent_; }
  [[nodiscard]] bool is_buy() const noexcept { return request.side == Side::BUY; }

  /// Lots by which the position, at its worst end, would not have shrunk towards 0. At most 0
  /// where the order reduces at both ends, counting all that works.
  [[nodiscard]] std::int64_t reduce_excess() const noexcept;

 private:
  void value(const InstrumentRegistry& registry) noexcept;
  void take_reference() noexcept;
};

/// A value against a limit.
struct Measure {
  std::int64_t value = 0;
  std::int64_t limit = 0;
  bool at_least = false;
  bool applies = true;
  LimitScope scope = LimitScope::FIRM;

  [[nodiscard]] constexpr bool passed() const noexcept {
    return at_least ? value >= limit : value <= limit;
  }
};

/// One row of the gate's table.
struct Check {
  DenyReason reason;
  std::string_view name;
  std::string_view unit;
  bool needs_instrument;
  Measure (*measure)(const GateInput&) noexcept;
};

/// 80 % of the rate, rounded up, in 64 bits throughout.
constexpr std::int64_t order_share(std::int64_t rate) noexcept {
  constexpr auto kReserved = 100 - kOrderSharePercent;
  return rate == kUnlimited ? rate : rate - rate / 100 * kReserved - rate % 100 * kReserved / 100;
}

/// The price by which orders are told apart: a limit, else the stop price, else none.
constexpr std::int64_t key_px(OrdType type, std::int64_t price, std::int64_t stop_px) noexcept {
  if (has_limit(type)) return price;
  return has_fixed_stop(type) ? stop_px : 0;
}

/// What makes another order a duplicate of this one.
inline OrderKey key_of(const OrderRequest& request) noexcept {
  return {index(request.strategy),
          index(request.instrument),
          key_px(request.ord_type, request.price, request.stop_px),
          request.order_qty,
          static_cast<std::uint32_t>(request.side),
          static_cast<std::uint32_t>(request.ord_type)};
}

template <class R>
OrderKey key_of_record(const R& record) noexcept {
  const auto type = static_cast<OrdType>(record.ord_type);
  return {record.strategy,  record.instrument, key_px(type, record.price, record.stop_px),
          record.order_qty, record.side,       record.ord_type};
}

inline constexpr Measure kSkip{0, 0, false, false, LimitScope::FIRM};

}  // namespace pitwire
