// What a venue charges for a trade, exactly.
#pragma once

#include <cstdint>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// mantissa × 10^exponent.
struct Scaled {
  std::int64_t mantissa = 1;
  int exponent = 0;
};

/// A share of the notional, in units of 10^`fee_exponent` of the settlement currency. Linear:
/// price × quantity × multiplier; inverse: quantity × multiplier ÷ price. Rounded half away from
/// zero. A negative rate is a rebate.
struct FeeSchedule {
  ProductType product = ProductType::LINEAR;
  Scaled price_increment;
  Scaled qty_increment;
  Scaled multiplier;
  int fee_exponent = -8;
  std::int64_t maker_rate_e8 = 0;  ///< in 1e-8 of the notional
  std::int64_t taker_rate_e8 = 0;

  /// The fee of one trade; saturates at the ends of int64 where it does not fit. `px` > 0 for
  /// inverse contracts.
  [[nodiscard]] std::int64_t fee(std::int64_t px, std::int64_t qty, bool aggressor) const noexcept;
};

}  // namespace pitwire
