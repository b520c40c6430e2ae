// The recorded matcher's other half: what the record does to orders that rest, and what was taken
// from it.
#include <algorithm>

#include "pitwire/matching/recorded_matcher.hpp"
#include "recorded_parts.hpp"

namespace pitwire {

// ---------------------------------------------------------------- resting

void RecordedMatcher::fill_passive(Nanos now, std::uint32_t slot, std::int64_t qty,
                                   VenueSink& sink) {
  auto& entry = slots_[slot];
  entry.order.leaves_qty -= qty;
  const auto aggressor = anonymous(entry.order, entry.order.price, qty);
  sink.traded({now, ++match_number_, entry.order.instrument, entry.order.price, qty, entry.order,
               aggressor});
  entry.gone = entry.order.leaves_qty == 0;
}

void RecordedMatcher::sweep_filled(Desk& desk, Side side) noexcept {
  std::erase_if(desk.queue[side_index(side)], [this](std::uint32_t slot) {
    if (slots_[slot].gone) release(slot);
    return slots_[slot].gone;
  });
}

/// A recorded trade against one side: fills through its price, then its queue at the price.
void RecordedMatcher::hit_queue(Nanos now, Desk& desk, Side side, std::int64_t px, std::int64_t qty,
                                VenueSink& sink) {
  auto& queue = desk.queue[side_index(side)];
  auto left = qty;
  std::int64_t recorded = 0;  // recorded quantity at px that the trade has taken
  for (const auto slot : queue) {
    auto& entry = slots_[slot];
    if (left == 0 || better(side, px, entry.order.price)) break;
    if (entry.order.price == px) {
      const auto before = std::min(left, std::max<std::int64_t>(0, entry.ahead - recorded));
      recorded += before;
      left -= before;
    }
    const auto fill = std::min(left, entry.order.leaves_qty);
    left -= fill;
    if (fill > 0) fill_passive(now, slot, fill, sink);
  }
  for (const auto slot : queue) {
    auto& entry = slots_[slot];
    if (entry.order.price == px) entry.ahead = std::max<std::int64_t>(0, entry.ahead - recorded);
  }
  sweep_filled(desk, side);
}

/// Recorded quantity of the other side that stands at our price or better fills us at our price.
void RecordedMatcher::cross(Nanos now, Desk& desk, Side side, VenueSink& sink) {
  const auto& queue = desk.queue[side_index(side)];
  if (queue.empty()) return;
  const auto contra = opposite(side);
  std::array<DepthLevel, kDepthMax> levels;
  const auto count = desk.book->levels(contra, levels);
  std::size_t level = 0;
  for (const auto slot : queue) {
    auto& order = slots_[slot].order;
    while (order.leaves_qty > 0 && level < count && crosses(side, order.price, levels[level].px)) {
      const auto available = levels[level].qty - taken_at(desk, contra, levels[level].px);
      if (available <= 0) {
        ++level;
        continue;
      }
      const auto fill = std::min(available, order.leaves_qty);
      add_taken(desk, contra, levels[level].px, fill);
      fill_passive(now, slot, fill, sink);
    }
  }
  sweep_filled(desk, side);
}

/// Brings `ahead` and `taken` down to what the book shows now.
void RecordedMatcher::refresh(Desk& desk) noexcept {
  for (const auto side : {Side::BUY, Side::SELL}) {
    for (const auto slot : desk.queue[side_index(side)]) {
      auto& entry = slots_[slot];
      entry.ahead = std::min(entry.ahead, desk.book->qty_at(side, entry.order.price));
    }
    auto& taken = desk.taken[side_index(side)];
    std::erase_if(taken, [&desk, side](DepthLevel& level) {
      level.qty = std::min(level.qty, desk.book->qty_at(side, level.px));
      return level.qty <= 0;
    });
  }
}

void RecordedMatcher::on_book(Nanos now, InstrumentId instrument, VenueSink& sink) {
  auto& desk = desks_[index(instrument)];
  const bool idle = desk.queue[0].empty() && desk.queue[1].empty() && desk.taken[0].empty() &&
                    desk.taken[1].empty();
  if (idle || desk.book == nullptr) return;
  refresh(desk);
  if (desk.trading != TradingState::TRADING) return;
  cross(now, desk, Side::BUY, sink);
  cross(now, desk, Side::SELL, sink);
}

void RecordedMatcher::on_trade(Nanos now, InstrumentId instrument, std::int64_t px,
                               std::int64_t qty, Side aggressor, VenueSink& sink) {
  auto& desk = desks_[index(instrument)];
  desk.last_px = px;
  if (desk.trading != TradingState::TRADING) return;
  const auto passive = opposite(aggressor == Side::NONE ? aggressor_of(desk, px) : aggressor);
  if (!desk.queue[side_index(passive)].empty()) hit_queue(now, desk, passive, px, qty, sink);
  if (!desk.stops.empty()) run_stops(now, desk, sink);
}

Side RecordedMatcher::aggressor_of(const Desk& desk, std::int64_t px) const noexcept {
  if (desk.book == nullptr) return Side::BUY;
  DepthLevel bid;
  DepthLevel ask;
  const bool has_bid = desk.book->levels(Side::BUY, {&bid, 1}) == 1;
  const bool has_ask = desk.book->levels(Side::SELL, {&ask, 1}) == 1;
  if (!has_bid || !has_ask) return has_bid ? Side::SELL : Side::BUY;
  return px - bid.px < ask.px - px ? Side::SELL : Side::BUY;
}

void RecordedMatcher::run_stops(Nanos now, Desk& desk, VenueSink& sink) {
  const auto reached = [this, &desk](std::uint32_t slot) {
    const auto& order = slots_[slot].order;
    const auto last = desk.last_px;
    return last != 0 && (order.side == Side::BUY ? last >= order.stop_px : last <= order.stop_px);
  };
  for (auto at = std::find_if(desk.stops.begin(), desk.stops.end(), reached);
       at != desk.stops.end(); at = std::find_if(desk.stops.begin(), desk.stops.end(), reached)) {
    const auto slot = *at;
    desk.stops.erase(at);
    sink.triggered(now, slots_[slot].order);
    execute(now, slot, sink);
  }
}

// ---------------------------------------------------------------- what was taken

std::int64_t RecordedMatcher::taken_at(const Desk& desk, Side side, std::int64_t px) noexcept {
  for (const auto& level : desk.taken[side_index(side)]) {
    if (level.px == px) return level.qty;
  }
  return 0;
}

void RecordedMatcher::add_taken(Desk& desk, Side side, std::int64_t px, std::int64_t qty) {
  for (auto& level : desk.taken[side_index(side)]) {
    if (level.px == px) {
      level.qty += qty;
      return;
    }
  }
  desk.taken[side_index(side)].push_back({px, qty});
}

}  // namespace pitwire
