#include "pitwire/market/decimal.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

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

}  // namespace
}  // namespace pitwire
