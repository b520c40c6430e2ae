// One instrument's market as strategies, gate and rules read it: plain numbers in one place, so
// that Python sees them through a memoryview without a call into C++.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Sixteen int64 and then eight doubles; `daemon/runtime/views.py` names the same indices.
struct alignas(64) MarketSlot {
  std::int64_t bid_px{};
  std::int64_t bid_qty{};  ///< 0 while there is no bid
  std::int64_t ask_px{};
  std::int64_t ask_qty{};  ///< 0 while there is no ask
  std::int64_t last_px{};
  std::int64_t last_qty{};
  std::int64_t last_aggressor{};  ///< Side
  Nanos ts_event{};               ///< venue's time of the newest update
  Nanos ts_core{};                ///< ts_core of the newest update
  std::int64_t updates{};         ///< book updates since the start of the log
  std::int64_t trades{};
  std::int64_t state{};    ///< BookState
  std::int64_t trading{};  ///< TradingState
  std::array<std::int64_t, 3> reserved{};
  std::array<double, 8> signals{};
};
static_assert(sizeof(MarketSlot) == 192);
static_assert(offsetof(MarketSlot, signals) == 128);

}  // namespace pitwire
