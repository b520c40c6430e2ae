// What a configuration must be, and how a session comes to be out of it and of what was restored.
#include <Fields.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "dictionaries.hpp"
#include "session_impl.hpp"
#include "timestamp.hpp"

namespace pitwire {
namespace {

[[noreturn]] void refuse(const char* key, const std::string& reason) {
  throw std::invalid_argument(std::string("session, ") + key + ": " + reason);
}

void check_comp_id(const char* key, const std::string& value) {
  if (value.empty() || value.find('\x01') != std::string::npos) refuse(key, "empty or with SOH");
}

void check_at_least(const char* key, long long value, long long least) {
  if (value < least) {
    refuse(key, "expected at least " + std::to_string(least) + ", found " + std::to_string(value));
  }
}

std::vector<FixShape> shapes_of(const FixSessionConfig& config) {
  std::vector<FixShape> shapes;
  for (const char type : config.initiator ? std::string_view("8") : std::string_view("DFG")) {
    shapes.emplace_back(config, type);
  }
  return shapes;
}

const FixSessionConfig& checked(const FixSessionConfig& config) {
  check_comp_id("sender_comp_id", config.sender_comp_id);
  check_comp_id("target_comp_id", config.target_comp_id);
  if (config.initiator) check_at_least("heart_bt_int_seconds", config.heart_bt_int_seconds, 1);
  check_at_least("max_latency_seconds", config.max_latency_seconds, 1);
  check_at_least("logon_timeout_seconds", config.logon_timeout_seconds, 1);
  check_at_least("logout_timeout_seconds", config.logout_timeout_seconds, 1);
  check_at_least("resend_messages_per_turn_max", config.resend_messages_per_turn_max, 1);
  if (config.timestamp_digits < 0 || config.timestamp_digits > 9) {
    refuse("timestamp_digits", "expected 0 to 9, found " + std::to_string(config.timestamp_digits));
  }
  check_dialect(config);
  return config;
}

FIX::UtcTimeOnly time_of_day(const char* key, const std::string& text) {
  int hour = -1, minute = -1, second = -1;
  char rest = 0;
  const int found = std::sscanf(text.c_str(), "%2d:%2d:%2d%c", &hour, &minute, &second, &rest);
  const bool in_range =
      hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (found != 3 || text.size() != 8 || !in_range) {
    refuse(key, "expected HH:MM:SS in UTC, found \"" + text + "\"");
  }
  return {hour, minute, second};
}

// Equal ends are the whole day, its last second included.
FIX::TimeRange hours_of(const FixSessionConfig& config) {
  if (config.non_stop) return {FIX::UtcTimeOnly(0, 0, 0), FIX::UtcTimeOnly(0, 0, 0)};
  return {time_of_day("start_time", config.start_time), time_of_day("end_time", config.end_time)};
}

}  // namespace

FixSession::Impl::Impl(const FixSessionConfig& config, const FixSymbology& symbology, FixSink& sink,
                       Nanos now, const FixRestored& restored)
    : config_(checked(config)),
      sink_(sink),
      encoder_(config_, symbology),
      orders_(config_, symbology),
      decoder_(config_, symbology),
      dictionary_(dictionary_of(config_)),
      shapes_(shapes_of(config_)),
      store_(restored, now, config_.stored_bytes_max),
      now_(now),
      hours_(hours_of(config_)),
      last_call_ts_(now) {
  muted_ = true;
  store_.keep_numbers(config_.non_stop);
  session_ = std::make_unique<FIX::Session>(
      [this] { return to_utc(now_); }, static_cast<FIX::Application&>(*this),
      static_cast<FIX::MessageStoreFactory&>(*this),
      FIX::SessionID(config_.begin_string, config_.sender_comp_id, config_.target_comp_id),
      provider_of(config_), hours_, config_.initiator ? config_.heart_bt_int_seconds : 0,
      static_cast<FIX::LogFactory*>(this));
  store_.keep_numbers(false);
  session_->setIsNonStopSession(config_.non_stop);
  session_->setCheckLatency(config_.check_latency);
  session_->setMaxLatency(config_.max_latency_seconds);
  session_->setResetOnLogon(config_.reset_on_logon);
  session_->setResetOnLogout(config_.reset_on_logout);
  session_->setResetOnDisconnect(config_.reset_on_disconnect);
  session_->setLogonTimeout(config_.logon_timeout_seconds);
  session_->setLogoutTimeout(config_.logout_timeout_seconds);
  session_->setTimestampPrecision(digits_);
  session_->setPersistMessages(!config_.initiator);
  heart_bt_int_ = config_.initiator ? config_.heart_bt_int_seconds : 0;
  if (restored.logged_on) resume(restored);
  if (!restored.enabled) session_->logout();
  muted_ = false;
  reported_ = state();
}

FixSession::Impl::~Impl() = default;

// QuickFIX keeps "logged on", the heartbeat times and the agreed interval to itself; so they are
// brought about as they were, by a logon at those times that nobody hears, and the numbers set back
// after it.
void FixSession::Impl::resume(const FixRestored& restored) {
  connected_ = true;
  now_ = restored.last_sent_ts;
  session_->setResponder(this);
  session_->next(to_utc(now_));
  last_sent_ts_ = restored.last_sent_ts;
  now_ = restored.last_received_ts;
  feed_logon(restored.heart_bt_int_seconds);
  store_ = FixStore(restored, restored.creation_ts, config_.stored_bytes_max);
  last_sent_ts_ = restored.last_sent_ts;
  last_received_ts_ = restored.last_received_ts;
  first_application_ = restored.first_application;
  now_ = std::max(restored.last_sent_ts, restored.last_received_ts);
}

void FixSession::Impl::feed_logon(int heart_bt_int) {
  FIX::Message logon;
  FIX::Header& header = logon.getHeader();
  header.setField(FIX::BeginString(config_.begin_string));
  header.setField(FIX::MsgType("A"));
  header.setField(FIX::MsgSeqNum(store_.getNextTargetMsgSeqNum()));
  header.setField(FIX::SenderCompID(config_.target_comp_id));
  header.setField(FIX::TargetCompID(config_.sender_comp_id));
  header.setField(FIX::SendingTime(to_utc(now_), 6));
  logon.setField(FIX::EncryptMethod(0));
  logon.setField(FIX::HeartBtInt(heart_bt_int));
  session_->next(logon.toString(), to_utc(now_), true);
}

}  // namespace pitwire
