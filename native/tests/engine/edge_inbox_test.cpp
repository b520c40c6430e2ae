// What Python's edges may have waiting: inbox_bytes, and a refusal that they hear.
#include <gtest/gtest.h>

#include "../log/log_fixture.hpp"
#include "pitwire/engine/edge.hpp"

namespace pitwire {
namespace {

class EdgeInboxTest : public LogTest {
 protected:
  struct Daemon {
    explicit Daemon(const LogOptions& options)
        : log(LogWriter::create(options)),
          journal(log),
          clock(log.last_ts_core()),
          edge(journal, clock, nullptr, config()),
          core(journal, edge, {}) {
      edge.attach(core);
      core.define_feed(FeedId{0}, FeedKind::BINANCE_SPOT, 0);
    }
    static EdgeConfig config() {
      EdgeConfig out;
      out.inbox_bytes = 100;
      return out;
    }
    bool market(std::size_t size) {
      return edge.push_market_message(FeedId{0}, 1, MessageKind::WEBSOCKET, kNoId, text(size));
    }

    LogWriter log;
    LiveJournal journal;
    TscClock clock;
    Edge edge;
    Core core;
  };
};

TEST_F(EdgeInboxTest, takes_as_much_as_configured_and_refuses_one_byte_more) {
  Daemon daemon(options());
  EXPECT_TRUE(daemon.market(60));
  EXPECT_FALSE(daemon.market(41));
  EXPECT_TRUE(daemon.market(40));
  EXPECT_FALSE(daemon.market(1));
  EXPECT_EQ(daemon.edge.stats().inbox_refused, 2U);
  EXPECT_TRUE(daemon.edge.push_operator(0, 0, 1, text(100))) << "commands have room of their own";
  EXPECT_FALSE(daemon.edge.push_worker_result(1, StrategyId{0}, 0, "{}"));
  daemon.edge.push_feed_status(FeedId{0}, FeedEvent::DISCONNECTED);
  EXPECT_EQ(daemon.edge.queued(), 4U);
}

TEST_F(EdgeInboxTest, room_comes_back_with_the_turn_and_a_long_message_passes_alone) {
  Daemon daemon(options());
  EXPECT_TRUE(daemon.market(100));
  EXPECT_FALSE(daemon.market(100));
  (void)daemon.edge.drain();
  EXPECT_TRUE(daemon.market(1000)) << "nothing else waits";
  EXPECT_FALSE(daemon.market(1));
  (void)daemon.edge.drain();
  EXPECT_EQ(daemon.edge.stats().market_inputs, 2U);
}

}  // namespace
}  // namespace pitwire
