// The adapter around FIX::Session: its application, responder, store, log and clock are all here.
#pragma once

#include <Application.h>
#include <Log.h>
#include <Responder.h>
#include <Session.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decode.hpp"
#include "encode.hpp"
#include "encode_orders.hpp"
#include "fast_shape.hpp"
#include "store.hpp"

namespace pitwire {

class FixSession::Impl final : private FIX::Application,
                               private FIX::Responder,
                               private FIX::MessageStoreFactory,
                               private FIX::LogFactory,
                               private FIX::Log {
 public:
  Impl(const FixSessionConfig& config, const FixSymbology& symbology, FixSink& sink, Nanos now,
       const FixRestored& restored);
  ~Impl() override;

  // ---- inputs, session_in.cpp
  void connected(Nanos now);
  void disconnected(Nanos now, std::string_view reason);
  void received(Nanos now, Sequence raw, std::string_view message);
  void time(Nanos now);
  void logon(Nanos now);
  void logout(Nanos now, std::string_view reason);
  bool set_next_numbers(Nanos now, std::uint64_t next_sender, std::uint64_t next_target);
  bool reset_numbers(Nanos now);

  // ---- state
  [[nodiscard]] bool logged_on() const noexcept;
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  [[nodiscard]] FixSessionState state() const noexcept;
  [[nodiscard]] Nanos next_deadline() const noexcept;
  [[nodiscard]] bool settled() const noexcept;
  [[nodiscard]] FixRestored snapshot() const;
  [[nodiscard]] const FixTraffic& traffic() const noexcept { return traffic_; }
  [[nodiscard]] FixActivity activity() const noexcept;
  [[nodiscard]] const FixSessionConfig& config() const noexcept { return config_; }
  [[nodiscard]] const Encoder& encoder() const noexcept { return encoder_; }
  [[nodiscard]] bool cancels_on_disconnect() const noexcept {
    return config_.cancel_on_disconnect || asked_to_cancel_;
  }
  [[nodiscard]] OrderEncoder& orders() noexcept { return orders_; }

  // ---- out
  /// A body of `orders()`, null for none: beside QuickFIX where its rules have nothing to say,
  /// through it otherwise; the bytes are the same. As send_application for an initiator, as
  /// send_report for an acceptor.
  bool send_body(Nanos now, const FixBody* body);
  /// The message of such a body, written as the next and forgotten.
  void rehearse_body(const FixBody& body) { compose(body, store_.getNextSenderMsgSeqNum()); }
  bool send_application(Nanos now, FIX::Message& message);
  bool send_parsed(Nanos now, std::string_view message);
  /// As send_application, for the reports of an acceptor: kept while nobody is logged on.
  bool send_report(Nanos now, FIX::Message& message);

 private:
  struct Sent {
    std::uint64_t number = 0;
    ClOrdId cl_ord_id = 0;
    std::array<char, 4> msg_type{};
  };
  static constexpr std::size_t kSentRemembered = 8192;  // for rejects that name a number
  static constexpr std::size_t kQueuedMax = 65536;  // messages ahead of a gap, then we disconnect

  // FIX::Application, session_app.cpp
  void onCreate(const FIX::SessionID&) override {}
  void onLogon(const FIX::SessionID&) override;
  void onLogout(const FIX::SessionID&) override;
  void toAdmin(FIX::Message& message, const FIX::SessionID&) override;
  void toApp(FIX::Message&, const FIX::SessionID&) override {}
  void fromAdmin(const FIX::Message& message, const FIX::SessionID&) override;
  void fromApp(const FIX::Message& message, const FIX::SessionID&) override;
  // FIX::Responder
  bool send(const std::string& message) override;
  void disconnect() override;
  // FIX::MessageStoreFactory, FIX::LogFactory: there is one of each, ours
  FIX::MessageStore* create(const FIX::UtcTimeStamp&, const FIX::SessionID&) override {
    return &store_;
  }
  void destroy(FIX::MessageStore*) override {}
  FIX::Log* create() override { return this; }
  FIX::Log* create(const FIX::SessionID&) override { return this; }
  void destroy(FIX::Log*) override {}
  // FIX::Log
  void clear() override {}
  void backup() override {}
  void onIncoming(const std::string&) override {}
  void onOutgoing(const std::string&) override {}
  void onEvent(const std::string& text) override;

  template <class Work>
  void turn(Nanos now, Work&& work);
  void report_state();
  void event(std::uint32_t severity, std::string_view text);

  void feed(std::string_view message, const FieldTable& fields);
  [[nodiscard]] bool begin_resend(std::string_view message, const FieldTable& fields);
  void continue_resend();
  void resume(const FixRestored& restored);
  void feed_logon(int heart_bt_int);
  [[nodiscard]] bool is_session_time(Nanos now) const;

  // session_numbers.cpp
  void go_behind_what_the_venue_has(const FieldTable& fields);
  [[nodiscard]] bool is_out_of_place(const FieldTable& fields);
  /// A message of this type, its number higher than the one that is due.
  [[nodiscard]] bool is_ahead(const FieldTable& fields, std::string_view type) const;
  void keep_place();
  /// The header of a message in the peer's name.
  [[nodiscard]] FIX::Message from_peer(const char* msg_type, std::uint64_t number) const;
  void count_logout(const FieldTable& fields, std::uint64_t due);
  [[nodiscard]] bool fill_up_to_this_connection(std::string_view message, const FieldTable& fields);
  [[nodiscard]] FIX::Message parsed(std::string_view message) const;
  void check_resend_request(const FIX::Message& request) const;
  [[nodiscard]] bool is_asked_for(std::uint64_t due, bool poss_dup);
  void ask_for_gap(const FieldTable& fields);

  // session_fast.cpp
  /// Logged on with nothing special going on, and QuickFIX's own timer of this direction was set at
  /// `timer_ts`, less than that part of a heartbeat ago: what passes beside QuickFIX does not set
  /// it.
  [[nodiscard]] bool may_pass_beside(Nanos timer_ts, int part) const noexcept;
  void write_beside(const FixBody& body);
  /// Into `whole_`.
  void compose(const FixBody& body, std::uint64_t number);
  [[nodiscard]] bool take_beside(const FieldTable& fields, Sequence raw, std::string_view message);
  [[nodiscard]] bool is_next(const FieldTable& fields) const;
  /// Null where nothing of this type passes beside.
  [[nodiscard]] const FixShape* shape_of(char msg_type) const noexcept;
  [[nodiscard]] bool deliver_report(const FieldTable& fields, Sequence raw);
  [[nodiscard]] bool deliver_request(const FieldTable& fields, Sequence raw);
  void sent(std::string_view msg_type, std::uint64_t number, ClOrdId id);

  void from_venue(const FieldTable& fields, std::string_view msg_type, Sequence raw);
  void from_client(const FieldTable& fields, std::string_view msg_type, Sequence raw);
  void report_unreadable(std::string_view message);
  [[nodiscard]] FixReject reject_of(const FieldTable& fields, Sequence raw) const;
  [[nodiscard]] Sequence raw_of(std::uint64_t number);
  void refuse_order(const FieldTable& fields, const Refusal& why);
  void refuse_cancel(const FieldTable& fields, const Refusal& why);
  void refuse_positions(const FieldTable& fields, const Refusal& why);
  void position_report(const FieldTable& fields, Sequence raw, std::string_view more);
  void refuse_other(const FieldTable& fields, const Refusal& why);

  const FixSessionConfig config_;
  FixSink& sink_;
  Encoder encoder_;
  OrderEncoder orders_;
  Decoder decoder_;
  const std::shared_ptr<const FIX::DataDictionary> dictionary_;
  const std::vector<FixShape> shapes_;  // of 8, or of D, F, G
  FixStore store_;
  Nanos now_;
  FIX::TimeRange hours_;
  std::unique_ptr<FIX::Session> session_;

  bool connected_ = false;
  bool muted_ = false;            // restoring: what the session says was said before
  bool connection_lost_ = false;  // the session must not ask for what has happened already
  int depth_ = 0;                 // calls from inside callbacks: the outermost reports the state
  FixSessionState reported_;
  std::string reason_;
  int heart_bt_int_ = 0;
  bool asked_to_cancel_ = false;  // acceptor: by the Logon of this connection
  // As QuickFIX knows them: what passes beside it changes neither.
  Nanos last_sent_ts_ = 0;
  Nanos last_received_ts_ = 0;
  Nanos test_request_ts_ = 0;  // of the newest that we sent; unanswered until something comes in
  Nanos last_call_ts_ = 0;
  // Of what passed beside it, for who looks.
  Nanos beside_sent_ts_ = 0;
  Nanos beside_received_ts_ = 0;

  // The message being received, and what became of it.
  std::string_view current_;
  std::uint64_t current_number_ = 0;
  Sequence current_raw_ = 0;
  bool delivered_ = false;
  bool rejected_ = false;
  std::string refusal_;  // what our newest Reject said
  std::map<std::uint64_t, Sequence> queued_raw_;

  std::uint64_t first_application_ = 0;  // number of the first of this connection, 0: none yet
  // Our newest ResendRequest on this connection: from, up to the message that showed the gap.
  std::uint64_t asked_from_ = 0, asked_to_ = 0;
  // Where the gap begins, and since when it has.
  std::uint64_t gap_begin_ = 0;
  Nanos gap_ts_ = 0;

  std::uint64_t resend_next_ = 0;  // 0: no resend under way
  std::uint64_t resend_end_ = 0;
  bool resend_accepted_ = false;
  std::array<Sent, kSentRemembered> sent_{};

  std::uint64_t highest_ahead_ = 0;  // the highest number that came before its turn
  std::string rest_, whole_;         // a message being written
  const std::string sender_ = "49=" + config_.sender_comp_id + "\x01" + "52=";
  const std::string target_ =
      "\x01"
      "56=" +
      config_.target_comp_id + "\x01";
  TimestampText sending_time_;
  FixTraffic traffic_;
  const int digits_ = timestamp_digits_of(config_);
};

/// Runs `work` at `now`; what QuickFIX throws becomes an event; the outermost call reports the
/// state.
template <class Work>
void FixSession::Impl::turn(Nanos now, Work&& work) {
  if (now > now_) now_ = now;
  last_call_ts_ = now_;
  ++depth_;
  try {
    work();
  } catch (const std::exception& error) {
    event(2, error.what());
  }
  if (--depth_ == 0) report_state();
}

}  // namespace pitwire
