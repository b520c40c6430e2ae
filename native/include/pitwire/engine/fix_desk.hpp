// The FIX sessions of the daemon, inside the turn: inputs in, records and bytes out.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/order_desk.hpp"
#include "pitwire/engine/position_desk.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

/// Receives what sessions produce and turns it into records; every call comes from inside an input.
class FixDesk final : public FixSink {
 public:
  FixDesk(Emitter& emitter, OrderDesk& orders, PositionDesk& positions);
  ~FixDesk() override;

  /// Declares the session; it is constructed at its first input, whose time is its creation time
  /// unless facts restored its numbers before. Throws std::invalid_argument for a bad config.
  OrderRoute& define(const FixSessionConfig& config, std::unique_ptr<FixSymbology> symbology);

  void received(SessionId session, Sequence raw, std::string_view message);
  void connection(SessionId session, const rec::FixConnection& record, std::string_view reason);
  void time();
  void logon(SessionId session);
  void logout(SessionId session, std::string_view reason);
  bool set_next_numbers(SessionId session, std::uint64_t sender, std::uint64_t target);
  bool reset_numbers(SessionId session);

  [[nodiscard]] bool is_fix(SessionId session) const noexcept;
  [[nodiscard]] FixSessionState state(SessionId session) const;
  [[nodiscard]] FixActivity activity(SessionId session) const;
  /// Earliest time at which `time()` has something to do.
  [[nodiscard]] Nanos next_deadline() const noexcept;

  /// Messages of ours that the venue has had and our log not, where nobody has accepted it yet.
  [[nodiscard]] std::optional<rec::LogShorter> lost(SessionId session) const;
  /// An operator accepted a report of the session's differences.
  void accept(SessionId session) noexcept;

  /// Recovery: the numbers as the log has them.
  void apply_fact(const Frame& frame);
  void after_recovery();

  /// Every session is settled: `save` holds all there is.
  [[nodiscard]] bool settled() const noexcept;
  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);
  /// Of the same bytes the numbers, of the sessions that both processes have; nothing is connected.
  [[nodiscard]] bool restore_facts(ByteReader& in);

  // ---- FixSink
  void tx(SessionId session, std::string_view message, std::uint64_t msg_seq_num, ClOrdId cl_ord_id,
          bool admin, bool poss_dup) override;
  void state(SessionId session, const FixSessionState& state) override;
  void logged_on(SessionId session) override;
  void logged_out(SessionId session, std::string_view reason) override;
  void disconnect(SessionId session, std::string_view reason) override;
  void event(SessionId session, std::uint32_t severity, std::string_view text) override;
  void execution(const rec::Execution& record) override;
  void unreadable_execution(const rec::Execution& salvaged, std::string_view defects) override;
  void cancel_rejected(const rec::CancelRejected& record) override;
  void business_rejected(const FixReject& reject) override;
  void session_rejected(const FixReject& reject) override;
  void mass_cancel_report(SessionId session, const FixMassCancelReport& report) override;
  void mass_status(SessionId session, const FixMassStatus& answer) override;
  void log_shorter(SessionId session, std::uint64_t our_next, std::uint64_t venue_next) override;
  void positions_ack(SessionId session, Sequence raw, const FixPositionsAck& ack) override;
  void venue_position(const rec::VenuePosition& record, std::int64_t reports,
                      std::string_view defects) override;

 private:
  class Route;
  struct Entry {
    FixSessionConfig config;
    std::unique_ptr<FixSymbology> symbology;
    FixRestored restored;
    std::unique_ptr<Route> route;
    std::unique_ptr<FixSession> session;
    std::optional<rec::LogShorter> lost;
  };
  /// One session's part of `save`.
  struct Saved {
    FixRestored restored;
    bool constructed = false;  ///< it was in use
    std::optional<rec::LogShorter> lost;
  };

  FixSession& session_at(SessionId session);
  static Saved read(ByteReader& in);
  void tell(SessionId session, bool connected, bool logged_on);

  Emitter& emitter_;
  OrderDesk& orders_;
  PositionDesk& positions_;
  std::vector<Entry> entries_;  ///< by session id; without a config where it is no FIX session
};

}  // namespace pitwire
