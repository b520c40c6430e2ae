// Requests on their way out: kill word, gate, log, table, route.
#include <algorithm>

#include "pitwire/engine/order_desk.hpp"

namespace pitwire {
namespace {

template <class Enum>
std::int64_t number(Enum value) {
  return static_cast<std::int64_t>(value);
}

OrderRequest request_of(const Order& order, std::int64_t price, std::int64_t order_qty) {
  OrderRequest request;
  request.instrument = order.instrument;
  request.strategy = order.strategy;
  request.session = order.session;
  request.side = order.side;
  request.ord_type = order.ord_type;
  request.time_in_force = order.time_in_force;
  request.flags = order.flags;
  request.price = price;
  request.stop_px = order.stop_px;
  request.order_qty = order_qty;
  request.expire_ts = order.expire_ts;
  request.tag = order.tag;
  return request;
}

rec::OrderSubmitted record_of(ClOrdId cl_ord_id, const OrderRequest& request,
                              const Verdict& verdict, Sequence cause) {
  rec::OrderSubmitted record;
  record.cl_ord_id = cl_ord_id;
  record.instrument = index(request.instrument);
  record.strategy = index(request.strategy);
  record.session = index(request.session);
  record.side = static_cast<std::uint8_t>(request.side);
  record.ord_type = static_cast<std::uint8_t>(request.ord_type);
  record.time_in_force = static_cast<std::uint8_t>(request.time_in_force);
  record.flags = request.flags;
  const bool unpriced =
      request.ord_type == OrdType::MARKET || request.ord_type == OrdType::TRAILING_STOP;
  record.price = unpriced ? verdict.reference_px : request.price;
  record.stop_px = request.stop_px;
  record.order_qty = request.slice_qty != 0 ? request.slice_qty : request.order_qty;
  record.expire_ts = request.expire_ts;
  record.tag = request.tag;
  record.cause = cause;
  return record;
}

/// What the request asks for beside its record; nothing to log where that is nothing.
rec::OrderInstructions more_of(ClOrdId cl_ord_id, const OrderRequest& request) {
  rec::OrderInstructions record;
  record.cl_ord_id = cl_ord_id;
  record.order = request.slice_of != 0 ? request.slice_of : cl_ord_id;
  record.total_qty = request.slice_qty != 0 ? request.order_qty : 0;
  record.display_qty = request.display_qty;
  record.stop_px = kNoPx;
  record.peg_offset = request.peg_offset;
  record.peg_offset_type = static_cast<std::uint8_t>(request.peg_offset_type);
  return record;
}

/// The same of a replace: what the order has stays, and stands in the message again.
rec::OrderInstructions more_of(ClOrdId cl_ord_id, const Order& order, std::int64_t total_qty,
                               std::int64_t stop_px) {
  rec::OrderInstructions record;
  record.cl_ord_id = cl_ord_id;
  record.order = order.order;
  record.total_qty = order.is(OrderFact::SLICED) ? total_qty : 0;
  record.display_qty = order.display_qty;
  const auto stays = has_fixed_stop(order.ord_type) ? order.stop_px : kNoPx;
  record.stop_px = stop_px != kNoPx ? stop_px : stays;
  record.peg_offset = order.peg_offset;
  record.peg_offset_type = static_cast<std::uint8_t>(order.peg_offset_type);
  if (order.time_in_force == TimeInForce::GTD) record.expire_ts = order.expire_ts;
  return record;
}

bool says_something(const rec::OrderInstructions& record) noexcept {
  return record.display_qty != 0 || record.stop_px != kNoPx || record.peg_offset != 0 ||
         record.expire_ts != 0;
}

}  // namespace

void OrderDesk::instruct(const rec::OrderInstructions& record) {
  emitter_.emit(record);
  table_.apply(record);
  gate_.apply(record);
  keeper_.apply(record);
}

void OrderDesk::look_at_kill_word() {
  if (const auto kill = emitter_.kill_here(gate_.kill_pending())) on_kill_(*kill);
}

bool OrderDesk::submit(ClOrdId cl_ord_id, const OrderRequest& request) {
  look_at_kill_word();
  emitter_.egress().reached(OrderStage::DECIDED);
  if (!OrderKeeper::is_plain(request, types_of(request.session))) {
    return keeper_.submit(cl_ord_id, request);
  }
  const Verdict verdict = check(request);
  if (!verdict.passed()) {
    deny(cl_ord_id, 0, request, verdict);
    return false;
  }
  emitter_.egress().reached(OrderStage::RISK_PASSED);
  send(cl_ord_id, request, verdict);
  last_submitted_ = request;
  return true;
}

Verdict OrderDesk::check(const OrderRequest& request) const {
  return gate_.check(request, market_view(request.instrument), session_view(request.session),
                     emitter_.now());
}

OrderDesk::Entered OrderDesk::enter(ClOrdId cl_ord_id, const OrderRequest& request,
                                    const Verdict& verdict) {
  Entered entered{record_of(cl_ord_id, request, verdict, emitter_.cause()), std::nullopt};
  if (request.display_qty != 0 || request.peg_offset != 0) {
    entered.more = more_of(cl_ord_id, request);
    instruct(*entered.more);
  }
  emitter_.emit(entered.record);
  gate_.apply(entered.record, emitter_.now());
  report(table_.apply(entered.record));
  return entered;
}

void OrderDesk::send(ClOrdId cl_ord_id, const OrderRequest& request, const Verdict& verdict) {
  const Entered entered = enter(cl_ord_id, request, verdict);
  OrderRoute& route = *sessions_[index(request.session)].route;
  if (!route.order(entered.record, entered.more ? &*entered.more : nullptr)) {
    report(table_.not_sent(cl_ord_id));
  }
}

void OrderDesk::prefetch_send(const OrderRequest& request) const noexcept {
  table_.prefetch_next(last_cl_ord_id_ + 1);
  gate_.prefetch_sent(request);
}

void OrderDesk::deny(ClOrdId cl_ord_id, ClOrdId orig, const OrderRequest& request,
                     const Verdict& verdict) {
  rec::OrderDenied record;
  record.cl_ord_id = cl_ord_id;
  record.orig_cl_ord_id = orig;
  record.instrument = index(request.instrument);
  record.strategy = index(request.strategy);
  record.session = index(request.session);
  record.side = static_cast<std::uint8_t>(request.side);
  record.ord_type = static_cast<std::uint8_t>(request.ord_type);
  record.time_in_force = static_cast<std::uint8_t>(request.time_in_force);
  record.flags = request.flags;
  record.price = request.price;
  record.stop_px = request.stop_px;
  record.order_qty = request.order_qty;
  record.tag = request.tag;
  record.cause = emitter_.cause();
  record.value = verdict.value;
  record.limit = verdict.limit;
  record.reason = static_cast<std::uint32_t>(verdict.reason);
  const Sequence sequence = emitter_.emit(record);
  Event& event =
      emitter_.event(EventKind::DENIED, index(request.strategy), index(request.instrument));
  event.values = {static_cast<std::int64_t>(cl_ord_id),
                  static_cast<std::int64_t>(orig),
                  number(request.side),
                  request.order_qty,
                  request.price,
                  number(verdict.reason),
                  verdict.value,
                  verdict.limit,
                  static_cast<std::int64_t>(request.tag)};
  place(event, sequence);
}

bool OrderDesk::replace(ClOrdId id, std::int64_t price, std::int64_t order_qty,
                        std::int64_t stop_px) {
  const Order* order = table_.find(id);
  if (order == nullptr) return false;
  look_at_kill_word();
  emitter_.egress().reached(OrderStage::DECIDED);
  const ClOrdId cl_ord_id = new_cl_ord_id();
  OrderRequest request = request_of(*order, price, order_qty);
  if (stop_px != kNoPx) request.stop_px = stop_px;
  const ReplaceRequest wanted{id, price, order_qty, stop_px};
  const Verdict verdict = gate_.check(wanted, market_view(order->instrument),
                                      session_view(order->session), emitter_.now());
  if (!verdict.passed()) {
    deny(cl_ord_id, order->order, request, verdict);
    return false;
  }
  emitter_.egress().reached(OrderStage::RISK_PASSED);
  if (order->state == OrderState::HELD) {
    keeper_.replace_held(*order, wanted);
    return true;
  }
  keeper_.ask_for(*order, order_qty);
  rec::ReplaceRequested record;
  record.cl_ord_id = cl_ord_id;
  record.orig_cl_ord_id = order->cl_ord_id;
  record.order = order->order;
  record.instrument = index(order->instrument);
  record.strategy = index(order->strategy);
  record.session = index(order->session);
  record.side = static_cast<std::uint8_t>(order->side);
  record.ord_type = static_cast<std::uint8_t>(order->ord_type);
  record.time_in_force = static_cast<std::uint8_t>(order->time_in_force);
  record.flags = order->flags;
  record.price = price;
  record.order_qty = order_qty;
  // A slice never becomes more: what the order gained is for the next one.
  if (order->is(OrderFact::SLICED)) {
    record.order_qty = std::min(order->slice_qty, order_qty - order->slice_base);
  }
  record.cause = emitter_.cause();
  const auto more = more_of(cl_ord_id, *order, order_qty, stop_px);
  const bool asks_more = says_something(more);
  if (asks_more) instruct(more);
  emitter_.emit(record);
  gate_.apply(record, emitter_.now());
  report(table_.apply(record));
  OrderRoute& route = *sessions_[record.session].route;
  if (!route.replace(record, asks_more ? &more : nullptr)) report(table_.not_sent(cl_ord_id));
  return true;
}

bool OrderDesk::cancel(ClOrdId id, CancelReason reason) {
  const Order* order = table_.find(id);
  return order != nullptr && send_cancel(*order, reason);
}

bool OrderDesk::send_cancel(const Order& order, CancelReason reason) {
  if (order.state == OrderState::HELD) {
    keeper_.end(order, OrderEvent::HELD_CANCELED, reason);
    return true;
  }
  if (!OrderTable::can_cancel(order) || !sessions_[index(order.session)].route->logged_on()) {
    return false;
  }
  emitter_.egress().reached(OrderStage::DECIDED);
  rec::CancelRequested record;
  record.cl_ord_id = new_cl_ord_id();
  record.orig_cl_ord_id = order.cl_ord_id != 0 ? order.cl_ord_id : order.order;
  record.order = order.order;
  record.instrument = index(order.instrument);
  record.strategy = index(order.strategy);
  record.session = index(order.session);
  record.side = static_cast<std::uint8_t>(order.side);
  record.reason = static_cast<std::uint8_t>(reason);
  record.cause = emitter_.cause();
  const std::int64_t order_qty = order.qty_there();
  emitter_.emit(record);
  gate_.apply(record, emitter_.now());
  report(table_.apply(record));
  if (!sessions_[record.session].route->cancel(record, order_qty)) {
    report(table_.not_sent(record.cl_ord_id));
  }
  return true;
}

/// The cancels one by one follow, and end what the venue refuses or leaves of it; it is first, and
/// reaches what we have no name for.
void OrderDesk::mass_cancel(const OrderFilter& filter, CancelReason reason) {
  for (std::uint32_t session = 0; session < sessions_.size(); ++session) {
    if (filter.session != kNoId && filter.session != session) continue;
    const Session& to = sessions_[session];
    if (to.route == nullptr || !to.rules.mass_cancel || !to.route->logged_on()) continue;
    rec::MassCancelRequested record;
    record.cl_ord_id = new_cl_ord_id();
    record.session = session;
    record.instrument = filter.instrument;
    record.reason = static_cast<std::uint32_t>(reason);
    emitter_.emit(record);
    gate_.apply(record, emitter_.now());
    (void)to.route->mass_cancel(record);
  }
}

unsigned OrderDesk::cancel_all(const OrderFilter& filter, CancelReason reason) {
  unsigned asked = 0;
  if (filter.strategy == kNoId && filter.side == Side::NONE) mass_cancel(filter, reason);
  table_.for_each_working(filter, [&](const Order& order) { asked += send_cancel(order, reason); });
  return asked;
}

bool OrderDesk::request_status(ClOrdId id) {
  const Order* order = table_.find(id);
  if (order == nullptr || !is_live(order->state) || order->is(OrderFact::FOREIGN)) return false;
  if (order->state == OrderState::HELD) return false;  // the venue does not know it
  OrderRoute& route = *sessions_[index(order->session)].route;
  if (!route.logged_on()) return false;
  rec::StatusRequested record;
  record.cl_ord_id = order->cl_ord_id != 0 ? order->cl_ord_id : order->order;
  record.order = order->order;
  record.instrument = index(order->instrument);
  record.session = index(order->session);
  record.side = static_cast<std::uint8_t>(order->side);
  emitter_.emit(record);
  return route.status(record);
}

ClOrdId OrderDesk::request_all_status(SessionId session) {
  OrderRoute& route = *sessions_[index(session)].route;
  if (!route.logged_on()) return 0;
  rec::StatusRequested record;
  record.cl_ord_id = new_cl_ord_id();
  record.instrument = kNoId;
  record.session = index(session);
  emitter_.emit(record);
  return route.status(record) ? record.cl_ord_id : 0;
}

bool OrderDesk::close_by_operator(ClOrdId order) {
  const Transition transition = table_.operator_closed(order);
  report(transition);
  return transition.changed();
}

}  // namespace pitwire
