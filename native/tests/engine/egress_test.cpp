// What leaves the process and when: a live core with a FIX session to a venue on loopback, on a
// real log whose durability thread can be held; every promise inline and on a thread of its own.
#include <gtest/gtest.h>
#include <poll.h>

#include <condition_variable>
#include <mutex>

#include "../log/log_fixture.hpp"
#include "pitwire/engine/edge.hpp"
#include "pitwire/engine/replay.hpp"
#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr FeedId kFeed{0};
constexpr SessionId kFix{0};
constexpr StrategyId kAlpha{0};

void define(Core& core) {
  Instrument instrument;
  instrument.id = InstrumentId{0};
  instrument.symbol = "BTCUSDT";
  instrument.venue = "TEST";
  instrument.settlement_currency = instrument.quote_currency = "USD";
  instrument.money_exponent = -4;
  core.define_feed(kFeed, FeedKind::BINANCE_SPOT, 0);
  core.define_instrument(instrument, kFeed, "BTCUSDT", SignalConfig{});
  FixSessionConfig session;
  session.id = kFix;
  session.sender_comp_id = "FIRM";
  session.target_comp_id = "VENUE";
  session.check_latency = false;
  auto symbology = std::make_unique<FixSymbology>();
  symbology->add({InstrumentId{0}, "BTCUSDT", {1, -2}, {1, 0}});
  core.define_fix_session(session, std::move(symbology), SessionRules{});
  core.define_strategy(kAlpha, "alpha");
}

/// The Python phase, live and in replay: arms, and sends an order for each operator's command.
struct Phase {
  std::vector<ClOrdId> orders;
  std::size_t heard = 0;

  void run(Core& core) {
    for (const Event& event : core.take_events()) {
      ++heard;
      if (event.kind == EventKind::EPOCH) core.set_risk_state(kNoId, RiskState::ACTIVE, true, "");
      if (event.kind != EventKind::OPERATOR) continue;
      OrderRequest request;
      request.instrument = InstrumentId{0};
      request.strategy = kAlpha;
      request.session = kFix;
      request.side = Side::BUY;
      request.price = 1'000;
      request.order_qty = 3;
      orders.push_back(core.orders().new_cl_ord_id());
      core.orders().submit(orders.back(), request);
    }
    core.end_turn();
  }
};

/// Holds the log's thread before its syncs while closed.
class SyncGate {
 public:
  void close() {
    const std::lock_guard hold(mutex_);
    closed_ = true;
  }
  void open() {
    const std::lock_guard hold(mutex_);
    closed_ = false;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock hold(mutex_);
    opened_.wait(hold, [this] { return !closed_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool closed_ = false;
};

/// A venue that logs on and otherwise only listens.
struct Venue final : ConnectionSink {
  Venue() {
    ListenerConfig config;
    config.sessions = {{SessionId{5}, "FIX.4.4", "VENUE", "FIRM"}};
    listener = std::make_unique<FixListener>(config);
  }
  void message(SessionId session, Nanos, std::string_view text) override {
    messages.emplace_back(text);
    if (fix_field(text, "35") != "A") return;
    send(session, "35=A|34=1|49=VENUE|52=20260102-03:04:05|56=FIRM|98=0|108=30|");
  }
  /// That the order of this message works.
  void report(std::string_view order) {
    send(SessionId{5}, "35=8|34=2|49=VENUE|52=20260102-03:04:05|56=FIRM|37=V1|11=" +
                           std::string(fix_field(order, "11")) +
                           "|17=E1|150=0|39=0|55=BTCUSDT|54=1|38=3|151=3|14=0|6=0|");
  }
  void send(SessionId session, const std::string& body) {
    std::string out = "8=FIX.4.4|9=" + std::to_string(body.size()) + "|" + body;
    std::replace(out.begin(), out.end(), '|', '\x01');
    char trailer[16];
    std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(out));
    EXPECT_TRUE(listener->write(session, ++sent, out + trailer));
  }
  void event(SessionId, ConnectionEvent event, std::string_view, Sequence) override {
    ended |= event == ConnectionEvent::DISCONNECTED;
  }
  void written(SessionId, Sequence, std::uint64_t, Nanos) override {}
  [[nodiscard]] std::size_t count(std::string_view type) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        messages, [&](const std::string& each) { return fix_field(each, "35") == type; }));
  }

  std::unique_ptr<FixListener> listener;
  std::vector<std::string> messages;
  Sequence sent = 0;
  bool ended = false;
};

class EgressTest : public LogTest, public ::testing::WithParamInterface<Placement> {
 protected:
  struct Daemon {
    Daemon(EgressTest& test, Awaits awaits, const EdgeConfig& edge_config = {})
        : gate(test.gate_),
          log(LogWriter::create(test.held())),
          journal(log),
          clock(log.last_ts_core()),
          status(test.page()),
          edge(journal, clock, &status, edge_config),
          core(journal, edge, {}),
          venue(test.venue_) {
      edge.attach(core);
      define(core);
      rec::Epoch epoch;
      epoch.epoch = epoch.start_number = 1;
      edge.append_input(epoch, Origin::NONE, 0, {});
      edge.claim_fence();
      ConnectionConfig config;
      config.id = kFix;
      config.host = "127.0.0.1";
      config.port = venue.listener->port();
      edge.add_connection(config, awaits, GetParam());
      edge.push_feed_status(kFeed, FeedEvent::CONNECTED);
      edge.push_market_message(
          kFeed, 1, MessageKind::SNAPSHOT, 0,
          R"({"lastUpdateId":100,"bids":[["10.00","5"]],"asks":[["10.02","2"]]})");
      EXPECT_TRUE(until([&] { return core.session_logged_on(kFix); }));
    }
    ~Daemon() { gate.open(); }  // else the log could not be closed
    void turn() {
      do {
        if (edge.drain()) phase.run(core);
      } while (edge.busy());
      (void)venue.listener->poll(host_now(), 64, venue);
    }
    /// Turns, and sleeps as the daemon does, until it holds; polls the venue meanwhile.
    bool until(const std::function<bool()>& holds, int rounds = 4'000) {
      for (int round = 0; round < rounds; ++round) {
        turn();
        if (holds()) return true;
        (void)edge.waiter().wait(WaitMode::PARK, 0, 2 * kMillisecond);
      }
      return false;
    }
    void order() {
      EXPECT_TRUE(edge.push_operator(0, 0, 1, "{}"));
      turn();
    }
    [[nodiscard]] OrderState state() const {
      return core.orders().table().find(phase.orders.at(0))->state;
    }

    SyncGate& gate;
    LogWriter log;
    LiveJournal journal;
    TscClock clock;
    SharedStatus status;
    Edge edge;
    mutable Core core;
    Phase phase;
    Venue& venue;
  };

  [[nodiscard]] std::string page() const { return (root_ / "status.page").string(); }
  LogOptions held() {
    LogOptions out = options();
    out.before_sync = [this] { gate_.pass(); };
    return out;
  }
  template <class R>
  std::vector<std::pair<Sequence, R>> records() const {
    LogReader reader(options().folder, Upto::COMMITTED);
    std::vector<std::pair<Sequence, R>> out;
    while (const auto frame = reader.next()) {
      if (const auto* record = frame->as<R>()) out.emplace_back(frame->sequence(), *record);
    }
    return out;
  }
  void expect_replays(std::size_t heard) {
    LogReader log(options().folder, Upto::COMMITTED);
    ReplayDriver driver(log, {});
    define(driver.core());
    Phase phase;
    for (auto stop = driver.run_native(1'000); stop != ReplayDriver::Stop::END;
         stop = driver.run_native(1'000)) {
      ASSERT_NE(stop, ReplayDriver::Stop::DIVERGED) << driver.journal().divergence()->reason;
      if (stop == ReplayDriver::Stop::PYTHON_PHASE) phase.run(driver.core());
    }
    EXPECT_FALSE(driver.journal().divergence());
    EXPECT_EQ(phase.heard, heard);
  }

  SyncGate gate_;
  Venue venue_;
};

TEST_P(EgressTest,
       awaited_order_leaves_when_the_log_is_durable_up_to_it_and_nothing_waits_for_that) {
  Daemon daemon(*this, Awaits::ORDERS);
  gate_.close();
  daemon.order();
  const Sequence sequence = records<rec::FixTx>().back().first;
  const auto drains = [&] { return daemon.edge.stats().turns + daemon.edge.stats().looks; };
  const auto before = drains();
  EXPECT_FALSE(daemon.until([&] { return venue_.count("D") != 0; }, 50));
  EXPECT_GE(drains(), before + 50);
  EXPECT_LT(daemon.log.durable_sequence(), sequence);
  EXPECT_EQ(daemon.state(), OrderState::PENDING_NEW);
  gate_.open();
  ASSERT_TRUE(daemon.until([&] { return venue_.count("D") == 1; }));
  EXPECT_GE(daemon.log.durable_sequence(), sequence);
  ASSERT_TRUE(daemon.until(
      [&] { return records<rec::TxWritten>().back().second.written_sequence >= sequence; }));
}

TEST_P(EgressTest, the_durable_mark_wakes_a_loop_that_sleeps) {
  Daemon daemon(*this, Awaits::ALL);
  gate_.close();
  daemon.order();
  while (daemon.edge.waiter().wait(WaitMode::PARK, 0, 0) != 0) daemon.turn();
  gate_.open();
  for (int wakes = 0; venue_.count("D") == 0; ++wakes) {
    ASSERT_LT(wakes, 20);
    ASSERT_NE(daemon.edge.waiter().wait(WaitMode::PARK, 0, 20 * kSecond) & WAIT_NATIVE, 0U);
    daemon.turn();
    pollfd readable{venue_.listener->epoll_fd(), POLLIN, 0};
    ::poll(&readable, 1, 50);
    (void)venue_.listener->poll(host_now(), 64, venue_);
  }
}

TEST_P(EgressTest, order_that_is_not_awaited_leaves_while_the_log_is_not_synced) {
  Daemon daemon(*this, Awaits::NONE);
  gate_.close();
  daemon.order();
  const Sequence sequence = records<rec::FixTx>().back().first;
  EXPECT_TRUE(daemon.until([&] { return venue_.count("D") == 1; }));
  EXPECT_LT(daemon.log.durable_sequence(), sequence);
  gate_.open();
}

TEST_P(EgressTest, order_that_waits_when_the_kill_word_is_set_is_not_sent_and_its_cancel_is) {
  std::size_t heard = 0;
  {
    Daemon daemon(*this, Awaits::ORDERS);
    gate_.close();
    daemon.order();
    ASSERT_EQ(daemon.state(), OrderState::PENDING_NEW);
    daemon.status.kill(7);
    daemon.turn();
    gate_.open();
    ASSERT_TRUE(daemon.until([&] { return venue_.count("F") == 1; }));
    ASSERT_TRUE(daemon.until([&] { return daemon.state() == OrderState::NOT_SENT; }));
    EXPECT_EQ(venue_.count("D"), 0U);
    EXPECT_EQ(venue_.count("4"), 1U) << "its number went to a gap fill";
    EXPECT_EQ(daemon.edge.stats().withheld, 1U);
    heard = daemon.phase.heard;
    ASSERT_TRUE(daemon.log.close());
  }
  const auto withheld = records<rec::TxWithheld>();
  ASSERT_EQ(withheld.size(), 1U);
  EXPECT_EQ(withheld[0].second.reason, static_cast<std::uint32_t>(WithheldReason::KILLED));
  expect_replays(heard);
}

TEST_P(EgressTest, another_process_that_takes_the_fence_ends_all_sending) {
  std::size_t heard = 0;
  {
    Daemon daemon(*this, Awaits::ORDERS);
    gate_.close();
    daemon.order();
    ASSERT_EQ(daemon.state(), OrderState::PENDING_NEW);
    const auto messages = venue_.messages.size();
    auto other = SharedStatus::open(page(), true);
    (void)other.acquire_fence();
    EXPECT_TRUE(daemon.edge.fenced());
    gate_.open();
    ASSERT_TRUE(daemon.until([&] { return daemon.state() == OrderState::NOT_SENT; }));
    ASSERT_TRUE(daemon.until([&] { return venue_.ended; }));
    EXPECT_EQ(venue_.messages.size(), messages);
    EXPECT_FALSE(daemon.core.session_logged_on(kFix));
    heard = daemon.phase.heard;
    ASSERT_TRUE(daemon.log.close());
  }
  expect_replays(heard);
}

TEST_P(EgressTest, every_stamp_of_an_order_is_in_the_log_in_the_order_of_its_life) {
  std::size_t heard = 0;
  {
    Daemon daemon(*this, Awaits::ORDERS);
    daemon.order();
    ASSERT_TRUE(daemon.until([&] { return venue_.count("D") == 1; }));
    venue_.report(venue_.messages.back());
    ASSERT_TRUE(daemon.until([&] { return daemon.state() == OrderState::WORKING; }));
    daemon.order();  // and one that is not answered
    ASSERT_TRUE(daemon.until([&] { return venue_.count("D") == 2; }));
    ASSERT_TRUE(daemon.until([&] { return records<rec::TxWritten>().size() >= 3; }));
    daemon.edge.log_unanswered();
    heard = daemon.phase.heard;
    ASSERT_TRUE(daemon.log.close());
  }
  const auto found = records<rec::OrderLatency>();
  ASSERT_EQ(found.size(), 2U);
  for (const auto& [sequence, stamps] : found) {
    EXPECT_EQ(stamps.lane, static_cast<std::uint32_t>(OrderLane::PYTHON));
    EXPECT_EQ(stamps.action, static_cast<std::uint32_t>(OrderAction::SUBMIT));
    EXPECT_GT(stamps.ts_recv, 0);
    EXPECT_LE(stamps.ts_recv, stamps.ts_decoded);
    EXPECT_LE(stamps.ts_decoded, stamps.ts_decided);
    EXPECT_LE(stamps.ts_decided, stamps.ts_risk);
    EXPECT_LE(stamps.ts_risk, stamps.ts_logged);
    EXPECT_LE(stamps.ts_logged, stamps.ts_sent);
  }
  EXPECT_LE(found[0].second.ts_sent, found[0].second.ts_acknowledged);
  EXPECT_EQ(found[1].second.ts_acknowledged, 0);
  expect_replays(heard);
}

TEST_P(EgressTest, orders_are_rehearsed_while_it_spins_and_nothing_comes_of_it) {
  EdgeConfig often;
  often.rehearse_every_ns = 1;
  Daemon daemon(*this, Awaits::NONE, often);
  daemon.order();
  ASSERT_TRUE(daemon.until([&] { return venue_.count("D") == 1; }));
  EXPECT_EQ(daemon.edge.stats().rehearsals, 0U);  // so far it parked
  const auto logged = daemon.log.last_sequence();
  for (int i = 1; i <= 10; ++i) (void)daemon.edge.keep_looking(i);
  EXPECT_EQ(daemon.edge.stats().rehearsals, 10U);
  EXPECT_EQ(daemon.log.last_sequence(), logged);
  daemon.order();
  ASSERT_TRUE(daemon.until([&] { return venue_.count("D") == 2; }));
  EXPECT_EQ(fix_field(venue_.messages.back(), "34"), "3");  // behind the logon and one order
}

INSTANTIATE_TEST_SUITE_P(Placements, EgressTest,
                         ::testing::Values(Placement::INLINE, Placement::THREAD),
                         [](const auto& each) {
                           return each.param == Placement::INLINE ? "inline" : "thread";
                         });

}  // namespace
}  // namespace pitwire
