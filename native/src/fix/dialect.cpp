// What a dialect may say. Its fields' types and values are the dictionary's to judge
// (dictionaries.cpp); here is what concerns our own messages.
#include "pitwire/fix/dialect.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "dictionaries.hpp"
#include "extras.hpp"

namespace pitwire {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t kPrefixMax = 8;

/// Application messages in which a dialect may have us write fields: the initiator's and the
/// acceptor's.
constexpr std::array<std::string_view, 7> kOurs{"D", "F", "G", "H", "q", "AF", "AN"};
constexpr std::array<std::string_view, 2> kTheirs{"8", "9"};

/// What pitwire writes by itself into these: always, and where the order has it.
struct Own {
  std::string_view msg_type;
  std::vector<int> always, sometimes;
};
const std::array<Own, 9>& own_fields() {
  static const std::array<Own, 9> kOwn{
      Own{"D", {11, 38, 40, 54, 55, 59, 60}, {18, 44, 99, 126}},
      Own{"F", {11, 38, 41, 54, 55, 60}, {}},
      Own{"G", {11, 38, 40, 41, 54, 55, 59, 60}, {18, 44, 99}},
      Own{"H", {11, 54, 55}, {}},
      Own{"q", {11, 530, 60}, {55}},
      Own{"AF", {584, 585}, {}},
      Own{"AN", {1, 60, 263, 581, 710, 715, 724}, {}},
      Own{"8",
          {6, 14, 17, 37, 38, 39, 40, 54, 55, 59, 60, 150, 151},
          {11, 19, 20, 31, 32, 41, 44, 58, 99, 103, 584, 911, 912}},
      Own{"9", {11, 37, 39, 41, 434, 102}, {58}}};
  return kOwn;
}

[[noreturn]] void refuse(const std::string& key, const std::string& reason) {
  throw std::invalid_argument(key + ": " + reason);
}

template <class Range>
bool has(const Range& range, const auto& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

std::string at(const char* key, std::size_t number) {
  return std::string(key) + "[" + std::to_string(number) + "]";
}

bool is_text(std::string_view text) {
  return !text.empty() && text.find('\x01') == std::string_view::npos;
}

const Own* own_of(std::string_view msg_type) {
  const auto found = std::ranges::find(own_fields(), msg_type, &Own::msg_type);
  return found == own_fields().end() ? nullptr : found;
}

void check_put(const FixDialectPut& put, const std::string& key,
               const FIX::DataDictionary& dictionary) {
  const std::string tag = std::to_string(put.tag);
  if (put.tag <= 0) refuse(key + ".tag", "expected above 0, found " + tag);
  if (dictionary.isHeaderField(put.tag) || dictionary.isTrailerField(put.tag)) {
    refuse(key + ".tag", tag + " is the session's, in header or trailer");
  }
  if (put.source == FixSource::VALUE && !is_text(put.value)) refuse(key + ".value", "is empty");
  if (put.source == FixSource::VALUE && dictionary.hasFieldValue(put.tag) &&
      !dictionary.isFieldValue(put.tag, put.value)) {
    refuse(key + ".value", "\"" + put.value + "\" is no value of tag " + tag);
  }
  if (put.messages.empty()) refuse(key + ".messages", "is empty");
  for (const std::string& type : put.messages) {
    if (!has(kOurs, type) && !has(kTheirs, type)) {
      refuse(key + ".messages", "\"" + type + "\": expected D, F, G, H, q, AF, AN, 8 or 9");
    }
    const Own* own = own_of(type);
    if (has(own->always, put.tag) || has(own->sometimes, put.tag)) {
      refuse(key + ".tag", std::string("pitwire writes ")
                               .append(tag)
                               .append(" into ")
                               .append(type)
                               .append(" by itself"));
    }
    const bool of_an_order = type == "D" || type == "F" || type == "G";
    if ((put.source == FixSource::STRATEGY && !of_an_order) ||
        (put.source == FixSource::ORDER_TAG && type != "D")) {
      refuse(key + ".source", type + " knows nothing of that");
    }
  }
}

void check_puts(const FixDialect& dialect, const FIX::DataDictionary& dictionary) {
  std::vector<std::pair<int, std::string>> seen;
  for (std::size_t i = 0; i < dialect.puts.size(); ++i) {
    const FixDialectPut& put = dialect.puts[i];
    check_put(put, at("put", i), dictionary);
    for (const std::string& type : put.messages) {
      if (has(seen, std::pair(put.tag, type))) {
        refuse(at("put", i) + ".tag", std::to_string(put.tag) + " stands in " + type + " already");
      }
      seen.emplace_back(put.tag, type);
    }
  }
}

/// What the dictionary wants in our messages is written by somebody.
void check_required(const FixSessionConfig& config) {
  const FixDialect& dialect = config.dialect;
  const FixExtras extras(config);
  for (std::size_t i = 0; i < dialect.fields.size(); ++i) {
    for (const std::string& type : dialect.fields[i].required) {
      const int tag = dialect.fields[i].tag;
      const Own* own = own_of(type);
      const bool is_ours = config.initiator ? has(kOurs, type) : has(kTheirs, type);
      if (own == nullptr || !is_ours || has(own->always, tag)) continue;
      const auto written = extras.of(type);
      if (std::ranges::find(written, tag, &FixExtra::tag) != written.end()) continue;
      if (type == "8" && tag == dialect.order_id_tag) continue;
      refuse(at("field", i) + ".required", "tag " + std::to_string(tag) + " in " + type +
                                               ", which nothing writes: needs a [[put]]");
    }
  }
}

void check_parties(const FixSessionConfig& config) {
  const auto& parties = config.dialect.parties;
  if (!parties.empty() && config.begin_string != "FIX.4.4") {
    refuse("party", config.begin_string + " has no NoPartyIDs");
  }
  for (std::size_t i = 0; i < parties.size(); ++i) {
    if (!is_text(parties[i].id)) refuse(at("party", i) + ".id", "is empty");
  }
}

void check_logon(const FixDialect& dialect, const FIX::DataDictionary& dictionary) {
  constexpr std::array<int, 8> kOwn{95, 96, 98, 108, 141, 383, 553, 554};
  const int tag = dialect.cancel_on_disconnect_tag;
  if (tag == 0) return;
  if (tag < 0 || has(kOwn, tag) || dictionary.isHeaderField(tag) ||
      dictionary.isTrailerField(tag)) {
    refuse("cancel_on_disconnect.tag", std::to_string(tag) + " has another meaning");
  }
  if (!is_text(dialect.cancel_on_disconnect_value)) {
    refuse("cancel_on_disconnect.value", "is empty");
  }
}

void check_report(const FixSessionConfig& config) {
  const FixDialect& dialect = config.dialect;
  const Own& report = *own_of("8");
  const auto is_own = [&](int tag) {
    return has(report.always, tag) || has(report.sometimes, tag);
  };
  if (dialect.fee_tag <= 0 || is_own(dialect.fee_tag)) {
    refuse("report.fee_tag", std::to_string(dialect.fee_tag) + " has another meaning");
  }
  if (dialect.liquidity_tag < 0 || is_own(dialect.liquidity_tag)) {
    refuse("report.liquidity.tag", std::to_string(dialect.liquidity_tag) + " has another meaning");
  }
  if (dialect.order_id_tag != 37 && (dialect.order_id_tag <= 0 || is_own(dialect.order_id_tag))) {
    refuse("report.order_id_tag", std::to_string(dialect.order_id_tag) + " has another meaning");
  }
  if (dialect.added.empty()) refuse("report.liquidity.added", "is empty");
  if (dialect.removed.empty()) refuse("report.liquidity.removed", "is empty");
  for (const std::string& value : dialect.added) {
    if (has(dialect.removed, value)) {
      refuse("report.liquidity", "\"" + value + "\" is both added and removed");
    }
  }
}

}  // namespace

ClOrdIdText::ClOrdIdText(std::string prefix, int base)
    : prefix_(std::move(prefix)),
      base_(static_cast<std::uint64_t>(base)),
      digits_(base == 10   ? 20
              : base == 36 ? 13
                           : 16) {
  if (base != 10 && base != 16 && base != 36) {
    refuse("cl_ord_id.base", "expected 10, 16 or 36, found " + std::to_string(base));
  }
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '.' || c == '_';
  };
  if (prefix_.size() > kPrefixMax || !std::ranges::all_of(prefix_, fits)) {
    refuse("cl_ord_id.prefix", "\"" + prefix_ + "\": expected at most 8 letters, digits, \"-._\"");
  }
}

void ClOrdIdText::append(std::string& out, ClOrdId id) const {
  out += prefix_;
  if (base_ == 16) {
    for (int shift = 60; shift >= 0; shift -= 4) out.push_back(kDigits[(id >> shift) & 15]);
    return;
  }
  const std::size_t begin = out.size();
  out.append(digits_, '0');
  for (std::size_t i = begin + digits_; id != 0; id /= base_) out[--i] = kDigits[id % base_];
}

ClOrdId ClOrdIdText::parse(std::string_view text) const noexcept {
  if (text.size() != prefix_.size() + digits_ || !text.starts_with(prefix_)) return 0;
  ClOrdId id = 0;
  for (const char c : text.substr(prefix_.size())) {
    const bool is_digit = c >= '0' && c <= '9';
    const auto digit = static_cast<std::uint64_t>(is_digit ? c - '0' : c - 'A' + 10);
    if ((!is_digit && (c < 'A' || c > 'Z')) || digit >= base_) return 0;
    if (id > (~ClOrdId{0} - digit) / base_) return 0;
    id = id * base_ + digit;
  }
  return id;
}

std::string ClOrdIdText::expected() const {
  std::string text = "expected ";
  if (!prefix_.empty()) text += prefix_ + " and ";
  if (base_ == 16) return text + "16 upper-case hexadecimal digits";
  return text + std::to_string(digits_) + " digits in base " + std::to_string(base_);
}

void check_dialect(const FixSessionConfig& config) {
  const auto dictionary = dictionary_of(config);
  check_puts(config.dialect, *dictionary);
  check_parties(config);
  check_report(config);
  check_required(config);
  check_logon(config.dialect, *dictionary);
  if (config.dialect.symbol_text.find('\x01') != std::string::npos) {
    refuse("symbol_text", "holds SOH");
  }
}

}  // namespace pitwire
