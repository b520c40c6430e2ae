#include "decode.hpp"

#include <algorithm>

#include "encode_orders.hpp"
#include "read.hpp"
#include "timestamp.hpp"
#include "values.hpp"

namespace pitwire {
namespace {

// OrdRejReason (103)
constexpr std::uint32_t kUnknownSymbol = 1;
constexpr std::uint32_t kUnsupported = 11;
constexpr std::uint32_t kIncorrectQuantity = 13;
constexpr std::uint32_t kOther = 99;

Side side_of(std::string_view value) noexcept {
  if (value == "1") return Side::BUY;
  return value == "2" ? Side::SELL : Side::NONE;
}

std::int64_t read_count(const FieldTable& fields, std::uint32_t tag, DecimalStep step,
                        std::string& defects) {
  if (!fields.has(tag)) return 0;
  const DecimalResult result = parse_multiple(fields[tag], step);
  if (result.error != DecimalError::NONE)
    add_defect(defects, tag, fields[tag], text_of(result.error));
  return result.count;
}

std::int64_t read_fee(const FieldTable& fields, std::uint32_t tag, DecimalStep step,
                      std::string& defects) {
  if (!fields.has(tag)) return kNoFee;
  if (tag == 12 && fields.has(13) && fields[13] != "3") {
    add_defect(defects, 13, fields[13], "only absolute commission (3) is understood");
    return kNoFee;
  }
  const DecimalResult result = parse_rounded_away(fields[tag], step);
  if (result.error == DecimalError::NONE) return result.count;
  add_defect(defects, tag, fields[tag], text_of(result.error));
  return kNoFee;
}

/// The dialect's own word, or what FIX means; below 0 where it means nothing.
template <class Enum>
int meaning(const std::vector<std::pair<std::string, Enum>>& words, std::string_view text,
            int otherwise) {
  const auto found = std::ranges::find(words, text, &std::pair<std::string, Enum>::first);
  return found == words.end() ? otherwise : static_cast<int>(found->second);
}

void read_numbers(const FieldTable& fields, const FixDialect& dialect, const FixInstrument& of,
                  rec::Execution& to, std::string& defects) {
  to.last_px = read_count(fields, 31, of.price_step, defects);
  to.last_qty = read_count(fields, 32, of.qty_step, defects);
  to.leaves_qty = read_count(fields, 151, of.qty_step, defects);
  to.cum_qty = read_count(fields, 14, of.qty_step, defects);
  to.price = read_count(fields, 44, of.price_step, defects);
  to.order_qty = read_count(fields, 38, of.qty_step, defects);
  to.fee = read_fee(fields, static_cast<std::uint32_t>(dialect.fee_tag), of.fee_step, defects);
}

void read_words(const FieldTable& fields, const FixDialect& dialect, rec::Execution& to,
                std::string& defects) {
  const int standard = exec_type_of(fields[150], fields[20]);
  const bool by_trans_type = fields.has(20) && fields[20] != "0";
  const int exec_type =
      by_trans_type ? standard : meaning(dialect.exec_types, fields[150], standard);
  const int ord_status =
      meaning(dialect.ord_statuses, fields[39], position(kOrdStatusChars, fields[39]));
  const Side side = side_of(fields[54]);
  if (exec_type < 0) add_defect(defects, 150, fields[150], "unknown ExecType");
  if (ord_status < 0) add_defect(defects, 39, fields[39], "unknown OrdStatus");
  if (side == Side::NONE) add_defect(defects, 54, fields[54], "unknown Side");
  to.exec_type = static_cast<std::uint8_t>(std::max(exec_type, 0));
  to.ord_status = static_cast<std::uint8_t>(std::max(ord_status, 0));
  to.side = static_cast<std::uint8_t>(side);
}

// A cancel, replacement or restatement that answers no request of ours, as FIX marks it: no
// OrigClOrdID, or with ExecRestatementReason.
bool is_unsolicited(const FieldTable& fields, ExecType type) {
  if (type != ExecType::CANCELED && type != ExecType::REPLACED && type != ExecType::RESTATED) {
    return false;
  }
  return !fields.has(41) || fields.has(378);
}

void read_ids(const FieldTable& fields, const FixDialect& dialect, rec::Execution& to,
              std::string& defects) {
  to.cl_ord_id = dialect.ids.parse(fields[11]);
  to.orig_cl_ord_id = dialect.ids.parse(fields[41]);
  const auto own = fields[static_cast<std::uint32_t>(dialect.order_id_tag)];
  copy_text(to.exec_id, fields[17]);
  copy_text(to.exec_ref_id, fields[19]);
  copy_text(to.order_id, own.empty() ? fields[37] : own);
  copy_text(to.text, fields[58]);
  // A cut ExecID could take two executions for one.
  if (fields[17].size() >= to.exec_id.size()) add_defect(defects, 17, fields[17], "longer than 39");
}

bool read_price(const FieldTable& fields, std::uint32_t tag, DecimalStep step, std::int64_t& to,
                Refusal& why) {
  if (!fields.has(tag)) {
    why = {kOther, "tag " + std::to_string(tag) + " is missing for this OrdType"};
    return false;
  }
  const DecimalResult result = parse_multiple(fields[tag], step);
  to = result.count;
  if (result.error == DecimalError::NONE) return true;
  std::string increment;
  append_multiple(increment, 1, step);
  why = {kOther, "tag " + std::to_string(tag) + "=" + std::string(fields[tag]) + ": " +
                     text_of(result.error) + ", increment " + increment};
  return false;
}

}  // namespace

Decoder::Decoder(const FixSessionConfig& config, const FixSymbology& symbology)
    : config_(config), symbology_(symbology) {}

const FixInstrument* Decoder::named_in(const FieldTable& fields) const noexcept {
  return symbology_tag(fields) == 48 ? symbology_.find_security(fields[48])
                                     : symbology_.find(fields[55]);
}

std::uint32_t Decoder::symbology_tag(const FieldTable& fields) const noexcept {
  return config_.dialect.by_security_id && fields.has(48) ? 48 : 55;
}

InstrumentId Decoder::instrument_of(const FieldTable& fields) const noexcept {
  const FixInstrument* const of = named_in(fields);
  return of == nullptr ? InstrumentId{kNoId} : of->id;
}

ClOrdId Decoder::id_in(const FieldTable& fields, std::uint32_t tag) const noexcept {
  return config_.dialect.ids.parse(fields[tag]);
}

bool Decoder::is_aggressor(const FieldTable& fields) const noexcept {
  const auto& removed = config_.dialect.removed;
  return std::ranges::find(removed, fields[liquidity_tag_of(config_)]) != removed.end();
}

DecodedExecution Decoder::execution(const FieldTable& fields, Sequence raw) const {
  DecodedExecution decoded;
  rec::Execution& record = decoded.record;
  record.raw_sequence = raw;
  record.session = index(config_.id);
  record.fee = kNoFee;
  const FixDialect& dialect = config_.dialect;
  read_ids(fields, dialect, record, decoded.defects);
  read_words(fields, dialect, record, decoded.defects);
  const FixInstrument* const of = named_in(fields);
  record.instrument = of == nullptr ? kNoId : index(of->id);
  if (of == nullptr) {
    const auto tag = symbology_tag(fields);
    add_defect(decoded.defects, tag, fields[tag], "unknown symbol");
  } else {
    read_numbers(fields, dialect, *of, record, decoded.defects);
  }
  if (fields.has(60) && !parse_timestamp(fields[60], record.transact_time)) {
    add_defect(decoded.defects, 60, fields[60], "not a time");
  }
  const std::uint8_t poss_dup = fields.is_set(43) ? 1 : 0;
  const std::uint8_t unsolicited =
      is_unsolicited(fields, static_cast<ExecType>(record.exec_type)) ? 4 : 0;
  const std::uint8_t aggressor = is_aggressor(fields) ? 8 : 0;
  record.flags = static_cast<std::uint8_t>(poss_dup | unsolicited | aggressor);
  record.reject_reason = static_cast<std::uint32_t>(fields.number(103));
  if (fields.truncated()) add_defect(decoded.defects, 9, fields[9], "more than 256 fields");
  return decoded;
}

rec::CancelRejected Decoder::cancel_rejected(const FieldTable& fields, Sequence raw) const {
  rec::CancelRejected record;
  record.cl_ord_id = id_in(fields, 11);
  record.orig_cl_ord_id = id_in(fields, 41);
  record.raw_sequence = raw;
  record.session = index(config_.id);
  record.ord_status = static_cast<std::uint8_t>(std::max(position(kOrdStatusChars, fields[39]), 0));
  record.response_to = fields[434] == "2" ? 2 : 1;
  record.cxl_rej_reason = static_cast<std::uint16_t>(fields.number(102));
  copy_text(record.order_id, fields[37]);
  copy_text(record.text, fields[58]);
  return record;
}

FixMassStatus Decoder::mass_status(const FieldTable& fields) const {
  FixMassStatus answer;
  answer.request = id_in(fields, 584);
  // A venue that has no order says so by 911=0, or by a rejection that names none.
  const bool none =
      fields.has(911) ? fields.number(911) == 0 : fields[39] == "8" && fields[11].empty();
  const std::uint64_t reports = std::max<std::uint64_t>(1, fields.number(911));
  answer.reports = none ? 0 : static_cast<std::uint32_t>(reports);
  answer.last = none || fields.is_set(912);
  return answer;
}

FixMassCancelReport Decoder::mass_cancel_report(const FieldTable& fields) const {
  FixMassCancelReport report;
  report.cl_ord_id = id_in(fields, 11);
  report.instrument = fields[530] == "1" ? instrument_of(fields) : InstrumentId{kNoId};
  report.accepted = fields[531] != "0";
  report.affected = static_cast<std::uint32_t>(fields.number(533));
  report.reject_reason = static_cast<std::uint32_t>(fields.number(532));
  report.order_id = fields[37];
  report.text = fields[58];
  return report;
}

bool Decoder::order_terms(const FieldTable& fields, FixNewOrder& out, Refusal& why) const {
  const FixInstrument* const of = named_in(fields);
  if (of == nullptr) {
    why = {kUnknownSymbol, "unknown symbol " + std::string(fields[symbology_tag(fields)])};
    return false;
  }
  out.instrument = of->id;
  out.side = side_of(fields[54]);
  const int ord_type = position("0123456789", fields[40]);
  const int time_in_force = fields.has(59) ? position("01234567", fields[59]) : 0;
  if (out.side == Side::NONE || ord_type < 1 || ord_type > 4 || time_in_force < 0 ||
      time_in_force == 2 || time_in_force == 5 || time_in_force == 7) {
    why = {kUnsupported, "side, order type or time in force not supported"};
    return false;
  }
  out.ord_type = static_cast<OrdType>(ord_type);
  out.time_in_force = static_cast<TimeInForce>(time_in_force);
  const bool limit = out.ord_type == OrdType::LIMIT || out.ord_type == OrdType::STOP_LIMIT;
  const bool stop = out.ord_type == OrdType::STOP || out.ord_type == OrdType::STOP_LIMIT;
  if (limit && !read_price(fields, 44, of->price_step, out.price, why)) return false;
  if (stop && !read_price(fields, 99, of->price_step, out.stop_px, why)) return false;
  if (!read_price(fields, 38, of->qty_step, out.order_qty, why) || out.order_qty <= 0) {
    if (why.text.empty()) why.text = "tag 38: expected a quantity above 0";
    why.reason = kIncorrectQuantity;
    return false;
  }
  return true;
}

bool Decoder::order(const FieldTable& fields, Sequence raw, FixNewOrder& out, Refusal& why) const {
  out.session = config_.id;
  out.raw_sequence = raw;
  out.cl_ord_id = id_in(fields, 11);
  out.poss_resend = fields.is_set(97);
  if (out.cl_ord_id == 0) {
    why = {kOther, "ClOrdID: " + config_.dialect.ids.expected()};
    return false;
  }
  if (!order_terms(fields, out, why)) return false;
  const std::string_view exec_inst = fields[18];
  if (exec_inst.find('6') != std::string_view::npos) {
    out.flags = static_cast<std::uint8_t>(OrderFlag::POST_ONLY);
  }
  if (fields.has(60) && !parse_timestamp(fields[60], out.transact_time)) {
    why = {kOther, "tag 60: not a time"};
    return false;
  }
  if (out.time_in_force == TimeInForce::GTD && !parse_timestamp(fields[126], out.expire_ts)) {
    why = {kOther, "tag 126: a GTD order needs its time"};
    return false;
  }
  return true;
}

bool Decoder::replace(const FieldTable& fields, Sequence raw, FixReplace& out, Refusal& why) const {
  out.orig_cl_ord_id = id_in(fields, 41);
  if (out.orig_cl_ord_id == 0) {
    why = {kOther, "OrigClOrdID: " + config_.dialect.ids.expected()};
    return false;
  }
  return order(fields, raw, out.order, why);
}

bool Decoder::cancel(const FieldTable& fields, Sequence raw, FixCancel& out, Refusal& why) const {
  out = {
      config_.id,          raw,        id_in(fields, 11), id_in(fields, 41), instrument_of(fields),
      side_of(fields[54]), fields[115]};
  if (out.cl_ord_id != 0 && out.orig_cl_ord_id != 0) return true;
  why = {kOther, "ClOrdID and OrigClOrdID: " + config_.dialect.ids.expected()};
  return false;
}

FixStatusRequest Decoder::status_request(const FieldTable& fields, Sequence raw) const {
  return {config_.id,          raw,        id_in(fields, 11), instrument_of(fields),
          side_of(fields[54]), fields[37], fields[115]};
}

bool Decoder::mass_status_request(const FieldTable& fields, Sequence raw, FixMassStatusRequest& out,
                                  Refusal& why) const {
  out = {config_.id, raw, id_in(fields, 584), fields[115]};
  if (fields[585] != "7") why = {kUnsupported, "MassStatusReqType: only 7 (all) is supported"};
  if (out.request == 0) why = {kOther, "MassStatusReqID: " + config_.dialect.ids.expected()};
  return why.text.empty();
}

bool Decoder::mass_cancel(const FieldTable& fields, Sequence raw, FixMassCancel& out,
                          Refusal& why) const {
  out = {config_.id, raw, id_in(fields, 11), InstrumentId{kNoId}, fields[115]};
  if (fields[530] == "1") {
    out.instrument = instrument_of(fields);
    if (index(out.instrument) == kNoId) why = {kUnknownSymbol, "unknown symbol"};
  } else if (fields[530] != "7") {
    why = {kUnsupported, "MassCancelRequestType: only 1 (security) and 7 (all) are supported"};
  }
  if (out.cl_ord_id == 0) why = {kOther, "ClOrdID: " + config_.dialect.ids.expected()};
  return why.text.empty();
}

}  // namespace pitwire
