// The facts of an order, and the state that follows from them.
#pragma once

#include <algorithm>

#include "pitwire/orders/order.hpp"

namespace pitwire {

inline void set(Order& order, OrderFact fact) noexcept {
  order.facts = static_cast<std::uint16_t>(order.facts | static_cast<std::uint16_t>(fact));
}
inline void clear(Order& order, OrderFact fact) noexcept {
  order.facts = static_cast<std::uint16_t>(order.facts & ~static_cast<std::uint16_t>(fact));
}

/// The state of an order that lives by its facts (Rule::LIVE).
inline OrderState live_state(const Order& order) noexcept {
  if (order.is(OrderFact::NOT_SENT)) return OrderState::NOT_SENT;
  if (order.is(OrderFact::HELD)) return OrderState::HELD;
  if (order.closing != OrderState::NONE) {
    return order.cum_qty >= order.venue_cum ? order.closing : OrderState::UNKNOWN;
  }
  const bool may_grow = order.pending_replace != 0 && order.pending_qty > order.cum_qty;
  if (order.leaves_qty == 0 && !may_grow) return OrderState::FILLED;
  if (order.pending_cancel != 0) return OrderState::PENDING_CANCEL;
  if (order.pending_replace != 0) return OrderState::PENDING_REPLACE;
  if (order.is(OrderFact::SUSPENDED)) return OrderState::SUSPENDED;
  if (!order.is(OrderFact::ACKNOWLEDGED)) return OrderState::PENDING_NEW;
  return order.cum_qty > 0 ? OrderState::PARTIALLY_FILLED : OrderState::WORKING;
}

inline void recount_leaves(Order& order) noexcept {
  order.leaves_qty = std::max<std::int64_t>(0, order.order_qty - order.cum_qty);
}

}  // namespace pitwire
