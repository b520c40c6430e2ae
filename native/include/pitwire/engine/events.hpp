// What the native phase has to tell the Python phase, in the order in which it happened.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// One kind, one row in `daemon/runtime/events.py`, which says what `values` hold.
enum class EventKind : std::uint8_t {
  BOOK = 0,
  TRADE = 1,
  BAR = 2,
  TIMER = 3,
  ORDER = 4,
  FILL = 5,
  DENIED = 6,
  CANCEL_REJECTED = 7,
  SESSION = 8,
  BOOK_STATE = 9,
  WORKER_RESULT = 10,
  OPERATOR = 11,
  KILLED = 12,
  SNAPSHOT_WANTED = 13,
  RISK_STATE = 14,
  EXECUTION_UNMATCHED = 15,
  RULE_STATE = 16,
  CONNECTION = 17,
  STATUS_ANSWERED = 18,
  EPOCH = 19,
  VENUE_POSITION = 20,
  POSITIONS_ANSWERED = 21,
  TRIGGER = 22,
  KERNEL = 23,
  CONTINGENCY = 24,
  MASS_STATUS = 25,
  LOG_SHORTER = 26,
};

/// Where in `values` an event about an order (ORDER, FILL, DENIED, CANCEL_REJECTED) has the place
/// of its record in the log.
inline constexpr std::size_t kEventSequence = 12;
inline constexpr std::size_t kEventTs = 13;

/// An event for one strategy, or for the daemon's own actors (strategy kNoId).
struct Event {
  EventKind kind{};
  std::uint32_t strategy = kNoId;
  std::uint32_t instrument = kNoId;
  std::array<std::int64_t, 14> values{};
  std::string text;
};

}  // namespace pitwire
