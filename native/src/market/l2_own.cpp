// Where orders of ours stand in an L2 book, by estimate (l2_book.hpp).
#include <algorithm>

#include "pitwire/market/l2_book.hpp"

namespace pitwire {

void L2Book::follow(const OwnOrder& order) {
  auto found = std::ranges::find(own_, order.id, [](const Own& each) { return each.order.id; });
  if (found == own_.end()) found = own_.insert(found, Own{});
  const bool keeps_its_place =
      found->order.id == order.id && found->order.px == order.px && order.qty <= found->order.qty;
  found->order = order;
  if (!keeps_its_place) found->ahead = qty_at(order.side, order.px);
}

void L2Book::forget(ClOrdId order) noexcept {
  std::erase_if(own_, [&](const Own& each) { return each.order.id == order; });
}

QueuePlace L2Book::place(ClOrdId order) const noexcept {
  const auto found = std::ranges::find(own_, order, [](const Own& each) { return each.order.id; });
  return found == own_.end() ? QueuePlace{} : QueuePlace{QueueState::ESTIMATED, found->ahead, -1};
}

/// What is shown at a price is all that can be ahead there.
void L2Book::own_shown(Side side, std::int64_t px, std::int64_t qty) noexcept {
  for (auto& each : own_) {
    if (each.order.px == px && each.order.side == side) each.ahead = std::min(each.ahead, qty);
  }
}

void L2Book::own_settled() noexcept {
  for (auto& each : own_)
    own_shown(each.order.side, each.order.px, qty_at(each.order.side, each.order.px));
}

void L2Book::traded(std::int64_t px, std::int64_t qty, Side aggressor) noexcept {
  for (auto& each : own_) {
    if (each.order.side == aggressor || aggressor == Side::NONE) continue;
    const bool through = each.order.side == Side::BUY ? px < each.order.px : px > each.order.px;
    if (through) each.ahead = 0;
    if (px == each.order.px) each.ahead = std::max<std::int64_t>(0, each.ahead - qty);
  }
}

void L2Book::save_own(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(own_.size()));
  for (const auto& each : own_) {
    out.put(each.order.id);
    out.put(static_cast<std::uint64_t>(each.order.side));
    out.put(each.order.px);
    out.put(each.order.qty);
    out.put(each.ahead);
  }
}

bool L2Book::restore_own(ByteReader& in) {
  own_.clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    Own own;
    own.order.id = in.get<ClOrdId>();
    own.order.side = static_cast<Side>(in.get<std::uint64_t>());
    own.order.px = in.get<std::int64_t>();
    own.order.qty = in.get<std::int64_t>();
    own.ahead = in.get<std::int64_t>();
    own_.push_back(own);
  }
  if (!in.ok()) own_.clear();
  return in.ok();
}

}  // namespace pitwire
