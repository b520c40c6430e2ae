// Requests and reports of the simulated venue as the records that the log holds.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "pitwire/matching/simulated_venue.hpp"

namespace pitwire {
namespace {

template <class Record>
bool load(std::span<const std::byte> payload, Record& out) noexcept {
  if (payload.size() < sizeof(Record)) return false;
  std::memcpy(&out, payload.data(), sizeof(Record));
  return true;
}

/// Text, a number, cut and NUL padded.
template <std::size_t N>
void write_id(std::array<char, N>& out, std::string_view prefix, std::uint64_t number) noexcept {
  const auto room = std::min(prefix.size(), N - 21);  // 20 digits and a NUL stay
  std::copy_n(prefix.begin(), room, out.begin());
  std::to_chars(out.data() + room, out.data() + N - 1, number);
}

template <std::size_t N>
void write_text(std::array<char, N>& out, std::string_view text) noexcept {
  std::copy_n(text.begin(), std::min(text.size(), N - 1), out.begin());
}

VenueRequest request_of(const rec::OrderSubmitted& order) noexcept {
  VenueRequest request;
  request.kind = RequestKind::NEW;
  request.session = SessionId{order.session};
  request.cl_ord_id = order.cl_ord_id;
  request.instrument = InstrumentId{order.instrument};
  request.side = static_cast<Side>(order.side);
  request.ord_type = static_cast<OrdType>(order.ord_type);
  request.time_in_force = static_cast<TimeInForce>(order.time_in_force);
  request.post_only = (order.flags & static_cast<std::uint8_t>(OrderFlag::POST_ONLY)) != 0;
  request.price = order.price;
  request.stop_px = order.stop_px;
  request.order_qty = order.order_qty;
  request.expire_ts = order.expire_ts;
  return request;
}

VenueRequest request_of(const rec::CancelRequested& cancel) noexcept {
  VenueRequest request;
  request.kind = RequestKind::CANCEL;
  request.session = SessionId{cancel.session};
  request.cl_ord_id = cancel.cl_ord_id;
  request.orig_cl_ord_id = cancel.orig_cl_ord_id;
  request.instrument = InstrumentId{cancel.instrument};
  request.side = static_cast<Side>(cancel.side);
  return request;
}

VenueRequest request_of(const rec::ReplaceRequested& replace) noexcept {
  VenueRequest request;
  request.kind = RequestKind::REPLACE;
  request.session = SessionId{replace.session};
  request.cl_ord_id = replace.cl_ord_id;
  request.orig_cl_ord_id = replace.orig_cl_ord_id;
  request.instrument = InstrumentId{replace.instrument};
  request.side = static_cast<Side>(replace.side);
  request.ord_type = static_cast<OrdType>(replace.ord_type);
  request.price = replace.price;
  request.order_qty = replace.order_qty;
  return request;
}

VenueRequest request_of(const rec::StatusRequested& status) noexcept {
  VenueRequest request;
  request.kind = RequestKind::STATUS;
  request.session = SessionId{status.session};
  request.cl_ord_id = status.cl_ord_id;
  request.instrument = InstrumentId{status.instrument};
  request.side = static_cast<Side>(status.side);
  return request;
}

VenueRequest request_of(const rec::MassCancelRequested& cancel) noexcept {
  VenueRequest request;
  request.kind = RequestKind::MASS_CANCEL;
  request.session = SessionId{cancel.session};
  request.cl_ord_id = cancel.cl_ord_id;
  request.instrument = InstrumentId{cancel.instrument};
  return request;
}

VenueRequest request_of(const rec::PositionsRequested& asked) noexcept {
  VenueRequest request;
  request.kind = RequestKind::POSITIONS;
  request.session = SessionId{asked.session};
  request.cl_ord_id = asked.request;
  request.instrument = InstrumentId{kNoId};
  return request;
}

template <class Record>
bool read(std::span<const std::byte> payload, VenueRequest& out) noexcept {
  Record record;
  if (!load(payload, record)) return false;
  out = request_of(record);
  rec::OrderInstructions more;
  if (!load(payload.subspan(sizeof record), more)) return true;
  if (out.kind == RequestKind::REPLACE && more.stop_px != std::numeric_limits<std::int64_t>::min())
    out.stop_px = more.stop_px;
  if (more.total_qty == 0) out.display_qty = more.display_qty;  // else it is one slice of it
  out.peg_offset = more.peg_offset;
  out.peg_offset_type = static_cast<PegOffsetType>(more.peg_offset_type);
  return true;
}

}  // namespace

bool read_request(RecordType type, std::span<const std::byte> payload, VenueRequest& out) noexcept {
  switch (type) {
    case RecordType::ORDER_SUBMITTED:
      return read<rec::OrderSubmitted>(payload, out);
    case RecordType::CANCEL_REQUESTED:
      return read<rec::CancelRequested>(payload, out);
    case RecordType::REPLACE_REQUESTED:
      return read<rec::ReplaceRequested>(payload, out);
    case RecordType::STATUS_REQUESTED:
      return read<rec::StatusRequested>(payload, out);
    case RecordType::MASS_CANCEL_REQUESTED:
      return read<rec::MassCancelRequested>(payload, out);
    case RecordType::POSITIONS_REQUESTED:
      return read<rec::PositionsRequested>(payload, out);
    default:
      return false;
  }
}

rec::Execution to_record(const VenueReport& report, std::string_view prefix) noexcept {
  rec::Execution out;
  out.cl_ord_id = report.cl_ord_id;
  out.orig_cl_ord_id = report.orig_cl_ord_id;
  out.instrument = index(report.instrument);
  out.session = index(report.session);
  out.exec_type = static_cast<std::uint8_t>(report.exec_type);
  out.ord_status = static_cast<std::uint8_t>(report.ord_status);
  out.side = static_cast<std::uint8_t>(report.side);
  out.flags =
      static_cast<std::uint8_t>((report.unsolicited ? 4U : 0U) | (report.aggressor ? 8U : 0U));
  out.reject_reason = report.reject_reason;
  out.last_px = report.last_px;
  out.last_qty = report.last_qty;
  out.leaves_qty = report.leaves_qty;
  out.cum_qty = report.cum_qty;
  out.price = report.price;
  out.order_qty = report.order_qty;
  out.fee = report.fee;
  out.transact_time = report.transact_time;
  write_id(out.exec_id, prefix, report.exec_id);
  if (report.order_id != 0) write_id(out.order_id, "O", report.order_id);
  write_text(out.text, report.text);
  return out;
}

rec::CancelRejected to_record(const VenueCancelReject& reject) noexcept {
  rec::CancelRejected out;
  out.cl_ord_id = reject.cl_ord_id;
  out.orig_cl_ord_id = reject.orig_cl_ord_id;
  out.session = index(reject.session);
  out.ord_status = static_cast<std::uint8_t>(reject.ord_status);
  out.response_to = reject.response_to;
  out.cxl_rej_reason = reject.reason;
  if (reject.order_id != 0) write_id(out.order_id, "O", reject.order_id);
  write_text(out.text, reject.text);
  return out;
}

rec::PositionsAnswered to_record(const VenueHoldings& holdings) noexcept {
  constexpr std::uint32_t kNoneFound = 2;  // PosReqResult, FIX tag 728
  rec::PositionsAnswered out;
  out.request = holdings.request;
  out.session = index(holdings.session);
  out.result = holdings.positions.empty() ? kNoneFound : 0;
  out.reports = static_cast<std::uint32_t>(holdings.positions.size());
  return out;
}

rec::VenuePosition to_record(const VenueHoldings& holdings,
                             const ClientPosition& position) noexcept {
  rec::VenuePosition out;
  out.request = holdings.request;
  out.session = index(holdings.session);
  out.instrument = index(position.instrument);
  out.long_qty = position.net_qty > 0 ? position.net_qty : 0;
  out.short_qty = position.net_qty < 0 ? -position.net_qty : 0;
  out.settl_px = position.last_px;
  return out;
}

}  // namespace pitwire
