#include "pitwire/engine/order_desk.hpp"

#include <algorithm>
#include <stdexcept>

namespace pitwire {
namespace {

template <class Enum>
std::int64_t number(Enum value) {
  return static_cast<std::int64_t>(value);
}

/// Text of a NUL-padded field.
template <std::size_t N>
std::string text_of(const std::array<char, N>& field) {
  return {field.data(), strnlen(field.data(), N)};
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

/// What was asked of the gate, from the record of what it answered.
template <class R>
OrderRequest request_of(const R& record) {
  OrderRequest request;
  request.instrument = InstrumentId{record.instrument};
  request.strategy = StrategyId{record.strategy};
  request.session = SessionId{record.session};
  request.side = static_cast<Side>(record.side);
  request.ord_type = static_cast<OrdType>(record.ord_type);
  request.time_in_force = static_cast<TimeInForce>(record.time_in_force);
  request.flags = record.flags;
  // An accepted market order's record has the price at which it was valued.
  request.price = request.ord_type == OrdType::MARKET ? 0 : record.price;
  request.stop_px = record.stop_px;
  request.order_qty = record.order_qty;
  request.tag = record.tag;
  return request;
}

}  // namespace

OrderDesk::OrderDesk(Emitter& emitter, const InstrumentRegistry& instruments,
                     const MarketDesk& market, const OrderDeskConfig& config)
    : emitter_(emitter),
      market_(market),
      config_(config),
      positions_(instruments),
      table_(config.table, positions_),
      gate_(instruments, table_, positions_) {}

void OrderDesk::define_session(SessionId session, OrderRoute& route) {
  if (index(session) != sessions_.size()) {
    throw std::invalid_argument("sessions must be defined in the order of their ids");
  }
  sessions_.push_back(Session{&route, {}});
}

void OrderDesk::begin_epoch(std::uint32_t start_number) noexcept {
  last_cl_ord_id_ = static_cast<ClOrdId>(start_number) << 32;
}

MarketView OrderDesk::market_view(InstrumentId instrument) const {
  MarketView view;
  if (index(instrument) >= market_.instruments()) return view;
  const MarketSlot& slot = market_.slot(instrument);
  view.book = static_cast<BookState>(slot.state);
  view.trading = static_cast<TradingState>(slot.trading);
  if (slot.bid_qty != 0) view.bid_px = slot.bid_px;
  if (slot.ask_qty != 0) view.ask_px = slot.ask_px;
  if (slot.trades != 0) view.last_px = slot.last_px;
  view.updated_ts = slot.ts_core;
  return view;
}

SessionView OrderDesk::session_view(SessionId session) const {
  SessionView view;
  if (index(session) >= sessions_.size()) return view;
  const Session& of = sessions_[index(session)];
  view.logged_on = of.route->logged_on();
  view.credits = static_cast<std::int64_t>(config_.outbound_entries_max) -
                 static_cast<std::int64_t>(of.unwritten.size());
  view.cancel_reserve = config_.outbound_reserve;
  return view;
}

std::vector<CheckResult> OrderDesk::explain(const OrderRequest& request) const {
  return gate_.explain(request, market_view(request.instrument), session_view(request.session),
                       emitter_.now());
}

std::vector<CheckResult> OrderDesk::explain(const Frame& frame) const {
  const auto replacing = [&](ClOrdId order, const auto& record) {
    return gate_.explain(ReplaceRequest{order, record.price, record.order_qty},
                         market_view(InstrumentId{record.instrument}),
                         session_view(SessionId{record.session}), emitter_.now());
  };
  if (const auto* submitted = frame.as<rec::OrderSubmitted>()) {
    return explain(request_of(*submitted));
  }
  if (const auto* denied = frame.as<rec::OrderDenied>()) {
    if (denied->orig_cl_ord_id != 0) return replacing(denied->orig_cl_ord_id, *denied);
    return explain(request_of(*denied));
  }
  if (const auto* replaced = frame.as<rec::ReplaceRequested>()) {
    return replacing(replaced->order, *replaced);
  }
  return {};
}

// ------------------------------------------------------------------ requests

void OrderDesk::look_at_kill_word() {
  if (const auto kill = emitter_.kill_here(gate_.kill_pending())) on_kill_(*kill);
}

bool OrderDesk::submit(ClOrdId cl_ord_id, const OrderRequest& request) {
  look_at_kill_word();
  const Verdict verdict = gate_.check(request, market_view(request.instrument),
                                      session_view(request.session), emitter_.now());
  if (!verdict.passed()) {
    deny(cl_ord_id, 0, request, verdict);
    return false;
  }
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
  record.cause = emitter_.cause();
  emitter_.emit(record);
  gate_.apply(record, emitter_.now());
  report(table_.apply(record));
  if (!sessions_[index(request.session)].route->order(record)) report(table_.not_sent(cl_ord_id));
  return true;
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

bool OrderDesk::replace(ClOrdId id, std::int64_t price, std::int64_t order_qty) {
  const Order* order = table_.find(id);
  if (order == nullptr) return false;
  look_at_kill_word();
  const ClOrdId cl_ord_id = new_cl_ord_id();
  const OrderRequest request = request_of(*order, price, order_qty);
  const Verdict verdict = gate_.check({id, price, order_qty}, market_view(order->instrument),
                                      session_view(order->session), emitter_.now());
  if (!verdict.passed()) {
    deny(cl_ord_id, order->order, request, verdict);
    return false;
  }
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
  if (!OrderTable::can_cancel(order) || !sessions_[index(order.session)].route->logged_on()) {
    return false;
  }
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

unsigned OrderDesk::cancel_all(const OrderFilter& filter, CancelReason reason) {
  unsigned asked = 0;
  table_.for_each_working(filter, [&](const Order& order) { asked += send_cancel(order, reason); });
  return asked;
}

unsigned OrderDesk::request_statuses(SessionId session) {
  OrderFilter filter;
  filter.session = index(session);
  unsigned asked = 0;
  table_.for_each_working(filter, [&](const Order& order) {
    rec::StatusRequested record;
    record.cl_ord_id = order.cl_ord_id != 0 ? order.cl_ord_id : order.order;
    record.order = order.order;
    record.instrument = index(order.instrument);
    record.session = index(session);
    record.side = static_cast<std::uint8_t>(order.side);
    emitter_.emit(record);
    asked += sessions_[index(session)].route->status(record);
  });
  return asked;
}

bool OrderDesk::close_by_operator(ClOrdId order) {
  const Transition transition = table_.operator_closed(order);
  report(transition);
  return transition.changed();
}

// ------------------------------------------------------------------ what comes back

void OrderDesk::on_execution(rec::Execution record) {
  if (table_.is_duplicate(record)) record.flags |= 2;
  emitter_.emit(record);
  const Transition transition = table_.apply(record);
  if (transition.order == nullptr) {
    unmatched(record);
    return;
  }
  if (transition.duplicate) return;
  report(transition);
  book(transition);
  const bool unknown_there = transition.event == OrderEvent::UNKNOWN_AT_VENUE;
  if (unknown_there || static_cast<ExecType>(record.exec_type) == ExecType::ORDER_STATUS) {
    emitter_.event(EventKind::STATUS_ANSWERED).values = {
        static_cast<std::int64_t>(transition.order->order), record.ord_status,
        unknown_there ? transition.order->cum_qty : record.cum_qty, record.leaves_qty};
  }
}

void OrderDesk::unmatched(const rec::Execution& record) {
  Event& event = emitter_.event(EventKind::EXECUTION_UNMATCHED, kNoId, record.instrument);
  event.values = {record.session, static_cast<std::int64_t>(record.cl_ord_id), record.last_qty};
  event.text = text_of(record.exec_id);
}

void OrderDesk::book(const Transition& transition) {
  const Order& order = *transition.order;
  for (std::size_t i = 0; i < transition.bookings_size; ++i) {
    const Booking& booking = transition.bookings[i];
    const rec::Fill fill = positions_.book(order, booking);
    const Sequence sequence = emitter_.emit(fill);
    Event& event = emitter_.event(EventKind::FILL, index(order.strategy), index(order.instrument));
    event.values = {static_cast<std::int64_t>(order.order),
                    number(order.side),
                    fill.last_px,
                    fill.last_qty,
                    booking.aggressor ? 1 : 0,
                    fill.fee,
                    fill.position,
                    fill.realised_pnl,
                    fill.fees,
                    fill.kind,
                    static_cast<std::int64_t>(order.tag)};
    event.text = text_of(fill.exec_id);
    place(event, sequence);
  }
}

void OrderDesk::on_cancel_rejected(const rec::CancelRejected& record) {
  const Sequence sequence = emitter_.emit(record);
  const Transition transition = table_.apply(record);
  if (transition.order == nullptr) return;
  report(transition);
  const Order& order = *transition.order;
  Event& event =
      emitter_.event(EventKind::CANCEL_REJECTED, index(order.strategy), index(order.instrument));
  event.values = {static_cast<std::int64_t>(order.order),
                  static_cast<std::int64_t>(record.cl_ord_id), record.response_to,
                  record.ord_status, record.cxl_rej_reason};
  event.text = text_of(record.text);
  place(event, sequence);
}

void OrderDesk::on_request_rejected(SessionId session, ClOrdId cl_ord_id, std::string_view text) {
  const Order* order = table_.find(cl_ord_id);
  if (order == nullptr) return;
  if (order->pending_cancel == cl_ord_id || order->pending_replace == cl_ord_id) {
    rec::CancelRejected record;
    record.cl_ord_id = cl_ord_id;
    record.orig_cl_ord_id = order->cl_ord_id;
    record.raw_sequence = emitter_.cause();
    record.session = index(session);
    record.ord_status = static_cast<std::uint8_t>(OrdStatus::NEW);
    record.response_to = order->pending_cancel == cl_ord_id ? 1 : 2;
    text.copy(record.text.data(), record.text.size() - 1);
    on_cancel_rejected(record);
    return;
  }
  rec::Execution record;
  record.cl_ord_id = cl_ord_id;
  record.raw_sequence = emitter_.cause();
  record.instrument = index(order->instrument);
  record.session = index(session);
  record.exec_type = static_cast<std::uint8_t>(ExecType::REJECTED);
  record.ord_status = static_cast<std::uint8_t>(OrdStatus::REJECTED);
  record.side = static_cast<std::uint8_t>(order->side);
  record.order_qty = order->order_qty;
  record.cum_qty = order->cum_qty;
  text.copy(record.text.data(), record.text.size() - 1);
  on_execution(record);
}

void OrderDesk::on_sent(SessionId session, Sequence sequence, ClOrdId cl_ord_id) {
  sessions_[index(session)].unwritten.push_back({sequence, cl_ord_id});
}

void OrderDesk::on_written(SessionId session, Sequence up_to) {
  auto& unwritten = sessions_[index(session)].unwritten;
  while (!unwritten.empty() && unwritten.front().sequence <= up_to) unwritten.pop_front();
}

void OrderDesk::on_withheld(SessionId session, Sequence sequence, ClOrdId cl_ord_id) {
  std::erase_if(sessions_[index(session)].unwritten,
                [&](const Outbound& entry) { return entry.sequence == sequence; });
  if (cl_ord_id != 0) report(table_.not_sent(cl_ord_id));
}

void OrderDesk::on_connection_lost(SessionId session, Sequence last_written) {
  on_written(session, last_written);
  auto& unwritten = sessions_[index(session)].unwritten;
  for (const Outbound& entry : unwritten) {
    if (entry.cl_ord_id != 0) report(table_.not_sent(entry.cl_ord_id));
  }
  unwritten.clear();
  table_.connection_lost(session, [this](const Transition& transition) { report(transition); });
}

// ------------------------------------------------------------------ saying what happened

void OrderDesk::place(Event& event, Sequence sequence) const noexcept {
  event.values[kEventSequence] = static_cast<std::int64_t>(sequence);
  event.values[kEventTs] = emitter_.now();
}

void OrderDesk::report(const Transition& transition) {
  if (transition.order == nullptr) return;
  const Order& order = *transition.order;
  const bool refused = transition.illegal && !transition.changed();
  if (!transition.changed() && transition.bookings_size == 0 && !refused &&
      transition.event == OrderEvent::STATUS) {
    return;
  }
  rec::OrderState record;
  record.order = order.order;
  record.cl_ord_id = order.cl_ord_id != 0 ? order.cl_ord_id : order.order;
  record.instrument = index(order.instrument);
  record.strategy = index(order.strategy);
  record.from_state = static_cast<std::uint8_t>(transition.from);
  record.to_state = static_cast<std::uint8_t>(transition.to);
  record.event = static_cast<std::uint8_t>(transition.event);
  record.illegal = transition.illegal ? 1 : 0;
  record.session = index(order.session);
  record.price = order.price;
  record.order_qty = order.order_qty;
  record.cum_qty = order.cum_qty;
  record.leaves_qty = order.leaves_qty;
  const Sequence sequence = emitter_.emit(record);
  Event& event = emitter_.event(EventKind::ORDER, record.strategy, record.instrument);
  event.values = {static_cast<std::int64_t>(record.order),
                  static_cast<std::int64_t>(record.cl_ord_id),
                  number(order.side),
                  record.from_state,
                  record.to_state,
                  record.event,
                  record.price,
                  record.order_qty,
                  record.cum_qty,
                  record.leaves_qty,
                  static_cast<std::int64_t>(order.tag),
                  record.illegal};
  place(event, sequence);
}

// ------------------------------------------------------------------ recovery

void OrderDesk::apply_fact(const Frame& frame) {
  Transition transition;
  if (const auto* submitted = frame.as<rec::OrderSubmitted>()) {
    gate_.apply(*submitted, frame.ts_core());
    transition = table_.apply(*submitted);
  } else if (const auto* cancel = frame.as<rec::CancelRequested>()) {
    gate_.apply(*cancel, frame.ts_core());
    transition = table_.apply(*cancel);
  } else if (const auto* replaced = frame.as<rec::ReplaceRequested>()) {
    gate_.apply(*replaced, frame.ts_core());
    transition = table_.apply(*replaced);
  } else if (const auto* execution = frame.as<rec::Execution>()) {
    transition = table_.apply(*execution);
  } else if (const auto* rejected = frame.as<rec::CancelRejected>()) {
    transition = table_.apply(*rejected);
  } else if (const auto* state = frame.as<rec::OrderState>()) {
    transition = table_.apply(*state);
  } else if (const auto* tx = frame.as<rec::FixTx>()) {
    on_sent(SessionId{frame.header->source}, frame.sequence(), tx->order);
  }
  if (transition.order == nullptr || transition.duplicate) return;
  report(transition);
  book(transition);
}

void OrderDesk::after_recovery() {
  for (std::uint32_t i = 0; i < sessions_.size(); ++i) {
    // What was handed to the dead process's sockets may have left: nothing here is NOT_SENT.
    sessions_[i].unwritten.clear();
    table_.connection_lost(SessionId{i}, [this](const Transition& t) { report(t); });
  }
}

// ------------------------------------------------------------------ checkpoints

void OrderDesk::save(std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  const auto section = [&](const auto& part) {
    std::vector<std::byte> bytes;
    part.save(bytes);
    writer.put_bytes(bytes);
  };
  writer.put(last_cl_ord_id_);
  section(positions_);
  section(table_);
  section(gate_);
  for (const Session& session : sessions_) {
    writer.put(static_cast<std::uint64_t>(session.unwritten.size()));
    for (const Outbound& entry : session.unwritten) {
      writer.put(entry.sequence);
      writer.put(entry.cl_ord_id);
    }
  }
}

bool OrderDesk::restore(std::span<const std::byte> in) {
  ByteReader reader(in);
  last_cl_ord_id_ = reader.get<ClOrdId>();
  if (!positions_.restore(reader.get_bytes()) || !table_.restore(reader.get_bytes()) ||
      !gate_.restore(reader.get_bytes())) {
    return false;
  }
  for (Session& session : sessions_) {
    session.unwritten.clear();
    const auto size = reader.get<std::uint64_t>();
    for (std::uint64_t i = 0; i < size && reader.ok(); ++i) {
      const auto sequence = reader.get<Sequence>();
      session.unwritten.push_back({sequence, reader.get<ClOrdId>()});
    }
  }
  return reader.ok();
}

}  // namespace pitwire
