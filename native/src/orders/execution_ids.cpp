#include "pitwire/orders/execution_ids.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

namespace pitwire {
namespace {

constexpr std::uint32_t kEmpty = kNoId;

std::uint32_t hash_of(const std::array<char, 40>& exec_id, std::uint8_t side) noexcept {
  std::uint64_t hash = side;
  for (std::size_t i = 0; i < exec_id.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, exec_id.data() + i, sizeof(word));
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 29;
  }
  return static_cast<std::uint32_t>(hash >> 16);
}

}  // namespace

ExecutionIds::ExecutionIds(std::uint32_t capacity) : capacity_(capacity) {
  if (capacity == 0 || capacity > (1u << 24)) {
    throw std::invalid_argument("exec_ids_per_session: expected 1 to 16777216, found " +
                                std::to_string(capacity));
  }
  ring_.resize(capacity);
  index_.assign(std::bit_ceil(std::size_t{capacity} * 2), Place{kEmpty, 0});
  mask_ = index_.size() - 1;
}

const SeenExecution* ExecutionIds::find(const std::array<char, 40>& exec_id,
                                        std::uint8_t side) const noexcept {
  const auto hash = hash_of(exec_id, side);
  for (auto at = hash & mask_; index_[at].slot != kEmpty; at = (at + 1) & mask_) {
    if (index_[at].hash != hash) continue;
    const auto& seen = ring_[index_[at].slot];
    if (seen.side == side && seen.exec_id == exec_id) return &seen;
  }
  return nullptr;
}

SeenExecution* ExecutionIds::find(const std::array<char, 40>& exec_id, std::uint8_t side) noexcept {
  return const_cast<SeenExecution*>(std::as_const(*this).find(exec_id, side));
}

void ExecutionIds::insert(const SeenExecution& seen) noexcept {
  if (size_ == capacity_) {
    erase(next_);
  } else {
    ++size_;
  }
  ring_[next_] = seen;
  const auto hash = hash_of(seen.exec_id, seen.side);
  auto at = hash & mask_;
  while (index_[at].slot != kEmpty) at = (at + 1) & mask_;
  index_[at] = {next_, hash};
  next_ = (next_ + 1) % capacity_;
}

/// Backward-shift deletion: no tombstones, so probes stay as short as the load allows.
void ExecutionIds::erase(std::uint32_t slot) noexcept {
  auto hole = hash_of(ring_[slot].exec_id, ring_[slot].side) & mask_;
  while (index_[hole].slot != slot) hole = (hole + 1) & mask_;
  for (auto at = (hole + 1) & mask_; index_[at].slot != kEmpty; at = (at + 1) & mask_) {
    const auto wanted = index_[at].hash & mask_;
    if (((at - wanted) & mask_) < ((at - hole) & mask_)) continue;
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole].slot = kEmpty;
}

}  // namespace pitwire
