// Application messages in: from the fields of a message to records and venue structs.
#pragma once

#include <string>

#include "encode.hpp"
#include "fields.hpp"
#include "pitwire/fix/session.hpp"

namespace pitwire {

/// A report as far as it can be read; `defects` is empty where all of it could.
struct DecodedExecution {
  rec::Execution record;
  std::string defects;
};

/// A position report; as above, and how many reports its answer has (-1: not stated).
struct DecodedPosition {
  rec::VenuePosition record;
  std::int64_t reports = -1;
  std::string defects;
};

class Decoder {
 public:
  Decoder(const FixSessionConfig& config, const FixSymbology& symbology);

  // ---- what a venue says
  [[nodiscard]] DecodedExecution execution(const FieldTable& fields, Sequence raw) const;
  [[nodiscard]] rec::CancelRejected cancel_rejected(const FieldTable& fields, Sequence raw) const;
  [[nodiscard]] FixMassStatus mass_status(const FieldTable& fields) const;
  [[nodiscard]] FixMassCancelReport mass_cancel_report(const FieldTable& fields) const;

  [[nodiscard]] FixPositionsAck positions_ack(const FieldTable& fields) const;
  [[nodiscard]] DecodedPosition venue_position(const FieldTable& fields, Sequence raw) const;

  // ---- what a client asks; false: refused, and why
  [[nodiscard]] bool order(const FieldTable& fields, Sequence raw, FixNewOrder& out,
                           Refusal& why) const;
  [[nodiscard]] bool replace(const FieldTable& fields, Sequence raw, FixReplace& out,
                             Refusal& why) const;
  [[nodiscard]] bool cancel(const FieldTable& fields, Sequence raw, FixCancel& out,
                            Refusal& why) const;
  [[nodiscard]] FixStatusRequest status_request(const FieldTable& fields, Sequence raw) const;
  [[nodiscard]] bool mass_status_request(const FieldTable& fields, Sequence raw,
                                         FixMassStatusRequest& out, Refusal& why) const;
  [[nodiscard]] bool mass_cancel(const FieldTable& fields, Sequence raw, FixMassCancel& out,
                                 Refusal& why) const;
  [[nodiscard]] bool positions_request(const FieldTable& fields, Sequence raw,
                                       FixPositionsRequest& out, Refusal& why) const;

 private:
  [[nodiscard]] const FixInstrument* named_in(const FieldTable& fields) const noexcept;
  /// The tag by which a message names its instrument.
  [[nodiscard]] std::uint32_t symbology_tag(const FieldTable& fields) const noexcept;
  [[nodiscard]] ClOrdId id_in(const FieldTable& fields, std::uint32_t tag) const noexcept;
  [[nodiscard]] InstrumentId instrument_of(const FieldTable& fields) const noexcept;
  [[nodiscard]] bool is_aggressor(const FieldTable& fields) const noexcept;
  [[nodiscard]] bool order_terms(const FieldTable& fields, FixNewOrder& out, Refusal& why) const;
  const FixSessionConfig& config_;
  const FixSymbology& symbology_;
};

}  // namespace pitwire
