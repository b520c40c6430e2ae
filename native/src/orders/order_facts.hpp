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
  const bool sliced = order.is(OrderFact::SLICED);
  const auto pending = sliced ? order.slice_base + order.pending_slice_qty : order.pending_qty;
  const bool may_grow = order.pending_replace != 0 && pending > order.cum_qty;
  if (order.leaves_there() == 0 && !may_grow) return OrderState::FILLED;
  if (order.pending_cancel != 0) return OrderState::PENDING_CANCEL;
  if (order.pending_replace != 0) return OrderState::PENDING_REPLACE;
  if (order.is(OrderFact::SUSPENDED)) return OrderState::SUSPENDED;
  if (!order.is(OrderFact::ACKNOWLEDGED)) return OrderState::PENDING_NEW;
  return order.cum_qty > 0 ? OrderState::PARTIALLY_FILLED : OrderState::WORKING;
}

inline void recount_leaves(Order& order) noexcept {
  order.leaves_qty = std::max<std::int64_t>(0, order.order_qty - order.cum_qty);
  // A slice trades whatever else became of the order.
  if (order.slice != 0) order.leaves_qty = std::max(order.leaves_qty, order.leaves_there());
}

inline void keep(Order& order, HeldStatus status, bool idle) noexcept {
  order.held = status;
  set(order, OrderFact::HELD);
  idle ? set(order, OrderFact::IDLE) : clear(order, OrderFact::IDLE);
}

inline void let_go(Order& order) noexcept {
  order.held = HeldStatus::NONE;
  clear(order, OrderFact::HELD);
  clear(order, OrderFact::IDLE);
}

/// The id is of a slice that is over, or of a request that was about it.
inline bool of_earlier_slice(const Order& order, ClOrdId id) noexcept {
  return order.is(OrderFact::SLICED) && id != 0 && id < order.slice_or_end();
}

/// A slice is filled. What a replace asked for that crossed holds for the next slice; a cancel that
/// crossed ends the order, as there is nothing of it at the venue any more.
inline OrderState end_slice(Order& order) noexcept {
  const bool cancel = order.pending_cancel != 0;
  if (order.pending_replace != 0) {
    order.price = order.pending_price;
    order.order_qty = order.pending_qty;
  }
  order.pending_cancel = order.pending_replace = 0;
  order.closing = OrderState::NONE;
  order.slice = 0;
  order.slice_base = order.cum_qty;
  order.slice_qty = 0;
  clear(order, OrderFact::SUSPENDED);
  clear(order, OrderFact::IN_DOUBT);
  recount_leaves(order);
  if (order.leaves_qty == 0) return OrderState::FILLED;
  if (cancel) return OrderState::CANCELED;
  keep(order, HeldStatus::SLICE, false);
  return OrderState::HELD;
}

}  // namespace pitwire
