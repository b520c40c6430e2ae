// The core with its live edge: the log, the clock, the sockets.
#include <pybind11/stl.h>

#include "engine.hpp"
#include "live.hpp"
#include "tls.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

std::unique_ptr<Live> make_live(LogWriter& log, SharedStatus* status, std::uint32_t orders_max,
                                int turn_records_max, int operator_quota, int session_quota,
                                int market_quota, std::uint64_t inbox_bytes, int thread_wait,
                                Nanos thread_spin_ns, Nanos rehearse_every_ns, bool given_time) {
  CoreConfig core;
  core.orders.table.capacity = orders_max;
  EdgeConfig edge;
  edge.turn_records_max = turn_records_max;
  edge.operator_quota = operator_quota;
  edge.session_quota = session_quota;
  edge.market_quota = market_quota;
  edge.inbox_bytes = edge.threads.ring_bytes = inbox_bytes;
  edge.threads.wait = static_cast<WaitMode>(thread_wait);
  edge.threads.spin_ns = thread_spin_ns;
  edge.rehearse_every_ns = rehearse_every_ns;
  const auto source = given_time ? TscClock::Source::GIVEN : TscClock::Source::AUTO;
  return std::make_unique<Live>(log, status, core, edge, source);
}

Endpoint endpoint(const std::pair<std::string, std::uint16_t>& pair) {
  return {pair.first, pair.second};
}

Placement placement(bool threaded) { return threaded ? Placement::THREAD : Placement::INLINE; }

using Address = std::pair<std::string, std::uint16_t>;

void add_feed(Live& live, std::uint32_t id,
              const std::vector<std::tuple<std::string, std::uint16_t, std::string>>& lines,
              const std::optional<Address>& retransmission, const std::optional<Address>& snapshot,
              int receive_buffer_bytes, int busy_poll_us, bool kernel_stamps,
              std::int64_t stale_after_ns, bool threaded) {
  FeedLineConfig config;
  config.id = FeedId{id};
  for (const auto& [host, port, interface] : lines) {
    config.lines.push_back({{host, port}, interface});
  }
  if (retransmission) config.retransmission = endpoint(*retransmission);
  if (snapshot) config.snapshot = SnapshotConfig{endpoint(*snapshot), "", "", 5 * kSecond};
  config.sequencing.snapshot_first = snapshot.has_value();
  config.receive_buffer_bytes = receive_buffer_bytes;
  config.busy_poll_us = busy_poll_us;
  config.kernel_stamps = kernel_stamps;
  config.sequencing.silence_ns = stale_after_ns;
  live.edge.add_feed(config, placement(threaded));
}

void add_connection(Live& live, std::uint32_t session, const std::string& host, std::uint16_t port,
                    const TlsFiles& tls,
                    const std::vector<std::pair<std::string, std::string>>& secrets,
                    std::int64_t backoff_min_ns, std::int64_t backoff_max_ns, int awaits,
                    bool threaded, int busy_poll_us, bool quick_ack, bool kernel_stamps) {
  ConnectionConfig config;
  config.id = SessionId{session};
  config.host = host;
  config.port = port;
  config.backoff_min = backoff_min_ns;
  config.backoff_max = backoff_max_ns;
  config.socket = {busy_poll_us, quick_ack, kernel_stamps};
  for (const auto& [placeholder, secret] : secrets) {
    config.secrets.push_back(FixSecret{placeholder, secret});
  }
  config.tls = tls_of(tls);
  live.edge.add_connection(std::move(config), static_cast<Awaits>(awaits), placement(threaded));
}

void add_venue(Live& live, std::uint32_t session, const std::vector<std::uint32_t>& instruments,
               std::int64_t order_latency_us, std::int64_t report_latency_us,
               std::uint32_t reject_one_in, std::uint64_t seed) {
  PaperVenueConfig config;
  config.session = SessionId{session};
  for (const auto instrument : instruments) config.instruments.push_back(InstrumentId{instrument});
  config.order_latency_ns = order_latency_us * kMillisecond / 1000;
  config.report_latency_ns = report_latency_us * kMillisecond / 1000;
  config.reject_one_in = reject_one_in;
  config.seed = seed;
  live.edge.add_venue(std::move(config));
}

void append_epoch(Live& live, std::uint32_t epoch, std::uint32_t start_number,
                  const std::string& json) {
  rec::Epoch record;
  record.epoch = epoch;
  record.start_number = start_number;
  record.wall_ts = live.clock.given() ? live.clock.now() : host_now();
  record.tsc_hz = live.clock.hz();
  live.edge.append_input(record, Origin::NONE, 0, json);
}

template <class R>
void observe(Live& live, const R& record) {
  live.journal.observe(live.core.now(), {R::kType, Origin::NONE, 0, record_bytes(record), {}});
}

using Definitions = std::vector<std::tuple<std::uint32_t, std::uint32_t, std::string>>;

/// In class STRUCTURE: at a roll they stand between any two frames, and replay passes over them.
void repeat_definitions(Live& live, Definitions definitions) {
  LogWriter& log = live.journal.log();
  log.on_roll([&log, repeated = std::move(definitions)] {
    for (const auto& [id, kind, json] : repeated) {
      const rec::Definition record{id, kind};
      log.append(rec::Definition::kType, FrameClass::STRUCTURE, log.last_ts_core(), Origin::NONE, 0,
                 record_bytes(record), text_bytes(json));
    }
  });
}

void append_checkpoint(Live& live, Sequence covered_sequence, std::uint64_t size_bytes,
                       const std::string& name) {
  rec::Checkpoint record;
  record.covered_sequence = covered_sequence;
  record.size_bytes = size_bytes;
  live.journal.observe(live.journal.log().last_ts_core(), {rec::Checkpoint::kType, Origin::NONE, 0,
                                                           record_bytes(record), text_bytes(name)});
}

void bind_touch_page(py::class_<Live>& cls) {
  cls.def(
         "publish_touch",
         [](Live& self, const std::string& path, mode_t mode, std::uint32_t epoch) {
           self.edge.publish_touch(path, mode, epoch);
         },
         py::arg("path"), py::arg("mode"), py::arg("epoch"),
         "Tells other processes the best bid and ask from now on (core.TouchReader).")
      .def(
          "end_touch", [](Live& self) { self.edge.end_touch(); },
          "Its last word; nothing where it was not told.");
}

void bind_pushes(py::class_<Live>& cls) {
  cls.def("push_operator",
          [](Live& self, std::uint32_t uid, std::uint32_t pid, std::uint64_t id, std::string json) {
            return self.edge.push_operator(uid, pid, id, std::move(json));
          })
      .def("push_worker_result",
           [](Live& self, std::uint64_t id, std::uint32_t strategy, std::uint32_t status,
              std::string json) {
             return self.edge.push_worker_result(id, StrategyId{strategy}, status, std::move(json));
           })
      .def("push_market_message",
           [](Live& self, std::uint32_t feed, Nanos ts_recv, int kind, std::uint32_t instrument,
              std::string bytes) {
             return self.edge.push_market_message(FeedId{feed}, ts_recv,
                                                  static_cast<MessageKind>(kind), instrument,
                                                  std::move(bytes));
           })
      .def("push_datagram",
           [](Live& self, std::uint32_t feed, Nanos ts_recv, std::string packet) {
             return self.edge.push_datagram(FeedId{feed}, ts_recv, std::move(packet));
           })
      .def("push_feed_status", [](Live& self, std::uint32_t feed, int event) {
        self.edge.push_feed_status(FeedId{feed}, static_cast<FeedEvent>(event));
      });
}

void bind_records(py::class_<Live>& cls) {
  cls.def("append_epoch", &append_epoch)
      .def("append_definition",
           [](Live& self, std::uint32_t id, std::uint32_t kind, const std::string& json) {
             self.edge.append_input(rec::Definition{id, kind}, Origin::NONE, 0, json);
           })
      .def("repeat_definitions", &repeat_definitions,
           "(id, kind, JSON) to be said again at the start of each later segment.")
      .def("append_checkpoint", &append_checkpoint, "An observation: no replay looks at it.")
      .def("append_source",
           [](Live& self, const std::string& sha256, const std::string& tail) {
             rec::Source record;
             sha256.copy(record.sha256.data(), record.sha256.size());
             self.edge.append_input(record, Origin::NONE, 0, tail);
           })
      .def("append_kernel_code",
           [](Live& self, const std::string& sha256, const std::string& tail) {
             rec::KernelCode record;
             sha256.copy(record.sha256.data(), record.sha256.size());
             self.edge.append_input(record, Origin::NONE, 0, tail);
           })
      .def("append_collector_run",
           [](Live& self, std::uint32_t generation, std::uint32_t collected,
              std::uint64_t duration_ns) {
             observe(self, rec::CollectorRun{generation, collected, duration_ns});
           })
      .def(
          "append_turn_cost",
          [](Live& self, std::uint64_t turns, std::uint64_t native_ns, std::uint64_t python_ns,
             std::uint64_t python_ns_max, std::uint64_t mailbox_depth_max) {
            const rec::TurnCost record{turns,
                                       native_ns,
                                       python_ns,
                                       python_ns_max,
                                       self.edge.take_queued_max(),
                                       mailbox_depth_max};
            observe(self, record);
          },
          "An observation; the depth of the edge's queues since the last one is added here.")
      .def("append_handler_cost",
           [](Live& self, std::uint32_t strategy, std::uint32_t calls, std::uint64_t total_ns,
              std::uint64_t max_ns, std::uint64_t over_budget) {
             observe(self, rec::HandlerCost{strategy, calls, total_ns, max_ns, over_budget});
           })
      .def("append_abandoned",
           [](Live& self, std::uint64_t turn, Sequence from_sequence, Sequence last_sequence) {
             const rec::Abandoned record{turn, from_sequence, last_sequence};
             self.edge.append_input(record, Origin::NONE, 0, {});
           })
      .def(
          "apply_facts",
          [](Live& self, LogReader& reader) {
            std::uint64_t frames = 0;
            while (const auto frame = reader.next()) {
              self.core.apply_fact(*frame);
              ++frames;
            }
            return frames;
          },
          "Applies every frame that the reader still gives; returns how many.");
}

py::dict stats(Live& live) {
  const EdgeStats& stats = live.edge.stats();
  py::dict out;
  out["turns"] = stats.turns;
  out["inputs"] = stats.inputs;
  out["market_inputs"] = stats.market_inputs;
  out["fix_inputs"] = stats.fix_inputs;
  out["reports_unmatched"] = live.core.orders().unmatched_reports();
  out["orders_adopted"] = live.core.orders().adopted_orders();
  out["fix_refused"] = stats.fix_refused;
  out["inbox_refused"] = stats.inbox_refused;
  out["withheld"] = stats.withheld;
  out["looks"] = stats.looks;
  out["rehearsals"] = stats.rehearsals;
  out["venue_reports"] = stats.venue_reports;
  out["venue_refused"] = stats.venue_refused;
  const auto& books = live.core.subscriptions().counts();
  out["book_updates"] = books.updates;
  out["book_conflated"] = books.conflated;
  out["book_delivered"] = books.delivered;
  return out;
}

py::list order_latencies(const py::object& self) {
  const LatencyLedger& ledger = self.cast<Live&>().edge.ledger();
  py::list out;
  for (const auto& [lane, name] :
       {std::pair{OrderLane::PYTHON, "python"}, {OrderLane::NATIVE, "native"}}) {
    for (std::size_t i = 0; i < kLatencyStages.size(); ++i) {
      out.append(py::make_tuple(
          name, std::string(kLatencyStages[i].name),
          py::cast(ledger.histogram(lane, i), py::return_value_policy::reference_internal, self)));
    }
  }
  return out;
}

py::dict feed_stats(Live& live, std::size_t at) {
  const FeedLineStats stats = live.edge.feed(at).stats();
  py::dict out;
  out["packets"] = stats.datagrams[0] + stats.datagrams[1] + stats.datagrams[2];
  out["dropped_by_kernel"] = stats.kernel_drops[0] + stats.kernel_drops[1];
  out["snapshots"] = stats.snapshots;
  out["gaps"] = stats.sequencing.gaps;
  out["lost"] = stats.sequencing.gaps_lost;
  const auto& malformed = stats.sequencing.malformed;
  out["malformed"] = malformed[0] + malformed[1] + malformed[2];
  out["next_sequence"] = stats.next_sequence;
  return out;
}

}  // namespace

void bind_live(py::module_& module) {
  py::list stages;
  for (const LatencyStage& stage : kLatencyStages) {
    stages.append(py::make_tuple(std::string(stage.name), std::string(stage.from_field),
                                 std::string(stage.to_field)));
  }
  module.attr("LATENCY_STAGES") = py::tuple(stages);
  py::class_<Live> cls(module, "Live", "A core on a log, with its edge.");
  cls.def(py::init(&make_live), py::arg("log"), py::arg("status").none(true),
          py::arg("orders_max") = 1 << 16, py::arg("turn_records_max") = 2048,
          py::arg("operator_quota") = 16, py::arg("session_quota") = 64,
          py::arg("market_quota") = 64, py::arg("inbox_bytes") = LineThreadConfig{}.ring_bytes,
          py::arg("thread_wait") = static_cast<int>(WaitMode::PARK),
          py::arg("thread_spin_ns") = LineThreadConfig{}.spin_ns, py::arg("rehearse_every_ns") = 0,
          py::arg("given_time") = false, py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def_property_readonly(
          "core", [](Live& self) -> Core& { return self.core; },
          py::return_value_policy::reference_internal)
      .def("add_feed", &add_feed)
      .def("add_connection", &add_connection)
      .def("add_venue", &add_venue,
           "A venue inside the daemon for a simulated session; after append_epoch.")
      .def("enable_connection",
           [](Live& self, std::uint32_t session, bool enabled) {
             self.edge.enable_connection(SessionId{session}, enabled);
           })
      .def(
          "claim_fence", [](Live& self) { self.edge.claim_fence(); },
          "Take the right to send from whoever had it; before the first connection.")
      .def_property_readonly("fenced", [](Live& self) { return self.edge.fenced(); })
      .def(
          "drain", [](Live& self) { return self.edge.drain(); },
          "A native phase alone; True where the Python phase must follow. Turns take both.")
      .def_property_readonly("busy", [](Live& self) { return self.edge.busy(); })
      .def_property_readonly("epoll_fd", [](Live& self) { return self.edge.epoll_fd(); })
      .def("until_due_ns", [](Live& self) { return self.edge.until_due(); })
      .def(
          "watch", [](Live& self, WakeSource& source) { self.edge.waiter().add(source); },
          py::keep_alive<1, 2>())
      .def("arm", [](Live& self) { return self.edge.waiter().arm(); })
      .def("disarm", [](Live& self) { self.edge.waiter().disarm(); })
      .def("watch_loop", [](Live& self, int fd) { self.edge.waiter().watch_loop(fd); })
      .def("adjust_clock", [](Live& self) { return self.clock.adjust(); })
      .def("clock_now", [](Live& self) { return self.clock.now(); })
      .def(
          "set_time",
          [](Live& self, Nanos now) {
            if (!self.clock.given()) throw std::invalid_argument("the clock is not a given one");
            self.clock.set_floor(now);
          },
          "On given time: what the clock says from now on. It never goes back.")
      .def_property_readonly("stats", &stats)
      .def("order_latencies", &order_latencies,
           "(lane, stage, histogram) of each; the histograms live as long as this and are counted "
           "on.")
      .def(
          "share_order_latencies",
          [](Live& self, SharedCounters& page) { self.edge.ledger().share(page); },
          py::keep_alive<1, 2>(), "Keeps them in the page; before the first order.")
      .def(
          "log_unanswered", [](Live& self) { self.edge.log_unanswered(); },
          "Into the log, what is known of requests that no venue has answered.")
      .def("feed_stats", &feed_stats);
  bind_touch_page(cls);
  bind_pushes(cls);
  bind_records(cls);
  bind_turns(module);
}

}  // namespace pitwire
