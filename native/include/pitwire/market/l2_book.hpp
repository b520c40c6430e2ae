// A book of quantities by price, as most crypto venues publish it.
//
// Layout: each side is one array of {price, quantity}, 16 bytes a level, sorted so that the best
// price is the LAST element. Most changes are near the touch, so finding a price is a short scan
// from the end (then a binary search), and inserting or removing moves only what is better than
// it. Cost: O(1) near the touch; worst case O(levels) moved bytes for a new level far from it, a
// memmove of 16 KiB (about 0.3 us) at 1,000 better levels.
//
// The place of an order of ours is an estimate, and never too good: what the level shows when the
// venue acknowledges it is ahead; trades at its price take from that, one through its price takes
// all; otherwise only a level that shows less than is ahead brings it down, so that cancels are
// taken to come from behind us first. It is the model by which recorded_matcher.hpp fills, and
// hftbacktest's risk-averse one. A venue that shows our own order counts it ahead of itself.
//
// Crossed and locked books are stored as they come. No order count, no queue: see l3_book.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "pitwire/market/bytes.hpp"
#include "pitwire/market/own_queue.hpp"
#include "pitwire/market/top.hpp"

namespace pitwire {

/// The last delta of its message: the book is whole again after it.
inline constexpr std::uint32_t kDeltaLast = 1;
/// The quantity is added to what is there (negative: taken away).
inline constexpr std::uint32_t kDeltaRelative = 2;

/// One change: the quantity now at this price; 0 removes the level. Also the layout of the NumPy
/// records that daemon.core.L2Book.apply takes.
struct L2Delta {
  std::int64_t px;
  std::int64_t qty;
  std::int64_t ts_event;
  std::uint32_t side;   ///< Side
  std::uint32_t flags;  ///< kDeltaLast, kDeltaRelative
};
static_assert(sizeof(L2Delta) == 32);

class L2Book {
 public:
  struct Entry {
    std::int64_t px;
    std::int64_t qty;
  };

  /// Room for `levels` a side before anything is allocated again.
  explicit L2Book(std::size_t levels = 256);

  /// The quantity at `px` is now `qty` lots; qty <= 0 removes. True if best price or quantity of
  /// that side changed.
  bool set(Side side, std::int64_t px, std::int64_t qty, Nanos ts_event) noexcept;
  /// `qty` more (or, negative, fewer) at `px`; a level that falls to 0 or below is removed.
  bool change(Side side, std::int64_t px, std::int64_t qty, Nanos ts_event) noexcept;
  bool apply(const L2Delta& delta) noexcept {
    const auto side = static_cast<Side>(delta.side);
    return (delta.flags & kDeltaRelative) != 0 ? change(side, delta.px, delta.qty, delta.ts_event)
                                               : set(side, delta.px, delta.qty, delta.ts_event);
  }
  /// All in order; true if the touch changed in any of them.
  bool apply(std::span<const L2Delta> deltas) noexcept;
  /// Both sides empty; counts as an update.
  void clear(Nanos ts_event) noexcept;

  [[nodiscard]] const Top& top() const noexcept { return top_; }
  /// The best levels first; how many were written.
  std::size_t levels(Side side, std::span<Level> out) const noexcept;
  [[nodiscard]] std::size_t level_count(Side side) const noexcept { return entries(side).size(); }
  /// Quantity at the price, 0 if there is none.
  [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept;

  /// From now on the order's place is kept; again when what is left of it or its price changed.
  void follow(const OwnOrder& order);
  void forget(ClOrdId order) noexcept;
  [[nodiscard]] QueuePlace place(ClOrdId order) const noexcept;
  /// A trade, before or after the change of the book that it made.
  void traded(std::int64_t px, std::int64_t qty, Side aggressor) noexcept;
  /// A book that was made anew is whole again.
  void own_settled() noexcept;
  /// Our orders' places: state beside the book's own.
  void save_own(ByteWriter& out) const;
  [[nodiscard]] bool restore_own(ByteReader& in);

  void save(ByteWriter& out) const;
  /// Replaces everything; false (and an empty book) if the bytes are not of a book.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  [[nodiscard]] const std::vector<Entry>& entries(Side side) const noexcept {
    return side == Side::BUY ? bids_ : asks_;
  }
  bool refresh_top(Side side) noexcept;
  void own_shown(Side side, std::int64_t px, std::int64_t qty) noexcept;

  struct Own {
    OwnOrder order;
    std::int64_t ahead = 0;
  };

  std::vector<Entry> bids_;  ///< ascending: best last
  std::vector<Entry> asks_;  ///< descending: best last
  Top top_;
  std::vector<Own> own_;  ///< few: walked with each change while there are any
};

}  // namespace pitwire
