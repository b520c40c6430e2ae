// What our fills on each session come to: the ledger that a venue's position is compared with.
//
// PositionBook counts by strategy, whatever session an order went by; a venue knows its session (an
// account, a CompID) alone. One number per (session, instrument), exact, from the same fills.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

class SessionPositions {
 public:
  /// `signed_qty` in lots; sticks at the ends of int64.
  void add(SessionId session, InstrumentId instrument, std::int64_t signed_qty);
  /// 0 where nothing was ever traded.
  [[nodiscard]] std::int64_t net(SessionId session, InstrumentId instrument) const noexcept;

  void save(std::vector<std::byte>& out) const;
  /// False where the bytes are no saved ledger.
  [[nodiscard]] bool restore(std::span<const std::byte> in);

 private:
  std::vector<std::vector<std::int64_t>> net_;  ///< by session, by instrument
};

}  // namespace pitwire
