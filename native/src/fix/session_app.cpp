// What QuickFIX calls: its application, its responder, its log.
#include <Fields.h>

#include <algorithm>

#include "session_impl.hpp"

namespace pitwire {
namespace {

constexpr std::size_t kEventBytesMax = 512;

// What QuickFIX says in words only, and how serious it is. Others are information.
std::uint32_t severity_of(std::string_view text) {
  static constexpr std::string_view kWarnings[] = {"Timed out",
                                                   "MsgSeqNum too",
                                                   "Received logon outside",
                                                   "Session is not enabled",
                                                   "Logon state",
                                                   "Required field",
                                                   "Message ",
                                                   "Logon message is not valid",
                                                   "Received logon response before",
                                                   "NextExpectedMsgSeqNum too high",
                                                   "Invalid",
                                                   "Incorrect"};
  return std::any_of(std::begin(kWarnings), std::end(kWarnings),
                     [&](std::string_view start) { return text.starts_with(start); })
             ? 1
             : 0;
}

}  // namespace

void FixSession::Impl::event(std::uint32_t severity, std::string_view text) {
  if (severity > 0) reason_ = text;
  if (!muted_) sink_.event(config_.id, severity, text.substr(0, kEventBytesMax));
}

void FixSession::Impl::onEvent(const std::string& text) {
  if (muted_ && text == "Received logon request")
    now_ = last_sent_ts_;  // resume(): the answer's time
  if (text.starts_with("Received ResendRequest")) resend_accepted_ = true;
  event(severity_of(text), text);
}

void FixSession::Impl::onLogon(const FIX::SessionID&) {
  if (!muted_) sink_.logged_on(config_.id);
}

void FixSession::Impl::onLogout(const FIX::SessionID&) {
  queued_raw_.clear();
  highest_ahead_ = 0;
  resend_next_ = 0;
  asked_from_ = asked_to_ = gap_begin_ = 0;
  first_application_ = 0;
  if (!muted_) sink_.logged_out(config_.id, reason_);
}

void FixSession::Impl::toAdmin(FIX::Message& message, const FIX::SessionID&) {
  if (!config_.initiator || message.getHeader().getField(35) != "A") return;
  if (!config_.username_placeholder.empty()) message.setField(553, config_.username_placeholder);
  if (!config_.password_placeholder.empty()) message.setField(554, config_.password_placeholder);
  const FixDialect& dialect = config_.dialect;
  if (config_.cancel_on_disconnect && dialect.cancel_on_disconnect_tag != 0) {
    message.setField(dialect.cancel_on_disconnect_tag, dialect.cancel_on_disconnect_value);
  }
}

bool FixSession::Impl::send(const std::string& message) {
  last_sent_ts_ = now_;
  if (muted_) return true;
  ++traffic_.out_through;
  const FieldTable fields(message);
  const std::string_view type = fields[35];
  const bool admin = type.size() == 1 && std::string_view("0A12345").find(type) != type.npos;
  const std::uint64_t number = fields.number(34);
  const bool poss_dup = fields.is_set(43);
  const ClOrdIdText& ids = config_.dialect.ids;
  const ClOrdId id = admin ? 0 : ids.parse(fields[11]);
  if (type == "1") test_request_ts_ = now_;
  if (type == "2") {
    asked_from_ = gap_begin_ = fields.number(7);
    asked_to_ = current_number_ - 1;
    gap_ts_ = now_;
  }
  rejected_ = rejected_ || type == "3" || type == "j";
  if (!admin && !poss_dup && first_application_ == 0) first_application_ = number;
  if (type == "3") refusal_ = "tag " + std::string(fields[371]) + ": " + std::string(fields[58]);
  if (type == "j") refusal_ = fields[58];
  if (!poss_dup) sent(type, number, id != 0 ? id : ids.parse(fields[type == "AF" ? 584 : 710]));
  // A status request has no ClOrdID of its own: where it does not leave, its order has long left.
  sink_.tx(config_.id, message, number, type == "H" ? 0 : id, admin, poss_dup);
  return true;
}

void FixSession::Impl::sent(std::string_view msg_type, std::uint64_t number, ClOrdId id) {
  Sent& slot = sent_[number % kSentRemembered];
  slot = {number, id, {}};
  std::copy_n(msg_type.data(), std::min<std::size_t>(msg_type.size(), 3), slot.msg_type.data());
}

void FixSession::Impl::disconnect() {
  connected_ = false;
  if (!connection_lost_ && !muted_) sink_.disconnect(config_.id, reason_);
}

Sequence FixSession::Impl::raw_of(std::uint64_t number) {
  if (number == current_number_ && !current_.empty()) return current_raw_;
  const auto queued = queued_raw_.find(number);
  return queued == queued_raw_.end() ? current_raw_ : queued->second;
}

FixReject FixSession::Impl::reject_of(const FieldTable& fields, Sequence raw) const {
  FixReject reject;
  reject.session = config_.id;
  reject.raw_sequence = raw;
  reject.ref_seq_num = fields.number(45);
  const Sent& sent = sent_[reject.ref_seq_num % kSentRemembered];
  const bool remembered = sent.number == reject.ref_seq_num && sent.number != 0;
  if (remembered) reject.cl_ord_id = sent.cl_ord_id;
  if (reject.cl_ord_id == 0) reject.cl_ord_id = config_.dialect.ids.parse(fields[379]);
  reject.ref_msg_type = fields[372];
  if (reject.ref_msg_type.empty() && remembered) reject.ref_msg_type = sent.msg_type.data();
  reject.ref_tag = static_cast<std::uint32_t>(fields.number(371));
  reject.reason = static_cast<std::uint32_t>(fields.number(fields[35] == "3" ? 373 : 380));
  reject.text = fields[58];
  return reject;
}

void FixSession::Impl::fromAdmin(const FIX::Message& message, const FIX::SessionID&) {
  if (muted_) return;
  const std::string& type = message.getHeader().getField(35);
  if (type == "A" && !config_.initiator) {
    const std::string text = message.toString();
    const FieldTable fields(text);
    const FixDialect& dialect = config_.dialect;
    heart_bt_int_ = static_cast<int>(fields.number(108));
    asked_to_cancel_ = dialect.cancel_on_disconnect_tag != 0 &&
                       fields[static_cast<std::uint32_t>(dialect.cancel_on_disconnect_tag)] ==
                           dialect.cancel_on_disconnect_value;
  } else if (type == "2") {
    check_resend_request(message);
  } else if (type == "5" && message.isSetField(58)) {
    reason_ = message.getField(58);
  } else if (type == "3") {
    const std::string text = message.toString();
    const FieldTable fields(text);
    sink_.session_rejected(reject_of(fields, raw_of(fields.number(34))));
  }
}

void FixSession::Impl::fromApp(const FIX::Message& message, const FIX::SessionID&) {
  const std::uint64_t number = std::stoull(message.getHeader().getField(34));
  const Sequence raw = raw_of(number);
  const bool is_current = number == current_number_ && !current_.empty();
  const std::string text = is_current ? std::string() : message.toString();
  const FieldTable fields(is_current ? current_ : std::string_view(text));
  if (is_current) delivered_ = true;
  queued_raw_.erase(number);
  const std::string_view type = fields[35];
  if (sink_.application(config_.id, raw, type, is_current ? current_ : std::string_view(text)))
    return;
  if (config_.initiator) {
    from_venue(fields, type, raw);
  } else {
    from_client(fields, type, raw);
  }
}

void FixSession::Impl::from_venue(const FieldTable& fields, std::string_view type, Sequence raw) {
  if (type == "8") {
    const FixMassStatus answer = decoder_.mass_status(fields);
    if (answer.request != 0 && answer.reports == 0) return sink_.mass_status(config_.id, answer);
    const DecodedExecution decoded = decoder_.execution(fields, raw);
    if (decoded.defects.empty()) {
      sink_.execution(decoded.record);
    } else {
      event(2, "execution report not whole: " + decoded.defects);
      sink_.unreadable_execution(decoded.record, decoded.defects);
    }
    if (answer.request != 0) sink_.mass_status(config_.id, answer);
  } else if (type == "9") {
    const rec::CancelRejected record = decoder_.cancel_rejected(fields, raw);
    if (record.cl_ord_id == 0) event(2, "OrderCancelReject of no request of ours");
    sink_.cancel_rejected(record);
  } else if (type == "j") {
    sink_.business_rejected(reject_of(fields, raw));
  } else if (type == "r") {
    sink_.mass_cancel_report(config_.id, decoder_.mass_cancel_report(fields));
  } else if (type == "AO") {
    sink_.positions_ack(config_.id, raw, decoder_.positions_ack(fields));
  } else if (type == "AP") {
    position_report(fields, raw, {});
  } else {
    throw FIX::UnsupportedMessageType();
  }
}

void FixSession::Impl::position_report(const FieldTable& fields, Sequence raw,
                                       std::string_view more) {
  DecodedPosition decoded = decoder_.venue_position(fields, raw);
  decoded.defects += more;
  if (!decoded.defects.empty()) {
    event(2, "position report not whole: " + decoded.defects);
    decoded.record.long_qty = decoded.record.short_qty = 0;
    decoded.record.flags = 1;
  }
  sink_.venue_position(decoded.record, decoded.reports, decoded.defects);
}

// A report that the session refused (its dictionary did not like it) still happened at the venue.
void FixSession::Impl::report_unreadable(std::string_view message) {
  const FieldTable fields(message);
  if (fields[35] == "9") {
    event(2, "OrderCancelReject was refused by the session's rules, " + refusal_);
    sink_.cancel_rejected(decoder_.cancel_rejected(fields, current_raw_));
    return;
  }
  if (fields[35] == "AP") {
    position_report(fields, current_raw_, "refused by the session's rules, " + refusal_);
    return;
  }
  DecodedExecution decoded = decoder_.execution(fields, current_raw_);
  decoded.defects += "refused by the session's rules, " + refusal_;
  event(2, "execution report not taken: " + decoded.defects);
  sink_.unreadable_execution(decoded.record, decoded.defects);
}

void FixSession::Impl::from_client(const FieldTable& fields, std::string_view type, Sequence raw) {
  Refusal why;
  if (type == "D") {
    FixNewOrder order;
    decoder_.order(fields, raw, order, why) ? sink_.new_order(order) : refuse_order(fields, why);
  } else if (type == "F") {
    FixCancel cancel;
    decoder_.cancel(fields, raw, cancel, why) ? sink_.cancel(cancel) : refuse_cancel(fields, why);
  } else if (type == "G") {
    FixReplace replace;
    decoder_.replace(fields, raw, replace, why) ? sink_.replace(replace)
                                                : refuse_cancel(fields, why);
  } else if (type == "H") {
    const FixStatusRequest request = decoder_.status_request(fields, raw);
    if (request.cl_ord_id == 0) why.text = "ClOrdID: " + config_.dialect.ids.expected();
    request.cl_ord_id != 0 ? sink_.status_request(request) : refuse_other(fields, why);
  } else if (type == "q") {
    FixMassCancel request;
    decoder_.mass_cancel(fields, raw, request, why) ? sink_.mass_cancel(request)
                                                    : refuse_other(fields, why);
  } else if (type == "AF") {
    FixMassStatusRequest request;
    decoder_.mass_status_request(fields, raw, request, why) ? sink_.mass_status_request(request)
                                                            : refuse_other(fields, why);
  } else if (type == "AN") {
    FixPositionsRequest request;
    decoder_.positions_request(fields, raw, request, why) ? sink_.positions_request(request)
                                                          : refuse_positions(fields, why);
  } else {
    throw FIX::UnsupportedMessageType();
  }
}

void FixSession::Impl::refuse_order(const FieldTable& fields, const Refusal& why) {
  FIX::Message report = encoder_.refused_order(now_, fields, why, store_.getNextSenderMsgSeqNum());
  event(1, "order refused: " + why.text);
  session_->send(report);
}

void FixSession::Impl::refuse_cancel(const FieldTable& fields, const Refusal& why) {
  FIX::Message reject = encoder_.refused_cancel(fields, why);
  event(1, "cancel or replace refused: " + why.text);
  session_->send(reject);
}

void FixSession::Impl::refuse_positions(const FieldTable& fields, const Refusal& why) {
  FIX::Message ack = encoder_.refused_positions(fields, why, store_.getNextSenderMsgSeqNum());
  event(1, "request for positions refused: " + why.text);
  session_->send(ack);
}

void FixSession::Impl::refuse_other(const FieldTable& fields, const Refusal& why) {
  FIX::Message reject =
      encoder_.business_reject(fields.number(34), fields[35], fields[11], 0, why.text);
  event(1, "request refused: " + why.text);
  session_->send(reject);
}

bool FixSession::Impl::send_application(Nanos now, FIX::Message& message) {
  if (!logged_on() || session_->sentLogout()) return false;
  bool sent = false;
  turn(now, [&, this] { sent = session_->send(message); });
  return sent;
}

bool FixSession::Impl::send_report(Nanos now, FIX::Message& message) {
  bool sent = false;
  turn(now, [&, this] { sent = session_->send(message); });
  return sent;
}

bool FixSession::Impl::send_parsed(Nanos now, std::string_view message) {
  if (!logged_on() || session_->sentLogout()) return false;
  bool sent = false;
  turn(now, [&, this] {
    const FIX::DataDictionary& dictionary =
        session_->getDataDictionaryProvider().getSessionDataDictionary(
            FIX::BeginString(config_.begin_string));
    FIX::Message parsed(std::string(message), dictionary, false);
    sent = session_->send(parsed);
  });
  return sent;
}

}  // namespace pitwire
