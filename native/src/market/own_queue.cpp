#include "pitwire/market/own_queue.hpp"

#include <algorithm>

namespace pitwire {
namespace {

template <class Index, class Key>
auto first_of(Index& index, Key key) noexcept {
  return std::ranges::lower_bound(index, key, {}, [](const auto& each) { return each.first; });
}

template <class Index, class Key>
void put(Index& index, Key key, std::uint32_t at) {
  const typename Index::value_type made{key, at};
  index.insert(std::ranges::lower_bound(index, made), made);
}

template <class Index, class Key>
void drop(Index& index, Key key, std::uint32_t at) noexcept {
  const typename Index::value_type made{key, at};
  const auto found = std::ranges::lower_bound(index, made);
  if (found != index.end() && *found == made) index.erase(found);
}

/// Numbers wrap: a is before b where the way from a to b is the shorter one.
bool before(std::uint32_t a, std::uint32_t b) noexcept {
  return static_cast<std::int32_t>(a - b) < 0;
}

}  // namespace

OwnQueue::OwnQueue(std::size_t orders_expected) {
  entries_.reserve(orders_expected);
  free_.reserve(orders_expected);
  by_id_.reserve(orders_expected);
  awaited_.reserve(orders_expected);
  by_level_.reserve(orders_expected);
}

std::uint32_t OwnQueue::find(ClOrdId id) const noexcept {
  const auto found = first_of(by_id_, id);
  return found != by_id_.end() && found->first == id ? found->second : kNone;
}

QueuePlace OwnQueue::place(ClOrdId id) const noexcept {
  const auto at = find(id);
  if (at == kNone) return {};
  const auto& entry = entries_[at];
  const bool known = entry.state == QueueState::EXACT || entry.state == QueueState::ESTIMATED;
  return known ? QueuePlace{entry.state, entry.qty_ahead, entry.orders_ahead}
               : QueuePlace{entry.state, 0, -1};
}

std::uint32_t OwnQueue::insert(const OwnOrder& order, std::uint32_t book) {
  std::uint32_t at = static_cast<std::uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  entries_[at] = Entry{.order = order, .ref = order.reference, .book = book};
  put(by_id_, order.id, at);
  return at;
}

std::uint32_t OwnQueue::erase(std::uint32_t at) noexcept {
  const auto left = detach(at);
  const auto& entry = entries_[at];
  if (entry.state == QueueState::AWAITED) drop(awaited_, entry.ref, at);
  drop(by_id_, entry.order.id, at);
  free_.push_back(at);
  return left;
}

void OwnQueue::await(std::uint32_t at) {
  auto& entry = entries_[at];
  entry.state = QueueState::AWAITED;
  put(awaited_, entry.ref, at);
}

void OwnQueue::attach(std::uint32_t at, std::uint32_t level, std::uint32_t priority) {
  auto& entry = entries_[at];
  entry.level = level;
  entry.priority = priority;
  put(by_level_, level, at);
}

std::uint32_t OwnQueue::detach(std::uint32_t at) noexcept {
  auto& entry = entries_[at];
  entry.slot = kNone;
  if (entry.level == kNone) return kNone;
  const auto level = std::exchange(entry.level, kNone);
  drop(by_level_, level, at);
  const auto others = first_of(by_level_, level);
  return others != by_level_.end() && others->first == level ? kNone : level;
}

std::uint32_t OwnQueue::appeared(std::uint32_t book, std::uint64_t ref) noexcept {
  for (auto each = first_of(awaited_, ref); each != awaited_.end() && each->first == ref; ++each) {
    const auto at = each->second;
    if (entries_[at].book != book) continue;
    awaited_.erase(each);
    return at;
  }
  return kNone;
}

std::uint32_t OwnQueue::holder(std::uint32_t level, std::uint32_t slot) const noexcept {
  for (auto each = first_of(by_level_, level); each != by_level_.end() && each->first == level;
       ++each) {
    if (entries_[each->second].slot == slot) return each->second;
  }
  return kNone;
}

bool OwnQueue::taken(const Taken& from) noexcept {
  std::uint32_t ours = kNone;
  for (auto each = first_of(by_level_, from.level);
       each != by_level_.end() && each->first == from.level; ++each) {
    auto& entry = entries_[each->second];
    if (entry.slot == from.slot) {
      ours = each->second;
    } else if (before(from.priority, entry.priority)) {
      entry.qty_ahead -= from.qty;
      if (from.whole) --entry.orders_ahead;
    }
    if (entry.slot == kNone && before(from.next_priority, entry.priority)) {
      entry.priority = from.next_priority;
    }
  }
  if (ours == kNone || !from.whole) return false;
  entries_[ours].state = QueueState::GONE;
  return detach(ours) != kNone;
}

void OwnQueue::level_gone(std::uint32_t level) noexcept {
  const auto first = first_of(by_level_, level);
  auto last = first;
  for (; last != by_level_.end() && last->first == level; ++last) {
    auto& entry = entries_[last->second];
    entry.level = entry.slot = kNone;
    entry.qty_ahead = entry.orders_ahead = 0;
  }
  by_level_.erase(first, last);
}

void OwnQueue::cleared(std::uint32_t book) {
  for (const auto& [id, at] : by_id_) {
    auto& entry = entries_[at];
    if (entry.book != book) continue;
    detach(at);
    if (entry.state == QueueState::EXACT) await(at);
    if (entry.state == QueueState::ESTIMATED) entry.state = QueueState::LOST;
  }
}

void OwnQueue::clear() noexcept {
  entries_.clear();
  free_.clear();
  by_id_.clear();
  awaited_.clear();
  by_level_.clear();
}

void OwnQueue::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(by_id_.size()));
  for (const auto& [id, at] : by_id_) {
    const auto& entry = entries_[at];
    out.put(id);
    out.put(entry.order.instrument);
    out.put(static_cast<std::uint64_t>(entry.order.side));
    out.put(entry.order.px);
    out.put(entry.order.qty);
    out.put(entry.order.reference);
    out.put(entry.ref);
    out.put(entry.qty_ahead);
    out.put(entry.orders_ahead);
    out.put(entry.book);
    out.put(static_cast<std::uint64_t>(entry.state));
  }
}

bool OwnQueue::restore(ByteReader& in) {
  clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    OwnOrder order;
    order.id = in.get<ClOrdId>();
    order.instrument = in.get<InstrumentId>();
    order.side = static_cast<Side>(in.get<std::uint64_t>());
    order.px = in.get<std::int64_t>();
    order.qty = in.get<std::int64_t>();
    order.reference = in.get<std::uint64_t>();
    if (!in.ok() || find(order.id) != kNone) {
      in.fail();
      break;
    }
    auto& entry = entries_[insert(order, 0)];
    entry.ref = in.get<std::uint64_t>();
    entry.qty_ahead = in.get<std::int64_t>();
    entry.orders_ahead = in.get<std::int64_t>();
    entry.book = in.get<std::uint32_t>();
    entry.state = static_cast<QueueState>(in.get<std::uint64_t>());
  }
  if (!in.ok()) clear();
  return in.ok();
}

}  // namespace pitwire
