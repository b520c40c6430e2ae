// Orders of every kind that a venue works, for one instrument whose prices wander.
#pragma once

#include <algorithm>
#include <array>
#include <random>

#include "pitwire/matching/venue_order.hpp"

namespace pitwire::testing {

class RandomOrders {
 public:
  explicit RandomOrders(std::uint64_t seed) : random_(seed) {}

  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }
  std::int64_t price() { return middle_ - 10 + below(21); }
  template <class Of>
  auto one(const Of& of) {
    return of[static_cast<std::size_t>(below(static_cast<std::int64_t>(of.size())))];
  }

  /// The next, of the next client number; some cannot be.
  VenueOrder order(Nanos now) {
    constexpr std::array kTimes{TimeInForce::DAY, TimeInForce::DAY, TimeInForce::DAY,
                                TimeInForce::GTC, TimeInForce::GTD, TimeInForce::IOC,
                                TimeInForce::FOK};
    constexpr std::array kTypes{OrdType::LIMIT,        OrdType::LIMIT,
                                OrdType::LIMIT,        OrdType::LIMIT,
                                OrdType::LIMIT,        OrdType::LIMIT,
                                OrdType::MARKET,       OrdType::STOP,
                                OrdType::STOP_LIMIT,   OrdType::MARKET_IF_TOUCHED,
                                OrdType::TRAILING_STOP};
    if (below(40) == 0) middle_ = std::clamp<std::int64_t>(middle_ + below(3) - 1, 60, 200);
    VenueOrder order;
    order.client = ++client_;
    order.owner = static_cast<OwnerId>(below(4));
    order.side = below(2) == 0 ? Side::BUY : Side::SELL;
    order.ord_type = one(kTypes);
    order.time_in_force = one(kTimes);
    order.post_only = below(8) == 0;
    order.price = is_market(order.ord_type) ? 0 : price();
    order.order_qty = below(40);                       // 0 is refused
    order.display_qty = below(3) == 0 ? below(8) : 0;  // more than the quantity is refused
    if (order.ord_type == OrdType::TRAILING_STOP) {
      order.peg_offset_type = below(2) == 0 ? PegOffsetType::PRICE : PegOffsetType::BASIS_POINTS;
      order.peg_offset = order.peg_offset_type == PegOffsetType::PRICE ? below(10) : below(1'000);
    } else if (is_stop(order.ord_type)) {
      order.stop_px = price();
    }
    order.expire_ts = now + below(300) - 3;  // some are in the past
    return order;
  }

 private:
  std::mt19937_64 random_;
  std::int64_t middle_ = 100;  ///< of the prices drawn
  std::uint64_t client_ = 0;
};

}  // namespace pitwire::testing
