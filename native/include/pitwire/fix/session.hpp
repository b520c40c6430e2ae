// A FIX 4.2 or 4.4 session, initiator or acceptor: QuickFIX's session rules on our time, our wire,
// our storage.
//
// The session is a function of its calls: it reads no clock, owns no socket, file or thread. Time
// comes with every call; bytes come in by received() and go out through FixSink::tx; its numbers
// are in FixSink::state and come back in FixRestored. So the engine logs every input, and the same
// inputs give the same outputs, byte for byte.
//
// What it costs: a message through QuickFIX allocates (it builds a map of fields) and takes 7 to 25
// µs; this is the path that DESIGN.md exempts, and traffic() counts it apart. An ordinary order or
// report in sequence passes beside it in less than one (session_fast.cpp), as the same bytes.
//
// Resends. An initiator keeps no message: a ResendRequest is answered by one SequenceReset-GapFill,
// so an order never leaves twice; one for what a former connection lost is filled as far as this
// connection's first application message. An acceptor keeps what it sent up to `stored_bytes_max`,
// oldest dropped first (then gap-filled, with a warning), and answers
// `resend_messages_per_turn_max` numbers a call; the rest goes out in the following calls of
// time().
//
// What it does not do: FIXT.1.1 and later, repeating groups other than a position's quantities
// (read, not interpreted), encryption by FIX (TLS is the connection's).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/fix/dialect.hpp"
#include "pitwire/fix/messages.hpp"
#include "pitwire/fix/sink.hpp"
#include "pitwire/fix/symbology.hpp"

namespace pitwire {

struct FixSessionConfig {
  SessionId id{};
  std::string begin_string = "FIX.4.4";  ///< or "FIX.4.2"
  std::string sender_comp_id;            ///< ours
  std::string target_comp_id;            ///< theirs
  bool initiator = true;
  int heart_bt_int_seconds =
      30;                     ///< the initiator's offer, > 0; an acceptor takes what it is offered
  bool check_latency = true;  ///< reject when SendingTime is off by more than max_latency_seconds
  int max_latency_seconds = 120;
  bool reset_on_logon = false;
  bool reset_on_logout = false;
  bool reset_on_disconnect = false;
  bool non_stop = true;                 ///< numbers are never reset by time of day
  std::string start_time = "00:00:00";  ///< UTC, when not non_stop
  std::string end_time = "23:59:59";
  int logon_timeout_seconds = 10;
  int logout_timeout_seconds = 2;
  int timestamp_digits = 6;  ///< of a second, in SendingTime and TransactTime; 3 for FIX 4.2 venues
  std::string username_placeholder;  ///< tag 553 of Logon; absent where empty
  std::string password_placeholder;  ///< tag 554 of Logon; absent where empty
  std::string account;               ///< tag 1 of orders; absent where empty
  /// Initiator: asked of the venue at logon, where the dialect says how. Acceptor: done for this
  /// client whether it asks or not (see cancels_on_disconnect).
  bool cancel_on_disconnect = false;
  /// Fields the dictionary does not list for a message are let through: for an initiator, because a
  /// report must not be lost over an extra tag.
  bool allow_unknown_fields = true;
  FixDialect dialect;
  unsigned resend_messages_per_turn_max = 500;
  std::size_t stored_bytes_max = std::size_t{64} << 20;
};

/// What a session is constructed from after a restart, or from a checkpoint. Default: a new
/// session.
struct FixRestored {
  std::uint64_t next_sender = 1;
  std::uint64_t next_target = 1;
  Nanos creation_ts = 0;  ///< 0: now
  /// Acceptors: (MsgSeqNum, message) of what may be asked again, rising.
  std::vector<std::pair<std::uint64_t, std::string>> messages;
  /// Checkpoint taken in the middle of a connection (replay from it): the session continues as
  /// logged on without a word to the sink. Taken while `settled`: a Logon, Logout, TestRequest or
  /// resend under way is not restored.
  bool logged_on = false;
  bool enabled = true;  ///< false after logout(), until logon()
  int heart_bt_int_seconds = 0;
  Nanos last_sent_ts = 0;
  Nanos last_received_ts = 0;
  /// Initiators: number of the connection's first application message, 0 for none.
  std::uint64_t first_application = 0;
};

/// What an operator looks at; times 0 where nothing was yet.
struct FixActivity {
  Nanos last_sent_ts = 0;
  Nanos last_received_ts = 0;
  /// What we asked the peer to send again and have not got, first and last number; 0 where nothing.
  std::uint64_t missing_from = 0;
  std::uint64_t missing_to = 0;
  /// What an acceptor still has to send again, first and last; 0 where nothing.
  std::uint64_t resending_from = 0;
  std::uint64_t resending_to = 0;
  bool enabled = true;  ///< false after logout(), until logon()
};

/// Messages since construction: through QuickFIX, and beside it (session_fast.cpp).
struct FixTraffic {
  std::uint64_t in_through = 0;
  std::uint64_t in_beside = 0;
  std::uint64_t out_through = 0;
  std::uint64_t out_beside = 0;
};

class FixSession {
 public:
  /// Constructed inside a turn: `now` is its time. Throws std::invalid_argument with key and
  /// reason. `symbology` and `sink` must outlive the session.
  FixSession(const FixSessionConfig& config, const FixSymbology& symbology, FixSink& sink,
             Nanos now, const FixRestored& restored = {});
  ~FixSession();
  FixSession(const FixSession&) = delete;
  FixSession& operator=(const FixSession&) = delete;

  // ---- inputs; `now` never goes back
  void connected(Nanos now);
  void disconnected(Nanos now, std::string_view reason = "connection lost");
  /// One framed message. `raw` is the sequence of its frame in the log.
  void received(Nanos now, Sequence raw, std::string_view message);
  /// Time passed: heartbeats, test requests, timeouts, logon where due, further parts of a resend.
  void time(Nanos now);

  // ---- operator
  /// Allows logging on (the default). Takes effect at the next connected() or time().
  void logon(Nanos now);
  /// Says Logout when logged on, and stays out until logon().
  void logout(Nanos now, std::string_view reason);
  /// 0 leaves a number as it is. Only while not logged on: false otherwise, nothing changed.
  bool set_next_numbers(Nanos now, std::uint64_t next_sender, std::uint64_t next_target);
  /// Both begin at 1, now, and what was kept is forgotten. Only while not connected, as above.
  bool reset_numbers(Nanos now);

  // ---- state
  [[nodiscard]] bool logged_on() const noexcept;
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] FixSessionState state() const noexcept;
  /// When time() must be called next at the latest; maximum int64 while nothing can fall due.
  [[nodiscard]] Nanos next_deadline() const noexcept;
  /// No Logon, Logout, TestRequest or resend is under way: a snapshot holds all there is. Every one
  /// of them ends, by an answer or by a timeout.
  [[nodiscard]] bool settled() const noexcept;
  /// For a checkpoint at the end of a turn.
  [[nodiscard]] FixRestored snapshot() const;
  [[nodiscard]] const FixTraffic& traffic() const noexcept;
  [[nodiscard]] FixActivity activity() const noexcept;
  [[nodiscard]] const FixSessionConfig& config() const noexcept;
  /// OrderMassCancelRequest and OrderMassStatusRequest exist from FIX 4.3 on.
  [[nodiscard]] bool supports_mass_requests() const noexcept;
  /// Acceptor: what works is to be cancelled when this connection ends, agreed or asked for.
  [[nodiscard]] bool cancels_on_disconnect() const noexcept;
  /// RequestForPositions exists from FIX 4.4 on.
  [[nodiscard]] bool supports_positions() const noexcept;

  // ---- initiator; false: not sent, no number consumed (not logged on, or unknown instrument, or
  // the version has no such message)
  /// `more` is what ORDER_INSTRUCTIONS say of the request, null where they say nothing.
  bool send_order(Nanos now, const rec::OrderSubmitted& order,
                  const rec::OrderInstructions* more = nullptr);
  /// Writes the message that `send_order` would send now, and drops it: no number, no output.
  void rehearse_order(Nanos now, const rec::OrderSubmitted& order);
  bool send_cancel(Nanos now, const rec::CancelRequested& request, std::int64_t order_qty);
  bool send_replace(Nanos now, const rec::ReplaceRequested& request,
                    const rec::OrderInstructions* more = nullptr);
  /// Of all orders where its `instrument` is kNoId; then `cl_ord_id` is the request's own.
  bool send_status(Nanos now, const rec::StatusRequested& request);
  bool send_mass_cancel(Nanos now, const rec::MassCancelRequested& request);
  bool send_positions_request(Nanos now, const rec::PositionsRequested& request);

  // ---- acceptor. While not logged on, reports are numbered and kept (a client that comes back
  // asks for them): true then too. false: unknown instrument.
  bool send_execution(Nanos now, const FixExecution& execution);
  bool send_cancel_reject(Nanos now, const FixCancelReject& reject);
  bool send_mass_cancel_report(Nanos now, const FixMassCancelReport& report);
  bool send_positions_ack(Nanos now, const FixPositionsAck& ack);
  bool send_position(Nanos now, const FixPosition& position);
  /// BusinessMessageReject (j) of a message with this MsgSeqNum and type.
  bool send_business_reject(Nanos now, std::uint64_t ref_seq_num, std::string_view ref_msg_type,
                            ClOrdId cl_ord_id, std::uint32_t reason, std::string_view text);
  /// An application message as it stands; header and trailer are made anew. False when it cannot be
  /// parsed or the session is not logged on.
  bool send_application(Nanos now, std::string_view message);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The 16 upper-case hexadecimal digits of a ClOrdID, as a session without a dialect has it.
void append_cl_ord_id(std::string& out, ClOrdId id);
/// 0 where `text` is not exactly that.
[[nodiscard]] ClOrdId parse_cl_ord_id(std::string_view text) noexcept;

}  // namespace pitwire
