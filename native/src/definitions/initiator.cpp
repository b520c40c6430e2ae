#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <sstream>

#include "tested.hpp"

namespace pitwire {
namespace {

constexpr InstrumentId kInstrument{0};  // INTC, in cents and single shares

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(value) : std::nullopt;
}

template <class Chars>
std::string text_of(const Chars& chars) {
  const auto* const begin = reinterpret_cast<const char*>(&chars);
  return {begin, std::find(begin, begin + sizeof chars, '\0')};
}

class Initiator final : public TestedSide {
 public:
  Initiator() { symbology_.add({kInstrument, "INTC", {1, -2}, {1, 0}, {1, -4}}); }

  void expects(std::string_view logon) override {
    if (session_ || fix_field(logon, "35") != "A") return;
    config_.begin_string = fix_field(logon, "8");
    config_.sender_comp_id = fix_field(logon, "49");
    config_.target_comp_id = fix_field(logon, "56");
    config_.timestamp_digits = 3;
    if (const auto seconds = number_of(fix_field(logon, "108"))) {
      config_.heart_bt_int_seconds = static_cast<int>(*seconds);
    }
  }

  void time(Nanos now) override {
    if (session_) session_->time(now);
  }

  std::string command(Nanos now, std::string_view name, std::string_view arguments) override {
    if (name == "set") return set(arguments);
    if (name == "heard") return heard(arguments);
    if (!session_) return "there is no session yet: the first line must be a connection";
    if (name == "order") return order(now, arguments);
    if (name == "cancel") return ask_cancel(now, arguments);
    if (name == "logon") return session_->logon(now), "";
    if (name == "logout") return session_->logout(now, arguments), "";
    if (name == "restart") return restart(now);
    return TestedSide::command(now, name, arguments);
  }

 private:
  std::string connected(Nanos now, Link& link) override {
    if (link_of(session_.get()) != nullptr) return "our session has a connection already";
    if (!session_) build(now, restored_);
    link.session = session_.get();
    session_->connected(now);
    return "";
  }
  void message(Nanos now, Link& link, std::string_view message) override {
    received(now, link, message);
  }
  void build(Nanos now, const FixRestored& restored) {
    session_ = std::make_unique<FixSession>(config_, symbology_, *this, now, restored);
  }

  // ---- what our order desk hears
  void execution(const rec::Execution& record) override {
    note("execution " + text_of(record.exec_id));
  }
  void unreadable_execution(const rec::Execution& record, std::string_view) override {
    note("unreadable " + text_of(record.exec_id));
  }
  void cancel_rejected(const rec::CancelRejected&) override { note("cancel rejected"); }
  void business_rejected(const FixReject& reject) override {
    note("business reject " + std::to_string(reject.ref_seq_num));
  }
  void session_rejected(const FixReject& reject) override {
    note("session reject " + std::to_string(reject.ref_seq_num));
  }
  void note(const std::string& what) { heard_ += (heard_.empty() ? "" : ", ") + what; }
  std::string heard(std::string_view expected) {
    const std::string found = std::exchange(heard_, "");
    if (expected == found) return "";
    return "expected that we heard \"" + std::string(expected) + "\", got \"" + found + "\"";
  }

  // ---- commands
  std::string set(std::string_view argument) {
    if (session_) return "a setting comes before the first connection";
    const std::size_t equals = argument.find('=');
    const std::string key(argument.substr(0, equals));
    const std::string value(equals == argument.npos ? "" : argument.substr(equals + 1));
    const auto number = number_of(value);
    const std::map<std::string, std::function<void()>> settings{
        {"reset_on_logon", [&] { config_.reset_on_logon = value == "Y"; }},
        {"reset_on_logout", [&] { config_.reset_on_logout = value == "Y"; }},
        {"reset_on_disconnect", [&] { config_.reset_on_disconnect = value == "Y"; }},
        {"username", [&] { config_.username_placeholder = value; }},
        {"password", [&] { config_.password_placeholder = value; }},
        {"next_sender", [&] { restored_.next_sender = static_cast<std::uint64_t>(*number); }},
        {"next_target", [&] { restored_.next_target = static_cast<std::uint64_t>(*number); }},
        {"max_latency", [&] { config_.max_latency_seconds = static_cast<int>(*number); }},
        {"logon_timeout", [&] { config_.logon_timeout_seconds = static_cast<int>(*number); }},
        {"logout_timeout", [&] { config_.logout_timeout_seconds = static_cast<int>(*number); }}};
    const auto setting = settings.find(key);
    const bool is_text = key.starts_with("reset_") || key == "username" || key == "password";
    if (setting == settings.end() || (!is_text && !number)) {
      return "no such setting: " + std::string(argument);
    }
    setting->second();
    return "";
  }

  std::string order(Nanos now, std::string_view arguments) {
    std::istringstream in{std::string(arguments)};
    rec::OrderSubmitted order;
    if (!(in >> order.cl_ord_id >> order.order_qty >> order.price)) return "expected ID QTY PRICE";
    order.instrument = index(kInstrument);
    order.side = static_cast<std::uint8_t>(Side::BUY);
    order.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
    order.time_in_force = static_cast<std::uint8_t>(TimeInForce::DAY);
    return session_->send_order(now, order) ? "" : "the order was not sent";
  }
  std::string ask_cancel(Nanos now, std::string_view arguments) {
    std::istringstream in{std::string(arguments)};
    rec::CancelRequested request;
    std::int64_t qty = 0;
    if (!(in >> request.cl_ord_id >> request.orig_cl_ord_id >> qty)) return "expected ID ORIG QTY";
    request.instrument = index(kInstrument);
    request.side = static_cast<std::uint8_t>(Side::BUY);
    return session_->send_cancel(now, request, qty) ? "" : "the cancel was not sent";
  }
  std::string restart(Nanos now) {
    const FixSessionState numbers = session_->state();
    if (Link* const link = link_of(session_.get())) link->open = false;
    FixRestored restored;
    restored.next_sender = numbers.next_sender;
    restored.next_target = numbers.next_target;
    restored.creation_ts = numbers.creation_ts;
    session_.reset();
    build(now, restored);
    return "";
  }

  FixSymbology symbology_;
  FixSessionConfig config_;
  FixRestored restored_;
  std::unique_ptr<FixSession> session_;
  std::string heard_;
};

}  // namespace

std::unique_ptr<TestedSide> new_initiator() { return std::make_unique<Initiator>(); }

}  // namespace pitwire
