// The rules by which kept orders are released, held down, cancelled and ended. Each is a comparison
// of what is so with what should be; docs/orders.md has them in words.
#include <algorithm>

#include "pitwire/engine/order_desk.hpp"
#include "pitwire/engine/order_keeper.hpp"

namespace pitwire {
namespace {

template <class Enum>
Enum as(std::uint8_t value) noexcept {
  return static_cast<Enum>(value);
}

/// What may pass by itself: the order waits for it. Anything else ends the order.
bool passes_by_itself(DenyReason reason) noexcept {
  switch (reason) {
    case DenyReason::HALTED:
    case DenyReason::NOT_ARMED:
    case DenyReason::INSTRUMENT_NOT_TRADABLE:
    case DenyReason::SESSION_DOWN:
    case DenyReason::SESSION_HELD:
    case DenyReason::SESSION_BACKPRESSURE:
    case DenyReason::BOOK_STALE:
    case DenyReason::BOOK_GAPPED:
    case DenyReason::BOOK_CROSSED:
    case DenyReason::MESSAGE_RATE:
    case DenyReason::SELF_TRADE:
    case DenyReason::STRATEGY_STOPPED:
    case DenyReason::DISK_LOW:
      return true;
    default:
      return false;
  }
}

bool at_venue(const Order& order) noexcept {
  return is_live(order.state) && order.state != OrderState::HELD;
}

/// What it may still trade once what is on its way has arrived.
std::int64_t intended_leaves(const Order& order) noexcept {
  if (order.pending_cancel != 0) return 0;
  if (order.pending_replace != 0) {
    return std::max<std::int64_t>(0, order.pending_qty - order.cum_qty);
  }
  return order.reserved_qty;
}

}  // namespace

bool OrderKeeper::converts(const rec::OrderTerms& terms, const VenueTypes& types) noexcept {
  const auto type = as<OrdType>(terms.ord_type);
  const auto trigger = as<TriggerPriceType>(terms.trigger);
  const bool last = trigger == TriggerPriceType::NONE || trigger == TriggerPriceType::LAST_TRADE;
  return waits_for_price(type) && !(types.takes(type) && last);
}

// ------------------------------------------------------------------ prices

/// Twice the price that the order watches; nothing while there is none to trust.
std::optional<std::int64_t> OrderKeeper::trigger_px2(const Kept& kept) const noexcept {
  const MarketView view = desk_.market_view(InstrumentId{kept.terms.instrument});
  if (view.book != BookState::LIVE) return std::nullopt;
  const auto twice = [](std::int64_t px) {
    return px == kNoPx ? std::nullopt : std::optional(px * 2);
  };
  switch (as<TriggerPriceType>(kept.terms.trigger)) {
    case TriggerPriceType::BID_ASK:
      return twice(as<Side>(kept.terms.side) == Side::BUY ? view.ask_px : view.bid_px);
    case TriggerPriceType::MID:
      if (view.bid_px == kNoPx || view.ask_px == kNoPx) return std::nullopt;
      return view.bid_px + view.ask_px;
    default:
      return twice(view.last_px);
  }
}

/// Where a trailing stop stands at this price: it only ever comes nearer. Its distance is rounded
/// up, so that it is never nearer than was asked for.
std::int64_t OrderKeeper::followed(const Kept& kept, std::int64_t stop_px,
                                   std::int64_t px2) const noexcept {
  const bool sells = as<Side>(kept.terms.side) == Side::SELL;
  Int128 offset = kept.terms.peg_offset;
  if (as<PegOffsetType>(kept.terms.peg_offset_type) == PegOffsetType::BASIS_POINTS) {
    const Int128 scaled = Int128{px2 < 0 ? -px2 : px2} * kept.terms.peg_offset;
    offset = (scaled + 19'999) / 20'000;
  }
  // The middle of a book may lie between two increments: away from it as well.
  const std::int64_t px = sells ? px2 >> 1 : -(-px2 >> 1);
  const std::int64_t stop = saturate(sells ? Int128{px} - offset : Int128{px} + offset);
  if (stop_px == kNoPx) return stop;
  return sells ? std::max(stop, stop_px) : std::min(stop, stop_px);
}

bool OrderKeeper::reached(const Kept& kept, std::int64_t stop_px, std::int64_t px2) noexcept {
  const bool buys = as<Side>(kept.terms.side) == Side::BUY;
  const bool touches = as<OrdType>(kept.terms.ord_type) == OrdType::MARKET_IF_TOUCHED;
  const Int128 stop2 = Int128{stop_px} * 2;
  return buys != touches ? px2 >= stop2 : px2 <= stop2;
}

// ------------------------------------------------------------------ lists

/// The child trades what its parent opened: other side, same instrument.
bool OrderKeeper::closes(const Kept& child, const Kept& parent) const noexcept {
  return child.terms.parent == parent.terms.order &&
         child.terms.instrument == parent.terms.instrument && child.terms.side != parent.terms.side;
}

OrderKeeper::Goal OrderKeeper::goal_of(const Kept& kept) const noexcept {
  Goal goal{.qty = kept.terms.order_qty, .final = true};
  if (const Kept* parent = find(kept.terms.parent)) {
    goal.final = parent->over || parent->cum_qty >= goal.qty;
    goal.qty = std::min(goal.qty, parent->cum_qty);
  }
  if (kept.terms.list == 0) return goal;
  for (const Kept& other : kept_) {
    if (other.terms.list != kept.terms.list || other.terms.order == kept.terms.order) continue;
    if (other.cum_qty == 0) continue;
    if (as<ContingencyType>(kept.terms.contingency) == ContingencyType::OCO) {
      return {.qty = 0, .final = true};
    }
    goal.qty -= other.cum_qty;
  }
  goal.qty = std::max<std::int64_t>(0, goal.qty);
  return goal;
}

/// Another order of its list reserves on its side already; before one of them goes, the other is
/// out of the way.
bool OrderKeeper::shadowed(const Kept& kept) const noexcept {
  if (kept.terms.list == 0) return false;
  return std::ranges::any_of(kept_, [&](const Kept& other) {
    const bool same = other.terms.list == kept.terms.list &&
                      other.terms.order != kept.terms.order && !other.over &&
                      other.terms.side == kept.terms.side &&
                      other.terms.instrument == kept.terms.instrument;
    if (!same) return false;
    const Order* order = desk_.table().find(other.terms.order);
    return order != nullptr && (at_venue(*order) || (!order->is(OrderFact::IDLE) &&
                                                     other.terms.order < kept.terms.order));
  });
}

/// Cancels what must end before this order may go out: its list's others at the venue, and the
/// order that it closes. True while one of them lives.
bool OrderKeeper::others_work(const Kept& kept) {
  bool working = false;
  for (const Kept& other : kept_) {
    const bool same_list = kept.terms.list != 0 && other.terms.list == kept.terms.list &&
                           other.terms.order != kept.terms.order;
    if (other.over || !(same_list || closes(kept, other))) continue;
    const Order* order = desk_.table().find(other.terms.order);
    if (order == nullptr || !at_venue(*order)) continue;
    working = true;
    ask_cancel(*order, CancelReason::CONTINGENCY);
  }
  return working;
}

/// A venue that refuses is asked kCancelsMax times in all: more would only be noise.
void OrderKeeper::ask_cancel(const Order& order, CancelReason reason) {
  if (order.state == OrderState::HELD) return end(order, OrderEvent::HELD_CANCELED, reason);
  if (order.pending_cancel != 0 || order.state == OrderState::UNKNOWN) return;
  Kept& kept = *find(order.order);
  if (kept.cancels < kCancelsMax && desk_.cancel(order.order, reason)) ++kept.cancels;
}

/// Its price is watched here: always where the venue cannot, in a list, where the others must be
/// out of the way first, while its quantity may still change, and where it goes out in slices.
bool OrderKeeper::watches(const Kept& kept, const Order& order, const Goal& goal) const noexcept {
  const VenueTypes& types = desk_.types_of(order.session);
  const bool slices = kept.display_qty != 0 && !types.iceberg;
  return waits_for_price(order.ord_type) &&
         (kept.terms.list != 0 || !goal.final || slices || converts(kept.terms, types));
}

// ------------------------------------------------------------------ looking

void OrderKeeper::market_moved(InstrumentId instrument) {
  if (index(instrument) >= watching_.size() || watching_[index(instrument)] == 0) return;
  if (emitter_.muted()) return;
  for (Kept& kept : kept_) {
    if (kept.held == HeldStatus::TRIGGER && kept.terms.instrument == index(instrument)) {
      dirty_ = kept.dirty = true;
    }
  }
  settle();
}

void OrderKeeper::settle() {
  if (running_ || kept_.empty() || emitter_.muted()) return;
  if (next_expiry_ <= emitter_.now()) pressing_ = true;
  if (!dirty_ && !pressing_) return;
  running_ = true;
  if (pressing_) {
    for (Kept& kept : kept_) {
      kept.dirty |= kept.held == HeldStatus::LIST || kept.held == HeldStatus::GATE ||
                    (kept.terms.local_expiry != 0 && kept.terms.expire_ts <= emitter_.now());
    }
  }
  do {
    dirty_ = false;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (std::exchange(kept_[i].dirty, false)) look(kept_[i]);
    }
  } while (dirty_);
  sweep();
  running_ = false;
}

void OrderKeeper::look(Kept& kept) {
  const Order* order = desk_.table().find(kept.terms.order);
  if (order == nullptr) kept.over = true;
  if (kept.over) return;
  const bool held = order->state == OrderState::HELD;
  if (kept.terms.local_expiry != 0 && kept.terms.expire_ts <= emitter_.now()) {
    if (held) return end(*order, OrderEvent::HELD_EXPIRED, CancelReason::EXPIRED);
    if (order->time_in_force != TimeInForce::GTD) ask_cancel(*order, CancelReason::EXPIRED);
  }
  // What closes the position has begun to: nothing more of it is to be opened.
  const bool closed = std::ranges::any_of(
      kept_, [&](const Kept& child) { return closes(child, kept) && child.cum_qty > 0; });
  if (closed) return ask_cancel(*order, CancelReason::CONTINGENCY);
  held ? look_held(kept, *order) : look_working(kept, *order);
}

void OrderKeeper::look_held(Kept& kept, const Order& order) {
  Goal goal = goal_of(kept);
  // Between two slices: what busts took off the order is not worked again.
  if (order.is(OrderFact::SLICED)) goal.qty = std::min(goal.qty, order.order_qty);
  if (goal.qty <= order.cum_qty && goal.final) {
    return end(order, OrderEvent::HELD_CANCELED, CancelReason::CONTINGENCY);
  }
  if (goal.qty == 0) {
    return change(kept, order, HeldStatus::PARENT, kept.terms.order_qty, order.stop_px);
  }
  if (watches(kept, order, goal)) {
    std::int64_t stop_px = order.stop_px;
    if (!kept.triggered) {
      const auto px2 = trigger_px2(kept);
      if (px2 && order.ord_type == OrdType::TRAILING_STOP) stop_px = followed(kept, stop_px, *px2);
      if (!px2 || !reached(kept, stop_px, *px2)) {
        return change(kept, order, HeldStatus::TRIGGER, goal.qty, stop_px);
      }
      kept.triggered = true;
    }
    if (others_work(kept)) return change(kept, order, HeldStatus::LIST, goal.qty, stop_px);
  }
  release(kept, order, goal.qty);
}

void OrderKeeper::look_working(Kept& kept, const Order& order) {
  const bool for_now = as<TimeInForce>(kept.terms.time_in_force) == TimeInForce::IOC &&
                       order.time_in_force != TimeInForce::IOC;
  if (for_now && order.is(OrderFact::ACKNOWLEDGED)) {
    return ask_cancel(order, CancelReason::IMMEDIATE);
  }
  if (has(kept.terms.flags, OrderFlag::REDUCE_ONLY)) hold_down(kept, order);
  if (kept.terms.list == 0 && kept.terms.parent == 0) return;
  if (order.order_qty == kept.tried_qty) kept.tried_qty = 0;  // the venue has taken it
  const Goal goal = goal_of(kept);
  const bool less = goal.qty < order.order_qty;
  const bool more = goal.qty > order.order_qty && kept.terms.parent != 0;
  if (less || more) resize(kept, order, goal.qty, CancelReason::CONTINGENCY);
}

/// A reduce-only order may trade what its position leaves when everything else on its side has,
/// but for newer reduce-only orders: those give way first.
void OrderKeeper::hold_down(Kept& kept, const Order& order) {
  const std::int64_t allowed = reducible(order);
  if (allowed < intended_leaves(order)) {
    resize(kept, order, order.cum_qty + allowed, CancelReason::REDUCE_ONLY);
  }
}

std::int64_t OrderKeeper::reducible(const Order& order) const {
  const bool buys = order.side == Side::BUY;
  const Holding& holding = desk_.positions().of(order.strategy, order.instrument);
  Int128 room = buys ? -Int128{holding.position.net_qty} : Int128{holding.position.net_qty};
  OrderFilter filter;
  filter.instrument = index(order.instrument);
  filter.strategy = index(order.strategy);
  filter.side = order.side;
  desk_.table().for_each_working(filter, [&](const Order& other) {
    const bool newer = has(other.flags, OrderFlag::REDUCE_ONLY) && other.order > order.order &&
                       other.state != OrderState::UNKNOWN;
    if (other.order == order.order || !at_venue(other) || newer) return;
    const bool sure = other.state == OrderState::UNKNOWN;
    room -= sure ? other.reserved_qty : intended_leaves(other);
  });
  return std::max<std::int64_t>(0, saturate(room));
}

/// Brings an order at the venue to this total: by a cancel where nothing of it is left, else by a
/// replace. Where that was refused, one that is to become less is cancelled.
void OrderKeeper::resize(Kept& kept, const Order& order, std::int64_t total, CancelReason reason) {
  if (order.pending_cancel != 0 || order.state == OrderState::UNKNOWN) return;
  if (total <= order.cum_qty) return ask_cancel(order, reason);
  const bool settled =
      order.state == OrderState::WORKING || order.state == OrderState::PARTIALLY_FILLED;
  const bool less = total < order.order_qty;
  if (!settled || order.ord_type == OrdType::MARKET) return;
  if (kept.tried_qty == total) {
    if (less) ask_cancel(order, reason);
    return;
  }
  kept.tried_qty = total;
  if (!desk_.replace(order.order, order.price, total) && less) ask_cancel(order, reason);
}

// ------------------------------------------------------------------ release

void OrderKeeper::release(Kept& kept, const Order& order, std::int64_t qty) {
  OrderRequest request = request_of(kept, order);
  request.order_qty = qty;  // a total: what earlier slices filled is in it
  if (has(order.flags, OrderFlag::REDUCE_ONLY)) {
    request.order_qty = std::min(qty, order.cum_qty + reducible(order));
    if (request.order_qty == order.cum_qty) {
      return end(order, OrderEvent::HELD_CANCELED, CancelReason::REDUCE_ONLY);
    }
  }
  if (order.is(OrderFact::SLICED) && !desk_.table().can_replace(order)) {
    return change(kept, order, HeldStatus::GATE, qty, order.stop_px, DenyReason::TABLE_FULL);
  }
  desk_.look_at_kill_word();
  if (order.state != OrderState::HELD) return;
  emitter_.egress().reached(OrderStage::DECIDED);
  const Verdict verdict =
      desk_.gate_.check_release(order, request, desk_.market_view(order.instrument),
                                desk_.session_view(order.session), emitter_.now());
  if (passes_by_itself(verdict.reason)) {
    return change(kept, order, HeldStatus::GATE, qty, order.stop_px, verdict.reason);
  }
  if (!verdict.passed()) {
    desk_.deny(order.order, 0, request, verdict);
    return end(order, OrderEvent::DENY, CancelReason::RISK);
  }
  emitter_.egress().reached(OrderStage::RISK_PASSED);
  if (slices(request)) {
    request.slice_qty = std::min(request.display_qty, request.order_qty - order.cum_qty);
  }
  const bool again = order.is(OrderFact::SLICED);
  if (again) request.slice_of = order.order;
  desk_.send(again ? desk_.new_cl_ord_id() : order.order, request, verdict);
  cancel_others(kept);
}

/// A price that was reached has decided for this order of its list.
void OrderKeeper::cancel_others(const Kept& kept) {
  if (!kept.triggered || kept.terms.list == 0) return;
  for (const Kept& other : kept_) {
    const bool is_other =
        other.terms.list == kept.terms.list && !other.over && other.terms.order != kept.terms.order;
    const Order* found = is_other ? desk_.table().find(other.terms.order) : nullptr;
    if (found != nullptr) ask_cancel(*found, CancelReason::CONTINGENCY);
  }
}

bool OrderKeeper::slices(const OrderRequest& request) const {
  return request.display_qty != 0 && !desk_.types_of(request.session).iceberg;
}

void OrderKeeper::known_there(const Order& order, const rec::Execution& report) {
  const bool ended = order.is(OrderFact::ENDED_HELD);
  // Of a slice that is over the venue may say more, while the next is held.
  const bool never_left =
      (ended || order.state == OrderState::HELD) && !order.is(OrderFact::SLICED);
  if (!never_left || classify(report) == OrderEvent::UNKNOWN_AT_VENUE) return;
  Kept gone;
  gone.triggered = true;
  gone.display_qty = order.display_qty;
  const Kept* found = find(order.order);
  Kept kept = found != nullptr ? *found : gone;
  kept.triggered |= order.held == HeldStatus::TRIGGER;
  OrderRequest request = request_of(kept, order);
  if (has_limit(request.ord_type) && report.price != 0) request.price = report.price;
  const std::int64_t qty = report.order_qty > 0 ? report.order_qty : order.order_qty;
  request.order_qty = slices(request) ? order.order_qty : qty;
  if (slices(request)) request.slice_qty = std::min(qty, order.order_qty);
  Verdict verdict;
  verdict.reference_px = report.last_px != 0 ? report.last_px : order.stop_px;
  desk_.enter(order.order, request, verdict);
  cancel_others(kept);
  if (ended && report.leaves_qty > 0) (void)desk_.cancel(order.order, CancelReason::RECOVERY);
}

/// What it is sent as: a stop whose price was reached as what it becomes then.
OrderRequest OrderKeeper::request_of(const Kept& kept, const Order& order) const {
  OrderRequest request;
  request.instrument = order.instrument;
  request.strategy = order.strategy;
  request.session = order.session;
  request.side = order.side;
  request.ord_type = order.ord_type;
  if (kept.triggered) {
    request.ord_type = has_limit(order.ord_type) ? OrdType::LIMIT : OrdType::MARKET;
  }
  request.time_in_force = desk_.types_of(order.session).sent(order.time_in_force);
  request.flags = order.flags;
  request.price = has_limit(request.ord_type) ? order.price : 0;
  request.stop_px = has_fixed_stop(request.ord_type) ? order.stop_px : 0;
  if (request.ord_type == OrdType::TRAILING_STOP) {
    request.peg_offset = kept.terms.peg_offset;
    request.peg_offset_type = as<PegOffsetType>(kept.terms.peg_offset_type);
  }
  request.expire_ts = request.time_in_force == TimeInForce::GTD ? order.expire_ts : 0;
  request.tag = order.tag;
  request.display_qty = kept.display_qty;
  request.phase = RequestPhase::RELEASED;
  return request;
}

/// Logs what is so now, where it differs. Strategies hear it unless only a stop has followed.
void OrderKeeper::change(Kept& kept, const Order& order, HeldStatus status, std::int64_t qty,
                         std::int64_t stop_px, DenyReason waits_for) {
  const bool idle = status == HeldStatus::PARENT || shadowed(kept);
  const bool told = order.held != status || order.order_qty != qty;
  if (!told && order.stop_px == stop_px && order.is(OrderFact::IDLE) == idle &&
      kept.waits_for == waits_for) {
    return;
  }
  const bool was_idle = order.is(OrderFact::IDLE);
  rec::OrderHeldChanged record;
  record.order = order.order;
  record.price = order.price;
  record.stop_px = stop_px;
  record.order_qty = qty;
  record.cause = emitter_.cause();
  record.held = static_cast<std::uint8_t>(status);
  record.idle = idle ? 1 : 0;
  record.waits_for = static_cast<std::uint8_t>(waits_for);
  record.triggered = kept.triggered ? 1 : 0;
  emitter_.emit(record);
  apply(record);
  const Transition transition = desk_.table_.apply(record);
  if (told) return desk_.report(transition);
  if (transition.order->is(OrderFact::IDLE) != was_idle) touch(kept);
}

}  // namespace pitwire
