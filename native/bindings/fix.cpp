// FIX as Python sees it: sessions in virtual time and connections, for tests and tools. What they
// say is taken as a list of tuples, kind first; records go in and out as their bytes. The daemon
// and the exchange drive the C++ classes themselves.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>

#include "bindings.hpp"
#include "dialect.hpp"
#include "pitwire/fix/session.hpp"
#include "pitwire/wire/fix_connection.hpp"
#include "tls.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

template <class Record>
py::bytes bytes_of(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

template <class Record>
Record record_of(const py::bytes& payload) {
  const std::string_view bytes = payload;
  if (bytes.size() != sizeof(Record)) {
    throw py::value_error("expected a record of " + std::to_string(sizeof(Record)) +
                          " bytes, found " + std::to_string(bytes.size()));
  }
  Record record;
  std::memcpy(&record, bytes.data(), sizeof record);
  return record;
}

/// A whole answer to a question for positions: (instrument, long, short, settlement price) each.
using HeldPosition = std::tuple<std::uint32_t, std::int64_t, std::int64_t, std::int64_t>;

bool send_positions(FixSession& session, Nanos now, std::uint64_t request,
                    const std::vector<HeldPosition>& held) {
  FixPositionsAck ack;
  ack.request = request;
  ack.reports = static_cast<std::int64_t>(held.size());
  ack.result = held.empty() ? kPositionsNone : kPositionsValid;
  bool sent = session.send_positions_ack(now, ack);
  FixPosition out;
  out.request = request;
  out.reports = ack.reports;
  for (const auto& [instrument, long_qty, short_qty, settl_px] : held) {
    ++out.number;
    out.instrument = InstrumentId{instrument};
    out.long_qty = long_qty;
    out.short_qty = short_qty;
    out.settl_px = settl_px;
    sent = sent && session.send_position(now, out);
  }
  return sent;
}

/// A sink that keeps what a session says until Python takes it.
class PySession final : public FixSink {
 public:
  PySession(const FixSessionConfig& config, const FixSymbology& symbology, Nanos now,
            const FixRestored& restored)
      : session(config, symbology, *this, now, restored) {}

  py::list drain() { return std::exchange(said_, py::list()); }

  void tx(SessionId, std::string_view message, std::uint64_t number, ClOrdId id, bool admin,
          bool poss_dup) override {
    say("tx", py::bytes(message.data(), message.size()), number, id, admin, poss_dup);
  }
  void state(SessionId, const FixSessionState& now) override {
    say("state", now.next_sender, now.next_target, now.creation_ts, now.logged_on, now.connected);
  }
  void logged_on(SessionId) override { say("logged_on"); }
  void logged_out(SessionId, std::string_view reason) override { say("logged_out", reason); }
  void disconnect(SessionId, std::string_view reason) override { say("disconnect", reason); }
  void event(SessionId, std::uint32_t severity, std::string_view text) override {
    say("event", severity, text);
  }
  void execution(const rec::Execution& record) override { say("execution", bytes_of(record)); }
  void unreadable_execution(const rec::Execution& record, std::string_view defects) override {
    say("unreadable_execution", bytes_of(record), defects);
  }
  void cancel_rejected(const rec::CancelRejected& record) override {
    say("cancel_rejected", bytes_of(record));
  }
  void business_rejected(const FixReject& reject) override {
    say("business_rejected", reject.cl_ord_id, reject.ref_seq_num, reject.reason, reject.text);
  }
  void session_rejected(const FixReject& reject) override {
    say("session_rejected", reject.cl_ord_id, reject.ref_seq_num, reject.reason, reject.text);
  }
  void mass_cancel_report(SessionId, const FixMassCancelReport& report) override {
    say("mass_cancel_report", report.cl_ord_id, report.accepted, report.affected);
  }
  void mass_status(SessionId, const FixMassStatus& answer) override {
    say("mass_status", answer.request, answer.reports, answer.last);
  }
  void log_shorter(SessionId, std::uint64_t our_next, std::uint64_t venue_next) override {
    say("log_shorter", our_next, venue_next);
  }
  void new_order(const FixNewOrder& order) override {
    say("new_order", order.cl_ord_id, index(order.instrument), static_cast<int>(order.side),
        order.price, order.order_qty);
  }
  void cancel(const FixCancel& request) override {
    say("cancel", request.cl_ord_id, request.orig_cl_ord_id);
  }
  void replace(const FixReplace& request) override {
    say("replace", request.order.cl_ord_id, request.orig_cl_ord_id, request.order.price,
        request.order.order_qty);
  }
  void status_request(const FixStatusRequest& request) override {
    say("status_request", request.cl_ord_id);
  }
  void mass_cancel(const FixMassCancel& request) override {
    say("mass_cancel", request.cl_ord_id, index(request.instrument));
  }
  void mass_status_request(const FixMassStatusRequest& request) override {
    say("mass_status_request", request.request);
  }
  void positions_request(const FixPositionsRequest& request) override {
    say("positions_request", request.request, index(request.instrument));
  }

 private:
  template <class... Fields>
  void say(const char* kind, Fields&&... fields) {
    said_.append(py::make_tuple(kind, std::forward<Fields>(fields)...));
  }
  py::list said_;

 public:
  FixSession session;  // last: it may speak while it is made
};

struct PyConnectionSink final : ConnectionSink {
  py::list said;
  void message(SessionId session, Nanos ts_recv, std::string_view message) override {
    said.append(py::make_tuple("message", index(session), ts_recv,
                               py::bytes(message.data(), message.size())));
  }
  void event(SessionId session, ConnectionEvent event, std::string_view reason,
             Sequence last_written) override {
    said.append(
        py::make_tuple("event", index(session), static_cast<int>(event), reason, last_written));
  }
  void written(SessionId session, Sequence sequence, std::uint64_t bytes, Nanos) override {
    said.append(py::make_tuple("written", index(session), sequence, bytes));
  }
};

template <class Connection>
py::list poll(Connection& connection, Nanos now, int budget) {
  PyConnectionSink sink;
  connection.poll(now, budget, sink);
  return sink.said;
}

template <class Record, class Send>
auto sender(Send send) {
  return [send](PySession& self, Nanos now, const py::bytes& payload) {
    return (self.session.*send)(now, record_of<Record>(payload));
  };
}

void bind_configuration(py::module_& module) {
  py::class_<FixSessionConfig>(module, "FixSessionConfig", "A FIX session; see fix/session.hpp.")
      .def(py::init<>())
      .def_property(
          "id", [](const FixSessionConfig& self) { return index(self.id); },
          [](FixSessionConfig& self, std::uint32_t id) { self.id = SessionId{id}; })
      .def_readwrite("begin_string", &FixSessionConfig::begin_string)
      .def_readwrite("sender_comp_id", &FixSessionConfig::sender_comp_id)
      .def_readwrite("target_comp_id", &FixSessionConfig::target_comp_id)
      .def_readwrite("initiator", &FixSessionConfig::initiator)
      .def_readwrite("heart_bt_int_seconds", &FixSessionConfig::heart_bt_int_seconds)
      .def_readwrite("check_latency", &FixSessionConfig::check_latency)
      .def_readwrite("max_latency_seconds", &FixSessionConfig::max_latency_seconds)
      .def_readwrite("reset_on_logon", &FixSessionConfig::reset_on_logon)
      .def_readwrite("reset_on_logout", &FixSessionConfig::reset_on_logout)
      .def_readwrite("reset_on_disconnect", &FixSessionConfig::reset_on_disconnect)
      .def_readwrite("non_stop", &FixSessionConfig::non_stop)
      .def_readwrite("start_time", &FixSessionConfig::start_time)
      .def_readwrite("end_time", &FixSessionConfig::end_time)
      .def_readwrite("timestamp_digits", &FixSessionConfig::timestamp_digits)
      .def_readwrite("username_placeholder", &FixSessionConfig::username_placeholder)
      .def_readwrite("password_placeholder", &FixSessionConfig::password_placeholder)
      .def_readwrite("account", &FixSessionConfig::account)
      .def_readwrite("allow_unknown_fields", &FixSessionConfig::allow_unknown_fields);
  py::class_<FixSymbology>(module, "FixSymbology", "Symbol text and increments per instrument.")
      .def(py::init<>())
      .def(
          "add",
          [](FixSymbology& self, std::uint32_t id, const std::string& symbol,
             const std::string& price_step, const std::string& qty_step,
             const std::string& fee_step) {
            self.add({InstrumentId{id}, symbol, parse_decimal_step(price_step),
                      parse_decimal_step(qty_step), parse_decimal_step(fee_step)});
          },
          py::arg("id"), py::arg("symbol"), py::arg("price_step"), py::arg("qty_step"),
          py::arg("fee_step"), "Increments are exact decimals as text. Raises ValueError.");
}

void bind_session(py::module_& module) {
  py::class_<PySession>(module, "FixSession", "A FIX session in the caller's time.")
      .def(py::init([](const FixSessionConfig& config, const FixSymbology& symbology, Nanos now,
                       std::uint64_t next_sender, std::uint64_t next_target) {
             FixRestored restored;
             restored.next_sender = next_sender;
             restored.next_target = next_target;
             return std::make_unique<PySession>(config, symbology, now, restored);
           }),
           py::arg("config"), py::arg("symbology"), py::arg("now"), py::arg("next_sender") = 1,
           py::arg("next_target") = 1, py::keep_alive<1, 3>())
      .def("drain", &PySession::drain, "What the session said since the last drain, in order.")
      .def("connected", [](PySession& self, Nanos now) { self.session.connected(now); })
      .def("disconnected", [](PySession& self, Nanos now) { self.session.disconnected(now); })
      .def("received", [](PySession& self, Nanos now, Sequence raw,
                          const py::bytes& message) { self.session.received(now, raw, message); })
      .def("time", [](PySession& self, Nanos now) { self.session.time(now); })
      .def("logon", [](PySession& self, Nanos now) { self.session.logon(now); })
      .def("logout", [](PySession& self, Nanos now,
                        const std::string& reason) { self.session.logout(now, reason); })
      .def("set_next_numbers",
           [](PySession& self, Nanos now, std::uint64_t next_sender, std::uint64_t next_target) {
             return self.session.set_next_numbers(now, next_sender, next_target);
           })
      .def_property_readonly("logged_on",
                             [](const PySession& self) { return self.session.logged_on(); })
      .def_property_readonly("next_deadline",
                             [](const PySession& self) { return self.session.next_deadline(); })
      .def("send_order", sender<rec::OrderSubmitted>(&FixSession::send_order))
      .def("send_replace", sender<rec::ReplaceRequested>(&FixSession::send_replace))
      .def("send_status", sender<rec::StatusRequested>(&FixSession::send_status))
      .def("send_mass_cancel", sender<rec::MassCancelRequested>(&FixSession::send_mass_cancel))
      .def("send_cancel",
           [](PySession& self, Nanos now, const py::bytes& payload, std::int64_t order_qty) {
             return self.session.send_cancel(now, record_of<rec::CancelRequested>(payload),
                                             order_qty);
           })
      .def("send_positions",
           [](PySession& self, Nanos now, std::uint64_t request,
              const std::vector<HeldPosition>& held) {
             return send_positions(self.session, now, request, held);
           })
      .def("send_application", [](PySession& self, Nanos now, const py::bytes& message) {
        return self.session.send_application(now, message);
      });
}

/// Of the keys that a side has; "require_client_certificate" = "yes" for a server.
void bind_connections(py::module_& module) {
  py::class_<FixConnection>(module, "FixConnection", "A polled FIX client connection.")
      .def(py::init([](std::uint32_t id, const std::string& host, std::uint16_t port,
                       const TlsFiles& tls,
                       const std::vector<std::pair<std::string, std::string>>& secrets,
                       Nanos backoff_max_ns) {
             ConnectionConfig config;
             config.id = SessionId{id};
             config.host = host;
             config.port = port;
             config.tls = tls_of(tls);
             for (const auto& [placeholder, secret] : secrets) {
               config.secrets.push_back(FixSecret{placeholder, secret});
             }
             config.backoff_max = backoff_max_ns;
             config.backoff_min = std::min(config.backoff_min, backoff_max_ns);
             return std::make_unique<FixConnection>(config);
           }),
           py::arg("id"), py::arg("host"), py::arg("port"), py::arg("tls") = py::none(),
           py::arg("secrets") = std::vector<std::pair<std::string, std::string>>(),
           py::arg("backoff_max_ns") = ConnectionConfig{}.backoff_max)
      .def("poll", &poll<FixConnection>, py::arg("now"), py::arg("budget") = 64)
      .def("write", [](FixConnection& self, Sequence sequence,
                       const py::bytes& message) { return self.write({sequence}, message); })
      .def("close", [](FixConnection& self, const std::string& reason) { self.close(reason); })
      .def_property_readonly("connected", &FixConnection::connected)
      .def("fileno", &FixConnection::epoll_fd);
  py::class_<FixListener>(module, "FixListener", "A polled server of FIX sessions.")
      .def(py::init([](const std::string& host, std::uint16_t port,
                       const std::vector<FixSessionConfig>& sessions, const TlsFiles& tls) {
             ListenerConfig config;
             config.host = host;
             config.port = port;
             for (const FixSessionConfig& session : sessions) {
               config.sessions.push_back({session.id, session.begin_string, session.sender_comp_id,
                                          session.target_comp_id});
             }
             config.tls = tls_of(tls);
             return std::make_unique<FixListener>(config);
           }),
           py::arg("host"), py::arg("port"), py::arg("sessions"), py::arg("tls") = py::none())
      .def_property_readonly("port", &FixListener::port)
      .def("poll", &poll<FixListener>, py::arg("now"), py::arg("budget") = 64)
      .def("write",
           [](FixListener& self, std::uint32_t session, Sequence sequence,
              const py::bytes& message) {
             return self.write(SessionId{session}, sequence, message);
           })
      .def("close", [](FixListener& self, std::uint32_t session,
                       const std::string& reason) { self.close(SessionId{session}, reason); })
      .def("fileno", &FixListener::epoll_fd);
}

}  // namespace

void bind_fix(py::module_& module) {
  bind_dialect(module);
  bind_configuration(module);
  bind_session(module);
  bind_connections(module);
}

}  // namespace pitwire
