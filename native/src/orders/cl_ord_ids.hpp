// ClOrdID → order slot, for every id of every order's chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Nodes from a fixed slab, an open-addressed index of them (load <= 1/2, linear probing,
/// backward-shift deletion) and a singly linked chain per order that its owner holds.
class ClOrdIds {
 public:
  static constexpr std::uint32_t kNone = kNoId;
  struct Node {
    ClOrdId id = 0;
    std::uint32_t slot = kNone;
    std::uint32_t next = kNone;
  };
  /// The ids of one order, oldest first.
  struct Chain {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t size = 0;
  };

  explicit ClOrdIds(std::uint32_t capacity);

  [[nodiscard]] std::uint32_t slot_of(ClOrdId id) const noexcept;
  /// Adds an id that is not there; false when no node is free.
  bool add(Chain& chain, ClOrdId id, std::uint32_t slot) noexcept;
  /// Forgets the oldest id of the chain that `keep` does not hold; false where there is none.
  template <class Keep>
  bool forget_oldest(Chain& chain, Keep&& keep) noexcept {
    auto before = kNone;
    for (auto at = chain.first; at != kNone; before = at, at = nodes_[at].next) {
      if (keep(nodes_[at].id)) continue;
      remove(chain, before, at);
      return true;
    }
    return false;
  }
  void release(Chain& chain) noexcept;
  template <class F>
  void for_each(const Chain& chain, F&& f) const {
    for (auto at = chain.first; at != kNone; at = nodes_[at].next) f(nodes_[at].id);
  }
  /// Asks the cache for what `add` of this id will write.
  void prefetch_next(ClOrdId id) const noexcept {
    __builtin_prefetch(&index_[home(id)], 1);
    __builtin_prefetch(nodes_.data() + (free_first_ == kNone ? nodes_.size() : free_first_), 1);
  }
  [[nodiscard]] std::uint32_t free() const noexcept { return capacity_ - used_; }

 private:
  [[nodiscard]] std::size_t home(ClOrdId id) const noexcept {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15ull) >> 24) & mask_;
  }
  void remove(Chain& chain, std::uint32_t before, std::uint32_t at) noexcept;
  void drop(std::uint32_t node) noexcept;

  std::uint32_t capacity_;
  std::uint32_t used_ = 0;
  std::uint32_t free_first_ = kNone;
  std::size_t mask_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> index_;
};

}  // namespace pitwire
