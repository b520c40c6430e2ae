// What comes back from venue and egress, and what is said of it.
#include <algorithm>
#include <charconv>

#include "pitwire/engine/order_desk.hpp"

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

/// The number behind what letters there are; 0 where it is none.
std::uint64_t reference_in(const std::array<char, 40>& order_id) {
  const auto* end = order_id.data() + strnlen(order_id.data(), order_id.size());
  const auto* at = std::find_if(order_id.data(), end, [](char c) { return c >= '0' && c <= '9'; });
  std::uint64_t number = 0;
  const auto read = std::from_chars(at, end, number);
  return read.ec == std::errc{} && read.ptr == end ? number : 0;
}

/// Filled before this report, by the venue's word.
std::int64_t filled_before(const rec::Execution& report) noexcept {
  switch (classify(report)) {
    case OrderEvent::FILL:
      return std::max<std::int64_t>(0, report.cum_qty - report.last_qty);
    case OrderEvent::BUST:
      return saturate(Int128{report.cum_qty} + report.last_qty);
    default:
      return report.cum_qty;
  }
}

/// A trade, or an order that is alive. That one ended or was refused says nothing to be counted.
bool tells_of_an_order(const rec::Execution& report) noexcept {
  switch (classify(report)) {
    case OrderEvent::FILL:
    case OrderEvent::BUST:
    case OrderEvent::CORRECT:
      return report.last_qty > 0;
    case OrderEvent::ACKNOWLEDGE:
    case OrderEvent::REPLACED:
    case OrderEvent::SUSPENDED:
    case OrderEvent::RESTATED:
    case OrderEvent::STATUS:
      return report.leaves_qty > 0;
    default:
      return false;
  }
}

}  // namespace

void OrderDesk::on_execution(rec::Execution record) {
  if (table_.is_duplicate(record)) record.flags |= 2;
  const bool repeated = (record.flags & 2) != 0;
  const Order* order = table_.find(record);
  if (order != nullptr && !repeated) keeper_.known_there(*order, record);
  const bool known = order != nullptr || repeated;
  const Order* adopted = known ? nullptr : adopt(record);
  emitter_.emit(record);
  emitter_.egress().acknowledged(record.cl_ord_id);
  const Transition transition = table_.apply(record, rule_of(record.session));
  if (!known) unmatched(record, adopted);
  trade_told(record, transition, emitter_.now());
  if (transition.order == nullptr || transition.duplicate) return;
  report(transition);
  book(transition);
  const bool unknown_there = transition.event == OrderEvent::UNKNOWN_AT_VENUE;
  if (unknown_there || static_cast<ExecType>(record.exec_type) == ExecType::ORDER_STATUS) {
    status_answered(record, *transition.order, unknown_there);
  }
}

/// The venue's answer beside what we have. Of a slice that is over nothing is open to compare: it
/// was filled, trade by trade.
void OrderDesk::status_answered(const rec::Execution& record, const Order& order,
                                bool unknown_there) {
  const bool over = order.is(OrderFact::SLICED) && record.cl_ord_id < order.slice_or_end();
  emitter_.event(EventKind::STATUS_ANSWERED).values = {
      static_cast<std::int64_t>(order.order),
      record.ord_status,
      unknown_there ? order.cum_there() : record.cum_qty,
      record.leaves_qty,
      record.price,
      record.order_qty,
      static_cast<std::int64_t>(record.raw_sequence),
      emitter_.now(),
      number(order.state),
      over && !unknown_there ? record.cum_qty : order.cum_there(),
      over ? record.price : order.price,
      over ? record.order_qty : order.qty_there()};
}

// ------------------------------------------------------------------ drop copies

void OrderDesk::trade_told(const rec::Execution& record, const Transition& transition, Nanos ts) {
  if (!transition.duplicate) copies_.ours(record, ts);
}

CopyMatch OrderDesk::copy_told(const rec::Execution& record, Nanos ts) {
  const SeenExecution* known = table_.seen(SessionId{record.session}, record.exec_id, record.side);
  return copies_.theirs(record, known, ts);
}

void OrderDesk::on_copy(rec::Execution record) {
  if (!DropCopies::is_trade(record)) return;
  rec::DropCopy told;
  told.session = record.session;
  record.session = index(copies_.copied_by(SessionId{record.session}));
  told.copied = record.session;
  told.match = static_cast<std::uint32_t>(copy_told(record, emitter_.now()));
  emitter_.emit(told, 0, record_bytes(record));
}

bool OrderDesk::accept_copy(SessionId line, std::uint64_t report,
                            const std::array<char, 40>& exec_id, Side side) {
  const SessionId copied = copies_.copied_by(line);
  const CopyEntry* found = copies_.entry(copied, exec_id, static_cast<std::uint8_t>(side));
  if (found == nullptr) return false;
  // Known from here on as the own line's: should that tell it too, it is a duplicate.
  if (!found->ours) on_execution(rec::Execution{found->report});
  rec::CopyAccepted record;
  record.report = report;
  record.session = index(copied);
  record.side = static_cast<std::uint8_t>(side);
  record.exec_id = exec_id;
  emitter_.emit(record);
  copies_.remove(copied, exec_id, record.side);
  return true;
}

// ------------------------------------------------------------------ orders of nobody

UnknownOrder OrderDesk::rule_of(std::uint32_t session) const noexcept {
  return session < sessions_.size() ? sessions_[session].rules.unknown_order
                                    : UnknownOrder::STAYS_UNKNOWN;
}

/// What the report says of an order that is alive, or of a trade, makes it one of ours to count.
const Order* OrderDesk::adopt(const rec::Execution& record) {
  if (!tells_of_an_order(record) || record.instrument == kNoId || record.side == 0) return nullptr;
  const bool given_out = record.cl_ord_id != 0 && record.cl_ord_id <= last_cl_ord_id_ &&
                         table_.find(record.cl_ord_id) == nullptr;
  rec::OrderAdopted adopted;
  adopted.order = given_out ? record.cl_ord_id : new_cl_ord_id();
  adopted.cl_ord_id = given_out ? record.cl_ord_id : 0;
  adopted.raw_sequence = record.raw_sequence;
  adopted.instrument = record.instrument;
  adopted.session = record.session;
  adopted.side = record.side;
  adopted.ord_type =
      static_cast<std::uint8_t>(record.price != 0 ? OrdType::LIMIT : OrdType::MARKET);
  adopted.flags = static_cast<std::uint8_t>(OrderFlag::ADOPTED);
  adopted.price = record.price != 0 ? record.price : record.last_px;
  adopted.cum_qty = filled_before(record);
  adopted.order_qty =
      std::max({record.order_qty, saturate(Int128{record.cum_qty} + record.leaves_qty),
                saturate(Int128{adopted.cum_qty} + record.last_qty)});
  adopted.order_id = record.order_id;
  emitter_.emit(adopted);
  const Transition transition = table_.apply(adopted);
  if (transition.order != nullptr) ++adopted_;
  return transition.order;
}

void OrderDesk::unmatched(const rec::Execution& record, const Order* adopted) {
  ++unmatched_;
  Event& event = emitter_.event(EventKind::EXECUTION_UNMATCHED, kNoId, record.instrument);
  event.values = {record.session,
                  static_cast<std::int64_t>(record.cl_ord_id),
                  record.last_qty,
                  adopted == nullptr ? 0 : static_cast<std::int64_t>(adopted->order),
                  static_cast<std::int64_t>(record.raw_sequence),
                  emitter_.now()};
  event.text = text_of(record.exec_id);
}

void OrderDesk::book(const Transition& transition) {
  const Order& order = *transition.order;
  for (std::size_t i = 0; i < transition.bookings_size; ++i) {
    const Booking& booking = transition.bookings[i];
    const rec::Fill fill = positions_.book(order, booking);
    const bool bought = order.side == Side::BUY;
    session_positions_.add(order.session, order.instrument,
                           bought ? booking.last_qty : -booking.last_qty);
    const Sequence sequence = emitter_.emit(fill);
    if (emitter_.muted()) unlogged_.push_back(fill);
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
  emitter_.egress().acknowledged(record.cl_ord_id);
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
  const auto waits = [&](const Outbound& entry) { return entry.sequence > up_to; };
  unwritten.erase(unwritten.begin(), std::find_if(unwritten.begin(), unwritten.end(), waits));
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

/// Its book keeps the place of an order that the venue has acknowledged and that may rest.
void OrderDesk::keep_place(const Order& order) {
  if (index(order.instrument) >= market_.instruments()) return;
  const bool waits =
      order.time_in_force != TimeInForce::IOC && order.time_in_force != TimeInForce::FOK;
  // What the venue shows in parts gets a new place with each, which nobody tells.
  const bool shown = order.display_qty == 0 || order.is(OrderFact::SLICED);
  const bool rests = order.ord_type == OrdType::LIMIT && order.state != OrderState::HELD && waits &&
                     order.leaves_there() > 0 && order.is(OrderFact::ACKNOWLEDGED) && shown &&
                     !order.is(OrderFact::SUSPENDED) && !is_terminal(order.state);
  if (!rests) return market_.forget(order.instrument, order.order);
  const auto session = index(order.session);
  const bool named = session < sessions_.size() && sessions_[session].rules.order_id_is_reference;
  market_.follow({.id = order.order,
                  .instrument = order.instrument,
                  .side = order.side,
                  .px = order.price,
                  .qty = order.leaves_there(),
                  .reference = named ? reference_in(order.order_id) : 0});
}

void OrderDesk::report(const Transition& transition) {
  if (transition.order == nullptr) return;
  const Order& order = *transition.order;
  keep_place(order);
  keeper_.noticed(order);
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

}  // namespace pitwire
