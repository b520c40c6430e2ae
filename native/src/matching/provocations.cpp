// What venues do now and then though nobody asked for it, on command.
#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {
namespace {

/// Orders that clients never sent have numbers that no order of the market has.
constexpr std::uint64_t kForeignOrders = std::uint64_t{1} << 48;

}  // namespace

bool OrderGateway::provoke(Nanos now, const VenueProvocation& what) {
  if (what.kind == Provocation::BUST || what.kind == Provocation::CORRECT) return undo(now, what);
  if (what.kind == Provocation::TRADE) {
    ClientOrder order;
    order.session = what.session;
    order.cl_ord_id = what.cl_ord_id;
    order.order_id = kForeignOrders + what.cl_ord_id;
    order.instrument = what.instrument;
    order.side = what.side;
    order.price = what.price;
    order.order_qty = what.qty;
    order.status = OrdStatus::FILLED;
    trade_unasked(now, what, order);
    return true;
  }
  const auto place = orders_.find(what.session, what.cl_ord_id);
  if (place == ClientOrders::kNone) return false;
  ClientOrder& order = orders_[place];
  if (what.kind == Provocation::OVERFILL) return trade_unasked(now, what, order), true;
  if (!order.alive) return false;
  if (what.kind == Provocation::RESTATE) {
    const auto price = what.price != 0 ? what.price : order.price;
    const auto qty = what.qty != 0 ? what.qty : order.order_qty;
    return matcher_.replace(now, order.ref, price, qty, *this) == VenueReject::NONE;
  }
  ends_day_ = what.kind == Provocation::DONE_FOR_DAY;
  matcher_.cancel(now, order.ref, *this);
  ends_day_ = false;
  return true;
}

void OrderGateway::trade_unasked(Nanos now, const VenueProvocation& what, ClientOrder& order) {
  const auto px = what.price != 0 ? what.price : order.price;
  count_trade(order, px, what.qty);
  auto report = report_of(now, order, ExecType::TRADE);
  report.last_px = px;
  report.last_qty = what.qty;
  report.fee = fees_[index(order.instrument)].fee(px, what.qty, false);
  remember_trade(report);
  reports_.execution(report);
}

bool OrderGateway::undo(Nanos now, const VenueProvocation& what) {
  if (trades_.empty() || what.exec_id == 0) return false;
  const VenueReport old = trades_[what.exec_id % kTradesKept];
  const auto place = orders_.find(old.session, old.cl_ord_id);
  if (old.exec_id != what.exec_id || place == ClientOrders::kNone) return false;
  ClientOrder& order = orders_[place];
  const bool corrects = what.kind == Provocation::CORRECT;
  count_trade(order, old.last_px, -old.last_qty);
  if (corrects) count_trade(order, what.price, what.qty);
  auto report = report_of(now, order, corrects ? ExecType::TRADE_CORRECT : ExecType::TRADE_CANCEL);
  report.exec_ref = old.exec_id;
  report.last_px = corrects ? what.price : old.last_px;
  report.last_qty = corrects ? what.qty : old.last_qty;
  report.aggressor = old.aggressor;
  report.fee = corrects ? fees_[index(old.instrument)].fee(what.price, what.qty, old.aggressor) : 0;
  report.match_number = old.match_number;
  report.old_px = old.last_px;
  report.old_qty = old.last_qty;
  report.old_fee = old.fee;
  trades_[what.exec_id % kTradesKept].exec_id = 0;
  if (corrects) remember_trade(report);
  reports_.execution(report);
  return true;
}

}  // namespace pitwire
