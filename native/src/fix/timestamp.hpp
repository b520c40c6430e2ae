// UTCTimestamp (FIX 4.4 vol. 1) ↔ nanoseconds since 1970.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// Writes YYYYMMDD-HH:MM:SS with `digits` decimals of a second (0 to 9), truncated. Remembers the
/// second it wrote last: date and time of day are worked out once a second, not once a message.
class TimestampText {
 public:
  void append(std::string& out, Nanos ts, int digits);

 private:
  Nanos second_ = -1;
  std::array<char, 17> text_{};
};
/// False where `text` is not such a time (0 to 9 decimals; second 60 is read as 59).
[[nodiscard]] bool parse_timestamp(std::string_view text, Nanos& ts) noexcept;

}  // namespace pitwire
