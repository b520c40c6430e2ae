#include "fields.hpp"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <memory>

namespace pitwire {
namespace {

/// The length field that stands before this data field (FIX 4.4 vol. 6); 0 for any other field.
constexpr std::uint32_t length_tag_of(std::uint32_t tag) noexcept {
  switch (tag) {
    case 89:
      return 93;
    case 91:
    case 96:
    case 213:
    case 349:
    case 351:
    case 353:
    case 355:
    case 357:
    case 359:
    case 361:
    case 363:
    case 365:
    case 446:
    case 619:
    case 622:
      return tag - 1;
    default:
      return 0;
  }
}

/// The next SOH, or `end`. Most values are shorter than 16 bytes, so that a call of memchr is most
/// of what it costs.
const char* next_soh(const char* at, const char* end) noexcept {
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\x01')));
    if (found != 0) return at + std::countr_zero(static_cast<unsigned>(found));
  }
  return std::find(at, end, '\x01');
}

std::uint64_t to_number(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

}  // namespace

FieldTable::FieldTable(std::string_view message) noexcept {
  const char* at = message.data();
  const char* const end = at + message.size();
  while (at < end) {
    if (count_ == kFieldsMax) {
      truncated_ = true;
      return;
    }
    std::uint32_t tag = 0;
    const char* equals = at;
    for (; equals < end && *equals >= '0' && *equals <= '9'; ++equals) {
      tag = tag * 10 + static_cast<std::uint32_t>(*equals - '0');
    }
    if (equals == end || *equals != '=' || equals - at > 9) {
      tag = 0;  // no number: kept as a field that nobody asks for
      equals = static_cast<const char*>(std::memchr(at, '=', static_cast<std::size_t>(end - at)));
      if (equals == nullptr) return;
    }
    const char* const value = equals + 1;
    const char* close = end_of_value(tag, value, end);
    add(tag, {value, static_cast<std::size_t>(close - value)});
    at = close + 1;
  }
}

void FieldTable::add(std::uint32_t tag, std::string_view value) noexcept {
  std::construct_at(reinterpret_cast<Field*>(room_.data()) + count_, Field{tag, value});
  ++count_;
  if (tag < kIndexed && place_[tag] == 0) place_[tag] = static_cast<std::uint16_t>(count_);
}

/// The SOH behind a value, or the message's end. A data field is as long as the field before says.
const char* FieldTable::end_of_value(std::uint32_t tag, const char* value,
                                     const char* end) const noexcept {
  const std::uint32_t length_tag = length_tag_of(tag);
  if (length_tag != 0 && count_ > 0 && fields()[count_ - 1].tag == length_tag) {
    const std::uint64_t length = to_number(fields()[count_ - 1].value);
    if (length < static_cast<std::size_t>(end - value)) return value + length;
  }
  return next_soh(value, end);
}

const FieldTable::Field* FieldTable::search(std::uint32_t tag) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fields()[i].tag == tag) return fields() + i;
  }
  return nullptr;
}

std::uint64_t FieldTable::number(std::uint32_t tag) const noexcept {
  return to_number((*this)[tag]);
}

}  // namespace pitwire
