// What every decoder of reports does with a field.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace pitwire {

template <std::size_t N>
void copy_text(std::array<char, N>& to, std::string_view from) {
  std::copy_n(from.data(), std::min(from.size(), N - 1), to.data());
}

// Collects what could not be read: "31=10x (not a decimal); ".
inline void add_defect(std::string& defects, std::uint32_t tag, std::string_view value,
                       std::string_view why) {
  defects += std::to_string(tag);
  defects += '=';
  defects += value;
  defects += " (";
  defects += why;
  defects += "); ";
}

}  // namespace pitwire
