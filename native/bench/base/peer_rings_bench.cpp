// Others' rings with one producer and one consumer, as ring_bench.cpp measures ours: the same
// record, cores, room and work at both ends, each by its own fastest calls. Built where their
// headers are installed (Debian: libreaderwriterqueue-dev, libboost-dev); `pitwire bench --peers`
// runs them.
#ifdef PITWIRE_HAS_READERWRITERQUEUE
#include <readerwriterqueue/readerwriterqueue.h>
#endif
#ifdef PITWIRE_HAS_BOOST
#include <boost/lockfree/spsc_queue.hpp>
#endif

#include <benchmark/benchmark.h>

#include <array>

#include "base/two_cores.hpp"

namespace pitwire {
namespace {

using bench::Consumer;
using bench::pin;
using bench::Record;

constexpr std::size_t kRoom = 4096;
constexpr std::size_t kRoomPingPong = 64;
constexpr std::size_t kBatchMax = 16;

#ifdef PITWIRE_HAS_READERWRITERQUEUE

using Queue = moodycamel::ReaderWriterQueue<Record>;

/// Read in place, as ours is.
void ReaderWriterQueueThroughput(benchmark::State& state) {
  Queue queue(kRoom);
  pin(0);
  const Consumer consumer(queue, [](Queue& from) {
    if (const Record* record = from.peek()) {
      benchmark::DoNotOptimize(record->words[7]);
      from.pop();
    }
  });
  std::uint64_t number = 0;
  Record record;
  for (auto unused : state) {
    record.words.fill(++number);
    while (!queue.try_enqueue(record)) {
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ReaderWriterQueueThroughput)->UseRealTime();

void ReaderWriterQueuePingPong(benchmark::State& state) {
  Queue there(kRoomPingPong), back(kRoomPingPong);
  pin(0);
  const Consumer consumer(there, [&back](Queue& from) {
    if (const Record* record = from.peek()) {
      (void)back.try_enqueue(*record);
      from.pop();
    }
  });
  const Record record{};
  for (auto unused : state) {
    (void)there.try_enqueue(record);
    while (back.peek() == nullptr) {
    }
    back.pop();
  }
}
BENCHMARK(ReaderWriterQueuePingPong)->UseRealTime();

#endif
#ifdef PITWIRE_HAS_BOOST

template <std::size_t kCapacity>
using Spsc = boost::lockfree::spsc_queue<Record, boost::lockfree::capacity<kCapacity>>;

/// In batches it copies from and to arrays; a batch may go in parts.
void BoostSpscThroughput(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  static Spsc<kRoom> queue;
  queue.reset();
  pin(0);
  const Consumer consumer(queue, [](Spsc<kRoom>& from) {
    (void)from.consume_all([](const Record& record) { benchmark::DoNotOptimize(record.words[7]); });
  });
  std::uint64_t number = 0;
  std::int64_t sent = 0;
  std::array<Record, kBatchMax> records;
  for (auto unused : state) {
    for (std::size_t i = 0; i < batch; ++i) records[i].words.fill(++number);
    for (std::size_t gone = 0; gone < batch;) {
      gone += queue.push(records.data() + gone, batch - gone);
    }
    sent += static_cast<std::int64_t>(batch);
  }
  state.SetItemsProcessed(sent);
}
BENCHMARK(BoostSpscThroughput)->Arg(1)->Arg(kBatchMax)->UseRealTime();

void BoostSpscPingPong(benchmark::State& state) {
  Spsc<kRoomPingPong> there, back;
  pin(0);
  const Consumer consumer(there, [&back](Spsc<kRoomPingPong>& from) {
    (void)from.consume_one([&back](const Record& record) { (void)back.push(record); });
  });
  const Record record{};
  for (auto unused : state) {
    (void)there.push(record);
    while (!back.consume_one([](const Record& got) { benchmark::DoNotOptimize(got.words[7]); })) {
    }
  }
}
BENCHMARK(BoostSpscPingPong)->UseRealTime();

#endif

}  // namespace
}  // namespace pitwire
