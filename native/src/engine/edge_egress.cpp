// The edge's way out: FIX messages to their connections, and what a request's way cost.
#include "pitwire/engine/edge.hpp"

namespace pitwire {
namespace {

/// MsgType is a FIX message's third field.
std::string_view msg_type_of(std::string_view message) {
  const std::size_t second = message.find('\x01') + 1;
  const std::size_t third = message.find('\x01', second) + 1;
  const std::size_t end = message.find('\x01', third);
  return message.substr(third + 3, end - third - 3);
}

OrderAction action_of(std::string_view msg_type) {
  if (msg_type == "D") return OrderAction::SUBMIT;
  if (msg_type == "G") return OrderAction::REPLACE;
  return msg_type == "F" ? OrderAction::CANCEL : OrderAction::UNKNOWN;
}

OrderAction action_of(RecordType type) {
  if (type == RecordType::ORDER_SUBMITTED) return OrderAction::SUBMIT;
  if (type == RecordType::REPLACE_REQUESTED) return OrderAction::REPLACE;
  return type == RecordType::CANCEL_REQUESTED ? OrderAction::CANCEL : OrderAction::UNKNOWN;
}

}  // namespace

Outbound Edge::outbound(SessionId session, Sequence sequence, ClOrdId cl_ord_id,
                        OrderAction action) const {
  const Awaits awaits = by_session_[index(session)].awaits;
  return {sequence, cl_ord_id, action == OrderAction::SUBMIT || action == OrderAction::REPLACE,
          awaits == Awaits::ALL || (awaits == Awaits::ORDERS && cl_ord_id != 0)};
}

void Edge::fix_tx(SessionId session, Sequence sequence, ClOrdId cl_ord_id,
                  std::string_view message) {
  const Nanos logged = clock_.now();
  if (!has_connection(session)) {
    ++stats_.fix_refused;
    return;
  }
  FixPort& connection = *by_session_[index(session)].connection;
  const OrderAction action = action_of(msg_type_of(message));
  const Outbound entry = outbound(session, sequence, cl_ord_id, action);
  if (!connection.write(entry, message)) {
    ++stats_.fix_refused;
    // Its number is used up: what came behind it would be a gap at the venue.
    connection.close("an entry was not taken");
    return;
  }
  if (entry.awaited) {
    durable_.watch.awaits(sequence);
    journal_.log().want_durable(sequence);
  }
  if (cl_ord_id == 0 || action == OrderAction::UNKNOWN) return;
  const Nanos now = clock_.now();
  observe(ledger_.logged(action, cl_ord_id, last_received_, logged));
  if (connection.last_written() >= sequence) {
    ledger_.sent(cl_ord_id, now);
  } else {
    ledger_.waits(session, sequence, cl_ord_id);
  }
}

void Edge::disconnect(SessionId session, std::string_view reason) {
  if (has_connection(session)) by_session_[index(session)].connection->close(reason);
}

void Edge::venue_tx(SessionId session, Sequence sequence, RecordType type,
                    std::span<const std::byte> payload) {
  if (fenced()) return withhold(session, sequence, type, payload);
  PaperVenue* venue = venue_of(session);
  const Nanos logged = clock_.now();
  if (venue == nullptr || !venue->request(logged, type, payload)) {
    ++stats_.venue_refused;
    return;
  }
  const OrderAction action = action_of(type);
  if (action == OrderAction::UNKNOWN) return;
  const ClOrdId cl_ord_id = cl_ord_id_of(payload);
  observe(ledger_.logged(action, cl_ord_id, last_received_, logged));
  ledger_.sent(cl_ord_id, clock_.now());
}

// ------------------------------------------------------------------ the latency ledger

void Edge::reached(OrderStage stage) noexcept { ledger_.reached(stage, clock_.now()); }

void Edge::acknowledged(ClOrdId cl_ord_id) noexcept {
  observe(ledger_.acknowledged(cl_ord_id, last_received_));
}

void Edge::observe(const LatencyLedger::Answer& complete) noexcept {
  if (!complete) return;
  journal_.observe(core_->now(),
                   {rec::OrderLatency::kType, Origin::NONE, 0, record_bytes(*complete), {}});
}

void Edge::log_unanswered() {
  ledger_.give_up_all([this](const rec::OrderLatency& record) { observe(record); });
}

}  // namespace pitwire
