#include "pitwire/matching/agents.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "pitwire/matching/forwarding_sink.hpp"
#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {
namespace {

constexpr std::int64_t kOpeningLevels = 10;
constexpr std::size_t kQuotesMax = 12;
constexpr double kAverageShare = 0.02;  // of one action, in the mid's moving average
constexpr double kTrendEdgeTicks = 2.0;
constexpr double kInformedEdgeTicks = 1.0;

// Noise, in parts of 1000: the ITCH-like mix of the header's table.
constexpr std::int64_t kAddUpTo = 495;
constexpr std::int64_t kCancelUpTo = 935;
constexpr std::int64_t kReduceUpTo = 965;

void require(bool holds, const AgentInstrument& rules, const char* what) {
  if (holds) return;
  throw std::invalid_argument("instrument " + std::to_string(index(rules.instrument)) + ": " +
                              what);
}

void check(const AgentInstrument& rules, std::size_t position) {
  require(index(rules.instrument) == position, rules, "ids must be dense from 0");
  require(rules.start_px > 0 && rules.tick > 0 && rules.lot > 0, rules,
          "start_px, tick and lot must be positive");
  require(rules.order_lots_max > 0, rules, "order_lots_max must be positive");
  require(rules.spread_ticks > 0 && rules.depth_ticks > 0, rules,
          "spread_ticks and depth_ticks must be positive");
  require(rules.volatility_ticks >= 0 && rules.spread_volatility_ticks >= 0, rules,
          "volatility must not be negative");
  require(rules.follows == kNoId || rules.follows < position, rules,
          "may follow only an earlier instrument");
}

std::int64_t rounded(double ticks) noexcept { return static_cast<std::int64_t>(ticks + 0.5); }

}  // namespace

AgentMarket::AgentMarket(const AgentMarketConfig& config, MatchingEngine& engine, VenueSink& sink)
    : engine_(engine),
      sink_(sink),
      mix_(config.mix),
      random_(config.seed),
      mix_total_(std::int64_t{mix_.makers} + mix_.noise + mix_.trend + mix_.informed),
      interval_ns_(1e9 / config.actions_per_second) {
  if (!(config.actions_per_second > 0) || config.actions_per_second > 1e7) {
    throw std::invalid_argument("actions_per_second must be in (0, 10 million]");
  }
  if (mix_total_ == 0) throw std::invalid_argument("mix: every share is 0");
  if (config.instruments.empty()) throw std::invalid_argument("no instruments");
  for (const auto& rules : config.instruments) {
    check(rules, markets_.size());
    auto& market = markets_.emplace_back();
    market.rules = rules;
    market.value = static_cast<double>(rules.start_px) / static_cast<double>(rules.tick);
    market.average = market.value;
    market.live.reserve(rules.live_orders_max + 64);
    market.quotes.reserve(kQuotesMax);
  }
}

double AgentMarket::value_px(InstrumentId instrument) const noexcept {
  const auto& market = markets_[index(instrument)];
  return market.value * static_cast<double>(market.rules.tick);
}

void AgentMarket::open(Nanos now) {
  due_ = now;
  for (auto& market : markets_) {
    market.moved = now;
    const auto middle = rounded(market.value);
    for (std::int64_t level = 0; level < kOpeningLevels; ++level) {
      const auto distance = market.rules.spread_ticks + level;
      for (const auto side : {Side::BUY, Side::SELL}) {
        const auto price = side == Side::BUY ? middle - distance : middle + distance;
        const auto lots = random_.between(1, market.rules.order_lots_max);
        if (const auto ref = submit(now, market, side, price, lots, TimeInForce::DAY)) {
          market.live.push_back(ref);
        }
      }
    }
  }
}

std::uint32_t AgentMarket::advance(Nanos now, std::uint32_t actions_max) {
  std::uint32_t done = 0;
  while (due_ <= now && done < actions_max) {
    auto& market = markets_[static_cast<std::size_t>(
        random_.below(static_cast<std::int64_t>(markets_.size())))];
    act(due_, market);
    due_ += 1 + static_cast<Nanos>(2.0 * interval_ns_ * random_.unit());
    ++done;
  }
  actions_ += done;
  return done;
}

void AgentMarket::act(Nanos now, Market& market) {
  move_value(now, market);
  market.average += kAverageShare * (mid_ticks(market) - market.average);
  auto draw = random_.below(mix_total_);
  if ((draw -= mix_.noise) < 0) return noise(now, market);
  if ((draw -= mix_.makers) < 0) return maker(now, market);
  if ((draw -= mix_.trend) < 0) return trend(now, market);
  informed(now, market);
}

// ---------------------------------------------------------------- values

void AgentMarket::move_value(Nanos now, Market& market) {
  const double seconds = static_cast<double>(now - market.moved) * 1e-9;
  market.moved = now;
  const auto& rules = market.rules;
  const double shock = random_.normal() * std::sqrt(seconds);
  if (rules.follows == kNoId) {
    market.value += rules.volatility_ticks * shock;
  } else {
    auto& leader = markets_[rules.follows];
    move_value(now, leader);
    // Euler step, its share capped so that a long pause cannot overshoot.
    const double pull = std::min(1.0, rules.spread_reversion_per_second * seconds);
    market.spread += rules.spread_volatility_ticks * shock - pull * market.spread;
    const double start = static_cast<double>(rules.start_px) / static_cast<double>(rules.tick);
    const double leader_start =
        static_cast<double>(leader.rules.start_px) / static_cast<double>(leader.rules.tick);
    market.value = start + rules.beta * (leader.value - leader_start) + market.spread;
  }
  // Prices stay positive however long the walk: it is reflected at a distance that books need.
  const double floor = static_cast<double>(rules.depth_ticks + rules.spread_ticks + 1);
  if (market.value < floor) market.value = 2 * floor - market.value;
}

std::int64_t AgentMarket::touch_ticks(const Market& market, Side side) const noexcept {
  const auto& ladder = engine_.ladder(market.rules.instrument, side);
  if (!ladder.empty()) return ladder.best().price / market.rules.tick;
  const auto middle = rounded(market.value);
  return side == Side::BUY ? middle - market.rules.spread_ticks
                           : middle + market.rules.spread_ticks;
}

double AgentMarket::mid_ticks(const Market& market) const noexcept {
  return 0.5 *
         static_cast<double>(touch_ticks(market, Side::BUY) + touch_ticks(market, Side::SELL));
}

// ---------------------------------------------------------------- actions

OrderRef AgentMarket::submit(Nanos now, const Market& market, Side side, std::int64_t price_ticks,
                             std::int64_t lots, TimeInForce tif) {
  VenueOrder order;
  order.client = kNoClient;
  order.instrument = market.rules.instrument;
  order.side = side;
  order.time_in_force = tif;
  order.price = std::max<std::int64_t>(1, price_ticks) * market.rules.tick;
  order.order_qty = lots * market.rules.lot;
  const auto ref = engine_.submit(now, order, sink_);
  return engine_.find(ref) == nullptr ? 0 : ref;
}

/// A live order of the list; those that ended are dropped on the way. nullptr when none is left.
const VenueOrder* AgentMarket::draw(std::vector<OrderRef>& refs, std::size_t& at) noexcept {
  while (!refs.empty()) {
    at = static_cast<std::size_t>(random_.below(static_cast<std::int64_t>(refs.size())));
    if (const auto* order = engine_.find(refs[at])) return order;
    refs[at] = refs.back();
    refs.pop_back();
  }
  return nullptr;
}

void AgentMarket::noise(Nanos now, Market& market) {
  const auto action = random_.below(1000);
  if (action < kAddUpTo) {
    if (market.live.size() < market.rules.live_orders_max) return add_near_touch(now, market);
    if (cancel_one(now, market)) return;
  } else if (action < kCancelUpTo) {
    if (market.live.size() > static_cast<std::size_t>(kOpeningLevels) && cancel_one(now, market)) {
      return;
    }
  } else if (action < kReduceUpTo) {
    if (reduce_one(now, market)) return;
  } else {
    const auto side = random_.below(2) == 0 ? Side::BUY : Side::SELL;
    return take(now, market, side, random_.between(1, market.rules.order_lots_max));
  }
  add_near_touch(now, market);
}

void AgentMarket::add_near_touch(Nanos now, Market& market) {
  const auto side = random_.below(2) == 0 ? Side::BUY : Side::SELL;
  const auto own = touch_ticks(market, side);
  const auto other = touch_ticks(market, opposite(side));
  const bool wide = std::abs(other - own) > 1;
  const bool improves = wide && random_.below(4) == 0;
  const auto away =
      improves ? -1 : std::min(random_.geometric() + random_.geometric(), market.rules.depth_ticks);
  const auto price = side == Side::BUY ? own - away : own + away;
  const auto lots = random_.between(1, market.rules.order_lots_max);
  if (const auto ref = submit(now, market, side, price, lots, TimeInForce::DAY)) {
    market.live.push_back(ref);
  }
}

bool AgentMarket::cancel_one(Nanos now, Market& market) {
  std::size_t at = 0;
  if (draw(market.live, at) == nullptr) return false;
  engine_.cancel(now, market.live[at], sink_);
  market.live[at] = market.live.back();
  market.live.pop_back();
  return true;
}

bool AgentMarket::reduce_one(Nanos now, Market& market) {
  std::size_t at = 0;
  const auto* order = draw(market.live, at);
  if (order == nullptr || order->leaves_qty <= market.rules.lot) return false;
  const auto rest = (order->leaves_qty / 2 + market.rules.lot - 1) / market.rules.lot;
  const auto executed = order->order_qty - order->leaves_qty;
  engine_.replace(now, order->ref, order->price, executed + rest * market.rules.lot, sink_);
  return true;
}

void AgentMarket::take(Nanos now, Market& market, Side side, std::int64_t lots) {
  const auto limit = touch_ticks(market, opposite(side)) + (side == Side::BUY ? 1 : -1);
  submit(now, market, side, limit, lots, TimeInForce::IOC);
}

/// One of the makers' quotes is brought back to its distance from the middle, or placed.
void AgentMarket::maker(Nanos now, Market& market) {
  const auto side = random_.below(2) == 0 ? Side::BUY : Side::SELL;
  const auto distance = market.rules.spread_ticks + random_.below(3);
  const double middle = mid_ticks(market) + 0.3 * (market.value - mid_ticks(market));
  const auto price = side == Side::BUY ? rounded(middle - 0.5) - distance + 1
                                       : rounded(middle + 0.5) + distance - 1;
  const auto lots = random_.between(1, market.rules.order_lots_max);
  std::size_t at = 0;
  const auto* order = market.quotes.size() < kQuotesMax ? nullptr : draw(market.quotes, at);
  if (order == nullptr || market.quotes.size() < kQuotesMax) {
    if (const auto ref = submit(now, market, side, price, lots, TimeInForce::DAY)) {
      market.quotes.push_back(ref);
    }
    return;
  }
  if (order->side != side || order->price == price * market.rules.tick) {
    engine_.cancel(now, market.quotes[at], sink_);
    market.quotes[at] = market.quotes.back();
    market.quotes.pop_back();
    return;
  }
  const auto executed = order->order_qty - order->leaves_qty;
  ReferenceFollower follower(sink_, order->ref);
  engine_.replace(now, order->ref, std::max<std::int64_t>(1, price) * market.rules.tick,
                  executed + lots * market.rules.lot, follower);
  market.quotes[at] = follower.ref();
}

void AgentMarket::trend(Nanos now, Market& market) {
  const double drift = mid_ticks(market) - market.average;
  if (std::abs(drift) < kTrendEdgeTicks) return add_near_touch(now, market);
  take(now, market, drift > 0 ? Side::BUY : Side::SELL,
       random_.between(1, market.rules.order_lots_max));
}

void AgentMarket::informed(Nanos now, Market& market) {
  const auto ask = static_cast<double>(touch_ticks(market, Side::SELL));
  const auto bid = static_cast<double>(touch_ticks(market, Side::BUY));
  const auto lots = 2 * market.rules.order_lots_max;
  if (market.value > ask + kInformedEdgeTicks) return take(now, market, Side::BUY, lots);
  if (market.value < bid - kInformedEdgeTicks) return take(now, market, Side::SELL, lots);
  add_near_touch(now, market);
}

}  // namespace pitwire
