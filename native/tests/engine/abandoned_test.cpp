// What the core does when a process takes over the log of one that is gone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "pitwire/engine/core.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr SessionId kFix{0};
constexpr Nanos kStart = 1'767'323'045 * kSecond;  // 2026-01-02 03:04:05 UTC

/// The FIX messages that the core wrote, and nowhere for them to go.
struct Written final : Journal, Egress {
  Sequence output(Nanos, const Record& record) override {
    if (record.type == RecordType::FIX_TX) {
      messages.emplace_back(text_view(record.tail));
    }
    if (record.type == RecordType::FILL) {
      rec::Fill fill;
      std::memcpy(&fill, record.fixed.data(), sizeof fill);
      fills.push_back(fill);
    }
    return ++sequence;
  }
  void observe(Nanos, const Record&) override { ++sequence; }
  std::optional<rec::Kill> kill_here(bool, Nanos) override { return std::nullopt; }
  void fix_tx(SessionId, Sequence, ClOrdId, std::string_view) override {}
  void venue_tx(SessionId, Sequence, RecordType, std::span<const std::byte>) override {}
  void disconnect(SessionId, std::string_view) override {}

  Sequence sequence = 0;
  std::vector<std::string> messages;
  std::vector<rec::Fill> fills;
};

std::string logon_answer() {
  std::string body = "35=A|34=1|49=VENUE|52=20260102-03:04:05|56=FIRM|98=0|108=30|";
  std::string out = "8=FIX.4.4|9=" + std::to_string(body.size()) + "|" + body;
  std::replace(out.begin(), out.end(), '|', '\x01');
  char trailer[16];
  std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(out));
  return out + trailer;
}

struct AbandonedTest : ::testing::Test {
  AbandonedTest() : core(written, written, {}) {
    FixSessionConfig session;
    session.id = kFix;
    session.sender_comp_id = "FIRM";
    session.target_comp_id = "VENUE";
    session.check_latency = false;
    core.define_feed(FeedId{0}, FeedKind::BINANCE_SPOT, 0);
    Instrument instrument;
    instrument.id = InstrumentId{0};
    instrument.symbol = "BTCUSDT";
    instrument.venue = "TEST";
    instrument.settlement_currency = instrument.quote_currency = "USD";
    instrument.money_exponent = -4;
    core.define_instrument(instrument, FeedId{0}, "BTCUSDT", SignalConfig{});
    core.define_strategy(StrategyId{0}, "alpha");
    auto symbology = std::make_unique<FixSymbology>();
    symbology->add({InstrumentId{0}, "BTCUSDT", {1, -2}, {1, 0}});
    core.define_fix_session(session, std::move(symbology), SessionRules{});
  }

  template <class R>
  void input(Nanos ts, const R& record, std::string_view tail = {}) {
    std::vector<std::byte> payload;
    const auto fixed = record_bytes(record);
    payload.assign(fixed.begin(), fixed.end());
    const auto bytes = text_bytes(tail);
    payload.insert(payload.end(), bytes.begin(), bytes.end());
    FrameHeader header{};
    header.sequence = ++written.sequence;
    header.ts_core = ts;
    header.type = R::kType;
    header.frame_class = FrameClass::INPUT;
    core.begin_turn();
    (void)core.apply({&header, payload});
  }
  /// An output of a process that is gone.
  template <class R>
  void fact(Nanos ts, const R& record) {
    FrameHeader header{};
    header.sequence = ++written.sequence;
    header.ts_core = ts;
    header.type = R::kType;
    header.frame_class = FrameClass::OUTPUT;
    core.apply_fact({&header, record_bytes(record)});
  }
  void begin_epoch(Nanos ts, std::uint32_t number) {
    rec::Epoch epoch;
    epoch.epoch = epoch.start_number = number;
    input(ts, epoch);
  }
  void connect(Nanos ts) {
    rec::FixConnection record;
    record.event = static_cast<std::uint32_t>(ConnectionEvent::CONNECTED);
    input(ts, record);
  }
  void log_on(Nanos ts) {
    connect(ts);
    rec::FixRx record;
    const std::string answer = logon_answer();
    record.size_bytes = static_cast<std::uint32_t>(answer.size());
    input(ts, record, answer);
  }

  Written written;
  Core core;
};

/// Seconds after which a session that lives sends a heartbeat, a test request, or gives up.
struct AbandonedAfterTest : AbandonedTest, ::testing::WithParamInterface<Nanos> {};

TEST_P(AbandonedAfterTest, SessionOfAProcessThatIsGoneSendsNothingAndUsesUpNoNumber) {
  begin_epoch(kStart, 1);
  log_on(kStart);
  ASSERT_TRUE(core.session_logged_on(kFix));
  ASSERT_EQ(written.messages.size(), 1U);

  const Nanos later = kStart + GetParam() * kSecond;
  input(later, rec::Abandoned{});
  begin_epoch(later, 2);
  EXPECT_FALSE(core.session_logged_on(kFix));
  EXPECT_EQ(written.messages.size(), 1U) << written.messages.back();

  connect(later + kSecond);
  ASSERT_EQ(written.messages.size(), 2U);
  EXPECT_EQ(fix_field(written.messages[1], "35"), "A");
  EXPECT_EQ(fix_field(written.messages[1], "34"), "2");
}

TEST_F(AbandonedTest, NumberOfAMessageThatMayHaveLeftIsUsedUp) {
  begin_epoch(kStart, 1);
  log_on(kStart);
  rec::FixState state;
  state.next_sender_msg_seq_num = 7;
  state.next_target_msg_seq_num = 5;
  state.creation_ts = kStart;
  fact(kStart + 1, state);
  rec::FixTx sent;
  sent.msg_seq_num = 7;  // the process died before the FIX_STATE that says so
  fact(kStart + 2, sent);

  input(kStart + 3, rec::Abandoned{});
  begin_epoch(kStart + 3, 2);
  connect(kStart + 4);
  EXPECT_EQ(fix_field(written.messages.back(), "35"), "A");
  EXPECT_EQ(fix_field(written.messages.back(), "34"), "8");
}

TEST_F(AbandonedTest, FillThatWasAppliedAndNotLoggedIsLoggedByTheNextProcess) {
  begin_epoch(kStart, 1);
  rec::OrderSubmitted order;
  order.cl_ord_id = 1;
  order.side = static_cast<std::uint8_t>(Side::BUY);
  order.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  order.price = 1'000;
  order.order_qty = 10;
  fact(kStart + 1, order);
  rec::Execution report;
  report.cl_ord_id = 1;
  report.exec_type = static_cast<std::uint8_t>(ExecType::TRADE);
  report.ord_status = static_cast<std::uint8_t>(OrdStatus::PARTIALLY_FILLED);
  report.side = order.side;
  report.last_px = 1'000;
  report.last_qty = 3;
  report.leaves_qty = 7;
  report.cum_qty = 3;
  report.order_qty = 10;
  report.exec_id = {'T', '1'};
  fact(kStart + 2, report);
  rec::Fill logged;
  logged.order = 1;
  logged.exec_id = {'T', '1'};
  fact(kStart + 3, logged);
  report.exec_id = {'T', '2'};
  report.last_qty = 2;
  report.leaves_qty = 5;
  report.cum_qty = 5;
  fact(kStart + 4, report);  // here it died

  input(kStart + 5, rec::Abandoned{});
  begin_epoch(kStart + 5, 2);
  ASSERT_EQ(written.fills.size(), 1U);
  EXPECT_EQ(written.fills[0].exec_id[1], '2');
  EXPECT_EQ(written.fills[0].last_qty, 2);
  EXPECT_EQ(written.fills[0].position, 5);
  begin_epoch(kStart + 6, 3);
  EXPECT_EQ(written.fills.size(), 1U);
}

/// The connection is lost before it is written. The order left long ago, and may work.
TEST_F(AbandonedTest, StatusRequestThatDoesNotLeaveSaysNothingOfItsOrder) {
  begin_epoch(kStart, 1);
  rec::OrderSubmitted order;
  order.cl_ord_id = 1;
  order.side = static_cast<std::uint8_t>(Side::BUY);
  order.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  order.price = 1'000;
  order.order_qty = 10;
  fact(kStart + 1, order);
  rec::FixTx sent;
  sent.msg_seq_num = 2;
  sent.order = 1;
  fact(kStart + 2, sent);
  input(kStart + 3, rec::Abandoned{});
  begin_epoch(kStart + 3, 2);
  log_on(kStart + 4);
  ASSERT_EQ(core.orders().table().find(1)->state, OrderState::UNKNOWN);

  const Sequence before = written.sequence;
  ASSERT_TRUE(core.orders().request_status(1));
  ASSERT_EQ(fix_field(written.messages.back(), "35"), "H");
  rec::FixConnection lost;
  lost.event = static_cast<std::uint32_t>(ConnectionEvent::DISCONNECTED);
  lost.last_written = before;
  input(kStart + 5, lost);
  EXPECT_EQ(core.orders().table().find(1)->state, OrderState::UNKNOWN);
}

INSTANTIATE_TEST_SUITE_P(Seconds, AbandonedAfterTest, ::testing::Values(31, 40, 600));

}  // namespace
}  // namespace pitwire
