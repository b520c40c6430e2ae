#include "encode.hpp"

#include "encode_orders.hpp"
#include "put.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {

Encoder::Encoder(const FixSessionConfig& config, const FixSymbology& symbology)
    : config_(config),
      symbology_(symbology),
      ids_(config.dialect.ids),
      extras_(config),
      fix42_(config.begin_string == "FIX.4.2"),
      digits_(timestamp_digits_of(config)) {}

void Encoder::put_timestamp(FIX::Message& message, int tag, Nanos ts) const {
  std::string text;
  TimestampText().append(text, ts, digits_);
  message.setField(tag, text);
}

void Encoder::complete(FIX::Message& message, const FixInstrument* of) const {
  if (of != nullptr) put(message, 55, symbol_of(config_.dialect, *of));
  std::string text;
  for (const FixExtra& extra : extras_.of(message.getHeader().getField(35))) {
    text.clear();
    append_extra(text, extra, {of, kNoId, 0});
    const FieldTable fields(text);
    for (const auto& [tag, value] : fields.all()) {
      if (!value.empty()) put(message, static_cast<int>(tag), value);
    }
  }
}

Encoder::Built Encoder::status(const rec::StatusRequested& request) const {
  if (request.instrument == kNoId) return mass_status(request);
  const FixInstrument* const of = symbology_.find(InstrumentId{request.instrument});
  if (of == nullptr) return std::nullopt;
  FIX::Message message = message_of("H");
  put_id(message, 11, request.cl_ord_id, ids_);
  put_digit(message, 54, request.side);
  complete(message, of);
  return message;
}

FIX::Message Encoder::mass_status(const rec::StatusRequested& request) const {
  FIX::Message message = message_of("AF");
  put_id(message, 584, request.cl_ord_id, ids_);
  put(message, 585, '7');  // all orders
  complete(message, nullptr);
  return message;
}

Encoder::Built Encoder::mass_cancel(Nanos now, const rec::MassCancelRequested& request) const {
  FIX::Message message = message_of("q");
  put_id(message, 11, request.cl_ord_id, ids_);
  const bool all = request.instrument == kNoId;
  const auto* const of = all ? nullptr : symbology_.find(InstrumentId{request.instrument});
  if (!all && of == nullptr) return std::nullopt;
  put(message, 530, all ? '7' : '1');  // all orders, or of a security
  complete(message, of);
  put_timestamp(message, 60, now);
  return message;
}

FIX::Message Encoder::cancel_reject(const FixCancelReject& reject) const {
  FIX::Message message = message_of("9");
  put(message, 37, reject.order_id.empty() ? std::string_view("NONE") : reject.order_id);
  put_id(message, 11, reject.cl_ord_id, ids_);
  put_id(message, 41, reject.orig_cl_ord_id, ids_);
  put(message, 39, kOrdStatusChars[static_cast<std::size_t>(reject.ord_status)]);
  complete(message, nullptr);
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
  put_id(message, 11, report.cl_ord_id, ids_);
  put(message, 37, report.order_id.empty() ? std::string_view("NONE") : report.order_id);
  put(message, 530, all ? '7' : '1');
  put(message, 531, report.accepted ? (all ? '7' : '1') : '0');
  if (!report.accepted) put_number(message, 532, report.reject_reason);
  put_number(message, 533, report.affected);
  if (!all) {
    const FixInstrument* const of = symbology_.find(report.instrument);
    if (of == nullptr) return std::nullopt;
    complete(message, of);
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
  // Numbers begin anew at a reset; an ExecID must not.
  put(message, 17, "REFUSED-" + std::to_string(now) + "-" + std::to_string(number));
  if (fix42_) put(message, 20, '0');
  put(message, 150, '8');
  put(message, 39, '8');
  for (const int tag : {11, 55, 54, 40, 38, 44}) echo(message, tag, order);
  for (const int tag : {151, 14, 6}) put(message, tag, '0');
  put(message, config_.dialect.order_id_tag, "NONE");
  complete(message, nullptr);
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
  complete(message, nullptr);
  put(message, 102, '2');  // broker / exchange option: the words are in Text
  put_text(message, 58, refusal.text);
  return message;
}

}  // namespace pitwire
