// Durability classes: who asks for a sync, who goes along, and who is told.
#include <poll.h>

#include <thread>

#include "log_fixture.hpp"
#include "pitwire/log/sync_policy.hpp"

namespace pitwire {
namespace {

using SyncTest = LogTest;

bool rings_within(const Doorbell& bell, int timeout_ms) {
  pollfd readable{bell.fd(), POLLIN, 0};
  return ::poll(&readable, 1, timeout_ms) == 1;
}

TEST_F(SyncTest, FramesOfThePageCacheAskForNothingAndGoAlongWithThoseThatDo) {
  auto settings = options();
  settings.sync.market = false;
  settings.sync_interval_lazy_ns = 3'600 * kSecond;
  std::atomic<int> syncs{0};
  settings.before_sync = [&] { ++syncs; };
  auto log = LogWriter::create(settings);
  const Sequence time = log.append(rec::Time{}, 1);
  for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(syncs, 0);
  EXPECT_LT(log.durable_sequence(), time);
  const Sequence order = log.append(rec::OrderSubmitted{}, 2);
  while (log.durable_sequence() < order) std::this_thread::yield();
  EXPECT_GE(log.durable_sequence(), time);
  EXPECT_GE(syncs, 1);
}

TEST_F(SyncTest, FramesThatAskForNothingAreSyncedAfterAWhileAllTheSame) {
  auto settings = options();
  settings.sync.market = false;
  settings.sync_interval_lazy_ns = 2 * kMillisecond;
  auto log = LogWriter::create(settings);
  const Sequence time = log.append(rec::Time{}, 1);
  while (log.durable_sequence() < time) std::this_thread::yield();
  EXPECT_TRUE(log.close());
}

TEST_F(SyncTest, SomebodyWhoWaitsGetsASyncOfWhateverClass) {
  auto settings = options();
  settings.sync = {false, false, false, {}};
  settings.sync_interval_lazy_ns = 3'600 * kSecond;
  auto log = LogWriter::create(settings);
  EXPECT_TRUE(log.wait_durable(log.append(rec::OrderSubmitted{}, 1)));
}

TEST_F(SyncTest, ABellRingsWhenWhatWasWantedIsDurableAndNotForOtherSyncs) {
  auto log = LogWriter::create(options());
  Doorbell bell;
  log.ring_when_durable(bell);
  bell.arm();
  note(log, 1, "not wanted");
  while (log.durable_sequence() < log.last_sequence()) std::this_thread::yield();
  EXPECT_FALSE(rings_within(bell, 0));
  const Sequence wanted = note(log, 2, "wanted");
  log.want_durable(wanted);
  ASSERT_TRUE(rings_within(bell, 20'000));
  EXPECT_GE(log.durable_word().load(), wanted);
  log.forget_bell(bell);
}

TEST_F(SyncTest, ASessionMayDifferFromTheOthers) {
  SyncPolicy policy{true, true, true, {true, false}};
  EXPECT_TRUE(policy.asks(RecordType::FIX_TX, 0));
  EXPECT_FALSE(policy.asks(RecordType::FIX_TX, 1));
  EXPECT_TRUE(policy.asks(RecordType::FIX_TX, 2));
  EXPECT_TRUE(policy.asks(RecordType::ORDER_SUBMITTED, 1));
  policy.market = false;
  EXPECT_FALSE(policy.asks(RecordType::MARKET_DATAGRAM, 0));
  EXPECT_TRUE(policy.asks(RecordType::KILL, 0));
}

}  // namespace
}  // namespace pitwire
