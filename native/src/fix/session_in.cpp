// What comes in: connection, bytes, time, operator.
#include <Fields.h>

#include <limits>

#include "session_impl.hpp"

namespace pitwire {
namespace {
constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

Nanos next_second(Nanos ts) { return (ts / kSecond + 1) * kSecond; }
}  // namespace

bool FixSession::Impl::is_session_time(Nanos now) const {
  return config_.non_stop || FIX::TimeRange(hours_).isInRange(to_utc(now));
}

void FixSession::Impl::connected(Nanos now) {
  turn(now, [this] {
    if (connected_) {
      event(1, "connected twice");
      return;
    }
    reason_.clear();
    connected_ = true;
    session_->setResponder(this);
    if (!is_session_time(now_)) {
      event(1, "connected outside session time");
      session_->disconnect();
      return;
    }
    session_->next(to_utc(now_));
  });
}

void FixSession::Impl::disconnected(Nanos now, std::string_view reason) {
  turn(now, [this, reason] {
    if (!connected_) return;
    reason_ = reason;
    connected_ = false;
    connection_lost_ = true;
    session_->disconnect();
    connection_lost_ = false;
    queued_raw_.clear();
    resend_next_ = 0;
    first_application_ = 0;
  });
}

void FixSession::Impl::received(Nanos now, Sequence raw, std::string_view message) {
  turn(now, [&, this] {
    if (!connected_) {
      event(2, "a message came while not connected: not taken");
      return;
    }
    const FieldTable fields(message);
    if (take_beside(fields, raw, message)) return;
    if (is_out_of_place(fields)) return;
    last_received_ts_ = now_;
    ++traffic_.in_through;
    current_ = message;
    current_number_ = fields.number(34);
    current_raw_ = raw;
    delivered_ = false;
    rejected_ = false;
    if (current_number_ > store_.getNextTargetMsgSeqNum()) {
      queued_raw_[current_number_] = raw;
      highest_ahead_ = std::max(highest_ahead_, current_number_);
    }
    const std::uint64_t due = store_.getNextTargetMsgSeqNum();
    const bool was_logged_on = logged_on();
    try {
      feed(message, fields);
    } catch (const std::exception& error) {
      event(2, std::string("message not taken: ") + error.what());
      rejected_ = true;
    }
    count_logout(fields, due);
    if (!was_logged_on) go_behind_what_the_venue_has(fields);
    ask_for_gap(fields);
    const std::string_view type = fields[35];
    const bool is_new = current_number_ >= due;  // what repeats a used number was heard before
    if (config_.initiator && is_new && rejected_ && !delivered_ &&
        (type == "8" || type == "9" || type == "AP")) {
      report_unreadable(message);
    }
    current_ = {};
    if (queued_raw_.size() > kQueuedMax) {
      event(2, "more than 65536 messages ahead of a gap");
      session_->disconnect();
    }
  });
}

void FixSession::Impl::feed(std::string_view message, const FieldTable& fields) {
  if (is_ahead(fields, "3")) {
    sink_.session_rejected(reject_of(fields, current_raw_));
  } else if (!begin_resend(message, fields)) {
    session_->next(std::string(message), to_utc(now_));
  }
  if (is_ahead(fields, "3") || is_ahead(fields, "2")) keep_place();
}

// A long ResendRequest to an acceptor is answered in parts: the first in place of the request, the
// others from time(). Nothing is done here where the whole range fits in one.
bool FixSession::Impl::begin_resend(std::string_view message, const FieldTable& fields) {
  if (fields[35] != "2") return false;
  if (config_.initiator) return fill_up_to_this_connection(message, fields);
  const std::uint64_t begin = fields.number(7);
  const std::uint64_t last = store_.getNextSenderMsgSeqNum() - 1;
  std::uint64_t end = fields.number(16);
  const bool infinity = end == 0 || (end == 999999 && config_.begin_string == "FIX.4.2");
  if (infinity || end > last) end = last;
  if (begin == 0 || begin > end) return false;
  if (begin < store_.dropped_below()) {
    event(1, "asked to resend from " + std::to_string(begin) + ", kept from " +
                 std::to_string(store_.dropped_below()) + ": the rest is gap-filled");
  }
  if (end - begin < config_.resend_messages_per_turn_max) return false;
  FIX::Message request = parsed(message);
  const std::uint64_t part_end = begin + config_.resend_messages_per_turn_max - 1;
  request.setField(FIX::EndSeqNo(part_end));
  resend_accepted_ = false;
  session_->next(request.toString(), to_utc(now_));
  if (resend_accepted_ && connected_) {
    resend_next_ = resend_next_ == 0 ? part_end + 1 : std::min(resend_next_, part_end + 1);
    resend_end_ = std::max(end, resend_next_ == part_end + 1 ? end : resend_end_);
  }
  return true;
}

// The next part, asked for in the peer's name with a number it has used: QuickFIX answers such a
// request and takes no number for it.
void FixSession::Impl::continue_resend() {
  const std::uint64_t begin = resend_next_;
  const std::uint64_t end = std::min(resend_end_, begin + config_.resend_messages_per_turn_max - 1);
  FIX::Message request = from_peer("2", store_.getNextTargetMsgSeqNum() - 1);
  request.setField(FIX::BeginSeqNo(begin));
  request.setField(FIX::EndSeqNo(end));
  resend_next_ = end >= resend_end_ ? 0 : end + 1;
  session_->next(request.toString(), to_utc(now_), true);
}

void FixSession::Impl::time(Nanos now) {
  if (now < next_deadline()) {
    if (now > now_) now_ = now;
    return;
  }
  turn(now, [this] {
    if (connected_) {
      if (resend_next_ != 0 && logged_on()) continue_resend();
      session_->next(to_utc(now_));
    } else if (!config_.non_stop && is_session_time(now_) &&
               !hours_.isInSameRange(to_utc(now_), to_utc(store_.creation_ts()))) {
      store_.reset(to_utc(now_));
      event(0, "a new session period: numbers begin at 1");
    }
  });
}

void FixSession::Impl::logon(Nanos now) {
  turn(now, [this] {
    session_->logon();
    if (connected_) session_->next(to_utc(now_));
  });
}

void FixSession::Impl::logout(Nanos now, std::string_view reason) {
  turn(now, [this, reason] {
    reason_ = reason;
    session_->logout(std::string(reason));
    if (connected_) session_->next(to_utc(now_));
  });
}

bool FixSession::Impl::set_next_numbers(Nanos now, std::uint64_t next_sender,
                                        std::uint64_t next_target) {
  if (logged_on()) return false;
  turn(now, [&, this] {
    if (next_sender != 0) store_.setNextSenderMsgSeqNum(next_sender);
    if (next_target != 0) store_.setNextTargetMsgSeqNum(next_target);
  });
  return true;
}

bool FixSession::Impl::reset_numbers(Nanos now) {
  if (connected_) return false;
  turn(now, [this] { store_.reset(to_utc(now_)); });
  return true;
}

bool FixSession::Impl::logged_on() const noexcept { return connected_ && session_->isLoggedOn(); }

FixSessionState FixSession::Impl::state() const noexcept {
  return {store_.getNextSenderMsgSeqNum(), store_.getNextTargetMsgSeqNum(), store_.creation_ts(),
          logged_on(), connected_};
}

void FixSession::Impl::report_state() {
  const FixSessionState now = state();
  if (now == reported_) return;
  reported_ = now;
  sink_.state(config_.id, now);
}

// QuickFIX counts whole seconds of the clock, so that nothing falls due between two of them.
Nanos FixSession::Impl::next_deadline() const noexcept {
  if (connected_ && resend_next_ != 0) return last_call_ts_;
  const Nanos second = next_second(last_call_ts_);
  if (!config_.non_stop) return second;
  if (!connected_) return kNever;
  if (!logged_on() || session_->sentLogout() || !session_->isEnabled()) return second;
  const Nanos quiet_since = std::min(last_sent_ts_, last_received_ts_);
  return std::max(second, (quiet_since / kSecond + heart_bt_int_) * kSecond);
}

bool FixSession::Impl::settled() const noexcept {
  if (connected_ != logged_on()) return false;
  // What came ahead of a gap waits in QuickFIX, which nobody can save.
  if (connected_ && highest_ahead_ >= store_.getNextTargetMsgSeqNum()) return false;
  return !connected_ || (session_->isEnabled() && !session_->sentLogout() && resend_next_ == 0 &&
                         test_request_ts_ <= last_received_ts_);
}

FixActivity FixSession::Impl::activity() const noexcept {
  FixActivity activity;
  activity.last_sent_ts = std::max(last_sent_ts_, beside_sent_ts_);
  activity.last_received_ts = std::max(last_received_ts_, beside_received_ts_);
  if (connected_ && highest_ahead_ >= store_.getNextTargetMsgSeqNum()) {
    activity.missing_from = store_.getNextTargetMsgSeqNum();
    activity.missing_to = highest_ahead_ - 1;
  }
  if (resend_next_ != 0) {
    activity.resending_from = resend_next_;
    activity.resending_to = resend_end_;
  }
  activity.enabled = session_->isEnabled();
  return activity;
}

FixRestored FixSession::Impl::snapshot() const {
  FixRestored restored;
  restored.next_sender = store_.getNextSenderMsgSeqNum();
  restored.next_target = store_.getNextTargetMsgSeqNum();
  restored.creation_ts = store_.creation_ts();
  restored.messages.assign(store_.messages().begin(), store_.messages().end());
  restored.logged_on = logged_on();
  restored.enabled = session_->isEnabled();
  restored.heart_bt_int_seconds = heart_bt_int_;
  restored.last_sent_ts = last_sent_ts_;
  restored.last_received_ts = last_received_ts_;
  restored.first_application = first_application_;
  return restored;
}

}  // namespace pitwire
