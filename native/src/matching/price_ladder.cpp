#include "pitwire/matching/price_ladder.hpp"

#include <algorithm>

namespace pitwire {

PriceLadder::PriceLadder(Side side, std::size_t levels_reserved) : side_(side) {
  levels_.reserve(levels_reserved);
}

std::size_t PriceLadder::position(std::int64_t price) const noexcept {
  const auto worse = [this](const PriceLevel& level, std::int64_t wanted) {
    return side_ == Side::BUY ? level.price < wanted : level.price > wanted;
  };
  const auto found = std::lower_bound(levels_.begin(), levels_.end(), price, worse);
  return static_cast<std::size_t>(found - levels_.begin());
}

const PriceLevel* PriceLadder::find(std::int64_t price) const noexcept {
  const auto at = position(price);
  return at < levels_.size() && levels_[at].price == price ? &levels_[at] : nullptr;
}

void PriceLadder::append(std::vector<OrderSlot>& slots, std::uint32_t slot) {
  auto& entry = slots[slot];
  const auto price = entry.order.price;
  const auto at = position(price);
  if (at == levels_.size() || levels_[at].price != price) {
    levels_.insert(levels_.begin() + static_cast<std::ptrdiff_t>(at),
                   PriceLevel{price, 0, kNoSlot, kNoSlot, 0, 0});
  }
  auto& level = levels_[at];
  entry.previous = level.tail;
  entry.next = kNoSlot;
  entry.resting = true;
  if (level.tail == kNoSlot) {
    level.head = slot;
  } else {
    slots[level.tail].next = slot;
  }
  level.tail = slot;
  level.qty += entry.order.shown_qty();
  ++level.orders;
}

void PriceLadder::remove(std::vector<OrderSlot>& slots, std::uint32_t slot) noexcept {
  auto& entry = slots[slot];
  const auto at = position(entry.order.price);
  auto& level = levels_[at];
  (entry.previous == kNoSlot ? level.head : slots[entry.previous].next) = entry.next;
  (entry.next == kNoSlot ? level.tail : slots[entry.next].previous) = entry.previous;
  level.qty -= entry.order.shown_qty();
  entry.resting = false;
  if (--level.orders == 0) levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(at));
}

void PriceLadder::take(OrderSlot& slot, std::int64_t qty) noexcept {
  slot.order.leaves_qty -= qty;
  levels_[position(slot.order.price)].qty -= qty;
}

}  // namespace pitwire
