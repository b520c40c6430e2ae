// Exact decimals: text on the wire, int64 multiples of an increment inside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pitwire {

/// coefficient × 10^-scale, scale 0 to 18.
struct Decimal {
  std::int64_t coefficient = 0;
  std::int32_t scale = 0;
  bool operator==(const Decimal&) const = default;
};

enum class DecimalStatus : std::uint8_t {
  OK = 0,
  MALFORMED = 1,     ///< not `-?digits[.digits]`
  INEXACT = 2,       ///< no multiple of the increment
  OUT_OF_RANGE = 3,  ///< beyond int64 of the increment, or more digits than 128 bits hold
};

[[nodiscard]] std::string_view to_string(DecimalStatus status) noexcept;

inline constexpr std::int32_t kDecimalScaleMax = 18;

/// Text to Decimal; trailing zeros of the fraction are kept in the scale up to 18 places.
[[nodiscard]] DecimalStatus parse_decimal(std::string_view text, Decimal& out) noexcept;

/// The shortest text with exactly `scale` places.
[[nodiscard]] std::string to_string(const Decimal& value);

/// Converts between decimal text and multiples of one increment, exactly or not at all.
/// Never rounds; 128-bit inside. Accepts any number of trailing zeros.
class IncrementScale {
 public:
  /// Throws std::invalid_argument unless 0 < increment and 0 <= scale <= 18.
  explicit IncrementScale(Decimal increment);

  /// `out` = text ÷ increment; untouched unless OK.
  [[nodiscard]] DecimalStatus parse(std::string_view text, std::int64_t& out) const noexcept;
  /// count × increment with as many places as the increment has. Exact for every int64.
  [[nodiscard]] std::string format(std::int64_t count) const;
  /// count × increment as the nearest double; for signals and displays only.
  [[nodiscard]] double to_double(std::int64_t count) const noexcept;
  [[nodiscard]] Decimal increment() const noexcept { return increment_; }

 private:
  Decimal increment_;
};

}  // namespace pitwire
