// What a live order reserves, and the lists that depend on whether it is live.
#include <algorithm>

#include "order_table_impl.hpp"

namespace pitwire {
namespace {

/// The price that values an order: its limit, a stop's trigger, a market order's reference.
std::int64_t valued_at(const Order& order, std::int64_t price, std::int64_t stop_px) noexcept {
  return has_fixed_stop(order.ord_type) && !has_limit(order.ord_type) ? stop_px : price;
}

std::int64_t most_aggressive(const Order& order) noexcept {
  if (order.state == OrderState::HELD || waits_for_price(order.ord_type)) return kNoPx;
  const bool buy = order.side == Side::BUY;
  if (order.ord_type == OrdType::MARKET) return buy ? kInt64Max : kInt64Min + 1;
  if (order.pending_replace == 0) return order.price;
  return buy ? std::max(order.price, order.pending_price)
             : std::min(order.price, order.pending_price);
}

bool better(Side side, std::int64_t px, std::int64_t other) noexcept {
  if (px == kNoPx) return false;
  if (other == kNoPx) return true;
  return side == Side::BUY ? px > other : px < other;
}

}  // namespace

/// The larger of both where a replace is out; for every state that is live, UNKNOWN too. A held
/// order reserves what the same order would at the venue, unless it is idle.
void OrderTable::Impl::reserve(Order& order) const noexcept {
  if (order.is(OrderFact::IDLE)) {
    order.reserved_qty = order.reserved_notional = 0;
    order.reserved_px = kNoPx;
    return;
  }
  order.reserved_qty = order.leaves_qty;
  if (order.pending_replace != 0) {
    order.reserved_qty = std::max(order.reserved_qty, order.pending_qty - order.cum_qty);
  }
  const auto& scale = positions->registry().scale(order.instrument);
  const auto value = [&](std::int64_t px) {
    if (px == 0 && order.ord_type == OrdType::MARKET) return std::int64_t{0};
    return scale.risk_notional(px, order.reserved_qty).value_or(kInt64Max / 4);
  };
  order.reserved_notional = value(valued_at(order, order.price, order.stop_px));
  if (order.pending_replace != 0) {
    const auto pending = valued_at(order, order.pending_price, order.pending_stop_px);
    order.reserved_notional = std::max(order.reserved_notional, value(pending));
  }
  order.reserved_px = most_aggressive(order);
}

/// The order enters `state`: what it reserved is taken back, what it reserves now is counted, and
/// it moves between the lists of live and of terminal orders.
void OrderTable::Impl::settle(std::uint32_t slot, OrderState state) noexcept {
  auto& order = at(slot);
  const auto from = order.state;
  if (is_live(from)) {
    positions->reserve(order, -1);
    leave_peers(slot);
  }
  unknown -= from == OrderState::UNKNOWN ? 1u : 0u;
  unknown += state == OrderState::UNKNOWN ? 1u : 0u;
  order.state = state;
  if (is_live(state)) {
    reserve(order);
    positions->reserve(order, +1);
    join_peers(slot);
  } else {
    order.leaves_qty = order.reserved_qty = order.reserved_notional = 0;
    order.pending_cancel = order.pending_replace = 0;
  }
  if (is_live(from) == is_live(state) && from != OrderState::NONE) return;
  if (is_live(from)) unlink(live, slot);
  if (is_terminal(from)) unlink(terminal, slot);
  if (is_live(from)) live_ids -= slots[slot].ids.size;
  if (is_live(state)) live_ids += slots[slot].ids.size;
  push(is_live(state) ? live : terminal, slot);
}

OrderTable::Impl::Peers& OrderTable::Impl::peers_of(const Order& order) noexcept {
  // Grows where instruments were defined after the table was made: once an instrument.
  if (index(order.instrument) >= peers.size()) peers.resize(positions->registry().size());
  return peers[index(order.instrument)][order.side == Side::BUY ? 0 : 1];
}

std::int64_t OrderTable::Impl::best_of(std::uint32_t instrument, Side side) const noexcept {
  return instrument < peers.size() ? peers[instrument][side == Side::BUY ? 0 : 1].best_px : kNoPx;
}

void OrderTable::Impl::join_peers(std::uint32_t slot) noexcept {
  const auto& order = at(slot);
  auto& list = peers_of(order);
  slots[slot].previous_peer = kNone;
  slots[slot].next_peer = list.first;
  if (list.first != kNone) slots[list.first].previous_peer = slot;
  list.first = slot;
  if (better(order.side, order.reserved_px, list.best_px)) list.best_px = order.reserved_px;
}

void OrderTable::Impl::leave_peers(std::uint32_t slot) noexcept {
  const auto& order = at(slot);
  auto& list = peers_of(order);
  const auto [before, after] = std::pair{slots[slot].previous_peer, slots[slot].next_peer};
  (before == kNone ? list.first : slots[before].next_peer) = after;
  if (after != kNone) slots[after].previous_peer = before;
  if (order.reserved_px != list.best_px) return;
  list.best_px = kNoPx;
  for (auto peer = list.first; peer != kNone; peer = slots[peer].next_peer) {
    const auto px = slots[peer].order.reserved_px;
    if (better(order.side, px, list.best_px)) list.best_px = px;
    if (list.best_px == order.reserved_px) return;  // another is as good: nobody is better
  }
}

}  // namespace pitwire
