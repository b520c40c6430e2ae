// Orders and reports that pass beside QuickFIX.
//
// On a session that is logged on and in sequence its rules have nothing to say about an ordinary
// order or report: it would look the number up, write the header, count. That takes it 7 to 25 us,
// us less than one. What passes here is the same bytes, the same records in the same order and the
// same numbers (they are in our store); anything that is not plainly ordinary goes to QuickFIX:
// logon, gaps, duplicates, resends, unknown or missing fields, other messages.
//
// QuickFIX's timers do not hear of what passes here. So when it has sent nothing for half a
// heartbeat interval, or received nothing for a tenth, the next message goes through it: it asks
// for a sign of life when nothing came for 1.1 to 1.2 intervals, and at worst says a heartbeat too
// many.
#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <span>

#include "session_impl.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kHeaderFields = 7;  // 8, 9, 35, then 34, 49, 52, 56 in any order
constexpr std::size_t kTagMax = 151;
using Tags = std::bitset<kTagMax + 1>;

Tags tags_of(std::initializer_list<std::size_t> tags) {
  Tags set;
  for (const auto tag : tags) set.set(tag);
  return set;
}

/// What a message of its type must have, and what it may have, behind the header.
struct Shape {
  Tags required;
  Tags allowed;
};

Shape shape(std::initializer_list<std::size_t> required,
            std::initializer_list<std::size_t> optional) {
  const Tags needed = tags_of(required);
  return {needed, needed | tags_of(optional)};
}

const Shape& report_shape(bool fix42) {
  static const Shape k44 = shape({6, 11, 14, 17, 37, 39, 54, 55, 150, 151},
                                 {12, 13, 19, 31, 32, 38, 40, 41, 44, 58, 59, 60, 99});
  static const Shape k42 = shape({6, 11, 14, 17, 20, 37, 39, 54, 55, 150, 151},
                                 {12, 13, 19, 31, 32, 38, 40, 41, 44, 58, 59, 60, 99});
  return fix42 ? k42 : k44;
}

const Shape* request_shape(char msg_type) {
  static const Shape kOrder = shape({11, 21, 38, 40, 54, 55, 60}, {1, 18, 44, 59, 99});
  static const Shape kCancel = shape({11, 38, 41, 54, 55, 60}, {1});
  static const Shape kReplace = shape({11, 21, 38, 40, 41, 54, 55, 60}, {1, 18, 44, 59});
  switch (msg_type) {
    case 'D':
      return &kOrder;
    case 'F':
      return &kCancel;
    case 'G':
      return &kReplace;
    default:
      return nullptr;
  }
}

/// Each field is of the shape, once, and not empty; every required one is there. `extra` is one tag
/// more that may stand there.
bool is_of(const FieldTable& fields, const Shape& shape, std::uint32_t extra) {
  const auto all = fields.all();
  Tags seen;
  bool has_extra = false;
  for (const auto& [tag, value] : all.subspan(kHeaderFields, all.size() - kHeaderFields - 1)) {
    if (value.empty()) return false;
    if (tag == extra && !has_extra) {
      has_extra = true;
      continue;
    }
    if (tag > kTagMax || !shape.allowed[tag] || seen[tag]) return false;
    seen.set(tag);
  }
  return (shape.required & ~seen).none();
}

/// 8, 9, 35 and the four others first, the checksum last: nothing before or behind them.
bool has_plain_frame(const FieldTable& fields) {
  const auto all = fields.all();
  if (all.size() <= kHeaderFields + 1 || fields.truncated()) return false;
  if (all[0].tag != 8 || all[1].tag != 9 || all[2].tag != 35 || all.back().tag != 10) return false;
  unsigned seen = 0;
  for (const auto& [tag, value] : all.subspan(3, kHeaderFields - 3)) {
    seen |= tag == 34 ? 1u : tag == 49 ? 2u : tag == 52 ? 4u : tag == 56 ? 8u : 16u;
  }
  return seen == 15;
}

/// A field of one character, and those that it may have by the dictionary of both versions.
struct Word {
  std::uint32_t tag;
  std::string_view characters;
};
constexpr Word kReportWords[]{
    {20, "0123"}, {40, "1234"}, {59, "0123456"}, {39, "012346789ABCDE"}, {54, "12"}};
constexpr Word kRequestWords[]{{18, "6"}, {21, "123"}, {40, "1234"}, {54, "12"}, {59, "0134"}};

bool is_one_of(std::string_view value, std::string_view characters) {
  return value.empty() || position(characters, value) >= 0;
}

/// Digits with at most one point among them, and a minus before them; or absent.
bool is_plain_decimal(std::string_view value) {
  if (value.empty()) return true;
  if (value.front() == '-') value.remove_prefix(1);
  if (value.empty() || value.front() == '.') return false;
  int points = 0;
  for (const char c : value) {
    if (c == '.') {
      ++points;
    } else if (c < '0' || c > '9') {
      return false;
    }
  }
  return points <= 1;
}

/// Every field that is not free text is what the dictionary of both versions takes for one.
bool has_plain_values(const FieldTable& fields, std::span<const Word> words) {
  constexpr std::uint32_t kDecimals[]{6, 12, 14, 31, 32, 38, 44, 99, 151};
  Nanos transact_time = 0;
  return std::ranges::all_of(
             words,
             [&](const Word& word) { return is_one_of(fields[word.tag], word.characters); }) &&
         std::ranges::all_of(kDecimals,
                             [&](std::uint32_t tag) { return is_plain_decimal(fields[tag]); }) &&
         (fields[60].empty() || parse_timestamp(fields[60], transact_time));
}

void append_field(std::string& out, std::string_view tag_and_equals, std::string_view value) {
  out += tag_and_equals;
  out += value;
  out += '\x01';
}

void append_number(std::string& out, std::string_view tag_and_equals, std::uint64_t value) {
  std::array<char, 20> text;
  const auto* end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  append_field(out, tag_and_equals, {text.data(), static_cast<std::size_t>(end - text.data())});
}

/// CheckSum (10): the sum of all bytes before it, modulo 256, three digits.
void append_checksum(std::string& out) {
  unsigned sum = 0;
  for (const char byte : out) sum += static_cast<unsigned char>(byte);
  sum %= 256;
  const char text[] = {static_cast<char>('0' + sum / 100), static_cast<char>('0' + sum / 10 % 10),
                       static_cast<char>('0' + sum % 10)};
  append_field(out, "10=", {text, sizeof text});
}

}  // namespace

bool FixSession::Impl::may_pass_beside(Nanos timer_ts, int part) const noexcept {
  return logged_on() && !session_->sentLogout() && !muted_ && session_->isEnabled() &&
         (now_ - timer_ts) * part < heart_bt_int_ * kSecond;
}

bool FixSession::Impl::send_body(Nanos now, const FixBody* body) {
  if (body == nullptr) return false;
  if (config_.initiator && (!logged_on() || session_->sentLogout())) return false;
  bool sent = false;
  turn(now, [&, this] {
    if (body->ascending() && may_pass_beside(last_sent_ts_, 2)) {
      write_beside(*body);
      sent = true;
    } else {
      FIX::Message message = body->message();
      sent = session_->send(message);
    }
  });
  return sent;
}

void FixSession::Impl::compose(const FixBody& body, std::uint64_t number) {
  rest_.clear();
  append_field(rest_, "35=", body.msg_type());
  append_number(rest_, "34=", number);
  rest_ += sender_;
  sending_time_.append(rest_, now_, digits_);
  rest_ += target_;
  rest_ += body.bytes();
  whole_.clear();
  append_field(whole_, "8=", config_.begin_string);
  append_number(whole_, "9=", rest_.size());
  whole_ += rest_;
  append_checksum(whole_);
}

void FixSession::Impl::write_beside(const FixBody& body) {
  const auto number = store_.getNextSenderMsgSeqNum();
  compose(body, number);
  if (!config_.initiator) store_.set(number, whole_);
  store_.incrNextSenderMsgSeqNum();
  this->sent(body.msg_type(), number, body.cl_ord_id());
  if (first_application_ == 0) first_application_ = number;
  ++traffic_.out_beside;
  sink_.tx(config_.id, whole_, number, body.cl_ord_id(), false, false);
}

bool FixSession::Impl::take_beside(const FieldTable& fields, Sequence raw,
                                   std::string_view message) {
  if (!may_pass_beside(last_received_ts_, 10) || !queued_raw_.empty() || resend_next_ != 0)
    return false;
  const std::string_view type = fields[35];
  if (type.size() != 1 || !has_plain_frame(fields) || !is_next(fields)) return false;
  const bool fix42 = config_.begin_string == "FIX.4.2";
  const Shape* shape = config_.initiator ? (type == "8" ? &report_shape(fix42) : nullptr)
                                         : request_shape(type.front());
  const auto liquidity = config_.initiator ? liquidity_tag_of(config_) : 0;
  if (shape == nullptr || !is_of(fields, *shape, liquidity)) return false;
  if (!(config_.initiator ? is_plain_report(fields) : has_plain_values(fields, kRequestWords))) {
    return false;
  }
  const bool taken =
      sink_.application(config_.id, raw, type, message) ||
      (config_.initiator ? deliver_report(fields, raw) : deliver_request(fields, raw));
  if (!taken) return false;
  store_.incrNextTargetMsgSeqNum();
  ++traffic_.in_beside;
  return true;
}

/// From the peer to us, with the number that is due, sent when it says within what the session
/// allows.
bool FixSession::Impl::is_next(const FieldTable& fields) const {
  const auto number = fields.number(34);
  Nanos sent = 0;
  if (number != store_.getNextTargetMsgSeqNum() || number <= highest_ahead_) return false;
  if (fields[8] != config_.begin_string || fields[49] != config_.target_comp_id ||
      fields[56] != config_.sender_comp_id || !parse_timestamp(fields[52], sent)) {
    return false;
  }
  const Nanos off = now_ > sent ? now_ - sent : sent - now_;
  return !config_.check_latency || off < config_.max_latency_seconds * kSecond;
}

bool FixSession::Impl::is_plain_report(const FieldTable& fields) const {
  // 4.2 says fills by ExecType (1, 2), 4.4 by a word of its own.
  const auto exec_types =
      config_.begin_string == "FIX.4.2" ? "0123456789ABCDE" : "03456789ABCDEFGHI";
  return has_plain_values(fields, kReportWords) && is_one_of(fields[150], exec_types) &&
         is_one_of(fields[liquidity_tag_of(config_)], "12");
}

bool FixSession::Impl::deliver_report(const FieldTable& fields, Sequence raw) {
  const DecodedExecution decoded = decoder_.execution(fields, raw);
  if (!decoded.defects.empty()) return false;
  sink_.execution(decoded.record);
  return true;
}

bool FixSession::Impl::deliver_request(const FieldTable& fields, Sequence raw) {
  Refusal why;
  switch (fields[35].front()) {
    case 'D': {
      FixNewOrder order;
      if (!decoder_.order(fields, raw, order, why)) return false;
      sink_.new_order(order);
      break;
    }
    case 'F': {
      FixCancel cancel;
      if (!decoder_.cancel(fields, raw, cancel, why)) return false;
      sink_.cancel(cancel);
      break;
    }
    default: {
      FixReplace replace;
      if (!decoder_.replace(fields, raw, replace, why)) return false;
      sink_.replace(replace);
    }
  }
  return true;
}

}  // namespace pitwire
