#include "pitwire/exchange/fix_acceptor.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace pitwire {
namespace {

constexpr int kMessagesPerPoll = 256;
constexpr double kNanosPerHour = 3.6e12;
constexpr std::uint32_t kMassCancelOther = 99;  // MassCancelRejectReason (532)

ListenerConfig with_sessions(ListenerConfig listener,
                             const std::vector<FixSessionConfig>& sessions) {
  listener.sessions.clear();
  for (const auto& session : sessions) {
    listener.sessions.push_back(
        {session.id, session.begin_string, session.sender_comp_id, session.target_comp_id});
  }
  return listener;
}

/// Text and number: an id of ours as FIX shows it.
std::string numbered(std::string_view prefix, std::uint64_t number) {
  std::string out(prefix);
  out += std::to_string(number);
  return out;
}

/// The venue's id of an order; NONE where it never had one.
std::string order_id_text(std::uint64_t order_id) {
  return order_id == 0 ? std::string("NONE") : numbered("O", order_id);
}

VenueRequest order_of(const FixNewOrder& order, RequestKind kind) noexcept {
  VenueRequest request;
  request.kind = kind;
  request.session = order.session;
  request.cl_ord_id = order.cl_ord_id;
  request.instrument = order.instrument;
  request.side = order.side;
  request.ord_type = order.ord_type;
  request.time_in_force = order.time_in_force;
  request.post_only = (order.flags & static_cast<std::uint8_t>(OrderFlag::POST_ONLY)) != 0;
  request.poss_resend = order.poss_resend;
  request.price = order.price;
  request.stop_px = order.stop_px;
  request.order_qty = order.order_qty;
  request.display_qty = order.display_qty;
  request.peg_offset = order.peg_offset;
  request.peg_offset_type = order.peg_offset_type;
  request.expire_ts = order.expire_ts;
  return request;
}

}  // namespace

FixAcceptor::FixAcceptor(const FixAcceptorConfig& config, TradeJournal& journal,
                         ReportJournal& reports, Nanos now)
    : journal_(journal),
      report_journal_(reports),
      listener_(with_sessions(config.listener, config.sessions)),
      cancels_for_(config.cancels_for),
      copies_(config.copies),
      withheld_(config.sessions.size()),
      way_in_(config.latency_in, config.seed + 11),
      way_out_(config.latency_out, config.seed + 12),
      random_(config.seed + 13),
      rejects_per_million_(config.rejects_per_million),
      disconnects_per_hour_(config.disconnects_per_hour),
      exec_id_prefix_(config.exec_id_prefix),
      now_(now) {
  for (const auto& session : config.sessions) {
    if (index(session.id) >= copies_.size()) copies_.push_back(session.id);
  }
  FixSink& sink = *this;
  for (const auto& session : config.sessions) {
    auto& symbology = *symbologies_.emplace_back(std::make_unique<FixSymbology>());
    for (const auto& each : config.instruments.at(sessions_.size())) symbology.add(each);
    sessions_.push_back(std::make_unique<FixSession>(session, symbology, sink, now));
  }
  cancels_for_.resize(sessions_.size());
}

FixAcceptor::~FixAcceptor() = default;

FixSession* FixAcceptor::find(SessionId session) noexcept {
  return index(session) < sessions_.size() ? sessions_[index(session)].get() : nullptr;
}

const std::string& FixAcceptor::name(SessionId session) const noexcept {
  static const std::string kUnknown = "unknown session";
  return index(session) < sessions_.size() ? sessions_[index(session)]->config().target_comp_id
                                           : kUnknown;
}

// ---------------------------------------------------------------- driving

std::size_t FixAcceptor::poll(Nanos now) {
  now_ = now;
  auto done = static_cast<std::size_t>(listener_.poll(now, kMessagesPerPoll, *this));
  done +=
      way_in_.drain(now, [this](Nanos due, const VenueRequest& request) { arrive(due, request); });
  done += send_due(now);
  for (auto& session : sessions_) {
    if (session->next_deadline() <= now) session->time(now);
  }
  if (disconnects_per_hour_ > 0) misbehave(now);
  return done;
}

std::size_t FixAcceptor::send_due(Nanos now) {
  now_ = now;
  if (!journal_.flush()) note(2, "the record of trades could not be written");
  if (!report_journal_.flush()) note(2, "the record of reports could not be written");
  return way_out_.drain(now, [this](Nanos, const Report& report) {
    std::visit([this](const auto& made) { deliver(made); }, report);
  });
}

Nanos FixAcceptor::next_deadline() const noexcept {
  auto soonest = std::min({way_in_.next_due(), way_out_.next_due(), listener_.next_deadline()});
  for (const auto& session : sessions_) soonest = std::min(soonest, session->next_deadline());
  return soonest;
}

void FixAcceptor::arrive(Nanos due, const VenueRequest& request) {
  if (!request.entitled) {
    gateway_->refuse(due, request, VenueReject::NOT_ENTITLED);
  } else if (copies_[index(request.asker())] != request.asker() && refusable(request.kind)) {
    gateway_->refuse(due, request, VenueReject::UNSUPPORTED);
  } else if (refusable(request.kind) && random_.happens(rejects_per_million_)) {
    gateway_->refuse(due, request, VenueReject::RANDOM);
  } else {
    gateway_->handle(due, request);
  }
}

void FixAcceptor::misbehave(Nanos now) {
  const auto pause = [this] {
    return static_cast<Nanos>(2.0 * random_.unit() * kNanosPerHour / disconnects_per_hour_);
  };
  if (next_disconnect_ == 0) next_disconnect_ = now + pause();
  if (now < next_disconnect_) return;
  next_disconnect_ = now + pause();
  const auto session =
      static_cast<std::uint32_t>(random_.below(static_cast<std::int64_t>(sessions_.size())));
  if (listener_.connected(SessionId{session})) drop(SessionId{session}, "random disconnect");
}

void FixAcceptor::drop(SessionId session, const std::string& reason) {
  note(1, name(session) + ": dropped: " + reason);
  listener_.close(session, reason);
}

void FixAcceptor::logout(Nanos now, const std::string& reason) {
  now_ = now;
  listener_.stop_accepting();
  for (auto& session : sessions_) session->logout(now, reason);
}

bool FixAcceptor::anyone_connected() const noexcept {
  return std::any_of(sessions_.begin(), sessions_.end(), [this](const auto& session) {
    return listener_.connected(session->config().id);
  });
}

void FixAcceptor::note(std::uint32_t severity, std::string text) {
  if (notes_.size() < kNotesMax) {
    notes_.push_back({severity, std::move(text)});
  } else {
    ++notes_lost_;
  }
}

std::vector<ExchangeNote> FixAcceptor::take_notes() {
  if (notes_lost_ > 0) {
    notes_.push_back({1, numbered("notes left out: ", std::exchange(notes_lost_, 0))});
  }
  return std::exchange(notes_, {});
}

// ---------------------------------------------------------------- reports out

void FixAcceptor::execution(const VenueReport& report) {
  journal_.record(report);
  report_journal_.record(report);
  way_out_.push(report.transact_time, report);
}

void FixAcceptor::cancel_rejected(const VenueCancelReject& reject) {
  way_out_.push(reject.transact_time, reject);
}

void FixAcceptor::mass_cancel_done(const VenueMassCancelReport& report) {
  way_out_.push(now_, report);
}

void FixAcceptor::positions(const VenueHoldings& holdings) { way_out_.push(now_, holdings); }

void FixAcceptor::deliver(const VenueReport& report) {
  for (std::uint32_t at = 0; at < copies_.size(); ++at) {
    if (copies_[at] != report.session) continue;
    const bool trade = report.last_qty != 0;
    if (trade && withheld_[at] > 0) {
      --withheld_[at];
      note(1, name(SessionId{at}) + ": a trade is not told");
      continue;
    }
    deliver_to(SessionId{at}, report);
  }
}

void FixAcceptor::deliver_to(SessionId to, const VenueReport& report) {
  const auto exec_id = numbered(exec_id_prefix_, report.exec_id);
  const auto order_id = order_id_text(report.order_id);
  FixExecution out;
  out.cl_ord_id = report.cl_ord_id;
  out.orig_cl_ord_id = report.orig_cl_ord_id;
  out.instrument = report.instrument;
  out.side = report.side;
  out.ord_type = report.ord_type;
  out.time_in_force = report.time_in_force;
  out.exec_type = report.exec_type;
  out.ord_status = report.ord_status;
  out.price = report.price;
  out.stop_px = report.stop_px;
  out.order_qty = report.order_qty;
  out.last_px = report.last_px;
  out.last_qty = report.last_qty;
  out.leaves_qty = report.leaves_qty;
  out.cum_qty = report.cum_qty;
  out.cum_notional = report.cum_notional;
  const bool charged =
      report.exec_type == ExecType::TRADE || report.exec_type == ExecType::TRADE_CORRECT;
  out.fee = charged ? report.fee : kNoFee;
  out.reject_reason = report.reject_reason;
  out.aggressor = report.aggressor;
  out.transact_time = report.transact_time;
  out.order_id = order_id;
  out.exec_id = exec_id;
  const auto exec_ref = numbered(exec_id_prefix_, report.exec_ref);
  if (report.exec_ref != 0) out.exec_ref_id = exec_ref;
  out.text = report.text;
  out.mass_status = {report.mass_request, report.mass_reports, report.mass_last};
  auto* session = find(to);
  if (session == nullptr || !session->send_execution(now_, out)) {
    note(2, name(to) + ": report " + exec_id + " could not be sent");
  }
  ++reports_;
}

void FixAcceptor::deliver(const VenueCancelReject& reject) {
  const auto order_id = order_id_text(reject.order_id);
  FixCancelReject out;
  out.cl_ord_id = reject.cl_ord_id;
  out.orig_cl_ord_id = reject.orig_cl_ord_id;
  out.ord_status = reject.ord_status;
  out.response_to = reject.response_to;
  out.reason = reject.reason;
  out.order_id = order_id;
  out.text = reject.text;
  auto* session = find(reject.session);
  if (session == nullptr || !session->send_cancel_reject(now_, out)) {
    note(2, name(reject.session) + ": a cancel reject could not be sent");
  }
  ++reports_;
}

void FixAcceptor::deliver(const VenueMassCancelReport& report) {
  FixMassCancelReport out;
  out.cl_ord_id = report.cl_ord_id;
  out.instrument = InstrumentId{report.instrument};
  out.accepted = report.accepted;
  out.affected = report.affected;
  out.reject_reason = kMassCancelOther;
  out.text = report.text;
  auto* session = find(report.session);
  if (session == nullptr || !session->send_mass_cancel_report(now_, out)) {
    note(2, name(report.session) + ": a mass cancel report could not be sent");
  }
  ++reports_;
}

void FixAcceptor::deliver(const VenueHoldings& holdings) {
  auto* session = find(holdings.session);
  FixPositionsAck ack;
  ack.request = holdings.request;
  ack.reports = static_cast<std::int64_t>(holdings.positions.size());
  ack.result = holdings.positions.empty() ? kPositionsNone : kPositionsValid;
  bool sent = session != nullptr && session->send_positions_ack(now_, ack);
  FixPosition out;
  out.request = holdings.request;
  out.reports = ack.reports;
  for (const auto& position : holdings.positions) {
    ++out.number;
    out.instrument = position.instrument;
    out.long_qty = std::max<std::int64_t>(position.net_qty, 0);
    out.short_qty = std::max<std::int64_t>(-position.net_qty, 0);
    out.settl_px = position.last_px;
    sent = sent && session->send_position(now_, out);
  }
  if (!sent) note(2, name(holdings.session) + ": positions could not be sent");
  ++reports_;
}

// ---------------------------------------------------------------- the session's side

void FixAcceptor::tx(SessionId session, std::string_view message, std::uint64_t, ClOrdId, bool,
                     bool) {
  // A message that the connection cannot take is not lost: the session keeps it for a resend.
  if (listener_.connected(session) && !listener_.write(session, ++out_, message)) {
    note(1, name(session) + ": connection does not take more, dropped");
    listener_.close(session, "outbound buffer is full");
  }
}

void FixAcceptor::logged_on(SessionId session) { note(0, name(session) + ": logged on"); }

void FixAcceptor::logged_out(SessionId session, std::string_view reason) {
  note(0, name(session) + ": logged out: " + std::string(reason));
}

void FixAcceptor::disconnect(SessionId session, std::string_view reason) {
  listener_.close(session, reason);
}

void FixAcceptor::event(SessionId session, std::uint32_t severity, std::string_view text) {
  note(severity, name(session) + ": " + std::string(text));
}

void FixAcceptor::session_rejected(const FixReject& reject) {
  note(2, name(reject.session) + ": rejected our message " + std::to_string(reject.ref_seq_num) +
              ": " + std::string(reject.text));
}

void FixAcceptor::take(const VenueRequest& request) {
  ++requests_;
  way_in_.push(now_, request);
}

VenueRequest FixAcceptor::request_of(RequestKind kind, SessionId from,
                                     std::string_view on_behalf_of, ClOrdId cl_ord_id) const {
  VenueRequest request;
  request.kind = kind;
  request.session = from;
  request.cl_ord_id = cl_ord_id;
  if (on_behalf_of.empty() || on_behalf_of == name(from)) return request;
  const auto owner = std::find_if(sessions_.begin(), sessions_.end(), [&](const auto& session) {
    return session->config().target_comp_id == on_behalf_of;
  });
  const auto& allowed = cancels_for_[index(from)];
  request.entitled = owner != sessions_.end() &&
                     std::find(allowed.begin(), allowed.end(), on_behalf_of) != allowed.end();
  if (!request.entitled) return request;
  request.session = (*owner)->config().id;
  request.requester = from;
  return request;
}

void FixAcceptor::new_order(const FixNewOrder& order) { take(order_of(order, RequestKind::NEW)); }

void FixAcceptor::replace(const FixReplace& replace) {
  auto request = order_of(replace.order, RequestKind::REPLACE);
  request.orig_cl_ord_id = replace.orig_cl_ord_id;
  take(request);
}

void FixAcceptor::cancel(const FixCancel& cancel) {
  auto request =
      request_of(RequestKind::CANCEL, cancel.session, cancel.on_behalf_of, cancel.cl_ord_id);
  request.orig_cl_ord_id = cancel.orig_cl_ord_id;
  request.instrument = cancel.instrument;
  request.side = cancel.side;
  take(request);
}

void FixAcceptor::status_request(const FixStatusRequest& asked) {
  auto request =
      request_of(RequestKind::STATUS, asked.session, asked.on_behalf_of, asked.cl_ord_id);
  request.instrument = asked.instrument;
  request.side = asked.side;
  take(request);
}

void FixAcceptor::mass_cancel(const FixMassCancel& cancel) {
  auto request =
      request_of(RequestKind::MASS_CANCEL, cancel.session, cancel.on_behalf_of, cancel.cl_ord_id);
  request.instrument = cancel.instrument;
  take(request);
}

void FixAcceptor::mass_status_request(const FixMassStatusRequest& asked) {
  take(request_of(RequestKind::MASS_STATUS, asked.session, asked.on_behalf_of, asked.request));
}

void FixAcceptor::positions_request(const FixPositionsRequest& asked) {
  auto request = request_of(RequestKind::POSITIONS, asked.session, {}, asked.request);
  request.of_session = copies_[index(asked.session)];
  request.instrument = asked.instrument;
  take(request);
}

// ---------------------------------------------------------------- the connection's side

void FixAcceptor::message(SessionId session, Nanos, std::string_view message) {
  if (auto* known = find(session)) known->received(now_, ++raw_, message);
}

void FixAcceptor::event(SessionId session, ConnectionEvent event, std::string_view reason,
                        Sequence) {
  auto* known = find(session);
  switch (event) {
    case ConnectionEvent::CONNECTED:
      if (known != nullptr) known->connected(now_);
      break;
    case ConnectionEvent::GARBLED:
      note(1, name(session) + ": garbled bytes skipped: " + std::string(reason));
      break;
    default:
      note(1, name(session) + ": connection ended: " + std::string(reason));
      if (known != nullptr) lost(session);
  }
}

void FixAcceptor::lost(SessionId session) {
  auto& known = *sessions_[index(session)];
  const bool cancels = known.cancels_on_disconnect();
  known.disconnected(now_);
  if (cancels) gateway_->cancel_all(now_, session);
}

}  // namespace pitwire
