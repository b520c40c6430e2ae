// Where a FixSession's consequences go: the engine in the daemon, the venue in the exchange.
#pragma once

#include <cstdint>
#include <string_view>

#include "pitwire/base/types.hpp"
#include "pitwire/fix/messages.hpp"

namespace pitwire {

/// Called only inside calls of a FixSession, in the order of the consequences, on its thread. Text
/// is valid during the call. From inside a callback the session's send_* may be called, nothing
/// else.
class FixSink {
 public:
  virtual ~FixSink() = default;

  /// A message to put on the wire, whole, credentials as placeholders. `cl_ord_id` is 0 where none.
  virtual void tx(SessionId session, std::string_view message, std::uint64_t msg_seq_num,
                  ClOrdId cl_ord_id, bool admin, bool poss_dup) = 0;
  /// Numbers or status changed; at most once a call, last in it.
  virtual void state(SessionId session, const FixSessionState& state) = 0;
  virtual void logged_on(SessionId session) = 0;
  virtual void logged_out(SessionId session, std::string_view reason) = 0;
  /// The session wants its connection closed, after what was handed to tx() is written. The
  /// session counts as disconnected from here; disconnected() need not be called for it.
  virtual void disconnect(SessionId session, std::string_view reason) = 0;
  /// 0 information, 1 warning, 2 error: something received was lost in part; the text says what.
  virtual void event(SessionId session, std::uint32_t severity, std::string_view text) = 0;

  // ---- initiator
  virtual void execution(const rec::Execution&) {}
  /// An execution report of which a field could not be read: `salvaged` has the others (0 for what
  /// could not be read), `defects` names tag and text of each. The order's state is not to be
  /// trusted.
  virtual void unreadable_execution(const rec::Execution& salvaged, std::string_view defects) {
    (void)salvaged, (void)defects;
  }
  virtual void cancel_rejected(const rec::CancelRejected&) {}
  virtual void business_rejected(const FixReject&) {}
  virtual void mass_cancel_report(SessionId, const FixMassCancelReport&) {}
  /// Behind the report's own `execution`, where it answers an OrderMassStatusRequest.
  virtual void mass_status(SessionId, const FixMassStatus&) {}
  /// The venue refused our Logon, for it has had higher numbers of us: `venue_next` it expects, and
  /// we sent `our_next`. The next Logon takes that number.
  virtual void log_shorter(SessionId, std::uint64_t our_next, std::uint64_t venue_next) {
    (void)our_next, (void)venue_next;
  }
  virtual void positions_ack(SessionId, Sequence raw, const FixPositionsAck&) { (void)raw; }
  /// One report of an answer; `reports` of the answer, -1 where it does not say. What could not be
  /// read is named in `defects`, and the record says that it counts for nothing.
  virtual void venue_position(const rec::VenuePosition&, std::int64_t reports,
                              std::string_view defects) {
    (void)reports, (void)defects;
  }
  // ---- either side: a session Reject (3) of something we sent
  virtual void session_rejected(const FixReject&) {}

  // ---- acceptor
  virtual void new_order(const FixNewOrder&) {}
  virtual void cancel(const FixCancel&) {}
  virtual void replace(const FixReplace&) {}
  virtual void status_request(const FixStatusRequest&) {}
  virtual void mass_cancel(const FixMassCancel&) {}
  virtual void mass_status_request(const FixMassStatusRequest&) {}
  virtual void positions_request(const FixPositionsRequest&) {}

  /// Before an application message is read: true when the sink took it whole and nothing else shall
  /// be made of it (conformance tests, message types that pitwire does not know).
  virtual bool application(SessionId session, Sequence raw, std::string_view msg_type,
                           std::string_view message) {
    (void)session, (void)raw, (void)msg_type, (void)message;
    return false;
  }
};

}  // namespace pitwire
