// Rings between two threads. Throughput with one record and with batches of 16 published in place,
// and the round trip of one record. The same of others' rings is in peer_rings_bench.cpp.
#include <benchmark/benchmark.h>

#include <array>

#include "base/two_cores.hpp"
#include "pitwire/base/byte_ring.hpp"
#include "pitwire/base/clock.hpp"
#include "pitwire/base/histogram.hpp"
#include "pitwire/base/inbox.hpp"
#include "pitwire/base/spsc_ring.hpp"

namespace pitwire {
namespace {

using bench::Consumer;
using bench::pin;
using bench::Record;

void RingThroughput(benchmark::State& state) {
  const auto batch = static_cast<std::uint64_t>(state.range(0));
  SpscRing<Record> ring(4096);
  pin(0);
  const Consumer consumer(ring, [batch](SpscRing<Record>& from) {
    const auto records = from.poll(batch);
    for (const Record& record : records) benchmark::DoNotOptimize(record.words[7]);
    if (!records.empty()) from.release(records.size());
  });
  std::uint64_t number = 0;
  std::int64_t sent = 0;
  for (auto unused : state) {
    std::span<Record> room;
    while ((room = ring.claim(batch)).empty()) {
    }
    for (Record& record : room) record.words.fill(++number);
    ring.commit(room.size());
    sent += static_cast<std::int64_t>(room.size());
  }
  state.SetItemsProcessed(sent);
}
BENCHMARK(RingThroughput)->Arg(1)->Arg(16)->UseRealTime();

void RingPingPong(benchmark::State& state) {
  SpscRing<Record> there(64), back(64);
  pin(0);
  const Consumer consumer(there, [&back](SpscRing<Record>& from) {
    if (const Record* record = from.front()) {
      (void)back.push(*record);
      from.release();
    }
  });
  const Record record{};
  for (auto unused : state) {
    (void)there.push(record);
    while (back.front() == nullptr) {
    }
    back.release();
  }
}
BENCHMARK(RingPingPong)->UseRealTime();

void ByteRingThroughput(benchmark::State& state) {
  const auto size_bytes = static_cast<std::uint32_t>(state.range(0));
  ByteRing ring(1 << 20);
  pin(0);
  const Consumer consumer(ring, [](ByteRing& from) {
    ByteRing::Entry entry;
    while (from.poll(entry)) benchmark::DoNotOptimize(entry.bytes.data());
    from.release();
  });
  std::int64_t sent = 0;
  for (auto unused : state) {
    std::span<std::byte> room;
    while ((room = ring.claim(size_bytes, 1, 2, 3)).data() == nullptr) {
    }
    std::memset(room.data(), 1, room.size());
    ring.commit();
    ++sent;
  }
  state.SetItemsProcessed(sent);
}
BENCHMARK(ByteRingThroughput)->Arg(64)->Arg(1024)->UseRealTime();

void InboxPushAndPoll(benchmark::State& state) {
  Inbox inbox(1 << 20);
  const std::array<std::byte, 64> bytes{};
  for (auto unused : state) {
    benchmark::DoNotOptimize(inbox.push(1, 2, 3, bytes));
    inbox.poll(1, [](const InboxMessage& message) { benchmark::DoNotOptimize(message.kind); });
  }
}
BENCHMARK(InboxPushAndPoll);

void ClockNow(benchmark::State& state) {
  TscClock clock;
  for (auto unused : state) benchmark::DoNotOptimize(clock.now());
}
BENCHMARK(ClockNow);

void HistogramRecord(benchmark::State& state) {
  Histogram histogram;
  std::int64_t value = 1;
  for (auto unused : state) {
    histogram.record(value);
    value = (value * 69069 + 1) & 0xfffff;
  }
  benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(HistogramRecord);

}  // namespace
}  // namespace pitwire
