// The orders and levels of all L3 books of one feed, and the index from order reference to order.
//
// Three arrays, each grown by doubling and, on Linux, advised to huge pages: with a million live
// orders most of the time goes to cache misses and address translation, so everything is a 32-bit
// slot number and every record is half a cache line.
//
//   index   open addressing, 8 bytes a slot {hash, order slot}, at most half full. Eight
//           consecutive references share a home cache line: venues number orders in sequence and
//           most deletes hit recent orders, so the line is warm; the upper bits are mixed by a
//           multiplication, so references spread over 2^40 fill the table just as evenly.
//           Removal shifts back, there are no tombstones: a day of churn leaves no trace.
//   orders  32 bytes: reference, quantity, neighbours in the queue, level, priority in it.
//   levels  32 bytes: price, total quantity, first and last order, order count, book and side, and
//           whether orders of ours stand there (own_queue.hpp).
//
// find, insert and erase are O(1); worst case O(cluster), with half load below 20 slots in
// practice, unless references are chosen by someone who knows the constant (an exchange's are not).
// Growth copies: reserve what a day needs at the start, and nothing is allocated in the day.
// Limits: 2^31 orders and levels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/market/own_queue.hpp"

namespace pitwire {

inline constexpr std::uint32_t kNil = 0xffff'ffff;

/// Memory for the big tables: above 2 MiB aligned to huge pages, advised to them and populated.
template <class T>
struct HugeAllocator {
  using value_type = T;
  HugeAllocator() = default;
  template <class U>
  explicit(false) HugeAllocator(const HugeAllocator<U>&) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count);
  void deallocate(T* memory, std::size_t count) noexcept;
  bool operator==(const HugeAllocator&) const = default;
};
/// What HugeAllocator stands on.
[[nodiscard]] void* huge_allocate(std::size_t size_bytes);
void huge_free(void* memory, std::size_t size_bytes) noexcept;

template <class T>
T* HugeAllocator<T>::allocate(std::size_t count) {
  return static_cast<T*>(huge_allocate(count * sizeof(T)));
}
template <class T>
void HugeAllocator<T>::deallocate(T* memory, std::size_t count) noexcept {
  huge_free(memory, count * sizeof(T));
}
template <class T>
using HugeVector = std::vector<T, HugeAllocator<T>>;

struct L3Order {
  std::uint64_t ref;
  std::int64_t qty;
  std::uint32_t prev;  ///< ahead in the queue, kNil for the first
  std::uint32_t next;  ///< behind in the queue, kNil for the last; next free when not alive
  std::uint32_t level;
  std::uint32_t priority;  ///< one more than the order's before it; wraps
};
static_assert(sizeof(L3Order) == 32);

struct L3Level {
  std::int64_t px;
  std::int64_t qty;
  std::uint32_t first;  ///< oldest order; next free when not alive
  std::uint32_t last;
  std::uint32_t orders;
  std::uint32_t tags;  ///< book << kBookShift | kOwnHere | kSellSide
};
static_assert(sizeof(L3Level) == 32);
inline constexpr std::uint32_t kSellSide = 1;  ///< of L3Level::tags
inline constexpr std::uint32_t kOwnHere = 2;   ///< an order of ours stands there, or is thought to
inline constexpr std::uint32_t kBookShift = 2;

class OrderStore {
 public:
  /// Room for this many live orders before anything is allocated again.
  explicit OrderStore(std::size_t orders_expected = 1024);

  /// Slot of the live order, kNil if there is none.
  [[nodiscard]] std::uint32_t find(std::uint64_t ref) const noexcept {
    const auto hash = hash_of(ref);
    for (auto at = hash & mask_;; at = (at + 1) & mask_) {
      const auto& slot = index_[at];
      if (slot.order == kNil) return kNil;
      if (slot.hash == hash && orders_[slot.order].ref == ref) return slot.order;
    }
  }
  /// A new order's slot with `ref` set and indexed; the caller made sure that find gave kNil.
  [[nodiscard]] std::uint32_t insert(std::uint64_t ref);
  /// Forgets the order in that slot.
  void erase(std::uint32_t slot) noexcept;

  [[nodiscard]] std::uint32_t new_level(std::int64_t px, std::uint32_t tags);
  void free_level(std::uint32_t slot) noexcept;

  [[nodiscard]] L3Order& order(std::uint32_t slot) noexcept { return orders_[slot]; }
  [[nodiscard]] const L3Order& order(std::uint32_t slot) const noexcept { return orders_[slot]; }
  [[nodiscard]] L3Level& level(std::uint32_t slot) noexcept { return levels_[slot]; }
  [[nodiscard]] const L3Level& level(std::uint32_t slot) const noexcept { return levels_[slot]; }

  /// Our orders among them.
  [[nodiscard]] OwnQueue& own() noexcept { return own_; }
  [[nodiscard]] const OwnQueue& own() const noexcept { return own_; }

  /// Brings the reference's home line near; for callers that know what comes next.
  void prefetch(std::uint64_t ref) const noexcept {
    __builtin_prefetch(&index_[hash_of(ref) & mask_]);
  }
  /// The order that the reference most likely is, by the index alone; kNil if there is none.
  [[nodiscard]] std::uint32_t likely(std::uint64_t ref) const noexcept {
    const auto hash = hash_of(ref);
    for (auto at = hash & mask_; index_[at].order != kNil; at = (at + 1) & mask_) {
      if (index_[at].hash == hash) return index_[at].order;
    }
    return kNil;
  }
  /// Brings near the order's level and its neighbours in the queue.
  void prefetch_around(std::uint32_t slot) const noexcept {
    const auto& order = orders_[slot];
    __builtin_prefetch(&levels_[order.level]);
    if (order.prev != kNil) __builtin_prefetch(&orders_[order.prev]);
    if (order.next != kNil) __builtin_prefetch(&orders_[order.next]);
  }
  [[nodiscard]] std::size_t size() const noexcept { return live_; }
  /// Times that a table had to grow; stays 0 when enough was reserved.
  [[nodiscard]] std::uint64_t growths() const noexcept { return growths_; }

 private:
  struct Slot {
    std::uint32_t hash;
    std::uint32_t order;
  };
  [[nodiscard]] static std::uint32_t hash_of(std::uint64_t ref) noexcept {
    const auto mixed = (ref >> 3) * 0x9e37'79b9'7f4a'7c15ULL;
    return static_cast<std::uint32_t>(mixed >> 35) << 3 | static_cast<std::uint32_t>(ref & 7);
  }
  void place(std::uint32_t hash, std::uint32_t order) noexcept;
  void grow_index();

  HugeVector<Slot> index_;
  HugeVector<L3Order> orders_;
  HugeVector<L3Level> levels_;
  std::uint32_t mask_ = 0;
  std::uint32_t free_order_ = kNil;
  std::uint32_t free_level_ = kNil;
  std::size_t live_ = 0;
  std::uint64_t growths_ = 0;
  OwnQueue own_;
};

}  // namespace pitwire
