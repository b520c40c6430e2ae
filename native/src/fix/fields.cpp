#include "fields.hpp"

#include <charconv>
#include <cstring>

namespace pitwire {
namespace {

// Length field → the data field that follows it (FIX 4.4 vol. 6).
constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 16> kDataFields{{{90, 91},
                                                                               {93, 89},
                                                                               {95, 96},
                                                                               {212, 213},
                                                                               {348, 349},
                                                                               {350, 351},
                                                                               {352, 353},
                                                                               {354, 355},
                                                                               {356, 357},
                                                                               {358, 359},
                                                                               {360, 361},
                                                                               {362, 363},
                                                                               {364, 365},
                                                                               {445, 446},
                                                                               {618, 619},
                                                                               {621, 622}}};

bool is_data_after(std::uint32_t length_tag, std::uint32_t tag) noexcept {
  for (const auto& [length, data] : kDataFields) {
    if (length == length_tag) return data == tag;
  }
  return false;
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
    fields_[count_++] = {tag, {value, static_cast<std::size_t>(close - value)}};
    at = close + 1;
  }
}

/// The SOH behind a value, or the message's end. A data field is as long as the field before says.
const char* FieldTable::end_of_value(std::uint32_t tag, const char* value,
                                     const char* end) const noexcept {
  const auto left = static_cast<std::size_t>(end - value);
  if (count_ > 0 && is_data_after(fields_[count_ - 1].tag, tag)) {
    const std::uint64_t length = to_number(fields_[count_ - 1].value);
    if (length < left) return value + length;
  }
  const void* const close = std::memchr(value, '\x01', left);
  return close == nullptr ? end : static_cast<const char*>(close);
}

std::string_view FieldTable::operator[](std::uint32_t tag) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fields_[i].tag == tag) return fields_[i].value;
  }
  return {};
}

bool FieldTable::has(std::uint32_t tag) const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fields_[i].tag == tag) return true;
  }
  return false;
}

std::uint64_t FieldTable::number(std::uint32_t tag) const noexcept {
  return to_number((*this)[tag]);
}

}  // namespace pitwire
