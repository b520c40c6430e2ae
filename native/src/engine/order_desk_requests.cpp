// Requests on their way out: kill word, gate, log, table, route.
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
  record.price = request.ord_type == OrdType::MARKET ? verdict.reference_px : request.price;
  record.stop_px = request.stop_px;
  record.order_qty = request.order_qty;
  record.expire_ts = request.expire_ts;
  record.tag = request.tag;
  record.cause = cause;
  return record;
}

}  // namespace

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

void OrderDesk::send(ClOrdId cl_ord_id, const OrderRequest& request, const Verdict& verdict) {
  const rec::OrderSubmitted record = record_of(cl_ord_id, request, verdict, emitter_.cause());
  emitter_.emit(record);
  gate_.apply(record, emitter_.now());
  report(table_.apply(record));
  if (!sessions_[index(request.session)].route->order(record)) report(table_.not_sent(cl_ord_id));
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
  record.cause = emitter_.cause();
  emitter_.emit(record);
  gate_.apply(record, emitter_.now());
  report(table_.apply(record));
  if (!sessions_[record.session].route->replace(record)) report(table_.not_sent(cl_ord_id));
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
  const std::int64_t order_qty = order.order_qty;
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
