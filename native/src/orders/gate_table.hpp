// The checks of the gate, one function each, and the table in the order of DenyReason.
#pragma once

#include <cstdlib>

#include "gate_checks.hpp"

namespace pitwire::checks {

using In = const GateInput&;

constexpr Measure is_false(bool wrong) noexcept { return {wrong ? 1 : 0, 0, false, true, {}}; }

/// Of two measures of one limit, the one nearer to failing.
constexpr Measure tighter(const Measure& a, const Measure& b) noexcept {
  return Int128{a.limit} - a.value <= Int128{b.limit} - b.value ? a : b;
}

constexpr Measure at_most(std::int64_t value, std::int64_t limit, LimitScope scope) noexcept {
  return {value, limit, false, limit != kUnlimited, scope};
}

inline std::int64_t limit_of(In in, LimitScope scope, std::int64_t Limits::* field) noexcept {
  return in.limits[static_cast<std::size_t>(scope)]->*field;
}

/// One value that every scope limits: the strictest counts.
inline Measure strictest(In in, std::int64_t value, std::int64_t Limits::* field) noexcept {
  auto scope = LimitScope::FIRM;
  for (const auto other : {LimitScope::INSTRUMENT, LimitScope::STRATEGY, LimitScope::PAIR}) {
    if (limit_of(in, other, field) < limit_of(in, scope, field)) scope = other;
  }
  return at_most(value, limit_of(in, scope, field), scope);
}

inline Measure killed(In in) noexcept { return is_false(in.gate.killed()); }
inline Measure halted(In in) noexcept {
  return is_false(in.firm_state() == RiskState::HALTED || in.strategy.state == RiskState::HALTED);
}
inline Measure not_armed(In in) noexcept {
  return is_false(!in.firm_armed() || !in.strategy.armed);
}
inline bool waits(In in) noexcept { return in.request.phase == RequestPhase::WAITS; }
inline Measure reducing(In in) noexcept {
  if (waits(in)) return kSkip;
  if (in.firm_state() != RiskState::REDUCING && in.strategy.state != RiskState::REDUCING) {
    return kSkip;
  }
  return {in.reduce_excess(), 0, false, true, LimitScope::PAIR};
}
inline Measure unknown_instrument(In in) noexcept {
  return {index(in.request.instrument), std::int64_t{in.registry().size()} - 1, false, true, {}};
}
inline Measure not_tradable(In in) noexcept {
  switch (in.market.trading) {
    case TradingState::TRADING:
    case TradingState::AUCTION:
      return is_false(false);
    case TradingState::UNKNOWN:
      return is_false(in.row->has_trading_state);
    default:
      return is_false(true);
  }
}
inline Measure session_down(In in) noexcept {
  return is_false(!in.session.logged_on || index(in.request.session) >= RiskGate::kSessionsMax);
}
inline Measure backpressure(In in) noexcept {
  return {in.session.credits, in.session.cancel_reserve + 1, true, true, {}};
}
inline Measure book_stale(In in) noexcept {
  const auto age = in.now - in.market.updated_ts;
  const auto book = in.market.book;
  if (book == BookState::EMPTY || book == BookState::RECOVERING || book == BookState::STALE) {
    return {std::max<Nanos>(age, 0), -1, false, true, LimitScope::INSTRUMENT};
  }
  return strictest(in, age, &Limits::book_age_ns);
}
inline Measure book_gapped(In in) noexcept { return is_false(in.market.book == BookState::GAPPED); }
inline Measure book_crossed(In in) noexcept {
  return is_false(in.market.book == BookState::CROSSED);
}
inline bool has_limit_price(In in) noexcept { return has_limit(in.request.ord_type); }
inline bool has_stop_price(In in) noexcept { return has_fixed_stop(in.request.ord_type); }
inline Measure price_not_allowed(In in) noexcept {
  const auto least = in.row->allows_nonpositive_price ? kNoPx + 1 : std::int64_t{1};
  auto lowest = kInt64Max;
  if (has_limit_price(in)) lowest = in.request.price;
  if (has_stop_price(in)) lowest = std::min(lowest, in.request.stop_px);
  return {lowest, least, true, lowest != kInt64Max, LimitScope::INSTRUMENT};
}
inline std::int64_t off_tick(In in, std::int64_t px) noexcept {
  const auto several = in.row->step == 0;
  const auto step = several ? in.registry()[in.request.instrument].ticks.step_at(px) : in.row->step;
  return step == 1 ? 0 : saturate(magnitude(px % step));
}
inline Measure tick_size(In in) noexcept {
  auto off = std::int64_t{0};
  if (has_limit_price(in)) off = off_tick(in, in.request.price);
  if (has_stop_price(in)) off = std::max(off, off_tick(in, in.request.stop_px));
  return {off, 0, false, in.request.ord_type != OrdType::MARKET, LimitScope::INSTRUMENT};
}
inline Measure lot_size(In in) noexcept {
  const auto filled = in.replaced == nullptr ? 0 : in.replaced->cum_qty;
  const auto qty = in.request.order_qty;
  if (qty <= filled) return {qty, filled + 1, true, true, LimitScope::INSTRUMENT};
  const auto lot = in.row->lot;
  const auto off = std::max(qty % lot, std::max<std::int64_t>(0, in.request.display_qty) % lot);
  return {lot == 1 ? 0 : off, 0, false, true, LimitScope::INSTRUMENT};
}
inline Measure quantity_max(In in) noexcept {
  return strictest(in, in.request.order_qty, &Limits::quantity);
}
inline Measure notional_max(In in) noexcept {
  return strictest(in, in.notional, &Limits::notional);
}
/// A limit price against the reference, a stop's limit against its own trigger. A market order and
/// a trailing stop have no price of their own, but must have one to be valued at. What waits for
/// its parent is measured when it is released.
inline Measure price_collar(In in) noexcept {
  if (waits(in)) return kSkip;
  if (!has_limit_price(in) && !has_stop_price(in)) {
    return {in.valued_px == kNoPx ? 1 : 0, 0, false, true, LimitScope::INSTRUMENT};
  }
  if (!has_limit_price(in)) return kSkip;
  const auto bps = strictest(in, 0, &Limits::collar_bps);
  const auto ticks = strictest(in, 0, &Limits::collar_ticks);
  if (!bps.applies && !ticks.applies) return kSkip;
  const auto reference =
      in.request.ord_type == OrdType::STOP_LIMIT ? in.request.stop_px : in.reference_px;
  auto collar = ticks;
  if (reference == kNoPx) {
    collar.limit = 0;
    collar.value = kInt64Max;
    collar.applies = true;
    return collar;
  }
  std::int64_t product = 0;  // nearly always in 64 bits, where dividing is cheap
  const bool narrow = !__builtin_mul_overflow(reference, bps.limit, &product);
  const auto width = narrow ? std::abs(product / 10'000)
                            : saturate(magnitude(Int128{reference}) * bps.limit / 10'000);
  if (bps.applies && width < ticks.limit) collar = {0, width, false, true, bps.scope};
  collar.value = saturate(magnitude(Int128{in.request.price} - reference));
  return collar;
}
/// The far end of the interval on the order's side, with the order filled.
inline std::int64_t far_end(In in, const Holding& holding) noexcept {
  const auto interval = holding.interval();
  return saturate(in.is_buy() ? Int128{interval.high} + in.extra_qty
                              : Int128{in.extra_qty} - interval.low);
}
inline Measure position_max(In in) noexcept {
  if (waits(in)) return kSkip;
  const auto field = &Limits::position;
  const auto pick = [&](LimitScope narrow, LimitScope wide, const Holding& holding) {
    const auto scope = limit_of(in, narrow, field) <= limit_of(in, wide, field) ? narrow : wide;
    return at_most(far_end(in, holding), limit_of(in, scope, field), scope);
  };
  return tighter(pick(LimitScope::INSTRUMENT, LimitScope::FIRM, in.firm),
                 pick(LimitScope::PAIR, LimitScope::STRATEGY, in.own));
}
/// Four measures, one a scope: `of` gives each scope's value.
template <class F>
Measure each_scope(In in, std::int64_t Limits::* field, F&& of) noexcept {
  auto worst =
      at_most(of(LimitScope::FIRM), limit_of(in, LimitScope::FIRM, field), LimitScope::FIRM);
  for (const auto scope : {LimitScope::INSTRUMENT, LimitScope::STRATEGY, LimitScope::PAIR}) {
    const auto limit = limit_of(in, scope, field);
    if (limit != kUnlimited) worst = tighter(worst, at_most(of(scope), limit, scope));
  }
  return worst;
}
inline Measure gross_notional_max(In in) noexcept {
  if (waits(in)) return kSkip;
  auto worst = each_scope(in, &Limits::gross_notional, [&](LimitScope scope) noexcept {
    const auto& positions = in.positions();
    const auto now = scope == LimitScope::FIRM         ? positions.firm_totals().gross_notional
                     : scope == LimitScope::INSTRUMENT ? in.firm.gross_notional()
                     : scope == LimitScope::STRATEGY
                         ? positions.totals(in.request.strategy).gross_notional
                         : in.own.gross_notional();
    return saturate(Int128{now} + in.extra_notional);
  });
  // What reduces may always be worked, or a firm at its limit could not come down.
  if (!worst.passed() && in.reduce_excess() <= 0) return kSkip;
  return worst;
}
inline Measure working_orders_max(In in) noexcept {
  if (in.replaced != nullptr) return kSkip;
  return each_scope(in, &Limits::working_orders, [&](LimitScope scope) noexcept {
    const auto& positions = in.positions();
    const auto now = scope == LimitScope::FIRM         ? positions.firm_totals().working_orders
                     : scope == LimitScope::INSTRUMENT ? in.firm.working.orders()
                     : scope == LimitScope::STRATEGY
                         ? positions.totals(in.request.strategy).working_orders
                         : in.own.working.orders();
    return std::int64_t{now} + 1;
  });
}
inline Measure message_rate(In in) noexcept {
  const auto next = [](std::uint32_t sent) { return std::int64_t{sent} + 1; };
  const auto& firm = *in.limits[0];
  const auto own = in.limits[static_cast<std::size_t>(LimitScope::STRATEGY)]->message_rate;
  auto worst = kSkip;
  worst.limit = kUnlimited;
  if (firm.message_rate != kUnlimited) {
    worst =
        at_most(next(in.gate.firm_rate(in.now)), order_share(firm.message_rate), LimitScope::FIRM);
  }
  if (firm.session_message_rate != kUnlimited) {
    worst = tighter(worst, at_most(next(in.gate.session_rate(in.request.session, in.now)),
                                   order_share(firm.session_message_rate), LimitScope::FIRM));
  }
  if (own != kUnlimited) {
    worst = tighter(worst, at_most(next(in.strategy.rate.sent(in.now)), order_share(own),
                                   LimitScope::STRATEGY));
  }
  return worst;
}
inline Measure duplicate(In in) noexcept {
  auto window = std::int64_t{0};
  for (const auto* limits : in.limits) window = std::max(window, limits->duplicate_window_ns);
  if (window == 0 || in.replaced != nullptr) return kSkip;
  const auto last = in.recent().last(key_of(in.request));
  const auto since = last == kInt64Min ? kInt64Max : in.now - last;
  return {since, window, true, true, LimitScope::PAIR};
}
/// How far an order reaches: one at the market without end. A stop that is released must go, so
/// that only what stands at the touch counts: further away there is more between than ours.
inline std::int64_t reach(In in, std::int64_t end) noexcept {
  if (in.request.ord_type != OrdType::MARKET) return in.request.price;
  const bool released = in.request.phase == RequestPhase::RELEASED && in.valued_px != kNoPx;
  return released ? in.valued_px : end;
}
inline Measure self_trade(In in) noexcept {
  if (waits_for_price(in.request.ord_type) || waits(in)) return kSkip;
  if (in.is_buy()) {
    const auto ask = in.orders().best_own_sell(in.request.instrument);
    const auto px = reach(in, kInt64Max);
    return {px, ask == kNoPx ? kInt64Max : ask - 1, false, ask != kNoPx, LimitScope::INSTRUMENT};
  }
  const auto bid = in.orders().best_own_buy(in.request.instrument);
  const auto px = reach(in, kInt64Min + 1);
  const auto least = bid == kInt64Max ? bid : bid + 1;
  return {px, bid == kNoPx ? kInt64Min : least, true, bid != kNoPx, LimitScope::INSTRUMENT};
}
inline Measure daily_loss(In in) noexcept {
  if (waits(in)) return kSkip;
  const auto& positions = in.positions();
  const auto worst = tighter(
      at_most(positions.firm_totals().day_loss(), in.limits[0]->daily_loss, LimitScope::FIRM),
      at_most(positions.totals(in.request.strategy).day_loss(),
              limit_of(in, LimitScope::STRATEGY, &Limits::daily_loss), LimitScope::STRATEGY));
  if (!worst.passed() && in.reduce_excess() <= 0) return kSkip;
  return worst;
}
inline Measure reduce_only(In in) noexcept {
  if (!has(in.request.flags, OrderFlag::REDUCE_ONLY) || waits(in)) return kSkip;
  // To become less is always allowed: that is how such an order is held down.
  if (in.replaced != nullptr && in.remaining < in.held_qty) return kSkip;
  return {in.reduce_excess(), 0, false, true, LimitScope::PAIR};
}
inline Measure overflow(In in) noexcept {
  const auto fits = [&](const Holding& holding) {
    const auto interval = holding.interval();
    return fits_int64(Int128{interval.high} + in.extra_qty) &&
           fits_int64(Int128{interval.low} - in.extra_qty);
  };
  return is_false(in.positions().overflowed() || !in.exact || !fits(in.own) || !fits(in.firm));
}
inline Measure table_full(In in) noexcept {
  const auto& orders = in.orders();
  if (in.replaced != nullptr) {
    const bool working = cell(in.replaced->state, OrderEvent::REPLACE_REQUEST).legal();
    return is_false(working && !orders.can_replace(*in.replaced));
  }
  return is_false(!orders.can_submit() ||
                  !in.positions().can_hold(in.request.strategy, in.request.instrument));
}
/// An unknown order never gets here: it is denied before anything can be measured.
inline Measure unknown_order(In in) noexcept {
  return in.replaced == nullptr ? kSkip : is_false(false);
}
inline Measure order_not_working(In in) noexcept {
  if (in.replaced == nullptr || in.replaced->state == OrderState::HELD) return kSkip;
  return is_false(!cell(in.replaced->state, OrderEvent::REPLACE_REQUEST).legal());
}
inline Measure strategy_stopped(In in) noexcept {
  return is_false(!in.strategy.running || index(in.request.strategy) >= RiskGate::kStrategiesMax);
}
inline Measure disk_low(In in) noexcept { return is_false(in.disk_low()); }
inline Measure unsupported(In in) noexcept {
  const auto& request = in.request;
  const bool limit = request.ord_type == OrdType::LIMIT;
  const bool at_once =
      request.time_in_force == TimeInForce::IOC || request.time_in_force == TimeInForce::FOK;
  const bool no_side = request.side != Side::BUY && request.side != Side::SELL;
  const bool no_type =
      request.ord_type < OrdType::MARKET || request.ord_type > OrdType::TRAILING_STOP;
  const bool no_peg = request.ord_type == OrdType::TRAILING_STOP
                          ? in.replaced == nullptr && request.peg_offset <= 0
                          : request.peg_offset != 0;
  const bool no_iceberg =
      request.display_qty != 0 &&
      (request.display_qty < 0 || !may_be_iceberg(request.ord_type, request.time_in_force));
  const bool no_time = !in.session.types.takes(in.session.types.sent(request.time_in_force));
  const bool post = has(request.flags, OrderFlag::POST_ONLY) && (!limit || at_once);
  const bool date = request.time_in_force == TimeInForce::GTD && request.expire_ts <= in.now;
  // One at the market is traded before a replace could arrive; one that trails has no stop of ours.
  const bool moves = in.replaced != nullptr && request.stop_px != in.replaced->stop_px;
  const bool replace = in.replaced != nullptr && in.replaced->state != OrderState::HELD &&
                       (request.ord_type == OrdType::MARKET || (moves && !has_stop_price(in)));
  return is_false(no_side || no_type || no_peg || no_iceberg || no_time || post || date || replace);
}
/// Where the venue has no such instruction: a post-only order that would trade at once.
inline Measure post_only(In in) noexcept {
  if (!has(in.request.flags, OrderFlag::POST_ONLY) || in.session.types.post_only || waits(in)) {
    return kSkip;
  }
  if (in.is_buy()) {
    const auto ask = in.market.ask_px;
    return {in.request.price, ask == kNoPx ? kInt64Max : ask - 1, false, true, {}};
  }
  const auto bid = in.market.bid_px;
  return {in.request.price, bid == kNoPx ? kInt64Min : bid + 1, true, true, {}};
}

inline Measure session_held(In in) noexcept { return is_false(in.session.held); }

}  // namespace pitwire::checks

namespace pitwire {

// clang-format off
/// The order of the rows is the order of the checks and of DenyReason.
inline constexpr std::array kChecks{
    Check{DenyReason::KILLED,                 "kill switch",        "flag",             false, &checks::killed},
    Check{DenyReason::HALTED,                 "halted",             "flag",             false, &checks::halted},
    Check{DenyReason::NOT_ARMED,              "not armed",          "flag",             false, &checks::not_armed},
    Check{DenyReason::REDUCING,               "reducing",           "lots",             false, &checks::reducing},
    Check{DenyReason::UNKNOWN_INSTRUMENT,     "instrument known",   "instrument id",    false, &checks::unknown_instrument},
    Check{DenyReason::INSTRUMENT_NOT_TRADABLE,"not tradable",       "flag",             true,  &checks::not_tradable},
    Check{DenyReason::SESSION_DOWN,           "session down",       "flag",             true,  &checks::session_down},
    Check{DenyReason::SESSION_BACKPRESSURE,   "session credits",    "messages",         true,  &checks::backpressure},
    Check{DenyReason::BOOK_STALE,             "book age",           "ns",               true,  &checks::book_stale},
    Check{DenyReason::BOOK_GAPPED,            "book gapped",        "flag",             true,  &checks::book_gapped},
    Check{DenyReason::BOOK_CROSSED,           "book crossed",       "flag",             true,  &checks::book_crossed},
    Check{DenyReason::PRICE_NOT_ALLOWED,      "price allowed",      "price increments", true,  &checks::price_not_allowed},
    Check{DenyReason::TICK_SIZE,              "off the tick table", "price increments", true,  &checks::tick_size},
    Check{DenyReason::LOT_SIZE,               "lot size",           "lots",             true,  &checks::lot_size},
    Check{DenyReason::QUANTITY_MAX,           "quantity",           "lots",             true,  &checks::quantity_max},
    Check{DenyReason::NOTIONAL_MAX,           "notional",           "1e-6 risk currency", true, &checks::notional_max},
    Check{DenyReason::PRICE_COLLAR,           "price collar",       "price increments", true,  &checks::price_collar},
    Check{DenyReason::POSITION_MAX,           "position",           "lots",             true,  &checks::position_max},
    Check{DenyReason::GROSS_NOTIONAL_MAX,     "gross notional",     "1e-6 risk currency", true, &checks::gross_notional_max},
    Check{DenyReason::WORKING_ORDERS_MAX,     "working orders",     "orders",           true,  &checks::working_orders_max},
    Check{DenyReason::MESSAGE_RATE,           "message rate",       "messages/s",       true,  &checks::message_rate},
    Check{DenyReason::DUPLICATE,              "duplicate",          "ns",               true,  &checks::duplicate},
    Check{DenyReason::SELF_TRADE,             "self-trade",         "price increments", true,  &checks::self_trade},
    Check{DenyReason::DAILY_LOSS,             "daily loss",         "1e-6 risk currency", true, &checks::daily_loss},
    Check{DenyReason::REDUCE_ONLY,            "reduce only",        "lots",             true,  &checks::reduce_only},
    Check{DenyReason::OVERFLOW,               "overflow",           "flag",             true,  &checks::overflow},
    Check{DenyReason::TABLE_FULL,             "table full",         "flag",             true,  &checks::table_full},
    Check{DenyReason::UNKNOWN_ORDER,          "unknown order",      "flag",             false, &checks::unknown_order},
    Check{DenyReason::ORDER_NOT_WORKING,      "order not working",  "flag",             false, &checks::order_not_working},
    Check{DenyReason::STRATEGY_STOPPED,       "strategy stopped",   "flag",             false, &checks::strategy_stopped},
    Check{DenyReason::DISK_LOW,               "disk low",           "flag",             false, &checks::disk_low},
    Check{DenyReason::UNSUPPORTED,            "unsupported",        "flag",             false, &checks::unsupported},
    Check{DenyReason::POST_ONLY,              "post only",          "price increments", true,  &checks::post_only},
    Check{DenyReason::SESSION_HELD,           "session held",       "flag",             false, &checks::session_held},
};
// clang-format on

constexpr bool in_order_of_reasons() {
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    if (static_cast<std::size_t>(kChecks[i].reason) != i + 1) return false;
  }
  return true;
}
static_assert(in_order_of_reasons());

}  // namespace pitwire
