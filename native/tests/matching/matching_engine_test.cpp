// The venue's rules as tables: what an order of each kind does against a small book.
#include "pitwire/matching/matching_engine.hpp"

#include <gtest/gtest.h>

#include "event_text.hpp"

namespace pitwire {
namespace {

using testing::EventText;
using Lines = std::vector<std::string>;

VenueOrder order(std::uint64_t client, Side side, std::int64_t qty, std::int64_t price) {
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

// ---------------------------------------------------------------- what waits for a price

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

TEST(MatchingEngine, an_order_if_touched_waits_for_its_price_from_the_other_side) {
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

TEST(MatchingEngine, a_trailing_stop_follows_the_trades_and_never_goes_back) {
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

TEST(MatchingEngine, every_trade_of_a_sweep_reaches_stops_and_not_only_its_last) {
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

TEST(MatchingEngine,
     a_trailing_stop_follows_every_trade_of_a_sweep_and_may_be_reached_by_the_next) {
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

TEST(MatchingEngine, a_stop_that_waits_is_moved_and_one_that_was_triggered_is_not) {
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

TEST(MatchingEngine, stops_wait_for_a_trade_and_trigger_in_price_then_time_order) {
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

TEST(MatchingEngine, a_waiting_stop_can_be_cancelled) {
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

TEST(MatchingEngine, impossible_rules_are_refused_at_construction) {
  EXPECT_THROW(MatchingEngine({VenueInstrument{.id = InstrumentId{1}}}, 10), std::invalid_argument);
  EXPECT_THROW(MatchingEngine({VenueInstrument{.tick = 0}}, 10), std::invalid_argument);
  EXPECT_THROW(MatchingEngine({VenueInstrument{}}, 0), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
