// The edge's side of paper mode: venues inside the daemon (paper_venue.hpp).
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "pitwire/engine/edge.hpp"

namespace pitwire {
namespace {

/// ExecIDs of two runs on one log must differ, and a log never uses a sequence twice.
std::string prefix_at(Sequence sequence) {
  constexpr int kBase = 36;
  char text[16] = {'P'};
  const auto end = std::to_chars(text + 1, text + sizeof text - 1, sequence, kBase).ptr;
  *end = '-';
  return {text, end + 1};
}

}  // namespace

void Edge::add_venue(PaperVenueConfig config) {
  if (core_ == nullptr) throw std::logic_error("attach the core before its venues");
  if (venue_of(config.session) != nullptr) {
    throw std::invalid_argument("session " + std::to_string(index(config.session)) +
                                " has a venue already");
  }
  config.exec_id_prefix = prefix_at(journal_.log().last_sequence());
  venues_.push_back(std::make_unique<PaperVenue>(*core_, config));
  core_->set_market_tap(this);
}

PaperVenue* Edge::venue_of(SessionId session) noexcept {
  for (const auto& venue : venues_) {
    if (venue->session() == session) return venue.get();
  }
  return nullptr;
}

void Edge::poll_venues() {
  for (const auto& venue : venues_) {
    const bool up = venue->enabled() && !fenced();
    if (venue->connected() != up) {
      venue->set_connected(up);
      // All that was asked of it has arrived: nothing is ever written halfway.
      event(venue->session(), up ? ConnectionEvent::CONNECTED : ConnectionEvent::DISCONNECTED,
            up         ? "simulated venue"
            : fenced() ? "fenced"
                       : "disabled",
            journal_.log().last_sequence());
    }
    venue->poll(clock_.now(), *this);
  }
}

/// Every request to a simulated venue begins with its ClOrdID.
ClOrdId Edge::cl_ord_id_of(std::span<const std::byte> payload) noexcept {
  static_assert(offsetof(rec::OrderSubmitted, cl_ord_id) == 0 &&
                offsetof(rec::CancelRequested, cl_ord_id) == 0 &&
                offsetof(rec::ReplaceRequested, cl_ord_id) == 0);
  ClOrdId id = 0;
  std::memcpy(&id, payload.data(), sizeof id);
  return id;
}

/// A request that the venue is not to hear becomes NOT_SENT by an input of the next turn.
void Edge::withhold(SessionId session, Sequence sequence, RecordType type,
                    std::span<const std::byte> payload) {
  if (type == RecordType::STATUS_REQUESTED) return;  // no request of an order's own
  Outbound entry;
  entry.sequence = sequence;
  entry.request = cl_ord_id_of(payload);
  put(commands_, 0, [this, session, entry] { withheld(session, entry, WithheldReason::FENCED); });
}

void Edge::report(SessionId session, RecordType type, std::span<const std::byte> payload) {
  rec::VenueReport record;
  record.type = static_cast<std::uint32_t>(type);
  record.session = index(session);
  ++stats_.venue_reports;
  input(record, Origin::OURS, static_cast<std::uint16_t>(index(session)), payload);
}

void Edge::market_changed(InstrumentId instrument) {
  if (touch_) touch_->mark(instrument);
  for (const auto& venue : venues_) venue->market_changed(instrument);
}

void Edge::state_changed(InstrumentId instrument) {
  if (touch_) touch_->mark(instrument);
}

void Edge::traded(InstrumentId instrument, std::int64_t px, std::int64_t qty, Side aggressor) {
  for (const auto& venue : venues_) venue->traded(instrument, px, qty, aggressor);
}

}  // namespace pitwire
