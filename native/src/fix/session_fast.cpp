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
#include <charconv>

#include "session_impl.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kHeaderFields = 7;  // 8, 9, 35, then 34, 49, 52, 56 in any order
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
  if (body == nullptr) {
    if (orders_.unfit()) {
      event(2, "not sent: a price or quantity has more decimals than the dialect writes");
    }
    return false;
  }
  if (config_.initiator && (!logged_on() || session_->sentLogout())) return false;
  bool sent = false;
  turn(now, [&, this] {
    if (body->ascending() && may_pass_beside(last_sent_ts_, 2)) {
      write_beside(*body);
      sent = true;
    } else {
      // With the dictionary, which knows a group from fields.
      compose(*body, store_.getNextSenderMsgSeqNum());
      FIX::Message message(whole_, *dictionary_, false);
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
  beside_sent_ts_ = now_;
  sink_.tx(config_.id, whole_, number, body.cl_ord_id(), false, false);
}

bool FixSession::Impl::take_beside(const FieldTable& fields, Sequence raw,
                                   std::string_view message) {
  if (!may_pass_beside(last_received_ts_, 10) || !queued_raw_.empty() || resend_next_ != 0)
    return false;
  const std::string_view type = fields[35];
  if (type.size() != 1 || !has_plain_frame(fields) || !is_next(fields)) return false;
  const FixShape* const shape = shape_of(type.front());
  if (shape == nullptr || !shape->holds(fields)) return false;
  const bool taken =
      sink_.application(config_.id, raw, type, message) ||
      (config_.initiator ? deliver_report(fields, raw) : deliver_request(fields, raw));
  if (!taken) return false;
  store_.incrNextTargetMsgSeqNum();
  ++traffic_.in_beside;
  beside_received_ts_ = now_;
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

const FixShape* FixSession::Impl::shape_of(char msg_type) const noexcept {
  const auto types = config_.initiator ? std::string_view("8") : std::string_view("DFG");
  const auto at = types.find(msg_type);
  return at == std::string_view::npos ? nullptr : &shapes_[at];
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
