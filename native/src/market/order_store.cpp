#include "pitwire/market/order_store.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

namespace pitwire {
namespace {
constexpr std::size_t kHugePage = 2U << 20;
}

void* huge_allocate(std::size_t size_bytes) {
  if (size_bytes < kHugePage) return ::operator new(size_bytes, std::align_val_t{64});
  void* memory = std::aligned_alloc(kHugePage, (size_bytes + kHugePage - 1) & ~(kHugePage - 1));
  if (memory == nullptr) throw std::bad_alloc();
  // Only advice: slower without, not wrong. Populating takes the page faults now, not in the day.
  (void)::madvise(memory, size_bytes, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
  (void)::madvise(memory, size_bytes, MADV_POPULATE_WRITE);
#endif
  return memory;
}

void huge_free(void* memory, std::size_t size_bytes) noexcept {
  if (size_bytes < kHugePage) {
    ::operator delete(memory, std::align_val_t{64});
  } else {
    std::free(memory);
  }
}

OrderStore::OrderStore(std::size_t orders_expected) {
  const auto slots = std::bit_ceil(std::max<std::size_t>(orders_expected * 2, 64));
  index_.assign(slots, Slot{0, kNil});
  mask_ = static_cast<std::uint32_t>(slots - 1);
  orders_.reserve(orders_expected);
  levels_.reserve(orders_expected / 4 + 64);  // levels hold several orders; it grows if not
}

std::uint32_t OrderStore::insert(std::uint64_t ref) {
  if ((live_ + 1) * 2 > index_.size()) grow_index();
  std::uint32_t slot = free_order_;
  if (slot != kNil) {
    free_order_ = orders_[slot].next;
  } else {
    if (orders_.size() == orders_.capacity()) ++growths_;
    slot = static_cast<std::uint32_t>(orders_.size());
    orders_.emplace_back();
  }
  orders_[slot].ref = ref;
  place(hash_of(ref), slot);
  ++live_;
  return slot;
}

void OrderStore::place(std::uint32_t hash, std::uint32_t order) noexcept {
  auto at = hash & mask_;
  while (index_[at].order != kNil) at = (at + 1) & mask_;
  index_[at] = {hash, order};
}

void OrderStore::erase(std::uint32_t slot) noexcept {
  auto hole = hash_of(orders_[slot].ref) & mask_;
  while (index_[hole].order != slot) hole = (hole + 1) & mask_;
  // Move back whoever would no longer be found across the hole: those whose home is not in
  // (hole, at], all modulo the table's size.
  for (auto at = (hole + 1) & mask_; index_[at].order != kNil; at = (at + 1) & mask_) {
    const auto home = index_[at].hash & mask_;
    if (((at - home) & mask_) >= ((at - hole) & mask_)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole].order = kNil;
  orders_[slot].next = free_order_;
  free_order_ = slot;
  --live_;
}

void OrderStore::grow_index() {
  HugeVector<Slot> old(index_.size() * 2, Slot{0, kNil});
  old.swap(index_);
  mask_ = static_cast<std::uint32_t>(index_.size() - 1);
  for (const auto& slot : old) {
    if (slot.order != kNil) place(slot.hash, slot.order);
  }
  ++growths_;
}

std::uint32_t OrderStore::new_level(std::int64_t px, std::uint32_t tags) {
  std::uint32_t slot = free_level_;
  if (slot != kNil) {
    free_level_ = levels_[slot].first;
  } else {
    if (levels_.size() == levels_.capacity()) ++growths_;
    slot = static_cast<std::uint32_t>(levels_.size());
    levels_.emplace_back();
  }
  levels_[slot] = {px, 0, kNil, kNil, 0, tags};
  return slot;
}

void OrderStore::free_level(std::uint32_t slot) noexcept {
  levels_[slot].first = free_level_;
  free_level_ = slot;
}

}  // namespace pitwire
