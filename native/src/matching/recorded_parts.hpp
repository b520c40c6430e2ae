// What both halves of the recorded matcher use.
#pragma once

#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

/// No slot.
inline constexpr std::uint32_t kNone = 0xffffffffU;

/// Whether price `a` of an order of this side comes before price `b`.
[[nodiscard]] constexpr bool better(Side side, std::int64_t a, std::int64_t b) noexcept {
  return side == Side::BUY ? a > b : a < b;
}

/// The order on the other side of a match with the record: nobody's.
[[nodiscard]] inline VenueOrder anonymous(const VenueOrder& order, std::int64_t px,
                                          std::int64_t qty) noexcept {
  VenueOrder made;
  made.client = ~std::uint64_t{0};
  made.instrument = order.instrument;
  made.side = opposite(order.side);
  made.price = px;
  made.order_qty = qty;
  return made;
}

}  // namespace pitwire
