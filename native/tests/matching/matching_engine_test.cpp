// The venue's rules as tables: what an order of each kind does against a small book.
#include <gtest/gtest.h>

#include "small_venue.hpp"

namespace pitwire {
namespace {

using testing::EventText;
using testing::Lines;
using testing::order;
using testing::Venue;

TEST(MatchingEngine, trades_at_the_passive_price_best_first_then_oldest_first) {
  Venue venue;
  venue.offers();
  venue.buy(9, 120, 105);
  EXPECT_EQ(
      venue.events.take(),
      (Lines{"accepted 9 120@105", "traded #1 50@100 passive 1 aggressor 9",
             "traded #2 50@100 passive 2 aggressor 9", "traded #3 20@105 passive 3 aggressor 9"}));
}

TEST(MatchingEngine, what_does_not_trade_rests) {
  Venue venue;
  venue.offers();
  venue.buy(9, 120, 100);
  EXPECT_EQ(venue.events.take().back(), "rested 9 20@100");
  EXPECT_EQ(venue.engine.ladder(InstrumentId{0}, Side::BUY).best().qty, 20);
}

struct Immediate {
  const char* name;
  OrdType type;
  TimeInForce tif;
  std::int64_t qty;
  std::int64_t price;
  std::size_t trades;
  const char* last;  ///< last event
};

class ImmediateOrders : public ::testing::TestWithParam<Immediate> {};

TEST_P(ImmediateOrders, end_as_the_table_says) {
  const auto& row = GetParam();
  Venue venue;
  venue.offers();
  auto made = order(9, Side::BUY, row.qty, row.price);
  made.ord_type = row.type;
  made.time_in_force = row.tif;
  venue.submit(made);
  const auto lines = venue.events.take();
  const auto trades = std::count_if(lines.begin(), lines.end(),
                                    [](const auto& line) { return line.starts_with("traded"); });
  EXPECT_EQ(static_cast<std::size_t>(trades), row.trades);
  EXPECT_EQ(lines.back(), row.last);
  EXPECT_TRUE(venue.engine.ladder(InstrumentId{0}, Side::BUY).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, ImmediateOrders,
    ::testing::Values(Immediate{"IocPart", OrdType::LIMIT, TimeInForce::IOC, 120, 100, 2,
                                "canceled (immediate-or-cancel remainder) 9 20@100"},
                      Immediate{"IocNothing", OrdType::LIMIT, TimeInForce::IOC, 120, 95, 0,
                                "canceled (immediate-or-cancel remainder) 9 120@95"},
                      Immediate{"IocAll", OrdType::LIMIT, TimeInForce::IOC, 100, 100, 2,
                                "traded #2 50@100 passive 2 aggressor 9"},
                      Immediate{"FokOneTooMany", OrdType::LIMIT, TimeInForce::FOK, 110, 100, 0,
                                "canceled (fill-or-kill not fillable) 9 110@100"},
                      Immediate{"FokExactly", OrdType::LIMIT, TimeInForce::FOK, 100, 100, 2,
                                "traded #2 50@100 passive 2 aggressor 9"},
                      Immediate{"MarketSweeps", OrdType::MARKET, TimeInForce::DAY, 200, 0, 3,
                                "canceled (no liquidity left for a market order) 9 50@0"},
                      Immediate{"MarketFok", OrdType::MARKET, TimeInForce::FOK, 160, 0, 0,
                                "canceled (fill-or-kill not fillable) 9 160@0"}),
    [](const auto& row) { return row.param.name; });

TEST(MatchingEngine, post_only_rests_or_is_rejected) {
  Venue venue;
  venue.offers();
  auto made = order(9, Side::BUY, 10, 100);
  made.post_only = true;
  venue.submit(made);
  EXPECT_EQ(venue.events.take(), (Lines{"rejected 9: post-only order would have traded"}));
  made.price = 95;
  venue.submit(made);
  EXPECT_EQ(venue.events.take(), (Lines{"accepted 9 10@95", "rested 9 10@95"}));
}

TEST(MatchingEngine, self_trade_prevention_cancels_the_newest) {
  Venue venue;
  venue.offers();
  auto mine = order(4, Side::SELL, 50, 105);
  mine.owner = 7;
  venue.submit(mine);
  venue.events.take();
  auto taker = order(9, Side::BUY, 300, 110);
  taker.owner = 7;
  venue.submit(taker);
  const auto lines = venue.events.take();
  EXPECT_EQ(lines.back(), "canceled (self-trade prevention) 9 150@110");
  EXPECT_EQ(lines.size(), 5U);  // accepted, three trades with others, canceled
  EXPECT_EQ(venue.engine.ladder(InstrumentId{0}, Side::SELL).best().qty, 50);
}

TEST(MatchingEngine, fill_or_kill_counts_what_its_own_orders_block_as_absent) {
  Venue venue;
  auto mine = order(1, Side::SELL, 50, 100);
  mine.owner = 7;
  venue.submit(mine);
  venue.sell(2, 50, 100);
  venue.events.take();
  auto taker = order(9, Side::BUY, 50, 100);
  taker.owner = 7;
  taker.time_in_force = TimeInForce::FOK;
  venue.submit(taker);
  EXPECT_EQ(venue.events.take().back(), "canceled (fill-or-kill not fillable) 9 50@100");
}

TEST(MatchingEngine, replace_keeps_priority_only_when_quantity_falls_at_the_same_price) {
  struct Row {
    std::int64_t price, qty;
    std::uint64_t first_filled;
  };
  for (const auto& row :
       {Row{100, 40, 1}, Row{100, 50, 1}, Row{100, 60, 2}, Row{95, 50, 1}, Row{105, 50, 2}}) {
    Venue venue;
    const auto refs = venue.offers();
    ASSERT_EQ(venue.replace(refs[0], row.price, row.qty), VenueReject::NONE);
    venue.events.take();
    venue.buy(9, 10, 105);
    EXPECT_TRUE(venue.events.take()[1].ends_with("passive " + std::to_string(row.first_filled) +
                                                 " aggressor 9"))
        << row.price << " " << row.qty;
  }
}

TEST(MatchingEngine, replace_that_crosses_trades_as_a_new_order) {
  Venue venue;
  venue.offers();
  const auto ref = venue.buy(9, 20, 95);
  venue.events.take();
  EXPECT_EQ(venue.replace(ref, 100, 60), VenueReject::NONE);
  EXPECT_EQ(venue.events.take(),
            (Lines{"replaced 9 60@100", "traded #1 50@100 passive 1 aggressor 9",
                   "traded #2 10@100 passive 2 aggressor 9"}));
  EXPECT_EQ(venue.engine.find(ref), nullptr);
}

TEST(MatchingEngine, refused_replaces_change_nothing) {
  Venue venue;
  const auto refs = venue.offers();
  venue.buy(9, 20, 100);
  EXPECT_EQ(venue.replace(refs[0], 100, 20), VenueReject::TOO_LATE);
  EXPECT_EQ(venue.replace(refs[0], 101, 50), VenueReject::PRICE);
  EXPECT_EQ(venue.replace(refs[0], 100, 55), VenueReject::QUANTITY);
  EXPECT_EQ(venue.replace(refs[0] + 1, 100, 50), VenueReject::UNKNOWN_ORDER);
  EXPECT_EQ(venue.engine.find(refs[0])->leaves_qty, 30);
}

TEST(MatchingEngine, cancel_is_refused_after_the_end) {
  Venue venue;
  const auto refs = venue.offers();
  EXPECT_EQ(venue.engine.cancel(5, refs[1], venue.events), VenueReject::NONE);
  EXPECT_EQ(venue.events.take(), (Lines{"canceled (requested) 2 50@100"}));
  EXPECT_EQ(venue.engine.cancel(6, refs[1], venue.events), VenueReject::UNKNOWN_ORDER);
  EXPECT_EQ(venue.engine.cancel(6, 0, venue.events), VenueReject::UNKNOWN_ORDER);
}

TEST(MatchingEngine, checks_name_what_is_wrong) {
  Venue venue;
  auto bad = order(1, Side::BUY, 10, 100);
  const auto reason = [&venue](const VenueOrder& made) {
    venue.submit(made);
    return venue.events.take().at(0);
  };
  bad.instrument = InstrumentId{1};
  EXPECT_EQ(reason(bad), "rejected 1: unknown instrument");
  EXPECT_EQ(reason(order(1, Side::NONE, 10, 100)), "rejected 1: side is neither buy nor sell");
  for (const std::int64_t qty : {-10, 0, 5, 10'010}) {
    EXPECT_TRUE(reason(order(1, Side::BUY, qty, 100)).starts_with("rejected 1: quantity")) << qty;
  }
  for (const std::int64_t price : {-5, 0, 101}) {
    EXPECT_TRUE(reason(order(1, Side::BUY, 10, price)).starts_with("rejected 1: price")) << price;
  }
  EXPECT_EQ(reason(order(1, Side::BUY, 10'000, 100)), "accepted 1 10000@100");
}

// ---------------------------------------------------------------- icebergs

TEST(MatchingEngine, an_iceberg_shows_a_part_and_the_next_goes_to_the_end_of_its_level) {
  Venue venue;
  auto ice = order(1, Side::SELL, 100, 100);
  ice.display_qty = 30;
  const auto ref = venue.submit(ice);
  venue.sell(2, 50, 100);
  const auto& level = [&] { return venue.engine.ladder(InstrumentId{0}, Side::SELL).best(); };
  EXPECT_EQ(level().qty, 80) << "30 of the iceberg, 50 of the other";
  venue.events.take();
  venue.buy(9, 40, 100);
  EXPECT_EQ(venue.events.take(),
            (Lines{"accepted 9 40@100", "traded #1 30@100 passive 1 aggressor 9", "rested 1 70@100",
                   "traded #2 10@100 passive 2 aggressor 9"}));
  EXPECT_EQ(venue.engine.find(ref), nullptr) << "its next part has another reference";
  EXPECT_EQ(level().qty, 70) << "40 of the other, then 30";
  venue.buy(9, 110, 100);
  const auto lines = venue.events.take();
  EXPECT_EQ(lines.back(), "traded #6 10@100 passive 1 aggressor 9") << "hidden quantity trades";
  EXPECT_TRUE(venue.engine.ladder(InstrumentId{0}, Side::SELL).empty());
}

TEST(MatchingEngine, a_replace_takes_from_what_nobody_sees_first) {
  Venue venue;
  auto ice = order(1, Side::SELL, 100, 100);
  ice.display_qty = 30;
  const auto ref = venue.submit(ice);
  venue.events.take();
  EXPECT_EQ(venue.replace(ref, 100, 50), VenueReject::NONE);
  EXPECT_EQ(venue.replace(ref, 100, 20), VenueReject::NONE);
  EXPECT_EQ(venue.events.take(), (Lines{"reduced by 0 1 50@100", "reduced by 10 1 20@100"}));
  EXPECT_EQ(venue.engine.ladder(InstrumentId{0}, Side::SELL).best().qty, 20);
  EXPECT_EQ(venue.replace(ref, 105, 90), VenueReject::NONE);
  EXPECT_EQ(venue.engine.ladder(InstrumentId{0}, Side::SELL).best().qty, 30);
}

TEST(MatchingEngine, all_of_an_iceberg_counts_for_fill_or_kill_and_none_of_it_may_be_immediate) {
  Venue venue;
  auto ice = order(1, Side::SELL, 100, 100);
  ice.display_qty = 10;
  venue.submit(ice);
  auto all = order(9, Side::BUY, 100, 100);
  all.time_in_force = TimeInForce::FOK;
  venue.submit(all);
  EXPECT_EQ(venue.events.take().back(), "traded #10 10@100 passive 1 aggressor 9");
  ice.time_in_force = TimeInForce::IOC;
  venue.submit(ice);
  EXPECT_TRUE(venue.events.take().back().starts_with("rejected 1: combination"));
}

TEST(MatchingEngine, fill_or_kill_counts_only_what_an_iceberg_shows_before_an_order_of_its_own) {
  Venue venue;
  auto ice = order(1, Side::SELL, 100, 100);
  ice.display_qty = 30;
  venue.submit(ice);
  auto mine = order(2, Side::SELL, 10, 100);
  mine.owner = 7;
  venue.submit(mine);
  venue.events.take();
  auto taker = order(9, Side::BUY, 40, 100);
  taker.owner = 7;
  taker.time_in_force = TimeInForce::FOK;
  venue.submit(taker);
  EXPECT_EQ(venue.events.take(),
            (Lines{"accepted 9 40@100", "canceled (fill-or-kill not fillable) 9 40@100"}))
      << "its next part stands behind the order of the taker's own owner";
  taker.order_qty = 30;
  venue.submit(taker);
  EXPECT_EQ(venue.events.take()[1], "traded #1 30@100 passive 1 aggressor 9");
}

TEST(MatchingEngine, no_more_is_shown_than_there_is) {
  Venue venue;
  auto ice = order(1, Side::SELL, 30, 100);
  for (const auto& [display, said] :
       {std::pair{20, "accepted 1 30@100"}, std::pair{30, "accepted 1 30@100"},
        std::pair{40,
                  "rejected 1: quantity not positive, off the lot, above the maximum or less "
                  "than is to be shown"}}) {
    ice.display_qty = display;
    venue.submit(ice);
    EXPECT_EQ(venue.events.take().front(), said) << display;
  }
}

TEST(MatchingEngine, table_full_is_refused_and_room_is_found_again) {
  EventText events;
  MatchingEngine engine({VenueInstrument{}}, 2);
  const auto first = engine.submit(1, order(1, Side::BUY, 1, 10), events);
  engine.submit(2, order(2, Side::BUY, 1, 10), events);
  EXPECT_EQ(engine.submit(3, order(3, Side::BUY, 1, 10), events), 0U);
  EXPECT_EQ(events.take().back(), "rejected 3: order table is full");
  engine.cancel(4, first, events);
  const auto second = engine.submit(5, order(4, Side::BUY, 1, 10), events);
  EXPECT_NE(second, 0U);
  EXPECT_EQ(engine.find(first), nullptr) << "a stale reference must not find the slot's new order";
}

TEST(MatchingEngine, a_halt_refuses_entry_and_lets_cancels_through) {
  Venue venue;
  const auto refs = venue.offers();
  venue.engine.set_trading(5, InstrumentId{0}, TradingState::HALTED, venue.events);
  venue.buy(9, 10, 100);
  EXPECT_EQ(venue.events.take(), (Lines{"trading 1", "rejected 9: instrument is not trading"}));
  EXPECT_EQ(venue.replace(refs[0], 100, 40), VenueReject::NOT_TRADING);
  EXPECT_EQ(venue.engine.cancel(6, refs[0], venue.events), VenueReject::NONE);
  venue.engine.set_trading(7, InstrumentId{0}, TradingState::TRADING, venue.events);
  venue.events.take();
  venue.buy(9, 10, 100);
  EXPECT_EQ(venue.events.take().back(), "traded #1 10@100 passive 2 aggressor 9");
}

TEST(MatchingEngine, mass_cancel_takes_one_owner_and_one_instrument) {
  EventText events;
  MatchingEngine engine(
      {VenueInstrument{.id = InstrumentId{0}}, VenueInstrument{.id = InstrumentId{1}}}, 10);
  for (std::uint32_t i = 0; i < 4; ++i) {
    auto made = order(i, Side::BUY, 1, 10);
    made.owner = 1 + i % 2;
    made.instrument = InstrumentId{i / 2};
    engine.submit(i, made, events);
  }
  events.take();
  EXPECT_EQ(engine.mass_cancel(9, 1, 1, events), 1U);
  EXPECT_EQ(events.take(), (Lines{"canceled (mass cancel) 2 1@10"}));
  EXPECT_EQ(engine.mass_cancel(9, 2, kNoId, events), 2U);
  EXPECT_EQ(engine.live_orders(), 1U);
}

TEST(MatchingEngine, good_till_date_ends_when_its_time_comes_even_after_a_replace) {
  Venue venue;
  auto made = order(1, Side::BUY, 10, 95);
  made.time_in_force = TimeInForce::GTD;
  made.expire_ts = 100;
  const auto ref = venue.submit(made);
  EXPECT_EQ(venue.replace(ref, 90, 10), VenueReject::NONE);
  venue.events.take();
  venue.engine.expire(99, venue.events);
  EXPECT_TRUE(venue.events.take().empty());
  venue.engine.expire(100, venue.events);
  EXPECT_EQ(venue.events.take(), (Lines{"canceled (expired) 1 10@90"}));
  made.client = 2;
  venue.now = 100;
  venue.submit(made);
  EXPECT_EQ(venue.events.take(), (Lines{"rejected 2: expire time has passed"}));
}

TEST(MatchingEngine, impossible_rules_are_refused_at_construction) {
  EXPECT_THROW(MatchingEngine({VenueInstrument{.id = InstrumentId{1}}}, 10), std::invalid_argument);
  EXPECT_THROW(MatchingEngine({VenueInstrument{.tick = 0}}, 10), std::invalid_argument);
  EXPECT_THROW(MatchingEngine({VenueInstrument{}}, 0), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
