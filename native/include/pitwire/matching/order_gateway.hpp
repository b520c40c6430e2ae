// Between a venue's clients and its matcher: names, states and reports of their orders.
//
// Requests come in as the client wrote them, go to the matcher, and what the matcher says comes
// back as execution reports with ClOrdIDs, cumulated quantities and fees. All reports of a request
// are made inside the call. The gateway is the matcher's sink; it passes every event on to `next`
// (market data), after its own work, so that a client may hear of a trade before the market does,
// never after.
//
//   event at the matcher          ExecType (150)   OrdStatus (39)
//   accepted                      NEW              NEW
//   rejected                      REJECTED         REJECTED
//   traded                        TRADE            PARTIALLY_FILLED or FILLED
//   reduced, replaced             REPLACED         NEW or PARTIALLY_FILLED
//   canceled, requested or not    CANCELED         CANCELED     (text says why)
//   canceled, EXPIRED             EXPIRED          EXPIRED
//   reduced, replaced, unasked    RESTATED         NEW or PARTIALLY_FILLED
//   status asked, known           ORDER_STATUS     the order's
//   status asked, unknown         ORDER_STATUS     REJECTED     (reject_reason 5, unknown order)
//
// A request may be about another session's orders (`requester` is who asks): a risk desk's, or a
// watchdog's. The owner hears of an unsolicited cancel, who asked gets a copy that names its
// request.
//
// Positions asked for are the sums of the session's trades, those of `remember` included.
//
// Self-trade prevention works between orders of one session.
#pragma once

#include <string_view>
#include <vector>

#include "pitwire/matching/client_orders.hpp"
#include "pitwire/matching/client_positions.hpp"
#include "pitwire/matching/fees.hpp"
#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

/// The client number of orders that are nobody's: agents' and recorded quantity.
inline constexpr std::uint64_t kNoClient = ~std::uint64_t{0};

/// An execution report, before it is written as FIX or as a record.
struct VenueReport {
  SessionId session{};
  ClOrdId cl_ord_id = 0;
  ClOrdId orig_cl_ord_id = 0;  ///< 0: absent
  std::uint64_t order_id = 0;
  std::uint64_t exec_id = 0;       ///< counts the venue's reports
  std::uint64_t exec_ref = 0;      ///< of a bust or a correction: the trade's exec_id
  std::uint64_t match_number = 0;  ///< of a trade
  InstrumentId instrument{};
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  ExecType exec_type = ExecType::NEW;
  OrdStatus ord_status = OrdStatus::NEW;
  bool aggressor = false;
  bool unsolicited = false;
  std::uint32_t reject_reason = 0;  ///< FIX tag 103
  std::int64_t price = 0;
  std::int64_t stop_px = 0;
  std::int64_t order_qty = 0;
  std::int64_t last_px = 0;
  std::int64_t last_qty = 0;
  std::int64_t leaves_qty = 0;
  std::int64_t cum_qty = 0;
  std::int64_t cum_notional = 0;
  std::int64_t fee = 0;     ///< of a trade, in the schedule's unit
  std::int64_t old_px = 0;  ///< of a bust or a correction: the trade as it was
  std::int64_t old_qty = 0;
  std::int64_t old_fee = 0;
  Nanos transact_time = 0;
  std::string_view text;           ///< static storage
  std::uint64_t mass_request = 0;  ///< the question for all orders that it answers; 0: none
  std::uint32_t mass_reports = 0;  ///< in that answer; 0: there is no order, nor this one
  bool mass_last = false;
};

/// The refusal of a cancel or a replace.
struct VenueCancelReject {
  SessionId session{};
  ClOrdId cl_ord_id = 0;
  ClOrdId orig_cl_ord_id = 0;
  std::uint64_t order_id = 0;  ///< 0: unknown
  OrdStatus ord_status = OrdStatus::REJECTED;
  std::uint8_t response_to = 1;  ///< FIX tag 434
  std::uint16_t reason = 0;      ///< FIX tag 102
  Nanos transact_time = 0;
  std::string_view text;  ///< static storage
};

struct VenueMassCancelReport {
  SessionId session{};
  ClOrdId cl_ord_id = 0;
  std::uint32_t instrument = kNoId;
  std::uint32_t affected = 0;
  bool accepted = true;
  std::string_view text = {};  ///< static storage
};

/// What a session holds: the whole answer to a question for positions.
struct VenueHoldings {
  SessionId session{};
  std::uint64_t request = 0;
  std::vector<ClientPosition> positions;
};

/// Hears reports from inside the gateway's calls; must not call it back.
class ReportSink {
 public:
  virtual ~ReportSink() = default;
  virtual void execution(const VenueReport& report) = 0;
  virtual void cancel_rejected(const VenueCancelReject& reject) = 0;
  virtual void mass_cancel_done(const VenueMassCancelReport& report) = 0;
  virtual void positions(const VenueHoldings& holdings) = 0;
};

enum class RequestKind : std::uint8_t {
  NEW,
  CANCEL,
  REPLACE,
  STATUS,
  MASS_CANCEL,
  POSITIONS,
  MASS_STATUS
};

/// Whether a venue may refuse it at random: what is only asked is answered.
[[nodiscard]] constexpr bool refusable(RequestKind kind) noexcept {
  return kind == RequestKind::NEW || kind == RequestKind::CANCEL || kind == RequestKind::REPLACE;
}

/// A client's request; unused fields are 0.
struct VenueRequest {
  RequestKind kind = RequestKind::NEW;
  SessionId session{};
  SessionId of_session{kNoId};  ///< of a question for positions: whose; kNoId: its own
  ClOrdId cl_ord_id = 0;        ///< of a question for positions: its PosReqID
  ClOrdId orig_cl_ord_id = 0;
  InstrumentId instrument{};  ///< of a mass cancel or positions: kNoId for all
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  bool post_only = false;
  bool poss_resend = false;  ///< a known ClOrdID is answered by its status instead of a reject
  std::int64_t price = 0;
  std::int64_t stop_px = 0;
  std::int64_t order_qty = 0;
  Nanos expire_ts = 0;
  /// Who asks, where that is not `session`, whose orders the request is about.
  SessionId requester{kNoId};
  bool entitled = true;  ///< to that session's orders

  [[nodiscard]] bool on_behalf() const noexcept { return index(requester) != kNoId; }
  [[nodiscard]] SessionId asker() const noexcept { return on_behalf() ? requester : session; }
};

enum class Provocation : std::uint8_t {
  CANCEL,        ///< an order is cancelled
  RESTATE,       ///< it gets another price or quantity
  DONE_FOR_DAY,  ///< it works no more today
  OVERFILL,      ///< it trades `qty` more, whatever is left of it
  TRADE,         ///< `cl_ord_id`, which was never sent, trades
  BUST,          ///< a trade did not happen
  CORRECT,       ///< a trade happened otherwise
};

/// One of them; unused fields are 0. A trade is known by its exec_id among the newest kTradesKept.
struct VenueProvocation {
  Provocation kind = Provocation::CANCEL;
  SessionId session{};
  ClOrdId cl_ord_id = 0;
  InstrumentId instrument{};
  Side side = Side::NONE;
  std::int64_t price = 0;
  std::int64_t qty = 0;
  std::uint64_t exec_id = 0;
};

class OrderGateway final : public VenueSink {
 public:
  /// One schedule an instrument, by id. All references must outlive the gateway.
  OrderGateway(Matcher& matcher, std::vector<FeeSchedule> fees, std::uint32_t orders_max,
               ReportSink& reports, VenueSink* next = nullptr);

  void handle(Nanos now, const VenueRequest& request);
  /// Answers that it is refused, without asking the matcher.
  void refuse(Nanos now, const VenueRequest& request, VenueReject reason);
  /// Everything a session has working, without a request: its connection broke.
  void cancel_all(Nanos now, SessionId session);
  /// What no request asked for, as venues do it now and then; false where it cannot be done to the
  /// order or trade that is named.
  bool provoke(Nanos now, const VenueProvocation& what);
  /// A trade of before this process: counts for positions.
  void remember(SessionId session, InstrumentId instrument, std::int64_t signed_qty,
                std::int64_t px) {
    positions_.add(session, instrument, signed_qty, px);
  }
  [[nodiscard]] std::uint64_t reports_made() const noexcept { return exec_id_; }

  // ---- VenueSink
  void accepted(Nanos now, const VenueOrder& order) override;
  void rejected(Nanos now, const VenueOrder& order, VenueReject reason) override;
  void rested(Nanos now, const VenueOrder& order) override;
  void traded(const VenueTrade& trade) override;
  void reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) override;
  void replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) override;
  void canceled(Nanos now, const VenueOrder& order, CancelCause cause, bool in_book) override;
  void triggered(Nanos now, const VenueOrder& order) override;
  void trading(Nanos now, InstrumentId instrument, TradingState state) override;

 private:
  static constexpr std::size_t kTradesKept = 4096;

  bool undo(Nanos now, const VenueProvocation& what);
  void trade_unasked(Nanos now, const VenueProvocation& what, ClientOrder& order);
  void count_trade(ClientOrder& order, std::int64_t px, std::int64_t qty);
  void remember_trade(const VenueReport& trade);
  void submit(Nanos now, const VenueRequest& request);
  void cancel(Nanos now, const VenueRequest& request);
  void replace(Nanos now, const VenueRequest& request);
  void status(Nanos now, const VenueRequest& request);
  void reject_status(Nanos now, const VenueRequest& request, VenueReject reason);
  void mass_status(Nanos now, const VenueRequest& request);
  void no_orders(Nanos now, const VenueRequest& request, std::string_view why);
  void mass_cancel(Nanos now, const VenueRequest& request);
  std::uint32_t cancel_matching(Nanos now, SessionId session, std::uint32_t instrument);
  void reject_order(Nanos now, const VenueRequest& request, VenueReject reason);
  void reject_change(Nanos now, const VenueRequest& request, VenueReject reason);
  [[nodiscard]] VenueReport report_of(Nanos now, const ClientOrder& order, ExecType type) noexcept;
  void report_trade(const VenueTrade& trade, const VenueOrder& own, bool aggressor);
  void report_change(Nanos now, const VenueOrder& order);
  [[nodiscard]] ClientOrder* client_of(const VenueOrder& order) noexcept;

  Matcher& matcher_;
  std::vector<FeeSchedule> fees_;
  ClientOrders orders_;
  ClientPositions positions_;
  ReportSink& reports_;
  VenueSink* next_;
  const VenueRequest* current_ = nullptr;  ///< being handled; nullptr outside
  std::uint64_t exec_id_ = 0;
  std::vector<VenueReport> trades_;  ///< the newest, a ring by exec_id
  bool ends_day_ = false;            ///< what is cancelled now is done for the day
};

}  // namespace pitwire
