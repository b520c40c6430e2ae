// Orders that wait for a price at the venue: stops, if touched, trailing.
#include <gtest/gtest.h>

#include "small_venue.hpp"

namespace pitwire {
namespace {

using testing::Lines;
using testing::order;
using testing::Venue;

struct Waiting : Venue {
  /// A trade at this price, events forgotten.
  void print(std::int64_t price) {
    sell(8, 10, price);
    buy(9, 10, price);
    events.take();
  }
  OrderRef waits(std::uint64_t client, Side side, OrdType type, std::int64_t stop_px) {
    auto made = order(client, side, 10, 0);
    made.ord_type = type;
    made.stop_px = stop_px;
    return submit(made);
  }
  [[nodiscard]] bool triggered(std::uint64_t client) {
    const auto word = "triggered " + std::to_string(client) + " ";
    for (const auto& line : events.take()) {
      if (line.starts_with(word)) return true;
    }
    return false;
  }
};

TEST(WaitingOrders, an_order_if_touched_waits_for_its_price_from_the_other_side) {
  Waiting venue;
  venue.print(100);
  venue.waits(1, Side::BUY, OrdType::MARKET_IF_TOUCHED, 95);
  venue.waits(2, Side::SELL, OrdType::MARKET_IF_TOUCHED, 105);
  venue.waits(3, Side::BUY, OrdType::STOP, 105);
  venue.events.take();
  venue.sell(8, 10, 95);
  venue.buy(9, 10, 95);
  EXPECT_TRUE(venue.triggered(1));
  venue.sell(8, 10, 105);
  venue.buy(9, 10, 105);
  const auto lines = venue.events.take();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& line) { return line.starts_with("triggered"); }),
            2);
  venue.waits(4, Side::SELL, OrdType::MARKET_IF_TOUCHED, 105);
  EXPECT_TRUE(venue.triggered(4)) << "touched already";
}

TEST(WaitingOrders, a_trailing_stop_follows_the_trades_and_never_goes_back) {
  Waiting venue;
  venue.print(100);
  auto made = order(1, Side::SELL, 10, 0);
  made.ord_type = OrdType::TRAILING_STOP;
  made.peg_offset = 10;
  const auto ref = venue.submit(made);
  const auto stop = [&] { return venue.engine.find(ref)->stop_px; };
  EXPECT_EQ(stop(), 90);
  for (const auto& [price, expected] :
       {std::pair{110, 100}, std::pair{105, 100}, std::pair{120, 110}, std::pair{115, 110}}) {
    venue.print(price);
    EXPECT_EQ(stop(), expected) << price;
  }
  venue.sell(8, 10, 110);
  venue.buy(9, 10, 110);
  EXPECT_TRUE(venue.triggered(1));
}

TEST(WaitingOrders, every_trade_of_a_sweep_reaches_stops_and_not_only_its_last) {
  Waiting venue;
  venue.print(100);
  venue.waits(1, Side::SELL, OrdType::STOP, 95);
  venue.sell(6, 10, 95);
  venue.sell(7, 10, 105);
  venue.events.take();
  venue.buy(9, 20, 105);
  EXPECT_EQ(venue.events.take(),
            (Lines{"accepted 9 20@105", "traded #2 10@95 passive 6 aggressor 9",
                   "traded #3 10@105 passive 7 aggressor 9", "triggered 1 10@0",
                   "canceled (no liquidity left for a market order) 1 10@0"}));
}

TEST(WaitingOrders, a_trailing_stop_follows_every_trade_of_a_sweep_and_may_be_reached_by_the_next) {
  Waiting venue;
  venue.print(100);
  auto made = order(1, Side::BUY, 10, 0);
  made.ord_type = OrdType::TRAILING_STOP;
  made.peg_offset = 10;
  EXPECT_EQ(venue.engine.find(venue.submit(made))->stop_px, 110);
  venue.sell(6, 10, 95);
  venue.sell(7, 10, 105);
  venue.buy(9, 20, 105);
  EXPECT_TRUE(venue.triggered(1)) << "it came down to 105 with the trade at 95";
}

TEST(WaitingOrders, a_stop_that_waits_is_moved_and_one_that_was_triggered_is_not) {
  Waiting venue;
  venue.print(100);
  const auto ref = venue.waits(1, Side::BUY, OrdType::STOP, 120);
  EXPECT_EQ(venue.engine.replace(venue.now++, ref, 0, 10, venue.events, 110), VenueReject::NONE);
  EXPECT_EQ(venue.engine.replace(venue.now++, ref, 0, 10, venue.events, 111), VenueReject::PRICE);
  venue.events.take();
  venue.sell(8, 10, 110);
  venue.buy(9, 10, 110);
  EXPECT_TRUE(venue.triggered(1));
  auto limit = order(2, Side::BUY, 10, 90);
  limit.ord_type = OrdType::STOP_LIMIT;
  limit.stop_px = 110;
  const auto rests = venue.submit(limit);
  EXPECT_EQ(venue.engine.replace(venue.now++, rests, 90, 10, venue.events, 115),
            VenueReject::TOO_LATE);
  EXPECT_EQ(venue.engine.replace(venue.now++, rests, 85, 10, venue.events, 110), VenueReject::NONE);
}

TEST(WaitingOrders, stops_wait_for_a_trade_and_trigger_in_price_then_time_order) {
  Venue venue;
  venue.offers();
  auto stop = order(7, Side::BUY, 10, 0);
  stop.ord_type = OrdType::STOP;
  stop.stop_px = 105;
  venue.submit(stop);
  stop.client = 8;
  stop.stop_px = 100;
  stop.ord_type = OrdType::STOP_LIMIT;
  stop.price = 100;
  venue.submit(stop);
  venue.events.take();
  venue.buy(9, 10, 100);  // a trade at 100 triggers 8, not 7
  EXPECT_EQ(venue.events.take(),
            (Lines{"accepted 9 10@100", "traded #1 10@100 passive 1 aggressor 9",
                   "triggered 8 10@100", "traded #2 10@100 passive 1 aggressor 8"}));
  venue.buy(9, 90, 105);  // trades through to 105: triggers 7, which takes what is left
  EXPECT_EQ(venue.events.take().back(), "traded #6 10@105 passive 3 aggressor 7");
}

TEST(WaitingOrders, a_waiting_stop_can_be_cancelled) {
  Venue venue;
  venue.offers();
  auto stop = order(7, Side::BUY, 10, 0);
  stop.ord_type = OrdType::STOP;
  stop.stop_px = 100;
  const auto ref = venue.submit(stop);
  EXPECT_EQ(venue.engine.cancel(5, ref, venue.events), VenueReject::NONE);
  venue.events.take();
  venue.buy(9, 10, 100);
  EXPECT_EQ(venue.events.take().size(), 2U);
}

}  // namespace
}  // namespace pitwire
