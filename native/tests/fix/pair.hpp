// Two sessions, an initiator and an acceptor, joined by a wire that a test can hold, cut and listen
// to, in virtual time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pitwire/fix/session.hpp"  // IWYU pragma: export

namespace pitwire::testing {

inline constexpr Nanos kStart = 1'700'000'000 * kSecond;  // 2023-11-14 22:13:20 UTC

/// Keeps all that a session says.
struct Recorder : FixSink {
  struct Tx {
    std::string text;
    std::uint64_t number;
    ClOrdId id;
    bool admin, poss_dup;
  };
  std::vector<Tx> sent;
  std::deque<std::string> wire;
  std::vector<FixSessionState> states;
  std::vector<std::string> said;  // "0 text"
  std::vector<rec::Execution> executions, unreadable;
  std::vector<rec::CancelRejected> cancel_rejects;
  std::vector<FixReject> rejects;
  std::vector<FixNewOrder> orders;
  std::vector<FixCancel> cancels;
  std::vector<FixReplace> replaces;
  std::vector<FixStatusRequest> statuses;
  std::vector<FixMassCancel> mass_cancels;
  std::vector<FixMassCancelReport> mass_reports;
  std::vector<FixMassStatusRequest> mass_statuses;
  std::vector<FixMassStatus> mass_answers;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> shorter;
  std::vector<FixPositionsRequest> positions_asked;
  std::vector<FixPositionsAck> position_acks;
  std::vector<std::string> position_texts;
  std::vector<std::pair<rec::VenuePosition, std::int64_t>> positions;
  std::vector<std::string> position_defects;
  int logons = 0, logouts = 0, disconnects = 0;
  std::string reason;
  std::function<void(const FixNewOrder&)> on_order;

  void tx(SessionId, std::string_view message, std::uint64_t number, ClOrdId id, bool admin,
          bool poss_dup) override {
    sent.push_back({std::string(message), number, id, admin, poss_dup});
    wire.emplace_back(message);
  }
  void state(SessionId, const FixSessionState& now) override { states.push_back(now); }
  void logged_on(SessionId) override { ++logons; }
  void logged_out(SessionId, std::string_view why) override { ++logouts, reason = why; }
  void disconnect(SessionId, std::string_view) override { ++disconnects; }
  void event(SessionId, std::uint32_t severity, std::string_view text) override {
    said.push_back(std::to_string(severity) + " " + std::string(text));
  }
  void execution(const rec::Execution& record) override { executions.push_back(record); }
  void unreadable_execution(const rec::Execution& record, std::string_view) override {
    unreadable.push_back(record);
  }
  void cancel_rejected(const rec::CancelRejected& record) override {
    cancel_rejects.push_back(record);
  }
  void business_rejected(const FixReject& reject) override { keep(reject); }
  void session_rejected(const FixReject& reject) override { keep(reject); }
  void mass_cancel_report(SessionId, const FixMassCancelReport& report) override {
    mass_reports.push_back(report);
  }
  void mass_status(SessionId, const FixMassStatus& answer) override {
    mass_answers.push_back(answer);
  }
  void mass_status_request(const FixMassStatusRequest& request) override {
    mass_statuses.push_back(request);
  }
  void log_shorter(SessionId, std::uint64_t ours, std::uint64_t venue) override {
    shorter.emplace_back(ours, venue);
  }
  void positions_ack(SessionId, Sequence, const FixPositionsAck& ack) override {
    position_acks.push_back(ack);
    position_texts.emplace_back(ack.text);
    position_acks.back().text = {};  // a view that does not outlive the call
  }
  void venue_position(const rec::VenuePosition& record, std::int64_t reports,
                      std::string_view defects) override {
    positions.emplace_back(record, reports);
    position_defects.emplace_back(defects);
  }
  void positions_request(const FixPositionsRequest& asked) override {
    positions_asked.push_back(asked);
  }
  void new_order(const FixNewOrder& order) override {
    orders.push_back(order);
    if (on_order) on_order(order);
  }
  void cancel(const FixCancel& request) override { cancels.push_back(request); }
  void replace(const FixReplace& request) override { replaces.push_back(request); }
  void status_request(const FixStatusRequest& request) override { statuses.push_back(request); }
  void mass_cancel(const FixMassCancel& request) override { mass_cancels.push_back(request); }
  [[nodiscard]] bool has_said(std::string_view part) const {
    for (const std::string& text : said) {
      if (text.find(part) != std::string::npos) return true;
    }
    return false;
  }

 private:
  void keep(FixReject reject) {
    reject.text = {};  // a view that does not outlive the call
    reject.ref_msg_type = {};
    rejects.push_back(reject);
  }
};

inline FixSessionConfig config_of(bool initiator, const std::string& version) {
  FixSessionConfig config;
  config.id = SessionId{initiator ? 1U : 2U};
  config.begin_string = version;
  config.sender_comp_id = initiator ? "FIRM" : "VENUE";
  config.target_comp_id = initiator ? "VENUE" : "FIRM";
  config.initiator = initiator;
  config.allow_unknown_fields = initiator || version == "FIX.4.2";
  return config;
}

struct Pair {
  FixSymbology symbols;
  Recorder firm_sink, venue_sink;
  FixSessionConfig firm_config, venue_config;
  std::unique_ptr<FixSession> firm, venue;
  Nanos now = kStart;
  Sequence raw = 100;
  std::function<bool(const std::string&)> lost = [](const std::string&) { return false; };

  explicit Pair(const std::string& version = "FIX.4.4")
      : firm_config(config_of(true, version)), venue_config(config_of(false, version)) {
    symbols.add({InstrumentId{0}, "AAA", {1, -2}, {1, 0}, {1, -4}});
    symbols.add({InstrumentId{7}, "BTCUSDT", {1, -1}, {1, -3}, {1, -8}});
  }
  void build(const FixRestored& firm_restored = {}, const FixRestored& venue_restored = {}) {
    firm = std::make_unique<FixSession>(firm_config, symbols, firm_sink, now, firm_restored);
    venue = std::make_unique<FixSession>(venue_config, symbols, venue_sink, now, venue_restored);
  }
  void connect() {
    venue->connected(now);
    firm->connected(now);
    deliver();
  }
  void drop() {
    firm_sink.wire.clear(), venue_sink.wire.clear();
    firm->disconnected(now), venue->disconnected(now);
  }
  void deliver() {
    while (!firm_sink.wire.empty() || !venue_sink.wire.empty()) {
      pass(firm_sink.wire, *venue);
      pass(venue_sink.wire, *firm);
    }
  }
  void advance(Nanos by, Nanos step = kSecond) {
    for (const Nanos end = now + by; now < end;) {
      now += step;
      firm->time(now), venue->time(now);
      deliver();
    }
  }

 private:
  void pass(std::deque<std::string>& from, FixSession& to) {
    if (from.empty()) return;
    const std::string message = from.front();
    from.pop_front();
    if (!lost(message)) to.received(now, ++raw, message);
  }
};

inline rec::OrderSubmitted buy(ClOrdId id, std::int64_t price = 10'150, std::int64_t qty = 25) {
  rec::OrderSubmitted order;
  order.cl_ord_id = id;
  order.side = static_cast<std::uint8_t>(Side::BUY);
  order.ord_type = static_cast<std::uint8_t>(OrdType::LIMIT);
  order.time_in_force = static_cast<std::uint8_t>(TimeInForce::DAY);
  order.price = price;
  order.order_qty = qty;
  return order;
}

inline FixExecution report(ClOrdId id, ExecType type, OrdStatus status) {
  FixExecution execution;
  execution.cl_ord_id = id;
  execution.side = Side::BUY;
  execution.exec_type = type;
  execution.ord_status = status;
  execution.price = 10'150;
  execution.order_qty = 25;
  execution.leaves_qty = 25;
  execution.order_id = "V1";
  execution.exec_id = "E1";
  return execution;
}

/// The message with SOH as '|'.
inline std::string shown(std::string text) {
  for (char& c : text) {
    if (c == '\x01') c = '|';
  }
  return text;
}

}  // namespace pitwire::testing
