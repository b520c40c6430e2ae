// The messages of an order's life out: new order, cancel, replace, execution report.
//
// These four are nearly all that a busy session says, so they are written as bytes (FixBody);
// everything rarer is a QuickFIX message (encode.hpp).
#pragma once

#include "body.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

/// Where a report says who took liquidity: as configured, else 851 in FIX 4.4 and 9851 in 4.2.
[[nodiscard]] std::uint32_t liquidity_tag_of(const FixSessionConfig& config) noexcept;
/// Decimals of a second in our times: FIX 4.2 knows milliseconds at most.
[[nodiscard]] int timestamp_digits_of(const FixSessionConfig& config) noexcept;

/// Each returns the body, valid until the next call; null: the instrument is not in the symbology.
class OrderEncoder {
 public:
  OrderEncoder(const FixSessionConfig& config, const FixSymbology& symbology);

  [[nodiscard]] const FixBody* order(Nanos now, const rec::OrderSubmitted& order);
  [[nodiscard]] const FixBody* cancel(Nanos now, const rec::CancelRequested& request,
                                      std::int64_t order_qty);
  [[nodiscard]] const FixBody* replace(Nanos now, const rec::ReplaceRequested& request);
  [[nodiscard]] const FixBody* execution(Nanos now, const FixExecution& execution);

 private:
  [[nodiscard]] const FixInstrument* begin(std::string_view msg_type, std::uint32_t instrument);
  void put_exec_trans_type(ExecType type, OrdStatus status);
  void put_exec_type(ExecType type, OrdStatus status);
  void put_commission(const FixExecution& execution, const FixInstrument& of);

  const FixSessionConfig& config_;
  const FixSymbology& symbology_;
  const bool fix42_;
  const int digits_;
  const int liquidity_tag_;
  FixBody body_;
};

}  // namespace pitwire
