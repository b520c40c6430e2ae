// What carries events: rings between threads, and the log.
#include <array>

#include "../log/log_fixture.hpp"
#include "hook.hpp"
#include "pitwire/base/byte_ring.hpp"

namespace pitwire::testing {
namespace {

// Their memory is shared with a forked child: each measure has a ring, or a log, of its own.

/// Records pushed and taken until `count` went through; the sum of what was taken.
std::uint64_t pass_records(SpscRing<std::array<std::uint64_t, 8>>& ring, std::uint64_t count) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    while (!ring.push({i})) {
      const auto records = ring.poll(32);
      for (const auto& record : records) sum += record[0];
      ring.release(records.size());
    }
  }
  return sum;
}

TEST(Steady, ARingOfRecords) {
  constexpr std::uint64_t kCount = 100'000;
  SpscRing<std::array<std::uint64_t, 8>> here(64), there(64);
  std::uint64_t sum = 0;
  EXPECT_EQ(first_system_call_in([&] { (void)pass_records(there, kCount); }), -1);
  EXPECT_EQ(allocations_in([&] { sum = pass_records(here, kCount); }), 0U);
  EXPECT_GT(sum, kCount * (kCount - 1) / 2 - 64 * kCount);
  EXPECT_EQ(there.size(), here.size());
}

std::uint64_t pass_bytes(ByteRing& ring, std::uint32_t count) {
  static constexpr std::array<std::byte, 300> kBytes{};
  std::uint64_t taken = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    while (!ring.push(std::span(kBytes).first(1 + i % 300), 1, 2, i)) {
      ByteRing::Entry entry;
      while (ring.poll(entry)) ++taken;
      ring.release();
    }
  }
  return taken;
}

TEST(Steady, ARingOfBytes) {
  constexpr std::uint32_t kCount = 100'000;
  ByteRing here(1 << 14), there(1 << 14);
  std::uint64_t taken = 0;
  EXPECT_EQ(first_system_call_in([&] { (void)pass_bytes(there, kCount); }), -1);
  EXPECT_EQ(allocations_in([&] { taken = pass_bytes(here, kCount); }), 0U);
  EXPECT_GT(taken, kCount - 1'000);
  EXPECT_EQ(there.used_bytes(), here.used_bytes());
}

class SteadyLog : public LogTest {
 protected:
  LogWriter log_named(const std::string& name) const {
    auto settings = options(name);
    settings.segment_size_bytes = 64ULL << 20;
    return LogWriter::create(settings);
  }
  /// Market data, and orders whose sync is asked for: what the log's thread does is its own.
  static void append(LogWriter& log, int count) {
    static const std::vector<std::byte> payload(200, std::byte{0x5a});
    static const rec::OrderSubmitted order;
    for (int i = 0; i < count; ++i) {
      log.append(RecordType::MARKET_DATAGRAM, FrameClass::INPUT, log.last_ts_core() + 1,
                 Origin::MARKET, 1, payload);
      log.append(order, log.last_ts_core());
    }
  }
};

TEST_F(SteadyLog, AnAppend) {
  auto here = log_named("here"), there = log_named("there");
  append(here, 1'000);
  append(there, 1'000);
  EXPECT_EQ(first_system_call_in([&] { append(there, 20'000); }), -1);
  EXPECT_EQ(allocations_in([&] { append(here, 20'000); }), 0U);
  EXPECT_EQ(here.last_sequence(), 42'000U);
  EXPECT_EQ(here.segment_index(), 0U);
  EXPECT_FALSE(here.failed());
}

}  // namespace
}  // namespace pitwire::testing
