// What an event means: first the facts it brings, then the table's cell, then the state.
#include <algorithm>

#include "order_facts.hpp"
#include "order_table_impl.hpp"

namespace pitwire {
namespace {

/// The venue's word that the order is over. With reports still missing it stays UNKNOWN, with what
/// is missing reserved, until they come.
OrderState close(Order& order, Transition& transition, OrderState state,
                 std::int64_t venue_cum) noexcept {
  transition.cum_mismatch = venue_cum != order.cum_qty && venue_cum > 0;
  if (venue_cum <= order.cum_qty) {
    order.closing = OrderState::NONE;
    return state;
  }
  order.closing = state;
  order.venue_cum = venue_cum;
  order.leaves_qty = venue_cum - order.cum_qty;
  return OrderState::UNKNOWN;
}

/// The venue says the order is alive: what we knew to be out is settled by what it shows.
OrderState confirm_alive(Order& order, Transition& transition,
                         const rec::Execution& report) noexcept {
  set(order, OrderFact::ACKNOWLEDGED);
  clear(order, OrderFact::SUSPENDED);
  if (order.state == OrderState::UNKNOWN || order.is(OrderFact::IN_DOUBT)) {
    if (report.order_qty > 0) {
      (order.is(OrderFact::SLICED) ? order.slice_qty : order.order_qty) = report.order_qty;
      if (report.price != 0 && order.ord_type != OrdType::MARKET) order.price = report.price;
    }
    if (report.cl_ord_id != 0) order.cl_ord_id = report.cl_ord_id;
    order.pending_cancel = order.pending_replace = 0;
    clear(order, OrderFact::IN_DOUBT);
    order.closing = OrderState::NONE;
    recount_leaves(order);
  }
  transition.cum_mismatch = report.cum_qty > order.cum_qty;
  return transition.cum_mismatch ? OrderState::UNKNOWN : live_state(order);
}

OrderState by_status(Order& order, Transition& transition, const rec::Execution& report) noexcept {
  const bool unbooked =
      transition.event == OrderEvent::BUST || transition.event == OrderEvent::CORRECT;
  switch (static_cast<OrdStatus>(report.ord_status)) {
    case OrdStatus::FILLED:
      if (unbooked) return OrderState::FILLED;
      return close(order, transition, OrderState::FILLED,
                   report.cum_qty > 0 ? report.cum_qty : order.slice_base + order.qty_there());
    case OrdStatus::CANCELED:
      return close(order, transition, OrderState::CANCELED, report.cum_qty);
    case OrdStatus::EXPIRED:
      return close(order, transition, OrderState::EXPIRED, report.cum_qty);
    case OrdStatus::REJECTED:
      return close(order, transition, OrderState::REJECTED, report.cum_qty);
    case OrdStatus::DONE_FOR_DAY:
      return close(order, transition, OrderState::DONE_FOR_DAY, report.cum_qty);
    case OrdStatus::SUSPENDED:
      set(order, OrderFact::SUSPENDED);
      return live_state(order);
    case OrdStatus::PENDING_NEW:
    case OrdStatus::PENDING_CANCEL:
    case OrdStatus::PENDING_REPLACE:
      return live_state(order);
    default:
      return confirm_alive(order, transition, report);
  }
}

void count_fill(Order& order, std::int64_t px, std::int64_t qty) noexcept {
  order.cum_qty += qty;
  order.px_qty_sum += Int128{px} * qty;
  recount_leaves(order);
}

void add_booking(Transition& transition, const rec::Execution& report, std::uint8_t kind,
                 std::int64_t px, std::int64_t qty) noexcept {
  auto& booking = transition.bookings[transition.bookings_size++];
  booking.kind = kind;
  booking.aggressor = (report.flags & 8) != 0;
  booking.has_fee = report.fee != kInt64Min;
  booking.fee = booking.has_fee ? report.fee : 0;
  booking.last_px = px;
  booking.last_qty = qty;
  booking.exec_id = report.exec_id;
}

/// A price or quantity that the venue states for the order; 0 where it states none.
void take_terms(Order& order, std::int64_t price, std::int64_t order_qty) noexcept {
  if (price != 0 && order.ord_type != OrdType::MARKET) order.price = price;
  if (order_qty > 0) (order.is(OrderFact::SLICED) ? order.slice_qty : order.order_qty) = order_qty;
  recount_leaves(order);
}

void take_replace(Order& order, const rec::Execution& report) noexcept {
  if (order.pending_replace != 0 &&
      (report.cl_ord_id == order.pending_replace || report.cl_ord_id == 0)) {
    // Ours, not the venue's word: 0 is a price that we asked for.
    if (order.ord_type != OrdType::MARKET) order.price = order.pending_price;
    order.stop_px = order.pending_stop_px;
    order.order_qty = order.pending_qty;
    take_terms(order, 0, order.pending_slice_qty);
    order.cl_ord_id = order.pending_replace;
    order.pending_replace = 0;
    if (order.pending_cancel == 0) clear(order, OrderFact::IN_DOUBT);
  } else if (report.cl_ord_id != 0) {
    order.cl_ord_id = report.cl_ord_id;
  }
  take_terms(order, report.price, report.order_qty);
}

}  // namespace

Transition OrderTable::Impl::begin(std::uint32_t slot, OrderEvent event) noexcept {
  Transition transition;
  transition.event = event;
  if (slot == kNone) return transition;
  transition.order = &at(slot);
  transition.from = transition.to = at(slot).state;
  return transition;
}

void OrderTable::Impl::finish(std::uint32_t slot, Transition& transition,
                              OrderState state) noexcept {
  auto& order = at(slot);
  if (state == OrderState::UNKNOWN && transition.illegal && is_terminal(order.state)) {
    recount_leaves(order);
  }
  // Between two slices the order is held; anything else that ends a slice ends the order.
  if (state == OrderState::FILLED && order.is(OrderFact::SLICED)) state = end_slice(order);
  transition.to = state;
  settle(slot, state);
}

/// As the venue says it stands before the report that made it known.
Transition OrderTable::Impl::adopted(const rec::OrderAdopted& record) noexcept {
  const bool usable = record.order != 0 && find(record.order) == kNone && record.order_qty > 0 &&
                      record.side != 0 &&
                      positions->registry().known(InstrumentId{record.instrument});
  const auto slot = usable ? acquire() : kNone;
  auto transition = begin(slot, OrderEvent::STATUS);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  order.order = record.order;
  order.cl_ord_id = record.cl_ord_id != 0 ? record.cl_ord_id : record.order;
  order.instrument = InstrumentId{record.instrument};
  order.strategy = kUnassigned;
  order.session = SessionId{record.session};
  order.side = static_cast<Side>(record.side);
  order.ord_type = static_cast<OrdType>(record.ord_type);
  order.time_in_force = static_cast<TimeInForce>(record.time_in_force);
  order.flags = record.flags;
  order.price = record.price;
  order.order_qty = record.order_qty;
  order.cum_qty = record.cum_qty;
  order.order_id = record.order_id;
  order.cause = record.raw_sequence;
  recount_leaves(order);
  set(order, OrderFact::ACKNOWLEDGED);
  if (record.cl_ord_id == 0) set(order, OrderFact::FOREIGN);
  name(slot, record.order);
  finish(slot, transition, live_state(order));
  return transition;
}

Transition OrderTable::Impl::execution(const rec::Execution& record,
                                       UnknownOrder unknown_order) noexcept {
  const auto slot = slot_of(record);
  auto transition = begin(slot, classify(record));
  transition.duplicate = is_duplicate(slot, record);
  if (slot == kNone || transition.duplicate) return transition;
  auto& order = at(slot);
  if (of_earlier_slice(order, record.cl_ord_id != 0 ? record.cl_ord_id : record.orig_cl_ord_id)) {
    learn_of_earlier_slice(slot, transition, record);
    return transition;
  }
  if (transition.event == OrderEvent::UNKNOWN_AT_VENUE)
    return unknown_at_venue(slot, unknown_order);
  rec::Execution of_order;
  if (order.slice_base != 0) {
    of_order = record;
    of_order.cum_qty += order.slice_base;
  }
  const rec::Execution& report = order.slice_base != 0 ? of_order : record;
  const auto rule = cell(order.state, transition.event);
  transition.illegal = rule.rule == Rule::ILLEGAL;
  const auto known_as = order.cl_ord_id;
  learn(slot, transition, report);
  remember(order, transition.event, report);
  const auto state = after(order, transition, rule, report);
  // The name of a replace that our log has lost: the venue goes by it from now on.
  const bool renamed = order.cl_ord_id != known_as && find(order.cl_ord_id) == kNone;
  if (renamed && is_live(order.state) && !order.is(OrderFact::FOREIGN)) name(slot, order.cl_ord_id);
  finish(slot, transition, state);
  return transition;
}

/// Its trades are booked; what becomes of the order is the later slice's to say. What a bust takes
/// back is not worked again.
void OrderTable::Impl::learn_of_earlier_slice(std::uint32_t slot, Transition& transition,
                                              const rec::Execution& record) noexcept {
  auto& order = at(slot);
  const auto before = order.cum_qty;
  if (transition.event == OrderEvent::FILL && record.last_qty > 0) {
    count_fill(order, record.last_px, record.last_qty);
    add_booking(transition, record, 0, record.last_px, record.last_qty);
    set(order, OrderFact::OVERFILLED);
    transition.late = transition.overfill = true;
  } else if (transition.event == OrderEvent::BUST || transition.event == OrderEvent::CORRECT) {
    (void)unbook(order, transition, record);
  }
  remember(order, transition.event, record);
  const auto change = order.cum_qty - before;
  order.slice_base += change;
  if (change < 0) {
    order.order_qty += change;
    order.pending_qty += change;
  }
  if (!is_live(order.state)) return;
  recount_leaves(order);
  const bool done = order.state == OrderState::HELD && order.leaves_qty == 0;
  if (done) let_go(order);
  const bool stays = order.state == OrderState::UNKNOWN;
  finish(slot, transition, stays ? order.state : live_state(order));
}

/// The facts of a report. Trades are booked in every state; the rest only where it is legal.
void OrderTable::Impl::learn(std::uint32_t slot, Transition& transition,
                             const rec::Execution& record) noexcept {
  auto& order = at(slot);
  if (record.order_id[0] != '\0') order.order_id = record.order_id;
  switch (transition.event) {
    case OrderEvent::FILL:
      return fill(order, transition, record);
    case OrderEvent::BUST:
    case OrderEvent::CORRECT:
      if (!unbook(order, transition, record)) transition.illegal = true;
      return;
    default:
      break;
  }
  if (transition.illegal) return;
  const bool alive = cell(order.state, transition.event).rule == Rule::LIVE;
  switch (transition.event) {
    case OrderEvent::ACKNOWLEDGE:
      if (!alive) return;
      set(order, OrderFact::ACKNOWLEDGED);
      return clear(order, OrderFact::SUSPENDED);
    case OrderEvent::SUSPENDED:
      set(order, OrderFact::ACKNOWLEDGED);
      return set(order, OrderFact::SUSPENDED);
    case OrderEvent::REPLACED:
      set(order, OrderFact::ACKNOWLEDGED);
      return take_replace(order, record);
    case OrderEvent::RESTATED:
      set(order, OrderFact::ACKNOWLEDGED);
      clear(order, OrderFact::SUSPENDED);
      return take_terms(order, record.price, record.order_qty);
    default:
      return;
  }
}

void OrderTable::Impl::fill(Order& order, Transition& transition,
                            const rec::Execution& record) noexcept {
  set(order, OrderFact::ACKNOWLEDGED);
  transition.late = is_terminal(order.state);
  if (record.last_qty <= 0) return;
  count_fill(order, record.last_px, record.last_qty);
  add_booking(transition, record, 0, record.last_px, record.last_qty);
  auto allowed = order.slice_base + order.qty_there();
  if (order.pending_replace != 0 && !order.is(OrderFact::SLICED)) {
    allowed = std::max(order.order_qty, order.pending_qty);
  }
  transition.overfill = order.cum_qty > allowed;
  transition.cum_mismatch = record.cum_qty > order.slice_base && record.cum_qty != order.cum_qty;
  if (!transition.overfill) return;
  set(order, OrderFact::OVERFILLED);
  transition.illegal = true;
}

/// Takes a trade back, and for a correction books the right one. False where the trade is unknown.
bool OrderTable::Impl::unbook(Order& order, Transition& transition,
                              const rec::Execution& record) noexcept {
  auto* known = seen_of(index(order.session));
  auto* old = known == nullptr ? nullptr : known->find(record.exec_ref_id, record.side);
  if (old != nullptr && (old->order != order.order || old->last_qty == 0)) return false;
  const bool correct = transition.event == OrderEvent::CORRECT;
  if (old == nullptr && (correct || record.last_qty <= 0 || record.last_qty > order.cum_qty)) {
    return false;
  }
  const auto px = old != nullptr ? old->last_px : record.last_px;
  const auto qty = old != nullptr ? old->last_qty : record.last_qty;
  const std::uint8_t kind = correct ? 2 : 1;
  add_booking(transition, record, kind, px, -qty);
  count_fill(order, px, -qty);
  if (old != nullptr) {
    auto& undone = transition.bookings[0];
    undone.has_fee = old->has_fee != 0;
    undone.fee = -old->fee;
    undone.aggressor = old->aggressor != 0;
    old->last_qty = 0;
  }
  if (!correct || record.last_qty <= 0) return true;
  add_booking(transition, record, kind, record.last_px, record.last_qty);
  count_fill(order, record.last_px, record.last_qty);
  return order.cum_qty <= order.slice_base + order.qty_there();
}

void OrderTable::Impl::remember(const Order& order, OrderEvent event,
                                const rec::Execution& record) noexcept {
  if (record.exec_id[0] == '\0' || event == OrderEvent::STATUS) return;
  auto* known = seen_of(index(order.session));
  if (known == nullptr || known->find(record.exec_id, record.side) != nullptr) return;
  SeenExecution entry;
  entry.exec_id = record.exec_id;
  entry.order = order.order;
  entry.side = record.side;
  if (event == OrderEvent::FILL || event == OrderEvent::CORRECT) {
    entry.last_px = record.last_px;
    entry.last_qty = std::max<std::int64_t>(0, record.last_qty);
    entry.has_fee = record.fee != kInt64Min;
    entry.fee = entry.has_fee ? record.fee : 0;
    entry.aggressor = (record.flags & 8) != 0;
  }
  known->insert(entry);
}

OrderState OrderTable::Impl::after(Order& order, Transition& transition, Cell cell,
                                   const rec::Execution& record) noexcept {
  if (transition.illegal) return OrderState::UNKNOWN;
  switch (cell.rule) {
    case Rule::TO:
      return close(order, transition, cell.to, record.cum_qty);
    case Rule::LIVE:
      return live_state(order);
    case Rule::BY_STATUS:
      return by_status(order, transition, record);
    default:
      return order.state;
  }
}

}  // namespace pitwire
