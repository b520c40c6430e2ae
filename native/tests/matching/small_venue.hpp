// A venue of one instrument (tick 5, lot 10), and what happened there as lines.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "event_text.hpp"
#include "pitwire/matching/matching_engine.hpp"

namespace pitwire::testing {

using Lines = std::vector<std::string>;

inline VenueOrder order(std::uint64_t client, Side side, std::int64_t qty, std::int64_t price) {
  VenueOrder made;
  made.client = client;
  made.side = side;
  made.order_qty = qty;
  made.price = price;
  return made;
}

struct Venue {
  EventText events;
  MatchingEngine engine{{VenueInstrument{.tick = 5, .lot = 10, .order_qty_max = 10'000}}, 100};
  Nanos now = 1;

  OrderRef buy(std::uint64_t client, std::int64_t qty, std::int64_t price) {
    return submit(order(client, Side::BUY, qty, price));
  }
  OrderRef sell(std::uint64_t client, std::int64_t qty, std::int64_t price) {
    return submit(order(client, Side::SELL, qty, price));
  }
  OrderRef submit(const VenueOrder& made) { return engine.submit(now++, made, events); }
  VenueReject replace(OrderRef ref, std::int64_t price, std::int64_t qty) {
    return engine.replace(now++, ref, price, qty, events);
  }
  /// Two sells of 50 at 100, one at 105; events forgotten.
  std::array<OrderRef, 3> offers() {
    const std::array made{sell(1, 50, 100), sell(2, 50, 100), sell(3, 50, 105)};
    events.take();
    return made;
  }
};

}  // namespace pitwire::testing
