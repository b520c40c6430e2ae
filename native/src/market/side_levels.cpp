#include "pitwire/market/side_levels.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace pitwire {
namespace {
constexpr std::align_val_t kLine{64};
}

std::int64_t* SideLevels::allocated(std::uint32_t capacity) {
  const auto size_bytes =
      (kNear + capacity) * sizeof(std::int64_t) + capacity * sizeof(std::uint32_t);
  auto* memory = static_cast<std::int64_t*>(::operator new(size_bytes, kLine));
  std::fill_n(memory, kNear, kWorst);
  return memory;
}

SideLevels::SideLevels(SideLevels&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      flip_(other.flip_),
      size_(std::exchange(other.size_, 0)),
      capacity_(other.capacity_) {}

SideLevels::~SideLevels() { ::operator delete(memory_, kLine); }

std::uint32_t SideLevels::far_place(std::int64_t key) const noexcept {
  const auto* first = keys();
  return static_cast<std::uint32_t>(std::lower_bound(first, first + size_, key) - first);
}

void SideLevels::insert(std::uint32_t at, std::int64_t px, std::uint32_t level) {
  if (size_ == capacity_) grow();
  auto* key = keys() + at;
  auto* slot = levels() + at;
  std::memmove(key + 1, key, (size_ - at) * sizeof *key);
  std::memmove(slot + 1, slot, (size_ - at) * sizeof *slot);
  *key = px ^ flip_;
  *slot = level;
  ++size_;
}

void SideLevels::erase(std::uint32_t at) noexcept {
  --size_;
  auto* key = keys() + at;
  auto* slot = levels() + at;
  std::memmove(key, key + 1, (size_ - at) * sizeof *key);
  std::memmove(slot, slot + 1, (size_ - at) * sizeof *slot);
}

void SideLevels::grow() {
  auto* memory = allocated(capacity_ * 2);
  std::copy_n(keys(), size_, memory + kNear);
  const auto* old = levels();
  auto* slots = reinterpret_cast<std::uint32_t*>(memory + kNear + capacity_ * 2);
  std::copy_n(old, size_, slots);
  ::operator delete(memory_, kLine);
  memory_ = memory;
  capacity_ *= 2;
}

}  // namespace pitwire
