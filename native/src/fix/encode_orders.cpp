#include "encode_orders.hpp"

#include <algorithm>

#include "append_decimal.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

bool has_price(OrdType type) { return type == OrdType::LIMIT || type == OrdType::STOP_LIMIT; }
bool has_stop(OrdType type) { return type == OrdType::STOP || type == OrdType::STOP_LIMIT; }
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

std::string_view or_else(std::string_view text, std::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

}  // namespace

std::uint32_t liquidity_tag_of(const FixSessionConfig& config) noexcept {
  if (config.liquidity_tag != 0) return static_cast<std::uint32_t>(config.liquidity_tag);
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
      liquidity_tag_(static_cast<int>(liquidity_tag_of(config))) {}

const FixInstrument* OrderEncoder::begin(std::string_view msg_type, std::uint32_t instrument) {
  body_.begin(msg_type);
  return symbology_.find(InstrumentId{instrument});
}

const FixBody* OrderEncoder::order(Nanos now, const rec::OrderSubmitted& order) {
  const auto* of = begin("D", order.instrument);
  if (of == nullptr) return nullptr;
  const auto type = static_cast<OrdType>(order.ord_type);
  body_.put_text(1, config_.account);
  body_.put_id(11, order.cl_ord_id);
  if (is_post_only(order.flags)) body_.put(18, '6');
  body_.put(21, '1');  // HandlInst: automated, no broker intervention; required in 4.2
  body_.put_decimal(38, order.order_qty, of->qty_step);
  body_.put_digit(40, order.ord_type);
  if (has_price(type)) body_.put_decimal(44, order.price, of->price_step);
  body_.put_digit(54, order.side);
  body_.put(55, of->symbol);
  body_.put_digit(59, order.time_in_force);
  body_.put_timestamp(60, now, digits_);
  if (has_stop(type)) body_.put_decimal(99, order.stop_px, of->price_step);
  if (static_cast<TimeInForce>(order.time_in_force) == TimeInForce::GTD) {
    body_.put_timestamp(126, order.expire_ts, digits_);
  }
  return &body_;
}

const FixBody* OrderEncoder::cancel(Nanos now, const rec::CancelRequested& request,
                                    std::int64_t order_qty) {
  const auto* of = begin("F", request.instrument);
  if (of == nullptr) return nullptr;
  body_.put_text(1, config_.account);
  body_.put_id(11, request.cl_ord_id);
  body_.put_decimal(38, order_qty, of->qty_step);
  body_.put_id(41, request.orig_cl_ord_id);
  body_.put_digit(54, request.side);
  body_.put(55, of->symbol);
  body_.put_timestamp(60, now, digits_);
  return &body_;
}

const FixBody* OrderEncoder::replace(Nanos now, const rec::ReplaceRequested& request) {
  const auto* of = begin("G", request.instrument);
  if (of == nullptr) return nullptr;
  body_.put_text(1, config_.account);
  body_.put_id(11, request.cl_ord_id);
  if (is_post_only(request.flags)) body_.put(18, '6');
  body_.put(21, '1');
  body_.put_decimal(38, request.order_qty, of->qty_step);
  body_.put_digit(40, request.ord_type);
  body_.put_id(41, request.orig_cl_ord_id);
  if (has_price(static_cast<OrdType>(request.ord_type))) {
    body_.put_decimal(44, request.price, of->price_step);
  }
  body_.put_digit(54, request.side);
  body_.put(55, of->symbol);
  body_.put_digit(59, request.time_in_force);
  body_.put_timestamp(60, now, digits_);
  return &body_;
}

void OrderEncoder::put_exec_trans_type(ExecType type, OrdStatus status) {
  if (fix42_) body_.put(20, exec_words_42(type, status).exec_trans_type);
}

void OrderEncoder::put_exec_type(ExecType type, OrdStatus status) {
  body_.put(150, fix42_ ? exec_words_42(type, status).exec_type
                        : kExecTypeChars[static_cast<std::size_t>(type)]);
}

void OrderEncoder::put_commission(const FixExecution& execution, const FixInstrument& of) {
  if (!is_trade(execution.exec_type) || execution.fee == kNoFee) return;
  body_.put_decimal(12, execution.fee, of.fee_step);
  body_.put(13, '3');  // CommType: absolute
}

const FixBody* OrderEncoder::execution(Nanos now, const FixExecution& execution) {
  const auto* of = begin("8", index(execution.instrument));
  if (of == nullptr) return nullptr;
  const auto type = execution.exec_type;
  const auto status = execution.ord_status;
  body_.put(6, average_price(execution, of->price_step));
  if (execution.cl_ord_id != 0) body_.put_id(11, execution.cl_ord_id);
  put_commission(execution, *of);
  body_.put_decimal(14, execution.cum_qty, of->qty_step);
  body_.put(17, or_else(execution.exec_id, "0"));
  body_.put_text(19, execution.exec_ref_id);
  put_exec_trans_type(type, status);
  if (is_trade(type)) {
    body_.put_decimal(31, execution.last_px, of->price_step);
    body_.put_decimal(32, execution.last_qty, of->qty_step);
  }
  body_.put(37, or_else(execution.order_id, "NONE"));
  body_.put_decimal(38, execution.order_qty, of->qty_step);
  body_.put(39, kOrdStatusChars[static_cast<std::size_t>(status)]);
  body_.put_digit(40, execution.ord_type);
  if (execution.orig_cl_ord_id != 0) body_.put_id(41, execution.orig_cl_ord_id);
  if (has_price(execution.ord_type)) body_.put_decimal(44, execution.price, of->price_step);
  body_.put_digit(54, execution.side);
  body_.put(55, of->symbol);
  body_.put_text(58, execution.text);
  body_.put_digit(59, execution.time_in_force);
  body_.put_timestamp(60, execution.transact_time == 0 ? now : execution.transact_time, digits_);
  if (has_stop(execution.ord_type)) body_.put_decimal(99, execution.stop_px, of->price_step);
  if (states_a_reason(execution)) {
    const bool unknown42 = fix42_ && execution.reject_reason > kOrdRejReasonMax42;
    body_.put_number(103, unknown42 ? 0 : execution.reject_reason);
  }
  put_exec_type(type, status);
  body_.put_decimal(151, execution.leaves_qty, of->qty_step);
  if (type == ExecType::TRADE || type == ExecType::TRADE_CORRECT)
    body_.put(liquidity_tag_, execution.aggressor ? '2' : '1');
  return &body_;
}

}  // namespace pitwire
