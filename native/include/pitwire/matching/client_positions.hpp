// What each client of a venue holds: the sums of the venue's own record of trades.
#pragma once

#include <cstdint>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// One instrument of a client. `last_px` is the price of its last trade, 0 where it is not known.
struct ClientPosition {
  InstrumentId instrument{};
  std::int64_t net_qty = 0;
  std::int64_t last_px = 0;
  bool operator==(const ClientPosition&) const = default;
};

class ClientPositions {
 public:
  void add(SessionId session, InstrumentId instrument, std::int64_t signed_qty, std::int64_t px);
  /// What is not flat, of one instrument or (kNoId) of all, by rising id.
  [[nodiscard]] std::vector<ClientPosition> held(SessionId session, std::uint32_t instrument) const;

 private:
  std::vector<std::vector<ClientPosition>> by_session_;  ///< by session, by instrument
};

}  // namespace pitwire
