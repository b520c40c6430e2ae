// The queue rules of recorded_matcher.hpp, one test a rule.
#include "pitwire/matching/recorded_matcher.hpp"

#include <gtest/gtest.h>

#include <map>

#include "event_text.hpp"

namespace pitwire {
namespace {

using testing::EventText;
using Lines = std::vector<std::string>;

class MapBook final : public DepthView {
 public:
  std::map<std::int64_t, std::int64_t> bids;
  std::map<std::int64_t, std::int64_t> asks;

  [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept override {
    const auto& levels = side == Side::BUY ? bids : asks;
    const auto at = levels.find(px);
    return at == levels.end() ? 0 : at->second;
  }
  std::size_t levels(Side side, std::span<DepthLevel> out) const noexcept override {
    std::size_t count = 0;
    const auto give = [&](const auto& level) {
      if (count < out.size()) out[count++] = {level.first, level.second};
    };
    if (side == Side::BUY) {
      std::for_each(bids.rbegin(), bids.rend(), give);
    } else {
      std::for_each(asks.begin(), asks.end(), give);
    }
    return count;
  }
};

struct Recorded {
  EventText events;
  MapBook book;
  RecordedMatcher matcher{{VenueInstrument{}}, 8};
  Nanos now = 1;
  static constexpr InstrumentId kOnly{0};

  Recorded() {
    book.bids = {{99, 50}, {100, 30}};
    book.asks = {{102, 40}, {103, 60}};
    matcher.attach(kOnly, &book);
  }
  OrderRef submit(std::uint64_t client, Side side, std::int64_t qty, std::int64_t price,
                  TimeInForce tif = TimeInForce::DAY, OwnerId owner = 1, bool post_only = false) {
    VenueOrder made;
    made.client = client;
    made.owner = owner;
    made.side = side;
    made.order_qty = qty;
    made.price = price;
    made.time_in_force = tif;
    made.post_only = post_only;
    return matcher.submit(now++, made, events);
  }
  void trade(std::int64_t px, std::int64_t qty, Side aggressor) {
    matcher.on_trade(now++, kOnly, px, qty, aggressor, events);
  }
  void changed() { matcher.on_book(now++, kOnly, events); }
};

constexpr auto kNobody = "18446744073709551615";

std::string traded(int number, const std::string& what, const std::string& passive,
                   const std::string& aggressor) {
  return "traded #" + std::to_string(number) + " " + what + " passive " + passive + " aggressor " +
         aggressor;
}

TEST(RecordedMatcher, an_order_waits_for_the_quantity_that_stood_before_it) {
  Recorded run;
  const auto ref = run.submit(1, Side::BUY, 20, 100);
  EXPECT_EQ(run.matcher.ahead(ref), 30);
  run.events.take();
  run.trade(100, 25, Side::SELL);
  EXPECT_EQ(run.matcher.ahead(ref), 5);
  EXPECT_TRUE(run.events.take().empty());
  run.trade(100, 15, Side::SELL);
  EXPECT_EQ(run.events.take(), (Lines{traded(1, "10@100", "1", kNobody)}));
  run.trade(100, 50, Side::SELL);
  EXPECT_EQ(run.events.take(), (Lines{traded(2, "10@100", "1", kNobody)}));
  EXPECT_EQ(run.matcher.find(ref), nullptr);
}

TEST(RecordedMatcher, trades_of_the_other_side_do_not_move_the_queue) {
  Recorded run;
  const auto ref = run.submit(1, Side::BUY, 20, 100);
  run.trade(100, 1000, Side::BUY);
  EXPECT_EQ(run.matcher.ahead(ref), 30);
}

TEST(RecordedMatcher, two_of_ours_share_one_recorded_queue) {
  Recorded run;
  const auto first = run.submit(1, Side::BUY, 10, 100);
  run.book.bids[100] = 45;
  run.changed();
  const auto second = run.submit(2, Side::BUY, 10, 100, TimeInForce::DAY, 2);
  run.events.take();
  EXPECT_EQ(run.matcher.ahead(second), 45);
  run.trade(100, 35, Side::SELL);  // 30 recorded, 5 ours
  EXPECT_EQ(run.events.take(), (Lines{traded(1, "5@100", "1", kNobody)}));
  EXPECT_EQ(run.matcher.ahead(first), 0);
  EXPECT_EQ(run.matcher.ahead(second), 15);
  run.trade(100, 25, Side::SELL);  // 5 ours, 15 recorded, 5 ours
  EXPECT_EQ(run.events.take(),
            (Lines{traded(2, "5@100", "1", kNobody), traded(3, "5@100", "2", kNobody)}));
}

TEST(RecordedMatcher, cancellations_come_from_behind_until_the_book_shows_less) {
  Recorded run;
  const auto ref = run.submit(1, Side::BUY, 20, 100);
  run.book.bids[100] = 60;
  run.changed();
  EXPECT_EQ(run.matcher.ahead(ref), 30);
  run.book.bids[100] = 31;
  run.changed();
  EXPECT_EQ(run.matcher.ahead(ref), 30);
  run.book.bids[100] = 12;
  run.changed();
  EXPECT_EQ(run.matcher.ahead(ref), 12);
}

TEST(RecordedMatcher, a_trade_through_our_price_fills_up_to_its_quantity_at_our_price) {
  Recorded run;
  run.submit(1, Side::BUY, 20, 100);
  run.events.take();
  run.trade(99, 15, Side::SELL);
  EXPECT_EQ(run.events.take(), (Lines{traded(1, "15@100", "1", kNobody)}));
}

TEST(RecordedMatcher, a_book_that_crosses_our_price_fills_us_at_our_price_once) {
  Recorded run;
  run.submit(1, Side::BUY, 20, 101);
  run.events.take();
  run.book.asks[101] = 15;
  run.changed();
  EXPECT_EQ(run.events.take(), (Lines{traded(1, "15@101", "1", kNobody)}));
  run.changed();
  EXPECT_TRUE(run.events.take().empty()) << "the same quantity must not be sold twice";
  run.book.asks[101] = 18;
  run.changed();
  EXPECT_EQ(run.events.take(), (Lines{traded(2, "3@101", "1", kNobody)}));
}

TEST(RecordedMatcher, taking_walks_the_levels_and_remembers_what_it_took) {
  Recorded run;
  run.submit(1, Side::BUY, 50, 103, TimeInForce::IOC);
  EXPECT_EQ(run.events.take(), (Lines{"accepted 1 50@103", traded(1, "40@102", kNobody, "1"),
                                      traded(2, "10@103", kNobody, "1")}));
  run.submit(2, Side::BUY, 60, 103, TimeInForce::IOC);
  EXPECT_EQ(run.events.take(), (Lines{"accepted 2 60@103", traded(3, "50@103", kNobody, "2"),
                                      "canceled (immediate-or-cancel remainder) 2 10@103"}));
  run.book.asks.erase(103);
  run.changed();
  run.book.asks[103] = 5;
  run.changed();
  run.submit(3, Side::BUY, 60, 103, TimeInForce::IOC);
  EXPECT_EQ(run.events.take()[1], traded(4, "5@103", kNobody, "3")) << "a new level is new";
}

TEST(RecordedMatcher, fill_or_kill_and_post_only_look_at_the_recorded_book) {
  Recorded run;
  run.submit(1, Side::BUY, 101, 103, TimeInForce::FOK);
  EXPECT_EQ(run.events.take().back(), "canceled (fill-or-kill not fillable) 1 101@103");
  run.submit(2, Side::BUY, 10, 102, TimeInForce::DAY, 1, true);
  EXPECT_EQ(run.events.take().back(), "rejected 2: post-only order would have traded");
  run.submit(3, Side::BUY, 100, 103, TimeInForce::FOK);
  EXPECT_EQ(run.events.take().back(), traded(2, "60@103", kNobody, "3"));
}

TEST(RecordedMatcher, our_own_orders_do_not_trade_with_each_other) {
  Recorded run;
  run.submit(1, Side::SELL, 10, 101);
  run.submit(2, Side::BUY, 10, 101);
  EXPECT_EQ(run.events.take().back(), "canceled (self-trade prevention) 2 10@101");
  run.submit(3, Side::BUY, 10, 101, TimeInForce::DAY, 2);
  EXPECT_EQ(run.events.take().back(), traded(1, "10@101", "1", "3"));
}

TEST(RecordedMatcher, replace_keeps_the_place_only_for_less_at_the_same_price) {
  Recorded run;
  auto ref = run.submit(1, Side::BUY, 20, 100);
  run.trade(100, 25, Side::SELL);
  EXPECT_EQ(run.matcher.replace(9, ref, 100, 10, run.events), VenueReject::NONE);
  EXPECT_EQ(run.matcher.ahead(ref), 5);
  EXPECT_EQ(run.matcher.replace(9, ref, 100, 30, run.events), VenueReject::NONE);
  EXPECT_EQ(run.matcher.find(ref), nullptr);
  EXPECT_EQ(run.events.take().back(), "rested 1 30@100");
}

TEST(RecordedMatcher, a_stop_triggers_by_recorded_trades) {
  Recorded run;
  VenueOrder stop;
  stop.client = 1;
  stop.side = Side::BUY;
  stop.ord_type = OrdType::STOP;
  stop.stop_px = 103;
  stop.order_qty = 10;
  run.matcher.submit(1, stop, run.events);
  run.trade(102, 5, Side::BUY);
  run.events.take();
  run.trade(103, 5, Side::BUY);
  EXPECT_EQ(run.events.take(), (Lines{"triggered 1 10@0", traded(1, "10@102", kNobody, "1")}));
}

}  // namespace
}  // namespace pitwire
