// A resend of 100,000 messages, in virtual time: neither side goes silent over it, and orders flow.
#include <gtest/gtest.h>

#include <algorithm>

#include "pair.hpp"

namespace pitwire::testing {
namespace {

constexpr std::uint64_t kReports = 100'000;
constexpr Nanos kTurn = 10 * kMillisecond;
constexpr int kHeartbeatSeconds = 1;

/// When a side said something last, and the longest that it said nothing.
struct Silence {
  Nanos last = 0, longest = 0;
  void said(Nanos now) {
    if (last != 0) longest = std::max(longest, now - last);
    last = now;
  }
};

class LongResend : public ::testing::TestWithParam<std::string> {
 protected:
  Pair pair{GetParam()};
  Silence firm, venue;

  void SetUp() override {
    pair.firm_config.heart_bt_int_seconds = kHeartbeatSeconds;
    pair.build();
    pair.connect();
    ASSERT_TRUE(pair.firm->logged_on());
    pair.drop();
    for (std::uint64_t id = 1; id <= kReports; ++id) send_report(id);
    pair.now += kSecond;
    pair.connect();
    ASSERT_TRUE(pair.firm->logged_on());
  }
  void send_report(ClOrdId id) {
    ASSERT_TRUE(pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW)));
  }
  [[nodiscard]] std::ptrdiff_t requests_sent() const {
    return std::ranges::count_if(pair.firm_sink.sent, [](const Recorder::Tx& tx) {
      return tx.text.find(
                 "\x01"
                 "35=2\x01") != std::string::npos;
    });
  }
  void note() {
    if (pair.firm_sink.sent.size() != firm_count_) firm.said(pair.now);
    if (pair.venue_sink.sent.size() != venue_count_) venue.said(pair.now);
    firm_count_ = pair.firm_sink.sent.size();
    venue_count_ = pair.venue_sink.sent.size();
  }

 private:
  std::size_t firm_count_ = 0, venue_count_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Versions, LongResend, ::testing::Values("FIX.4.2", "FIX.4.4"),
                         [](const auto& version) {
                           return version.param == "FIX.4.2" ? "FIX42" : "FIX44";
                         });

/// Every report once, in the order in which the venue made them.
void expect_all(const std::vector<rec::Execution>& executions, std::uint64_t count) {
  ASSERT_EQ(executions.size(), count);
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_EQ(executions[i].cl_ord_id, i + 1);
}

TEST_P(LongResend, starves_no_heartbeat_and_holds_up_no_order) {
  ClOrdId next = kReports;
  for (int turn = 0; pair.firm_sink.executions.size() < next && turn < 3'000; ++turn) {
    pair.now += kTurn;
    if (turn % 100 == 50) {  // an order a second, acknowledged at once: its report waits its turn
      ASSERT_TRUE(pair.firm->send_order(pair.now, buy(++next)));
      pair.deliver();
      ASSERT_EQ(pair.venue_sink.orders.back().cl_ord_id, next) << "it came before the resend ended";
      send_report(next);
    }
    pair.firm->time(pair.now);
    pair.venue->time(pair.now);
    pair.deliver();
    note();
  }
  expect_all(pair.firm_sink.executions, next);
  EXPECT_GE(next, kReports + 2) << "the resend was spread over some seconds";
  EXPECT_TRUE(pair.firm->logged_on() && pair.venue->logged_on());
  EXPECT_LE(firm.longest, kHeartbeatSeconds * kSecond + kTurn);
  EXPECT_LE(venue.longest, kHeartbeatSeconds * kSecond + kTurn);
  EXPECT_EQ(pair.firm_sink.disconnects + pair.venue_sink.disconnects, 0);
  EXPECT_EQ(requests_sent(), 1) << "the gap is asked for once";
}

/// The other way: an initiator that is asked for all that it sent says so in one message.
TEST(LongResendOfOrders, is_one_gap_fill) {
  Pair pair;
  pair.build();
  pair.connect();
  for (ClOrdId id = 1; id <= kReports; ++id) ASSERT_TRUE(pair.firm->send_order(pair.now, buy(id)));
  pair.firm_sink.wire.clear();  // none arrives
  pair.firm_sink.sent.clear();
  ASSERT_TRUE(pair.firm->send_order(pair.now, buy(kReports + 1)));
  pair.deliver();
  ASSERT_EQ(pair.firm_sink.sent.size(), 2U);
  EXPECT_NE(pair.firm_sink.sent[1].text.find("\x01"
                                             "35=4\x01"),
            std::string::npos);
  EXPECT_TRUE(pair.venue_sink.orders.empty()) << "the gap fill covers the order that showed it";
  ASSERT_TRUE(pair.firm->send_order(pair.now, buy(kReports + 2)));
  pair.deliver();
  ASSERT_EQ(pair.venue_sink.orders.size(), 1U);
  EXPECT_EQ(pair.venue_sink.orders[0].cl_ord_id, kReports + 2);
}

}  // namespace
}  // namespace pitwire::testing
