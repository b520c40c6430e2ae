// The messages of an order's life out: new order, cancel, replace, execution report.
//
// These four are nearly all that a busy session says, so they are written as bytes (FixBody);
// everything rarer is a QuickFIX message (encode.hpp).
#pragma once

#include <vector>

#include "body.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

/// What Symbol (55) says of an instrument.
[[nodiscard]] std::string_view symbol_of(const FixDialect& dialect,
                                         const FixInstrument& of) noexcept;
/// Where a report says who took liquidity: as configured, else 851 in FIX 4.4 and 9851 in 4.2.
[[nodiscard]] std::uint32_t liquidity_tag_of(const FixSessionConfig& config) noexcept;
/// Decimals of a second in our times: FIX 4.2 knows milliseconds at most.
[[nodiscard]] int timestamp_digits_of(const FixSessionConfig& config) noexcept;

/// Each returns the body, valid until the next call; null: the instrument is not in the symbology,
/// or a number has more decimals than the dialect writes.
class OrderEncoder {
 public:
  OrderEncoder(const FixSessionConfig& config, const FixSymbology& symbology);

  [[nodiscard]] const FixBody* order(Nanos now, const rec::OrderSubmitted& order,
                                     const rec::OrderInstructions* more = nullptr);
  [[nodiscard]] const FixBody* cancel(Nanos now, const rec::CancelRequested& request,
                                      std::int64_t order_qty);
  [[nodiscard]] const FixBody* replace(Nanos now, const rec::ReplaceRequested& request,
                                       const rec::OrderInstructions* more = nullptr);
  [[nodiscard]] const FixBody* execution(Nanos now, const FixExecution& execution);
  /// The last one was null for its decimals.
  [[nodiscard]] bool unfit() const noexcept { return unfit_; }

 private:
  /// Whether the instrument is known; `extras` are the message's of the dialect.
  [[nodiscard]] bool begin(std::string_view msg_type, std::span<const FixExtra> extras,
                           std::uint32_t instrument, std::uint32_t strategy = kNoId,
                           std::uint64_t order_tag = 0);
  [[nodiscard]] const FixBody* finish() {
    unfit_ = !body_.finish();
    return unfit_ ? nullptr : &body_;
  }
  void put_ord_type(OrdType type);
  void put_exec_inst(std::uint8_t flags, OrdType type);
  void put_display(const rec::OrderInstructions* more, std::int64_t order_qty, bool behind);
  void put_peg(const rec::OrderInstructions* more, OrdType type);
  void put_exec_trans_type(ExecType type, OrdStatus status);
  void put_exec_type(ExecType type, OrdStatus status);
  void put_ord_status(OrdStatus status);
  void put_commission(const FixExecution& execution);
  void put_of_dialect(const FixExecution& execution);
  void put_mass_status(const FixMassStatus& answer);

  const FixSessionConfig& config_;
  const FixSymbology& symbology_;
  const bool fix42_;
  const int digits_;
  const int liquidity_tag_;
  const FixExtras extras_;
  const std::span<const FixExtra> for_order_, for_cancel_, for_replace_, for_report_;
  std::vector<int> report_tail_;  ///< tags of a report that a dialect moves, ascending
  const FixInstrument* of_ = nullptr;
  bool unfit_ = false;
  FixBody body_;
};

}  // namespace pitwire
