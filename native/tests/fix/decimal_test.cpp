#include "pitwire/fix/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <regex>
#include <stdexcept>

#include "../plain_decimal.hpp"
#include "../rounds.hpp"
#include "pitwire/fix/symbology.hpp"

namespace pitwire {
namespace {

std::string shown(std::int64_t count, DecimalStep step) {
  std::string out;
  append_multiple(out, count, step);
  return out;
}

TEST(Decimal, reads_exact_multiples) {
  const DecimalStep cent{1, -2};
  EXPECT_EQ(parse_multiple("101.5", cent).count, 10'150);
  EXPECT_EQ(parse_multiple("-0.010000000000000000000000000000000000000000", cent).count, -1);
  EXPECT_EQ(parse_multiple("00012", cent).count, 1'200);
  EXPECT_EQ(parse_multiple(".5", cent).count, 50);
  EXPECT_EQ(parse_multiple("5.", cent).count, 500);
  EXPECT_EQ(parse_multiple("1000", {25, 1}).count, 4);
}

TEST(Decimal, says_what_is_wrong) {
  const DecimalStep cent{1, -2};
  for (const char* text : {"", "-", ".", "1.2.3", "1e5", "1,5", " 1", "NaN", "+-1", "0x10"}) {
    EXPECT_EQ(parse_multiple(text, cent).error, DecimalError::SYNTAX) << text;
  }
  EXPECT_EQ(parse_multiple("1.005", cent).error, DecimalError::NOT_A_MULTIPLE);
  EXPECT_EQ(parse_multiple("15", {1, 1}).error, DecimalError::NOT_A_MULTIPLE);
  EXPECT_EQ(parse_multiple("92233720368547758.07", cent).error, DecimalError::NONE);
  EXPECT_EQ(parse_multiple("92233720368547758.08", cent).error, DecimalError::OVERFLOW);
  EXPECT_EQ(parse_multiple(std::string(60, '9'), cent).error, DecimalError::OVERFLOW);
}

TEST(Decimal, a_fee_is_rounded_away_from_zero) {
  EXPECT_EQ(parse_rounded_away("0.00011", {1, -4}).count, 2);
  EXPECT_EQ(parse_rounded_away("-0.00011", {1, -4}).count, -2);
  EXPECT_EQ(parse_rounded_away("0.0002", {1, -4}).count, 2);
  EXPECT_EQ(parse_rounded_away("0.0000000000000000000000000000000000001", {1, 4}).count, 1);
}

TEST(Decimal, writes_plain_decimals) {
  EXPECT_EQ(shown(10'150, {1, -2}), "101.50");
  EXPECT_EQ(shown(-5, {1, -3}), "-0.005");
  EXPECT_EQ(shown(0, {1, -2}), "0.00");
  EXPECT_EQ(shown(3, {25, 2}), "7500");
  EXPECT_EQ(shown(std::numeric_limits<std::int64_t>::min(), {1, 0}), "-9223372036854775808");
}

TEST(Decimal, what_is_written_is_read_back) {
  constexpr std::uint64_t kSeed = 20'261'121;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    const DecimalStep step{static_cast<std::int64_t>(random() % 1000 + 1),
                           static_cast<std::int8_t>(static_cast<int>(random() % 13) - 9)};
    const auto count = static_cast<std::int64_t>(random()) >> (random() % 60 + 4);
    ASSERT_EQ(parse_multiple(shown(count, step), step).count, count)
        << "seed " << kSeed << " step " << step.mantissa << "e" << int{step.exponent};
  }
}

void expect_as_at_school(const std::string& text, DecimalStep step) {
  SCOPED_TRACE(text + " in " + std::to_string(step.mantissa) + "e" +
               std::to_string(int{step.exponent}));
  const auto read = parse_multiple(text, step);
  static const std::regex kGrammar("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)");
  if (!std::regex_match(text, kGrammar)) {
    // A number of too many digits may be refused for that before its end is seen.
    ASSERT_TRUE(read.error == DecimalError::SYNTAX ||
                (read.error == DecimalError::OVERFLOW && text.size() > 30));
    return;
  }
  const bool sign = text.front() == '-' || text.front() == '+';
  const bool negative = text.front() == '-';
  const auto value = testing::PlainDecimal::of(std::string_view(text).substr(sign), negative);
  const auto wanted =
      testing::times(value, static_cast<std::uint64_t>(step.mantissa), step.exponent);
  if (wanted && testing::fits_int64(*wanted)) {
    ASSERT_EQ(read.error, DecimalError::NONE);
    ASSERT_EQ(read.count, std::stoll((negative ? "-0" : "0") + *wanted));
  } else if (value.digits.size() < 20) {
    ASSERT_EQ(read.error, wanted ? DecimalError::OVERFLOW : DecimalError::NOT_A_MULTIPLE);
  } else {
    ASSERT_NE(read.error, DecimalError::SYNTAX);
    ASSERT_TRUE(read.error != DecimalError::NONE ||
                read.count == std::numeric_limits<std::int64_t>::min());
  }
}

TEST(Decimal, school_arithmetic_agrees) {
  testing::in_rounds(20'000, 20'000, [](std::uint64_t seed, std::uint64_t events) {
    std::mt19937_64 random(seed);
    for (std::uint64_t i = 0; i < events && !::testing::Test::HasFailure(); ++i) {
      const auto mantissa = random() % 3 == 0 ? random() % 1'000 + 1 : 1 + 4 * (random() % 2);
      expect_as_at_school(testing::random_decimal(random),
                          {static_cast<std::int64_t>(mantissa),
                           static_cast<std::int8_t>(static_cast<int>(random() % 12) - 9)});
    }
  });
}

TEST(DecimalStepText, is_a_positive_decimal) {
  EXPECT_EQ(parse_decimal_step("0.010"), (DecimalStep{1, -2}));
  EXPECT_EQ(parse_decimal_step("2500"), (DecimalStep{25, 2}));
  for (const char* text : {"0", "-1", "", "x", "0.0000000000000000001"}) {
    EXPECT_THROW((void)parse_decimal_step(text), std::invalid_argument) << text;
  }
}

TEST(Symbology, refuses_what_is_ambiguous) {
  FixSymbology symbols;
  symbols.add({InstrumentId{2}, "AAA", {1, -2}, {1, 0}, {1, -2}});
  EXPECT_THROW(symbols.add({InstrumentId{2}, "BBB", {}, {}, {}}), std::invalid_argument);
  EXPECT_THROW(symbols.add({InstrumentId{3}, "AAA", {}, {}, {}}), std::invalid_argument);
  EXPECT_THROW(symbols.add({InstrumentId{4}, "", {}, {}, {}}), std::invalid_argument);
  EXPECT_EQ(symbols.find("AAA")->id, InstrumentId{2});
  EXPECT_EQ(symbols.find("BBB"), nullptr);
  EXPECT_EQ(symbols.find(InstrumentId{3}), nullptr);
  EXPECT_EQ(symbols.find(InstrumentId{900}), nullptr);
}

}  // namespace
}  // namespace pitwire
