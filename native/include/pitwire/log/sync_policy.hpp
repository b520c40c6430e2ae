// Which frames ask the log's thread for a sync: the durability classes of the configuration.
#pragma once

#include <cstdint>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Who a frame belongs to, as the configuration's durability classes name them.
///
/// | family   | frames                                                                          |
/// |----------|---------------------------------------------------------------------------------|
/// | MARKET   | what feeds say and what follows from it, time, marks of turns, observations      |
/// | SESSIONS | what was said on a FIX session, by either side, and its numbers                  |
/// | ORDERS   | all others: requests, reports, states, operators, risk, the log's own definitions|
enum class SyncFamily : std::uint8_t { MARKET, SESSIONS, ORDERS };

[[nodiscard]] constexpr SyncFamily sync_family(RecordType type) noexcept {
  switch (type) {
    case RecordType::TIME:
    case RecordType::MARKET_DATAGRAM:
    case RecordType::MARKET_MESSAGE:
    case RecordType::FEED_STATUS:
    case RecordType::BOOK_STATE:
    case RecordType::BAR:
    case RecordType::TURN:
    case RecordType::TURN_END:
    case RecordType::ORDER_LATENCY:
    case RecordType::TURN_COST:
    case RecordType::COLLECTOR_RUN:
    case RecordType::HANDLER_COST:
      return SyncFamily::MARKET;
    case RecordType::FIX_RX:
    case RecordType::FIX_TX:
    case RecordType::FIX_STATE:
    case RecordType::FIX_EVENT:
    case RecordType::FIX_CONNECTION:
    case RecordType::TX_WRITTEN:
    case RecordType::TX_WITHHELD:
      return SyncFamily::SESSIONS;
    default:
      return SyncFamily::ORDERS;
  }
}

/// True: group-synced, or awaited, which is group-synced with somebody waiting. False: page cache.
struct SyncPolicy {
  bool market = true;
  bool orders = true;
  bool sessions = true;
  std::vector<bool> by_session = {};  ///< where one differs; frames' source is the index

  [[nodiscard]] bool asks(RecordType type, std::uint16_t source) const noexcept {
    switch (sync_family(type)) {
      case SyncFamily::MARKET:
        return market;
      case SyncFamily::SESSIONS:
        return source < by_session.size() ? by_session[source] : sessions;
      case SyncFamily::ORDERS:
        return orders;
    }
    return true;
  }
};

}  // namespace pitwire
