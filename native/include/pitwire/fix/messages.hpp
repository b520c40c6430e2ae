// What an acceptor (the simulated exchange) gets and gives: FIX application messages in integers.
// The initiator's counterparts are the log's own records (pitwire/records.hpp).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// A fee the venue does not state (rec::Execution::fee).
inline constexpr std::int64_t kNoFee = std::numeric_limits<std::int64_t>::min();

/// NewOrderSingle (D).
struct FixNewOrder {
  SessionId session{};
  Sequence raw_sequence{};
  ClOrdId cl_ord_id{};
  InstrumentId instrument{};
  Side side{};
  OrdType ord_type{};
  TimeInForce time_in_force{};
  std::uint8_t flags{};  ///< OrderFlag bits: POST_ONLY from ExecInst 6
  std::int64_t price{};  ///< in price increments, 0 for a market order
  std::int64_t stop_px{};
  std::int64_t order_qty{};
  Nanos expire_ts{};      ///< for GTD
  Nanos transact_time{};  ///< ns, 0 where absent
  bool poss_resend{};     ///< tag 97: look whether it is known before taking it
};

/// OrderCancelRequest (F). `instrument` is kNoId where the symbol is unknown.
struct FixCancel {
  SessionId session{};
  Sequence raw_sequence{};
  ClOrdId cl_ord_id{};
  ClOrdId orig_cl_ord_id{};
  InstrumentId instrument{};
  Side side{};
  std::string_view on_behalf_of;  ///< OnBehalfOfCompID, empty where absent; valid during the call
};

/// OrderCancelReplaceRequest (G): the new order as a whole.
struct FixReplace {
  FixNewOrder order;  ///< its cl_ord_id is the request's
  ClOrdId orig_cl_ord_id{};
};

/// OrderStatusRequest (H).
struct FixStatusRequest {
  SessionId session{};
  Sequence raw_sequence{};
  ClOrdId cl_ord_id{};
  InstrumentId instrument{};
  Side side{};
  std::string_view order_id;      ///< empty where absent; valid during the call
  std::string_view on_behalf_of;  ///< as of FixCancel
};

/// OrderMassCancelRequest (q). `instrument` is kNoId for all.
struct FixMassCancel {
  SessionId session{};
  Sequence raw_sequence{};
  ClOrdId cl_ord_id{};
  InstrumentId instrument{};
  std::string_view on_behalf_of;  ///< as of FixCancel
};

/// OrderMassStatusRequest (AF) for all orders.
struct FixMassStatusRequest {
  SessionId session{};
  Sequence raw_sequence{};
  std::uint64_t request{};        ///< MassStatusReqID, a number as a ClOrdID is
  std::string_view on_behalf_of;  ///< as of FixCancel
};

/// What a report says of the OrderMassStatusRequest that it answers, both ways.
struct FixMassStatus {
  std::uint64_t request{};  ///< 0: it answers none
  std::uint32_t reports{};  ///< in this answer (911); 0: the venue has no such order, nor this one
  bool last{};              ///< LastRptRequested (912)
};

/// ExecutionReport (8) to send.
struct FixExecution {
  ClOrdId cl_ord_id{};       ///< 0: none ("unsolicited of an unknown order")
  ClOrdId orig_cl_ord_id{};  ///< 0: absent
  InstrumentId instrument{};
  Side side{};
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force{};
  ExecType exec_type{};  ///< FIX 4.4's words; 4.2's ExecType and ExecTransType follow from them
  OrdStatus ord_status{};
  std::int64_t price{};
  std::int64_t stop_px{};
  std::int64_t order_qty{};
  std::int64_t last_px{};
  std::int64_t last_qty{};
  std::int64_t leaves_qty{};
  std::int64_t cum_qty{};
  std::int64_t cum_notional{};    ///< Σ last_px × last_qty: AvgPx is cum_notional / cum_qty
  std::int64_t fee = kNoFee;      ///< Commission (12), CommType (13) absolute
  std::uint32_t reject_reason{};  ///< OrdRejReason (103), sent with ExecType REJECTED
  bool aggressor{};               ///< LastLiquidityInd of a trade: 2 removed, else 1 added
  Nanos transact_time{};          ///< 0: the call's now
  std::string_view order_id, exec_id, exec_ref_id, text;
  FixMassStatus mass_status;
};

/// OrderCancelReject (9) to send.
struct FixCancelReject {
  ClOrdId cl_ord_id{};
  ClOrdId orig_cl_ord_id{};
  OrdStatus ord_status{};
  std::uint8_t response_to = 1;  ///< tag 434: 1 cancel, 2 replace
  std::uint16_t reason{};        ///< tag 102
  std::string_view order_id;     ///< empty: NONE
  std::string_view text;
};

/// OrderMassCancelReport (r), both ways.
struct FixMassCancelReport {
  ClOrdId cl_ord_id{};
  InstrumentId instrument{};  ///< kNoId for all
  bool accepted{};
  std::uint32_t affected{};       ///< TotalAffectedOrders
  std::uint32_t reject_reason{};  ///< tag 532 where not accepted
  std::string_view order_id;      ///< venue's id of the request
  std::string_view text;
};

/// PosReqResult (728) and PosReqStatus (729), as far as we say them.
inline constexpr std::uint32_t kPositionsValid = 0, kPositionsInvalid = 1, kPositionsNone = 2,
                               kPositionsNotSupported = 4, kPositionsOther = 99;
inline constexpr std::uint32_t kPositionsComplete = 0, kPositionsRejected = 2;

/// RequestForPositions (AN) received.
struct FixPositionsRequest {
  SessionId session{};
  Sequence raw_sequence{};
  std::uint64_t request{};    ///< PosReqID, a number as a ClOrdID is
  InstrumentId instrument{};  ///< kNoId for all
};

/// RequestForPositionsAck (AO), both ways.
struct FixPositionsAck {
  std::uint64_t request{};    ///< 0 where it names no question of ours
  std::uint32_t result{};     ///< PosReqResult
  std::uint32_t status{};     ///< PosReqStatus
  std::int64_t reports = -1;  ///< TotalNumPosReports, -1: not stated
  std::string_view text;
};

/// PositionReport (AP) to send, of one instrument.
struct FixPosition {
  std::uint64_t request{};
  std::int64_t reports{};  ///< in this answer
  std::int64_t number{};   ///< of this one, from 1
  InstrumentId instrument{};
  std::int64_t long_qty{};
  std::int64_t short_qty{};
  std::int64_t settl_px{};
};

/// BusinessMessageReject (j) or session Reject (3) received: what it says was refused, and, where
/// it can be told, which of our requests that was.
struct FixReject {
  SessionId session{};
  Sequence raw_sequence{};
  std::uint64_t ref_seq_num{};  ///< tag 45
  ClOrdId cl_ord_id{};  ///< or PosReqID, of our request with that number; 0 where unknown or none
  std::string_view ref_msg_type;  ///< tag 372, or of the message we remember
  std::uint32_t ref_tag{};        ///< tag 371, 0 where absent
  std::uint32_t reason{};         ///< tag 380 or 373
  std::string_view text;
};

/// A session's numbers after a call.
struct FixSessionState {
  std::uint64_t next_sender = 1;
  std::uint64_t next_target = 1;
  Nanos creation_ts = 0;
  bool logged_on = false;
  bool connected = false;
  bool operator==(const FixSessionState&) const = default;
};

}  // namespace pitwire
