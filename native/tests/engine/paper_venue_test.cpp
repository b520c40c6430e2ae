// Paper mode from end to end in one process: market messages in, orders out to the venue inside the
// daemon, its reports back as inputs, and the log of it all replayed.
#include "pitwire/engine/paper_venue.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "../log/log_fixture.hpp"
#include "pitwire/engine/edge.hpp"
#include "pitwire/engine/replay.hpp"

namespace pitwire {
namespace {

constexpr FeedId kFeed{0};
constexpr SessionId kPaper{0};
constexpr StrategyId kAlpha{0};
constexpr InstrumentId kBtc{0};
constexpr InstrumentId kElsewhere{1};

Instrument instrument(std::uint32_t id, const std::string& symbol) {
  Instrument out;
  out.id = InstrumentId{id};
  out.symbol = symbol;
  out.venue = "TEST";
  out.settlement_currency = out.quote_currency = "USD";
  out.money_exponent = -4;
  return out;
}

void define(Core& core) {
  core.define_feed(kFeed, FeedKind::BINANCE_SPOT, 0);
  core.define_instrument(instrument(0, "BTCUSDT"), kFeed, "BTCUSDT", SignalConfig{});
  core.define_instrument(instrument(1, "ETHUSDT"), kFeed, "ETHUSDT", SignalConfig{});
  core.define_venue_session(kPaper, {});
  core.define_strategy(kAlpha, "alpha");
}

OrderRequest limit(Side side, std::int64_t qty, std::int64_t px, InstrumentId where = kBtc) {
  OrderRequest request;
  request.instrument = where;
  request.strategy = kAlpha;
  request.session = kPaper;
  request.side = side;
  request.price = px;
  request.order_qty = qty;
  return request;
}

/// The Python phase of these tests, live and in replay: arms at the start, and when a book becomes
/// whole sends the orders that were asked for. It hears what strategies hear.
struct Phase {
  std::vector<OrderRequest> when_live;
  std::vector<Event> heard;
  std::vector<ClOrdId> orders;

  void run(Core& core) {
    for (const Event& event : core.take_events()) {
      heard.push_back(event);
      if (event.kind == EventKind::EPOCH) core.set_risk_state(kNoId, RiskState::ACTIVE, true, "");
      const bool whole = event.kind == EventKind::BOOK_STATE &&
                         event.values[0] == static_cast<std::int64_t>(BookState::LIVE);
      if (!whole || event.instrument != index(when_live.front().instrument)) continue;
      for (const auto& request : when_live) {
        orders.push_back(core.orders().new_cl_ord_id());
        core.orders().submit(orders.back(), request);
      }
    }
    core.end_turn();
  }
  [[nodiscard]] std::vector<Event> of(EventKind kind) const {
    std::vector<Event> out;
    for (const auto& event : heard) {
      if (event.kind == kind) out.push_back(event);
    }
    return out;
  }
};

class PaperVenueTest : public LogTest {
 protected:
  /// A live core on a log; members in the order in which they need each other.
  struct Daemon {
    explicit Daemon(const LogOptions& options)
        : log(LogWriter::create(options)),
          journal(log),
          clock(log.last_ts_core()),
          edge(journal, clock, nullptr, {}),
          core(journal, edge, {}) {
      edge.attach(core);
      define(core);
      rec::Epoch epoch;
      epoch.epoch = epoch.start_number = 1;
      edge.append_input(epoch, Origin::NONE, 0, {});
    }
    void add_venue(Nanos order_latency = 0, Nanos report_latency = 0) {
      PaperVenueConfig config;
      config.session = kPaper;
      config.instruments = {kBtc};
      config.order_latency_ns = order_latency;
      config.report_latency_ns = report_latency;
      edge.add_venue(config);
      turn();  // told of the session
      edge.push_feed_status(kFeed, FeedEvent::CONNECTED);
    }
    void turn() {
      do {
        if (edge.drain()) phase.run(core);
      } while (edge.busy());
    }
    /// Until the venue has nothing under way: at most what it holds when called.
    void settle() {
      for (int i = 0; i < 4; ++i) turn();
    }
    void message(const std::string& json) {
      edge.push_market_message(kFeed, 1, MessageKind::WEBSOCKET, kNoId, json);
      settle();
    }
    void snapshot(const std::string& json, InstrumentId of = kBtc) {
      edge.push_market_message(kFeed, 1, MessageKind::SNAPSHOT, index(of), json);
      settle();
    }
    [[nodiscard]] const Order& order(std::size_t at = 0) const {
      return *core.orders().table().find(phase.orders.at(at));
    }
    [[nodiscard]] std::int64_t position() const {
      return core.orders().positions().of(kAlpha, kBtc).position.net_qty;
    }

    LogWriter log;
    LiveJournal journal;
    TscClock clock;
    Edge edge;
    mutable Core core;
    Phase phase;
  };

  /// Frames of one type that the closed log holds, as records.
  template <class R>
  std::vector<R> records(const LogOptions& from) const {
    LogReader reader(from.folder, Upto::COMMITTED);
    std::vector<R> out;
    while (const auto frame = reader.next()) {
      if (const auto* record = frame->as<R>()) out.push_back(*record);
    }
    return out;
  }
};

constexpr const char* kBook =
    R"({"lastUpdateId":100,"bids":[["10.00","5"]],"asks":[["10.02","2"],["10.03","9"]]})";
constexpr const char* kNextBid =
    R"({"e":"depthUpdate","s":"BTCUSDT","U":101,"u":101,"b":[["9.01","1"]],"a":[]})";

std::string trade(const char* px, const char* qty, bool buyer_is_maker) {
  return std::string(R"({"e":"trade","s":"BTCUSDT","p":")") + px + R"(","q":")" + qty +
         R"(","m":)" + (buyer_is_maker ? "true}" : "false}");
}

TEST_F(PaperVenueTest, order_that_crosses_takes_what_the_book_shows_at_its_prices) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 3, 1'003)};
  daemon.add_venue();
  daemon.snapshot(kBook);
  EXPECT_EQ(daemon.order().state, OrderState::FILLED);
  EXPECT_EQ(daemon.position(), 3);
  const auto fills = daemon.phase.of(EventKind::FILL);
  ASSERT_EQ(fills.size(), 2U);
  EXPECT_EQ(fills[0].values[2], 1'002);
  EXPECT_EQ(fills[0].values[3], 2);
  EXPECT_EQ(fills[1].values[2], 1'003);
  EXPECT_EQ(fills[1].values[3], 1);
  EXPECT_EQ(daemon.edge.stats().venue_reports, 3U);  // NEW and two trades
}

TEST_F(PaperVenueTest, order_that_rests_waits_behind_what_stood_there_before) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 3, 1'000)};
  daemon.add_venue();
  daemon.snapshot(kBook);
  ASSERT_EQ(daemon.order().state, OrderState::WORKING);
  daemon.message(trade("10.00", "5", true));
  EXPECT_EQ(daemon.position(), 0);
  daemon.message(trade("10.00", "2", true));
  EXPECT_EQ(daemon.position(), 2);
  daemon.message(trade("10.00", "2", true));
  EXPECT_EQ(daemon.position(), 3);
  EXPECT_EQ(daemon.order().state, OrderState::FILLED);
}

TEST_F(PaperVenueTest, replay_of_its_log_needs_no_venue_and_makes_the_same_outputs) {
  const std::vector<OrderRequest> orders = {limit(Side::BUY, 3, 1'003), limit(Side::SELL, 4, 1'004),
                                            limit(Side::BUY, 0, 1'000)};
  std::size_t heard = 0;
  {
    Daemon daemon(options());
    daemon.phase.when_live = orders;
    daemon.add_venue();
    daemon.snapshot(kBook);
    daemon.message(trade("10.04", "9", false));
    ASSERT_EQ(daemon.position(), -1);
    heard = daemon.phase.heard.size();
    ASSERT_TRUE(daemon.log.close());
  }
  LogReader log(options().folder, Upto::COMMITTED);
  ReplayDriver driver(log, {});
  define(driver.core());
  Phase phase;
  phase.when_live = orders;
  for (auto stop = driver.run_native(1'000); stop != ReplayDriver::Stop::END;
       stop = driver.run_native(1'000)) {
    ASSERT_NE(stop, ReplayDriver::Stop::DIVERGED) << driver.journal().divergence()->reason;
    if (stop == ReplayDriver::Stop::PYTHON_PHASE) phase.run(driver.core());
  }
  EXPECT_FALSE(driver.journal().divergence());
  EXPECT_GT(driver.journal().outputs_compared(), 10U);
  EXPECT_EQ(phase.heard.size(), heard);
  EXPECT_EQ(driver.core().orders().positions().of(kAlpha, kBtc).position.net_qty, -1);
}

TEST_F(PaperVenueTest, reports_are_on_their_way_as_long_as_configured_and_the_edge_says_how_long) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 1, 1'003)};
  daemon.add_venue(kSecond / 2, 0);
  daemon.snapshot(kBook);
  EXPECT_EQ(daemon.order().state, OrderState::PENDING_NEW);
  EXPECT_GT(daemon.edge.until_due(), 0);
  EXPECT_LE(daemon.edge.until_due(), kSecond / 2);
}

TEST_F(PaperVenueTest, instrument_of_another_venue_is_rejected) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 1, 1'003, kElsewhere)};
  daemon.add_venue();
  daemon.snapshot(kBook, kElsewhere);
  EXPECT_EQ(daemon.order().state, OrderState::REJECTED);
}

TEST_F(PaperVenueTest, disabled_session_denies_orders_until_it_is_enabled_again) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 1, 1'003)};
  daemon.add_venue();
  daemon.edge.enable_connection(kPaper, false);
  EXPECT_EQ(daemon.edge.until_due(), 0);
  daemon.turn();
  EXPECT_FALSE(daemon.core.session_logged_on(kPaper));
  daemon.snapshot(kBook);
  const auto denied = daemon.phase.of(EventKind::DENIED);
  ASSERT_EQ(denied.size(), 1U);
  EXPECT_EQ(denied[0].values[5], static_cast<std::int64_t>(DenyReason::SESSION_DOWN));
  daemon.edge.enable_connection(kPaper, true);
  daemon.turn();
  EXPECT_TRUE(daemon.core.session_logged_on(kPaper));
}

TEST_F(PaperVenueTest, session_can_be_closed_and_opened_as_one_with_a_protocol) {
  Daemon daemon(options());
  daemon.add_venue();
  (void)daemon.core.take_events();
  daemon.core.session_logout(kPaper, "by hand");
  EXPECT_FALSE(daemon.core.session_logged_on(kPaper));
  const auto closed = daemon.core.take_events();
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].kind, EventKind::SESSION);
  EXPECT_EQ(closed[0].values[1], 1) << "connected all the same";
  EXPECT_EQ(closed[0].values[2], 0);
  std::vector<std::byte> checkpoint;
  daemon.core.save(checkpoint);
  daemon.core.session_logon(kPaper);
  EXPECT_TRUE(daemon.core.session_logged_on(kPaper));
  ASSERT_TRUE(daemon.core.restore(checkpoint));
  EXPECT_FALSE(daemon.core.session_logged_on(kPaper));
  daemon.core.session_logon(kPaper);
  EXPECT_TRUE(daemon.core.session_logged_on(kPaper));
}

TEST_F(PaperVenueTest, order_of_an_earlier_run_has_ended_with_what_was_filled) {
  LogOptions later = options("later");
  {
    Daemon daemon(options());
    daemon.phase.when_live = {limit(Side::BUY, 6, 1'000)};
    daemon.add_venue();
    daemon.snapshot(kBook);
    daemon.message(trade("10.00", "7", true));
    ASSERT_EQ(daemon.order().state, OrderState::PARTIALLY_FILLED);
    ASSERT_TRUE(daemon.log.close());
  }
  Daemon daemon(later);
  {
    LogReader facts(options().folder, Upto::COMMITTED);
    while (const auto frame = facts.next()) daemon.core.apply_fact(*frame);
  }
  rec::Epoch epoch;
  epoch.epoch = epoch.start_number = 2;
  daemon.edge.append_input(epoch, Origin::NONE, 0, {});
  daemon.phase.when_live = {limit(Side::BUY, 1, 1, kElsewhere)};
  daemon.add_venue();
  ASSERT_EQ(daemon.core.orders().table().working(), 1U);
  daemon.core.orders().table().for_each_working({}, [&](const Order& order) {
    EXPECT_TRUE(daemon.core.orders().request_status(order.order));
  });
  daemon.settle();
  EXPECT_EQ(daemon.core.orders().table().unknown(), 0U);
  EXPECT_EQ(daemon.core.orders().table().working(), 0U);
  EXPECT_EQ(daemon.position(), 2);
  const auto answers = daemon.phase.of(EventKind::STATUS_ANSWERED);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].values[1], static_cast<std::int64_t>(OrdStatus::CANCELED));
  EXPECT_EQ(answers[0].values[2], 2) << "cum_qty as the log has it";
}

TEST_F(PaperVenueTest, asked_for_positions_it_says_what_traded_there) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 3, 1'003), limit(Side::BUY, 4, 1'000)};
  daemon.add_venue();
  const auto none = daemon.core.positions().ask(kPaper);
  daemon.settle();
  daemon.snapshot(kBook);
  ASSERT_EQ(daemon.position(), 3);
  const auto some = daemon.core.positions().ask(kPaper);
  ASSERT_NE(some, none);
  daemon.settle();
  const auto answers = daemon.phase.of(EventKind::POSITIONS_ANSWERED);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].values[1], static_cast<std::int64_t>(none));
  EXPECT_EQ(answers[0].values[3], 0) << "no report";
  EXPECT_EQ(answers[1].values[3], 1);
  const auto said = daemon.phase.of(EventKind::VENUE_POSITION);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].instrument, index(kBtc));
  EXPECT_EQ(said[0].values[1], static_cast<std::int64_t>(some));
  EXPECT_EQ(said[0].values[2], 3) << "the venue's";
  EXPECT_EQ(said[0].values[3], 3) << "ours, certain";
  EXPECT_EQ(said[0].values[4], 3);
  EXPECT_EQ(said[0].values[5], 7) << "if what works is bought";
}

TEST_F(PaperVenueTest, positions_of_an_earlier_run_are_held_on) {
  {
    Daemon daemon(options());
    daemon.phase.when_live = {limit(Side::BUY, 3, 1'003)};
    daemon.add_venue();
    daemon.snapshot(kBook);
    ASSERT_EQ(daemon.position(), 3);
    ASSERT_TRUE(daemon.log.close());
  }
  Daemon daemon(options("later"));
  {
    LogReader facts(options().folder, Upto::COMMITTED);
    while (const auto frame = facts.next()) daemon.core.apply_fact(*frame);
  }
  daemon.add_venue();
  daemon.core.positions().ask(kPaper);
  daemon.settle();
  const auto said = daemon.phase.of(EventKind::VENUE_POSITION);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].values[2], 3);
  EXPECT_EQ(said[0].values[3], 3);
}

TEST_F(PaperVenueTest, an_accepted_position_is_the_firms_and_no_strategys) {
  Daemon daemon(options());
  daemon.add_venue();
  PositionDesk& desk = daemon.core.positions();
  const PositionBook& book = daemon.core.orders().positions();
  EXPECT_EQ(desk.price_of(kBtc, 0), 0) << "nobody says one";
  EXPECT_EQ(desk.price_of(kBtc, 990), 990) << "the venue does";
  daemon.phase.when_live = {limit(Side::BUY, 1, 1, kElsewhere)};
  daemon.snapshot(kBook);
  EXPECT_EQ(desk.price_of(kBtc, 990), 1'001) << "the book's middle";
  desk.adjust(kPaper, kBtc, -5, 1'001, 1);
  desk.adjust(kPaper, kBtc, 2, 1'001, 2);
  EXPECT_EQ(daemon.core.orders().net_at(kPaper, kBtc), -3);
  EXPECT_EQ(book.firm(kBtc).position.net_qty, -3);
  EXPECT_EQ(book.of(kAlpha, kBtc).position.net_qty, 0);
  EXPECT_EQ(book.firm_totals().pnl, 0) << "valued at what it was booked for";

  std::vector<std::byte> checkpoint;
  daemon.core.save(checkpoint);
  desk.adjust(kPaper, kBtc, 3, 1'001, 3);
  ASSERT_TRUE(daemon.core.restore(checkpoint));
  EXPECT_EQ(daemon.core.orders().net_at(kPaper, kBtc), -3);
  EXPECT_EQ(book.firm(kBtc).position.net_qty, -3);
  ASSERT_TRUE(daemon.log.close());

  Daemon later(options("later"));
  LogReader facts(options().folder, Upto::COMMITTED);
  while (const auto frame = facts.next()) later.core.apply_fact(*frame);
  EXPECT_EQ(later.core.orders().net_at(kPaper, kBtc), 0) << "-5, +2, +3";
  EXPECT_EQ(later.core.orders().positions().firm(kBtc).position.net_qty, 0);
}

TEST_F(PaperVenueTest, book_that_is_not_whole_fills_nobody) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 3, 1'000)};
  daemon.add_venue();
  daemon.snapshot(kBook);
  ASSERT_EQ(daemon.order().state, OrderState::WORKING);
  daemon.phase.when_live = {limit(Side::BUY, 1, 1, kElsewhere)};  // no more orders
  daemon.edge.push_feed_status(kFeed, FeedEvent::DISCONNECTED);
  daemon.snapshot(R"({"lastUpdateId":100,"bids":[["9.00","1"]],"asks":[["9.50","1"]]})");
  EXPECT_EQ(daemon.position(), 0);
  daemon.edge.push_feed_status(kFeed, FeedEvent::CONNECTED);
  daemon.message(kNextBid);
  EXPECT_EQ(daemon.position(), 1) << "offered below our bid, by a book that is whole";
}

TEST_F(PaperVenueTest, exec_ids_of_two_runs_on_one_log_differ) {
  Daemon daemon(options());
  daemon.phase.when_live = {limit(Side::BUY, 1, 1'003)};
  daemon.add_venue();
  daemon.snapshot(kBook);
  ASSERT_TRUE(daemon.log.close());
  const auto first = records<rec::Execution>(options());
  ASSERT_EQ(first.size(), 2U);

  auto other = options("other");
  Daemon later(other);
  later.log.skip_sequences(1 << 16);  // as every start does
  later.phase.when_live = {limit(Side::BUY, 1, 1'003)};
  later.add_venue();
  later.snapshot(kBook);
  ASSERT_TRUE(later.log.close());
  const auto second = records<rec::Execution>(other);
  ASSERT_EQ(second.size(), 2U);
  EXPECT_NE(first[0].exec_id, first[1].exec_id);
  EXPECT_NE(first[0].exec_id, second[0].exec_id);
  EXPECT_NE(first[1].exec_id, second[1].exec_id);
}

TEST_F(PaperVenueTest, what_cannot_be_is_refused_with_its_reason) {
  Daemon daemon(options());
  PaperVenueConfig config;
  config.instruments = {InstrumentId{7}};
  EXPECT_THROW(daemon.edge.add_venue(config), std::invalid_argument);
  config.instruments = {kBtc};
  config.order_latency_ns = -1;
  EXPECT_THROW(daemon.edge.add_venue(config), std::invalid_argument);
  config.order_latency_ns = 0;
  daemon.edge.add_venue(config);
  EXPECT_THROW(daemon.edge.add_venue(config), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
