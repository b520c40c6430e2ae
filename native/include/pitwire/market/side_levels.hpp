// The prices of one side of a book, and where the level of each is kept.
//
// Two arrays in one allocation, worst price first: keys of 8 bytes and level slots of 4. A key is
// the price, for sells its complement, so that a better price is always the greater key. Most
// messages concern the touch: the kNear best keys are compared without a branch (two cache lines,
// and what was found decides no jump that could be mispredicted), only what is worse is searched by
// halves. In front of the keys stand kNear that are worse than any price, so that the comparison
// needs no length.
//
// Insertion and removal move the better levels, 12 bytes each; slow input: new levels far from the
// touch of a deep book. Memory grows by doubling and never shrinks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "pitwire/base/types.hpp"

namespace pitwire {

class SideLevels {
 public:
  explicit SideLevels(Side side) noexcept : flip_(side == Side::BUY ? 0 : -1) {}
  SideLevels(SideLevels&& other) noexcept;
  SideLevels& operator=(SideLevels&&) = delete;
  ~SideLevels();

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// 0 is the worst. Precondition: at < size().
  [[nodiscard]] std::int64_t px(std::uint32_t at) const noexcept { return keys()[at] ^ flip_; }
  [[nodiscard]] std::uint32_t level(std::uint32_t at) const noexcept { return levels()[at]; }
  [[nodiscard]] std::int64_t best_px() const noexcept { return px(size_ - 1); }
  [[nodiscard]] std::uint32_t best_level() const noexcept { return level(size_ - 1); }

  /// Where the price is or belongs, in [0, size()].
  [[nodiscard]] std::uint32_t place(std::int64_t px) const noexcept {
    const auto better = better_near(px);
    return better < kNear ? size_ - better : far_place(px ^ flip_);
  }
  /// The same for a price near the touch; size() for one that is not.
  [[nodiscard]] std::uint32_t place_near(std::int64_t px) const noexcept {
    const auto better = better_near(px);
    return better < kNear ? size_ - better : size_;
  }
  [[nodiscard]] bool has(std::uint32_t at, std::int64_t px) const noexcept {
    return at < size_ && keys()[at] == (px ^ flip_);
  }
  void insert(std::uint32_t at, std::int64_t px, std::uint32_t level);
  void erase(std::uint32_t at) noexcept;
  void clear() noexcept { size_ = 0; }

  /// Brings the best levels near; for callers that know what comes next.
  void prefetch() const noexcept {
    __builtin_prefetch(keys() + size_ - 1);
    __builtin_prefetch(keys() + size_ - kNear / 2);
    __builtin_prefetch(keys() + size_ - kNear);
    __builtin_prefetch(levels() + size_ - 1);
  }

 private:
  static constexpr std::uint32_t kNear = 16;
  static constexpr std::int64_t kWorst = std::numeric_limits<std::int64_t>::min();

  // kNear worst keys, capacity_ keys, capacity_ level slots.
  [[nodiscard]] std::int64_t* keys() const noexcept { return memory_ + kNear; }
  [[nodiscard]] std::uint32_t* levels() const noexcept {
    return reinterpret_cast<std::uint32_t*>(keys() + capacity_);
  }
  /// How many of the kNear best are not worse.
  [[nodiscard]] std::uint32_t better_near(std::int64_t px) const noexcept {
    const auto key = px ^ flip_;
    const auto* near = keys() + size_ - kNear;
    std::uint32_t better = 0;
    for (std::uint32_t i = 0; i < kNear; ++i) better += near[i] >= key ? 1 : 0;
    return better;
  }
  [[nodiscard]] std::uint32_t far_place(std::int64_t key) const noexcept;
  void grow();

  std::int64_t* memory_ = allocated(kCapacityMin);
  std::int64_t flip_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = kCapacityMin;

  static constexpr std::uint32_t kCapacityMin = 16;
  [[nodiscard]] static std::int64_t* allocated(std::uint32_t capacity);
};

}  // namespace pitwire
