// What became of one market message.
#pragma once

#include <cstdint>
#include <string_view>

namespace pitwire {

/// The outcome of decoding and applying; OK and SKIPPED are the only quiet ones.
enum class DecodeStatus : std::uint8_t {
  OK = 0,
  SKIPPED = 1,          ///< well formed, but of an instrument or kind that nobody subscribed to
  TRUNCATED = 2,        ///< shorter than its type says
  MALFORMED = 3,        ///< not of the format; nothing of it was applied
  UNKNOWN_TYPE = 4,     ///< a type that the format's version does not have
  UNKNOWN_ORDER = 5,    ///< names an order that is not in the book
  DUPLICATE_ORDER = 6,  ///< adds a reference that is alive
  QTY_EXCEEDED = 7,     ///< takes more than the order has; the order was removed
  INEXACT = 8,          ///< a price or quantity that is no multiple of the instrument's increment
  OUT_OF_RANGE = 9,     ///< a number that does not fit, or is negative where it may not be
  STALE = 10,           ///< older than what was applied; nothing was changed
  BUFFERED = 11,        ///< kept until the snapshot arrives
  GAP = 12,             ///< something before this is missing; the book needs a snapshot
  NO_INSTRUMENT = 13,   ///< the instrument was never mapped
};

/// The name of the status, for messages and tables.
[[nodiscard]] constexpr std::string_view to_string(DecodeStatus status) noexcept {
  constexpr std::string_view kNames[] = {
      "OK",           "SKIPPED",       "TRUNCATED",       "MALFORMED",
      "UNKNOWN_TYPE", "UNKNOWN_ORDER", "DUPLICATE_ORDER", "QTY_EXCEEDED",
      "INEXACT",      "OUT_OF_RANGE",  "STALE",           "BUFFERED",
      "GAP",          "NO_INSTRUMENT"};
  return kNames[static_cast<std::uint8_t>(status)];
}

/// Number of values of DecodeStatus, for counters indexed by it.
inline constexpr std::size_t kDecodeStatuses = 14;

}  // namespace pitwire
