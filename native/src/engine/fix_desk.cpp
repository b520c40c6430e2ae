#include "pitwire/engine/fix_desk.hpp"

#include <algorithm>
#include <limits>

namespace pitwire {
namespace {

// Bits of FIX_TX's flags.
constexpr std::uint32_t kFixTxAdmin = 1;
constexpr std::uint32_t kFixTxPossDup = 2;

/// Of a trade whose quantity could not be read: the event says so by it.
constexpr std::int64_t kUnreadableQty = -1;

bool is_trade(const rec::Execution& report) noexcept {
  const OrderEvent event = classify(report);
  return event == OrderEvent::FILL || event == OrderEvent::BUST || event == OrderEvent::CORRECT;
}

}  // namespace

/// A session as the order desk's way out.
class FixDesk::Route final : public OrderRoute {
 public:
  Route(FixDesk& desk, SessionId session) : desk_(desk), session_(session) {}

  bool order(const rec::OrderSubmitted& record, const rec::OrderInstructions* more) override {
    return logged_on() && desk_.session_at(session_).send_order(desk_.emitter_.now(), record, more);
  }
  bool cancel(const rec::CancelRequested& record, std::int64_t order_qty) override {
    return logged_on() &&
           desk_.session_at(session_).send_cancel(desk_.emitter_.now(), record, order_qty);
  }
  bool replace(const rec::ReplaceRequested& record, const rec::OrderInstructions* more) override {
    return logged_on() &&
           desk_.session_at(session_).send_replace(desk_.emitter_.now(), record, more);
  }
  bool status(const rec::StatusRequested& record) override {
    return logged_on() && desk_.session_at(session_).send_status(desk_.emitter_.now(), record);
  }
  bool mass_cancel(const rec::MassCancelRequested& record) override {
    return logged_on() && desk_.session_at(session_).send_mass_cancel(desk_.emitter_.now(), record);
  }
  bool positions(const rec::PositionsRequested& record) override {
    return logged_on() &&
           desk_.session_at(session_).send_positions_request(desk_.emitter_.now(), record);
  }
  void rehearse(const rec::OrderSubmitted& record) override {
    if (logged_on()) desk_.session_at(session_).rehearse_order(desk_.emitter_.now(), record);
  }
  [[nodiscard]] bool logged_on() const override {
    const auto& session = desk_.entries_[index(session_)].session;
    return session && session->logged_on();
  }

 private:
  FixDesk& desk_;
  SessionId session_;
};

FixDesk::FixDesk(Emitter& emitter, OrderDesk& orders, PositionDesk& positions)
    : emitter_(emitter), orders_(orders), positions_(positions) {}
FixDesk::~FixDesk() = default;

OrderRoute& FixDesk::define(const FixSessionConfig& config,
                            std::unique_ptr<FixSymbology> symbology) {
  const auto at = index(config.id);
  if (entries_.size() <= at) entries_.resize(at + 1);
  entries_[at].config = config;
  entries_[at].symbology = std::move(symbology);
  entries_[at].route = std::make_unique<Route>(*this, config.id);
  return *entries_[at].route;
}

bool FixDesk::is_fix(SessionId session) const noexcept {
  return index(session) < entries_.size() && entries_[index(session)].route != nullptr;
}

FixSession& FixDesk::session_at(SessionId session) {
  Entry& entry = entries_[index(session)];
  if (!entry.session) {
    entry.session = std::make_unique<FixSession>(entry.config, *entry.symbology, *this,
                                                 emitter_.now(), entry.restored);
  }
  return *entry.session;
}

// ------------------------------------------------------------------ inputs

void FixDesk::received(SessionId session, Sequence raw, std::string_view message) {
  session_at(session).received(emitter_.now(), raw, message);
}

void FixDesk::connection(SessionId session, const rec::FixConnection& record,
                         std::string_view reason) {
  switch (static_cast<ConnectionEvent>(record.event)) {
    case ConnectionEvent::CONNECTED:
      session_at(session).connected(emitter_.now());
      return;
    case ConnectionEvent::DISCONNECTED:
      session_at(session).disconnected(emitter_.now(), reason);
      orders_.on_connection_lost(session, record.last_written);
      return;
    case ConnectionEvent::TLS_FAILED:
      event(session, 2, "TLS: " + std::string(reason));
      return;
    case ConnectionEvent::REFUSED:
    case ConnectionEvent::GARBLED:
      event(session, 1, reason);
      return;
  }
}

void FixDesk::time() {
  for (Entry& entry : entries_) {
    if (entry.session) entry.session->time(emitter_.now());
  }
}

void FixDesk::logon(SessionId session) { session_at(session).logon(emitter_.now()); }

void FixDesk::logout(SessionId session, std::string_view reason) {
  session_at(session).logout(emitter_.now(), reason);
}

bool FixDesk::set_next_numbers(SessionId session, std::uint64_t sender, std::uint64_t target) {
  return session_at(session).set_next_numbers(emitter_.now(), sender, target);
}

bool FixDesk::reset_numbers(SessionId session) {
  return session_at(session).reset_numbers(emitter_.now());
}

FixActivity FixDesk::activity(SessionId session) const {
  const Entry& entry = entries_[index(session)];
  return entry.session ? entry.session->activity() : FixActivity{};
}

FixSessionState FixDesk::state(SessionId session) const {
  const Entry& entry = entries_[index(session)];
  if (entry.session) return entry.session->state();
  FixSessionState state;
  state.next_sender = entry.restored.next_sender;
  state.next_target = entry.restored.next_target;
  state.creation_ts = entry.restored.creation_ts;
  return state;
}

Nanos FixDesk::next_deadline() const noexcept {
  Nanos earliest = std::numeric_limits<Nanos>::max();
  for (const Entry& entry : entries_) {
    if (entry.session) earliest = std::min(earliest, entry.session->next_deadline());
  }
  return earliest;
}

// ------------------------------------------------------------------ consequences

void FixDesk::tx(SessionId session, std::string_view message, std::uint64_t msg_seq_num,
                 ClOrdId cl_ord_id, bool admin, bool poss_dup) {
  rec::FixTx record;
  record.msg_seq_num = msg_seq_num;
  record.order = cl_ord_id;
  record.size_bytes = static_cast<std::uint32_t>(message.size());
  record.flags = (admin ? kFixTxAdmin : 0U) | (poss_dup ? kFixTxPossDup : 0U);
  const auto source = static_cast<std::uint16_t>(index(session));
  const Sequence sequence = emitter_.emit(record, source, text_bytes(message));
  orders_.on_sent(session, sequence, cl_ord_id);
  emitter_.egress().fix_tx(session, sequence, cl_ord_id, message);
}

void FixDesk::state(SessionId session, const FixSessionState& state) {
  rec::FixState record;
  record.next_sender_msg_seq_num = state.next_sender;
  record.next_target_msg_seq_num = state.next_target;
  record.creation_ts = state.creation_ts;
  record.logged_on = state.logged_on ? 1 : 0;
  record.connected = state.connected ? 1 : 0;
  emitter_.emit(record, static_cast<std::uint16_t>(index(session)));
}

void FixDesk::tell(SessionId session, bool connected, bool logged_on) {
  emitter_.event(EventKind::SESSION).values = {index(session), connected, logged_on,
                                               emitter_.now()};
}

void FixDesk::logged_on(SessionId session) { tell(session, true, true); }

void FixDesk::logged_out(SessionId session, std::string_view reason) {
  event(session, 0, reason);
  tell(session, false, false);
}

void FixDesk::disconnect(SessionId session, std::string_view reason) {
  emitter_.egress().disconnect(session, reason);
}

void FixDesk::event(SessionId session, std::uint32_t severity, std::string_view text) {
  rec::FixEvent record;
  record.size_bytes = static_cast<std::uint32_t>(text.size());
  record.severity = severity;
  emitter_.emit(record, static_cast<std::uint16_t>(index(session)), text_bytes(text));
  Event& told = emitter_.event(EventKind::CONNECTION);
  told.values = {index(session), severity, emitter_.now()};
  told.text = std::string(text);
}

void FixDesk::execution(const rec::Execution& record) {
  if (orders_.copies().is_line(SessionId{record.session})) return orders_.on_copy(record);
  orders_.on_execution(record);
}

void FixDesk::unreadable_execution(const rec::Execution& salvaged, std::string_view defects) {
  event(SessionId{salvaged.session}, 2, defects);
  if (orders_.copies().is_line(SessionId{salvaged.session})) return;  // nothing would be booked
  Event& unmatched = emitter_.event(EventKind::EXECUTION_UNMATCHED, kNoId, salvaged.instrument);
  const bool trade = salvaged.last_qty == 0 && is_trade(salvaged);
  unmatched.values = {salvaged.session, static_cast<std::int64_t>(salvaged.cl_ord_id),
                      trade ? kUnreadableQty : salvaged.last_qty};
  unmatched.text = std::string(defects);
}

void FixDesk::cancel_rejected(const rec::CancelRejected& record) {
  if (!orders_.copies().is_line(SessionId{record.session})) orders_.on_cancel_rejected(record);
}

void FixDesk::business_rejected(const FixReject& reject) { session_rejected(reject); }

void FixDesk::session_rejected(const FixReject& reject) {
  event(reject.session, 2,
        "message " + std::to_string(reject.ref_seq_num) + " rejected: " + std::string(reject.text));
  if (reject.ref_msg_type == "AN") {
    positions_.refused(reject.session, reject.text);
  } else if (reject.ref_msg_type == "AF") {
    mass_status(reject.session, {reject.cl_ord_id, 0, false});
  } else if (reject.cl_ord_id != 0 && reject.ref_msg_type != "H") {  // H: the order's, not its own
    orders_.on_request_rejected(reject.session, reject.cl_ord_id, reject.text);
  }
}

void FixDesk::mass_cancel_report(SessionId session, const FixMassCancelReport& report) {
  if (report.accepted) {
    return event(session, 0, "mass cancel taken: " + std::to_string(report.affected) + " orders");
  }
  event(session, 2,
        "mass cancel refused, reason " + std::to_string(report.reject_reason) + ": " +
            std::string(report.text));
}

void FixDesk::mass_status(SessionId session, const FixMassStatus& answer) {
  emitter_.event(EventKind::MASS_STATUS).values = {index(session),
                                                   static_cast<std::int64_t>(answer.request),
                                                   answer.reports, answer.last, emitter_.now()};
}

void FixDesk::log_shorter(SessionId session, std::uint64_t our_next, std::uint64_t venue_next) {
  std::optional<rec::LogShorter>& lost = entries_[index(session)].lost;
  rec::LogShorter record;
  record.our_next = lost ? lost->our_next : our_next;  // what was lost before is so still
  record.venue_next = venue_next;
  emitter_.emit(record, static_cast<std::uint16_t>(index(session)));
  lost = record;
  emitter_.event(EventKind::LOG_SHORTER).values = {
      index(session), static_cast<std::int64_t>(record.our_next),
      static_cast<std::int64_t>(record.venue_next), emitter_.now()};
}

void FixDesk::positions_ack(SessionId session, Sequence, const FixPositionsAck& ack) {
  if (!positions_.acknowledged(session, ack)) {
    event(session, 1, "an acknowledgement of no question for positions that is open");
  }
}

void FixDesk::venue_position(const rec::VenuePosition& record, std::int64_t reports,
                             std::string_view defects) {
  if (!positions_.reported(record, reports, defects)) {
    event(SessionId{record.session}, 1, "a position report that answers no open question");
  }
}

// ------------------------------------------------------------------ recovery, checkpoints

std::optional<rec::LogShorter> FixDesk::lost(SessionId session) const {
  return index(session) < entries_.size() ? entries_[index(session)].lost : std::nullopt;
}

void FixDesk::accept(SessionId session) noexcept {
  if (index(session) < entries_.size()) entries_[index(session)].lost.reset();
}

void FixDesk::apply_fact(const Frame& frame) {
  const auto* reconciled = frame.as<rec::Reconciliation>();
  if (reconciled != nullptr && reconciled->accepted != 0) accept(SessionId{reconciled->session});
  if (frame.header->source >= entries_.size()) return;
  if (const auto* shorter = frame.as<rec::LogShorter>()) {
    entries_[frame.header->source].lost = *shorter;
  }
  const auto* state = frame.as<rec::FixState>();
  const auto* tx = frame.as<rec::FixTx>();
  if (state == nullptr && tx == nullptr) return;
  Entry& entry = entries_[frame.header->source];
  // What replay led to is where the facts go on from.
  if (entry.session) entry.restored = entry.session->snapshot();
  entry.session.reset();
  FixRestored& restored = entry.restored;
  if (state != nullptr) {
    restored.next_sender = state->next_sender_msg_seq_num;
    restored.next_target = state->next_target_msg_seq_num;
    restored.creation_ts = state->creation_ts;
  } else if ((tx->flags & kFixTxPossDup) == 0) {
    // It may have left, whether its FIX_STATE was logged or not: its number is used up.
    restored.next_sender = std::max(restored.next_sender, tx->msg_seq_num + 1);
  }
}

void FixDesk::after_recovery() {
  for (Entry& entry : entries_) {
    if (entry.session) entry.restored = entry.session->snapshot();
    entry.restored.logged_on = false;
    entry.restored.enabled = true;  // who was told to stay out was the process before
    entry.session.reset();
  }
}

bool FixDesk::settled() const noexcept {
  return std::ranges::all_of(
      entries_, [](const Entry& entry) { return !entry.session || entry.session->settled(); });
}

void FixDesk::save(ByteWriter& out) const {
  out.put(static_cast<std::uint64_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    const FixRestored now = entry.session ? entry.session->snapshot() : entry.restored;
    out.put(now.next_sender);
    out.put(now.next_target);
    out.put(now.creation_ts);
    out.put(static_cast<std::uint64_t>(now.logged_on));
    out.put(static_cast<std::uint64_t>(now.enabled));
    out.put(static_cast<std::int64_t>(now.heart_bt_int_seconds));
    out.put(now.last_sent_ts);
    out.put(now.last_received_ts);
    out.put(now.first_application);
    out.put(static_cast<std::uint64_t>(entry.session != nullptr));
    out.put(entry.lost.value_or(rec::LogShorter{}));
  }
}

FixDesk::Saved FixDesk::read(ByteReader& in) {
  Saved saved;
  FixRestored& restored = saved.restored;
  restored.next_sender = in.get<std::uint64_t>();
  restored.next_target = in.get<std::uint64_t>();
  restored.creation_ts = in.get<Nanos>();
  restored.logged_on = in.get<std::uint64_t>() != 0;
  restored.enabled = in.get<std::uint64_t>() != 0;
  restored.heart_bt_int_seconds = static_cast<int>(in.get<std::int64_t>());
  restored.last_sent_ts = in.get<Nanos>();
  restored.last_received_ts = in.get<Nanos>();
  restored.first_application = in.get<std::uint64_t>();
  saved.constructed = in.get<std::uint64_t>() != 0;
  const auto lost = in.get<rec::LogShorter>();
  if (lost.venue_next != 0) saved.lost = lost;
  return saved;
}

bool FixDesk::restore(ByteReader& in) {
  if (in.get<std::uint64_t>() != entries_.size()) return false;
  for (Entry& entry : entries_) {
    const Saved saved = read(in);
    entry.restored = saved.restored;
    entry.lost = saved.lost;
    entry.session.reset();
    if (saved.constructed && entry.route) (void)session_at(entry.config.id);
  }
  return in.ok();
}

bool FixDesk::restore_facts(ByteReader& in) {
  const auto sessions = in.get<std::uint64_t>();
  for (std::uint64_t at = 0; at < sessions && in.ok(); ++at) {
    const Saved saved = read(in);
    if (at >= entries_.size()) continue;
    FixRestored& restored = entries_[at].restored;
    restored.next_sender = saved.restored.next_sender;
    restored.next_target = saved.restored.next_target;
    restored.creation_ts = saved.restored.creation_ts;
    entries_[at].lost = saved.lost;
  }
  return in.ok();
}

}  // namespace pitwire
