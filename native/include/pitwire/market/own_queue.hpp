// Where our own orders stand in the queues of a feed's L3 books.
//
// Kept as the books change, by what leaves a level ahead of ours. Whether an order is ahead is one
// comparison: each carries a number that rises by one along its level's list, so it needs no clock
// and no counter, and wraps without harm while fewer than 2^31 orders stand at one price. A level
// without an order of ours costs one test of a bit in the level's line, a new order one test of a
// word in the store's.
//
//   EXACT      the venue told the order's reference, and the order is in the book by it. A replace
//              that the feed shows is followed: the place is that of the new order.
//   ESTIMATED  no reference: it is taken as the last of its level when the venue has acknowledged
//              it. Where the feed had shown it by then, its own quantity is counted ahead of it, so
//              the truth is never worse. Behind that point each change of another order counts
//              exactly.
//
// Cost with orders of ours at the level: O(log ours) to find them and O(1) for each. Attaching by
// reference to an order that is in the book already: O(orders ahead), once.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/market/bytes.hpp"

namespace pitwire {

/// An order of ours that the venue has acknowledged and that may rest.
struct OwnOrder {
  ClOrdId id = 0;
  InstrumentId instrument{};
  Side side = Side::NONE;
  std::int64_t px = 0;
  std::int64_t qty = 0;         ///< what is left of it
  std::uint64_t reference = 0;  ///< the venue's in its market data, 0 where it tells none
};

/// What is known of the place of an order of ours.
struct QueuePlace {
  QueueState state = QueueState::UNTRACKED;
  std::int64_t qty_ahead = 0;      ///< with EXACT and ESTIMATED only
  std::int64_t orders_ahead = -1;  ///< -1 where the book knows quantities only
  bool operator==(const QueuePlace&) const = default;
};

class OwnQueue {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  struct Entry {
    OwnOrder order;
    std::uint64_t ref = 0;  ///< by which it is in the book, or is awaited
    std::int64_t qty_ahead = 0;
    std::int64_t orders_ahead = 0;
    std::uint32_t book = 0;
    std::uint32_t level = kNone;  ///< none: nothing ahead of it can change
    std::uint32_t slot = kNone;   ///< of the order in the store; none where it is not known
    std::uint32_t priority = 0;
    QueueState state = QueueState::UNTRACKED;
  };

  explicit OwnQueue(std::size_t orders_expected = 256);

  /// Some reference has not been seen yet: each new order is to be told by `appeared`.
  [[nodiscard]] bool awaiting() const noexcept { return !awaited_.empty(); }
  /// Place in the table of the order, kNone if it is not followed.
  [[nodiscard]] std::uint32_t find(ClOrdId id) const noexcept;
  [[nodiscard]] Entry& entry(std::uint32_t at) noexcept { return entries_[at]; }
  [[nodiscard]] QueuePlace place(ClOrdId id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

  /// A new entry, UNTRACKED; the id must not be followed yet.
  std::uint32_t insert(const OwnOrder& order, std::uint32_t book);
  /// The level that it left, if none of ours is there any more; else kNone.
  std::uint32_t erase(std::uint32_t at) noexcept;
  /// Its reference is to be told by `appeared`.
  void await(std::uint32_t at);
  /// It stands at the level: what is ahead of it is set by the caller.
  void attach(std::uint32_t at, std::uint32_t level, std::uint32_t priority);
  /// As erase, but the entry stays: at no level.
  std::uint32_t detach(std::uint32_t at) noexcept;
  /// The entry that awaits this reference in this book and awaits it no more; kNone if none.
  std::uint32_t appeared(std::uint32_t book, std::uint64_t ref) noexcept;
  /// The entry whose order is in that slot; kNone if none. The level is one of ours.
  [[nodiscard]] std::uint32_t holder(std::uint32_t level, std::uint32_t slot) const noexcept;

  struct Taken {
    std::uint32_t level, slot, priority;
    std::int64_t qty;
    bool whole;  ///< the order is gone
    /// What the next order at the level will have: the number of a last one that goes is given
    /// again, and who stands behind it without an order of its own must not fall behind that.
    std::uint32_t next_priority;
  };
  /// Something of an order at one of our levels is gone. True where none of ours is there any more.
  bool taken(const Taken& from) noexcept;
  /// The level is empty: nothing is ahead of what we think is there.
  void level_gone(std::uint32_t level) noexcept;
  /// The book is empty and will be made anew: references are awaited again, estimates are LOST.
  void cleared(std::uint32_t book);
  void clear() noexcept;

  template <class F>
  void for_each(F&& f) {
    for (const auto& [id, at] : by_id_) f(at, entries_[at]);
  }
  void save(ByteWriter& out) const;
  /// Replaces everything; who calls it puts the entries into the books again.
  [[nodiscard]] bool restore(ByteReader& in);

 private:
  /// Sorted by key; among equal keys by the entry.
  template <class Key>
  using Index = std::vector<std::pair<Key, std::uint32_t>>;

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  Index<ClOrdId> by_id_;
  Index<std::uint64_t> awaited_;  ///< by reference
  Index<std::uint32_t> by_level_;
};

}  // namespace pitwire
