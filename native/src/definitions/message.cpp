#include "message.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <utility>
#include <vector>

#include "pitwire/wire/fix_framer.hpp"

namespace pitwire {
namespace {

constexpr char kSoh = '\x01';
constexpr std::string_view kLengthStart = "\x01\x39=";        // 9=
constexpr std::string_view kCheckSumStart = "\x01\x31\x30=";  // 10=

std::string timestamp(Nanos ts) {
  const std::time_t seconds = ts / kSecond;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H:%M:%S", &parts);
  return text;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

/// Without BodyLength and CheckSum.
Fields compared_fields(std::string_view message) {
  Fields fields;
  while (!message.empty()) {
    const std::string_view field = message.substr(0, message.find(kSoh));
    message.remove_prefix(std::min(field.size() + 1, message.size()));
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view tag = field.substr(0, equals);
    if (tag == "9" || tag == "10") continue;
    fields.emplace_back(tag, field.substr(std::min(equals + 1, field.size())));
  }
  return fields;
}

bool is_whole(std::string_view message) {
  FixFramer framer(message.size() + 64);
  std::ranges::copy(message, framer.space().begin());
  framer.received(message.size());
  return framer.next().message == message;
}

}  // namespace

std::string shown(std::string_view message) {
  std::string text(message);
  std::ranges::replace(text, kSoh, '|');
  return text;
}

std::string with_times(std::string_view text, Nanos now) {
  static const std::regex time("<TIME([+-]\\d+)?>");
  const std::string whole(text);
  std::string out;
  auto at = whole.begin();
  for (std::sregex_iterator found(whole.begin(), whole.end(), time), last; found != last; ++found) {
    out.append(at, (*found)[0].first);
    const Nanos offset = (*found)[1].matched ? std::stoll((*found)[1]) * kSecond : 0;
    out += timestamp(now + offset);
    at = (*found)[0].second;
  }
  return out.append(at, whole.end());
}

std::string framed(std::string message) {
  if (!message.starts_with("8=")) return message;
  const std::size_t body = message.find(kSoh) + 1;
  if (body == 0) return message;
  if (message.find(kLengthStart) == message.npos) {
    const std::size_t trailer = message.rfind(kCheckSumStart);
    const std::size_t end = trailer == message.npos ? message.size() : trailer + 1;
    message.insert(body, "9=" + std::to_string(end - body) + kSoh);
  }
  if (message.find(kCheckSumStart) == message.npos) {
    char trailer[16];
    std::snprintf(trailer, sizeof trailer, "10=%03u\x01", fix_check_sum(message));
    message += trailer;
  }
  return message;
}

std::string difference(std::string_view expected, std::string_view found,
                       const FieldPatterns& patterns) {
  const Fields wanted = compared_fields(expected), got = compared_fields(found);
  for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
    const auto& [tag, value] = got[i];
    const std::string found_field = std::string(tag).append("=").append(value);
    if (tag != wanted[i].first) return "expected field " + wanted[i].first + ", got " + found_field;
    const std::regex* const pattern = patterns.of(tag);
    const bool same =
        pattern != nullptr ? std::regex_search(value, *pattern) : value == wanted[i].second;
    if (!same) {
      return "expected " + wanted[i].first + "=" +
             (pattern != nullptr ? "a value of its pattern" : wanted[i].second) + ", got " +
             found_field;
    }
  }
  if (wanted.size() > got.size())
    return "expected field " + wanted[got.size()].first + ", got none";
  if (wanted.size() < got.size()) {
    return "got a field too many: " + got[wanted.size()].first + "=" + got[wanted.size()].second;
  }
  return is_whole(found) ? "" : "BodyLength or CheckSum are not the message's own";
}

FieldPatterns::FieldPatterns()
    : FieldPatterns(
          "10=\\d{3}\n"
          "42=\\d{8}-\\d{2}:\\d{2}:\\d{2}\n"
          "52=\\d{8}-\\d{2}:\\d{2}:\\d{2}\n"
          "60=\\d{8}-\\d{2}:\\d{2}:\\d{2}\n"
          "122=\\d{8}-\\d{2}:\\d{2}:\\d{2}\n") {}

FieldPatterns::FieldPatterns(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t equals = line.find('=');
    try {
      if (equals == line.npos || equals == 0)
        throw std::regex_error(std::regex_constants::error_collate);
      patterns_.insert_or_assign(std::string(line.substr(0, equals)),
                                 std::regex(std::string(line.substr(equals + 1))));
    } catch (const std::regex_error&) {
      throw std::invalid_argument("expected tag=expression, found \"" + std::string(line) + "\"");
    }
  }
}

const std::regex* FieldPatterns::of(std::string_view tag) const {
  const auto found = patterns_.find(tag);
  return found == patterns_.end() ? nullptr : &found->second;
}

}  // namespace pitwire
