#include "pitwire/market/signals.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

Top touch(std::int64_t bid, std::int64_t bid_qty, std::int64_t ask, std::int64_t ask_qty) {
  return {bid, bid_qty, ask, ask_qty, 0, 1};
}

TEST(Decay, IsTheExponentialToTheLastFewBits) {
  for (Nanos elapsed = 0; elapsed < 40 * kSecond; elapsed += 37'777'777) {
    const double expected = std::exp(-static_cast<double>(elapsed) / 1e9);
    EXPECT_NEAR(decay_factor(elapsed, kSecond) / expected, 1.0, 1e-15) << elapsed;
  }
  EXPECT_EQ(decay_factor(0, kSecond), 1.0);
  EXPECT_EQ(decay_factor(-5, kSecond), 1.0);
  EXPECT_EQ(decay_factor(10'000 * kSecond, kSecond), 0.0);
  EXPECT_GT(decay_factor(699 * kSecond, kSecond), 0.0);
}

TEST(Signals, OfTheTouchFollowTheirDefinitions) {
  SignalSet signals;
  EXPECT_TRUE(std::isnan(signals.value(Signal::MID)));
  signals.on_top({}, touch(100, 30, 102, 10), kSecond);
  EXPECT_EQ(signals.value(Signal::MID), 101.0);
  EXPECT_EQ(signals.value(Signal::SPREAD), 2.0);
  EXPECT_EQ(signals.value(Signal::MICROPRICE), 101.5);
  EXPECT_EQ(signals.value(Signal::IMBALANCE), 0.5);
  signals.on_top(touch(100, 30, 102, 10), touch(kNoPrice, 0, 102, 10), kSecond);
  EXPECT_TRUE(std::isnan(signals.value(Signal::MICROPRICE)));
  EXPECT_EQ(signals.value(Signal::IMBALANCE), 0.0);
}

TEST(Signals, OrderFlowIsContKukanovStoikovs) {
  const auto flow = [](const Top& before, const Top& after) {
    SignalSet signals;
    signals.on_top(before, after, kSecond);
    return signals.value(Signal::ORDER_FLOW);
  };
  const auto base = touch(100, 30, 102, 10);
  EXPECT_EQ(flow(base, touch(100, 35, 102, 10)), 5.0) << "more bid at the same price";
  EXPECT_EQ(flow(base, touch(101, 7, 102, 10)), 7.0) << "a better bid counts whole";
  EXPECT_EQ(flow(base, touch(99, 50, 102, 10)), -30.0) << "the old bid is gone whole";
  EXPECT_EQ(flow(base, touch(100, 30, 102, 14)), -4.0) << "more ask is pressure down";
  EXPECT_EQ(flow(base, touch(100, 30, 101, 6)), -6.0);
  EXPECT_EQ(flow(base, touch(100, 30, 103, 6)), 10.0);
  EXPECT_EQ(flow(base, touch(kNoPrice, 0, 102, 10)), -30.0);
}

TEST(Signals, OrderFlowAndTradeFlowDecayByTheirTimeConstants) {
  SignalSet signals({.order_flow_tau = kSecond, .trade_flow_tau = 2 * kSecond});
  const auto base = touch(100, 30, 102, 10);
  signals.on_top(base, touch(100, 40, 102, 10), 0);
  signals.on_trade(8, Side::BUY, 0);
  signals.on_trade(2, Side::SELL, 0);
  signals.on_trade(100, Side::NONE, 0);
  EXPECT_EQ(signals.value(Signal::TRADE_FLOW), 6.0);
  EXPECT_EQ(signals.value(Signal::TRADE_RATE), 110.0);
  signals.on_top(base, base, kSecond);
  EXPECT_NEAR(signals.value(Signal::ORDER_FLOW), 10.0 * std::exp(-1.0), 1e-12);
  EXPECT_NEAR(signals.value(Signal::TRADE_FLOW), 6.0 * std::exp(-0.5), 1e-12);
}

TEST(Signals, VolatilityOfARandomWalkIsItsStandardDeviationWhateverTheSpacing) {
  for (const Nanos step : {kSecond / 10, kSecond, 4 * kSecond}) {
    SignalSet signals({.volatility_tau = 1000 * kSecond});
    const double sigma = 1e-4;  // per square root of a second
    double mid = 1e9;
    Top before;
    std::uint64_t random = 1;
    for (Nanos ts = step; ts < 20'000 * step; ts += step) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      const double sign = (random >> 63) != 0 ? 1.0 : -1.0;
      mid *= 1.0 + sign * sigma * std::sqrt(static_cast<double>(step) / 1e9);
      const auto px = static_cast<std::int64_t>(mid);
      const auto after = touch(px - 1, 1, px + 1, 1);
      signals.on_top(before, after, ts);
      before = after;
    }
    EXPECT_NEAR(signals.value(Signal::VOLATILITY), sigma, sigma * 0.01) << step;
  }
}

TEST(Signals, SavedStateContinuesBitForBit) {
  SignalSet one;
  const auto a = touch(100, 30, 102, 10);
  const auto b = touch(101, 30, 103, 10);
  one.on_top({}, a, 1000);
  one.on_top(a, b, 2000);
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  one.save(writer);
  SignalSet two;
  ByteReader reader(saved);
  ASSERT_TRUE(two.restore(reader));
  one.on_top(b, a, 3000);
  two.on_top(b, a, 3000);
  for (std::size_t i = 0; i < kSignals; ++i) EXPECT_EQ(one.values()[i], two.values()[i]);
  ByteReader cut{std::span(saved).first(saved.size() - 1)};
  EXPECT_FALSE(two.restore(cut));
  EXPECT_TRUE(std::isnan(two.value(Signal::MID)));
}

TEST(Signals, BadConfigurationIsRefused) {
  EXPECT_THROW(SignalSet({.order_flow_tau = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace pitwire
