// What clients hear: the table on top of order_gateway.hpp, and the simulated venue's records and
// latency.
#include <gtest/gtest.h>

#include <cstring>

#include "pitwire/matching/matching_engine.hpp"
#include "pitwire/matching/order_gateway.hpp"
#include "pitwire/matching/simulated_venue.hpp"

namespace pitwire {
namespace {

constexpr SessionId kFirst{0};
constexpr SessionId kSecond{1};

struct Heard final : ReportSink {
  std::vector<VenueReport> reports;
  std::vector<VenueCancelReject> rejects;
  std::vector<VenueMassCancelReport> mass;
  std::vector<VenueHoldings> holdings;
  void execution(const VenueReport& report) override { reports.push_back(report); }
  void cancel_rejected(const VenueCancelReject& reject) override { rejects.push_back(reject); }
  void mass_cancel_done(const VenueMassCancelReport& report) override { mass.push_back(report); }
  void positions(const VenueHoldings& answer) override { holdings.push_back(answer); }
  VenueReport last() const { return reports.back(); }
};

VenueRequest new_order(SessionId session, ClOrdId id, Side side, std::int64_t qty,
                       std::int64_t price) {
  VenueRequest request;
  request.session = session;
  request.cl_ord_id = id;
  request.side = side;
  request.order_qty = qty;
  request.price = price;
  return request;
}

struct Fixture {
  Heard heard;
  MatchingEngine engine{{VenueInstrument{}}, 16};
  OrderGateway gateway{engine, {fees()}, 16, heard};

  static FeeSchedule fees() {
    FeeSchedule schedule;  // price 0.01, quantity 1, fee unit 1e-4
    schedule.price_increment = {1, -2};
    schedule.fee_exponent = -4;
    schedule.maker_rate_e8 = -2'000;  // -0.2 basis points
    schedule.taker_rate_e8 = 30'000;  // 3 basis points
    return schedule;
  }
  void submit(SessionId session, ClOrdId id, Side side, std::int64_t qty, std::int64_t price) {
    gateway.handle(++now, new_order(session, id, side, qty, price));
  }
  void change(RequestKind kind, SessionId session, ClOrdId id, ClOrdId orig, Side side = Side::BUY,
              std::int64_t qty = 0, std::int64_t price = 0) {
    auto request = new_order(session, id, side, qty, price);
    request.kind = kind;
    request.orig_cl_ord_id = orig;
    gateway.handle(++now, request);
  }
  Nanos now = 0;
};

TEST(OrderGateway, both_sides_hear_of_a_trade_with_their_own_fee_and_liquidity) {
  Fixture run;
  run.submit(kFirst, 11, Side::SELL, 100, 10'050);
  run.submit(kSecond, 21, Side::BUY, 150, 10'060);
  ASSERT_EQ(run.heard.reports.size(), 4U);
  const auto& maker = run.heard.reports[2];
  const auto& taker = run.heard.reports[3];
  EXPECT_EQ(maker.cl_ord_id, 11U);
  EXPECT_EQ(maker.ord_status, OrdStatus::FILLED);
  EXPECT_FALSE(maker.aggressor);
  EXPECT_EQ(maker.fee, -2'010);  // 10050.00 x -0.00002 = -0.2010
  EXPECT_EQ(taker.cl_ord_id, 21U);
  EXPECT_EQ(taker.exec_type, ExecType::TRADE);
  EXPECT_EQ(taker.ord_status, OrdStatus::PARTIALLY_FILLED);
  EXPECT_EQ(taker.leaves_qty, 50);
  EXPECT_EQ(taker.cum_notional, 1'005'000);
  EXPECT_TRUE(taker.aggressor);
  EXPECT_EQ(taker.fee, 30'150);
  EXPECT_EQ(maker.match_number, taker.match_number);
  EXPECT_NE(maker.exec_id, taker.exec_id);
}

TEST(OrderGateway, replaces_chain_and_every_name_finds_the_order) {
  Fixture run;
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.change(RequestKind::REPLACE, kFirst, 2, 1, Side::BUY, 80, 50);
  EXPECT_EQ(run.heard.last().exec_type, ExecType::REPLACED);
  EXPECT_EQ(run.heard.last().cl_ord_id, 2U);
  EXPECT_EQ(run.heard.last().orig_cl_ord_id, 1U);
  run.change(RequestKind::REPLACE, kFirst, 3, 2, Side::BUY, 90, 51);
  run.change(RequestKind::STATUS, kFirst, 1, 0);
  EXPECT_EQ(run.heard.last().cl_ord_id, 3U);
  EXPECT_EQ(run.heard.last().price, 51);
  run.change(RequestKind::CANCEL, kFirst, 4, 3);
  EXPECT_EQ(run.heard.last().exec_type, ExecType::CANCELED);
  EXPECT_EQ(run.heard.last().cl_ord_id, 4U);
  EXPECT_EQ(run.heard.last().orig_cl_ord_id, 3U);
  EXPECT_EQ(run.heard.last().leaves_qty, 0);
}

TEST(OrderGateway, refused_changes_say_what_the_order_is) {
  Fixture run;
  run.change(RequestKind::CANCEL, kFirst, 2, 1);
  EXPECT_EQ(run.heard.rejects.back().reason, 1);  // unknown order
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.change(RequestKind::CANCEL, kSecond, 3, 1);
  EXPECT_EQ(run.heard.rejects.back().reason, 1) << "another session's order is unknown";
  run.submit(kSecond, 1, Side::SELL, 100, 50);
  run.change(RequestKind::CANCEL, kFirst, 2, 1);
  EXPECT_EQ(run.heard.rejects.back().reason, 0);  // too late
  EXPECT_EQ(run.heard.rejects.back().ord_status, OrdStatus::FILLED);
  run.change(RequestKind::REPLACE, kFirst, 2, 1, Side::BUY, 10, 50);
  EXPECT_EQ(run.heard.rejects.back().response_to, 2);
}

TEST(OrderGateway, a_replace_states_again_what_it_cannot_change) {
  Fixture run;
  auto ice = new_order(kFirst, 11, Side::SELL, 100, 10'050);
  ice.display_qty = 30;
  run.gateway.handle(++run.now, ice);
  auto trail = new_order(kFirst, 12, Side::SELL, 5, 0);
  trail.ord_type = OrdType::TRAILING_STOP;
  trail.peg_offset = 25;
  run.gateway.handle(++run.now, trail);
  ClOrdId next = 20;
  const auto refused = [&](VenueRequest request, ClOrdId orig) {
    const auto before = run.heard.rejects.size();
    request.kind = RequestKind::REPLACE;
    request.cl_ord_id = ++next;
    request.orig_cl_ord_id = orig;
    run.gateway.handle(++run.now, request);
    if (run.heard.rejects.size() == before) return std::string();
    EXPECT_EQ(run.heard.rejects.back().reason, 2);
    return std::string(run.heard.rejects.back().text);
  };
  const std::string kind =
      "combination of order type, time in force and instructions not supported";
  ice.display_qty = 20;
  EXPECT_EQ(refused(ice, 11), kind);
  ice.order_qty = 20;
  EXPECT_EQ(refused(ice, 11), "") << "all of it, which is less than what was shown at a time";
  EXPECT_EQ(run.heard.last().leaves_qty, 20);
  trail.order_qty = 4;
  EXPECT_EQ(refused(trail, 12), "");
  trail.peg_offset = 26;
  EXPECT_EQ(refused(trail, next), kind);
  trail.peg_offset = 25;
  trail.peg_offset_type = PegOffsetType::BASIS_POINTS;
  EXPECT_EQ(refused(trail, next - 1), kind);
}

TEST(OrderGateway, a_known_cl_ord_id_is_a_duplicate_or_when_resent_a_question) {
  Fixture run;
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  EXPECT_EQ(run.heard.last().exec_type, ExecType::REJECTED);
  EXPECT_EQ(run.heard.last().reject_reason, 6U);
  auto again = new_order(kFirst, 1, Side::BUY, 100, 50);
  again.poss_resend = true;
  run.gateway.handle(9, again);
  EXPECT_EQ(run.heard.last().exec_type, ExecType::ORDER_STATUS);
  EXPECT_EQ(run.heard.last().ord_status, OrdStatus::NEW);
  EXPECT_EQ(run.engine.live_orders(), 1U);
}

TEST(OrderGateway, status_of_an_unknown_order_is_rejected_as_unknown) {
  Fixture run;
  run.change(RequestKind::STATUS, kFirst, 77, 0);
  EXPECT_EQ(run.heard.last().ord_status, OrdStatus::REJECTED);
  EXPECT_EQ(run.heard.last().reject_reason, 5U);
}

TEST(OrderGateway, a_broken_connection_cancels_only_its_own_session) {
  Fixture run;
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.submit(kFirst, 2, Side::BUY, 100, 49);
  run.submit(kSecond, 1, Side::BUY, 100, 48);
  run.gateway.cancel_all(9, kFirst);
  EXPECT_EQ(run.engine.live_orders(), 1U);
  EXPECT_TRUE(run.heard.last().unsolicited);
}

TEST(OrderGateway, mass_cancel_reports_each_order_and_the_count) {
  Fixture run;
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.submit(kFirst, 2, Side::BUY, 100, 49);
  auto request = new_order(kFirst, 3, Side::NONE, 0, 0);
  request.kind = RequestKind::MASS_CANCEL;
  request.instrument = InstrumentId{kNoId};
  run.gateway.handle(9, request);
  EXPECT_EQ(run.heard.mass.back().affected, 2U);
  EXPECT_EQ(run.heard.last().cl_ord_id, 2U);
  EXPECT_EQ(run.engine.live_orders(), 0U);
}

TEST(OrderGateway, the_status_of_all_is_every_order_of_the_session_that_works_and_the_count) {
  Fixture run;
  run.submit(kFirst, 1, Side::BUY, 100, 50);
  run.submit(kFirst, 2, Side::BUY, 100, 49);
  run.submit(kFirst, 3, Side::BUY, 100, 48);
  run.submit(kSecond, 1, Side::BUY, 100, 47);
  run.change(RequestKind::CANCEL, kFirst, 9, 2);
  auto request = new_order(kFirst, 0x51, Side::NONE, 0, 0);
  request.kind = RequestKind::MASS_STATUS;
  const auto before = run.heard.reports.size();
  run.gateway.handle(9, request);
  ASSERT_EQ(run.heard.reports.size(), before + 2);
  EXPECT_EQ(run.heard.reports[before].cl_ord_id, 1U);
  EXPECT_EQ(run.heard.reports[before].mass_reports, 2U);
  EXPECT_FALSE(run.heard.reports[before].mass_last);
  EXPECT_EQ(run.heard.last().cl_ord_id, 3U);
  EXPECT_EQ(run.heard.last().mass_request, 0x51U);
  EXPECT_TRUE(run.heard.last().mass_last);
  run.gateway.cancel_all(9, kFirst);
  run.gateway.handle(9, request);
  EXPECT_EQ(run.heard.last().mass_reports, 0U);
  EXPECT_TRUE(run.heard.last().mass_last);
}

TEST(OrderGateway, forgets_only_ended_orders_and_never_more_than_it_must) {
  Fixture run;  // 16 places
  run.submit(kFirst, 1, Side::BUY, 1, 10);
  for (ClOrdId id = 2; id <= 1000; ++id) {
    run.submit(kFirst, id, Side::BUY, 1, 9);
    run.change(RequestKind::CANCEL, kFirst, 10'000 + id, id);
  }
  run.change(RequestKind::STATUS, kFirst, 1, 0);
  EXPECT_EQ(run.heard.last().ord_status, OrdStatus::NEW);
  run.change(RequestKind::STATUS, kFirst, 1000, 0);
  EXPECT_EQ(run.heard.last().ord_status, OrdStatus::CANCELED);
  run.change(RequestKind::STATUS, kFirst, 900, 0);
  EXPECT_EQ(run.heard.last().reject_reason, 5U);
}

TEST(OrderGateway, a_full_table_rejects) {
  Fixture run;
  for (ClOrdId id = 1; id <= 17; ++id) run.submit(kFirst, id, Side::BUY, 1, 10);
  EXPECT_EQ(run.heard.last().exec_type, ExecType::REJECTED);
  EXPECT_EQ(run.engine.live_orders(), 16U);
}

TEST(Fees, are_exact_and_round_half_away_from_zero) {
  FeeSchedule linear;
  linear.fee_exponent = 0;
  linear.taker_rate_e8 = 50'000'000;  // one half
  EXPECT_EQ(linear.fee(1, 1, true), 1);
  EXPECT_EQ(linear.fee(1, 4, true), 2);
  linear.taker_rate_e8 = -50'000'000;
  EXPECT_EQ(linear.fee(1, 3, true), -2);
  FeeSchedule inverse;  // COIN-M ETHUSD: contract of 10 USD, price 0.01, fee unit 1e-8 ETH
  inverse.product = ProductType::INVERSE;
  inverse.price_increment = {1, -2};
  inverse.multiplier = {10, 0};
  inverse.taker_rate_e8 = 50'000;                      // 0.05 %
  EXPECT_EQ(inverse.fee(268'217, 100, true), 18'642);  // 1000 / 2682.17 x 0.0005 = 0.000186416...
  FeeSchedule huge;
  huge.taker_rate_e8 = 100'000'000;
  huge.fee_exponent = -18;
  EXPECT_EQ(huge.fee(std::int64_t{1} << 50, std::int64_t{1} << 50, true),
            std::numeric_limits<std::int64_t>::max());
}

TEST(OrderGateway, does_on_command_what_no_request_asked_for) {
  Fixture f;
  const auto provoke = [&](Provocation kind, ClOrdId id, std::int64_t price, std::int64_t qty,
                           std::uint64_t exec_id = 0) {
    return f.gateway.provoke(++f.now,
                             {kind, kFirst, id, InstrumentId{0}, Side::BUY, price, qty, exec_id});
  };
  f.submit(kFirst, 1, Side::BUY, 10, 100);
  EXPECT_TRUE(provoke(Provocation::RESTATE, 1, 0, 6));
  EXPECT_EQ(f.heard.last().exec_type, ExecType::RESTATED);
  EXPECT_EQ(f.heard.last().order_qty, 6);
  EXPECT_EQ(f.heard.last().orig_cl_ord_id, 0U);
  f.submit(kSecond, 1, Side::SELL, 2, 100);
  const auto trade = f.heard.reports[f.heard.reports.size() - 2].exec_id;
  EXPECT_TRUE(provoke(Provocation::CORRECT, 0, 99, 3, trade));
  EXPECT_EQ(f.heard.last().exec_type, ExecType::TRADE_CORRECT);
  EXPECT_EQ(f.heard.last().exec_ref, trade);
  EXPECT_EQ(f.heard.last().cum_qty, 3);
  EXPECT_FALSE(provoke(Provocation::BUST, 0, 0, 0, trade)) << "it is not what happened any more";
  EXPECT_TRUE(provoke(Provocation::BUST, 0, 0, 0, f.heard.last().exec_id));
  EXPECT_EQ(f.heard.last().exec_type, ExecType::TRADE_CANCEL);
  EXPECT_EQ(f.heard.last().cum_qty, 0);
  EXPECT_TRUE(provoke(Provocation::DONE_FOR_DAY, 1, 0, 0));
  EXPECT_EQ(f.heard.last().ord_status, OrdStatus::DONE_FOR_DAY);
  EXPECT_FALSE(provoke(Provocation::CANCEL, 1, 0, 0)) << "nothing of it is left";
  EXPECT_TRUE(provoke(Provocation::OVERFILL, 1, 0, 7));
  EXPECT_TRUE(provoke(Provocation::TRADE, 99, 100, 5));
  EXPECT_EQ(f.heard.last().cl_ord_id, 99U);
  f.change(RequestKind::POSITIONS, kFirst, 77, 0);
  EXPECT_EQ(f.heard.holdings.back().positions.at(0).net_qty, 7 + 5);
  EXPECT_EQ(f.engine.live_orders(), 0U);
}

TEST(OrderGateway, positions_are_the_sums_of_a_sessions_trades_also_of_earlier_runs) {
  Fixture f;
  f.gateway.remember(kFirst, InstrumentId{0}, 3, 99);
  f.submit(kSecond, 1, Side::SELL, 10, 100);
  f.submit(kFirst, 1, Side::BUY, 4, 100);
  f.change(RequestKind::POSITIONS, kFirst, 77, 0);
  f.change(RequestKind::POSITIONS, kSecond, 78, 0);
  f.submit(kSecond, 2, Side::BUY, 4, 90);
  f.submit(kFirst, 2, Side::SELL, 7, 90);
  f.change(RequestKind::POSITIONS, kFirst, 79, 0);
  ASSERT_EQ(f.heard.holdings.size(), 3U);
  EXPECT_EQ(f.heard.holdings[0].request, 77U);
  EXPECT_EQ(f.heard.holdings[0].positions,
            (std::vector<ClientPosition>{{InstrumentId{0}, 7, 100}}));
  EXPECT_EQ(f.heard.holdings[1].positions,
            (std::vector<ClientPosition>{{InstrumentId{0}, -4, 100}}));
  EXPECT_EQ(f.heard.holdings[2].positions, (std::vector<ClientPosition>{{InstrumentId{0}, 3, 90}}));
  EXPECT_EQ(f.heard.holdings[2].session, kFirst);
}

// ---------------------------------------------------------------- simulated venue

struct Records final : VenueReportSink {
  std::vector<rec::Execution> executions;
  std::vector<rec::CancelRejected> rejects;
  void report(SessionId, RecordType type, std::span<const std::byte> payload) override {
    if (type == RecordType::EXECUTION) {
      std::memcpy(&executions.emplace_back(), payload.data(), sizeof(rec::Execution));
    } else {
      std::memcpy(&rejects.emplace_back(), payload.data(), sizeof(rec::CancelRejected));
    }
  }
};

struct OneLevel final : DepthView {
  std::int64_t ask_qty = 10;
  [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept override {
    return side == Side::SELL && px == 101 ? ask_qty : 0;
  }
  std::size_t levels(Side side, std::span<DepthLevel> out) const noexcept override {
    if (side == Side::BUY || ask_qty == 0 || out.empty()) return 0;
    out[0] = {101, ask_qty};
    return 1;
  }
};

SimulatedVenueConfig venue_config() {
  SimulatedVenueConfig config;
  config.instruments.resize(1);
  config.latency_in = {100, 0};
  config.latency_out = {50, 0};
  return config;
}

template <class Record>
bool send(SimulatedVenue& venue, Nanos now, const Record& record) {
  return venue.on_request(now, Record::kType, std::as_bytes(std::span(&record, 1)));
}

rec::OrderSubmitted submitted(ClOrdId id, std::int64_t qty, std::int64_t price) {
  rec::OrderSubmitted order;
  order.cl_ord_id = id;
  order.session = 3;
  order.side = static_cast<std::uint8_t>(Side::BUY);
  order.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  order.price = price;
  order.order_qty = qty;
  return order;
}

TEST(SimulatedVenue, matches_at_the_book_of_arrival_and_reports_after_the_way_out) {
  SimulatedVenue venue(venue_config());
  OneLevel book;
  venue.attach(InstrumentId{0}, &book);
  Records out;
  ASSERT_TRUE(send(venue, 1'000, submitted(7, 4, 101)));
  EXPECT_EQ(venue.next_deadline(), 1'100);
  book.ask_qty = 3;  // changed while the order was under way
  EXPECT_EQ(venue.poll(1'099, out), 0U);
  EXPECT_EQ(venue.poll(1'100, out), 0U);
  EXPECT_EQ(venue.next_deadline(), 1'150);
  EXPECT_EQ(venue.poll(1'150, out), 2U);
  EXPECT_EQ(out.executions[1].last_qty, 3);
  EXPECT_EQ(out.executions[1].transact_time, 1'100);
  EXPECT_EQ(out.executions[1].session, 3U);
  EXPECT_EQ(out.executions[1].fee, std::numeric_limits<std::int64_t>::min());
  EXPECT_STREQ(out.executions[1].exec_id.data(), "SIM2");
  venue.on_trade(2'000, InstrumentId{0}, 101, 5, Side::SELL);
  EXPECT_EQ(venue.poll(2'050, out), 1U);
  EXPECT_EQ(out.executions[2].ord_status, static_cast<std::uint8_t>(OrdStatus::FILLED));
}

TEST(SimulatedVenue, refuses_payloads_that_are_no_requests) {
  SimulatedVenue venue(venue_config());
  const rec::OrderSubmitted order;
  const auto bytes = std::as_bytes(std::span(&order, 1));
  EXPECT_FALSE(venue.on_request(1, RecordType::EXECUTION, bytes));
  EXPECT_FALSE(venue.on_request(1, RecordType::ORDER_SUBMITTED, bytes.first(71)));
  auto config = venue_config();
  config.exec_id_prefix = "12345678901234567";
  EXPECT_THROW(SimulatedVenue{config}, std::invalid_argument);
}

TEST(SimulatedVenue, random_rejects_come_as_often_as_configured_and_the_same_by_seed) {
  auto config = venue_config();
  config.rejects_per_million = 250'000;
  const auto rejects = [&config] {
    SimulatedVenue venue(config);
    Records out;
    for (ClOrdId id = 1; id <= 1'000; ++id) {
      EXPECT_TRUE(send(venue, static_cast<Nanos>(id), submitted(id, 1, 50)));
    }
    venue.poll(10'000, out);
    std::vector<ClOrdId> refused;
    for (const auto& report : out.executions) {
      if (report.exec_type == static_cast<std::uint8_t>(ExecType::REJECTED)) {
        refused.push_back(report.cl_ord_id);
      }
    }
    return refused;
  };
  const auto first = rejects();
  EXPECT_EQ(first, rejects());
  EXPECT_NEAR(static_cast<double>(first.size()), 250, 60);
  config.seed = 2;
  EXPECT_NE(first, rejects());
}

}  // namespace
}  // namespace pitwire
