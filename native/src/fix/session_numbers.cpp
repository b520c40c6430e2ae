// What QuickFIX's rules say too little about: messages whose number is not the one that is due, or
// that come before the Logon is answered. Decided so that nothing of the peer's is lost.
//
// | what comes                         | QuickFIX alone                   | here                 |
// |------------------------------------|----------------------------------|----------------------|
// | a message without MsgSeqNum        | ignored                          | Logout, disconnect   |
// | before the answer to our Logon:    | SequenceReset is taken           | disconnect, no       |
// | no Logon, Logout or Reject         |                                  | number moves         |
// | a Reject ahead of its turn         | counted as the one that is due,  | heard, and the gap   |
// |                                    | which is never asked for         | asked for            |
// | a ResendRequest ahead of its turn  | answered, and the gap not yet    | answered, and the    |
// |                                    | asked for                        | gap asked for        |
// | a Logout that is not due           | counted as the one that is due   | answered, not counted|
// | a ResendRequest of what was never  | gap fill to a lower number       | Reject               |
// | sent                               |                                  |                      |
// | a gap behind an unfinished resend  | waits until the session times out| asked for, see       |
// |                                    |                                  | `is_asked_for`       |
#include <Exceptions.h>
#include <Fields.h>

#include <charconv>

#include "session_impl.hpp"

namespace pitwire {
namespace {

// Behind `word` in `text`; 0 where there is none.
std::uint64_t number_behind(std::string_view text, std::string_view word) {
  const auto at = text.find(word);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return 0;
  text.remove_prefix(at + word.size());
  (void)std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

bool FixSession::Impl::is_out_of_place(const FieldTable& fields) {
  const std::string_view type = fields[35];
  if (config_.initiator && !session_->receivedLogon() && type != "A" && type != "5" &&
      type != "3") {
    event(1, "a message of type " + std::string(type) + " before the answer to our Logon");
    session_->disconnect();
    return true;
  }
  if (!fields[34].empty() || !logged_on()) return false;
  const std::string missing = "MsgSeqNum is missing";
  event(2, missing);
  FIX::Message logout;
  logout.getHeader().setField(FIX::MsgType("5"));
  logout.setField(FIX::Text(missing));
  session_->send(logout);
  session_->disconnect();
  return true;
}

// The Logout that refuses a Logon says both numbers in words, as QuickFIX began it and many venues
// do. Numbers that the venue has had are never used again, so it is there that we go on: what those
// messages were is not in our log, and for the sink to find out.
void FixSession::Impl::go_behind_what_the_venue_has(const FieldTable& fields) {
  if (!config_.initiator || fields[35] != "5" || fields[49] != config_.target_comp_id) return;
  const std::uint64_t venue = number_behind(fields[58], "expecting ");
  const std::uint64_t ours = number_behind(fields[58], "received ");
  if (ours == 0 || venue <= ours) return;
  if (venue > store_.getNextSenderMsgSeqNum()) store_.setNextSenderMsgSeqNum(venue);
  event(2, "the venue has had messages of ours up to " + std::to_string(venue - 1) +
               ", and our log ends before " + std::to_string(ours));
  sink_.log_shorter(config_.id, ours, venue);
}

bool FixSession::Impl::is_ahead(const FieldTable& fields, std::string_view type) const {
  return fields[35] == type && logged_on() && current_number_ > store_.getNextTargetMsgSeqNum() &&
         fields[49] == config_.target_comp_id && fields[56] == config_.sender_comp_id;
}

// The number of a message that was heard before its turn waits as that of a Heartbeat: the peer
// resends neither.
void FixSession::Impl::keep_place() {
  const std::string heartbeat = from_peer("0", current_number_).toString();
  session_->next(heartbeat, to_utc(now_));
}

FIX::Message FixSession::Impl::from_peer(const char* msg_type, std::uint64_t number) const {
  FIX::Message message;
  FIX::Header& header = message.getHeader();
  header.setField(FIX::BeginString(config_.begin_string));
  header.setField(FIX::MsgType(msg_type));
  header.setField(FIX::MsgSeqNum(number));
  header.setField(FIX::SenderCompID(config_.target_comp_id));
  header.setField(FIX::TargetCompID(config_.sender_comp_id));
  header.setField(FIX::SendingTime(to_utc(now_), 6));
  return message;
}

void FixSession::Impl::count_logout(const FieldTable& fields, std::uint64_t due) {
  const bool counted = store_.getNextTargetMsgSeqNum() == due + 1;
  if (fields[35] == "5" && current_number_ != due && counted) store_.setNextTargetMsgSeqNum(due);
}

void FixSession::Impl::check_resend_request(const FIX::Message& request) const {
  const std::string text = request.toString();
  const FieldTable fields(text);
  const std::uint64_t begin = fields.number(7), end = fields.number(16);
  const std::uint64_t next = store_.getNextSenderMsgSeqNum();
  if (begin == 0 || begin >= next || (end != 0 && end < begin)) throw FIX::IncorrectTagValue(7);
}

// What the venue misses of a connection before this one is filled up to what it got on this one:
// those messages wait there behind the gap, and a fill that covers them would drop them. Where the
// venue has not kept them it asks again, from there.
bool FixSession::Impl::fill_up_to_this_connection(std::string_view message,
                                                  const FieldTable& fields) {
  const std::uint64_t begin = fields.number(7), end = fields.number(16);
  if (begin >= first_application_ || (end != 0 && end < first_application_)) return false;
  FIX::Message request = parsed(message);
  request.setField(FIX::EndSeqNo(first_application_ - 1));
  session_->next(request.toString(), to_utc(now_));
  return true;
}

FIX::Message FixSession::Impl::parsed(std::string_view message) const {
  return {std::string(message), session_->getDataDictionaryProvider().getSessionDataDictionary(
                                    FIX::BeginString(config_.begin_string))};
}

// A ResendRequest of ours covers what is due now, unless it was answered up to its end, or its
// answer has jumped over what is due, or nothing has come of it for a heartbeat interval.
bool FixSession::Impl::is_asked_for(std::uint64_t due, bool poss_dup) {
  if (due != gap_begin_) {
    gap_begin_ = due;
    gap_ts_ = now_;
  }
  const bool is_answered = due > asked_to_;
  const bool is_hole = poss_dup && due != asked_from_;
  const bool is_late = now_ - gap_ts_ >= heart_bt_int_ * kSecond;
  return !is_answered && !is_hole && !is_late;
}

void FixSession::Impl::ask_for_gap(const FieldTable& fields) {
  const std::uint64_t due = store_.getNextTargetMsgSeqNum();
  const bool is_reset = fields[35] == "4" && !fields.is_set(123);
  if (!logged_on() || is_reset || current_number_ <= due) return;
  if (is_asked_for(due, fields.is_set(43))) return;
  FIX::Message request;
  request.getHeader().setField(FIX::MsgType("2"));
  request.setField(FIX::BeginSeqNo(due));
  request.setField(FIX::EndSeqNo(0));
  session_->send(request);
}

}  // namespace pitwire
