// Identities, time and the names that every room uses.
#pragma once

#include <cstdint>
#include <limits>
#include <utility>

#include "pitwire/records.hpp"

namespace pitwire {

/// Nanoseconds since 1970 UTC, or a duration within one clock.
using Nanos = std::int64_t;
inline constexpr Nanos kSecond = 1'000'000'000;
inline constexpr Nanos kMillisecond = 1'000'000;

// Dense numbers, append-only within a log, each kind a type of its own so that none is taken for
// another.
enum class InstrumentId : std::uint32_t {};
enum class StrategyId : std::uint32_t {};
enum class SessionId : std::uint32_t {};
enum class FeedId : std::uint32_t {};

/// "All of them" or "none of ours", wherever an id of this kind is expected.
inline constexpr std::uint32_t kNoId = std::numeric_limits<std::uint32_t>::max();

/// Position in a log: of a frame, strictly rising.
using Sequence = std::uint64_t;
/// start number << 32 | counter; 0 is none.
using ClOrdId = std::uint64_t;

/// The dense number itself, for indexing.
template <class Id>
[[nodiscard]] constexpr auto index(Id id) noexcept {
  return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace pitwire
