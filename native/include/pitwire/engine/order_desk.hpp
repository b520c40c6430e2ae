// Every order's way out and back: gate, log, table, route; report, log, table, position.
//
// Each step is a record in the log before it is applied, and applying is the same function whether
// the record was just made or is read in recovery: `apply_fact` takes what the log holds.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "pitwire/engine/drop_copies.hpp"
#include "pitwire/engine/emitter.hpp"
#include "pitwire/engine/market_desk.hpp"
#include "pitwire/engine/order_keeper.hpp"
#include "pitwire/orders/order_table.hpp"
#include "pitwire/orders/position_book.hpp"
#include "pitwire/orders/risk_gate.hpp"
#include "pitwire/orders/session_positions.hpp"

namespace pitwire {

/// The way to one venue session. A route never blocks and never fails halfway: false means that
/// nothing was sent and nothing consumed.
class OrderRoute {
 public:
  virtual ~OrderRoute() = default;
  /// `more` is null where there is nothing else to ask for.
  virtual bool order(const rec::OrderSubmitted& record, const rec::OrderInstructions* more) = 0;
  virtual bool cancel(const rec::CancelRequested& record, std::int64_t order_qty) = 0;
  virtual bool replace(const rec::ReplaceRequested& record, const rec::OrderInstructions* more) = 0;
  /// Of all the session's orders where the record names none.
  virtual bool status(const rec::StatusRequested& record) = 0;
  /// Also false where the protocol's version has no such request.
  virtual bool mass_cancel(const rec::MassCancelRequested&) { return false; }
  /// Also false where the protocol's version has no such question.
  virtual bool positions(const rec::PositionsRequested& record) = 0;
  [[nodiscard]] virtual bool logged_on() const = 0;
  /// Composes what `order` would send, and drops it.
  virtual void rehearse(const rec::OrderSubmitted&) {}
};

struct OrderDeskConfig {
  OrderTableConfig table;
};

/// What is agreed for a session, by configuration.
struct SessionRules {
  UnknownOrder unknown_order = UnknownOrder::STAYS_UNKNOWN;
  std::uint32_t in_flight_max = 4096;  ///< messages handed over and not yet reported written
  std::uint32_t cancel_reserve = 512;  ///< of these, kept for cancels
  /// The digits of OrderID are the order's reference in the venue's market data.
  bool order_id_is_reference = false;
  VenueTypes types;  ///< what the venue takes by itself
  /// The venue takes a cancel of everything: sent before the cancels one by one.
  bool mass_cancel = false;
};

class OrderDesk final {
 public:
  OrderDesk(Emitter& emitter, const InstrumentRegistry& instruments, MarketDesk& market,
            const OrderDeskConfig& config);

  /// Sessions are defined in the order of their ids; `route` must outlive the desk.
  void define_session(SessionId session, OrderRoute& route, const SessionRules& rules);
  void begin_epoch(std::uint32_t start_number) noexcept;

  /// Called with a KILL that was found set just before a gate check.
  void on_kill(std::function<void(const rec::Kill&)> hook) { on_kill_ = std::move(hook); }

  // ---- requests; each logs what came of it
  [[nodiscard]] ClOrdId new_cl_ord_id() noexcept { return ++last_cl_ord_id_; }
  /// True when the order passed the gate and went to its route, or is held.
  bool submit(ClOrdId cl_ord_id, const OrderRequest& request);
  /// What the gate says of a request now; asking changes nothing.
  [[nodiscard]] Verdict check(const OrderRequest& request) const;
  /// `submit` behind the gate.
  void send(ClOrdId cl_ord_id, const OrderRequest& request, const Verdict& verdict);
  /// Asks the cache for what `send` of such a request would write next.
  void prefetch_send(const OrderRequest& request) const noexcept;
  /// What was sent last, of this process; for rehearsals alone.
  [[nodiscard]] const std::optional<OrderRequest>& last_submitted() const noexcept {
    return last_submitted_;
  }
  /// `stop_px` kNoPx: as it is. A held order is changed at once.
  bool replace(ClOrdId order, std::int64_t price, std::int64_t order_qty,
               std::int64_t stop_px = kNoPx);
  /// Cancels pass every risk state; false where the order is unknown or has ended. A held order is
  /// over at once.
  bool cancel(ClOrdId order, CancelReason reason);
  unsigned cancel_all(const OrderFilter& filter, CancelReason reason);
  /// Asks the venue what it knows of an order; false where it has ended, where the venue does not
  /// know it (held), where we cannot name it to the venue, or where the session is down.
  bool request_status(ClOrdId order);
  /// Asks for every order that works at the session's venue, known to us or not; the request's id,
  /// 0 where it could not be sent.
  ClOrdId request_all_status(SessionId session);
  /// Where a session's venue takes it, everything of the filter's session and instrument is
  /// cancelled at once; not held back for orders that we do not know.
  void mass_cancel(const OrderFilter& filter, CancelReason reason);
  /// What follows for kept orders from everything that was asked or has come back.
  void settle() { keeper_.settle(); }
  [[nodiscard]] OrderKeeper& keeper() noexcept { return keeper_; }
  [[nodiscard]] const OrderKeeper& keeper() const noexcept { return keeper_; }
  /// An operator accepts that an UNKNOWN order is gone.
  bool close_by_operator(ClOrdId order);

  // ---- what comes back
  void on_execution(rec::Execution record);
  void on_cancel_rejected(const rec::CancelRejected& record);
  /// A request was refused as a message: what it asked for did not happen.
  void on_request_rejected(SessionId session, ClOrdId cl_ord_id, std::string_view text);
  void on_sent(SessionId session, Sequence sequence, ClOrdId cl_ord_id);
  void on_written(SessionId session, Sequence up_to);
  /// Egress did not write the entry: its request is NOT_SENT.
  void on_withheld(SessionId session, Sequence sequence, ClOrdId cl_ord_id);
  void on_connection_lost(SessionId session, Sequence last_written);

  /// The session's trades are told by another line as well. Behind `define_session` of both.
  void define_drop_copy(SessionId line, SessionId copied, bool by_order) {
    copies_.define(line, copied, by_order);
  }
  /// A report of a drop-copy session: only trades are looked at, and none is booked.
  void on_copy(rec::Execution record);
  /// An operator accepted what the two lines differ in: a trade that only the copy told is booked
  /// as if the own line had told it. False where there is no such entry.
  bool accept_copy(SessionId line, std::uint64_t report, const std::array<char, 40>& exec_id,
                   Side side);
  [[nodiscard]] const DropCopies& copies() const noexcept { return copies_; }

  /// An operator accepted a report of the session's differences, which is in the log.
  void accept(SessionId session) noexcept { table_.accept_adopted(session); }
  /// An operator accepted a venue's position: logs the record and books it to no strategy.
  void adjust(const rec::PositionAdjusted& record);

  // ---- recovery
  /// Applies an OUTPUT of the log as a fact, without making it again.
  void apply_fact(const Frame& frame);
  /// After the last fact: the connections of the process that died are gone.
  void after_recovery();

  [[nodiscard]] const OrderTable& table() const noexcept { return table_; }
  [[nodiscard]] PositionBook& positions() noexcept { return positions_; }
  [[nodiscard]] const PositionBook& positions() const noexcept { return positions_; }
  /// What the fills of a session come to, and what its working orders may still make of it.
  [[nodiscard]] std::int64_t net_at(SessionId session, InstrumentId instrument) const noexcept {
    return session_positions_.net(session, instrument);
  }
  [[nodiscard]] Interval interval_at(SessionId session, InstrumentId instrument) const;
  [[nodiscard]] MarketView market_view(InstrumentId instrument) const;
  /// Of an unknown session: the default, and the gate denies.
  [[nodiscard]] const VenueTypes& types_of(SessionId session) const noexcept;
  [[nodiscard]] OrderRoute& route(SessionId session) { return *sessions_[index(session)].route; }
  [[nodiscard]] RiskGate& gate() noexcept { return gate_; }
  [[nodiscard]] const RiskGate& gate() const noexcept { return gate_; }
  /// Messages that the session may still take, cancels' reserve included.
  [[nodiscard]] std::int64_t credits(SessionId session) const {
    return session_view(session).credits;
  }
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }
  /// Reports since this process started that named no order of ours, and orders that they made.
  [[nodiscard]] std::uint64_t unmatched_reports() const noexcept { return unmatched_; }
  [[nodiscard]] std::uint64_t adopted_orders() const noexcept { return adopted_; }
  /// Every check of a request as the gate would do it now.
  [[nodiscard]] std::vector<CheckResult> explain(const OrderRequest& request) const;
  /// The same of a logged request (ORDER_SUBMITTED, ORDER_DENIED, REPLACE_REQUESTED), asked just
  /// before the frame is applied; empty for another frame.
  [[nodiscard]] std::vector<CheckResult> explain(const Frame& frame) const;

  void save(std::vector<std::byte>& out) const;
  [[nodiscard]] bool restore(std::span<const std::byte> in);
  /// Of the same bytes orders, positions and the gate's facts: for a process of another
  /// configuration, whose limits and sessions stay as they are.
  [[nodiscard]] bool restore_facts(std::span<const std::byte> in);

 private:
  friend class OrderKeeper;
  struct Outbound {
    Sequence sequence{};
    ClOrdId cl_ord_id{};
  };
  struct Session {
    OrderRoute* route{};
    SessionRules rules;
    std::vector<Outbound> unwritten;  ///< by sequence; at most the session's credits
  };

  [[nodiscard]] SessionView session_view(SessionId session) const;
  void instruct(const rec::OrderInstructions& record);
  /// What was logged of an order that goes to its venue.
  struct Entered {
    rec::OrderSubmitted record;
    std::optional<rec::OrderInstructions> more;
  };
  Entered enter(ClOrdId cl_ord_id, const OrderRequest& request, const Verdict& verdict);
  void deny(ClOrdId cl_ord_id, ClOrdId orig, const OrderRequest& request, const Verdict& verdict);
  void report(const Transition& transition);
  void book(const Transition& transition);
  void keep_place(const Order& order);
  [[nodiscard]] UnknownOrder rule_of(std::uint32_t session) const noexcept;
  const Order* adopt(const rec::Execution& record);
  void status_answered(const rec::Execution& record, const Order& order, bool unknown_there);
  void unmatched(const rec::Execution& record, const Order* adopted);
  void apply(const rec::PositionAdjusted& record);
  void trade_told(const rec::Execution& record, const Transition& transition, Nanos ts);
  CopyMatch copy_told(const rec::Execution& record, Nanos ts);
  void place(Event& event, Sequence sequence) const noexcept;
  void look_at_kill_word();
  [[nodiscard]] bool restore_kept(std::span<const std::byte> in);
  bool send_cancel(const Order& order, CancelReason reason);

  Emitter& emitter_;
  MarketDesk& market_;
  PositionBook positions_;
  SessionPositions session_positions_;
  OrderTable table_;
  RiskGate gate_;
  OrderKeeper keeper_;
  DropCopies copies_;
  std::vector<Session> sessions_;
  std::vector<rec::Fill> unlogged_;  ///< booked from facts that are not followed by a FILL
  ClOrdId last_cl_ord_id_ = 0;
  std::uint64_t unmatched_ = 0;
  std::uint64_t adopted_ = 0;
  std::optional<OrderRequest> last_submitted_;
  std::function<void(const rec::Kill&)> on_kill_;
};

}  // namespace pitwire
