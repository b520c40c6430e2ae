#include "fix_gap_fill.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr char kSoh = '\x01';

/// Who speaks to whom, the number and the time; not MsgType, PossDup or what is the order's own.
bool is_kept(std::string_view tag) {
  static constexpr std::array<std::string_view, 14> kTags = {
      "34", "49", "50", "52", "56", "57", "115", "116", "128", "129", "142", "143", "144", "145"};
  return std::ranges::find(kTags, tag) != kTags.end();
}

}  // namespace

std::string gap_fill_for(std::string_view message) {
  std::string body = "35=4";
  body += kSoh;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = std::min(message.find(kSoh, at), message.size());
    const std::string_view field = message.substr(at, end - at);
    if (is_kept(field.substr(0, field.find('=')))) (body += field) += kSoh;
    at = end + 1;
  }
  const std::string_view number = fix_field(message, "34");
  std::uint64_t msg_seq_num = 0;
  std::from_chars(number.data(), number.data() + number.size(), msg_seq_num);
  ((body += "123=Y") += kSoh) += "36=" + std::to_string(msg_seq_num + 1) + kSoh;
  std::string out = "8=" + std::string(fix_field(message, "8")) + kSoh;
  out += "9=" + std::to_string(body.size()) + kSoh + body;
  std::array<char, 16> trailer;
  std::snprintf(trailer.data(), trailer.size(), "10=%03u\x01", fix_check_sum(out));
  return out + trailer.data();
}

}  // namespace pitwire
