#include "pitwire/engine/position_desk.hpp"

#include <algorithm>

namespace pitwire {
namespace {

bool refuses(std::uint32_t result, std::uint32_t status) noexcept {
  return status == kPositionsRejected || (result != kPositionsValid && result != kPositionsNone);
}

}  // namespace

std::uint64_t PositionDesk::ask(SessionId session) {
  rec::PositionsRequested record;
  record.request = orders_.new_cl_ord_id();
  record.session = index(session);
  emitter_.emit(record);
  if (!orders_.route(session).positions(record)) return 0;
  if (questions_.size() <= index(session)) questions_.resize(index(session) + 1);
  questions_[index(session)] = {};
  questions_[index(session)].request = record.request;
  return record.request;
}

PositionDesk::Question* PositionDesk::open(std::uint32_t session, std::uint64_t request) noexcept {
  if (session >= questions_.size() || request == 0) return nullptr;
  Question& question = questions_[session];
  return question.request == request ? &question : nullptr;
}

bool PositionDesk::acknowledged(SessionId session, const FixPositionsAck& ack) {
  Question* question = open(index(session), ack.request);
  if (question == nullptr) return false;
  question->acknowledged = true;
  question->result = ack.result;
  question->status = ack.status;
  question->text = ack.text;
  const bool none = ack.result == kPositionsNone || refuses(ack.result, ack.status);
  if (ack.reports >= 0 || none) question->expected = std::max<std::int64_t>(ack.reports, 0);
  conclude_if_whole(session);
  return true;
}

bool PositionDesk::reported(rec::VenuePosition record, std::int64_t reports,
                            std::string_view defects) {
  Question* question = open(record.session, record.request);
  if (question == nullptr) return false;
  ++question->received;
  if (reports >= 0) question->expected = reports;
  auto& mentioned = question->mentioned;
  const bool again = record.instrument != kNoId &&
                     std::ranges::find(mentioned, record.instrument) != mentioned.end();
  if (again) {
    record.flags |= kPositionUnreadable;
    record.long_qty = record.short_qty = 0;
    defects = "a second report of the instrument";
  } else if (record.instrument != kNoId) {
    mentioned.push_back(record.instrument);
  }
  say(record, defects);
  conclude_if_whole(SessionId{record.session});
  return true;
}

bool PositionDesk::refused(SessionId session, std::string_view text) {
  if (index(session) >= questions_.size() || questions_[index(session)].request == 0) return false;
  FixPositionsAck ack;
  ack.request = questions_[index(session)].request;
  ack.result = kPositionsOther;
  ack.status = kPositionsRejected;
  ack.text = text;
  return acknowledged(session, ack);
}

/// The record with ours beside it, and the event.
void PositionDesk::say(rec::VenuePosition record, std::string_view defects) {
  if (record.instrument != kNoId) {
    const SessionId session = orders_.copies().copied_by(SessionId{record.session});
    const InstrumentId instrument{record.instrument};
    const Interval possible = orders_.interval_at(session, instrument);
    record.net_qty = orders_.net_at(session, instrument);
    record.lowest_qty = possible.low;
    record.highest_qty = possible.high;
  }
  emitter_.emit(record);
  Event& event = emitter_.event(EventKind::VENUE_POSITION, kNoId, record.instrument);
  event.values = {record.session,
                  static_cast<std::int64_t>(record.request),
                  saturate(Int128{record.long_qty} - record.short_qty),
                  record.net_qty,
                  record.lowest_qty,
                  record.highest_qty,
                  record.flags,
                  record.settl_px,
                  static_cast<std::int64_t>(record.raw_sequence),
                  emitter_.now()};
  event.text = defects.empty() ? std::string(record.symbol.data()) : std::string(defects);
}

void PositionDesk::conclude_if_whole(SessionId session) {
  Question& asked = questions_[index(session)];
  if (!asked.acknowledged || asked.expected < 0 || asked.received < asked.expected) return;
  const Question question = std::exchange(asked, {});
  const auto instruments = orders_.positions().registry().size();
  for (std::uint32_t i = 0; i < instruments; ++i) {
    if (refuses(question.result, question.status)) break;
    if (std::ranges::find(question.mentioned, i) != question.mentioned.end()) continue;
    const SessionId held = orders_.copies().copied_by(session);
    if (orders_.interval_at(held, InstrumentId{i}) == Interval{}) continue;
    rec::VenuePosition record;
    record.request = question.request;
    record.raw_sequence = emitter_.cause();
    record.session = index(session);
    record.instrument = i;
    record.flags = kPositionNotMentioned;
    say(record, {});
  }
  rec::PositionsAnswered record;
  record.request = question.request;
  record.raw_sequence = emitter_.cause();
  record.session = index(session);
  record.result = question.result;
  record.status = question.status;
  record.reports = question.received;
  question.text.copy(record.text.data(), record.text.size() - 1);
  emitter_.emit(record);
  Event& event = emitter_.event(EventKind::POSITIONS_ANSWERED);
  event.values = {record.session, static_cast<std::int64_t>(record.request),
                  refuses(record.result, record.status), record.reports};
  event.text = question.text;
}

std::int64_t PositionDesk::price_of(InstrumentId instrument, std::int64_t settl_px) const {
  const MarketView market = orders_.market_view(instrument);
  if (market.bid_px != kNoPx && market.ask_px != kNoPx) {
    return market.bid_px + (market.ask_px - market.bid_px) / 2;
  }
  return market.last_px != kNoPx ? market.last_px : settl_px;
}

void PositionDesk::adjust(SessionId session, InstrumentId instrument, std::int64_t change,
                          std::int64_t px, std::uint64_t report) {
  rec::PositionAdjusted record;
  record.session = index(orders_.copies().copied_by(session));
  record.instrument = index(instrument);
  record.change = change;
  record.px = px;
  record.report = report;
  orders_.adjust(record);
}

// ------------------------------------------------------------------ checkpoints

void PositionDesk::save(ByteWriter& out) const {
  out.put(std::uint64_t{questions_.size()});
  for (const Question& question : questions_) {
    out.put(question.request);
    out.put(std::uint64_t{question.acknowledged});
    out.put(question.result);
    out.put(question.status);
    out.put(question.expected);
    out.put(std::uint64_t{question.received});
    out.put_bytes(std::as_bytes(std::span(question.mentioned)));
    out.put_bytes(std::as_bytes(std::span(question.text.data(), question.text.size())));
  }
}

bool PositionDesk::restore(ByteReader& in) {
  questions_.clear();
  for (auto left = in.get<std::uint64_t>(); left > 0 && in.ok(); --left) {
    Question& question = questions_.emplace_back();
    question.request = in.get<std::uint64_t>();
    question.acknowledged = in.get<std::uint64_t>() != 0;
    question.result = in.get<std::uint32_t>();
    question.status = in.get<std::uint32_t>();
    question.expected = in.get<std::int64_t>();
    question.received = static_cast<std::uint32_t>(in.get<std::uint64_t>());
    const auto mentioned = in.get_bytes();
    question.mentioned.resize(mentioned.size() / sizeof(std::uint32_t));
    if (!mentioned.empty())
      std::memcpy(question.mentioned.data(), mentioned.data(), mentioned.size());
    const auto text = in.get_bytes();
    question.text.assign(reinterpret_cast<const char*>(text.data()), text.size());
  }
  return in.ok();
}

}  // namespace pitwire
