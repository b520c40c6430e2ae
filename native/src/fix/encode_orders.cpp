#include "encode_orders.hpp"

#include <algorithm>

#include "append_decimal.hpp"
#include "pitwire/orders/order.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

constexpr int kCommission = 12;
constexpr int kOrderId = 37;
constexpr int kMaxFloor = 111;

bool is_trade(ExecType type) {
  return type == ExecType::TRADE || type == ExecType::TRADE_CANCEL ||
         type == ExecType::TRADE_CORRECT;
}
bool is_post_only(std::uint8_t flags) {
  return (flags & static_cast<std::uint8_t>(OrderFlag::POST_ONLY)) != 0;
}
bool states_a_reason(const FixExecution& execution) {
  return execution.exec_type == ExecType::REJECTED ||
         (execution.exec_type == ExecType::ORDER_STATUS && execution.reject_reason != 0);
}

// Six digits more than the price has, truncated; fewer where 128 bits do not hold them.
std::string average_price(const FixExecution& execution, DecimalStep step) {
  std::string text;
  if (execution.cum_qty == 0) return "0";
  constexpr Int128 kMore = 1'000'000;
  const Int128 scaled = Int128{execution.cum_notional} * kMore / execution.cum_qty;
  append_decimal(text, scaled * step.mantissa, step.exponent - 6);
  const std::size_t last = text.find_last_not_of('0');
  if (text.find('.') != std::string::npos) text.erase(text[last] == '.' ? last : last + 1);
  return text;
}

/// The dialect's own word for this; empty where it has none.
template <class Enum>
std::string_view text_of(const std::vector<std::pair<std::string, Enum>>& words, Enum value) {
  const auto found = std::ranges::find(words, value, &std::pair<std::string, Enum>::second);
  return found == words.end() ? std::string_view{} : found->first;
}

std::string_view or_else(std::string_view text, std::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

}  // namespace

std::string_view symbol_of(const FixDialect& dialect, const FixInstrument& of) noexcept {
  return dialect.symbol_text.empty() ? of.symbol : dialect.symbol_text;
}

std::uint32_t liquidity_tag_of(const FixSessionConfig& config) noexcept {
  const int tag = config.dialect.liquidity_tag;
  if (tag != 0) return static_cast<std::uint32_t>(tag);
  return config.begin_string == "FIX.4.2" ? 9851 : 851;
}

int timestamp_digits_of(const FixSessionConfig& config) noexcept {
  return config.begin_string == "FIX.4.2" ? std::min(config.timestamp_digits, 3)
                                          : config.timestamp_digits;
}

OrderEncoder::OrderEncoder(const FixSessionConfig& config, const FixSymbology& symbology)
    : config_(config),
      symbology_(symbology),
      fix42_(config.begin_string == "FIX.4.2"),
      digits_(timestamp_digits_of(config)),
      liquidity_tag_(static_cast<int>(liquidity_tag_of(config))),
      extras_(config),
      for_order_(extras_.of("D")),
      for_cancel_(extras_.of("F")),
      for_replace_(extras_.of("G")),
      for_report_(extras_.of("8")),
      report_tail_{liquidity_tag_},
      body_(config.dialect.ids) {
  if (config.dialect.fee_tag != kCommission) report_tail_.push_back(config.dialect.fee_tag);
  if (config.dialect.order_id_tag != kOrderId) report_tail_.push_back(config.dialect.order_id_tag);
  std::ranges::sort(report_tail_);
}

bool OrderEncoder::begin(std::string_view msg_type, std::span<const FixExtra> extras,
                         std::uint32_t instrument, std::uint32_t strategy,
                         std::uint64_t order_tag) {
  of_ = symbology_.find(InstrumentId{instrument});
  unfit_ = false;
  body_.begin(msg_type, extras, {of_, strategy, order_tag});
  return of_ != nullptr;
}

void OrderEncoder::put_ord_type(OrdType type) {
  if (type == OrdType::MARKET_IF_TOUCHED) return body_.put(40, "J");
  if (type == OrdType::TRAILING_STOP) return body_.put(40, "P");
  body_.put_digit(40, type);
}

void OrderEncoder::put_exec_inst(std::uint8_t flags, OrdType type) {
  if (is_post_only(flags)) return body_.put(18, '6');
  if (type == OrdType::TRAILING_STOP) body_.put(18, 'a');  // a stop that trails by a peg
}

/// The venue shows so much at a time, which is never more than there is. `behind`: a tag of the
/// dialect's own goes last.
void OrderEncoder::put_display(const rec::OrderInstructions* more, std::int64_t order_qty,
                               bool behind) {
  const int tag = config_.dialect.display_tag;
  if (more == nullptr || more->display_qty == 0 || more->total_qty != 0) return;
  if (behind == (tag > kMaxFloor)) body_.put_qty(tag, std::min(more->display_qty, order_qty));
}

void OrderEncoder::put_peg(const rec::OrderInstructions* more, OrdType type) {
  if (more == nullptr || type != OrdType::TRAILING_STOP) return;
  const bool bps = static_cast<PegOffsetType>(more->peg_offset_type) == PegOffsetType::BASIS_POINTS;
  if (bps) {
    body_.put_number(211, static_cast<std::uint64_t>(more->peg_offset));
  } else {
    body_.put_price(211, more->peg_offset);
  }
  body_.put(836, bps ? '1' : '0');
}

const FixBody* OrderEncoder::order(Nanos now, const rec::OrderSubmitted& order,
                                   const rec::OrderInstructions* more) {
  if (!begin("D", for_order_, order.instrument, order.strategy, order.tag)) return nullptr;
  const auto type = static_cast<OrdType>(order.ord_type);
  body_.put_id(11, order.cl_ord_id);
  put_exec_inst(order.flags, type);
  body_.put_qty(38, order.order_qty);
  put_ord_type(type);
  if (has_limit(type)) body_.put_price(44, order.price);
  body_.put_digit(54, order.side);
  body_.put(55, symbol_of(config_.dialect, *of_));
  body_.put_digit(59, order.time_in_force);
  body_.put_timestamp(60, now, digits_);
  if (has_fixed_stop(type)) body_.put_price(99, order.stop_px);
  put_display(more, order.order_qty, false);
  if (static_cast<TimeInForce>(order.time_in_force) == TimeInForce::GTD) {
    body_.put_timestamp(126, order.expire_ts, digits_);
  }
  put_peg(more, type);
  put_display(more, order.order_qty, true);
  return finish();
}

const FixBody* OrderEncoder::cancel(Nanos now, const rec::CancelRequested& request,
                                    std::int64_t order_qty) {
  if (!begin("F", for_cancel_, request.instrument, request.strategy)) return nullptr;
  body_.put_id(11, request.cl_ord_id);
  body_.put_qty(38, order_qty);
  body_.put_id(41, request.orig_cl_ord_id);
  body_.put_digit(54, request.side);
  body_.put(55, symbol_of(config_.dialect, *of_));
  body_.put_timestamp(60, now, digits_);
  return finish();
}

const FixBody* OrderEncoder::replace(Nanos now, const rec::ReplaceRequested& request,
                                     const rec::OrderInstructions* more) {
  if (!begin("G", for_replace_, request.instrument, request.strategy)) return nullptr;
  const auto type = static_cast<OrdType>(request.ord_type);
  body_.put_id(11, request.cl_ord_id);
  put_exec_inst(request.flags, type);
  body_.put_qty(38, request.order_qty);
  put_ord_type(type);
  body_.put_id(41, request.orig_cl_ord_id);
  if (has_limit(type)) body_.put_price(44, request.price);
  body_.put_digit(54, request.side);
  body_.put(55, symbol_of(config_.dialect, *of_));
  body_.put_digit(59, request.time_in_force);
  body_.put_timestamp(60, now, digits_);
  if (has_fixed_stop(type) && more != nullptr) body_.put_price(99, more->stop_px);
  put_display(more, request.order_qty, false);
  if (more != nullptr && more->expire_ts != 0) body_.put_timestamp(126, more->expire_ts, digits_);
  put_peg(more, type);
  put_display(more, request.order_qty, true);
  return finish();
}

void OrderEncoder::put_exec_trans_type(ExecType type, OrdStatus status) {
  if (fix42_) body_.put(20, exec_words_42(type, status).exec_trans_type);
}

void OrderEncoder::put_exec_type(ExecType type, OrdStatus status) {
  if (const auto own = text_of(config_.dialect.exec_types, type); !own.empty()) {
    return body_.put(150, own);
  }
  body_.put(150, fix42_ ? exec_words_42(type, status).exec_type
                        : kExecTypeChars[static_cast<std::size_t>(type)]);
}

void OrderEncoder::put_ord_status(OrdStatus status) {
  if (const auto own = text_of(config_.dialect.ord_statuses, status); !own.empty()) {
    return body_.put(39, own);
  }
  body_.put(39, kOrdStatusChars[static_cast<std::size_t>(status)]);
}

void OrderEncoder::put_commission(const FixExecution& execution) {
  if (!is_trade(execution.exec_type) || execution.fee == kNoFee) return;
  body_.put_decimal(config_.dialect.fee_tag, execution.fee, of_->fee_step);
  if (config_.dialect.fee_tag == kCommission) body_.put(13, '3');  // CommType: absolute
}

/// Whoever took liquidity, always; fee and reference where the dialect has tags of its own.
void OrderEncoder::put_of_dialect(const FixExecution& execution) {
  const FixDialect& dialect = config_.dialect;
  for (const int tag : report_tail_) {
    if (tag == liquidity_tag_) {
      const bool traded =
          execution.exec_type == ExecType::TRADE || execution.exec_type == ExecType::TRADE_CORRECT;
      if (!traded) continue;
      body_.put(tag, (execution.aggressor ? dialect.removed : dialect.added).front());
    } else if (tag == dialect.fee_tag) {
      put_commission(execution);
    } else {
      body_.put(tag, or_else(execution.order_id, "NONE"));
    }
  }
}

const FixBody* OrderEncoder::execution(Nanos now, const FixExecution& execution) {
  if (!begin("8", for_report_, index(execution.instrument))) return nullptr;
  const auto type = execution.exec_type;
  const auto status = execution.ord_status;
  body_.put(6, average_price(execution, of_->price_step));
  if (execution.cl_ord_id != 0) body_.put_id(11, execution.cl_ord_id);
  if (config_.dialect.fee_tag == kCommission) put_commission(execution);
  body_.put_qty(14, execution.cum_qty);
  body_.put(17, or_else(execution.exec_id, "0"));
  body_.put_text(19, execution.exec_ref_id);
  put_exec_trans_type(type, status);
  if (is_trade(type)) {
    body_.put_price(31, execution.last_px);
    body_.put_qty(32, execution.last_qty);
  }
  body_.put(37, or_else(execution.order_id, "NONE"));
  body_.put_qty(38, execution.order_qty);
  put_ord_status(status);
  put_ord_type(execution.ord_type);
  if (execution.orig_cl_ord_id != 0) body_.put_id(41, execution.orig_cl_ord_id);
  if (has_limit(execution.ord_type)) body_.put_price(44, execution.price);
  body_.put_digit(54, execution.side);
  body_.put(55, symbol_of(config_.dialect, *of_));
  body_.put_text(58, execution.text);
  body_.put_digit(59, execution.time_in_force);
  body_.put_timestamp(60, execution.transact_time == 0 ? now : execution.transact_time, digits_);
  if (has_fixed_stop(execution.ord_type)) body_.put_price(99, execution.stop_px);
  if (states_a_reason(execution)) {
    const bool unknown42 = fix42_ && execution.reject_reason > kOrdRejReasonMax42;
    body_.put_number(103, unknown42 ? 0 : execution.reject_reason);
  }
  put_exec_type(type, status);
  body_.put_qty(151, execution.leaves_qty);
  put_of_dialect(execution);
  if (execution.mass_status.request != 0) put_mass_status(execution.mass_status);
  return finish();
}

void OrderEncoder::put_mass_status(const FixMassStatus& answer) {
  body_.put_id(584, answer.request);
  body_.put_number(911, answer.reports);
  if (answer.last) body_.put(912, "Y");
}

}  // namespace pitwire
