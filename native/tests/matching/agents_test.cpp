// The agents' market: the same by seed, alive, of the stated mix, and a cointegrated pair where
// asked for.
#include "pitwire/matching/agents.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "pitwire/matching/order_gateway.hpp"

namespace pitwire {
namespace {

/// Counts kinds of events and hashes all of them.
class Tape final : public VenueSink {
 public:
  std::uint64_t hash = 1469598103934665603ULL;
  std::uint64_t adds = 0, trades = 0, deletes = 0, reduces = 0, replaces = 0, rejects = 0;

  void accepted(Nanos now, const VenueOrder& o) override { mix(now, o.ref, o.price); }
  void rejected(Nanos, const VenueOrder&, VenueReject) override { ++rejects; }
  void rested(Nanos now, const VenueOrder& o) override {
    ++adds;
    mix(now, o.ref, o.leaves_qty);
  }
  void traded(const VenueTrade& t) override {
    ++trades;
    mix(t.now, t.match_number, t.price);
  }
  void reduced(Nanos now, const VenueOrder& o, std::int64_t qty) override {
    ++reduces;
    mix(now, o.ref, qty);
  }
  void replaced(Nanos now, const VenueOrder& o, OrderRef old_ref) override {
    ++replaces;
    mix(now, old_ref, o.price);
  }
  void canceled(Nanos now, const VenueOrder& o, CancelCause, bool in_book) override {
    if (in_book) ++deletes;
    mix(now, o.ref, o.leaves_qty);
  }
  void triggered(Nanos, const VenueOrder&) override {}
  void trading(Nanos, InstrumentId, TradingState) override {}
  [[nodiscard]] std::uint64_t events() const {
    return adds + trades + deletes + reduces + replaces;
  }

 private:
  void mix(Nanos now, std::uint64_t a, std::int64_t b) {
    for (const auto value : {static_cast<std::uint64_t>(now), a, static_cast<std::uint64_t>(b)}) {
      hash = (hash ^ value) * 1099511628211ULL;
    }
  }
};

AgentMarketConfig two_instruments(std::uint64_t seed) {
  AgentMarketConfig config;
  config.instruments.resize(2);
  config.instruments[1].instrument = InstrumentId{1};
  config.instruments[1].start_px = 25'000;
  config.instruments[1].tick = 5;
  config.instruments[1].lot = 100;
  config.actions_per_second = 10'000;
  config.seed = seed;
  return config;
}

struct Playing {
  Tape tape;
  MatchingEngine engine;
  AgentMarket market;

  explicit Playing(const AgentMarketConfig& config)
      : engine(rules_of(config), 100'000), market(config, engine, tape) {
    market.open(0);
  }
  static std::vector<VenueInstrument> rules_of(const AgentMarketConfig& config) {
    std::vector<VenueInstrument> rules;
    for (const auto& made : config.instruments) {
      rules.push_back({.id = made.instrument, .tick = made.tick, .lot = made.lot});
    }
    return rules;
  }
  void until(Nanos end) {
    while (market.next_due() <= end) market.advance(end, 1000);
  }
};

TEST(AgentMarket, the_same_seed_makes_the_same_market_however_it_is_driven) {
  Playing whole(two_instruments(7));
  whole.until(20 * kSecond);
  Playing steps(two_instruments(7));
  for (Nanos now = 0; now <= 20 * kSecond; now += 7 * kMillisecond)
    steps.market.advance(now, 1'000);
  steps.until(20 * kSecond);
  EXPECT_EQ(whole.tape.hash, steps.tape.hash);
  Playing other(two_instruments(8));
  other.until(20 * kSecond);
  EXPECT_NE(whole.tape.hash, other.tape.hash);
}

TEST(AgentMarket, keeps_the_rate_the_mix_and_two_sided_uncrossed_books) {
  Playing run(two_instruments(3));
  run.until(30 * kSecond);
  EXPECT_NEAR(static_cast<double>(run.market.actions()), 300'000, 3'000);
  EXPECT_EQ(run.tape.rejects, 0U);
  const auto share = [&run](std::uint64_t count) {
    return static_cast<double>(count) / static_cast<double>(run.tape.events());
  };
  EXPECT_NEAR(share(run.tape.adds), 0.46, 0.08);
  EXPECT_NEAR(share(run.tape.deletes), 0.40, 0.08);
  EXPECT_GT(share(run.tape.trades), 0.015);
  EXPECT_GT(share(run.tape.replaces), 0.015);
  EXPECT_GT(share(run.tape.reduces), 0.01);
  for (const auto id : {InstrumentId{0}, InstrumentId{1}}) {
    const auto& bids = run.engine.ladder(id, Side::BUY);
    const auto& asks = run.engine.ladder(id, Side::SELL);
    ASSERT_FALSE(bids.empty() || asks.empty());
    EXPECT_LT(bids.best().price, asks.best().price);
    EXPECT_GE(bids.levels().size(), 3U);
  }
  EXPECT_LT(run.engine.live_orders(), 2'000U);
}

TEST(AgentMarket, the_touch_follows_the_fundamental_value) {
  Playing run(two_instruments(11));
  double worst = 0;
  for (Nanos now = kSecond; now <= 60 * kSecond; now += kSecond) {
    run.until(now);
    const auto mid =
        0.5 * static_cast<double>(run.engine.ladder(InstrumentId{0}, Side::BUY).best().price +
                                  run.engine.ladder(InstrumentId{0}, Side::SELL).best().price);
    worst = std::max(worst, std::abs(mid - run.market.value_px(InstrumentId{0})));
  }
  EXPECT_LT(worst, 12.0) << "ticks between mid and value";
}

TEST(AgentMarket, a_follower_is_cointegrated_with_its_leader) {
  auto config = two_instruments(5);
  config.instruments[1] = config.instruments[0];
  config.instruments[1].instrument = InstrumentId{1};
  config.instruments[1].follows = 0;
  config.instruments[1].beta = 2.0;
  Playing run(config);
  double spread_max = 0;
  double leader_max = 0;
  for (Nanos now = kSecond; now <= 120 * kSecond; now += kSecond) {
    run.until(now);
    const auto leader = run.market.value_px(InstrumentId{0}) - 10'000;
    const auto follower = run.market.value_px(InstrumentId{1}) - 10'000;
    spread_max = std::max(spread_max, std::abs(follower - 2.0 * leader));
    leader_max = std::max(leader_max, std::abs(leader));
  }
  EXPECT_LT(spread_max, 8.0) << "stationary deviation is 1, so 8 is never reached";
  EXPECT_GT(leader_max, 5.0);
}

TEST(AgentMarket, impossible_configurations_are_refused) {
  Tape tape;
  MatchingEngine engine({VenueInstrument{}}, 100);
  auto config = AgentMarketConfig{};
  EXPECT_THROW(AgentMarket(config, engine, tape), std::invalid_argument);
  config.instruments.resize(1);
  config.actions_per_second = 0;
  EXPECT_THROW(AgentMarket(config, engine, tape), std::invalid_argument);
  config.actions_per_second = 1;
  config.instruments[0].follows = 0;
  EXPECT_THROW(AgentMarket(config, engine, tape), std::invalid_argument);
  config.instruments[0].follows = kNoId;
  config.mix = {0, 0, 0, 0};
  EXPECT_THROW(AgentMarket(config, engine, tape), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
