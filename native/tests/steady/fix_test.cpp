// FIX messages that pass beside QuickFIX: orders out, reports in.
#include "../fix/pair.hpp"
#include "hook.hpp"

namespace pitwire::testing {
namespace {

constexpr std::uint64_t kMessages = 3'000;

/// Hears everything and keeps nothing.
struct Quiet final : FixSink {
  void tx(SessionId, std::string_view message, std::uint64_t, ClOrdId, bool, bool) override {
    sent_bytes += message.size();
    ++sent;
  }
  void state(SessionId, const FixSessionState&) override {}
  void logged_on(SessionId) override {}
  void logged_out(SessionId, std::string_view) override {}
  void disconnect(SessionId, std::string_view) override {}
  void event(SessionId, std::uint32_t, std::string_view) override {}
  void execution(const rec::Execution&) override { ++executions; }
  std::uint64_t sent = 0, sent_bytes = 0, executions = 0;
};

/// A firm's session, logged on to a venue that has written its reports already.
struct Connected {
  Pair pair;
  Quiet quiet;
  std::unique_ptr<FixSession> firm;
  std::vector<std::string> reports;

  explicit Connected(const std::string& version) : pair(version) {
    pair.build();
    firm = std::make_unique<FixSession>(pair.firm_config, pair.symbols, quiet, pair.now);
    pair.connect();  // the pair's own firm says the Logon that ours says too
    firm->connected(pair.now);
    firm->received(pair.now, 1, pair.venue_sink.sent.at(0).text);
    for (ClOrdId id = 1; id <= 3 * kMessages; ++id) {
      pair.venue->send_execution(pair.now, report(id, ExecType::NEW, OrdStatus::NEW));
      reports.push_back(pair.venue_sink.sent.back().text);
    }
  }
};

class SteadyFix : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Versions, SteadyFix, ::testing::Values("FIX.4.2", "FIX.4.4"),
                         [](const auto& each) {
                           return each.param == "FIX.4.2" ? "FIX42" : "FIX44";
                         });

TEST_P(SteadyFix, OrdersOutAndReportsIn) {
  Connected connected(GetParam());
  auto& firm = *connected.firm;
  ASSERT_TRUE(firm.logged_on());
  std::size_t next = 0;
  const auto now = connected.pair.now;
  const auto some = [&] {
    for (const auto end = next + kMessages; next < end; ++next) {
      (void)firm.send_order(now, buy(next + 1));
      firm.received(now, next + 10, connected.reports[next]);
      rec::CancelRequested cancel;
      cancel.order = cancel.orig_cl_ord_id = next + 1;
      cancel.cl_ord_id = next + 2;
      cancel.side = 1;
      (void)firm.send_cancel(now, cancel, 25);
    }
  };
  some();
  EXPECT_TRUE(is_steady(some));
  EXPECT_EQ(connected.quiet.executions, 2 * kMessages);
  EXPECT_EQ(firm.traffic().in_beside, 2 * kMessages);
  EXPECT_EQ(firm.traffic().out_beside, 4 * kMessages);
}

}  // namespace
}  // namespace pitwire::testing
