// UTCTimestamp (FIX 4.4 vol. 1) ↔ nanoseconds since 1970.
#pragma once

#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// YYYYMMDD-HH:MM:SS with `digits` decimals of a second (0 to 9), truncated.
void append_timestamp(std::string& out, Nanos ts, int digits);
/// False where `text` is not such a time (0 to 9 decimals; second 60 is read as 59).
[[nodiscard]] bool parse_timestamp(std::string_view text, Nanos& ts) noexcept;

}  // namespace pitwire
