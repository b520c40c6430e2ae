// The core on a recorded log.
#include <pybind11/stl.h>

#include "delivery.hpp"
#include "pitwire/engine/replay.hpp"

namespace pitwire {
namespace {

struct Replay {
  using Facts = std::tuple<Sequence, bool, Sequence, Sequence>;

  Replay(const std::string& folder, const std::vector<Facts>& facts, std::uint32_t orders_max)
      : reader(folder, Upto::COMMITTED), driver(reader, config(orders_max), facts_of(facts)) {}
  static std::vector<ReplayDriver::Facts> facts_of(const std::vector<Facts>& facts) {
    std::vector<ReplayDriver::Facts> out;
    for (const auto& [at, anew, from, last] : facts) out.push_back({at, anew, from, last});
    return out;
  }
  static CoreConfig config(std::uint32_t orders_max) {
    CoreConfig config;
    config.orders.table.capacity = orders_max;
    return config;
  }
  LogReader reader;
  ReplayDriver driver;
  std::vector<CheckResult> checks;  ///< of the frame named by `explain_at`
};

/// Until Python has something to do: turns that are for strategies alone end here. Where it gives
/// PYTHON_PHASE, strategies were told already, and the phase is to go on.
int run(Replay& replay, std::uint64_t inputs_max, Delivery* direct) {
  for (std::uint64_t turn = 0; turn < inputs_max; ++turn) {
    const auto stop = replay.driver.run_native(inputs_max);
    const bool direct_may_do = stop == ReplayDriver::Stop::PYTHON_PHASE && direct != nullptr;
    // No time: in a replay nobody measures handlers.
    if (!direct_may_do || !direct->run(0)) return static_cast<int>(stop);
  }
  return static_cast<int>(ReplayDriver::Stop::BUDGET);
}

/// The log goes on behind the TURN_END at `sequence`; (turn, hash of all outputs so far) as it
/// says, nothing where no TURN_END stands there.
std::optional<std::pair<std::uint64_t, std::uint32_t>> resume_after(Replay& replay,
                                                                    Sequence sequence) {
  if (!replay.reader.seek(sequence)) return std::nullopt;
  // Taken, so that the journal stands where a replay that came so far would.
  const auto frame = replay.driver.journal().next_fact(sequence);
  const auto* end = frame ? frame->as<rec::TurnEnd>() : nullptr;
  if (end == nullptr || frame->sequence() != sequence) return std::nullopt;
  return std::pair{end->turn, end->outputs_crc};
}

py::object divergence(Replay& replay) {
  const auto& found = replay.driver.journal().divergence();
  if (!found) return py::none();
  py::dict out;
  out["sequence"] = found->sequence;
  out["ts_core"] = found->ts_core;
  out["reason"] = found->reason;
  out["offset"] = found->offset;
  out["expected_type"] = static_cast<int>(found->expected_type);
  out["found_type"] = static_cast<int>(found->found_type);
  out["expected"] = py::bytes(found->expected_payload);
  out["found"] = py::bytes(found->found_payload);
  return out;
}

}  // namespace

void bind_replay(py::module_& module) {
  py::class_<Replay>(module, "Replay", "A core that runs a log's inputs again.")
      .def(py::init<const std::string&, const std::vector<Replay::Facts>&, std::uint32_t>(),
           py::arg("folder"), py::arg("facts") = std::vector<Replay::Facts>{},
           py::arg("orders_max") = 1 << 16)
      .def_property_readonly(
          "core", [](Replay& self) -> Core& { return self.driver.core(); },
          py::return_value_policy::reference_internal)
      .def("run", &run, py::arg("inputs_max"), py::arg("books").none(true),
           "A Stop. At PYTHON_PHASE books were told of: the phase goes on.")
      .def("explain_at",
           [](Replay& self, Sequence sequence) {
             self.driver.journal().look_before(sequence, [&self](const Frame& frame) {
               self.checks = self.driver.core().orders().explain(frame);
             });
           })
      .def_property_readonly("explained", [](Replay& self) { return explained(self.checks); })
      .def(
          "begin_anew",
          [](Replay& self, Sequence abandoned, Sequence facts_from) {
            return self.driver.begin_anew(abandoned, facts_from);
          },
          py::arg("abandoned"), py::arg("facts_from") = 1,
          "Before the first run: what stands before this ABANDONED is taken as facts; False where "
          "there is none.")
      .def("resume_after", &resume_after,
           "Go on behind this TURN_END: its (turn, outputs_crc); None where there is none.")
      .def("stop_after", [](Replay& self, Sequence s) { self.driver.journal().stop_after(s); })
      .def_property_readonly("divergence", &divergence)
      .def_property_readonly("epoch_json", [](Replay& self) { return self.driver.epoch_json(); })
      .def_property_readonly("inputs", [](Replay& self) { return self.driver.inputs(); })
      .def_property_readonly("first_ts", [](Replay& self) { return self.driver.first_ts(); })
      .def_property_readonly("outputs_compared",
                             [](Replay& self) { return self.driver.journal().outputs_compared(); })
      .def_property_readonly("last_sequence",
                             [](Replay& self) { return self.driver.journal().last_sequence(); })
      .def_property_readonly("log_error", [](Replay& self) {
        const auto& error = self.reader.error();
        const bool bad = self.reader.status() == LogReader::Status::CORRUPT ||
                         self.reader.status() == LogReader::Status::TORN;
        return py::make_tuple(bad, error.file, error.offset, error.reason);
      });
}

}  // namespace pitwire
