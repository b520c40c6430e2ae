// One side of a matching book: price levels in order, a queue of orders at each.
//
// Layout: levels in one sorted vector with the best at the back, because nearly all insertions,
// removals and trades are near the touch: they move few elements, and the best is `back()`. A level
// holds its price, total quantity, number of orders, and the ends of a doubly linked queue through
// the slab that the engine owns (`Slot::previous`, `Slot::next`), so that a cancel unlinks in O(1)
// once the level is found. Find: binary search, O(log L). Insert of a level: O(distance from the
// best). Worst case: alternating insertions at the far end of a deep side move the whole vector (32
// bytes a level). Does not handle: hidden or displayed-part quantity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

inline constexpr std::uint32_t kNoSlot = 0xffffffffU;

/// An order and its neighbours in its level's queue; `next` also chains free slots.
struct OrderSlot {
  VenueOrder order;
  std::uint32_t previous = kNoSlot;
  std::uint32_t next = kNoSlot;
  bool resting = false;  ///< in the book; otherwise a stop that waits, or free
};

struct PriceLevel {
  std::int64_t price;
  std::int64_t qty;
  std::uint32_t head;
  std::uint32_t tail;
  std::uint32_t orders;
  std::uint32_t reserved;
};
static_assert(sizeof(PriceLevel) == 32);

class PriceLadder {
 public:
  explicit PriceLadder(Side side, std::size_t levels_reserved = 1024);

  [[nodiscard]] bool empty() const noexcept { return levels_.empty(); }
  [[nodiscard]] const PriceLevel& best() const noexcept { return levels_.back(); }
  /// Worst first; iterate backwards for best first.
  [[nodiscard]] const std::vector<PriceLevel>& levels() const noexcept { return levels_; }
  /// The level at this price, nullptr where there is none.
  [[nodiscard]] const PriceLevel* find(std::int64_t price) const noexcept;

  /// At the end of the queue of its price.
  void append(std::vector<OrderSlot>& slots, std::uint32_t slot);
  /// Out of its queue; the level goes when it is empty. Uses the order's leaves_qty.
  void remove(std::vector<OrderSlot>& slots, std::uint32_t slot) noexcept;
  /// Takes quantity off a resting order and its level together.
  void take(OrderSlot& slot, std::int64_t qty) noexcept;

 private:
  /// First level, in vector order, that is not worse than `price`.
  [[nodiscard]] std::size_t position(std::int64_t price) const noexcept;

  Side side_;
  std::vector<PriceLevel> levels_;
};

}  // namespace pitwire
