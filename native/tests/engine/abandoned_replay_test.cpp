// A log of two processes, the first of which left off in the middle of a packet, and its replay.
#include <gtest/gtest.h>

#include <vector>

#include "../log/log_fixture.hpp"
#include "pitwire/engine/edge.hpp"
#include "pitwire/engine/replay.hpp"
#include "pitwire/log/recovery.hpp"
#include "pitwire/market/itch.hpp"
#include "pitwire/market/mold.hpp"

namespace pitwire {
namespace {

constexpr FeedId kFeed{0};
constexpr InstrumentId kAcme{0};

void define(Core& core) {
  Instrument instrument;
  instrument.id = kAcme;
  instrument.symbol = "ACME";
  instrument.venue = "TEST";
  instrument.settlement_currency = instrument.quote_currency = "USD";
  instrument.money_exponent = -4;
  core.define_feed(kFeed, FeedKind::ITCH5, 0);
  core.define_instrument(instrument, kFeed, "ACME", SignalConfig{});
  core.define_strategy(StrategyId{0}, "alpha");
}

/// A strategy that is to see every update: each ends the native phase, also within a packet.
void run_phase(Core& core) {
  for (const Event& event : core.take_events()) {
    if (event.kind != EventKind::EPOCH) continue;
    core.subscriptions().subscribe_book(StrategyId{0}, kAcme, Subscriptions::Wake::EVERY_UPDATE);
  }
  core.end_turn();
}

/// The stock's directory entry and orders to buy, in one packet that begins the session.
std::string packet_of_orders(std::uint64_t count) {
  mold::Packer packer(mold::session_name("S"), 1);
  std::array<std::byte, itch::kMessageSizeMax> bytes{};
  const auto add = [&](const auto& message) {
    EXPECT_TRUE(packer.add(std::span(bytes).first(itch::encode(message, bytes.data()))));
  };
  itch::StockDirectory stock;
  stock.header.stock_locate = 1;
  stock.stock = {'A', 'C', 'M', 'E', ' ', ' ', ' ', ' '};
  add(stock);
  for (std::uint64_t i = 1; i <= count; ++i) {
    itch::AddOrder order;
    order.header.stock_locate = 1;
    order.order_ref = i;
    order.side = 'B';
    order.shares = 100;
    order.stock = stock.stock;
    order.price = static_cast<std::uint32_t>(10'000 + 100 * i);
    add(order);
  }
  return std::string(text_view(packer.take()));
}

struct Process {
  Process(LogWriter writer, std::uint32_t number)
      : log(std::move(writer)),
        journal(log),
        clock(log.last_ts_core()),
        edge(journal, clock, nullptr, {}),
        core(journal, edge, {}),
        number_(number) {
    edge.attach(core);
    define(core);
  }
  void begin_epoch() {
    rec::Epoch epoch;
    epoch.epoch = epoch.start_number = number_;
    edge.append_input(epoch, Origin::NONE, 0, {});
    turn();
  }
  void turn() {
    if (edge.drain()) run_phase(core);
  }

  LogWriter log;
  LiveJournal journal;
  TscClock clock;
  Edge edge;
  Core core;

 private:
  std::uint32_t number_;
};

/// Runs the log to its end, or to the first difference, which is a failure.
void replay(ReplayDriver& driver) {
  define(driver.core());
  for (auto stop = driver.run_native(100); stop != ReplayDriver::Stop::END;
       stop = driver.run_native(100)) {
    ASSERT_NE(stop, ReplayDriver::Stop::DIVERGED) << driver.journal().divergence()->reason;
    if (stop == ReplayDriver::Stop::PYTHON_PHASE) run_phase(driver.core());
  }
  ASSERT_FALSE(driver.journal().divergence());
}

struct AbandonedReplayTest : LogTest {};

TEST_F(AbandonedReplayTest, RestOfAPacketIsGoneWithTheProcessThatLeftOffBehindItsLastTurn) {
  {
    Process first(LogWriter::create(options()), 1);
    first.begin_epoch();
    first.edge.push_feed_status(kFeed, FeedEvent::CONNECTED);
    ASSERT_TRUE(first.edge.push_datagram(kFeed, 1, packet_of_orders(3)));
    first.turn();
    ASSERT_TRUE(first.core.pending()) << "the packet was applied whole";
    ASSERT_TRUE(first.log.close());
  }
  std::vector<ReplayDriver::Facts> facts;
  std::int64_t updates = 0;
  {
    std::vector<std::byte> state;
    {
      LogReader log(options().folder, Upto::COMMITTED);
      ReplayDriver driver(log, {});
      replay(driver);
      driver.core().save(state);
    }
    RecoveryReport report;
    Process second(LogWriter::recover(options(), report), 2);
    ASSERT_TRUE(second.core.restore(state));
    rec::Abandoned abandoned;
    abandoned.turn = second.core.turn();
    abandoned.last_sequence = second.log.last_sequence();
    abandoned.from_sequence = abandoned.last_sequence + 1;  // nothing stands behind the last turn
    const Sequence at = second.edge.append_input(abandoned, Origin::NONE, 0, {});
    facts.push_back({at, false, abandoned.from_sequence, abandoned.last_sequence});
    second.begin_epoch();
    second.turn();
    EXPECT_FALSE(second.core.pending());
    updates = second.core.market().slot(kAcme).updates;
    ASSERT_TRUE(second.log.close());
  }
  LogReader log(options().folder, Upto::COMMITTED);
  ReplayDriver driver(log, {}, facts);
  replay(driver);
  EXPECT_FALSE(driver.core().pending());
  EXPECT_EQ(driver.core().market().slot(kAcme).updates, updates);
}

}  // namespace
}  // namespace pitwire
