#include "encode.hpp"

#include <algorithm>

#include "append_decimal.hpp"
#include "put.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

bool has_price(OrdType type) { return type == OrdType::LIMIT || type == OrdType::STOP_LIMIT; }
bool has_stop(OrdType type) { return type == OrdType::STOP || type == OrdType::STOP_LIMIT; }

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

}  // namespace

Encoder::Encoder(const FixSessionConfig& config, const FixSymbology& symbology)
    : config_(config),
      symbology_(symbology),
      fix42_(config.begin_string == "FIX.4.2"),
      digits_(fix42_ ? std::min(config.timestamp_digits, 3) : config.timestamp_digits) {}

void Encoder::put_timestamp(FIX::Message& message, int tag, Nanos ts) const {
  std::string text;
  append_timestamp(text, ts, digits_);
  message.setField(tag, text);
}

int Encoder::liquidity_tag() const noexcept {
  if (config_.liquidity_tag != 0) return config_.liquidity_tag;
  return fix42_ ? 9851 : 851;
}

Encoder::Built Encoder::order(Nanos now, const rec::OrderSubmitted& order) const {
  const FixInstrument* const of = symbology_.find(InstrumentId{order.instrument});
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("D");
  const auto type = static_cast<OrdType>(order.ord_type);
  put_id(message, 11, order.cl_ord_id);
  put_text(message, 1, config_.account);
  put(message, 21, '1');  // HandlInst: automated, no broker intervention; required in 4.2
  put(message, 55, of->symbol);
  put_digit(message, 54, order.side);
  put_timestamp(message, 60, now);
  put_decimal(message, 38, order.order_qty, of->qty_step);
  put_digit(message, 40, order.ord_type);
  if (has_price(type)) put_decimal(message, 44, order.price, of->price_step);
  if (has_stop(type)) put_decimal(message, 99, order.stop_px, of->price_step);
  put_digit(message, 59, order.time_in_force);
  if (static_cast<TimeInForce>(order.time_in_force) == TimeInForce::GTD) {
    put_timestamp(message, 126, order.expire_ts);
  }
  if ((order.flags & static_cast<std::uint8_t>(OrderFlag::POST_ONLY)) != 0) put(message, 18, '6');
  return message;
}

Encoder::Built Encoder::cancel(Nanos now, const rec::CancelRequested& request,
                               std::int64_t order_qty) const {
  const FixInstrument* const of = symbology_.find(InstrumentId{request.instrument});
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("F");
  put_id(message, 11, request.cl_ord_id);
  put_id(message, 41, request.orig_cl_ord_id);
  put_text(message, 1, config_.account);
  put(message, 55, of->symbol);
  put_digit(message, 54, request.side);
  put_timestamp(message, 60, now);
  put_decimal(message, 38, order_qty, of->qty_step);
  return message;
}

Encoder::Built Encoder::replace(Nanos now, const rec::ReplaceRequested& request) const {
  const FixInstrument* const of = symbology_.find(InstrumentId{request.instrument});
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("G");
  put_id(message, 11, request.cl_ord_id);
  put_id(message, 41, request.orig_cl_ord_id);
  put_text(message, 1, config_.account);
  put(message, 21, '1');
  put(message, 55, of->symbol);
  put_digit(message, 54, request.side);
  put_timestamp(message, 60, now);
  put_decimal(message, 38, request.order_qty, of->qty_step);
  put_digit(message, 40, request.ord_type);
  if (has_price(static_cast<OrdType>(request.ord_type))) {
    put_decimal(message, 44, request.price, of->price_step);
  }
  put_digit(message, 59, request.time_in_force);
  if ((request.flags & static_cast<std::uint8_t>(OrderFlag::POST_ONLY)) != 0) put(message, 18, '6');
  return message;
}

Encoder::Built Encoder::status(const rec::StatusRequested& request) const {
  const FixInstrument* const of = symbology_.find(InstrumentId{request.instrument});
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("H");
  put_id(message, 11, request.cl_ord_id);
  put(message, 55, of->symbol);
  put_digit(message, 54, request.side);
  return message;
}

Encoder::Built Encoder::mass_cancel(Nanos now, const rec::MassCancelRequested& request) const {
  FIX::Message message = message_of("q");
  put_id(message, 11, request.cl_ord_id);
  if (request.instrument == kNoId) {
    put(message, 530, '7');  // all orders
  } else {
    const FixInstrument* const of = symbology_.find(InstrumentId{request.instrument});
    if (of == nullptr) return std::nullopt;
    put(message, 530, '1');  // of a security
    put(message, 55, of->symbol);
  }
  put_timestamp(message, 60, now);
  return message;
}

void Encoder::put_exec_words(FIX::Message& message, ExecType type, OrdStatus status) const {
  if (fix42_) {
    const ExecWords42 words = exec_words_42(type, status);
    put(message, 20, words.exec_trans_type);
    put(message, 150, words.exec_type);
  } else {
    put(message, 150, kExecTypeChars[static_cast<std::size_t>(type)]);
  }
  put(message, 39, kOrdStatusChars[static_cast<std::size_t>(status)]);
}

void Encoder::put_trade(FIX::Message& message, const FixExecution& execution,
                        const FixInstrument& of) const {
  put_decimal(message, 31, execution.last_px, of.price_step);
  put_decimal(message, 32, execution.last_qty, of.qty_step);
  if (execution.exec_type == ExecType::TRADE) {
    put(message, liquidity_tag(), execution.aggressor ? '2' : '1');
  }
  if (execution.fee != kNoFee) {
    put_decimal(message, 12, execution.fee, of.fee_step);
    put(message, 13, '3');  // CommType: absolute
  }
}

void Encoder::put_terms(FIX::Message& message, const FixExecution& execution,
                        const FixInstrument& of) const {
  put_digit(message, 40, execution.ord_type);
  put_digit(message, 59, execution.time_in_force);
  if (has_price(execution.ord_type)) put_decimal(message, 44, execution.price, of.price_step);
  if (has_stop(execution.ord_type)) put_decimal(message, 99, execution.stop_px, of.price_step);
  put_decimal(message, 38, execution.order_qty, of.qty_step);
  put_decimal(message, 151, execution.leaves_qty, of.qty_step);
  put_decimal(message, 14, execution.cum_qty, of.qty_step);
  put(message, 6, average_price(execution, of.price_step));
}

Encoder::Built Encoder::execution(Nanos now, const FixExecution& execution) const {
  const FixInstrument* const of = symbology_.find(execution.instrument);
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("8");
  const ExecType type = execution.exec_type;
  put(message, 37, execution.order_id.empty() ? std::string_view("NONE") : execution.order_id);
  put(message, 17, execution.exec_id.empty() ? std::string_view("0") : execution.exec_id);
  put_exec_words(message, type, execution.ord_status);
  if (execution.cl_ord_id != 0) put_id(message, 11, execution.cl_ord_id);
  if (execution.orig_cl_ord_id != 0) put_id(message, 41, execution.orig_cl_ord_id);
  put(message, 55, of->symbol);
  put_digit(message, 54, execution.side);
  put_terms(message, execution, *of);
  if (type == ExecType::TRADE || type == ExecType::TRADE_CANCEL ||
      type == ExecType::TRADE_CORRECT) {
    put_trade(message, execution, *of);
  }
  put_text(message, 19, execution.exec_ref_id);
  if (type == ExecType::REJECTED ||
      (type == ExecType::ORDER_STATUS && execution.reject_reason != 0)) {
    const bool unknown42 = fix42_ && execution.reject_reason > kOrdRejReasonMax42;
    put_number(message, 103, unknown42 ? 0 : execution.reject_reason);
  }
  put_timestamp(message, 60, execution.transact_time == 0 ? now : execution.transact_time);
  put_text(message, 58, execution.text);
  return message;
}

FIX::Message Encoder::cancel_reject(const FixCancelReject& reject) const {
  FIX::Message message = message_of("9");
  put(message, 37, reject.order_id.empty() ? std::string_view("NONE") : reject.order_id);
  put_id(message, 11, reject.cl_ord_id);
  put_id(message, 41, reject.orig_cl_ord_id);
  put(message, 39, kOrdStatusChars[static_cast<std::size_t>(reject.ord_status)]);
  put_digit(message, 434, reject.response_to);
  const bool unknown42 = fix42_ && reject.reason > kCxlRejReasonMax42;
  put_number(message, 102, unknown42 ? 2 : reject.reason);
  put_text(message, 58, reject.text);
  return message;
}

Encoder::Built Encoder::mass_cancel_report(const FixMassCancelReport& report) const {
  if (fix42_) return std::nullopt;
  FIX::Message message = message_of("r");
  const bool all = index(report.instrument) == kNoId;
  put_id(message, 11, report.cl_ord_id);
  put(message, 37, report.order_id.empty() ? std::string_view("NONE") : report.order_id);
  put(message, 530, all ? '7' : '1');
  put(message, 531, report.accepted ? (all ? '7' : '1') : '0');
  if (!report.accepted) put_number(message, 532, report.reject_reason);
  put_number(message, 533, report.affected);
  if (!all) {
    const FixInstrument* const of = symbology_.find(report.instrument);
    if (of == nullptr) return std::nullopt;
    put(message, 55, of->symbol);
  }
  put_text(message, 58, report.text);
  return message;
}

FIX::Message Encoder::business_reject(std::uint64_t ref_seq_num, std::string_view ref_msg_type,
                                      std::string_view ref_id, std::uint32_t reason,
                                      std::string_view text) const {
  FIX::Message message = message_of("j");
  put_number(message, 45, ref_seq_num);
  put(message, 372, ref_msg_type);
  put_text(message, 379, ref_id);
  put_number(message, 380, reason);
  put_text(message, 58, text);
  return message;
}

FIX::Message Encoder::refused_order(Nanos now, const FieldTable& order, const Refusal& refusal,
                                    std::uint64_t number) const {
  FIX::Message message = message_of("8");
  put(message, 37, "NONE");
  put(message, 17, "REFUSED-" + std::to_string(number));
  put_exec_words(message, ExecType::REJECTED, OrdStatus::REJECTED);
  for (const int tag : {11, 55, 54, 40, 38, 44}) echo(message, tag, order);
  for (const int tag : {151, 14, 6}) put(message, tag, '0');
  const bool unknown42 = fix42_ && refusal.reason > kOrdRejReasonMax42;
  put_number(message, 103, unknown42 ? 0 : refusal.reason);
  put_timestamp(message, 60, now);
  put_text(message, 58, refusal.text);
  return message;
}

FIX::Message Encoder::refused_cancel(const FieldTable& request, const Refusal& refusal) const {
  FIX::Message message = message_of("9");
  put(message, 37, "NONE");
  for (const int tag : {11, 41}) echo(message, tag, request);
  put(message, 39, '8');
  put(message, 434, request[35] == "G" ? '2' : '1');
  put(message, 102, '2');  // broker / exchange option: the words are in Text
  put_text(message, 58, refusal.text);
  return message;
}

}  // namespace pitwire
