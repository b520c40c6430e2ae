// The public face: builds what is to be sent, and hands over.
#include "pitwire/fix/session.hpp"

#include "session_impl.hpp"

namespace pitwire {

FixSession::FixSession(const FixSessionConfig& config, const FixSymbology& symbology, FixSink& sink,
                       Nanos now, const FixRestored& restored)
    : impl_(std::make_unique<Impl>(config, symbology, sink, now, restored)) {}
FixSession::~FixSession() = default;

void FixSession::connected(Nanos now) { impl_->connected(now); }
void FixSession::disconnected(Nanos now, std::string_view reason) {
  impl_->disconnected(now, reason);
}
void FixSession::received(Nanos now, Sequence raw, std::string_view message) {
  impl_->received(now, raw, message);
}
void FixSession::time(Nanos now) { impl_->time(now); }
void FixSession::logon(Nanos now) { impl_->logon(now); }
void FixSession::logout(Nanos now, std::string_view reason) { impl_->logout(now, reason); }
bool FixSession::set_next_numbers(Nanos now, std::uint64_t next_sender, std::uint64_t next_target) {
  return impl_->set_next_numbers(now, next_sender, next_target);
}

bool FixSession::reset_numbers(Nanos now) { return impl_->reset_numbers(now); }

bool FixSession::logged_on() const noexcept { return impl_->logged_on(); }
bool FixSession::connected() const noexcept { return impl_->connected(); }
FixSessionState FixSession::state() const noexcept { return impl_->state(); }
Nanos FixSession::next_deadline() const noexcept { return impl_->next_deadline(); }
bool FixSession::settled() const noexcept { return impl_->settled(); }
FixRestored FixSession::snapshot() const { return impl_->snapshot(); }
const FixTraffic& FixSession::traffic() const noexcept { return impl_->traffic(); }
FixActivity FixSession::activity() const noexcept { return impl_->activity(); }
const FixSessionConfig& FixSession::config() const noexcept { return impl_->config(); }
bool FixSession::supports_mass_requests() const noexcept {
  return impl_->config().begin_string != "FIX.4.2";
}

bool FixSession::cancels_on_disconnect() const noexcept { return impl_->cancels_on_disconnect(); }

bool FixSession::supports_positions() const noexcept {
  return impl_->config().begin_string != "FIX.4.2";
}

bool FixSession::send_order(Nanos now, const rec::OrderSubmitted& order,
                            const rec::OrderInstructions* more) {
  return logged_on() && impl_->send_body(now, impl_->orders().order(now, order, more));
}

void FixSession::rehearse_order(Nanos now, const rec::OrderSubmitted& order) {
  if (const FixBody* body = impl_->orders().order(now, order); body != nullptr) {
    impl_->rehearse_body(*body);
  }
}

bool FixSession::send_cancel(Nanos now, const rec::CancelRequested& request,
                             std::int64_t order_qty) {
  return logged_on() && impl_->send_body(now, impl_->orders().cancel(now, request, order_qty));
}

bool FixSession::send_replace(Nanos now, const rec::ReplaceRequested& request,
                              const rec::OrderInstructions* more) {
  return logged_on() && impl_->send_body(now, impl_->orders().replace(now, request, more));
}

bool FixSession::send_status(Nanos now, const rec::StatusRequested& request) {
  const bool all = request.instrument == kNoId;
  if (!logged_on() || (all && !supports_mass_requests())) return false;
  Encoder::Built message = impl_->encoder().status(request);
  return message && impl_->send_application(now, *message);
}

bool FixSession::send_mass_cancel(Nanos now, const rec::MassCancelRequested& request) {
  if (!logged_on() || !supports_mass_requests()) return false;
  Encoder::Built message = impl_->encoder().mass_cancel(now, request);
  return message && impl_->send_application(now, *message);
}

bool FixSession::send_positions_request(Nanos now, const rec::PositionsRequested& request) {
  if (!logged_on() || !supports_positions()) return false;
  FIX::Message message = impl_->encoder().positions_request(now, request.request);
  return impl_->send_application(now, message);
}

bool FixSession::send_positions_ack(Nanos now, const FixPositionsAck& ack) {
  FIX::Message message = impl_->encoder().positions_ack(ack);
  return impl_->send_report(now, message);
}

bool FixSession::send_position(Nanos now, const FixPosition& position) {
  Encoder::Built message = impl_->encoder().position(now, position);
  return message && impl_->send_report(now, *message);
}

bool FixSession::send_execution(Nanos now, const FixExecution& execution) {
  return impl_->send_body(now, impl_->orders().execution(now, execution));
}

bool FixSession::send_cancel_reject(Nanos now, const FixCancelReject& reject) {
  FIX::Message message = impl_->encoder().cancel_reject(reject);
  return impl_->send_report(now, message);
}

bool FixSession::send_mass_cancel_report(Nanos now, const FixMassCancelReport& report) {
  Encoder::Built message = impl_->encoder().mass_cancel_report(report);
  return message && impl_->send_report(now, *message);
}

bool FixSession::send_business_reject(Nanos now, std::uint64_t ref_seq_num,
                                      std::string_view ref_msg_type, ClOrdId cl_ord_id,
                                      std::uint32_t reason, std::string_view text) {
  std::string id;
  if (cl_ord_id != 0) impl_->config().dialect.ids.append(id, cl_ord_id);
  FIX::Message message =
      impl_->encoder().business_reject(ref_seq_num, ref_msg_type, id, reason, text);
  return impl_->send_report(now, message);
}

bool FixSession::send_application(Nanos now, std::string_view message) {
  return impl_->send_parsed(now, message);
}

void append_cl_ord_id(std::string& out, ClOrdId id) { ClOrdIdText().append(out, id); }

ClOrdId parse_cl_ord_id(std::string_view text) noexcept { return ClOrdIdText().parse(text); }

}  // namespace pitwire
