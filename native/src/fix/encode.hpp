// The rarer application messages out, as QuickFIX messages; orders and reports: encode_orders.hpp.
#pragma once

#include <Message.h>

#include <optional>
#include <string>

#include "extras.hpp"
#include "fields.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

/// What a venue answers by itself to a request that it cannot even read.
struct Refusal {
  std::uint32_t reason = 0;  ///< OrdRejReason, or PosReqResult
  std::string text;
};

/// Builds bodies; the header is the session's. nullopt: the instrument is not in the symbology.
class Encoder {
 public:
  using Built = std::optional<FIX::Message>;
  Encoder(const FixSessionConfig& config, const FixSymbology& symbology);

  [[nodiscard]] Built status(const rec::StatusRequested& request) const;
  [[nodiscard]] FIX::Message mass_status(const rec::StatusRequested& request) const;
  [[nodiscard]] Built mass_cancel(Nanos now, const rec::MassCancelRequested& request) const;

  [[nodiscard]] FIX::Message cancel_reject(const FixCancelReject& reject) const;
  [[nodiscard]] Built mass_cancel_report(const FixMassCancelReport& report) const;
  [[nodiscard]] FIX::Message business_reject(std::uint64_t ref_seq_num,
                                             std::string_view ref_msg_type, std::string_view ref_id,
                                             std::uint32_t reason, std::string_view text) const;
  /// A report that refuses an order with its own words; `number` makes the ExecID.
  [[nodiscard]] FIX::Message refused_order(Nanos now, const FieldTable& order,
                                           const Refusal& refusal, std::uint64_t number) const;
  [[nodiscard]] FIX::Message refused_cancel(const FieldTable& request,
                                            const Refusal& refusal) const;

  // ---- positions, encode_positions.cpp
  [[nodiscard]] FIX::Message positions_request(Nanos now, std::uint64_t request) const;
  [[nodiscard]] FIX::Message positions_ack(const FixPositionsAck& ack) const;
  [[nodiscard]] Built position(Nanos now, const FixPosition& position) const;
  /// An ack that refuses a request with its own words; `number` makes the PosMaintRptID.
  [[nodiscard]] FIX::Message refused_positions(const FieldTable& request, const Refusal& refusal,
                                               std::uint64_t number) const;

 private:
  /// The dialect's fields of this message, and what it calls the instrument; `of` null: of none.
  void complete(FIX::Message& message, const FixInstrument* of) const;
  void put_account(FIX::Message& message, std::string_view account) const;
  void put_timestamp(FIX::Message& message, int tag, Nanos ts) const;

  const FixSessionConfig& config_;
  const FixSymbology& symbology_;
  const ClOrdIdText& ids_;
  FixExtras extras_;
  bool fix42_;
  int digits_;
};

}  // namespace pitwire
