// Named counters and histograms in a mapped file: the core writes, metrics processes read.
//
// Layout. A header (magic, version, process id, capacities), a directory of 64-byte entries, the
// counters (one cache line each would be waste: one thread writes them all), the histograms. An
// entry is published by a release-store of its kind, after its name. Entries are never removed.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pitwire/base/histogram.hpp"
#include "pitwire/base/shared_memory.hpp"

namespace pitwire {

/// A counter or gauge that one thread writes and any process reads.
class SharedCounter {
 public:
  explicit SharedCounter(std::atomic<std::uint64_t>* word) noexcept : word_(word) {}
  /// Two plain moves: no locked instruction, because there is one writer.
  void add(std::uint64_t n = 1) noexcept {
    word_->store(word_->load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t value) noexcept { word_->store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return word_->load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>* word_;
};

/// The writer's end. Registration is for construction; the handles are for the hot path.
class SharedCounters {
 public:
  static constexpr std::size_t kNameBytesMax = 47;

  /// Replaces what was at `path`; readers of the old file keep the old one and see it ended.
  SharedCounters(const std::string& path, std::uint32_t counters_max = 1024,
                 std::uint32_t histograms_max = 32, mode_t mode = 0640);
  /// The counter of this name, made on first use. Throws std::invalid_argument when the name is
  /// empty or too long, or the table is full.
  [[nodiscard]] SharedCounter counter(std::string_view name);
  /// As counter(); the reference stays valid as long as this object.
  [[nodiscard]] Histogram& histogram(std::string_view name);

 private:
  SharedMemory memory_;
  std::deque<std::pair<std::string, Histogram>> histograms_;
};

/// The reader's end, in any process.
class SharedCountersReader {
 public:
  /// Throws std::invalid_argument when there is no such file or it is not one of these.
  explicit SharedCountersReader(const std::string& path);
  [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> counters() const;
  [[nodiscard]] std::vector<std::pair<std::string, Histogram>> histograms() const;
  /// Process id of the writer.
  [[nodiscard]] std::uint32_t writer_pid() const noexcept;

 private:
  SharedMemory memory_;
};

}  // namespace pitwire
