#include "pitwire/market/l3_book.hpp"

#include <algorithm>

namespace pitwire {

L3Book::L3Book(OrderStore& store, std::uint32_t book) : store_(&store), book_(book) {}

std::uint32_t L3Book::find(std::uint64_t ref) const noexcept {
  const auto slot = store_->find(ref);
  if (slot == kNil) return kNil;
  return store_->level(store_->order(slot).level).tags >> kBookShift == book_ ? slot : kNil;
}

std::uint32_t L3Book::level_at(Side side, std::int64_t px) const noexcept {
  const auto& levels = entries(side);
  const auto at = levels.place(px);
  return levels.has(at, px) ? levels.level(at) : kNil;
}

std::uint32_t L3Book::level_for(Side side, std::int64_t px) {
  auto& levels = entries(side);
  const auto at = levels.place(px);
  if (levels.has(at, px)) return levels.level(at);
  const auto tags = book_ << kBookShift | (side == Side::SELL ? kSellSide : 0U);
  const auto level = store_->new_level(px, tags);
  levels.insert(at, px, level);
  return level;
}

void L3Book::append(std::uint32_t slot, Side side, std::int64_t px, std::int64_t qty) {
  const auto at = level_for(side, px);
  auto& level = store_->level(at);
  auto& order = store_->order(slot);
  order.qty = qty;
  order.prev = level.last;
  order.next = kNil;
  order.level = at;
  if (level.last != kNil) {
    auto& last = store_->order(level.last);
    last.next = slot;
    order.priority = last.priority + 1;
  } else {
    level.first = slot;
    order.priority = 0;
  }
  level.last = slot;
  level.qty += qty;
  ++level.orders;
  ++orders_;
  if (store_->own().awaiting()) [[unlikely]]
    own_appeared(slot);
}

void L3Book::unlink(std::uint32_t slot, Side side) noexcept {
  const auto& order = store_->order(slot);
  auto& level = store_->level(order.level);
  if ((level.tags & kOwnHere) != 0) [[unlikely]]
    own_taken(slot, order.qty, true);
  level.qty -= order.qty;
  --orders_;
  if (--level.orders == 0) return drop_level(order.level, side);
  if (order.prev != kNil) {
    store_->order(order.prev).next = order.next;
  } else {
    level.first = order.next;
  }
  if (order.next != kNil) {
    store_->order(order.next).prev = order.prev;
  } else {
    level.last = order.prev;
  }
}

void L3Book::drop_level(std::uint32_t level, Side side) noexcept {
  auto& levels = entries(side);
  levels.erase(levels.place(store_->level(level).px));
  if ((store_->level(level).tags & kOwnHere) != 0) [[unlikely]]
    store_->own().level_gone(level);
  store_->free_level(level);
}

bool L3Book::refresh_top(Side side, std::int64_t px) noexcept {
  auto& best_px = side == Side::BUY ? top_.bid_px : top_.ask_px;
  auto& best_qty = side == Side::BUY ? top_.bid_qty : top_.ask_qty;
  const bool reached = side == Side::BUY ? px >= best_px : best_px == kNoPrice || px <= best_px;
  if (!reached) return false;
  const auto& levels = entries(side);
  const auto now_px = levels.empty() ? kNoPrice : levels.best_px();
  const auto now_qty = levels.empty() ? 0 : store_->level(levels.best_level()).qty;
  const bool changed = now_px != best_px || now_qty != best_qty;
  best_px = now_px;
  best_qty = now_qty;
  return changed;
}

L3Result L3Book::add(std::uint64_t ref, Side side, std::int64_t px, std::int64_t qty,
                     Nanos ts_event) {
  if (qty <= 0 || (side != Side::BUY && side != Side::SELL) || px == kNoPrice) {
    return {.status = DecodeStatus::OUT_OF_RANGE};
  }
  if (store_->find(ref) != kNil) return {.status = DecodeStatus::DUPLICATE_ORDER};
  append(store_->insert(ref), side, px, qty);
  stamp(ts_event);
  return {DecodeStatus::OK, refresh_top(side, px), side, px, qty};
}

L3Result L3Book::take(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept {
  const auto slot = find(ref);
  if (slot == kNil) return {.status = DecodeStatus::UNKNOWN_ORDER};
  if (qty < 0) return {.status = DecodeStatus::OUT_OF_RANGE};
  auto& order = store_->order(slot);
  auto& level = store_->level(order.level);
  const auto side = side_of(level);
  const auto px = level.px;
  const auto taken = std::min(qty, order.qty);
  if (taken == order.qty) {
    unlink(slot, side);
    store_->erase(slot);
  } else {
    if ((level.tags & kOwnHere) != 0) [[unlikely]]
      own_taken(slot, taken, false);
    order.qty -= taken;
    level.qty -= taken;
  }
  stamp(ts_event);
  return {taken == qty ? DecodeStatus::OK : DecodeStatus::QTY_EXCEEDED, refresh_top(side, px), side,
          px, taken};
}

L3Result L3Book::execute(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept {
  return take(ref, qty, ts_event);
}

L3Result L3Book::cancel(std::uint64_t ref, std::int64_t qty, Nanos ts_event) noexcept {
  return take(ref, qty, ts_event);
}

L3Result L3Book::remove(std::uint64_t ref, Nanos ts_event) noexcept {
  const auto slot = find(ref);
  if (slot == kNil) return {.status = DecodeStatus::UNKNOWN_ORDER};
  const auto& order = store_->order(slot);
  const auto& level = store_->level(order.level);
  const auto side = side_of(level);
  const auto px = level.px;
  const auto qty = order.qty;
  unlink(slot, side);
  store_->erase(slot);
  stamp(ts_event);
  return {DecodeStatus::OK, refresh_top(side, px), side, px, qty};
}

L3Result L3Book::replace(std::uint64_t ref, std::uint64_t new_ref, std::int64_t px,
                         std::int64_t qty, Nanos ts_event) {
  const auto slot = find(ref);
  if (slot == kNil) return {.status = DecodeStatus::UNKNOWN_ORDER};
  if (qty <= 0 || px == kNoPrice) return {.status = DecodeStatus::OUT_OF_RANGE};
  if (new_ref != ref && store_->find(new_ref) != kNil) {
    return {.status = DecodeStatus::DUPLICATE_ORDER};
  }
  const auto& level = store_->level(store_->order(slot).level);
  const auto side = side_of(level);
  const auto old_px = level.px;
  const bool maybe_ours = (level.tags & kOwnHere) != 0;
  const auto ours = maybe_ours ? store_->own().holder(store_->order(slot).level, slot) : kNil;
  unlink(slot, side);
  store_->erase(slot);
  const auto made = store_->insert(new_ref);
  append(made, side, px, qty);
  if (ours != kNil) [[unlikely]]
    stand_in(ours, made);
  stamp(ts_event);
  const auto better = side == Side::BUY ? std::max(px, old_px) : std::min(px, old_px);
  return {DecodeStatus::OK, refresh_top(side, better), side, px, qty};
}

L3Result L3Book::modify(std::uint64_t ref, Side side, std::int64_t px, std::int64_t qty,
                        Nanos ts_event) {
  const auto slot = find(ref);
  if (slot == kNil) {
    return side == Side::NONE ? L3Result{.status = DecodeStatus::UNKNOWN_ORDER}
                              : add(ref, side, px, qty, ts_event);
  }
  auto& order = store_->order(slot);
  auto& level = store_->level(order.level);
  if (level.px != px || qty > order.qty) return replace(ref, ref, px, qty, ts_event);
  if (qty <= 0) return {.status = DecodeStatus::OUT_OF_RANGE};
  if ((level.tags & kOwnHere) != 0) [[unlikely]]
    own_taken(slot, order.qty - qty, false);
  level.qty -= order.qty - qty;
  order.qty = qty;
  stamp(ts_event);
  return {DecodeStatus::OK, refresh_top(side_of(level), px), side_of(level), px, qty};
}

void L3Book::clear(Nanos ts_event) noexcept {
  for (auto* side : {&bids_, &asks_}) {
    for (std::uint32_t at = 0; at < side->size(); ++at) {
      for (auto slot = store_->level(side->level(at)).first; slot != kNil;) {
        const auto next = store_->order(slot).next;
        store_->erase(slot);
        slot = next;
      }
      store_->free_level(side->level(at));
    }
    side->clear();
  }
  if (store_->own().size() != 0) store_->own().cleared(book_);
  orders_ = 0;
  top_ = {.ts_event = ts_event, .updates = top_.updates + 1};
}

std::size_t L3Book::levels(Side side, std::span<Level> out) const noexcept {
  const auto& levels = entries(side);
  const auto count = std::min<std::size_t>(out.size(), levels.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto& level = store_->level(levels.level(levels.size() - 1 - i));
    out[i] = {level.px, level.qty, level.orders};
  }
  return count;
}

std::optional<OrderView> L3Book::order(std::uint64_t ref) const noexcept {
  const auto slot = find(ref);
  if (slot == kNil) return std::nullopt;
  const auto& order = store_->order(slot);
  const auto& level = store_->level(order.level);
  return OrderView{ref, side_of(level), level.px, order.qty};
}

std::int64_t L3Book::qty_ahead(std::uint64_t ref) const noexcept {
  const auto slot = find(ref);
  if (slot == kNil) return -1;
  std::int64_t ahead = 0;
  for (auto at = store_->order(slot).prev; at != kNil; at = store_->order(at).prev) {
    ahead += store_->order(at).qty;
  }
  return ahead;
}

std::int64_t L3Book::qty_at(Side side, std::int64_t px) const noexcept {
  const auto level = level_at(side, px);
  return level == kNil ? 0 : store_->level(level).qty;
}

std::size_t L3Book::queue(Side side, std::int64_t px, std::span<OrderView> out) const noexcept {
  const auto level = level_at(side, px);
  if (level == kNil) return 0;
  std::size_t count = 0;
  for (auto slot = store_->level(level).first; slot != kNil && count < out.size();) {
    const auto& order = store_->order(slot);
    out[count++] = {order.ref, side, px, order.qty};
    slot = order.next;
  }
  return count;
}

void L3Book::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(orders_));
  for (const auto side : {Side::BUY, Side::SELL}) {
    const auto& levels = entries(side);
    for (std::uint32_t at = 0; at < levels.size(); ++at) {
      for (auto slot = store_->level(levels.level(at)).first; slot != kNil;) {
        const auto& order = store_->order(slot);
        out.put(order.ref);
        out.put(levels.px(at));
        out.put(order.qty);
        out.put(static_cast<std::uint64_t>(side));
        slot = order.next;
      }
    }
  }
  out.put(top_.ts_event);
  out.put(top_.updates);
}

bool L3Book::restore(ByteReader& in) {
  clear(0);
  const auto count = in.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const auto ref = in.get<std::uint64_t>();
    const auto px = in.get<std::int64_t>();
    const auto qty = in.get<std::int64_t>();
    const auto side = static_cast<Side>(in.get<std::uint64_t>());
    if (in.ok() && add(ref, side, px, qty, 0).status != DecodeStatus::OK) in.fail();
  }
  const auto ts_event = in.get<Nanos>();
  const auto updates = in.get<std::uint64_t>();
  if (!in.ok()) {
    clear(0);
    return false;
  }
  top_.ts_event = ts_event;
  top_.updates = updates;
  return true;
}

}  // namespace pitwire
