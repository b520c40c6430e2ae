// The gate as docs/orders.md says it, in the slowest and plainest way: every order in a map, every
// message in a list, every sum made anew for every question. Shares nothing with the gate but the
// words of requests and reasons. Prices and quantities that stay far from 64 bits, two linear
// instruments, no full tables: what lies beyond that is gate_random_test.cpp's.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "pitwire/orders/risk_gate.hpp"

namespace pitwire::testing {

/// What the model knows of an instrument.
struct PlainInstrument {
  std::int64_t lot = 1;
  std::int64_t fine_below = kInt64Max;  ///< up to this price every increment is allowed,
  std::int64_t coarse_step = 1;         ///< from it on multiples of this
  bool may_be_negative = false;
  bool has_trading_state = false;
};

struct PlainOrder {
  std::uint32_t strategy = 0, instrument = 0, session = 0;
  Side side{};
  OrdType type = OrdType::LIMIT;
  std::int64_t price = 0, stop = 0, qty = 0, cum = 0;
  bool acknowledged = false, cancelling = false, replacing = false;
  std::int64_t new_qty = 0, new_price = 0;

  [[nodiscard]] std::int64_t worst_qty() const {
    return replacing ? std::max(qty - cum, new_qty - cum) : qty - cum;
  }
};

/// By average cost; cost in millionths of a price increment times a lot.
struct PlainPosition {
  std::int64_t net = 0;
  Int128 cost = 0, realised = 0;

  void trade(std::int64_t signed_qty, std::int64_t px) {
    constexpr Int128 kMillion = 1'000'000;
    const bool closes = net != 0 && (net > 0) != (signed_qty > 0);
    const auto size = std::abs(signed_qty);
    const auto closed = closes ? std::min(std::abs(net), size) : 0;
    const auto sign = signed_qty > 0 ? 1 : -1;
    if (closed > 0) {
      const Int128 gone = half_even(cost * closed, std::abs(net));
      realised -= gone + Int128{sign} * closed * px * kMillion;
      cost -= gone;
    }
    cost += Int128{sign} * (size - closed) * px * kMillion;
    net += signed_qty;
  }
  static Int128 half_even(Int128 value, Int128 by) {
    const bool negative = value < 0;
    const Int128 size = negative ? -value : value;
    Int128 whole = size / by;
    const Int128 twice = 2 * (size % by);
    if (twice > by || (twice == by && whole % 2 != 0)) ++whole;
    return negative ? -whole : whole;
  }
};

class PlainGate {
 public:
  /// Risk money (1e-6) of one price increment times one lot: a cent.
  static constexpr std::int64_t kWorth = 10'000;

  std::vector<PlainInstrument> instruments;
  std::map<ClOrdId, PlainOrder> alive;
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, std::int64_t> limits;
  std::map<std::uint32_t, std::int64_t> marks;
  bool killed = false, disk_low = false;
  struct State {
    RiskState state = RiskState::ACTIVE;
    bool armed = true, running = true;
  };
  State firm{RiskState::ACTIVE, false, true};
  std::map<std::uint32_t, State> strategies;

  void submitted(ClOrdId id, const OrderRequest& request, Nanos now) {
    PlainOrder order;
    order.strategy = index(request.strategy);
    order.instrument = index(request.instrument);
    order.session = index(request.session);
    order.side = request.side;
    order.type = request.ord_type;
    order.price = request.price;
    order.stop = request.stop_px;
    order.qty = request.order_qty;
    alive[id] = order;
    sent(order, now);
    recent_.push_front({key_of(request), now});
    if (recent_.size() > 4096) recent_.pop_back();
  }
  /// A message about the order went out.
  void sent(const PlainOrder& order, Nanos now) {
    messages_.push_back({order.strategy, order.session, now});
    while (messages_.front().at < now - 2 * kSecond) messages_.pop_front();
  }
  void traded(const PlainOrder& order, std::int64_t qty, std::int64_t px) {
    const auto signed_qty = order.side == Side::BUY ? qty : -qty;
    pairs_[{order.strategy, order.instrument}].trade(signed_qty, px);
    firms_[order.instrument].trade(signed_qty, px);
  }

  [[nodiscard]] DenyReason check(const OrderRequest& request, const MarketView& market,
                                 const SessionView& session, Nanos now) const {
    return first_failure({request, nullptr, market, session, now});
  }
  [[nodiscard]] DenyReason check(const ReplaceRequest& change, const MarketView& market,
                                 const SessionView& session, Nanos now) const {
    const auto found = alive.find(change.order);
    if (found == alive.end()) return DenyReason::UNKNOWN_ORDER;
    const auto& order = found->second;
    OrderRequest request;
    request.instrument = InstrumentId{order.instrument};
    request.strategy = StrategyId{order.strategy};
    request.session = SessionId{order.session};
    request.side = order.side;
    request.ord_type = order.type;
    request.price = change.price;
    request.stop_px = order.stop;
    request.order_qty = change.order_qty;
    return first_failure({request, &order, market, session, now});
  }

 private:
  struct Asked {
    const OrderRequest& request;
    const PlainOrder* replaced;
    const MarketView& market;
    const SessionView& session;
    Nanos now;
    /// What is no side is looked at as a sale, before it is refused for that.
    [[nodiscard]] bool buy() const { return request.side == Side::BUY; }
    [[nodiscard]] bool stop() const {
      return request.ord_type == OrdType::STOP || request.ord_type == OrdType::STOP_LIMIT ||
             request.ord_type == OrdType::MARKET_IF_TOUCHED;
    }
    [[nodiscard]] bool limit() const {
      return request.ord_type == OrdType::LIMIT || request.ord_type == OrdType::STOP_LIMIT;
    }
  };
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::int64_t, std::int64_t, int, int>;
  struct Message {
    std::uint32_t strategy, session;
    Nanos at;
  };

  /// What is worth what its stop says.
  static bool at_stop(OrdType type) {
    return type == OrdType::STOP || type == OrdType::MARKET_IF_TOUCHED;
  }
  static Key key_of(const OrderRequest& request) {
    const auto type = request.ord_type;
    const bool limit = type == OrdType::LIMIT || type == OrdType::STOP_LIMIT;
    const bool stop = type == OrdType::STOP || type == OrdType::MARKET_IF_TOUCHED;
    const auto px = limit ? request.price : (stop ? request.stop_px : 0);
    return {
        index(request.strategy),        index(request.instrument),         px, request.order_qty,
        static_cast<int>(request.side), static_cast<int>(request.ord_type)};
  }

  [[nodiscard]] DenyReason first_failure(const Asked& in) const;
  [[nodiscard]] bool market_forbids(const Asked& in, DenyReason& why) const;
  [[nodiscard]] bool price_forbids(const Asked& in, DenyReason& why) const;
  [[nodiscard]] bool exposure_forbids(const Asked& in, DenyReason& why) const;
  [[nodiscard]] bool too_many_messages(const Asked& in) const;
  [[nodiscard]] bool outside_collar(const Asked& in) const;
  [[nodiscard]] bool position_too_large(const Asked& in) const;
  [[nodiscard]] bool gross_too_large(const Asked& in) const;
  [[nodiscard]] bool too_many_orders(const Asked& in) const;
  [[nodiscard]] bool trades_with_ourselves(const Asked& in) const;
  [[nodiscard]] bool lost_too_much(const Asked& in) const;
  [[nodiscard]] bool repeated(const Asked& in) const;
  [[nodiscard]] bool unsupported(const Asked& in) const;

  /// The limit at exactly this scope, no value where none is set.
  [[nodiscard]] const std::int64_t* limit(const char* name, std::uint32_t strategy,
                                          std::uint32_t instrument) const {
    const auto found = limits.find({name, strategy, instrument});
    return found == limits.end() || found->second < 0 ? nullptr : &found->second;
  }
  /// f(limit) for the four scopes that bind the request: firm, instrument, strategy, pair.
  template <class F>
  [[nodiscard]] bool any_scope(const Asked& in, const char* name, F&& fails) const {
    const auto s = index(in.request.strategy), i = index(in.request.instrument);
    for (const auto& [strategy, instrument] :
         {std::pair{kNoId, kNoId}, std::pair{kNoId, i}, std::pair{s, kNoId}, std::pair{s, i}}) {
      const auto* found = limit(name, strategy, instrument);
      if (found != nullptr && fails(*found, strategy, instrument)) return true;
    }
    return false;
  }

  static Int128 worth(std::int64_t px, Int128 qty) {
    const Int128 value = Int128{px} * qty * kWorth;
    return value < 0 ? -value : value;
  }
  static Int128 reserved(const PlainOrder& order) {
    const auto qty = order.worst_qty();
    const auto now = worth(at_stop(order.type) ? order.stop : order.price, qty);
    const auto then = worth(at_stop(order.type) ? order.stop : order.new_price, qty);
    return order.replacing ? std::max(now, then) : now;
  }
  /// f(order) summed over what is alive of the strategy and instrument, kNoId being all.
  template <class F>
  [[nodiscard]] Int128 sum(std::uint32_t strategy, std::uint32_t instrument, F&& f) const {
    Int128 total = 0;
    for (const auto& [id, order] : alive) {
      if (strategy != kNoId && order.strategy != strategy) continue;
      if (instrument != kNoId && order.instrument != instrument) continue;
      total += f(order);
    }
    return total;
  }
  /// Lots that could still be bought, or sold.
  [[nodiscard]] Int128 working(std::uint32_t strategy, std::uint32_t instrument, Side side) const {
    return sum(strategy, instrument, [&](const PlainOrder& order) {
      return (order.side == Side::BUY) == (side == Side::BUY) ? Int128{order.worst_qty()} : 0;
    });
  }
  [[nodiscard]] PlainPosition of(std::uint32_t strategy, std::uint32_t instrument) const {
    const auto found = pairs_.find({strategy, instrument});
    return found == pairs_.end() ? PlainPosition{} : found->second;
  }
  [[nodiscard]] PlainPosition firm_of(std::uint32_t instrument) const {
    const auto found = firms_.find(instrument);
    return found == firms_.end() ? PlainPosition{} : found->second;
  }
  static Int128 at_cost(const PlainPosition& position) {
    const Int128 cost = position.cost < 0 ? -position.cost : position.cost;
    return (cost * kWorth + 999'999) / 1'000'000;
  }
  [[nodiscard]] Int128 profit(const PlainPosition& position, std::uint32_t instrument) const {
    const auto mark = marks.find(instrument);
    auto value = position.realised;
    if (mark != marks.end()) {
      value += Int128{position.net} * mark->second * 1'000'000 - position.cost;
    }
    return PlainPosition::half_even(value * kWorth, 1'000'000);
  }
  static std::int64_t reference(const MarketView& market) {
    if (market.bid_px == kNoPx || market.ask_px == kNoPx) return market.last_px;
    const auto both = market.bid_px + market.ask_px;
    return both >= 0 || both % 2 == 0 ? both / 2 : (both - 1) / 2;
  }
  /// What the order is valued at; kNoPx where nothing says.
  static std::int64_t valued_at(const Asked& in) {
    if (at_stop(in.request.ord_type)) return in.request.stop_px;
    if (in.request.ord_type != OrdType::MARKET) return in.request.price;
    const auto touch = in.buy() ? in.market.ask_px : in.market.bid_px;
    return touch != kNoPx ? touch : reference(in.market);
  }
  static Int128 notional(const Asked& in) {
    const auto px = valued_at(in);
    const auto left = remaining(in);
    return px == kNoPx || left <= 0 ? 0 : worth(px, left);
  }
  static std::int64_t remaining(const Asked& in) {
    return in.request.order_qty - (in.replaced == nullptr ? 0 : in.replaced->cum);
  }
  static Int128 held(const Asked& in) {
    return in.replaced == nullptr ? 0 : in.replaced->worst_qty();
  }
  static Int128 extra(const Asked& in) { return std::max<Int128>(0, remaining(in) - held(in)); }
  /// At both ends of what its position could become, with all that works, the order brings the
  /// strategy nearer to nothing.
  [[nodiscard]] bool reduces(const Asked& in) const {
    const auto s = index(in.request.strategy), i = index(in.request.instrument);
    const auto without = working(s, i, in.request.side) - held(in);
    const auto with = without + std::max<Int128>(remaining(in), held(in));
    return in.buy() ? of(s, i).net + with <= 0 : with - of(s, i).net <= 0;
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, PlainPosition> pairs_;
  std::map<std::uint32_t, PlainPosition> firms_;
  std::deque<Message> messages_;
  std::deque<std::pair<Key, Nanos>> recent_;
};

inline DenyReason PlainGate::first_failure(const Asked& in) const {
  const auto found = strategies.find(index(in.request.strategy));
  const auto& own = found == strategies.end() ? State{} : found->second;
  auto why = DenyReason::NONE;
  if (killed) return DenyReason::KILLED;
  if (firm.state == RiskState::HALTED || own.state == RiskState::HALTED) return DenyReason::HALTED;
  if (!firm.armed || !own.armed) return DenyReason::NOT_ARMED;
  const bool reducing = firm.state == RiskState::REDUCING || own.state == RiskState::REDUCING;
  if (reducing && !reduces(in)) return DenyReason::REDUCING;
  if (index(in.request.instrument) >= instruments.size()) return DenyReason::UNKNOWN_INSTRUMENT;
  if (market_forbids(in, why) || price_forbids(in, why) || exposure_forbids(in, why)) return why;
  const bool busy = in.replaced != nullptr && (!in.replaced->acknowledged ||
                                               in.replaced->replacing || in.replaced->cancelling);
  if (busy) return DenyReason::ORDER_NOT_WORKING;
  if (!own.running) return DenyReason::STRATEGY_STOPPED;
  if (disk_low) return DenyReason::DISK_LOW;
  if (unsupported(in)) return DenyReason::UNSUPPORTED;
  const auto touch = in.buy() ? in.market.ask_px : in.market.bid_px;
  const bool trades =
      touch != kNoPx && (in.buy() ? in.request.price >= touch : in.request.price <= touch);
  const bool posts = has(in.request.flags, OrderFlag::POST_ONLY) && !in.session.types.post_only;
  if (posts && trades) return DenyReason::POST_ONLY;
  return in.session.held ? DenyReason::SESSION_HELD : DenyReason::NONE;
}

inline bool PlainGate::market_forbids(const Asked& in, DenyReason& why) const {
  const auto& instrument = instruments[index(in.request.instrument)];
  const auto trading = in.market.trading;
  const bool open = trading == TradingState::TRADING || trading == TradingState::AUCTION ||
                    (trading == TradingState::UNKNOWN && !instrument.has_trading_state);
  const auto book = in.market.book;
  const bool stale = book == BookState::EMPTY || book == BookState::RECOVERING ||
                     book == BookState::STALE ||
                     any_scope(in, "book_age_max_ms", [&](std::int64_t most, auto, auto) {
                       return in.now - in.market.updated_ts > most * kMillisecond;
                     });
  if (!open) return why = DenyReason::INSTRUMENT_NOT_TRADABLE, true;
  if (!in.session.logged_on) return why = DenyReason::SESSION_DOWN, true;
  if (in.session.credits <= in.session.cancel_reserve) {
    return why = DenyReason::SESSION_BACKPRESSURE, true;
  }
  if (stale) return why = DenyReason::BOOK_STALE, true;
  if (book == BookState::GAPPED) return why = DenyReason::BOOK_GAPPED, true;
  if (book == BookState::CROSSED) return why = DenyReason::BOOK_CROSSED, true;
  return false;
}

inline bool PlainGate::price_forbids(const Asked& in, DenyReason& why) const {
  const auto& instrument = instruments[index(in.request.instrument)];
  std::vector<std::int64_t> prices;
  if (in.limit()) prices.push_back(in.request.price);
  if (in.stop()) prices.push_back(in.request.stop_px);
  for (const auto px : prices) {
    if (px <= 0 && !instrument.may_be_negative) return why = DenyReason::PRICE_NOT_ALLOWED, true;
  }
  for (const auto px : prices) {
    const auto step = px < instrument.fine_below ? 1 : instrument.coarse_step;
    if (px % step != 0) return why = DenyReason::TICK_SIZE, true;
  }
  const auto filled = in.replaced == nullptr ? 0 : in.replaced->cum;
  const auto qty = in.request.order_qty;
  if (qty <= filled || qty % instrument.lot != 0) return why = DenyReason::LOT_SIZE, true;
  const bool large =
      any_scope(in, "quantity_max", [&](std::int64_t most, auto, auto) { return qty > most; });
  if (large) return why = DenyReason::QUANTITY_MAX, true;
  const bool dear = any_scope(in, "notional_max", [&](std::int64_t most, auto, auto) {
    return notional(in) > Int128{most} * 1'000'000;
  });
  if (dear) return why = DenyReason::NOTIONAL_MAX, true;
  if (outside_collar(in)) return why = DenyReason::PRICE_COLLAR, true;
  return false;
}

inline bool PlainGate::outside_collar(const Asked& in) const {
  const auto type = in.request.ord_type;
  if (!in.limit() && !in.stop()) return valued_at(in) == kNoPx;
  if (at_stop(type)) return false;
  const auto from = type == OrdType::STOP_LIMIT ? in.request.stop_px : reference(in.market);
  const auto away = from == kNoPx ? 0 : std::abs(in.request.price - from);
  return any_scope(in, "collar_ticks",
                   [&](std::int64_t most, auto, auto) { return from == kNoPx || away > most; }) ||
         any_scope(in, "collar_bps", [&](std::int64_t most, auto, auto) {
           return from == kNoPx || away > std::abs(from) * most / 10'000;
         });
}

inline bool PlainGate::exposure_forbids(const Asked& in, DenyReason& why) const {
  if (position_too_large(in)) return why = DenyReason::POSITION_MAX, true;
  if (gross_too_large(in)) return why = DenyReason::GROSS_NOTIONAL_MAX, true;
  if (too_many_orders(in)) return why = DenyReason::WORKING_ORDERS_MAX, true;
  if (too_many_messages(in)) return why = DenyReason::MESSAGE_RATE, true;
  if (repeated(in)) return why = DenyReason::DUPLICATE, true;
  if (trades_with_ourselves(in)) return why = DenyReason::SELF_TRADE, true;
  if (lost_too_much(in)) return why = DenyReason::DAILY_LOSS, true;
  const bool less =
      in.replaced != nullptr && in.request.order_qty - in.replaced->cum < in.replaced->worst_qty();
  if (has(in.request.flags, OrderFlag::REDUCE_ONLY) && !reduces(in) && !less) {
    return why = DenyReason::REDUCE_ONLY, true;
  }
  return false;
}

inline bool PlainGate::position_too_large(const Asked& in) const {
  return any_scope(in, "position_max", [&](std::int64_t most, std::uint32_t s, std::uint32_t) {
    const auto i = index(in.request.instrument);
    const auto net = s == kNoId ? firm_of(i).net : of(s, i).net;
    const auto more = working(s, i, in.request.side) + extra(in);
    return (in.buy() ? net + more : more - net) > most;
  });
}

inline bool PlainGate::gross_too_large(const Asked& in) const {
  if (reduces(in)) return false;
  const auto more =
      std::max<Int128>(0, notional(in) - (in.replaced == nullptr ? 0 : reserved(*in.replaced)));
  return any_scope(in, "gross_notional_max",
                   [&](std::int64_t most, std::uint32_t s, std::uint32_t i) {
                     Int128 total = sum(s, i, reserved) + more;
                     if (s == kNoId && i != kNoId) {
                       total += at_cost(firm_of(i));
                     } else {
                       for (const auto& [pair, position] : pairs_) {
                         if (s != kNoId && pair.first != s) continue;
                         if (i != kNoId && pair.second != i) continue;
                         total += at_cost(position);
                       }
                     }
                     return total > Int128{most} * 1'000'000;
                   });
}

inline bool PlainGate::too_many_orders(const Asked& in) const {
  if (in.replaced != nullptr) return false;
  return any_scope(in, "working_orders_max",
                   [&](std::int64_t most, std::uint32_t s, std::uint32_t i) {
                     return sum(s, i, [](const PlainOrder&) { return Int128{1}; }) + 1 > most;
                   });
}

inline bool PlainGate::too_many_messages(const Asked& in) const {
  constexpr Nanos kBucket = kSecond / 16;
  const auto in_window = [&](auto&& mine) {
    std::int64_t count = 0;
    for (const auto& message : messages_) {
      const bool recent = in.now / kBucket - message.at / kBucket < 17;
      count += recent && mine(message) ? 1 : 0;
    }
    return count;
  };
  // Four fifths of the rate, rounded up: the rest is kept for cancels.
  const auto above = [](const std::int64_t* rate, std::int64_t count) {
    return rate != nullptr && (count + 1) * 5 > *rate * 4 + 4;
  };
  const auto s = index(in.request.strategy), session = index(in.request.session);
  return above(limit("message_rate_max", kNoId, kNoId), in_window([](auto&) { return true; })) ||
         above(limit("session_message_rate_max", kNoId, kNoId),
               in_window([&](auto& each) { return each.session == session; })) ||
         above(limit("message_rate_max", s, kNoId),
               in_window([&](auto& each) { return each.strategy == s; }));
}

inline bool PlainGate::repeated(const Asked& in) const {
  if (in.replaced != nullptr) return false;
  const auto key = key_of(in.request);
  const auto same = std::find_if(recent_.begin(), recent_.end(),
                                 [&](const auto& each) { return each.first == key; });
  if (same == recent_.end()) return false;
  return any_scope(in, "duplicate_window_ms", [&](std::int64_t window, auto, auto) {
    return window > 0 && in.now - same->second < window * kMillisecond;
  });
}

inline bool PlainGate::trades_with_ourselves(const Asked& in) const {
  if (in.stop()) return false;
  const bool market = in.request.ord_type == OrdType::MARKET;
  for (const auto& [id, order] : alive) {
    if (order.instrument != index(in.request.instrument)) continue;
    if ((order.side == Side::BUY) == in.buy() || order.type != OrdType::LIMIT) continue;
    std::vector<std::int64_t> theirs{order.price};
    if (order.replacing) theirs.push_back(order.new_price);
    for (const auto px : theirs) {
      if (market || (in.buy() ? in.request.price >= px : in.request.price <= px)) return true;
    }
  }
  return false;
}

inline bool PlainGate::lost_too_much(const Asked& in) const {
  if (reduces(in)) return false;
  const auto lost = [&](std::uint32_t strategy) {
    Int128 total = 0;
    for (const auto& [pair, position] : pairs_) {
      if (strategy == kNoId || pair.first == strategy) total -= profit(position, pair.second);
    }
    return total;
  };
  const auto s = index(in.request.strategy);
  const auto* firm_max = limit("daily_loss_max", kNoId, kNoId);
  const auto* own_max = limit("daily_loss_max", s, kNoId);
  return (firm_max != nullptr && lost(kNoId) > Int128{*firm_max} * 1'000'000) ||
         (own_max != nullptr && lost(s) > Int128{*own_max} * 1'000'000);
}

inline bool PlainGate::unsupported(const Asked& in) const {
  const auto& request = in.request;
  const bool at_once =
      request.time_in_force == TimeInForce::IOC || request.time_in_force == TimeInForce::FOK;
  const bool known_type =
      request.ord_type == OrdType::MARKET || request.ord_type == OrdType::LIMIT || in.stop();
  const auto time = static_cast<int>(request.time_in_force);
  const bool no_time = time == 2 || time == 5;  // of FIX, and not of ours
  return (request.side != Side::BUY && request.side != Side::SELL) || !known_type || no_time ||
         (has(request.flags, OrderFlag::POST_ONLY) &&
          (request.ord_type != OrdType::LIMIT || at_once)) ||
         (request.time_in_force == TimeInForce::GTD && request.expire_ts <= in.now) ||
         (in.replaced != nullptr && request.ord_type == OrdType::MARKET);
}

}  // namespace pitwire::testing
