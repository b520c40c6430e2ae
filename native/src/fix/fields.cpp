#include "fields.hpp"

#include <charconv>

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
  std::size_t at = 0;
  while (at < message.size()) {
    if (count_ == kFieldsMax) {
      truncated_ = true;
      return;
    }
    const std::size_t equals = message.find('=', at);
    if (equals == std::string_view::npos) return;
    const auto tag = static_cast<std::uint32_t>(to_number(message.substr(at, equals - at)));
    std::size_t end = message.find('\x01', equals);
    if (count_ > 0 && is_data_after(fields_[count_ - 1].tag, tag)) {
      const std::uint64_t length = to_number(fields_[count_ - 1].value);
      if (length < message.size() - equals - 1) end = equals + 1 + length;
    }
    if (end == std::string_view::npos) end = message.size();
    fields_[count_++] = {tag, message.substr(equals + 1, end - equals - 1)};
    at = end + 1;
  }
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
