// The exchange's order entry: FIX sessions on a listener, in front of the order gateway.
//
//   bytes → FixListener → FixSession → way in (latency, seeded rejects) → OrderGateway → matcher
//   reports → way out (latency) → FixSession → FixListener → bytes
//
// Reports are made and numbered also while a session is away, and resent when it asks. Misbehaviour
// is seeded: random rejects of requests, random disconnects. A session may be entitled to cancel
// others' orders and ask for their status, which OnBehalfOfCompID (115) then names. With
// cancel_on_disconnect, a session that loses its connection has its orders cancelled.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "pitwire/exchange/report_journal.hpp"
#include "pitwire/exchange/trade_journal.hpp"
#include "pitwire/fix/session.hpp"
#include "pitwire/matching/delay_line.hpp"
#include "pitwire/matching/order_gateway.hpp"
#include "pitwire/wire/fix_connection.hpp"

namespace pitwire {

struct FixAcceptorConfig {
  ListenerConfig listener;                 ///< its sessions are filled in from `sessions`
  std::vector<FixSessionConfig> sessions;  ///< acceptors; ids dense from 0
  std::vector<SessionId> copies;  ///< by session: whose reports it gets copies of, itself for none
  /// By session: CompIDs of those whose orders it may cancel and ask about.
  std::vector<std::vector<std::string>> cancels_for;
  /// By session, as its client names and counts them.
  std::vector<std::vector<FixInstrument>> instruments;
  Latency latency_in;
  Latency latency_out;
  std::int64_t rejects_per_million = 0;
  double disconnects_per_hour = 0;
  std::uint64_t seed = 1;
  std::string exec_id_prefix = "E";
};

/// Something worth telling the operator.
struct ExchangeNote {
  std::uint32_t severity = 0;  ///< 0 information, 1 warning, 2 error
  std::string text;
};

class FixAcceptor final : public ReportSink, private FixSink, private ConnectionSink {
 public:
  /// Binds and listens; throws std::invalid_argument with key and reason.
  FixAcceptor(const FixAcceptorConfig& config, TradeJournal& journal, ReportJournal& reports,
              Nanos now);
  ~FixAcceptor() override;

  /// Where requests go; once, before the first poll.
  void attach(OrderGateway& gateway) noexcept { gateway_ = &gateway; }

  /// Reads, handles what is due, writes; returns how much it did (0: idle).
  std::size_t poll(Nanos now);
  /// Hands out reports that are due, without reading; call it after trades that were not asked for.
  std::size_t send_due(Nanos now);
  /// The next `count` trades of a session are not told to it, as a venue with a fault would.
  void withhold(SessionId session, std::uint32_t count) { withheld_[index(session)] = count; }
  /// Says Logout to every session and accepts no more connections.
  void logout(Nanos now, const std::string& reason);
  /// Drops a session's connection without a word, as a failing network would.
  void drop(SessionId session, const std::string& reason);
  [[nodiscard]] bool anyone_connected() const noexcept;

  [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port(); }
  [[nodiscard]] int epoll_fd() const noexcept { return listener_.epoll_fd(); }
  [[nodiscard]] Nanos next_deadline() const noexcept;
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_; }
  [[nodiscard]] std::uint64_t reports() const noexcept { return reports_; }
  /// What happened since the last call; at most kNotesMax, then the count of what was left out.
  [[nodiscard]] std::vector<ExchangeNote> take_notes();

  static constexpr std::size_t kNotesMax = 1000;

  // ---- ReportSink
  // The initiator's callbacks of the same names stay what they are: never called here.
  using FixSink::cancel_rejected;
  using FixSink::execution;
  void execution(const VenueReport& report) override;
  void cancel_rejected(const VenueCancelReject& reject) override;
  void mass_cancel_done(const VenueMassCancelReport& report) override;
  void positions(const VenueHoldings& holdings) override;

 private:
  using Report = std::variant<VenueReport, VenueCancelReject, VenueMassCancelReport, VenueHoldings>;

  // ---- FixSink
  void tx(SessionId session, std::string_view message, std::uint64_t msg_seq_num, ClOrdId cl_ord_id,
          bool admin, bool poss_dup) override;
  void state(SessionId, const FixSessionState&) override {}
  void logged_on(SessionId session) override;
  void logged_out(SessionId session, std::string_view reason) override;
  void disconnect(SessionId session, std::string_view reason) override;
  void event(SessionId session, std::uint32_t severity, std::string_view text) override;
  void session_rejected(const FixReject& reject) override;
  void new_order(const FixNewOrder& order) override;
  void cancel(const FixCancel& cancel) override;
  void replace(const FixReplace& replace) override;
  void status_request(const FixStatusRequest& request) override;
  void mass_cancel(const FixMassCancel& cancel) override;
  void mass_status_request(const FixMassStatusRequest& request) override;
  void positions_request(const FixPositionsRequest& request) override;

  // ---- ConnectionSink
  void message(SessionId session, Nanos ts_recv, std::string_view message) override;
  void event(SessionId session, ConnectionEvent event, std::string_view reason,
             Sequence last_written) override;
  void written(SessionId, Sequence, std::uint64_t, Nanos) override {}

  /// About `from`'s own orders, or those of the session that it names (OnBehalfOfCompID), where it
  /// may.
  [[nodiscard]] VenueRequest request_of(RequestKind kind, SessionId from,
                                        std::string_view on_behalf_of, ClOrdId cl_ord_id) const;
  void take(const VenueRequest& request);
  void arrive(Nanos due, const VenueRequest& request);
  void deliver(const VenueReport& report);
  void deliver_to(SessionId to, const VenueReport& report);
  void deliver(const VenueCancelReject& reject);
  void deliver(const VenueMassCancelReport& report);
  void deliver(const VenueHoldings& holdings);
  void lost(SessionId session);
  void misbehave(Nanos now);
  void note(std::uint32_t severity, std::string text);
  [[nodiscard]] FixSession* find(SessionId session) noexcept;
  [[nodiscard]] const std::string& name(SessionId session) const noexcept;

  std::vector<std::unique_ptr<FixSymbology>> symbologies_;  ///< by session
  TradeJournal& journal_;
  ReportJournal& report_journal_;
  FixListener listener_;
  std::vector<std::unique_ptr<FixSession>> sessions_;
  std::vector<std::vector<std::string>> cancels_for_;
  OrderGateway* gateway_ = nullptr;
  std::vector<SessionId> copies_;
  std::vector<std::uint32_t> withheld_;  ///< by session
  DelayLine<VenueRequest> way_in_;
  DelayLine<Report> way_out_;
  Random random_;
  std::int64_t rejects_per_million_;
  double disconnects_per_hour_;
  std::string exec_id_prefix_;
  Nanos now_ = 0;
  Nanos next_disconnect_ = 0;
  Sequence raw_ = 0;
  Sequence out_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t reports_ = 0;
  std::uint64_t notes_lost_ = 0;
  std::vector<ExchangeNote> notes_;
};

}  // namespace pitwire
