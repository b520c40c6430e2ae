// Decimal texts by school arithmetic: digits in a string, divided one after the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace pitwire::testing {

/// A value as its digits and how many of them stand behind the point.
struct PlainDecimal {
  bool negative = false;
  std::string digits;  ///< no zeros in front; empty for 0
  int places = 0;

  /// `text` without its sign; one point at most, digits otherwise.
  static PlainDecimal of(std::string_view text, bool negative) {
    PlainDecimal out{negative, {}, 0};
    bool behind = false;
    for (const char c : text) {
      if (c == '.') {
        behind = true;
        continue;
      }
      if (c != '0' || !out.digits.empty()) out.digits += c;
      if (behind) ++out.places;
    }
    return out;
  }

  /// Divides by `by`, which is below 2^63; false where something remains.
  bool divide(std::uint64_t by) {
    __extension__ using Wide = unsigned __int128;
    std::string quotient;
    Wide rest = 0;
    for (const char c : digits) {
      rest = rest * 10 + static_cast<unsigned>(c - '0');
      const auto digit = static_cast<char>('0' + static_cast<int>(rest / by));
      if (digit != '0' || !quotient.empty()) quotient += digit;
      rest %= by;
    }
    digits = quotient;
    return rest == 0;
  }
};

/// How many times `mantissa` × 10^exponent the value is, where it is a whole number of times: the
/// digits of that, without its sign.
inline std::optional<std::string> times(PlainDecimal value, std::uint64_t mantissa, int exponent) {
  if (value.digits.empty()) return "";
  const int shift = -value.places - exponent;
  for (int k = 0; k < shift; ++k) value.digits += '0';
  for (int k = 0; k > shift; --k) {
    if (!value.divide(10)) return std::nullopt;
  }
  if (!value.divide(mantissa)) return std::nullopt;
  return value.digits;
}

/// Whether the digits are a number of at most 2^63 - 1.
inline bool fits_int64(const std::string& digits) {
  const std::string most = "9223372036854775807";
  return digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
}

/// A text that is a decimal, or nearly one; now and then far too long.
inline std::string random_decimal(std::mt19937_64& random) {
  std::string out;
  if (random() % 4 == 0) out += "-";
  for (auto n = random() % (random() % 16 == 0 ? 45 : 12); n > 0; --n) {
    out += static_cast<char>('0' + random() % 10);
  }
  if (random() % 4 != 0) out += ".";
  for (auto n = random() % 10; n > 0; --n) {
    out += static_cast<char>('0' + (random() % 3 == 0 ? random() % 10 : 0));
  }
  if (random() % 16 == 0) out.append(random() % 40, '0');
  if (random() % 16 == 0 && !out.empty()) out[random() % out.size()] = ".-+e x0"[random() % 7];
  return out;
}

}  // namespace pitwire::testing
