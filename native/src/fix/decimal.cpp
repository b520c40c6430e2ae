#include "pitwire/fix/decimal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>

#include "append_decimal.hpp"
#include "int128.hpp"

namespace pitwire {
namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr int kDigitsMax = 37;  // what a 128-bit integer holds, with one digit to spare

struct Parsed {
  Int128 mantissa = 0;
  int exponent = 0;
  bool negative = false;
  DecimalError error = DecimalError::SYNTAX;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits of `text` into mantissa × 10^exponent; zeros at the end of the fraction are dropped, so
// that "1.500000000000000000000000" costs no range.
Parsed read_digits(std::string_view text, Parsed parsed) {
  bool point = false;
  int digits = 0;
  int zeros = 0;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (!is_digit(c)) return parsed;
    ++digits;
    if (c == '0' && point) {
      ++zeros;
      continue;
    }
    for (; zeros > 0; --zeros) {
      if (parsed.mantissa > (Int128{1} << 120) / 10) return {0, 0, false, DecimalError::OVERFLOW};
      parsed.mantissa *= 10;
      --parsed.exponent;
    }
    if (parsed.mantissa > (Int128{1} << 120) / 10) return {0, 0, false, DecimalError::OVERFLOW};
    parsed.mantissa = parsed.mantissa * 10 + (c - '0');
    if (point) --parsed.exponent;
  }
  if (digits > 0) parsed.error = DecimalError::NONE;
  return parsed;
}

Parsed read_decimal(std::string_view text) {
  Parsed parsed;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    parsed.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  return read_digits(text, parsed);
}

bool multiply_by_power(Int128& value, int power) {
  if (value == 0) return true;
  if (power > kDigitsMax) return false;
  for (; power > 0; --power) {
    if (value > (Int128{1} << 120) / 10) return false;
    value *= 10;
  }
  return true;
}

// 10^0 to 10^18, what an int64 holds.
constexpr auto kPowers = [] {
  std::array<std::int64_t, 19> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

// What nearly every number of a message is: at most 18 characters, digits and at most one point,
// and no more decimals than the step has, or zeros. `count` is left alone where it is not so.
bool divide_small(std::string_view text, DecimalStep step, std::int64_t& count) noexcept {
  if (text.empty() || text.size() >= kPowers.size()) return false;
  std::int64_t mantissa = 0;
  int decimals = -1;  // none before the point
  for (const char c : text) {
    if (is_digit(c)) {
      mantissa = mantissa * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
    } else if (c == '.' && decimals < 0) {
      decimals = 0;
    } else {
      return false;
    }
  }
  if (text.size() == 1 && decimals == 0) return false;  // a point alone
  const int power = -std::max(decimals, 0) - step.exponent;
  std::int64_t divisor = step.mantissa;
  const auto size = static_cast<std::size_t>(power < 0 ? -power : power);
  if (size >= kPowers.size()) return false;
  std::int64_t& grows = power < 0 ? divisor : mantissa;
  if (__builtin_mul_overflow(grows, kPowers[size], &grows)) return false;
  if (divisor == 1) {
    count = mantissa;
    return true;
  }
  if (mantissa % divisor != 0) return false;
  count = mantissa / divisor;
  return true;
}

DecimalResult divide(std::string_view text, DecimalStep step, bool round_away) noexcept {
  if (std::int64_t count = 0; divide_small(text, step, count)) return {count, DecimalError::NONE};
  Parsed parsed = read_decimal(text);
  if (parsed.error != DecimalError::NONE) return {0, parsed.error};
  Int128 divisor = step.mantissa;
  const int power = parsed.exponent - step.exponent;
  if (power >= 0 && !multiply_by_power(parsed.mantissa, power)) return {0, DecimalError::OVERFLOW};
  if (power < 0 && !multiply_by_power(divisor, -power)) {
    if (parsed.mantissa == 0) return {};
    return round_away ? DecimalResult{parsed.negative ? -1 : 1, DecimalError::NONE}
                      : DecimalResult{0, DecimalError::NOT_A_MULTIPLE};
  }
  Int128 count = parsed.mantissa / divisor;
  if (parsed.mantissa % divisor != 0) {
    if (!round_away) return {0, DecimalError::NOT_A_MULTIPLE};
    ++count;
  }
  if (count > kInt64Max) return {0, DecimalError::OVERFLOW};
  const auto result = static_cast<std::int64_t>(count);
  return {parsed.negative ? -result : result, DecimalError::NONE};
}

}  // namespace

DecimalStep parse_decimal_step(std::string_view text) {
  Parsed parsed = read_decimal(text);
  const std::string shown(text);
  if (parsed.error != DecimalError::NONE || parsed.negative || parsed.mantissa <= 0) {
    throw std::invalid_argument("increment \"" + shown + "\" is not a positive decimal");
  }
  while (parsed.mantissa % 10 == 0) {
    parsed.mantissa /= 10;
    ++parsed.exponent;
  }
  if (parsed.mantissa > kInt64Max || parsed.exponent < -18 || parsed.exponent > 18) {
    throw std::invalid_argument("increment \"" + shown + "\" is outside 10^-18 to 10^18");
  }
  return {static_cast<std::int64_t>(parsed.mantissa), static_cast<std::int8_t>(parsed.exponent)};
}

DecimalResult parse_multiple(std::string_view text, DecimalStep step) noexcept {
  return divide(text, step, false);
}

DecimalResult parse_rounded_away(std::string_view text, DecimalStep step) noexcept {
  return divide(text, step, true);
}

namespace {

// What nearly every number is: 64 bits, written without dividing 128.
void append_small(std::string& out, std::int64_t value, int exponent) {
  std::array<char, 24> text;
  const auto whole =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const auto* const end = std::to_chars(text.data(), text.data() + text.size(), whole).ptr;
  const std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
  const auto decimals = static_cast<std::size_t>(std::max(-exponent, 0));
  if (value < 0) out += '-';
  if (decimals == 0) {
    out += digits;
    if (value != 0) out.append(static_cast<std::size_t>(exponent), '0');
  } else if (digits.size() > decimals) {
    out += digits.substr(0, digits.size() - decimals);
    out += '.';
    out += digits.substr(digits.size() - decimals);
  } else {
    out += "0.";
    out.append(decimals - digits.size(), '0');
    out += digits;
  }
}

}  // namespace

void append_decimal(std::string& out, Int128 value, int exponent) {
  if (const auto small = static_cast<std::int64_t>(value); small == value) {
    return append_small(out, small, exponent);
  }
  const bool negative = value < 0;
  Uint128 rest = negative ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
  char text[64];
  char* const end = text + sizeof text;
  char* at = end;
  int decimals = exponent < 0 ? -exponent : 0;
  while (rest != 0 || at == end || decimals >= 0) {
    if (decimals == 0 && exponent < 0 && at != end) *--at = '.';
    --decimals;
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (rest == 0 && decimals < 0) break;
  }
  if (negative) *--at = '-';
  out.append(at, end);
  if (exponent > 0 && value != 0) out.append(static_cast<std::size_t>(exponent), '0');
}

void append_multiple(std::string& out, std::int64_t count, DecimalStep step) {
  append_decimal(out, Int128{count} * step.mantissa, step.exponent);
}

bool append_decimals(std::string& out, std::int64_t count, DecimalStep step, int decimals) {
  Int128 value = Int128{count} * step.mantissa;
  int exponent = +step.exponent;
  for (; decimals >= 0 && exponent < -decimals; ++exponent) {
    if (value % 10 != 0) return false;
    value /= 10;
  }
  for (; decimals >= 0 && exponent > -decimals; --exponent) {
    if (value > (Int128{1} << 122) / 10 || value < -((Int128{1} << 122) / 10)) return false;
    value *= 10;
  }
  append_decimal(out, value, exponent);
  return true;
}

const char* text_of(DecimalError error) noexcept {
  switch (error) {
    case DecimalError::NONE:
      return "fine";
    case DecimalError::SYNTAX:
      return "not a decimal";
    case DecimalError::NOT_A_MULTIPLE:
      return "not a multiple of the increment";
    case DecimalError::OVERFLOW:
      return "out of range";
  }
  return "unknown";
}

}  // namespace pitwire
