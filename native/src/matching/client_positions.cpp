#include "pitwire/matching/client_positions.hpp"

namespace pitwire {

void ClientPositions::add(SessionId session, InstrumentId instrument, std::int64_t signed_qty,
                          std::int64_t px) {
  if (by_session_.size() <= index(session)) by_session_.resize(index(session) + 1);
  auto& positions = by_session_[index(session)];
  while (positions.size() <= index(instrument)) {
    positions.push_back({InstrumentId{static_cast<std::uint32_t>(positions.size())}, 0, 0});
  }
  auto& position = positions[index(instrument)];
  position.net_qty += signed_qty;
  position.last_px = px;
}

std::vector<ClientPosition> ClientPositions::held(SessionId session,
                                                  std::uint32_t instrument) const {
  std::vector<ClientPosition> out;
  if (index(session) >= by_session_.size()) return out;
  for (const auto& position : by_session_[index(session)]) {
    const bool wanted = instrument == kNoId || instrument == index(position.instrument);
    if (wanted && position.net_qty != 0) out.push_back(position);
  }
  return out;
}

}  // namespace pitwire
