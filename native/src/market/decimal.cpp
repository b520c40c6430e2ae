#include "pitwire/market/decimal.hpp"

#include <limits>
#include <stdexcept>

namespace pitwire {
namespace {

// __extension__: 128-bit integers are not ISO C++, and -Wpedantic says so.
__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;
// 38 digits fit in 128 bits whatever they are.
constexpr int kDigitsMax = 38;

constexpr Wide power_of_ten(int exponent) noexcept {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

/// Digits of a decimal text without sign, point, and trailing zeros of the fraction.
struct Parsed {
  Wide digits = 0;
  int places = 0;
  bool negative = false;
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Where the last fraction digit that is not zero ends, so that padding costs no precision.
std::string_view without_padding(std::string_view fraction) noexcept {
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  return fraction;
}

bool all_digits(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

bool append(Parsed& parsed, std::string_view digits, int& significant) noexcept {
  for (const char c : digits) {
    if (significant > 0 || c != '0') ++significant;
    if (significant > kDigitsMax) return false;
    parsed.digits = parsed.digits * 10 + static_cast<unsigned>(c - '0');
  }
  return true;
}

DecimalStatus parse_text(std::string_view text, Parsed& out, bool keep_padding) noexcept {
  if (!text.empty() && text.front() == '-') {
    out.negative = true;
    text.remove_prefix(1);
  }
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty())) {
    return DecimalStatus::MALFORMED;
  }
  if (!all_digits(whole) || !all_digits(fraction)) return DecimalStatus::MALFORMED;
  if (!keep_padding || fraction.size() > static_cast<std::size_t>(kDecimalScaleMax)) {
    fraction = without_padding(fraction);
  }
  int significant = 0;
  if (!append(out, whole, significant) || !append(out, fraction, significant)) {
    return DecimalStatus::OUT_OF_RANGE;
  }
  out.places = static_cast<int>(fraction.size());
  return DecimalStatus::OK;
}

/// ±magnitude as int64; false if it does not fit.
bool narrow(Wide magnitude, bool negative, std::int64_t& out) noexcept {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) return false;
  const auto bits = static_cast<std::uint64_t>(magnitude);
  out = static_cast<std::int64_t>(negative ? ~bits + 1 : bits);
  return true;
}

std::string format(Wide magnitude, bool negative, int scale) {
  std::string text;
  for (int place = 0; magnitude != 0 || place <= scale; ++place) {
    if (place == scale && scale != 0) text.push_back('.');
    text.push_back(static_cast<char>('0' + static_cast<int>(magnitude % 10)));
    magnitude /= 10;
  }
  if (negative) text.push_back('-');
  return {text.rbegin(), text.rend()};
}

/// |value| of any int64, its minimum included.
std::uint64_t magnitude_of(std::int64_t value) noexcept {
  const auto bits = static_cast<std::uint64_t>(value);
  return value < 0 ? ~bits + 1 : bits;
}

}  // namespace

std::string_view to_string(DecimalStatus status) noexcept {
  constexpr std::string_view kNames[] = {"OK", "MALFORMED", "INEXACT", "OUT_OF_RANGE"};
  return kNames[static_cast<std::uint8_t>(status)];
}

DecimalStatus parse_decimal(std::string_view text, Decimal& out) noexcept {
  Parsed parsed;
  const auto status = parse_text(text, parsed, true);
  if (status != DecimalStatus::OK) return status;
  if (parsed.places > kDecimalScaleMax) return DecimalStatus::OUT_OF_RANGE;
  std::int64_t coefficient = 0;
  if (!narrow(parsed.digits, parsed.negative, coefficient)) return DecimalStatus::OUT_OF_RANGE;
  out = {coefficient, parsed.places};
  return DecimalStatus::OK;
}

std::string to_string(const Decimal& value) {
  return format(magnitude_of(value.coefficient), value.coefficient < 0, value.scale);
}

IncrementScale::IncrementScale(Decimal increment) : increment_(increment) {
  if (increment.coefficient <= 0 || increment.scale < 0 || increment.scale > kDecimalScaleMax) {
    throw std::invalid_argument("increment " + std::to_string(increment.coefficient) + "e-" +
                                std::to_string(increment.scale) +
                                ": expected a positive number of at most 18 places");
  }
}

DecimalStatus IncrementScale::parse(std::string_view text, std::int64_t& out) const noexcept {
  Parsed parsed;
  const auto status = parse_text(text, parsed, false);
  if (status != DecimalStatus::OK) return status;
  auto digits = parsed.digits;
  if (parsed.places > increment_.scale) return DecimalStatus::INEXACT;  // its last place is not 0
  const auto shift = power_of_ten(increment_.scale - parsed.places);
  if (digits > ~Wide{0} / shift) return DecimalStatus::OUT_OF_RANGE;
  digits *= shift;
  const auto coefficient = static_cast<Wide>(increment_.coefficient);
  if (digits <= std::numeric_limits<std::uint64_t>::max()) {  // nearly always; 128 bits are slow
    const auto narrow_digits = static_cast<std::uint64_t>(digits);
    const auto divisor = static_cast<std::uint64_t>(increment_.coefficient);
    if (narrow_digits % divisor != 0) return DecimalStatus::INEXACT;
    digits = narrow_digits / divisor;
  } else {
    if (digits % coefficient != 0) return DecimalStatus::INEXACT;
    digits /= coefficient;
  }
  return narrow(digits, parsed.negative, out) ? DecimalStatus::OK : DecimalStatus::OUT_OF_RANGE;
}

std::string IncrementScale::format(std::int64_t count) const {
  const auto magnitude =
      static_cast<Wide>(magnitude_of(count)) * static_cast<Wide>(increment_.coefficient);
  return pitwire::format(magnitude, count < 0, increment_.scale);
}

double IncrementScale::to_double(std::int64_t count) const noexcept {
  const auto product = static_cast<SignedWide>(count) * increment_.coefficient;
  return static_cast<double>(product) / static_cast<double>(power_of_ten(increment_.scale));
}

}  // namespace pitwire
