// Status page, kill socket, waiter and feed lines.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "pitwire/base/inbox.hpp"
#include "pitwire/wire/feed_line.hpp"
#include "pitwire/wire/kill_socket.hpp"
#include "pitwire/wire/shared_status.hpp"
#include "pitwire/wire/waiter.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

template <class T>
auto word(std::atomic<T> StatusPage::* member) {
  return [member](const SharedStatus& self) {
    return (self.page().*member).load(std::memory_order_acquire);
  };
}

void bind_status(py::module_& module) {
  py::class_<SharedStatus>(module, "SharedStatus",
                           "The page that watchdog, metrics and egress look at.")
      .def(py::init<const std::string&, mode_t>(), py::arg("path"), py::arg("mode") = 0640)
      .def_static("open", &SharedStatus::open, py::arg("path"), py::arg("writable") = false)
      .def("heartbeat", &SharedStatus::heartbeat, py::arg("turn"), py::arg("ts_core"))
      .def("set_positions", &SharedStatus::set_positions, py::arg("committed"), py::arg("durable"))
      .def("set_phase", &SharedStatus::set_phase, py::arg("phase"))
      .def("kill", &SharedStatus::kill, py::arg("uid") = kNoId)
      .def("clear_kill", &SharedStatus::clear_kill, "An operator's explicit act.")
      .def("acquire_fence", &SharedStatus::acquire_fence)
      .def("holds", &SharedStatus::holds, py::arg("token"))
      .def_property_readonly("killed", &SharedStatus::killed)
      .def_property_readonly("pid", word(&StatusPage::pid))
      .def_property_readonly("phase", word(&StatusPage::phase))
      .def_property_readonly("started_ts", word(&StatusPage::started_ts))
      .def_property_readonly("turn", word(&StatusPage::turn))
      .def_property_readonly("turn_ts", word(&StatusPage::turn_ts))
      .def_property_readonly("committed_sequence", word(&StatusPage::committed_sequence))
      .def_property_readonly("durable_sequence", word(&StatusPage::durable_sequence))
      .def_property_readonly("kill_word", word(&StatusPage::kill_word))
      .def_property_readonly("kill_uid", word(&StatusPage::kill_uid))
      .def_property_readonly("kill_ts", word(&StatusPage::kill_ts))
      .def_property_readonly("fence", word(&StatusPage::fence));
}

void bind_kill(py::module_& module) {
  py::class_<KillSocket, WakeSource>(module, "KillSocket",
                                     "Serves `kill` and `status` on a thread of its own.")
      .def(py::init([](const std::string& path, SharedStatus& status, mode_t mode,
                       const std::vector<uid_t>& uids, const std::vector<gid_t>& gids) {
             return std::make_unique<KillSocket>(KillSocketConfig{path, mode, uids, gids}, status);
           }),
           py::arg("path"), py::arg("status"), py::arg("mode") = 0600,
           py::arg("uids_allowed") = std::vector<uid_t>(),
           py::arg("gids_allowed") = std::vector<gid_t>(), py::keep_alive<1, 3>())
      .def("seen", &KillSocket::seen)
      .def_property_readonly("refused", &KillSocket::refused);
}

void bind_waiter(py::module_& module) {
  py::enum_<WaitMode>(module, "WaitMode")
      .value("PARK", WaitMode::PARK)
      .value("SPIN", WaitMode::SPIN)
      .value("SPIN_THEN_PARK", WaitMode::SPIN_THEN_PARK);
  module.attr("WAIT_TIMEOUT") = unsigned{WAIT_TIMEOUT};
  module.attr("WAIT_NATIVE") = unsigned{WAIT_NATIVE};
  module.attr("WAIT_LOOP") = unsigned{WAIT_LOOP};
  py::class_<Waiter>(module, "Waiter", "Every native descriptor in one epoll set.")
      .def(py::init<>())
      .def("add", py::overload_cast<int, bool>(&Waiter::add), py::arg("fd"),
           py::arg("want_output") = false)
      .def("modify", &Waiter::modify, py::arg("fd"), py::arg("want_output"))
      .def("remove", py::overload_cast<int>(&Waiter::remove), py::arg("fd"))
      .def("add", py::overload_cast<WakeSource&>(&Waiter::add), py::arg("source"),
           py::keep_alive<1, 2>())
      .def("remove", py::overload_cast<WakeSource&>(&Waiter::remove), py::arg("source"))
      .def("watch_loop", &Waiter::watch_loop, py::arg("backend_fd"),
           "uvloop: loop._get_backend_id()")
      .def("arm", &Waiter::arm, "False when something is ready already: do not sleep.")
      .def("disarm", &Waiter::disarm)
      .def("wait", &Waiter::wait, py::arg("mode"), py::arg("spin_ns"), py::arg("timeout_ns"),
           py::call_guard<py::gil_scoped_release>(), "Bits WAIT_NATIVE, WAIT_LOOP; 0: timed out.")
      .def_property_readonly("epoll_fd", &Waiter::epoll_fd);
}

void bind_feed_configuration(py::module_& module) {
  py::class_<Endpoint>(module, "Endpoint")
      .def(py::init([](std::string address, std::uint16_t port) {
             return Endpoint{std::move(address), port};
           }),
           py::arg("address") = "", py::arg("port") = 0)
      .def_readwrite("address", &Endpoint::address)
      .def_readwrite("port", &Endpoint::port);
  py::class_<FeedLineSocket>(module, "FeedLineSocket")
      .def(py::init([](Endpoint endpoint, std::string interface) {
             return FeedLineSocket{std::move(endpoint), std::move(interface)};
           }),
           py::arg("endpoint"), py::arg("interface") = "")
      .def_readwrite("endpoint", &FeedLineSocket::endpoint)
      .def_readwrite("interface", &FeedLineSocket::interface);
  py::class_<SnapshotConfig>(module, "SnapshotConfig")
      .def(py::init([](Endpoint server, std::string username, std::string password) {
             return SnapshotConfig{std::move(server), std::move(username), std::move(password)};
           }),
           py::arg("server"), py::arg("username") = "", py::arg("password") = "")
      .def_readwrite("timeout_ns", &SnapshotConfig::timeout_ns);
  using Sequencing = FeedSequencerConfig;
  py::class_<Sequencing>(module, "FeedSequencerConfig")
      .def(py::init<>())
      .def_readwrite("session", &Sequencing::session)
      .def_readwrite("first_sequence", &Sequencing::first_sequence)
      .def_readwrite("snapshot_first", &Sequencing::snapshot_first)
      .def_readwrite("held_max", &Sequencing::held_max)
      .def_readwrite("grace_ns", &Sequencing::grace_ns)
      .def_readwrite("request_timeout_ns", &Sequencing::request_timeout_ns)
      .def_readwrite("attempts_max", &Sequencing::attempts_max)
      .def_readwrite("request_messages_max", &Sequencing::request_messages_max)
      .def_readwrite("gap_messages_max", &Sequencing::gap_messages_max)
      .def_readwrite("snapshot_retry_ns", &Sequencing::snapshot_retry_ns)
      .def_readwrite("silence_ns", &Sequencing::silence_ns);
  py::class_<FeedLineConfig>(module, "FeedLineConfig")
      .def(py::init([](std::uint32_t id, std::vector<FeedLineSocket> lines) {
             FeedLineConfig config;
             config.id = FeedId{id};
             config.lines = std::move(lines);
             return config;
           }),
           py::arg("id"), py::arg("lines"))
      .def_readwrite("lines", &FeedLineConfig::lines)
      .def_readwrite("retransmission", &FeedLineConfig::retransmission)
      .def_readwrite("snapshot", &FeedLineConfig::snapshot)
      .def_readwrite("sequencing", &FeedLineConfig::sequencing)
      .def_readwrite("receive_buffer_bytes", &FeedLineConfig::receive_buffer_bytes)
      .def_readwrite("busy_poll_us", &FeedLineConfig::busy_poll_us)
      .def_readwrite("kernel_stamps", &FeedLineConfig::kernel_stamps)
      .def_readwrite("datagram_bytes_max", &FeedLineConfig::datagram_bytes_max);
}

/// For tools that look at a feed without a core: everything as tuples.
class ListSink final : public FeedSink {
 public:
  void datagram(FeedId, std::uint32_t line, Nanos ts_recv,
                std::span<const std::byte> packet) override {
    events.append(py::make_tuple("datagram", line, ts_recv, copy(packet)));
  }
  void snapshot(FeedId, Nanos ts_recv, std::span<const std::byte> packet) override {
    events.append(py::make_tuple("snapshot", kLineSnapshot, ts_recv, copy(packet)));
  }
  void message(FeedId, Nanos ts_recv, MessageKind kind, std::uint32_t,
               std::span<const std::byte> bytes) override {
    events.append(py::make_tuple("message", static_cast<int>(kind), ts_recv, copy(bytes)));
  }
  void status(FeedId, FeedEvent event, std::uint32_t line, std::uint64_t expected,
              std::uint64_t found) override {
    events.append(py::make_tuple("status", line, static_cast<int>(event), expected, found));
  }
  py::list events;

 private:
  static py::bytes copy(std::span<const std::byte> packet) {
    return {reinterpret_cast<const char*>(packet.data()), packet.size()};
  }
};

py::list poll_feed(FeedLine& line, Nanos now, int budget) {
  ListSink sink;
  line.poll(now, budget, sink);
  return sink.events;
}

py::list per_line(const std::uint64_t (&values)[3]) {
  return py::cast(std::vector<std::uint64_t>(values, values + 3));
}

py::dict stats_of(const FeedLine& line) {
  const FeedLineStats stats = line.stats();
  const FeedSequencerStats& sequencing = stats.sequencing;
  py::dict all;
  all["datagrams"] = per_line(stats.datagrams);
  all["kernel_drops"] = per_line(stats.kernel_drops);
  all["receive_errors"] = per_line(stats.receive_errors);
  all["malformed"] = per_line(sequencing.malformed);
  all["first_on"] = per_line(sequencing.first_on);
  all["snapshots"] = stats.snapshots;
  all["snapshot_failures"] = stats.snapshot_failures;
  all["accepted_datagrams"] = sequencing.accepted_datagrams;
  all["accepted_messages"] = sequencing.accepted_messages;
  all["duplicate_datagrams"] = sequencing.duplicate_datagrams;
  all["trimmed_datagrams"] = sequencing.trimmed_datagrams;
  all["held_datagrams"] = sequencing.held_datagrams;
  all["held_peak"] = sequencing.held_peak;
  all["held_dropped"] = sequencing.held_dropped;
  all["foreign_session"] = sequencing.foreign_session;
  all["gaps"] = sequencing.gaps;
  all["gaps_filled"] = sequencing.gaps_filled;
  all["gaps_lost"] = sequencing.gaps_lost;
  all["requests"] = sequencing.requests;
  return all;
}

void bind_feed(py::module_& module) {
  bind_feed_configuration(module);
  py::class_<FeedLine>(module, "FeedLine", "A MoldUDP64 feed: two lines, one sequence.")
      .def(py::init<const FeedLineConfig&>(), py::arg("config"))
      .def("poll", &poll_feed, py::arg("now"), py::arg("budget"),
           "('datagram'|'snapshot', line, ts_recv, packet) and "
           "('status', line, FeedEvent, expected, found), in order.")
      .def("port", &FeedLine::port, py::arg("line"))
      .def("stats", &stats_of)
      .def_property_readonly("epoll_fd", &FeedLine::epoll_fd)
      .def_property_readonly("session", &FeedLine::session)
      .def_property_readonly("next_sequence", &FeedLine::next_sequence)
      .def_property_readonly("next_deadline", &FeedLine::next_deadline);
}

}  // namespace

void bind_wire(py::module_& module) {
  bind_status(module);
  bind_kill(module);
  bind_waiter(module);
  bind_feed(module);
}

}  // namespace pitwire
