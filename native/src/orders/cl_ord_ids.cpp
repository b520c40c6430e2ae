#include "cl_ord_ids.hpp"

#include <algorithm>
#include <bit>

namespace pitwire {

ClOrdIds::ClOrdIds(std::uint32_t capacity) : capacity_(capacity) {
  nodes_.reserve(capacity);
  nodes_.resize(std::min(capacity, 1U << 18));  // as many as the orders that are touched may have
  nodes_.clear();
  index_.assign(std::bit_ceil(std::size_t{capacity} * 2), kNone);
  mask_ = index_.size() - 1;
}

std::uint32_t ClOrdIds::slot_of(ClOrdId id) const noexcept {
  for (auto at = home(id); index_[at] != kNone; at = (at + 1) & mask_) {
    if (nodes_[index_[at]].id == id) return nodes_[index_[at]].slot;
  }
  return kNone;
}

bool ClOrdIds::add(Chain& chain, ClOrdId id, std::uint32_t slot) noexcept {
  auto node = free_first_;
  if (node != kNone) {
    free_first_ = nodes_[node].next;
  } else if (nodes_.size() < capacity_) {
    node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    return false;
  }
  nodes_[node] = {id, slot, kNone};
  (chain.last == kNone ? chain.first : nodes_[chain.last].next) = node;
  chain.last = node;
  ++chain.size;
  ++used_;
  auto at = home(id);
  while (index_[at] != kNone) at = (at + 1) & mask_;
  index_[at] = node;
  return true;
}

void ClOrdIds::release(Chain& chain) noexcept {
  for (auto at = chain.first; at != kNone;) {
    const auto next = nodes_[at].next;
    drop(at);
    at = next;
  }
  chain = {};
}

void ClOrdIds::remove(Chain& chain, std::uint32_t before, std::uint32_t at) noexcept {
  const auto next = nodes_[at].next;
  (before == kNone ? chain.first : nodes_[before].next) = next;
  if (chain.last == at) chain.last = before;
  --chain.size;
  drop(at);
}

void ClOrdIds::drop(std::uint32_t node) noexcept {
  auto hole = home(nodes_[node].id);
  while (index_[hole] != node) hole = (hole + 1) & mask_;
  for (auto at = (hole + 1) & mask_; index_[at] != kNone; at = (at + 1) & mask_) {
    const auto wanted = home(nodes_[index_[at]].id);
    if (((at - wanted) & mask_) < ((at - hole) & mask_)) continue;
    index_[hole] = index_[at];
    hole = at;
  }
  index_[hole] = kNone;
  nodes_[node] = {0, kNone, free_first_};
  free_first_ = node;
  --used_;
}

}  // namespace pitwire
