// (strategy, instrument) → dense slot, append-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Fixed capacity, open addressing with linear probing at load ≤ 1/2. find is one or two cache
/// lines; the worst case is a probe along a full cluster. No removal. Slots are handed out in the
/// order of insertion, so equal histories give equal slots.
class PairIndex {
 public:
  static constexpr std::uint32_t kNone = kNoId;

  explicit PairIndex(std::uint32_t capacity);

  [[nodiscard]] std::uint32_t find(StrategyId strategy, InstrumentId instrument) const noexcept {
    const auto key = key_of(strategy, instrument);
    for (auto at = hash(key);; at = (at + 1) & mask_) {
      const auto& entry = table_[at];
      if (entry.slot == kNone) return kNone;
      if (entry.key == key) return entry.slot;
    }
  }
  /// The pair's slot, a new one where it has none, kNone where the capacity is reached.
  std::uint32_t insert(StrategyId strategy, InstrumentId instrument) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  void clear() noexcept;

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t slot = kNone;
  };
  static std::uint64_t key_of(StrategyId strategy, InstrumentId instrument) noexcept {
    return static_cast<std::uint64_t>(index(strategy)) << 32 | index(instrument);
  }
  [[nodiscard]] std::size_t hash(std::uint64_t key) const noexcept {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> 32) & mask_;
  }

  std::vector<Entry> table_;
  std::size_t mask_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace pitwire
