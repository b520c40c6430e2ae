#include "pitwire/orders/pair_index.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace pitwire {

PairIndex::PairIndex(std::uint32_t capacity) : capacity_(capacity) {
  if (capacity == 0 || capacity > (1u << 24)) {
    throw std::invalid_argument("pairs_max: expected 1 to 16777216, found " +
                                std::to_string(capacity));
  }
  table_.resize(std::bit_ceil(std::size_t{capacity} * 2));
  mask_ = table_.size() - 1;
}

std::uint32_t PairIndex::insert(StrategyId strategy, InstrumentId instrument) noexcept {
  const auto key = key_of(strategy, instrument);
  auto at = hash(key);
  while (table_[at].slot != kNone) {
    if (table_[at].key == key) return table_[at].slot;
    at = (at + 1) & mask_;
  }
  if (size_ == capacity_) return kNone;
  table_[at] = {key, size_};
  return size_++;
}

void PairIndex::clear() noexcept {
  std::fill(table_.begin(), table_.end(), Entry{});
  size_ = 0;
}

}  // namespace pitwire
