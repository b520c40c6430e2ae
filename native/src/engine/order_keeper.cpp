// What is kept of orders: how entries come to be and go, and the facts that make them.
#include "pitwire/engine/order_keeper.hpp"

#include <algorithm>

#include "pitwire/engine/order_desk.hpp"

namespace pitwire {
namespace {

rec::OrderTerms terms_of(ClOrdId id, const OrderRequest& request) {
  rec::OrderTerms terms;
  terms.order = id;
  terms.parent = request.parent;
  terms.order_qty = request.order_qty;
  terms.peg_offset = request.peg_offset;
  terms.expire_ts = request.expire_ts;
  terms.instrument = index(request.instrument);
  terms.strategy = index(request.strategy);
  terms.ord_type = static_cast<std::uint8_t>(request.ord_type);
  terms.time_in_force = static_cast<std::uint8_t>(request.time_in_force);
  terms.flags = request.flags;
  terms.trigger = static_cast<std::uint8_t>(request.trigger);
  terms.peg_offset_type = static_cast<std::uint8_t>(request.peg_offset_type);
  terms.side = static_cast<std::uint8_t>(request.side);
  return terms;
}

rec::OrderTerms terms_of(const Order& order) {
  rec::OrderTerms terms;
  terms.order = order.order;
  terms.order_qty = order.order_qty;
  terms.expire_ts = order.expire_ts;
  terms.instrument = index(order.instrument);
  terms.strategy = index(order.strategy);
  terms.ord_type = static_cast<std::uint8_t>(order.ord_type);
  terms.time_in_force = static_cast<std::uint8_t>(order.time_in_force);
  terms.flags = order.flags;
  terms.side = static_cast<std::uint8_t>(order.side);
  return terms;
}

rec::OrderHeld held_record(ClOrdId id, const OrderRequest& request, HeldStatus status,
                           const Verdict& verdict, Sequence cause) {
  rec::OrderHeld record;
  record.cl_ord_id = id;
  record.instrument = index(request.instrument);
  record.strategy = index(request.strategy);
  record.session = index(request.session);
  record.side = static_cast<std::uint8_t>(request.side);
  record.ord_type = static_cast<std::uint8_t>(request.ord_type);
  record.time_in_force = static_cast<std::uint8_t>(request.time_in_force);
  record.flags = request.flags;
  record.price = has_limit(request.ord_type) ? request.price : verdict.reference_px;
  record.stop_px = request.ord_type == OrdType::TRAILING_STOP ? kNoPx : request.stop_px;
  record.order_qty = request.order_qty;
  record.expire_ts = request.expire_ts;
  record.tag = request.tag;
  record.cause = cause;
  record.held = static_cast<std::uint8_t>(status);
  record.idle = request.phase == RequestPhase::WAITS ? 1 : 0;
  return record;
}

bool related(const rec::OrderTerms& a, const rec::OrderTerms& b) noexcept {
  return a.order == b.order || (a.list != 0 && a.list == b.list) || a.parent == b.order ||
         b.parent == a.order;
}

}  // namespace

bool OrderKeeper::is_plain(const OrderRequest& request, const VenueTypes& types) noexcept {
  const bool native = types.takes(request.ord_type) && types.takes(request.time_in_force);
  const bool last =
      request.trigger == TriggerPriceType::NONE || request.trigger == TriggerPriceType::LAST_TRADE;
  const bool whole = request.display_qty == 0 || types.iceberg;
  return native && last && whole && request.parent == 0 && request.sibling == 0 &&
         !has(request.flags, OrderFlag::REDUCE_ONLY);
}

// ------------------------------------------------------------------ requests

bool OrderKeeper::submit(ClOrdId cl_ord_id, OrderRequest request) {
  const VenueTypes& types = desk_.types_of(request.session);
  const auto others = [&](ClOrdId id) {
    const Order* order = desk_.table().find(id);
    return id == 0 || (order != nullptr && order->strategy == request.strategy);
  };
  if (!others(request.parent) || !others(request.sibling)) {
    desk_.deny(cl_ord_id, 0, request, {DenyReason::UNKNOWN_ORDER, 1, 0, 0});
    return false;
  }
  const Order* parent = desk_.table().find(request.parent);
  const Order* sibling = desk_.table().find(request.sibling);
  if (parent != nullptr) request.parent = parent->order;
  auto terms = terms_of(cl_ord_id, request);
  const bool watched = waits_for_price(request.ord_type) && sibling != nullptr;
  const bool slices = request.display_qty != 0 && !types.iceberg;
  const bool holds = parent != nullptr || watched || converts(terms, types) ||
                     (slices && waits_for_price(request.ord_type));
  const bool gtd = request.time_in_force == TimeInForce::GTD;
  terms.local_expiry = gtd && (holds || !types.takes(TimeInForce::GTD)) ? 1 : 0;
  const bool other_time = types.sent(request.time_in_force) != request.time_in_force;
  if (holds || slices || other_time || terms.local_expiry != 0) {
    request.flags |= static_cast<std::uint8_t>(OrderFlag::EMULATED);
    terms.flags = request.flags;
  }
  const bool waits = parent != nullptr && parent->cum_qty == 0;
  const bool covered = sibling != nullptr && is_live(sibling->state) &&
                       sibling->side == request.side && sibling->instrument == request.instrument;
  if (holds && (waits || covered)) request.phase = RequestPhase::WAITS;
  const Verdict verdict = desk_.check(request);
  if (!verdict.passed()) {
    desk_.deny(cl_ord_id, 0, request, verdict);
    return false;
  }
  emitter_.egress().reached(OrderStage::RISK_PASSED);
  if (parent != nullptr) keep_plain(parent->order);
  if (sibling != nullptr) {
    keep_plain(sibling->order);
    const ClOrdId list = find(sibling->order)->terms.list;
    terms.list = list != 0 ? list : sibling->order;
    terms.contingency = static_cast<std::uint8_t>(request.contingency);
    join(sibling->order, terms.list, request.contingency);
  }
  emit_terms(terms);
  if (holds) {
    if (request.display_qty != 0) {
      rec::OrderInstructions more;
      more.cl_ord_id = more.order = cl_ord_id;
      more.display_qty = request.display_qty;
      more.stop_px = kNoPx;
      desk_.instruct(more);
    }
    const auto record =
        held_record(cl_ord_id, request, waits ? HeldStatus::PARENT : HeldStatus::TRIGGER, verdict,
                    emitter_.cause());
    emitter_.emit(record);
    apply(record);
    desk_.gate_.apply(record, emitter_.now());
    desk_.report(desk_.table_.apply(record));
  } else {
    request.time_in_force = types.sent(request.time_in_force);
    if (slices) request.slice_qty = std::min(request.display_qty, request.order_qty);
    desk_.send(cl_ord_id, request, verdict);
  }
  settle();
  return true;
}

/// An entry of an order that so far needed none.
void OrderKeeper::keep_plain(ClOrdId order) {
  if (find(order) != nullptr) return;
  emit_terms(terms_of(*desk_.table().find(order)));
}

void OrderKeeper::join(ClOrdId order, ClOrdId list, ContingencyType contingency) {
  auto terms = find(order)->terms;
  if (terms.list == list) return;
  terms.list = list;
  terms.contingency = static_cast<std::uint8_t>(contingency);
  emit_terms(terms);
}

void OrderKeeper::emit_terms(const rec::OrderTerms& terms) {
  emitter_.emit(terms);
  apply(terms);
}

void OrderKeeper::replace_held(const Order& order, const ReplaceRequest& request) {
  Kept& kept = *find(order.order);
  if (kept.terms.order_qty != request.order_qty) {
    auto terms = kept.terms;
    terms.order_qty = request.order_qty;
    emit_terms(terms);
  }
  rec::OrderHeldChanged record;
  record.order = order.order;
  record.price = has_limit(order.ord_type) ? request.price : order.price;
  record.stop_px = request.stop_px == kNoPx ? order.stop_px : request.stop_px;
  record.order_qty = request.order_qty;
  record.cause = emitter_.cause();
  record.held = static_cast<std::uint8_t>(order.held);
  record.idle = order.is(OrderFact::IDLE) ? 1 : 0;
  record.triggered = kept.triggered ? 1 : 0;
  emitter_.emit(record);
  apply(record);
  desk_.report(desk_.table_.apply(record));
  settle();
}

void OrderKeeper::ask_for(const Order& order, std::int64_t order_qty) {
  const Kept* kept = find(order.order);
  if (kept == nullptr || running_ || kept->terms.order_qty == order_qty) return;
  auto terms = kept->terms;
  terms.order_qty = order_qty;
  emit_terms(terms);
}

void OrderKeeper::end(const Order& order, OrderEvent event, CancelReason reason) {
  rec::OrderHeldEnded record;
  record.order = order.order;
  record.cause = emitter_.cause();
  record.event = static_cast<std::uint8_t>(event);
  record.reason = static_cast<std::uint8_t>(reason);
  emitter_.emit(record);
  desk_.report(desk_.table_.apply(record));
}

void OrderKeeper::end_day(SessionId session) {
  OrderFilter filter;
  filter.session = index(session);
  desk_.table().for_each_working(filter, [&](const Order& order) {
    const Kept* kept = find(order.order);
    const bool day =
        kept != nullptr && kept->terms.time_in_force == static_cast<std::uint8_t>(TimeInForce::DAY);
    if (!day) return;
    if (order.state == OrderState::HELD) {
      return end(order, OrderEvent::HELD_EXPIRED, CancelReason::EXPIRED);
    }
    if (order.time_in_force == TimeInForce::DAY) return;  // the venue ends it
    auto terms = kept->terms;
    terms.local_expiry = 1;
    terms.expire_ts = emitter_.now();
    emit_terms(terms);
  });
  settle();
}

// ------------------------------------------------------------------ facts

void OrderKeeper::apply(const rec::OrderTerms& record) {
  const auto at = std::ranges::lower_bound(kept_, record.order, {},
                                           [](const Kept& kept) { return kept.terms.order; });
  const bool known = at != kept_.end() && at->terms.order == record.order;
  Kept& kept = known ? *at : *kept_.insert(at, Kept{});
  kept.terms = record;
  if (const Order* order = desk_.table().find(record.order); order != nullptr && !known) {
    kept.cum_qty = order->cum_qty;
    kept.over = is_terminal(order->state);
    kept.held = order->held;
  }
  touch(kept);
  count_expiry();
}

/// Of the order itself, which is kept already, or of a slice; those of replaces repeat it.
void OrderKeeper::apply(const rec::OrderInstructions& record) {
  if (Kept* kept = find(record.order)) kept->display_qty = record.display_qty;
}

void OrderKeeper::apply(const rec::OrderHeld& record) {
  if (watching_.size() <= record.instrument) watching_.resize(record.instrument + 1);
  Kept* kept = find(record.cl_ord_id);
  if (kept != nullptr) kept->held = static_cast<HeldStatus>(record.held);
}

void OrderKeeper::apply(const rec::OrderHeldChanged& record) {
  Kept* kept = find(record.order);
  if (kept == nullptr) return;
  kept->triggered = record.triggered != 0;
  kept->waits_for = static_cast<DenyReason>(record.waits_for);
}

void OrderKeeper::noticed(const Order& order) {
  if (kept_.empty()) return;
  for (Kept& other : kept_) {
    const bool reduces = has(other.terms.flags, OrderFlag::REDUCE_ONLY) && !other.over &&
                         other.terms.instrument == index(order.instrument) &&
                         other.terms.strategy == index(order.strategy);
    if (reduces) dirty_ = other.dirty = true;
  }
  Kept* kept = find(order.order);
  if (kept == nullptr) return;
  const bool traded = order.cum_qty > kept->cum_qty;
  kept->cum_qty = order.cum_qty;
  kept->over = is_terminal(order.state);
  kept->held = order.held;
  if (traded) count_excess(*kept);
  touch(*kept);
}

/// More traded in a list than it allows.
void OrderKeeper::count_excess(const Kept& kept) {
  if (kept.terms.list == 0 || emitter_.muted()) return;
  std::int64_t sum = 0;
  std::int64_t most = 0;
  const bool oco = static_cast<ContingencyType>(kept.terms.contingency) == ContingencyType::OCO;
  for (const Kept& other : kept_) {
    if (other.terms.list != kept.terms.list) continue;
    sum += other.cum_qty;
    most = std::max(most, oco ? other.cum_qty : other.terms.order_qty);
  }
  if (sum <= most) return;
  ++broken_;
  rec::ContingencyBroken record;
  record.order = kept.terms.order;
  record.list = kept.terms.list;
  record.excess_qty = sum - most;
  record.instrument = kept.terms.instrument;
  record.strategy = kept.terms.strategy;
  emitter_.emit(record);
  Event& event = emitter_.event(EventKind::CONTINGENCY, record.strategy, record.instrument);
  event.values = {static_cast<std::int64_t>(record.order), static_cast<std::int64_t>(record.list),
                  record.excess_qty, emitter_.now()};
}

void OrderKeeper::look_again() noexcept {
  for (Kept& kept : kept_) kept.dirty = true;
  dirty_ = !kept_.empty();
}

void OrderKeeper::touch(const Kept& kept) noexcept {
  for (Kept& other : kept_) {
    if (related(kept.terms, other.terms)) other.dirty = true;
  }
  dirty_ = true;
}

/// Entries that nothing alive refers to any more are gone; what waits for what is counted anew.
void OrderKeeper::sweep() {
  std::erase_if(kept_, [this](const Kept& kept) {
    if (!kept.over) return false;
    return std::ranges::none_of(
        kept_, [&](const Kept& other) { return !other.over && related(kept.terms, other.terms); });
  });
  std::ranges::fill(watching_, 0U);
  pressing_ = false;
  for (const Kept& kept : kept_) {
    if (kept.over) continue;
    if (kept.held == HeldStatus::TRIGGER) ++watching_[kept.terms.instrument];
    pressing_ |= kept.held == HeldStatus::LIST || kept.held == HeldStatus::GATE;
  }
  count_expiry();
}

void OrderKeeper::count_expiry() noexcept {
  next_expiry_ = kInt64Max;
  for (const Kept& kept : kept_) {
    if (kept.over || kept.terms.local_expiry == 0) continue;
    if (kept.terms.expire_ts > emitter_.now()) {
      next_expiry_ = std::min(next_expiry_, kept.terms.expire_ts);
    } else {
      pressing_ = true;
    }
  }
}

std::uint64_t OrderKeeper::held() const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      kept_, [](const Kept& kept) { return !kept.over && kept.held != HeldStatus::NONE; }));
}

const OrderKeeper::Kept* OrderKeeper::find(ClOrdId order) const noexcept {
  const auto at =
      std::ranges::lower_bound(kept_, order, {}, [](const Kept& kept) { return kept.terms.order; });
  return at != kept_.end() && at->terms.order == order ? &*at : nullptr;
}

OrderKeeper::Kept* OrderKeeper::find(ClOrdId order) noexcept {
  return const_cast<Kept*>(std::as_const(*this).find(order));
}

// ------------------------------------------------------------------ checkpoints

void OrderKeeper::save(ByteWriter& out) const {
  out.put(broken_);
  out.put(static_cast<std::uint64_t>(kept_.size()));
  for (const Kept& kept : kept_) {
    out.put(kept.terms);
    out.put(kept.cum_qty);
    out.put(kept.display_qty);
    out.put(kept.tried_qty);
    out.put(kept.held);
    out.put(kept.cancels);
    out.put(kept.waits_for);
    out.put(std::uint64_t{kept.over});
    out.put(std::uint64_t{kept.triggered});
  }
}

bool OrderKeeper::restore(ByteReader& in) {
  broken_ = in.get<std::uint64_t>();
  kept_.clear();
  watching_.clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    Kept kept;
    kept.terms = in.get<rec::OrderTerms>();
    kept.cum_qty = in.get<std::int64_t>();
    kept.display_qty = in.get<std::int64_t>();
    kept.tried_qty = in.get<std::int64_t>();
    kept.held = in.get<HeldStatus>();
    kept.cancels = in.get<std::uint8_t>();
    kept.waits_for = in.get<DenyReason>();
    kept.over = in.get<std::uint64_t>() != 0;
    kept.triggered = in.get<std::uint64_t>() != 0;
    if (watching_.size() <= kept.terms.instrument) watching_.resize(kept.terms.instrument + 1);
    kept_.push_back(kept);
  }
  sweep();
  return in.ok();
}

}  // namespace pitwire
