// GOALS.md P6: append of a 64-byte payload, sequential verification, group sync beside the writer.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <vector>

#include "pitwire/log/log_reader.hpp"
#include "pitwire/log/log_writer.hpp"

namespace pitwire {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "pitwire-bench-XXXXXX").string();
    path = ::mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }
  ~Folder() { fs::remove_all(path); }
};

LogOptions options(const Folder& folder) {
  LogOptions out;
  out.folder = folder.path;
  return out;
}

const std::vector<std::byte> kPayload(64, std::byte{0x5a});

void append(LogWriter& log, Nanos ts_core) {
  log.append(RecordType::MARKET_DATAGRAM, FrameClass::INPUT, ts_core, Origin::MARKET, 1, kPayload);
}

/// One run stays in a segment of 256 MiB; the durability thread syncs along.
void BM_Append64(benchmark::State& state) {
  const Folder folder;
  auto log = LogWriter::create(options(folder));
  Nanos now = 0;
  for (auto _ : state) append(log, ++now);
  state.SetItemsProcessed(state.iterations());
  state.counters["roll_waits"] = static_cast<double>(log.roll_waits());
  log.close();
}
BENCHMARK(BM_Append64)->Iterations(1'000'000);

/// The same at 1 M frames/s, each append timed: page faults and syncs beside it show in the tail.
void BM_Append64Paced(benchmark::State& state) {
  const Folder folder;
  auto log = LogWriter::create(options(folder));
  std::vector<std::int64_t> took;
  took.reserve(200'000);
  using Clock = std::chrono::steady_clock;
  auto due = Clock::now();
  for (auto _ : state) {
    due += std::chrono::microseconds(1);
    while (Clock::now() < due) {
    }
    const auto begin = Clock::now();
    append(log, static_cast<Nanos>(took.size()));
    took.push_back((Clock::now() - begin).count());
  }
  std::sort(took.begin(), took.end());
  const auto at = [&](double part) {
    return static_cast<double>(took[static_cast<std::size_t>(part * double(took.size() - 1))]);
  };
  state.counters["p50_ns"] = at(0.5);
  state.counters["p99_ns"] = at(0.99);
  state.counters["p99.9_ns"] = at(0.999);
  state.counters["p99.99_ns"] = at(0.9999);
  state.counters["max_ns"] = at(1);
  log.close();
}
BENCHMARK(BM_Append64Paced)->Iterations(200'000);

void BM_Verify64(benchmark::State& state) {
  const Folder folder;
  {
    auto log = LogWriter::create(options(folder));
    for (int i = 0; i < 1'000'000; ++i) append(log, i);
    log.close();
  }
  std::int64_t frames = 0;
  for (auto _ : state) {
    LogReader reader(folder.path);
    while (reader.next()) ++frames;
  }
  state.SetItemsProcessed(frames);
}
BENCHMARK(BM_Verify64)->Iterations(1)->Unit(benchmark::kMillisecond);

void BM_WaitDurable(benchmark::State& state) {
  const Folder folder;
  auto log = LogWriter::create(options(folder));
  Nanos now = 0;
  for (auto _ : state) {
    append(log, ++now);
    log.wait_durable(log.last_sequence());
  }
  log.close();
}
BENCHMARK(BM_WaitDurable)->Iterations(500)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace pitwire
