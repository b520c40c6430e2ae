#include "pitwire/market/decimal.hpp"

#include <gtest/gtest.h>

#include <regex>
#include <stdexcept>

#include "../plain_decimal.hpp"
#include "../rounds.hpp"

namespace pitwire {
namespace {

std::int64_t parsed(const char* text, Decimal increment) {
  std::int64_t out = -1;
  EXPECT_EQ(IncrementScale(increment).parse(text, out), DecimalStatus::OK) << text;
  return out;
}

DecimalStatus status_of(std::string_view text, Decimal increment) {
  std::int64_t out = 77;
  const auto status = IncrementScale(increment).parse(text, out);
  if (status != DecimalStatus::OK) {
    EXPECT_EQ(out, 77) << "touched on " << text;
  }
  return status;
}

TEST(Decimal, PaddingNeverMattersToTheValue) {
  EXPECT_EQ(parsed("2683.80000000", {1, 2}), 268380);
  EXPECT_EQ(parsed("0.10", {5, 2}), 2);
  EXPECT_EQ(parsed("-1.5", {5, 1}), -3);
  EXPECT_EQ(parsed("7", {1, 3}), 7000);
  EXPECT_EQ(parsed("1.00000000000000000000000000000000000000000", {1, 0}), 1);
}

TEST(Decimal, InexactIsRefusedNotRounded) {
  EXPECT_EQ(status_of("0.015", {1, 2}), DecimalStatus::INEXACT);
  EXPECT_EQ(status_of("0.03", {2, 2}), DecimalStatus::INEXACT);
}

TEST(Decimal, LimitsOfInt64AreReachedAndNotPassed) {
  EXPECT_EQ(parsed("9223372036854775807", {1, 0}), INT64_MAX);
  EXPECT_EQ(parsed("-9223372036854775808", {1, 0}), INT64_MIN);
  EXPECT_EQ(status_of("9223372036854775808", {1, 0}), DecimalStatus::OUT_OF_RANGE);
  EXPECT_EQ(status_of("-9223372036854775809", {1, 0}), DecimalStatus::OUT_OF_RANGE);
  EXPECT_EQ(status_of(std::string(39, '9'), {1, 0}), DecimalStatus::OUT_OF_RANGE);
  EXPECT_EQ(status_of(std::string(38, '9'), {1, 18}), DecimalStatus::OUT_OF_RANGE);
  EXPECT_EQ(parsed("92233720368547758070", {10, 0}), INT64_MAX);
}

TEST(Decimal, WhatIsNoDecimalIsMalformed) {
  for (const char* text :
       {"", "-", ".", "1.", ".5", "1e5", "+1", " 1", "1 ", "1.2.3", "0x1", "NaN"}) {
    EXPECT_EQ(status_of(text, {1, 2}), DecimalStatus::MALFORMED) << text;
  }
}

TEST(Decimal, TextOfACountReadsBackAsTheCount) {
  const std::uint64_t seed = 20260101;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const auto scale = static_cast<std::int32_t>(random() % 19);
    const IncrementScale increment({static_cast<std::int64_t>(random() % 10'000'000) + 1, scale});
    const auto count = static_cast<std::int64_t>(random()) >> (random() % 64);
    std::int64_t back = 0;
    const auto text = increment.format(count);
    if (text.size() > 38) continue;  // more digits than 128 bits promise
    ASSERT_EQ(increment.parse(text, back), DecimalStatus::OK) << text << " seed " << seed;
    ASSERT_EQ(back, count) << text << " seed " << seed;
  }
}

TEST(Decimal, KeepsTheScaleItWasWrittenIn) {
  Decimal out;
  ASSERT_EQ(parse_decimal("0.0100", out), DecimalStatus::OK);
  EXPECT_EQ(out, (Decimal{100, 4}));
  EXPECT_EQ(to_string(out), "0.0100");
  EXPECT_EQ(to_string(Decimal{-5, 3}), "-0.005");
  EXPECT_EQ(to_string(Decimal{INT64_MIN, 0}), "-9223372036854775808");
}

TEST(Decimal, IncrementsThatMakeNoSenseAreRefused) {
  EXPECT_THROW(IncrementScale({0, 2}), std::invalid_argument);
  EXPECT_THROW(IncrementScale({-1, 2}), std::invalid_argument);
  EXPECT_THROW(IncrementScale({1, 19}), std::invalid_argument);
}

/// What became of a text is what school arithmetic makes of it.
void expect_as_at_school(const std::string& text, Decimal increment) {
  SCOPED_TRACE(text + " in " + to_string(increment));
  std::int64_t count = 77;
  const auto status = IncrementScale(increment).parse(text, count);
  static const std::regex kGrammar("-?[0-9]+(\\.[0-9]+)?");
  if (!std::regex_match(text, kGrammar)) {
    ASSERT_EQ(status, DecimalStatus::MALFORMED);
    return;
  }
  const bool negative = text.front() == '-';
  const auto value = testing::PlainDecimal::of(std::string_view(text).substr(negative), negative);
  const auto wanted =
      testing::times(value, static_cast<std::uint64_t>(increment.coefficient), -increment.scale);
  if (wanted && testing::fits_int64(*wanted)) {
    ASSERT_EQ(status, DecimalStatus::OK);
    ASSERT_EQ(count, std::stoll((negative ? "-0" : "0") + *wanted));
  } else if (value.digits.size() < 20) {
    ASSERT_EQ(status, wanted ? DecimalStatus::OUT_OF_RANGE : DecimalStatus::INEXACT);
  } else {
    ASSERT_TRUE(status == DecimalStatus::OUT_OF_RANGE || status == DecimalStatus::INEXACT ||
                (status == DecimalStatus::OK && count == INT64_MIN));
  }
}

TEST(Decimal, SchoolArithmeticAgrees) {
  testing::in_rounds(20'000, 20'000, [](std::uint64_t seed, std::uint64_t events) {
    std::mt19937_64 random(seed);
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      const auto coefficient = random() % 3 == 0 ? random() % 10'000 + 1 : 1 + 4 * (random() % 2);
      expect_as_at_school(
          testing::random_decimal(random),
          {static_cast<std::int64_t>(coefficient), static_cast<std::int32_t>(random() % 10)});
    }
  });
}

}  // namespace
}  // namespace pitwire
