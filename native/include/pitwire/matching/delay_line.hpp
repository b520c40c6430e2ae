// Things on their way: each comes out a configured time after it went in, in the order in which it
// went in.
//
// Latency is `base` plus a uniform share of `jitter`; nothing overtakes, so a thing may be later
// than its own latency says when the one before it is late. Storage is a ring that grows to the
// largest number ever under way.
#pragma once

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "pitwire/base/types.hpp"
#include "pitwire/matching/random.hpp"

namespace pitwire {

struct Latency {
  Nanos base_ns = 0;
  Nanos jitter_ns = 0;
};

template <class T>
class DelayLine {
 public:
  DelayLine(Latency latency, std::uint64_t seed) noexcept : latency_(latency), random_(seed) {}

  void push(Nanos now, T item) {
    auto due = now + latency_.base_ns;
    if (latency_.jitter_ns > 0) due += random_.below(latency_.jitter_ns + 1);
    last_ = std::max(last_, due);
    items_.emplace_back(last_, std::move(item));
  }
  /// Hands out what is due at `now`: `visit(Nanos due, T&&)`; returns how many.
  template <class Visit>
  std::size_t drain(Nanos now, Visit&& visit) {
    std::size_t count = 0;
    while (!items_.empty() && items_.front().first <= now) {
      auto [due, item] = std::move(items_.front());
      items_.pop_front();
      visit(due, std::move(item));
      ++count;
    }
    return count;
  }
  /// When the next one comes out; maximum int64 where nothing is under way.
  [[nodiscard]] Nanos next_due() const noexcept {
    return items_.empty() ? std::numeric_limits<Nanos>::max() : items_.front().first;
  }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

 private:
  Latency latency_;
  Random random_;
  Nanos last_ = std::numeric_limits<Nanos>::min();
  std::deque<std::pair<Nanos, T>> items_;
};

}  // namespace pitwire
