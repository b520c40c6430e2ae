// Exact decimals at the edge: the text of FIX fields ↔ whole multiples of an increment.
//
// No float is involved in either direction. A value that is not a whole multiple, that does not
// fit 64 bits, or that is not a FIX float (digits, one optional sign, one optional point) is an
// error of its own kind, so that the caller can say which.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pitwire {

/// An increment as an exact decimal: mantissa × 10^exponent, mantissa > 0, exponent in [-18, 18].
struct DecimalStep {
  std::int64_t mantissa = 1;
  std::int8_t exponent = 0;
  bool operator==(const DecimalStep&) const = default;
};

enum class DecimalError : std::uint8_t { NONE = 0, SYNTAX = 1, NOT_A_MULTIPLE = 2, OVERFLOW = 3 };

/// What a text meant; `count` is 0 unless `error` is NONE.
struct DecimalResult {
  std::int64_t count = 0;
  DecimalError error = DecimalError::NONE;
};

/// Parses a configuration text such as "0.0001". Throws std::invalid_argument with the text and
/// the reason when it is not a positive decimal within the ranges of DecimalStep.
[[nodiscard]] DecimalStep parse_decimal_step(std::string_view text);

/// How many steps `text` is, exactly.
[[nodiscard]] DecimalResult parse_multiple(std::string_view text, DecimalStep step) noexcept;

/// As parse_multiple, but a remainder is rounded away from zero: for fees, where the venue may
/// state more digits than the settlement currency has, and understating a cost is the worse error.
[[nodiscard]] DecimalResult parse_rounded_away(std::string_view text, DecimalStep step) noexcept;

/// `count` steps as a plain decimal, as many decimals as the step has ("101.50" for 10150 × 0.01).
void append_multiple(std::string& out, std::int64_t count, DecimalStep step);

/// As append_multiple, with exactly so many decimals (-1: as the step has). False, and nothing
/// written, where the value has more.
[[nodiscard]] bool append_decimals(std::string& out, std::int64_t count, DecimalStep step,
                                   int decimals);

/// What the error is called in an event.
[[nodiscard]] const char* text_of(DecimalError error) noexcept;

}  // namespace pitwire
