// What passes beside QuickFIX is what QuickFIX would have made of it, byte for byte.
#include <Message.h>
#include <gtest/gtest.h>

#include "../../src/fix/store.hpp"
#include "../random.hpp"
#include "damage.hpp"
#include "pair.hpp"

namespace pitwire::testing {
namespace {

std::int64_t up_to(Random& random, std::uint64_t most) {
  return static_cast<std::int64_t>(random() % (most + 1));
}

class Beside : public ::testing::TestWithParam<std::string> {
 protected:
  /// Two pairs alike; messages to the second go through QuickFIX.
  Pair beside{GetParam()}, through{GetParam()};

  void SetUp() override {
    for (Pair* pair : {&beside, &through}) {
      pair->firm_sink = pair->venue_sink = {};
      pair->build();
      pair->connect();
      ASSERT_TRUE(pair->firm->logged_on() && pair->venue->logged_on());
    }
  }
  void pass(Nanos by) {
    beside.now += by;
    through.now += by;
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, Beside, ::testing::Values("FIX.4.2", "FIX.4.4"),
                         [](const auto& version) {
                           return version.param == "FIX.4.2" ? "FIX42" : "FIX44";
                         });

FixExecution random_report(Random& random) {
  constexpr ExecType kTypes[]{ExecType::NEW,      ExecType::TRADE,        ExecType::CANCELED,
                              ExecType::REPLACED, ExecType::REJECTED,     ExecType::ORDER_STATUS,
                              ExecType::EXPIRED,  ExecType::TRADE_CANCEL, ExecType::PENDING_CANCEL};
  constexpr OrdStatus kStatus[]{OrdStatus::NEW, OrdStatus::PARTIALLY_FILLED, OrdStatus::FILLED,
                                OrdStatus::CANCELED, OrdStatus::REJECTED};
  auto out = report(1 + random() % 1'000'000, kTypes[random() % std::size(kTypes)],
                    kStatus[random() % std::size(kStatus)]);
  out.instrument = InstrumentId{random() % 2 == 0 ? 0U : 7U};
  out.side = random() % 2 == 0 ? Side::BUY : Side::SELL;
  out.ord_type = random() % 8 == 0 ? OrdType::STOP_LIMIT : OrdType::LIMIT;
  out.orig_cl_ord_id = random() % 3 == 0 ? random() % 99 : 0;
  out.price = up_to(random, 1'000'000);
  out.stop_px = up_to(random, 1'000'000);
  out.order_qty = 1 + up_to(random, 1'000'000);
  out.cum_qty = up_to(random, 1'000);
  out.cum_notional = out.cum_qty * out.price + up_to(random, 3);
  out.leaves_qty = up_to(random, 1'000);
  out.last_px = up_to(random, 1'000'000);
  out.last_qty = 1 + up_to(random, 1'000);
  out.fee = random() % 2 == 0 ? kNoFee : up_to(random, 200) - 100;
  out.aggressor = random() % 2 == 0;
  out.reject_reason = static_cast<std::uint32_t>(random() % 4);
  out.exec_ref_id = random() % 5 == 0 ? "E0" : "";
  out.text = random() % 5 == 0 ? "said so" : "";
  return out;
}

rec::OrderSubmitted random_order(Random& random) {
  auto out = buy(1 + random() % 1'000'000, up_to(random, 99'999), 1 + up_to(random, 999));
  out.instrument = random() % 2 == 0 ? 0 : 7;
  out.side = static_cast<std::uint8_t>(1 + random() % 2);
  out.ord_type = static_cast<std::uint8_t>(1 + random() % 4);
  out.time_in_force = static_cast<std::uint8_t>(random() % 3 == 0 ? 3 : 0);
  out.stop_px = up_to(random, 99'999);
  out.flags = static_cast<std::uint8_t>(random() % 2);
  return out;
}

TEST_P(Beside, WhatWeWriteIsWhatQuickFixWouldWrite) {
  Random random(seed_of_run());
  for (int i = 0; i < 500; ++i) {
    pass(up_to(random, 20) * kMillisecond + up_to(random, 999));
    ASSERT_TRUE(beside.firm->send_order(beside.now, random_order(random)));
    ASSERT_TRUE(beside.venue->send_execution(beside.now, random_report(random)));
    for (const auto* sink : {&beside.firm_sink, &beside.venue_sink}) {
      const auto& text = sink->sent.back().text;
      ASSERT_EQ(shown(FIX::Message(text, false).toString()), shown(text));
    }
    beside.firm_sink.wire.clear();
    beside.venue_sink.wire.clear();
  }
  EXPECT_GT(beside.firm->traffic().out_beside, 400U);
  EXPECT_GT(beside.venue->traffic().out_beside, 400U);
}

TEST_P(Beside, AReportIsTheSameRecordEitherWay) {
  Random random(seed_of_run());
  for (int i = 0; i < 2'000; ++i) {
    pass(up_to(random, 5) * kMillisecond);
    ASSERT_TRUE(beside.venue->send_execution(beside.now, random_report(random)));
    const auto text = beside.venue_sink.sent.back().text;
    beside.firm->received(beside.now, 1, text);
    through.firm->received(through.now, 1, through_quickfix(GetParam(), text));
  }
  expect_same(beside.firm_sink, through.firm_sink);
  EXPECT_EQ(beside.firm->state(), through.firm->state());
  EXPECT_EQ(beside.firm_sink.executions.size(), 2'000U);
  EXPECT_GT(beside.firm->traffic().in_beside, 1'500U);
  EXPECT_EQ(through.firm->traffic().in_beside, 0U);
}

TEST_P(Beside, ADamagedReportMeetsTheSameRules) {
  Random random(seed_of_run());
  for (int i = 0; i < 2'000; ++i) {
    SetUp();
    beside.firm_sink = through.firm_sink = {};
    ASSERT_TRUE(beside.venue->send_execution(beside.now, random_report(random)));
    const auto text = damaged(random, GetParam(), beside.venue_sink.sent.back().text);
    SCOPED_TRACE(shown(text));
    beside.firm->received(beside.now, 1, text);
    through.firm->received(through.now, 1, through_quickfix(GetParam(), text));
    expect_same(beside.firm_sink, through.firm_sink);
    ASSERT_EQ(beside.firm->state(), through.firm->state());
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(Beside, ADamagedOrderMeetsTheSameRules) {
  Random random(seed_of_run());
  for (int i = 0; i < 2'000; ++i) {
    SetUp();
    beside.venue_sink = through.venue_sink = {};
    ASSERT_TRUE(beside.firm->send_order(beside.now, random_order(random)));
    const auto text = damaged(random, GetParam(), beside.firm_sink.sent.back().text);
    SCOPED_TRACE(shown(text));
    beside.venue->received(beside.now, 1, text);
    through.venue->received(through.now, 1, through_quickfix(GetParam(), text));
    expect_same(beside.venue_sink, through.venue_sink);
    ASSERT_EQ(beside.venue->state(), through.venue->state());
    ASSERT_FALSE(HasFailure());
  }
}

TEST_P(Beside, QuickFixHearsOfASessionBeforeItsTimersRunOut) {
  for (int second = 0; second < 600; ++second) {
    beside.now += kSecond;
    ASSERT_TRUE(beside.firm->send_order(beside.now, buy(static_cast<ClOrdId>(second + 1))));
    ASSERT_TRUE(beside.venue->send_execution(
        beside.now, report(static_cast<ClOrdId>(second + 1), ExecType::NEW, OrdStatus::NEW)));
    beside.deliver();
    beside.firm->time(beside.now);
    beside.venue->time(beside.now);
    beside.deliver();
  }
  for (const auto* sink : {&beside.firm_sink, &beside.venue_sink}) {
    for (const auto& tx : sink->sent) {
      EXPECT_EQ(tx.text.find("\x01"
                             "35=1\x01"),
                std::string::npos)
          << "a TestRequest to a lively peer";
    }
  }
  EXPECT_TRUE(beside.firm->logged_on() && beside.venue->logged_on());
  EXPECT_EQ(beside.firm_sink.executions.size(), 600U);
  EXPECT_GT(beside.firm->traffic().in_beside, 350U);
  EXPECT_GE(beside.firm->traffic().in_through, 200U);  // one in each tenth of 30 s
  EXPECT_GT(beside.firm->traffic().out_beside, 500U);
  EXPECT_GT(beside.firm->traffic().out_through, 30U);  // one in each half
}

/// As a stock QuickFIX acceptor answers an order: fields ascend, times have milliseconds.
std::string stock_report(const std::string& version, std::uint64_t number, Nanos now,
                         const char* exec_type, const char* status, const char* done) {
  FIX::Message report;
  report.getHeader().setField(8, version);
  report.getHeader().setField(35, "8");
  report.getHeader().setField(34, std::to_string(number));
  report.getHeader().setField(49, "VENUE");
  report.getHeader().setField(56, "FIRM");
  report.getHeader().setField(52, FIX::UtcTimeStampConvertor::convert(to_utc(now), 3));
  const std::pair<int, const char*> fields[]{
      {11, "0000000000000001"}, {55, "AAA"}, {54, "1"},    {38, "25"},       {44, "101.50"},
      {37, "0000000000000001"}, {17, "1"},   {39, status}, {150, exec_type}, {32, done},
      {31, "101.50"},           {14, done},  {151, "0"},   {6, "101.50"}};
  for (const auto& [tag, value] : fields) report.setField(tag, value);
  if (version == "FIX.4.2") report.setField(20, "0");
  return report.toString();
}

TEST_P(Beside, ReportsOfAStockQuickFixPass) {
  const bool fix42 = GetParam() == "FIX.4.2";
  beside.firm->received(beside.now, 1, stock_report(GetParam(), 2, beside.now, "0", "0", "0"));
  EXPECT_EQ(beside.firm->traffic().in_beside, 1U);
  beside.firm->received(beside.now, 2,
                        stock_report(GetParam(), 3, beside.now, fix42 ? "2" : "F", "2", "25"));
  EXPECT_EQ(beside.firm->traffic().in_beside, 2U);
  ASSERT_EQ(beside.firm_sink.executions.size(), 2U);
  EXPECT_EQ(beside.firm_sink.executions[1].last_qty, 25);
}

TEST_P(Beside, AfterAGapNothingPassesUntilItIsFilled) {
  const auto send = [&](ClOrdId id) {
    ASSERT_TRUE(
        beside.venue->send_execution(beside.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  };
  send(1);
  beside.venue_sink.wire.clear();  // lost
  send(2);
  beside.deliver();
  send(3);
  beside.deliver();
  ASSERT_EQ(beside.firm_sink.executions.size(), 3U);
  for (ClOrdId id = 1; id <= 3; ++id) EXPECT_EQ(beside.firm_sink.executions[id - 1].cl_ord_id, id);
}

}  // namespace
}  // namespace pitwire::testing
