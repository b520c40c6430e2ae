// A market made by seeded agents: it keeps books alive, moves prices and prints trades, so that
// strategies have something to trade on. The same seed, configuration and times make the same
// market.
//
// Each instrument has a fundamental value, a random walk that only informed agents see; or, where
// it `follows` another, that one's value times beta plus a mean-reverting (Ornstein-Uhlenbeck)
// spread, which makes a cointegrated pair. Four kinds of agents act, one action at a time, at
// seeded intervals:
//
//   makers    keep quotes on both sides around the touch's mid, and move them when the mid has
//   moved noise     add near the touch, cancel, reduce, now and then cross the spread trend     buy
//   what has risen and sell what has fallen (mid against its moving average) informed  take the
//   side of the fundamental value when the touch is further from it than their edge
//
// The mix is ITCH-like with the default weights: about 46 % adds, 40 % deletes, 6 % replaces, 3 %
// partial cancels, 5 % executions.
//
// Layout: an instrument has an array of its live agent orders (at most `live_orders_max`), where an
// order that ended is dropped when it is next drawn. Cost of an action: one to three calls of the
// matcher and a dozen random numbers, no allocation once arrays have grown. An action that would
// act on nothing adds an order instead, so that the rate holds.
#pragma once

#include <cstdint>
#include <vector>

#include "pitwire/matching/matching_engine.hpp"
#include "pitwire/matching/random.hpp"

namespace pitwire {

/// One instrument's market. Prices in price increments, quantities in increments.
struct AgentInstrument {
  InstrumentId instrument{};
  std::int64_t start_px = 10'000;
  std::int64_t tick = 1;
  std::int64_t lot = 1;
  std::int64_t order_lots_max = 10;     ///< of one agent's order
  double volatility_ticks = 2.0;        ///< of the fundamental value, per square root of a second
  std::int64_t spread_ticks = 2;        ///< makers' half spread
  std::int64_t depth_ticks = 20;        ///< how far from the touch noise adds
  std::uint32_t live_orders_max = 400;  ///< above it cancels replace adds
  std::uint32_t follows = kNoId;        ///< instrument whose value this one follows
  double beta = 1.0;                    ///< value = beta × (followed − its start) + start + spread
  double spread_reversion_per_second = 0.5;
  double spread_volatility_ticks = 1.0;  ///< per square root of a second
};

/// Shares of actions; they need not sum to anything.
struct AgentMix {
  std::uint32_t makers = 120;
  std::uint32_t noise = 850;
  std::uint32_t trend = 10;
  std::uint32_t informed = 20;
};

struct AgentMarketConfig {
  std::vector<AgentInstrument> instruments;
  AgentMix mix;
  double actions_per_second = 2'000;  ///< of all instruments together, > 0
  std::uint64_t seed = 1;
};

class AgentMarket {
 public:
  /// Throws std::invalid_argument with what is wrong. `instruments` are the engine's, dense from 0;
  /// one may follow only an earlier one.
  AgentMarket(const AgentMarketConfig& config, MatchingEngine& engine, VenueSink& sink);

  /// Fills every book with its first orders.
  void open(Nanos now);
  /// Does every action due up to `now`, at most `actions_max`; returns how many. What is not done
  /// stays due, so that a late caller makes up for it.
  std::uint32_t advance(Nanos now, std::uint32_t actions_max);
  /// When the next action is due.
  [[nodiscard]] Nanos next_due() const noexcept { return due_; }
  [[nodiscard]] double value_px(InstrumentId instrument) const noexcept;
  [[nodiscard]] std::uint64_t actions() const noexcept { return actions_; }

 private:
  struct Market {
    AgentInstrument rules;
    double value = 0;    ///< fundamental, in ticks
    double spread = 0;   ///< of a follower, in ticks
    double average = 0;  ///< moving average of the mid, in ticks
    Nanos moved = 0;     ///< time of the value
    std::vector<OrderRef> live;
    std::vector<OrderRef> quotes;  ///< makers' orders
  };

  void act(Nanos now, Market& market);
  void move_value(Nanos now, Market& market);
  void noise(Nanos now, Market& market);
  void maker(Nanos now, Market& market);
  void trend(Nanos now, Market& market);
  void informed(Nanos now, Market& market);
  void add_near_touch(Nanos now, Market& market);
  bool cancel_one(Nanos now, Market& market);
  bool reduce_one(Nanos now, Market& market);
  void take(Nanos now, Market& market, Side side, std::int64_t lots);
  OrderRef submit(Nanos now, const Market& market, Side side, std::int64_t price_ticks,
                  std::int64_t lots, TimeInForce tif);
  [[nodiscard]] const VenueOrder* draw(std::vector<OrderRef>& refs, std::size_t& at) noexcept;
  /// Best price of a side in ticks; where the side is empty, next to the value.
  [[nodiscard]] std::int64_t touch_ticks(const Market& market, Side side) const noexcept;
  [[nodiscard]] double mid_ticks(const Market& market) const noexcept;

  MatchingEngine& engine_;
  VenueSink& sink_;
  AgentMix mix_;
  Random random_;
  std::vector<Market> markets_;
  std::int64_t mix_total_;
  double interval_ns_;
  Nanos due_ = 0;
  std::uint64_t actions_ = 0;
};

}  // namespace pitwire
