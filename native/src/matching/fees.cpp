#include "pitwire/matching/fees.hpp"

#include <limits>

namespace pitwire {
namespace {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;
constexpr Wide kWideMax = static_cast<Wide>(~static_cast<UnsignedWide>(0) >> 1);

/// a × b, saturating.
Wide times(Wide a, Wide b) noexcept {
  Wide product;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? kWideMax : -kWideMax;
}

Wide times_power(Wide value, int exponent) noexcept {
  for (; exponent > 0; --exponent) value = times(value, 10);
  return value;
}

/// Half away from zero; the divisor is positive.
Wide divide_rounded(Wide value, Wide divisor) noexcept {
  const Wide quotient = value / divisor;
  const Wide remainder = value % divisor;
  const Wide distance = remainder < 0 ? -remainder : remainder;
  if (distance < divisor - distance) return quotient;
  return value < 0 ? quotient - 1 : quotient + 1;
}

std::int64_t saturated(Wide value) noexcept {
  constexpr Wide kHigh = std::numeric_limits<std::int64_t>::max();
  // The lowest int64 says "no fee stated" in reports, so it is not reached.
  if (value > kHigh) return std::numeric_limits<std::int64_t>::max();
  if (value < -kHigh) return -std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::int64_t FeeSchedule::fee(std::int64_t px, std::int64_t qty, bool aggressor) const noexcept {
  const auto rate = aggressor ? taker_rate_e8 : maker_rate_e8;
  if (rate == 0) return 0;
  Wide above = times(times(qty, qty_increment.mantissa), times(multiplier.mantissa, rate));
  Wide below = 1;
  int exponent = qty_increment.exponent + multiplier.exponent - 8 - fee_exponent;
  const Wide price = times(px, price_increment.mantissa);
  if (product == ProductType::INVERSE) {
    below = price;
    exponent -= price_increment.exponent;
  } else {
    above = times(above, price);
    exponent += price_increment.exponent;
  }
  if (exponent > 0) above = times_power(above, exponent);
  if (exponent < 0) below = times_power(below, -exponent);
  return saturated(divide_rounded(above, below));
}

}  // namespace pitwire
