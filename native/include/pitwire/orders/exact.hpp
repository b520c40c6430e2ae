// Exact arithmetic for money: 128-bit integers that report overflow, and named rounding.
#pragma once

#include <cstdint>
#include <limits>

namespace pitwire {

__extension__ using Int128 = __int128;

/// How a quotient that is no integer becomes one.
enum class Rounding : std::uint8_t {
  HALF_EVEN = 0,      ///< to nearest, ties to the even neighbour
  HALF_UP = 1,        ///< to nearest, ties away from zero
  TOWARDS_ZERO = 2,   ///< cut
  AWAY_FROM_ZERO = 3  ///< magnitude up
};

inline constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();

[[nodiscard]] constexpr Int128 magnitude(Int128 value) noexcept {
  return value < 0 ? -value : value;
}
[[nodiscard]] constexpr bool fits_int64(Int128 value) noexcept {
  return value >= kInt64Min && value <= kInt64Max;
}
/// The nearest int64.
[[nodiscard]] constexpr std::int64_t saturate(Int128 value) noexcept {
  if (value > kInt64Max) return kInt64Max;
  return value < kInt64Min ? kInt64Min : static_cast<std::int64_t>(value);
}

/// False, and `out` unspecified, on overflow of 128 bits.
[[nodiscard]] constexpr bool multiply(Int128 a, Int128 b, Int128& out) noexcept {
  return !__builtin_mul_overflow(a, b, &out);
}
[[nodiscard]] constexpr bool add(Int128 a, Int128 b, Int128& out) noexcept {
  return !__builtin_add_overflow(a, b, &out);
}

/// numerator / denominator by the named rule; denominator > 0.
[[nodiscard]] constexpr Int128 divide(Int128 numerator, Int128 denominator,
                                      Rounding rule) noexcept {
  const Int128 quotient = numerator / denominator;
  const Int128 rest = magnitude(numerator % denominator);
  if (rest == 0) return quotient;
  const Int128 away = numerator < 0 ? quotient - 1 : quotient + 1;
  const Int128 other = denominator - rest;
  switch (rule) {
    case Rounding::TOWARDS_ZERO:
      return quotient;
    case Rounding::AWAY_FROM_ZERO:
      return away;
    case Rounding::HALF_UP:
      return rest >= other ? away : quotient;
    case Rounding::HALF_EVEN:
      if (rest == other) return quotient % 2 == 0 ? quotient : away;
      return rest > other ? away : quotient;
  }
  return quotient;
}

/// value × part / whole rounded half-even, for 0 <= part <= whole and whole > 0, without ever
/// forming value × part: exact wherever |value| / whole × part fits, which |value| bounds.
[[nodiscard]] constexpr Int128 share_of(Int128 value, std::int64_t part,
                                        std::int64_t whole) noexcept {
  const Int128 rest = value % whole * part;
  const Int128 cut = value / whole * part + rest / whole;
  const Int128 fraction = magnitude(rest % whole);
  const Int128 other = whole - fraction;
  if (fraction < other || (fraction == other && cut % 2 == 0)) return cut;
  return value < 0 ? cut - 1 : cut + 1;
}

/// 10^exponent, exponent 0 to 38.
[[nodiscard]] constexpr Int128 power_of_ten(int exponent) noexcept {
  Int128 value = 1;
  for (int i = 0; i < exponent; ++i) value *= 10;
  return value;
}

}  // namespace pitwire
