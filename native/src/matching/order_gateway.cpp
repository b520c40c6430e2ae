#include "pitwire/matching/order_gateway.hpp"

#include <algorithm>
#include <utility>

namespace pitwire {
namespace {

/// OrdRejReason, FIX tag 103.
std::uint32_t reject_reason_of(VenueReject reason) noexcept {
  switch (reason) {
    case VenueReject::UNKNOWN_INSTRUMENT:
      return 1;
    case VenueReject::NOT_TRADING:
      return 2;
    case VenueReject::EXPIRED:
      return 4;
    case VenueReject::UNKNOWN_ORDER:
      return 5;
    case VenueReject::DUPLICATE:
      return 6;
    case VenueReject::UNSUPPORTED:
      return 11;
    case VenueReject::QUANTITY:
      return 13;
    default:
      return 99;
  }
}

/// CxlRejReason, FIX tag 102.
std::uint16_t cancel_reject_reason_of(VenueReject reason) noexcept {
  switch (reason) {
    case VenueReject::TOO_LATE:
      return 0;
    case VenueReject::UNKNOWN_ORDER:
      return 1;
    case VenueReject::DUPLICATE:
      return 6;
    default:
      return 2;
  }
}

/// Whether a replace states again what it cannot change. What is shown of an order may be stated as
/// all of it, where that is less.
bool keeps_its_kind(const VenueRequest& request, const ClientOrder& order,
                    const VenueOrder& working) noexcept {
  const bool shown = request.display_qty == order.display_qty ||
                     request.display_qty == std::min(order.display_qty, request.order_qty);
  return request.side == order.side && request.instrument == order.instrument &&
         request.ord_type == order.ord_type && shown && request.peg_offset == working.peg_offset &&
         request.peg_offset_type == working.peg_offset_type;
}

/// Whose positions are asked for.
SessionId whose(const VenueRequest& request) noexcept {
  return index(request.of_session) == kNoId ? request.session : request.of_session;
}

}  // namespace

OrderGateway::OrderGateway(Matcher& matcher, std::vector<FeeSchedule> fees,
                           std::uint32_t orders_max, ReportSink& reports, VenueSink* next)
    : matcher_(matcher),
      fees_(std::move(fees)),
      orders_(orders_max),
      reports_(reports),
      next_(next) {}

void OrderGateway::handle(Nanos now, const VenueRequest& request) {
  current_ = &request;
  switch (request.kind) {
    case RequestKind::NEW:
      submit(now, request);
      break;
    case RequestKind::CANCEL:
      cancel(now, request);
      break;
    case RequestKind::REPLACE:
      replace(now, request);
      break;
    case RequestKind::STATUS:
      status(now, request);
      break;
    case RequestKind::MASS_CANCEL:
      mass_cancel(now, request);
      break;
    case RequestKind::MASS_STATUS:
      mass_status(now, request);
      break;
    case RequestKind::POSITIONS:
      reports_.positions({request.asker(), request.cl_ord_id,
                          positions_.held(whose(request), index(request.instrument))});
      break;
  }
  current_ = nullptr;
}

void OrderGateway::refuse(Nanos now, const VenueRequest& request, VenueReject reason) {
  if (request.kind == RequestKind::NEW) return reject_order(now, request, reason);
  if (refusable(request.kind)) return reject_change(now, request, reason);
  if (request.kind == RequestKind::STATUS) return reject_status(now, request, reason);
  if (request.kind == RequestKind::MASS_STATUS) return no_orders(now, request, to_text(reason));
  if (request.kind == RequestKind::MASS_CANCEL) {
    return reports_.mass_cancel_done(
        {request.asker(), request.cl_ord_id, index(request.instrument), 0, false, to_text(reason)});
  }
  handle(now, request);
}

// ---------------------------------------------------------------- requests

void OrderGateway::submit(Nanos now, const VenueRequest& request) {
  if (orders_.find(request.session, request.cl_ord_id) != ClientOrders::kNone) {
    if (request.poss_resend) return status(now, request);
    return reject_order(now, request, VenueReject::DUPLICATE);
  }
  if (index(request.instrument) >= fees_.size()) {
    return reject_order(now, request, VenueReject::UNKNOWN_INSTRUMENT);
  }
  const auto place = orders_.add(request.session, request.cl_ord_id);
  if (place == ClientOrders::kNone) {
    return reject_order(now, request, VenueReject::TABLE_FULL);
  }
  auto& order = orders_[place];
  order.instrument = request.instrument;
  order.side = request.side;
  order.ord_type = request.ord_type;
  order.time_in_force = request.time_in_force;
  order.price = request.price;
  order.stop_px = request.stop_px;
  order.display_qty = request.display_qty;
  order.order_qty = request.order_qty;
  order.leaves_qty = request.order_qty;
  VenueOrder made;
  made.client = place;
  made.owner = index(request.session) + 1;
  made.instrument = request.instrument;
  made.side = request.side;
  made.ord_type = request.ord_type;
  made.time_in_force = request.time_in_force;
  made.post_only = request.post_only;
  made.price = request.price;
  made.stop_px = request.stop_px;
  made.order_qty = request.order_qty;
  made.display_qty = request.display_qty;
  made.peg_offset = request.peg_offset;
  made.peg_offset_type = request.peg_offset_type;
  made.expire_ts = request.expire_ts;
  matcher_.submit(now, made, *this);
}

void OrderGateway::cancel(Nanos now, const VenueRequest& request) {
  const auto place = orders_.find(request.session, request.orig_cl_ord_id);
  if (place == ClientOrders::kNone) {
    return reject_change(now, request, VenueReject::UNKNOWN_ORDER);
  }
  if (!orders_[place].alive) return reject_change(now, request, VenueReject::TOO_LATE);
  matcher_.cancel(now, orders_[place].ref, *this);
}

void OrderGateway::replace(Nanos now, const VenueRequest& request) {
  const auto place = orders_.find(request.session, request.orig_cl_ord_id);
  if (place == ClientOrders::kNone) {
    return reject_change(now, request, VenueReject::UNKNOWN_ORDER);
  }
  const auto& order = orders_[place];
  const auto* working = order.alive ? matcher_.find(order.ref) : nullptr;
  if (working == nullptr) return reject_change(now, request, VenueReject::TOO_LATE);
  if (orders_.find(request.session, request.cl_ord_id) != ClientOrders::kNone) {
    return reject_change(now, request, VenueReject::DUPLICATE);
  }
  if (!keeps_its_kind(request, order, *working)) {
    return reject_change(now, request, VenueReject::UNSUPPORTED);
  }
  const auto reason =
      matcher_.replace(now, order.ref, request.price, request.order_qty, *this, request.stop_px);
  if (reason != VenueReject::NONE) reject_change(now, request, reason);
}

void OrderGateway::status(Nanos now, const VenueRequest& request) {
  const auto place = orders_.find(request.session, request.cl_ord_id);
  if (place != ClientOrders::kNone) {
    auto report = report_of(now, orders_[place], ExecType::ORDER_STATUS);
    report.session = request.asker();
    return reports_.execution(report);
  }
  reject_status(now, request, VenueReject::UNKNOWN_ORDER);
}

void OrderGateway::reject_status(Nanos now, const VenueRequest& request, VenueReject reason) {
  VenueReport report;
  report.session = request.asker();
  report.cl_ord_id = request.cl_ord_id;
  report.exec_id = ++exec_id_;
  report.instrument = request.instrument;
  report.side = request.side;
  report.exec_type = ExecType::ORDER_STATUS;
  report.ord_status = OrdStatus::REJECTED;
  report.reject_reason = reject_reason_of(reason);
  report.transact_time = now;
  report.text = to_text(reason);
  reports_.execution(report);
}

void OrderGateway::mass_status(Nanos now, const VenueRequest& request) {
  const auto is_asked_for = [&](const ClientOrder& order) {
    return order.alive && order.session == request.session;
  };
  std::uint32_t left = 0;
  for (std::uint32_t place = 0; place < orders_.used(); ++place)
    left += is_asked_for(orders_[place]);
  if (left == 0) return no_orders(now, request, "no orders");
  const auto reports = left;
  for (std::uint32_t place = 0; left > 0; ++place) {
    if (!is_asked_for(orders_[place])) continue;
    auto report = report_of(now, orders_[place], ExecType::ORDER_STATUS);
    report.session = request.asker();
    report.mass_request = request.cl_ord_id;
    report.mass_reports = reports;
    report.mass_last = --left == 0;
    reports_.execution(report);
  }
}

/// FIX has no other answer than a report; it is of no order, and says so.
void OrderGateway::no_orders(Nanos now, const VenueRequest& request, std::string_view why) {
  VenueReport report;
  report.session = request.asker();
  report.exec_id = ++exec_id_;
  report.side = Side::BUY;
  report.exec_type = ExecType::ORDER_STATUS;
  report.ord_status = OrdStatus::REJECTED;
  report.transact_time = now;
  report.text = why;
  report.mass_request = request.cl_ord_id;
  report.mass_last = true;
  reports_.execution(report);
}

void OrderGateway::mass_cancel(Nanos now, const VenueRequest& request) {
  const auto affected = cancel_matching(now, request.session, index(request.instrument));
  reports_.mass_cancel_done(
      {request.asker(), request.cl_ord_id, index(request.instrument), affected});
}

void OrderGateway::cancel_all(Nanos now, SessionId session) {
  cancel_matching(now, session, kNoId);
}

std::uint32_t OrderGateway::cancel_matching(Nanos now, SessionId session,
                                            std::uint32_t instrument) {
  std::uint32_t affected = 0;
  for (std::uint32_t place = 0; place < orders_.used(); ++place) {
    const auto& order = orders_[place];
    if (!order.alive || order.session != session) continue;
    if (instrument != kNoId && index(order.instrument) != instrument) continue;
    matcher_.cancel(now, order.ref, *this);
    ++affected;
  }
  return affected;
}

// ---------------------------------------------------------------- refusals

void OrderGateway::reject_order(Nanos now, const VenueRequest& request, VenueReject reason) {
  VenueReport report;
  report.session = request.session;
  report.cl_ord_id = request.cl_ord_id;
  report.exec_id = ++exec_id_;
  report.instrument = request.instrument;
  report.side = request.side;
  report.ord_type = request.ord_type;
  report.time_in_force = request.time_in_force;
  report.exec_type = ExecType::REJECTED;
  report.ord_status = OrdStatus::REJECTED;
  report.reject_reason = reject_reason_of(reason);
  report.price = request.price;
  report.stop_px = request.stop_px;
  report.order_qty = request.order_qty;
  report.transact_time = now;
  report.text = to_text(reason);
  reports_.execution(report);
}

void OrderGateway::reject_change(Nanos now, const VenueRequest& request, VenueReject reason) {
  VenueCancelReject reject;
  reject.session = request.asker();
  reject.cl_ord_id = request.cl_ord_id;
  reject.orig_cl_ord_id = request.orig_cl_ord_id;
  reject.response_to = request.kind == RequestKind::REPLACE ? 2 : 1;
  reject.reason = cancel_reject_reason_of(reason);
  reject.transact_time = now;
  reject.text = to_text(reason);
  const auto place = orders_.find(request.session, request.orig_cl_ord_id);
  if (place != ClientOrders::kNone) {
    reject.order_id = orders_[place].order_id;
    reject.ord_status = orders_[place].status;
  }
  reports_.cancel_rejected(reject);
}

// ---------------------------------------------------------------- the matcher's events

ClientOrder* OrderGateway::client_of(const VenueOrder& order) noexcept {
  return order.client == kNoClient ? nullptr : &orders_[static_cast<std::uint32_t>(order.client)];
}

VenueReport OrderGateway::report_of(Nanos now, const ClientOrder& order, ExecType type) noexcept {
  VenueReport report;
  report.session = order.session;
  report.cl_ord_id = order.cl_ord_id;
  report.order_id = order.order_id;
  report.exec_id = ++exec_id_;
  report.instrument = order.instrument;
  report.side = order.side;
  report.ord_type = order.ord_type;
  report.time_in_force = order.time_in_force;
  report.exec_type = type;
  report.ord_status = order.status;
  report.price = order.price;
  report.stop_px = order.stop_px;
  report.order_qty = order.order_qty;
  report.leaves_qty = order.alive ? order.leaves_qty : 0;
  report.cum_qty = order.cum_qty;
  report.cum_notional = order.cum_notional;
  report.transact_time = now;
  return report;
}

void OrderGateway::accepted(Nanos now, const VenueOrder& order) {
  if (auto* client = client_of(order)) {
    client->ref = order.ref;
    client->order_id = order.ref;  // what the feed calls it: a client finds its place by it
    reports_.execution(report_of(now, *client, ExecType::NEW));
  }
  if (next_ != nullptr) next_->accepted(now, order);
}

void OrderGateway::rejected(Nanos now, const VenueOrder& order, VenueReject reason) {
  if (auto* client = client_of(order)) {
    client->status = OrdStatus::REJECTED;
    client->alive = false;
    auto report = report_of(now, *client, ExecType::REJECTED);
    report.reject_reason = reject_reason_of(reason);
    report.text = to_text(reason);
    reports_.execution(report);
  }
  if (next_ != nullptr) next_->rejected(now, order, reason);
}

void OrderGateway::rested(Nanos now, const VenueOrder& order) {
  // An iceberg's next part is the same order to its client, with another reference to the market.
  if (auto* client = client_of(order)) client->ref = order.ref;
  if (next_ != nullptr) next_->rested(now, order);
}

void OrderGateway::report_trade(const VenueTrade& trade, const VenueOrder& own, bool aggressor) {
  auto* client = client_of(own);
  if (client == nullptr) return;
  client->leaves_qty = own.leaves_qty;
  count_trade(*client, trade.price, trade.qty);
  client->alive = own.leaves_qty > 0;
  client->status = client->alive ? OrdStatus::PARTIALLY_FILLED : OrdStatus::FILLED;
  auto report = report_of(trade.now, *client, ExecType::TRADE);
  report.match_number = trade.match_number;
  report.last_px = trade.price;
  report.last_qty = trade.qty;
  report.aggressor = aggressor;
  report.fee = fees_[index(trade.instrument)].fee(trade.price, trade.qty, aggressor);
  remember_trade(report);
  reports_.execution(report);
}

void OrderGateway::count_trade(ClientOrder& order, std::int64_t px, std::int64_t qty) {
  order.cum_qty += qty;
  order.cum_notional += px * qty;
  positions_.add(order.session, order.instrument, order.side == Side::BUY ? qty : -qty, px);
}

void OrderGateway::remember_trade(const VenueReport& trade) {
  if (trades_.empty()) trades_.resize(kTradesKept);
  trades_[trade.exec_id % kTradesKept] = trade;
}

void OrderGateway::traded(const VenueTrade& trade) {
  report_trade(trade, trade.passive, false);
  report_trade(trade, trade.aggressor, true);
  if (next_ != nullptr) next_->traded(trade);
}

/// A replace took effect: the order has its new terms and its new name.
void OrderGateway::report_change(Nanos now, const VenueOrder& order) {
  auto* client = client_of(order);
  if (client == nullptr) return;
  client->ref = order.ref;
  client->price = order.price;
  client->stop_px = order.stop_px;
  client->order_qty = order.order_qty;
  client->leaves_qty = order.leaves_qty;
  const auto old_name = client->cl_ord_id;
  // Where the index is full the new name is not remembered, and a later request under it is
  // unknown.
  if (current_ != nullptr &&
      !orders_.name(static_cast<std::uint32_t>(order.client), current_->cl_ord_id)) {
    client->cl_ord_id = current_->cl_ord_id;
  }
  const bool asked = current_ != nullptr;
  auto report = report_of(now, *client, asked ? ExecType::REPLACED : ExecType::RESTATED);
  if (asked) report.orig_cl_ord_id = old_name;
  report.unsolicited = !asked;
  reports_.execution(report);
}

void OrderGateway::reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) {
  report_change(now, order);
  if (next_ != nullptr) next_->reduced(now, order, qty_removed);
}

void OrderGateway::replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) {
  report_change(now, order);
  if (next_ != nullptr) next_->replaced(now, order, old_ref);
}

void OrderGateway::canceled(Nanos now, const VenueOrder& order, CancelCause cause, bool in_book) {
  if (auto* client = client_of(order)) {
    const bool expired = cause == CancelCause::EXPIRED;
    const bool cancel = current_ != nullptr && current_->kind == RequestKind::CANCEL;
    const bool on_behalf = current_ != nullptr && current_->on_behalf();
    const bool asked = cancel && !on_behalf;
    client->alive = false;
    client->ref = 0;
    client->status = ends_day_ ? OrdStatus::DONE_FOR_DAY
                     : expired ? OrdStatus::EXPIRED
                               : OrdStatus::CANCELED;
    auto report = report_of(now, *client,
                            ends_day_ ? ExecType::DONE_FOR_DAY
                            : expired ? ExecType::EXPIRED
                                      : ExecType::CANCELED);
    if (asked) {
      report.orig_cl_ord_id = client->cl_ord_id;
      report.cl_ord_id = current_->cl_ord_id;
    }
    report.unsolicited = current_ == nullptr || on_behalf;
    report.text = asked ? std::string_view() : to_text(on_behalf ? CancelCause::ON_BEHALF : cause);
    reports_.execution(report);
    if (on_behalf && cancel) {
      report.session = current_->requester;
      report.orig_cl_ord_id = client->cl_ord_id;
      report.cl_ord_id = current_->cl_ord_id;
      reports_.execution(report);
    }
  }
  if (next_ != nullptr) next_->canceled(now, order, cause, in_book);
}

void OrderGateway::triggered(Nanos now, const VenueOrder& order) {
  if (next_ != nullptr) next_->triggered(now, order);
}

void OrderGateway::trading(Nanos now, InstrumentId instrument, TradingState state) {
  if (next_ != nullptr) next_->trading(now, instrument, state);
}

}  // namespace pitwire
