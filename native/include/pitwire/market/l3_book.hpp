// A book of orders, one by one, in price and time priority.
//
// A side is an array of prices, sorted with the best LAST (side_levels.hpp). Orders of a level are
// a doubly linked list of slots in the feed's OrderStore, oldest first. The touch is cached in the
// book; it is read again only when a change reached it. A book is two cache lines.
//
// add: find level O(1) near the touch, append. execute, cancel, remove: one index lookup, one
// unlink, no search unless the level empties. qty_ahead: O(orders ahead), asked seldom;
// of orders of ours it is kept (own_queue.hpp).
// Measured by native/bench/market (P2, P3 of GOALS.md). Slow input: new levels far from the touch
// of a deep book (12 bytes moved a better level).
// Not handled: priority other than price and time, orders without a price, hidden quantity.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pitwire/market/bytes.hpp"
#include "pitwire/market/order_store.hpp"
#include "pitwire/market/side_levels.hpp"
#include "pitwire/market/status.hpp"
#include "pitwire/market/top.hpp"

namespace pitwire {

/// What a change did. `px` and `side` are of the order it concerned, `qty` what was taken or added.
struct L3Result {
  DecodeStatus status = DecodeStatus::OK;
  bool top_changed = false;
  Side side = Side::NONE;
  std::int64_t px = 0;
  std::int64_t qty = 0;
};

/// A live order as the book shows it.
struct OrderView {
  std::uint64_t ref = 0;
  Side side = Side::NONE;
  std::int64_t px = 0;
  std::int64_t qty = 0;
};

class L3Book {
 public:
  /// A book that keeps its orders in `store`, which must outlive it and stay where it is. `book`
  /// tells the books of a store apart, below 2^30. References are unique within a store.
  explicit L3Book(OrderStore& store, std::uint32_t book = 0);

  /// Joins the end of the queue at `px`. Side::NONE or qty <= 0: OUT_OF_RANGE.
  L3Result add(std::uint64_t ref, Side side, std::int64_t px, std::int64_t qty, Nanos ts_event);
  /// Takes `qty` from the order by a trade; gone when nothing is left.
  L3Result execute(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept;
  /// Takes `qty` from the order by its owner; keeps its place.
  L3Result cancel(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept;
  /// The order is gone.
  L3Result remove(std::uint64_t ref, Nanos ts_event) noexcept;
  /// The order is gone and a new one of its side joins the end of the queue at `px`.
  L3Result replace(std::uint64_t ref, std::uint64_t new_ref, std::int64_t px, std::int64_t qty,
                   Nanos ts_event);
  /// Same reference, new price and quantity: keeps its place only if the price stays and the
  /// quantity does not rise (CME's rule). An unknown order is added if `side` is given.
  L3Result modify(std::uint64_t ref, Side side, std::int64_t px, std::int64_t qty, Nanos ts_event);
  /// Every order is gone.
  void clear(Nanos ts_event) noexcept;

  [[nodiscard]] const Top& top() const noexcept { return top_; }
  /// The best levels first; how many were written.
  std::size_t levels(Side side, std::span<Level> out) const noexcept;
  [[nodiscard]] std::size_t level_count(Side side) const noexcept { return entries(side).size(); }
  [[nodiscard]] std::size_t order_count() const noexcept { return orders_; }
  [[nodiscard]] std::optional<OrderView> order(std::uint64_t ref) const noexcept;
  /// Lots that trade before this order at its price; -1 if it is not in the book.
  [[nodiscard]] std::int64_t qty_ahead(std::uint64_t ref) const noexcept;
  /// From now on the order's place is kept; also to be called again when what is left of it, its
  /// price or its reference changed by the venue's word.
  void follow(const OwnOrder& order);
  void forget(ClOrdId order) noexcept;
  [[nodiscard]] QueuePlace place(ClOrdId order) const noexcept {
    return store_->own().place(order);
  }
  /// Puts the entry where it was when it was saved; after the book was restored.
  void take_up(std::uint32_t entry);

  /// Lots that rest at the price.
  [[nodiscard]] std::int64_t qty_at(Side side, std::int64_t px) const noexcept;
  /// The orders of the level at `px` in the order of their priority; how many were written.
  std::size_t queue(Side side, std::int64_t px, std::span<OrderView> out) const noexcept;

  /// Slot in the store of the level at `px` if it is near the touch, else kNil.
  [[nodiscard]] std::uint32_t level_near(Side side, std::int64_t px) const noexcept {
    const auto& levels = entries(side);
    const auto at = levels.place_near(px);
    return levels.has(at, px) ? levels.level(at) : kNil;
  }
  /// Brings the levels around the touch near.
  void prefetch_side(Side side) const noexcept { entries(side).prefetch(); }

  void save(ByteWriter& out) const;
  /// Replaces everything; false (and an empty book) if the bytes are not of a book.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  [[nodiscard]] const SideLevels& entries(Side side) const noexcept {
    return side == Side::BUY ? bids_ : asks_;
  }
  [[nodiscard]] SideLevels& entries(Side side) noexcept {
    return side == Side::BUY ? bids_ : asks_;
  }
  [[nodiscard]] static Side side_of(const L3Level& level) noexcept {
    return (level.tags & kSellSide) != 0 ? Side::SELL : Side::BUY;
  }
  [[nodiscard]] std::uint32_t find(std::uint64_t ref) const noexcept;
  [[nodiscard]] std::uint32_t level_at(Side side, std::int64_t px) const noexcept;
  [[nodiscard]] std::uint32_t level_for(Side side, std::int64_t px);
  L3Result take(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept;
  void append(std::uint32_t slot, Side side, std::int64_t px, std::int64_t qty);
  void unlink(std::uint32_t slot, Side side) noexcept;
  void drop_level(std::uint32_t level, Side side) noexcept;
  void own_taken(std::uint32_t slot, std::int64_t qty, bool whole) noexcept;
  void own_appeared(std::uint32_t slot);
  void stand_in(std::uint32_t entry, std::uint32_t slot);
  void stand_last(std::uint32_t entry);
  void clear_own(std::uint32_t level) noexcept;
  bool refresh_top(Side side, std::int64_t px) noexcept;
  void stamp(Nanos ts_event) noexcept {
    top_.ts_event = ts_event;
    ++top_.updates;
  }

  OrderStore* store_;
  std::uint32_t book_;
  std::uint32_t orders_ = 0;
  Top top_;
  SideLevels bids_{Side::BUY};
  SideLevels asks_{Side::SELL};
};

}  // namespace pitwire
