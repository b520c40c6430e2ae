// How many messages went in the last second.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Counts in 16 buckets of 1/16 s plus the one under way: `sent(now)` covers at least the last
/// second and at most 1/16 s more, so a limit on it holds in every second, wherever it begins.
/// O(1) within a bucket, else O(17). No clock: time is passed in and never goes back.
class RateWindow {
 public:
  static constexpr Nanos kBucket = kSecond / 16;

  /// Messages counted in the window that ends at `now`.
  [[nodiscard]] std::uint32_t sent(Nanos now) const noexcept { return sent_by(now / kBucket); }
  /// The same for who asks several windows: `bucket` is now / kBucket.
  [[nodiscard]] std::uint32_t sent_by(std::int64_t bucket) const noexcept {
    if (bucket == bucket_) return sum_;
    if (bucket - bucket_ >= kBuckets) return 0;
    auto sum = sum_;
    for (auto gone = bucket_ + 1; gone <= bucket; ++gone) sum -= counts_[at(gone)];
    return sum;
  }
  void count(Nanos now) noexcept {
    const auto bucket = now / kBucket;
    if (bucket - bucket_ >= kBuckets) {
      counts_ = {};
      sum_ = 0;
    } else {
      for (auto gone = bucket_ + 1; gone <= bucket; ++gone) {
        sum_ -= counts_[at(gone)];
        counts_[at(gone)] = 0;
      }
    }
    if (bucket > bucket_) bucket_ = bucket;
    ++counts_[at(bucket_)];
    ++sum_;
  }
  bool operator==(const RateWindow&) const = default;

 private:
  static constexpr std::int64_t kBuckets = 17;
  static std::size_t at(std::int64_t bucket) noexcept {
    return static_cast<std::size_t>(bucket % kBuckets);
  }

  std::int64_t bucket_ = 0;
  std::array<std::uint32_t, kBuckets> counts_{};
  std::uint32_t sum_ = 0;
};

}  // namespace pitwire
