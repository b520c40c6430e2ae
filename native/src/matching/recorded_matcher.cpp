#include "pitwire/matching/recorded_matcher.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "recorded_parts.hpp"

namespace pitwire {
namespace {

constexpr unsigned kSlotBits = 24;
constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;

}  // namespace

/// Walks what an order may trade with, best first, without changing anything: recorded levels less
/// what was taken from them, merged with our own resting orders of the other side.
class RecordedMatcher::Sweep {
 public:
  Sweep(const RecordedMatcher& matcher, const VenueOrder& order)
      : matcher_(matcher), desk_(matcher.desk_of(order)), order_(order) {
    contra_ = opposite(order.side);
    if (desk_.book != nullptr) count_ = desk_.book->levels(contra_, levels_);
  }

  /// The next one; `found` is false where nothing (more) crosses.
  Contra next() {
    const auto& queue = desk_.queue[side_index(contra_)];
    skip_taken();
    const bool record = level_ < count_ && reachable(levels_[level_].px);
    const bool own = ours_ < queue.size() && reachable(matcher_.slots_[queue[ours_]].order.price);
    if (!record && !own) return {};
    if (record && own) {
      const auto own_px = matcher_.slots_[queue[ours_]].order.price;
      return better(contra_, own_px, levels_[level_].px) ? take_own(queue) : take_level();
    }
    return record ? take_level() : take_own(queue);
  }

 private:
  [[nodiscard]] bool reachable(std::int64_t px) const noexcept {
    return is_market(order_.ord_type) || crosses(order_.side, order_.price, px);
  }
  [[nodiscard]] std::int64_t available(const DepthLevel& level) const noexcept {
    return level.qty - taken_at(desk_, contra_, level.px);
  }
  void skip_taken() noexcept {
    while (level_ < count_ && available(levels_[level_]) <= 0) ++level_;
  }
  Contra take_level() noexcept {
    const auto& level = levels_[level_++];
    return {level.px, available(level), 0, false, true};
  }
  Contra take_own(const std::vector<std::uint32_t>& queue) noexcept {
    const auto slot = queue[ours_++];
    const auto& order = matcher_.slots_[slot].order;
    return {order.price, order.leaves_qty, slot, true, true};
  }

  const RecordedMatcher& matcher_;
  const Desk& desk_;
  const VenueOrder& order_;
  Side contra_{};
  std::array<DepthLevel, kDepthMax> levels_;
  std::size_t count_ = 0;
  std::size_t level_ = 0;
  std::size_t ours_ = 0;
};

RecordedMatcher::RecordedMatcher(const std::vector<VenueInstrument>& instruments,
                                 std::uint32_t orders_max)
    : free_(kNone) {
  if (orders_max == 0 || orders_max > kSlotMask) {
    throw std::invalid_argument("orders_max must be in [1, " + std::to_string(kSlotMask) + "]");
  }
  for (const auto& rules : instruments) {
    if (index(rules.id) != desks_.size() || rules.tick <= 0 || rules.lot <= 0) {
      throw std::invalid_argument("instrument " + std::to_string(index(rules.id)) +
                                  ": ids must be dense, tick and lot positive");
    }
    desks_.emplace_back().rules = rules;
  }
  slots_.resize(orders_max);
}

void RecordedMatcher::attach(InstrumentId instrument, const DepthView* book) noexcept {
  desks_[index(instrument)].book = book;
}

// ---------------------------------------------------------------- slots and queues

std::uint32_t RecordedMatcher::slot_of(OrderRef ref) const noexcept {
  const auto slot = static_cast<std::uint32_t>(ref & kSlotMask);
  return ref != 0 && slot < slots_.size() && slots_[slot].order.ref == ref ? slot : kNone;
}

const VenueOrder* RecordedMatcher::find(OrderRef ref) const noexcept {
  const auto slot = slot_of(ref);
  return slot == kNone ? nullptr : &slots_[slot].order;
}

std::int64_t RecordedMatcher::ahead(OrderRef ref) const noexcept {
  const auto slot = slot_of(ref);
  return slot == kNone || !slots_[slot].resting ? -1 : slots_[slot].ahead;
}

std::uint32_t RecordedMatcher::claim(const VenueOrder& order) noexcept {
  auto slot = free_;
  if (slot != kNone) {
    free_ = slots_[slot].next_free;
  } else if (used_ < slots_.size()) {
    slot = used_++;
  } else {
    return kNone;
  }
  auto& entry = slots_[slot];
  entry = Working{};
  entry.order = order;
  entry.order.leaves_qty = order.order_qty;
  entry.order.ref = ++counter_ << kSlotBits | slot;
  return slot;
}

void RecordedMatcher::release(std::uint32_t slot) noexcept {
  std::erase(expiring_, slot);
  slots_[slot].order.ref = 0;
  slots_[slot].next_free = free_;
  free_ = slot;
}

void RecordedMatcher::rest(Nanos now, std::uint32_t slot, VenueSink& sink) {
  auto& entry = slots_[slot];
  auto& desk = desk_of(entry.order);
  const auto side = entry.order.side;
  auto& queue = desk.queue[side_index(side)];
  const auto behind = std::find_if(queue.begin(), queue.end(), [&](std::uint32_t other) {
    return better(side, entry.order.price, slots_[other].order.price);
  });
  queue.insert(behind, slot);
  entry.resting = true;
  entry.ahead = desk.book == nullptr ? 0 : desk.book->qty_at(side, entry.order.price);
  sink.rested(now, entry.order);
}

void RecordedMatcher::unlink(std::uint32_t slot) noexcept {
  auto& entry = slots_[slot];
  auto& desk = desk_of(entry.order);
  std::erase(desk.queue[side_index(entry.order.side)], slot);
  std::erase(desk.stops, slot);
  entry.resting = false;
}

void RecordedMatcher::finish(Nanos now, std::uint32_t slot, CancelCause cause, VenueSink& sink) {
  const bool in_book = slots_[slot].resting;
  unlink(slot);
  sink.canceled(now, slots_[slot].order, cause, in_book);
  release(slot);
}

// ---------------------------------------------------------------- requests

VenueReject RecordedMatcher::check(const VenueOrder& order, Nanos now) const noexcept {
  if (index(order.instrument) >= desks_.size()) return VenueReject::UNKNOWN_INSTRUMENT;
  const auto& desk = desk_of(order);
  if (const auto why = validate(desk.rules, order, now); why != VenueReject::NONE) return why;
  const bool here = order.display_qty == 0 && order.ord_type <= OrdType::STOP_LIMIT;
  if (!here) return VenueReject::UNSUPPORTED;  // recorded quantity shows neither
  if (desk.trading != TradingState::TRADING) return VenueReject::NOT_TRADING;
  if (order.post_only && would_trade(order)) return VenueReject::POST_ONLY_WOULD_CROSS;
  return VenueReject::NONE;
}

bool RecordedMatcher::would_trade(const VenueOrder& order) const noexcept {
  return Sweep(*this, order).next().found;
}

bool RecordedMatcher::fillable(const VenueOrder& order) const noexcept {
  Sweep sweep(*this, order);
  auto wanted = order.leaves_qty;
  for (auto contra = sweep.next(); contra.found; contra = sweep.next()) {
    const bool blocked =
        contra.ours && order.owner != 0 && slots_[contra.slot].order.owner == order.owner;
    if (blocked) return false;
    wanted -= contra.qty;
    if (wanted <= 0) return true;
  }
  return false;
}

OrderRef RecordedMatcher::submit(Nanos now, const VenueOrder& order, VenueSink& sink) {
  if (const auto why = check(order, now); why != VenueReject::NONE) {
    sink.rejected(now, order, why);
    return 0;
  }
  const auto slot = claim(order);
  if (slot == kNone) {
    sink.rejected(now, order, VenueReject::TABLE_FULL);
    return 0;
  }
  const auto ref = slots_[slot].order.ref;
  if (order.time_in_force == TimeInForce::GTD) expiring_.push_back(slot);
  sink.accepted(now, slots_[slot].order);
  if (is_stop(order.ord_type)) {
    auto& desk = desk_of(order);
    desk.stops.push_back(slot);
    run_stops(now, desk, sink);
  } else {
    execute(now, slot, sink);
  }
  return ref;
}

VenueReject RecordedMatcher::cancel(Nanos now, OrderRef ref, VenueSink& sink) {
  const auto slot = slot_of(ref);
  if (slot == kNone) return VenueReject::UNKNOWN_ORDER;
  finish(now, slot, CancelCause::REQUESTED, sink);
  return VenueReject::NONE;
}

VenueReject RecordedMatcher::replace(Nanos now, OrderRef ref, std::int64_t price,
                                     std::int64_t order_qty, VenueSink& sink,
                                     std::int64_t stop_px) {
  const auto slot = slot_of(ref);
  if (slot == kNone) return VenueReject::UNKNOWN_ORDER;
  auto& entry = slots_[slot];
  auto wanted = entry.order;
  wanted.price = price;
  wanted.order_qty = order_qty;
  wanted.leaves_qty = order_qty - (entry.order.order_qty - entry.order.leaves_qty);
  if (order_qty > 0 && wanted.leaves_qty <= 0) return VenueReject::TOO_LATE;
  const bool waits =
      is_stop(wanted.ord_type) && std::ranges::count(desk_of(wanted).stops, slot) > 0;
  if (stop_px != 0 && stop_px != wanted.stop_px && !waits) return VenueReject::TOO_LATE;
  if (waits && stop_px != 0) wanted.stop_px = stop_px;
  if (const auto why = check(wanted, now); why != VenueReject::NONE) return why;
  const auto removed = entry.order.leaves_qty - wanted.leaves_qty;
  if (!entry.resting || (price == entry.order.price && removed >= 0)) {
    entry.order = wanted;
    sink.reduced(now, entry.order, entry.resting ? removed : 0);
    if (waits) run_stops(now, desk_of(wanted), sink);
    return VenueReject::NONE;
  }
  unlink(slot);
  entry.order = wanted;
  entry.order.ref = ++counter_ << kSlotBits | slot;
  sink.replaced(now, entry.order, ref);
  execute(now, slot, sink);
  return VenueReject::NONE;
}

void RecordedMatcher::expire(Nanos now, VenueSink& sink) {
  const auto due = [this, now](std::uint32_t slot) { return slots_[slot].order.expire_ts <= now; };
  for (auto at = std::find_if(expiring_.begin(), expiring_.end(), due); at != expiring_.end();
       at = std::find_if(expiring_.begin(), expiring_.end(), due)) {
    finish(now, *at, CancelCause::EXPIRED, sink);
  }
}

void RecordedMatcher::set_trading(Nanos now, InstrumentId instrument, TradingState state,
                                  VenueSink& sink) {
  auto& desk = desks_[index(instrument)];
  if (desk.trading == state) return;
  desk.trading = state;
  sink.trading(now, instrument, state);
}

// ---------------------------------------------------------------- taking

void RecordedMatcher::execute(Nanos now, std::uint32_t slot, VenueSink& sink) {
  auto& order = slots_[slot].order;
  if (order.time_in_force == TimeInForce::FOK && !fillable(order)) {
    finish(now, slot, CancelCause::FOK_UNFILLABLE, sink);
    return;
  }
  if (!take(now, slot, sink)) return;
  if (order.time_in_force == TimeInForce::IOC) {
    finish(now, slot, CancelCause::IOC_REMAINDER, sink);
  } else if (is_market(order.ord_type)) {
    finish(now, slot, CancelCause::NO_LIQUIDITY, sink);
  } else {
    rest(now, slot, sink);
  }
}

/// Trades until nothing more crosses; true while the order is alive.
bool RecordedMatcher::take(Nanos now, std::uint32_t slot, VenueSink& sink) {
  auto& order = slots_[slot].order;
  while (order.leaves_qty > 0) {
    const auto contra = Sweep(*this, order).next();
    if (!contra.found) return true;
    const bool own =
        contra.ours && order.owner != 0 && slots_[contra.slot].order.owner == order.owner;
    if (own) {
      finish(now, slot, CancelCause::SELF_TRADE, sink);
      return false;
    }
    trade_with(now, slot, contra, sink);
  }
  release(slot);
  return false;
}

void RecordedMatcher::trade_with(Nanos now, std::uint32_t slot, const Contra& contra,
                                 VenueSink& sink) {
  auto& order = slots_[slot].order;
  auto& desk = desk_of(order);
  const auto qty = std::min(order.leaves_qty, contra.qty);
  order.leaves_qty -= qty;
  if (!contra.ours) {
    add_taken(desk, opposite(order.side), contra.px, qty);
    const auto passive = anonymous(order, contra.px, qty);
    sink.traded({now, ++match_number_, order.instrument, contra.px, qty, passive, order});
    return;
  }
  auto& passive = slots_[contra.slot];
  passive.order.leaves_qty -= qty;
  sink.traded({now, ++match_number_, order.instrument, contra.px, qty, passive.order, order});
  if (passive.order.leaves_qty == 0) {
    unlink(contra.slot);
    release(contra.slot);
  }
}

}  // namespace pitwire
