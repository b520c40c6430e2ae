#include "fast_shape.hpp"

#include <algorithm>

#include "dictionaries.hpp"
#include "encode_orders.hpp"
#include "extras.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kHeaderFields = 7;  // 8, 9, 35, then 34, 49, 52, 56 in any order
constexpr std::size_t kKnownMax = 64;     // of a dialect; more go through QuickFIX

bool is_one_of(std::string_view value, std::string_view characters) {
  return value.empty() || position(characters, value) >= 0;
}

bool is_digits(std::string_view value) {
  return std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits with at most one point among them, and a minus before them; or absent.
bool is_plain_decimal(std::string_view value) {
  if (value.empty()) return true;
  if (value.front() == '-') value.remove_prefix(1);
  if (value.empty() || value.front() == '.') return false;
  const auto point = value.find('.');
  if (point == std::string_view::npos) return is_digits(value);
  return is_digits(value.substr(0, point)) && is_digits(value.substr(point + 1));
}

}  // namespace

FixShape::Tags FixShape::tags_of(std::initializer_list<std::size_t> tags) {
  Tags set;
  for (const auto tag : tags) set.set(tag);
  return set;
}

FixShape::FixShape(const FixSessionConfig& config, char msg_type) {
  msg_type == '8' ? set_report(config) : set_request(msg_type);
  add_dialect(config, std::string(1, msg_type));
}

void FixShape::set_report(const FixSessionConfig& config) {
  const bool fix42 = config.begin_string == "FIX.4.2";
  required_ = tags_of({6, 11, 14, 17, 37, 39, 54, 55, 150, 151});
  if (fix42) required_.set(20);
  allowed_ = required_ | tags_of({12, 13, 19, 31, 32, 38, 40, 41, 44, 58, 59, 60, 99});
  // 4.2 says fills by ExecType (1, 2), 4.4 by a word of its own.
  Word exec_types{150, fix42 ? "0123456789ABCDE" : "03456789ABCDEFGHI"};
  Word ord_statuses{39, "012346789ABCDE"};
  for (const auto& [text, type] : config.dialect.exec_types) exec_types.characters += text;
  for (const auto& [text, status] : config.dialect.ord_statuses) ord_statuses.characters += text;
  words_ = {{20, "0123"}, {40, "1234"}, {59, "0123456"}, {54, "12"}, exec_types, ord_statuses};
}

void FixShape::set_request(char msg_type) {
  required_ = tags_of({11, 38, 54, 55, 60});
  allowed_ = tags_of({1});
  if (msg_type != 'F') {
    required_ |= tags_of({21, 40});
    allowed_ |= tags_of({18, 44, 59});
  }
  if (msg_type == 'D') allowed_ |= tags_of({99});
  if (msg_type != 'D') required_ |= tags_of({41});
  allowed_ |= required_;
  words_ = {{18, "6"}, {21, "123"}, {40, "1234"}, {54, "12"}, {59, "0134"}};
}

void FixShape::add_dialect(const FixSessionConfig& config, const std::string& msg_type) {
  const FixDialect& dialect = config.dialect;
  for (const FixDialectField& field : dialect.fields) {
    const bool required = std::ranges::find(field.required, msg_type) != field.required.end();
    const bool allowed = std::ranges::find(field.messages, msg_type) != field.messages.end();
    if (!required && !allowed) continue;
    add_known(config, static_cast<std::uint32_t>(field.tag), required, field.values);
  }
  const FixExtras extras(config);
  for (const FixExtra& extra : extras.of(msg_type)) {
    const auto tag = static_cast<std::uint32_t>(extra.tag);
    if (tag == 453 || (tag <= kTagMax && allowed_[tag])) continue;
    std::vector<std::string> values;
    if (extra.source == FixSource::VALUE) values.emplace_back(FieldTable(extra.text)[tag]);
    add_known(config, tag, false, std::move(values));
  }
  if (msg_type == "8") {
    auto values = dialect.added;
    values.insert(values.end(), dialect.removed.begin(), dialect.removed.end());
    add_known(config, liquidity_tag_of(config), false, std::move(values));
    for (const int tag : {dialect.fee_tag, dialect.order_id_tag}) {
      add_known(config, static_cast<std::uint32_t>(tag), false, {});
    }
  }
  const std::string block = party_block(dialect.parties);
  const FieldTable parties(block);
  for (const auto& [tag, value] : parties.all()) {
    block_.emplace_back(tag, std::string(value));
  }
}

/// The first of a tag stays. What an ordinary message has anyway keeps its own rules, unless the
/// dialect wants other values of it.
void FixShape::add_known(const FixSessionConfig& config, std::uint32_t tag, bool required,
                         std::vector<std::string> values) {
  const bool ordinary = tag <= kTagMax && allowed_[tag];
  if (std::ranges::find(known_, tag, &Known::tag) != known_.end()) return;
  if (ordinary && values.empty()) {
    if (required) required_.set(tag);
    return;
  }
  if (ordinary) {
    required = required || required_[tag];
    required_.reset(tag);
    allowed_.reset(tag);
  }
  FIX::TYPE::Type type = FIX::TYPE::String;
  const auto dictionary = dictionary_of(config);
  const bool is_field = dictionary->getFieldType(static_cast<int>(tag), type);
  Plain plain = Plain::NEVER;
  switch (type) {
    case FIX::TYPE::String:
    case FIX::TYPE::Exchange:
      plain = Plain::TEXT;
      break;
    case FIX::TYPE::Char:
      plain = Plain::CHARACTER;
      break;
    case FIX::TYPE::Int:
      plain = Plain::INTEGER;
      break;
    case FIX::TYPE::Float:
    case FIX::TYPE::Price:
    case FIX::TYPE::Qty:
    case FIX::TYPE::Amt:
      plain = Plain::DECIMAL;
      break;
    case FIX::TYPE::Boolean:
      plain = Plain::BOOLEAN;
      break;
    default:
      break;
  }
  // The dictionary's own values are for it to know.
  const bool has_other_values = is_field && dictionary->hasFieldValue(static_cast<int>(tag));
  if (has_other_values && values.empty()) plain = Plain::NEVER;
  known_.push_back({tag, required, plain, std::move(values)});
}

bool FixShape::is_plain(const Known& known, std::string_view value) {
  if (!known.values.empty() && std::ranges::find(known.values, value) == known.values.end()) {
    return false;
  }
  switch (known.plain) {
    case Plain::TEXT:
      return true;
    case Plain::CHARACTER:
      return value.size() == 1;
    case Plain::INTEGER:
      return value.size() < 10 && is_digits(value);
    case Plain::DECIMAL:
      return is_plain_decimal(value);
    case Plain::BOOLEAN:
      return value == "Y" || value == "N";
    case Plain::NEVER:
      break;
  }
  return false;
}

bool FixShape::is_block(const FieldTable& fields, std::size_t at) const {
  const auto found = fields.all().subspan(at);
  return !block_.empty() && found.size() > block_.size() &&
         std::ranges::equal(block_, found.first(block_.size()),
                            [](const auto& ours, const auto& theirs) {
                              return ours.first == theirs.tag && ours.second == theirs.value;
                            });
}

bool FixShape::has_shape(const FieldTable& fields) const {
  const auto all = fields.all();
  Tags seen;
  std::bitset<kKnownMax> known_seen;
  bool block_seen = false;
  if (known_.size() > kKnownMax) return false;
  for (std::size_t i = kHeaderFields; i + 1 < all.size(); ++i) {
    const auto& [tag, value] = all[i];
    if (value.empty()) return false;
    if (tag <= kTagMax && allowed_[tag]) {
      if (seen[tag]) return false;
      seen.set(tag);
      continue;
    }
    if (tag == 453) {
      if (block_seen || !is_block(fields, i)) return false;
      block_seen = true;
      i += block_.size() - 1;
      continue;
    }
    const auto known = std::ranges::find(known_, tag, &Known::tag);
    const auto number = static_cast<std::size_t>(known - known_.begin());
    if (known == known_.end() || known_seen[number] || !is_plain(*known, value)) return false;
    known_seen.set(number);
  }
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].required && !known_seen[i]) return false;
  }
  return (required_ & ~seen).none();
}

/// Every field that is not free text is what the dictionary of both versions takes for one.
bool FixShape::has_plain_values(const FieldTable& fields) const {
  constexpr std::uint32_t kDecimals[]{6, 12, 14, 31, 32, 38, 44, 99, 151};
  Nanos transact_time = 0;
  return std::ranges::all_of(
             words_,
             [&](const Word& word) { return is_one_of(fields[word.tag], word.characters); }) &&
         std::ranges::all_of(kDecimals,
                             [&](std::uint32_t tag) { return is_plain_decimal(fields[tag]); }) &&
         (fields[60].empty() || parse_timestamp(fields[60], transact_time));
}

bool FixShape::holds(const FieldTable& fields) const {
  return has_shape(fields) && has_plain_values(fields);
}

}  // namespace pitwire
