// RequestForPositions, its acknowledgement and PositionReport, FIX 4.4.
//
// A report's quantities are those of PosType TOT (total transaction quantity), or of its only
// entry. Of several without TOT nobody can say which is the position: not readable.
#include <optional>

#include "decode.hpp"
#include "read.hpp"

namespace pitwire {
namespace {

struct Quantities {
  std::string_view type, long_qty, short_qty;
};

/// The entry that counts of the group NoPositions (702); why not, where none does.
std::optional<Quantities> quantities_of(const FieldTable& fields, std::string& defects) {
  std::optional<Quantities> first, total;
  std::size_t entries = 0;
  Quantities* current = nullptr;
  for (const auto& [tag, value] : fields.all()) {
    if (tag == 703) {
      ++entries;
      auto& entry = value == "TOT" ? total : first;
      current = &entry.emplace(Quantities{value, {}, {}});
    } else if (current != nullptr && (tag == 704 || tag == 705)) {
      (tag == 704 ? current->long_qty : current->short_qty) = value;
    }
  }
  if (total) return total;
  if (entries == 1) return first;
  add_defect(defects, 702, fields[702],
             entries == 0 ? "no quantity" : "several quantities, none of PosType TOT");
  return std::nullopt;
}

std::int64_t read_quantity(std::uint32_t tag, std::string_view text, DecimalStep step,
                           std::string& defects) {
  if (text.empty()) return 0;
  const DecimalResult result = parse_multiple(text, step);
  if (result.error != DecimalError::NONE) {
    add_defect(defects, tag, text, text_of(result.error));
  } else if (result.count < 0) {
    add_defect(defects, tag, text, "below 0");
  }
  return result.count;
}

std::int64_t reports_of(const FieldTable& fields) {
  return fields.has(727) ? static_cast<std::int64_t>(fields.number(727)) : -1;
}

}  // namespace

FixPositionsAck Decoder::positions_ack(const FieldTable& fields) const {
  return {id_in(fields, 710), static_cast<std::uint32_t>(fields.number(728)),
          static_cast<std::uint32_t>(fields.number(729)), reports_of(fields), fields[58]};
}

DecodedPosition Decoder::venue_position(const FieldTable& fields, Sequence raw) const {
  DecodedPosition decoded;
  rec::VenuePosition& record = decoded.record;
  std::string& defects = decoded.defects;
  decoded.reports = reports_of(fields);
  record.request = id_in(fields, 710);
  record.raw_sequence = raw;
  record.session = index(config_.id);
  const auto named_by = symbology_tag(fields);
  copy_text(record.symbol, fields[named_by]);
  if (fields.number(728) != kPositionsValid) {
    add_defect(defects, 728, fields[728], "not a valid answer");
  }
  const FixInstrument* const of = named_in(fields);
  record.instrument = of == nullptr ? kNoId : index(of->id);
  if (of == nullptr) {
    add_defect(defects, named_by, fields[named_by], "unknown symbol");
  } else if (const auto found = quantities_of(fields, defects)) {
    record.long_qty = read_quantity(704, found->long_qty, of->qty_step, defects);
    record.short_qty = read_quantity(705, found->short_qty, of->qty_step, defects);
    // A venue may settle at finer prices than it trades: such a price we do without.
    record.settl_px = parse_multiple(fields[730], of->price_step).count;
  }
  if (fields.truncated()) add_defect(defects, 9, fields[9], "more than 256 fields");
  return decoded;
}

bool Decoder::positions_request(const FieldTable& fields, Sequence raw, FixPositionsRequest& out,
                                Refusal& why) const {
  out = {config_.id, raw, id_in(fields, 710), InstrumentId{kNoId}};
  if (out.request == 0) {
    why = {kPositionsInvalid, "PosReqID: " + config_.dialect.ids.expected()};
  } else if (fields[724] != "0") {
    why = {kPositionsNotSupported, "PosReqType: only 0 (positions) is supported"};
  } else if (fields.has(263) && fields[263] != "0") {
    why = {kPositionsNotSupported, "SubscriptionRequestType: only 0 (snapshot) is supported"};
  } else if (fields.has(55)) {
    out.instrument = instrument_of(fields);
    if (index(out.instrument) == kNoId) {
      why = {kPositionsInvalid, "unknown symbol " + std::string(fields[55])};
    }
  }
  return why.text.empty();
}

}  // namespace pitwire
