#include "pitwire/engine/latency_ledger.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace pitwire {
namespace {

constexpr ClOrdId kFirst = (ClOrdId{3} << 32) + 1;
constexpr SessionId kFix{2};

std::size_t stage(std::string_view name) {
  for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
    if (kLatencyStages[i].name == name) return i;
  }
  throw std::invalid_argument(std::string(name));
}

/// An order of a handler's: received at 100, handlers from 110, then 5 ns a stage.
LatencyLedger::Answer ordered(LatencyLedger& ledger, ClOrdId id,
                              OrderAction action = OrderAction::SUBMIT) {
  ledger.native_phase(true, 0);
  ledger.native_phase(false, 110);
  ledger.reached(OrderStage::DECIDED, 115);
  if (action != OrderAction::CANCEL) ledger.reached(OrderStage::RISK_PASSED, 120);
  return ledger.logged(action, id, 100, 125);
}

std::uint64_t counted(const LatencyLedger& ledger, OrderLane lane, std::string_view name) {
  return ledger.histogram(lane, stage(name)).count();
}

TEST(LatencyLedger, an_order_of_a_handler_has_every_stamp_when_it_is_answered) {
  LatencyLedger ledger;
  EXPECT_FALSE(ordered(ledger, kFirst));
  ledger.sent(kFirst, 130);
  const auto record = ledger.acknowledged(kFirst, 500);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->cl_ord_id, kFirst);
  EXPECT_EQ(record->ts_recv, 100);
  EXPECT_EQ(record->ts_decoded, 110);
  EXPECT_EQ(record->ts_decided, 115);
  EXPECT_EQ(record->ts_risk, 120);
  EXPECT_EQ(record->ts_logged, 125);
  EXPECT_EQ(record->ts_sent, 130);
  EXPECT_EQ(record->ts_acknowledged, 500);
  EXPECT_EQ(record->lane, static_cast<std::uint32_t>(OrderLane::PYTHON));
  EXPECT_EQ(record->action, static_cast<std::uint32_t>(OrderAction::SUBMIT));
  for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
    const Histogram& of = ledger.histogram(OrderLane::PYTHON, i);
    EXPECT_EQ(of.count(), 1U) << kLatencyStages[i].name;
    EXPECT_EQ(ledger.histogram(OrderLane::NATIVE, i).count(), 0U);
  }
  EXPECT_EQ(ledger.histogram(OrderLane::PYTHON, stage("received to sent")).max(), 30);
  EXPECT_EQ(ledger.histogram(OrderLane::PYTHON, stage("sent to acknowledged")).max(), 370);
}

TEST(LatencyLedger, an_order_of_a_rule_was_decoded_when_the_rule_looked) {
  LatencyLedger ledger;
  ordered(ledger, kFirst);
  ledger.native_phase(true, 0);
  ledger.reached(OrderStage::DECODED, 203);
  ledger.reached(OrderStage::DECIDED, 204);
  ledger.reached(OrderStage::RISK_PASSED, 205);
  ledger.logged(OrderAction::SUBMIT, kFirst + 1, 200, 206);
  const auto record = ledger.acknowledged(kFirst + 1, 300);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->ts_decoded, 203);
  EXPECT_EQ(record->lane, static_cast<std::uint32_t>(OrderLane::NATIVE));
  EXPECT_EQ(counted(ledger, OrderLane::NATIVE, "received to acknowledged"), 1U);
  EXPECT_EQ(counted(ledger, OrderLane::NATIVE, "sent to acknowledged"), 0U) << "never sent";
}

TEST(LatencyLedger, stamps_of_what_was_denied_are_of_no_later_request) {
  LatencyLedger ledger;
  ledger.native_phase(true, 0);
  ledger.reached(OrderStage::DECODED, 1);
  ledger.reached(OrderStage::DECIDED, 2);
  ledger.reached(OrderStage::RISK_PASSED, 3);
  ledger.logged(OrderAction::SUBMIT, kFirst, 1, 4);
  ledger.reached(OrderStage::DECIDED, 5);  // denied
  ledger.reached(OrderStage::DECIDED, 6);
  ledger.logged(OrderAction::CANCEL, kFirst + 1, 1, 7);
  const auto cancel = ledger.give_up(kFirst + 1);
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->ts_decoded, 0);
  EXPECT_EQ(cancel->ts_decided, 6);
  EXPECT_EQ(cancel->ts_risk, 0);
}

TEST(LatencyLedger, only_the_first_answer_counts) {
  LatencyLedger ledger;
  ordered(ledger, kFirst);
  EXPECT_FALSE(ledger.acknowledged(0, 400));
  EXPECT_FALSE(ledger.acknowledged(kFirst + 1, 400));
  EXPECT_TRUE(ledger.acknowledged(kFirst, 500));
  EXPECT_FALSE(ledger.acknowledged(kFirst, 600));
}

TEST(LatencyLedger, cancels_are_measured_and_not_counted_as_orders) {
  LatencyLedger ledger;
  ordered(ledger, kFirst, OrderAction::CANCEL);
  ledger.sent(kFirst, 130);
  ASSERT_TRUE(ledger.acknowledged(kFirst, 500));
  EXPECT_EQ(counted(ledger, OrderLane::PYTHON, "received to sent"), 0U);
}

TEST(LatencyLedger, what_waits_is_sent_when_the_kernel_has_taken_it) {
  LatencyLedger ledger;
  for (ClOrdId i = 0; i < 3; ++i) {
    ordered(ledger, kFirst + i);
    ledger.waits(kFix, 70 + i, kFirst + i);
  }
  ledger.written(SessionId{9}, 100, 900);  // of which nothing waits
  EXPECT_EQ(counted(ledger, OrderLane::PYTHON, "logged to sent"), 0U);
  ledger.written(kFix, 71, 325);
  EXPECT_EQ(counted(ledger, OrderLane::PYTHON, "logged to sent"), 2U);
  EXPECT_EQ(ledger.histogram(OrderLane::PYTHON, stage("logged to sent")).max(), 200);
  ledger.forget_waiting(kFix);
  ledger.written(kFix, 100, 425);
  EXPECT_EQ(ledger.give_up(kFirst + 2)->ts_sent, 0);
}

TEST(LatencyLedger, a_slot_that_is_wanted_gives_up_the_request_that_had_no_answer) {
  LatencyLedger ledger;
  for (ClOrdId i = 0; i < LatencyLedger::kSlots; ++i) {
    EXPECT_FALSE(ordered(ledger, kFirst + i));
    ledger.waits(kFix, i + 1, kFirst + i);
  }
  const auto first = ordered(ledger, kFirst + LatencyLedger::kSlots);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->cl_ord_id, kFirst);
  EXPECT_EQ(first->ts_acknowledged, 0);
  ledger.waits(kFix, LatencyLedger::kSlots + 1, kFirst + LatencyLedger::kSlots);
  ledger.written(kFix, LatencyLedger::kSlots + 1, 130);
  EXPECT_EQ(counted(ledger, OrderLane::PYTHON, "logged to sent"), LatencyLedger::kSlots);
  std::size_t left = 0;
  ledger.give_up_all([&](const rec::OrderLatency& record) {
    EXPECT_EQ(record.ts_sent, 130);
    ++left;
  });
  EXPECT_EQ(left, LatencyLedger::kSlots);
}

TEST(LatencyLedger, what_is_shared_is_read_by_its_name) {
  const auto path = (std::filesystem::path(testing::TempDir()) / "latency_ledger.page").string();
  SharedCounters page(path);
  LatencyLedger ledger;
  ledger.share(page);
  ordered(ledger, kFirst);
  ledger.sent(kFirst, 130);
  bool found = false;
  for (const auto& [name, histogram] : SharedCountersReader(path).histograms()) {
    if (name != "order.python.logged_to_sent_ns") continue;
    found = true;
    EXPECT_EQ(histogram.max(), 5);
  }
  EXPECT_TRUE(found);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace pitwire
