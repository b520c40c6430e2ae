#include "pitwire/matching/matching_engine.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace pitwire {
namespace {

constexpr unsigned kSlotBits = 24;
constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;

void require_possible(const VenueInstrument& rules, std::size_t position) {
  const auto name = "instrument " + std::to_string(index(rules.id)) + ": ";
  if (index(rules.id) != position) {
    throw std::invalid_argument(name + "ids must be dense, expected " + std::to_string(position));
  }
  if (rules.tick <= 0 || rules.lot <= 0 || rules.order_qty_max < rules.lot) {
    throw std::invalid_argument(name + "tick, lot and maximum quantity must be positive");
  }
  if (rules.price_min > rules.price_max) {
    throw std::invalid_argument(name + "price range is empty");
  }
}

/// Where a trailing stop stands after a trade at `px`, 0 while there was none. Its distance is
/// rounded away from the market.
std::int64_t trailed(const VenueOrder& order, std::int64_t px) noexcept {
  if (px == 0) return order.stop_px;
  auto offset = order.peg_offset;
  if (order.peg_offset_type == PegOffsetType::BASIS_POINTS) {
    offset = (px * order.peg_offset + 9'999) / 10'000;
  }
  const bool sells = order.side == Side::SELL;
  const auto stop = sells ? px - offset : px + offset;
  if (order.stop_px == 0) return stop;
  return sells ? std::max(stop, order.stop_px) : std::min(stop, order.stop_px);
}

}  // namespace

MatchingEngine::MatchingEngine(const std::vector<VenueInstrument>& instruments,
                               std::uint32_t orders_max) {
  if (orders_max == 0 || orders_max > kSlotMask) {
    throw std::invalid_argument("orders_max must be in [1, " + std::to_string(kSlotMask) + "]");
  }
  books_.reserve(instruments.size());
  for (const auto& rules : instruments) {
    require_possible(rules, books_.size());
    books_.emplace_back().rules = rules;
  }
  slots_.resize(orders_max);
  expiries_.reserve(1024);
}

// ---------------------------------------------------------------- slots

std::uint32_t MatchingEngine::slot_of(OrderRef ref) const noexcept {
  const auto slot = static_cast<std::uint32_t>(ref & kSlotMask);
  const bool alive = ref != 0 && slot < slots_.size() && slots_[slot].order.ref == ref;
  return alive ? slot : kNoSlot;
}

const VenueOrder* MatchingEngine::find(OrderRef ref) const noexcept {
  const auto slot = slot_of(ref);
  return slot == kNoSlot ? nullptr : &slots_[slot].order;
}

std::uint32_t MatchingEngine::claim(const VenueOrder& order) noexcept {
  auto slot = free_;
  if (slot != kNoSlot) {
    free_ = slots_[slot].next;
  } else if (used_ < slots_.size()) {
    slot = used_++;
  } else {
    return kNoSlot;
  }
  ++live_;
  auto& entry = slots_[slot];
  entry.order = order;
  entry.order.leaves_qty = order.order_qty;
  entry.order.ref = ++counter_ << kSlotBits | slot;
  entry.resting = false;
  return slot;
}

void MatchingEngine::release(std::uint32_t slot) noexcept {
  --live_;
  slots_[slot].order.ref = 0;
  slots_[slot].resting = false;
  slots_[slot].next = free_;
  free_ = slot;
}

// ---------------------------------------------------------------- checks

VenueReject MatchingEngine::check(const VenueOrder& order, Nanos now) const noexcept {
  if (index(order.instrument) >= books_.size()) return VenueReject::UNKNOWN_INSTRUMENT;
  const auto& book = book_of(order);
  if (const auto reason = validate(book.rules, order, now); reason != VenueReject::NONE) {
    return reason;
  }
  if (order.display_qty > order.order_qty) return VenueReject::QUANTITY;
  if (book.trading != TradingState::TRADING) return VenueReject::NOT_TRADING;
  if (order.post_only && would_trade(order)) return VenueReject::POST_ONLY_WOULD_CROSS;
  return VenueReject::NONE;
}

bool MatchingEngine::would_trade(const VenueOrder& order) const noexcept {
  const auto& contra = ladder(order.instrument, opposite(order.side));
  return !contra.empty() && crosses(order.side, order.price, contra.best().price);
}

bool MatchingEngine::fillable(const VenueOrder& order) const noexcept {
  auto wanted = order.leaves_qty;
  const auto& levels = ladder(order.instrument, opposite(order.side)).levels();
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    if (!is_market(order.ord_type) && !crosses(order.side, order.price, level->price)) return false;
    // What icebergs hide stands behind all that the level shows: an own order is met before it.
    std::int64_t hidden = 0;
    for (auto at = level->head; at != kNoSlot; at = slots_[at].next) {
      const auto& passive = slots_[at].order;
      if (order.owner != 0 && passive.owner == order.owner) return false;
      wanted -= passive.shown_qty();
      hidden += passive.hidden_qty;
      if (wanted <= 0) return true;
    }
    wanted -= hidden;
    if (wanted <= 0) return true;
  }
  return false;
}

// ---------------------------------------------------------------- requests

OrderRef MatchingEngine::submit(Nanos now, const VenueOrder& order, VenueSink& sink) {
  if (const auto reason = check(order, now); reason != VenueReject::NONE) {
    sink.rejected(now, order, reason);
    return 0;
  }
  const auto slot = claim(order);
  if (slot == kNoSlot) {
    sink.rejected(now, order, VenueReject::TABLE_FULL);
    return 0;
  }
  const auto ref = slots_[slot].order.ref;
  if (order.ord_type == OrdType::TRAILING_STOP) {
    slots_[slot].order.stop_px = trailed(slots_[slot].order, last_px(order.instrument));
  }
  if (order.time_in_force == TimeInForce::GTD) {
    expiries_.push_back({order.expire_ts, ref});
    std::push_heap(expiries_.begin(), expiries_.end(),
                   [](const Expiry& a, const Expiry& b) { return a.ts > b.ts; });
  }
  sink.accepted(now, slots_[slot].order);
  if (is_stop(order.ord_type) && !stop_reached(slots_[slot].order)) {
    wait_for_stop(slot);
  } else {
    if (is_stop(order.ord_type)) sink.triggered(now, slots_[slot].order);
    execute(now, slot, sink);
    run_stops(now, order.instrument, sink);
  }
  return ref;
}

VenueReject MatchingEngine::cancel(Nanos now, OrderRef ref, VenueSink& sink) {
  const auto slot = slot_of(ref);
  if (slot == kNoSlot) return VenueReject::UNKNOWN_ORDER;
  finish(now, slot, CancelCause::REQUESTED, sink);
  return VenueReject::NONE;
}

VenueReject MatchingEngine::check_replace(const VenueOrder& old, const VenueOrder& wanted,
                                          Nanos now) const noexcept {
  if (wanted.leaves_qty <= 0 && wanted.order_qty > 0) return VenueReject::TOO_LATE;
  const auto& book = book_of(old);
  const auto reason = validate(book.rules, wanted, now);
  if (reason != VenueReject::NONE) return reason;
  if (book.trading != TradingState::TRADING) return VenueReject::NOT_TRADING;
  if (wanted.post_only && would_trade(wanted)) return VenueReject::POST_ONLY_WOULD_CROSS;
  return VenueReject::NONE;
}

VenueReject MatchingEngine::replace(Nanos now, OrderRef ref, std::int64_t price,
                                    std::int64_t order_qty, VenueSink& sink, std::int64_t stop_px) {
  const auto slot = slot_of(ref);
  if (slot == kNoSlot) return VenueReject::UNKNOWN_ORDER;
  auto& entry = slots_[slot];
  auto wanted = entry.order;
  wanted.price = price;
  wanted.order_qty = order_qty;
  wanted.leaves_qty = order_qty - (entry.order.order_qty - entry.order.leaves_qty);
  const bool waiting = waits(entry.order);
  const bool moves = stop_px != 0 && stop_px != wanted.stop_px;
  if (moves && (!waiting || wanted.ord_type == OrdType::TRAILING_STOP))
    return VenueReject::TOO_LATE;
  if (moves) wanted.stop_px = stop_px;
  const auto reason = check_replace(entry.order, wanted, now);
  if (reason != VenueReject::NONE) return reason;
  if (!entry.resting) {
    if (moves) forget_stop(entry.order);
    entry.order = wanted;
    sink.reduced(now, entry.order, 0);
    if (moves) {
      wait_for_stop(slot);
      reach(book_of(wanted));
      run_stops(now, wanted.instrument, sink);
    }
    return VenueReject::NONE;
  }
  const auto removed = entry.order.leaves_qty - wanted.leaves_qty;
  if (price == entry.order.price && removed >= 0) {
    const auto unseen = std::min(removed, entry.order.hidden_qty);
    entry.order.hidden_qty = wanted.hidden_qty = entry.order.hidden_qty - unseen;
    entry.order.leaves_qty -= unseen;
    book_of(wanted).sides[side_index(wanted.side)].take(entry, removed - unseen);
    entry.order = wanted;
    sink.reduced(now, entry.order, removed - unseen);
    return VenueReject::NONE;
  }
  reenter(now, slot, wanted, sink);
  return VenueReject::NONE;
}

void MatchingEngine::reenter(Nanos now, std::uint32_t slot, const VenueOrder& wanted,
                             VenueSink& sink) {
  auto& entry = slots_[slot];
  const auto old_ref = entry.order.ref;
  book_of(wanted).sides[side_index(wanted.side)].remove(slots_, slot);
  entry.order = wanted;
  entry.order.hidden_qty = 0;
  rename(slot);
  sink.replaced(now, entry.order, old_ref);
  execute(now, slot, sink);
  run_stops(now, wanted.instrument, sink);
}

void MatchingEngine::expire(Nanos now, VenueSink& sink) {
  const auto later = [](const Expiry& a, const Expiry& b) { return a.ts > b.ts; };
  while (!expiries_.empty() && expiries_.front().ts <= now) {
    const auto slot = slot_of(expiries_.front().ref);
    std::pop_heap(expiries_.begin(), expiries_.end(), later);
    expiries_.pop_back();
    if (slot != kNoSlot) finish(now, slot, CancelCause::EXPIRED, sink);
  }
}

std::uint32_t MatchingEngine::mass_cancel(Nanos now, OwnerId owner, std::uint32_t instrument,
                                          VenueSink& sink) {
  std::uint32_t count = 0;
  for (std::uint32_t slot = 0; slot < used_; ++slot) {
    const auto& order = slots_[slot].order;
    if (order.ref == 0 || order.owner != owner) continue;
    if (instrument != kNoId && index(order.instrument) != instrument) continue;
    finish(now, slot, CancelCause::MASS_CANCEL, sink);
    ++count;
  }
  return count;
}

void MatchingEngine::set_trading(Nanos now, InstrumentId instrument, TradingState state,
                                 VenueSink& sink) {
  auto& book = books_[index(instrument)];
  if (book.trading == state) return;
  book.trading = state;
  sink.trading(now, instrument, state);
}

// ---------------------------------------------------------------- matching

void MatchingEngine::execute(Nanos now, std::uint32_t slot, VenueSink& sink) {
  auto& order = slots_[slot].order;
  if (order.time_in_force == TimeInForce::FOK && !fillable(order)) {
    finish(now, slot, CancelCause::FOK_UNFILLABLE, sink);
    return;
  }
  if (!match(now, slot, sink)) return;
  if (order.time_in_force == TimeInForce::IOC) {
    finish(now, slot, CancelCause::IOC_REMAINDER, sink);
  } else if (is_market(order.ord_type)) {
    finish(now, slot, CancelCause::NO_LIQUIDITY, sink);
  } else {
    rest(now, slot, sink);
  }
}

void MatchingEngine::rest(Nanos now, std::uint32_t slot, VenueSink& sink) {
  auto& order = slots_[slot].order;
  const auto shown = order.display_qty == 0 ? order.leaves_qty : order.display_qty;
  order.hidden_qty = std::max<std::int64_t>(0, order.leaves_qty - shown);
  book_of(order).sides[side_index(order.side)].append(slots_, slot);
  sink.rested(now, order);
}

/// Trades until the order is filled, cancelled or meets no more; true while it is still alive.
bool MatchingEngine::match(Nanos now, std::uint32_t slot, VenueSink& sink) {
  const auto& order = slots_[slot].order;
  const auto& contra = book_of(order).sides[side_index(opposite(order.side))];
  while (order.leaves_qty > 0 && !contra.empty()) {
    const auto& best = contra.best();
    if (!is_market(order.ord_type) && !crosses(order.side, order.price, best.price)) break;
    if (order.owner != 0 && slots_[best.head].order.owner == order.owner) {
      finish(now, slot, CancelCause::SELF_TRADE, sink);
      return false;
    }
    trade(now, best.head, slot, sink);
  }
  if (order.leaves_qty > 0) return true;
  release(slot);
  return false;
}

void MatchingEngine::trade(Nanos now, std::uint32_t passive, std::uint32_t aggressor,
                           VenueSink& sink) {
  auto& maker = slots_[passive];
  auto& taker = slots_[aggressor].order;
  auto& book = book_of(taker);
  auto& side = book.sides[side_index(maker.order.side)];
  const auto qty = std::min(maker.order.shown_qty(), taker.leaves_qty);
  taker.leaves_qty -= qty;
  side.take(maker, qty);
  book.last_px = maker.order.price;
  if (!book.stops[0].empty() || !book.stops[1].empty()) reach(book);
  sink.traded({now, ++match_number_, taker.instrument, maker.order.price, qty, maker.order, taker});
  if (maker.order.shown_qty() > 0) return;
  side.remove(slots_, passive);
  if (maker.order.leaves_qty == 0) return release(passive);
  rename(passive);
  rest(now, passive, sink);
}

/// Another reference: to everybody else it is another order.
void MatchingEngine::rename(std::uint32_t slot) noexcept {
  auto& order = slots_[slot].order;
  const auto old_ref = std::exchange(order.ref, ++counter_ << kSlotBits | slot);
  if (order.time_in_force != TimeInForce::GTD) return;
  for (auto& expiry : expiries_) {
    if (expiry.ref == old_ref) expiry.ref = order.ref;
  }
}

/// Takes a live order off whatever holds it, tells, frees its slot.
void MatchingEngine::finish(Nanos now, std::uint32_t slot, CancelCause cause, VenueSink& sink) {
  auto& entry = slots_[slot];
  const bool in_book = entry.resting;
  if (in_book) {
    book_of(entry.order).sides[side_index(entry.order.side)].remove(slots_, slot);
  } else if (is_stop(entry.order.ord_type)) {
    forget_stop(entry.order);
  }
  sink.canceled(now, entry.order, cause, in_book);
  release(slot);
}

// ---------------------------------------------------------------- stops

bool MatchingEngine::stop_reached(const VenueOrder& order) const noexcept {
  const auto last = book_of(order).last_px;
  if (last == 0) return false;
  if (order.stop_px == 0) return false;  // it trails, and there was no trade to trail yet
  const bool rises = waits_for_rise(order.side, order.ord_type);
  return rises ? last >= order.stop_px : last <= order.stop_px;
}

bool MatchingEngine::waits(const VenueOrder& order) const noexcept {
  const auto& book = book_of(order);
  const auto& waiting = book.stops[waits_for_rise(order.side, order.ord_type) ? 0 : 1];
  return is_stop(order.ord_type) &&
         std::ranges::find(waiting, order.ref, &Stop::ref) != waiting.end();
}

void MatchingEngine::wait_for_stop(std::uint32_t slot) {
  const auto& order = slots_[slot].order;
  auto& waiting = stops_of(order);
  const bool rises = waits_for_rise(order.side, order.ord_type);
  auto& trailing = book_of(order).trailing;
  if (order.ord_type == OrdType::TRAILING_STOP && std::ranges::count(trailing, order.ref) == 0) {
    trailing.push_back(order.ref);
  }
  // The next to trigger is at the back; among equals the oldest is, so a new one goes before them.
  const auto sooner = [rises](const Stop& stop, std::int64_t price) {
    return rises ? stop.price > price : stop.price < price;
  };
  const auto at = std::lower_bound(waiting.begin(), waiting.end(), order.stop_px, sooner);
  waiting.insert(at, {order.stop_px, order.ref});
}

void MatchingEngine::forget_stop(const VenueOrder& order) noexcept {
  std::erase_if(stops_of(order), [&order](const Stop& stop) { return stop.ref == order.ref; });
  std::erase(book_of(order).trailing, order.ref);
}

/// Trailing stops follow the last trade: they only come nearer.
void MatchingEngine::follow(Book& book) {
  const auto trailing = book.trailing;  // forgetting and waiting again changes it
  for (const auto ref : trailing) {
    const auto slot = slot_of(ref);
    auto& order = slots_[slot].order;
    const auto stop_px = trailed(order, book.last_px);
    if (stop_px == order.stop_px) continue;
    forget_stop(order);
    order.stop_px = stop_px;
    wait_for_stop(slot);
  }
}

/// The last trade reaches what waits for its price, nearest first; what trails has followed it.
void MatchingEngine::reach(Book& book) {
  if (!book.trailing.empty()) follow(book);
  for (auto& waiting : book.stops) {
    while (!waiting.empty()) {
      const auto ref = waiting.back().ref;
      if (!stop_reached(slots_[slot_of(ref)].order)) break;
      std::erase(book.trailing, ref);
      waiting.pop_back();
      book.reached.push_back(ref);
    }
  }
}

/// What was reached acts, first reached first; its own trades may reach more.
void MatchingEngine::run_stops(Nanos now, InstrumentId instrument, VenueSink& sink) {
  auto& reached = books_[index(instrument)].reached;
  for (std::size_t next = 0; next < reached.size(); ++next) {
    const auto slot = slot_of(reached[next]);
    sink.triggered(now, slots_[slot].order);
    execute(now, slot, sink);
  }
  reached.clear();
}

// ---------------------------------------------------------------- what others may see

TradingState MatchingEngine::trading(InstrumentId instrument) const noexcept {
  return books_[index(instrument)].trading;
}

const PriceLadder& MatchingEngine::ladder(InstrumentId instrument, Side side) const noexcept {
  return books_[index(instrument)].sides[side_index(side)];
}

std::int64_t MatchingEngine::last_px(InstrumentId instrument) const noexcept {
  return books_[index(instrument)].last_px;
}

}  // namespace pitwire
