// Application messages out: from records and venue structs to QuickFIX messages.
#pragma once

#include <Message.h>

#include <optional>
#include <string>

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

  [[nodiscard]] Built order(Nanos now, const rec::OrderSubmitted& order) const;
  [[nodiscard]] Built cancel(Nanos now, const rec::CancelRequested& request,
                             std::int64_t order_qty) const;
  [[nodiscard]] Built replace(Nanos now, const rec::ReplaceRequested& request) const;
  [[nodiscard]] Built status(const rec::StatusRequested& request) const;
  [[nodiscard]] Built mass_cancel(Nanos now, const rec::MassCancelRequested& request) const;

  [[nodiscard]] Built execution(Nanos now, const FixExecution& execution) const;
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
  void put_account(FIX::Message& message, std::string_view account) const;
  void put_timestamp(FIX::Message& message, int tag, Nanos ts) const;
  [[nodiscard]] int liquidity_tag() const noexcept;
  void put_exec_words(FIX::Message& message, ExecType type, OrdStatus status) const;
  void put_trade(FIX::Message& message, const FixExecution& execution,
                 const FixInstrument& of) const;
  void put_terms(FIX::Message& message, const FixExecution& execution,
                 const FixInstrument& of) const;

  const FixSessionConfig& config_;
  const FixSymbology& symbology_;
  bool fix42_;
  int digits_;
};

}  // namespace pitwire
