// Where orders of ours stand in an L3 book (own_queue.hpp): what the book does about them.
#include "pitwire/market/l3_book.hpp"

namespace pitwire {

void L3Book::follow(const OwnOrder& order) {
  auto& own = store_->own();
  auto at = own.find(order.id);
  if (at != kNil && own.entry(at).order.reference != order.reference) {
    forget(order.id);  // the venue has given it another name
    at = kNil;
  }
  if (at == kNil) {
    at = own.insert(order, book_);
    if (order.reference == 0) return stand_last(at);
    const auto slot = find(order.reference);
    if (slot == kNil) return own.await(at);
    return stand_in(at, slot);
  }
  auto& entry = own.entry(at);
  const bool loses_its_place = order.px != entry.order.px || order.qty > entry.order.qty;
  entry.order = order;
  if (order.reference == 0 && loses_its_place) stand_last(at);  // else the feed shows what becomes
}

void L3Book::forget(ClOrdId order) noexcept {
  auto& own = store_->own();
  const auto at = own.find(order);
  if (at != kNil) clear_own(own.erase(at));
}

/// No order of ours is there any more; kNil is no level.
void L3Book::clear_own(std::uint32_t level) noexcept {
  if (level != kNil) store_->level(level).tags &= ~kOwnHere;
}

void L3Book::own_taken(std::uint32_t slot, std::int64_t qty, bool whole) noexcept {
  const auto& order = store_->order(slot);
  const auto last = store_->level(order.level).last;
  const auto behind = whole && last == slot && order.prev != kNil ? order.prev : last;
  const OwnQueue::Taken taken{.level = order.level,
                              .slot = slot,
                              .priority = order.priority,
                              .qty = qty,
                              .whole = whole,
                              .next_priority = store_->order(behind).priority + 1};
  if (store_->own().taken(taken)) clear_own(order.level);
}

void L3Book::own_appeared(std::uint32_t slot) {
  const auto at = store_->own().appeared(book_, store_->order(slot).ref);
  if (at != kNil) stand_in(at, slot);
}

/// The entry's order is that one: everything before it in its level is ahead.
void L3Book::stand_in(std::uint32_t entry, std::uint32_t slot) {
  auto& own = store_->own();
  auto& ours = own.entry(entry);
  const auto& order = store_->order(slot);
  auto& level = store_->level(order.level);
  clear_own(own.detach(entry));
  ours.state = QueueState::EXACT;
  ours.ref = order.ref;
  ours.qty_ahead = ours.orders_ahead = 0;
  if (level.last == slot) {
    ours.qty_ahead = level.qty - order.qty;
    ours.orders_ahead = level.orders - 1;
  } else {
    for (auto at = order.prev; at != kNil; at = store_->order(at).prev) {
      ours.qty_ahead += store_->order(at).qty;
      ++ours.orders_ahead;
    }
  }
  own.attach(entry, order.level, order.priority);
  ours.slot = slot;
  level.tags |= kOwnHere;
}

/// The entry stands behind everything that its level has now.
void L3Book::stand_last(std::uint32_t entry) {
  auto& own = store_->own();
  auto& ours = own.entry(entry);
  clear_own(own.detach(entry));
  ours.state = QueueState::ESTIMATED;
  ours.qty_ahead = ours.orders_ahead = 0;
  const auto at = level_at(ours.order.side, ours.order.px);
  if (at == kNil) return;  // whoever comes to this price now comes behind us
  auto& level = store_->level(at);
  ours.qty_ahead = level.qty;
  ours.orders_ahead = level.orders;
  own.attach(entry, at, store_->order(level.last).priority + 1);
  level.tags |= kOwnHere;
}

void L3Book::take_up(std::uint32_t entry) {
  auto& own = store_->own();
  auto& ours = own.entry(entry);
  if (ours.state == QueueState::AWAITED) return own.await(entry);
  if (ours.state == QueueState::EXACT) {
    const auto slot = find(ours.ref);
    return slot == kNil ? own.await(entry) : stand_in(entry, slot);
  }
  if (ours.state != QueueState::ESTIMATED || ours.orders_ahead == 0) return;
  const auto at = level_at(ours.order.side, ours.order.px);
  if (at == kNil) return;
  // A restored level counts from 0: those ahead of us are its first.
  own.attach(entry, at, static_cast<std::uint32_t>(ours.orders_ahead));
  store_->level(at).tags |= kOwnHere;
}

}  // namespace pitwire
