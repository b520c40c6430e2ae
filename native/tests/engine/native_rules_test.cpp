// When a rule or trigger fires; `tests/strategy/test_kernels.py` asks the simulation the same.
#include "pitwire/engine/native_rules.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace pitwire {
namespace {

/// The places at which a trigger at 10 fires, one value a second.
std::vector<std::size_t> fired(Comparison comparison, const std::vector<double>& values,
                               Nanos cooldown_ns = 0) {
  NativeRule rule;
  rule.comparison = comparison;
  rule.threshold = 10;
  rule.cooldown_ns = cooldown_ns;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto now = static_cast<Nanos>(i + 1) * kSecond;
    if (!rule.crossed(values[i], now)) continue;
    rule.quiet_until = now + rule.cooldown_ns;
    out.push_back(i);
  }
  return out;
}

using Places = std::vector<std::size_t>;

TEST(NativeRules, FireWhenTheSignalGoesBeyond) {
  EXPECT_EQ(fired(Comparison::ABOVE, {11, 12, 10, 11, NAN, 11}), (Places{0, 3, 5}));
  EXPECT_EQ(fired(Comparison::BELOW, {9, 8, 10, 9, 11, 9}), (Places{0, 3, 5}));
}

TEST(NativeRules, CrossingNeedsASideToComeFromAndSkipsTheThresholdAndNaN) {
  EXPECT_EQ(fired(Comparison::CROSSES, {11, 12, 9, 8, 11}), (Places{2, 4}));
  EXPECT_EQ(fired(Comparison::CROSSES, {9, 10, 9, 10, 11}), (Places{4}));
  EXPECT_EQ(fired(Comparison::CROSSES, {NAN, 9, NAN, 11, NAN, 11}), (Places{3}));
}

TEST(NativeRules, AreQuietForTheirCooldown) {
  EXPECT_EQ(fired(Comparison::CROSSES, {9, 11, 9, 11, 9, 11}, 2 * kSecond), (Places{1, 3, 5}));
}

TEST(NativeRules, SavedStateKnowsTheSideThatItCameFrom) {
  NativeRule rule;
  rule.name = "x";
  rule.comparison = Comparison::CROSSES;
  rule.threshold = 10;
  EXPECT_FALSE(rule.crossed(9, 1));
  std::vector<std::byte> saved;
  ByteWriter writer(saved);
  rule.save(writer);
  ByteReader reader(saved);
  NativeRule restored = NativeRule::restored(reader);
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_TRUE(restored.crossed(11, 2));
}

}  // namespace
}  // namespace pitwire
