// What benchmarks of rings share: the record, and a consumer on a core of its own.
#pragma once

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "pitwire/base/tuning.hpp"

namespace pitwire::bench {

struct Record {
  std::array<std::uint64_t, 8> words;
};
static_assert(sizeof(Record) == 64);

/// One core each where the host has two.
inline void pin(std::size_t which) {
  static const std::vector<int> cores = allowed_cores();
  if (cores.size() > 1) (void)pin_thread(std::array{cores[which % cores.size()]});
}

/// A consumer on the other core that reads everything until stopped.
template <class Ring, class Poll>
class Consumer {
 public:
  Consumer(Ring& ring, Poll poll)
      : thread_([this, &ring, poll] {
          pin(1);
          while (!stop_.load(std::memory_order_acquire)) poll(ring);
        }) {}
  ~Consumer() {
    stop_.store(true, std::memory_order_release);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace pitwire::bench
