// What the desk is made of, and what the gate would say of a request.
#include "pitwire/engine/order_desk.hpp"

#include <stdexcept>

namespace pitwire {
namespace {

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
  request.price = has_limit(request.ord_type) ? record.price : 0;
  request.stop_px = record.stop_px;
  request.order_qty = record.order_qty;
  request.tag = record.tag;
  // What it was is in ORDER_TERMS; to the gate any will do.
  request.peg_offset = request.ord_type == OrdType::TRAILING_STOP ? 1 : 0;
  return request;
}

}  // namespace

OrderDesk::OrderDesk(Emitter& emitter, const InstrumentRegistry& instruments, MarketDesk& market,
                     const OrderDeskConfig& config)
    : emitter_(emitter),
      market_(market),
      positions_(instruments),
      table_(config.table, positions_),
      gate_(instruments, table_, positions_),
      keeper_(*this, emitter) {}

void OrderDesk::define_session(SessionId session, OrderRoute& route, const SessionRules& rules) {
  if (index(session) != sessions_.size()) {
    throw std::invalid_argument("sessions must be defined in the order of their ids");
  }
  sessions_.push_back(Session{&route, rules, {}});
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
  view.held = gate_.held(session);
  view.credits = static_cast<std::int64_t>(of.rules.in_flight_max) -
                 static_cast<std::int64_t>(of.unwritten.size());
  view.cancel_reserve = of.rules.cancel_reserve;
  view.types = of.rules.types;
  return view;
}

const VenueTypes& OrderDesk::types_of(SessionId session) const noexcept {
  static constexpr VenueTypes kUsual;
  return index(session) < sessions_.size() ? sessions_[index(session)].rules.types : kUsual;
}

Interval OrderDesk::interval_at(SessionId session, InstrumentId instrument) const {
  OrderFilter filter;
  filter.session = index(session);
  filter.instrument = index(instrument);
  Int128 low = net_at(session, instrument);
  Int128 high = low;
  table_.for_each_working(filter, [&](const Order& order) {
    if (order.state == OrderState::HELD) return;  // it cannot have traded there
    const auto there = order.is(OrderFact::SLICED) ? order.leaves_there() : order.reserved_qty;
    (order.side == Side::BUY ? high : low) += order.side == Side::BUY ? there : -there;
  });
  return {saturate(low), saturate(high)};
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
  if (const auto* held = frame.as<rec::OrderHeld>()) {
    OrderRequest request = request_of(*held);
    if (held->idle != 0) request.phase = RequestPhase::WAITS;
    return explain(request);
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

}  // namespace pitwire
