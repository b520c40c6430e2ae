// Clock, histograms, shared counters, inbox and what the process asks of the host.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "pitwire/base/clock.hpp"
#include "pitwire/base/histogram.hpp"
#include "pitwire/base/inbox.hpp"
#include "pitwire/base/shared_counters.hpp"
#include "pitwire/base/tuning.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

std::span<const std::byte> bytes_of(const py::buffer_info& view) {
  return {static_cast<const std::byte*>(view.ptr),
          static_cast<std::size_t>(view.size * view.itemsize)};
}

py::bytes to_python(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void bind_clock(py::module_& module) {
  py::class_<TscClock> clock(module, "TscClock",
                             "Monotonic ns since 1970 UTC, slewed towards the host clock.");
  py::enum_<TscClock::Source>(clock, "Source")
      .value("AUTO", TscClock::Source::AUTO)
      .value("TSC", TscClock::Source::TSC)
      .value("MONOTONIC", TscClock::Source::MONOTONIC)
      .value("GIVEN", TscClock::Source::GIVEN);
  clock
      .def(py::init<Nanos, TscClock::Source>(), py::arg("floor") = 0,
           py::arg("source") = TscClock::Source::AUTO)
      .def("now", &TscClock::now, "Not before any earlier answer.")
      .def("adjust", &TscClock::adjust,
           "Turn towards the host clock, at most 500 ppm; returns host minus ours, ns.")
      .def("set_floor", &TscClock::set_floor, py::arg("floor"))
      .def_property_readonly("hz", &TscClock::hz)
      .def_property_readonly("uses_tsc", &TscClock::uses_tsc);
  module.def("host_now", &host_now, "The host clock, ns since 1970 UTC; it may step.");
}

void bind_histogram(py::module_& module) {
  py::class_<Histogram>(module, "Histogram", "Counts on a log-linear scale, to 0.1 %.")
      .def(py::init<>())
      .def("record", &Histogram::record, py::arg("value_ns"), py::arg("count") = 1)
      .def("merge", &Histogram::merge, py::arg("other"))
      .def("clear", &Histogram::clear)
      .def("percentile", &Histogram::percentile, py::arg("percent"))
      .def("copy", [](const Histogram& self) { return Histogram(self); })
      .def("serialise", [](const Histogram& self) { return to_python(self.serialise()); })
      .def_static(
          "deserialise",
          [](const py::buffer& bytes) { return Histogram::deserialise(bytes_of(bytes.request())); },
          py::arg("bytes"), "ValueError with the reason when they are not of serialise().")
      .def_property_readonly("count", &Histogram::count)
      .def_property_readonly("sum", &Histogram::sum)
      .def_property_readonly("min", &Histogram::min)
      .def_property_readonly("max", &Histogram::max)
      .def_property_readonly("mean", &Histogram::mean)
      .def_property_readonly("saturated", &Histogram::saturated);
}

void bind_counters(py::module_& module) {
  py::class_<SharedCounter>(module, "SharedCounter")
      .def("add", &SharedCounter::add, py::arg("n") = 1)
      .def("set", &SharedCounter::set, py::arg("value"))
      .def_property_readonly("value", &SharedCounter::value);
  py::class_<SharedCounters>(module, "SharedCounters", "Writer of counters in a mapped file.")
      .def(py::init<const std::string&, std::uint32_t, std::uint32_t, mode_t>(), py::arg("path"),
           py::arg("counters_max") = 1024, py::arg("histograms_max") = 32, py::arg("mode") = 0640)
      .def("counter", &SharedCounters::counter, py::arg("name"), py::keep_alive<0, 1>())
      .def("histogram", &SharedCounters::histogram, py::arg("name"),
           py::return_value_policy::reference_internal);
  py::class_<SharedCountersReader>(module, "SharedCountersReader",
                                   "Reader of another process's counters.")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def("counters", &SharedCountersReader::counters, "[(name, value)] in order of creation.")
      .def("histograms", &SharedCountersReader::histograms, "[(name, copy)].")
      .def_property_readonly("writer_pid", &SharedCountersReader::writer_pid);
}

py::list take(Inbox& inbox, int budget) {
  py::list messages;
  inbox.poll(budget, [&](const InboxMessage& message) {
    messages.append(
        py::make_tuple(message.kind, message.source, message.ts_recv, to_python(message.bytes)));
  });
  return messages;
}

void bind_inbox(py::module_& module) {
  py::class_<WakeSource>(module, "WakeSource", "What a Waiter can sleep on.")
      .def("ready", &WakeSource::ready);
  py::class_<Inbox, WakeSource>(module, "Inbox", "Messages for the core, from any thread.")
      .def(py::init<std::uint64_t>(), py::arg("capacity_bytes"))
      .def(
          "push",
          [](Inbox& self, std::uint32_t kind, std::uint32_t source, Nanos ts_recv,
             const py::buffer& bytes) {
            return self.push(kind, source, ts_recv, bytes_of(bytes.request()));
          },
          py::arg("kind"), py::arg("source"), py::arg("ts_recv"), py::arg("bytes"),
          "False when there is no room: the caller decides what then.")
      .def("poll", &take, py::arg("budget"), "[(kind, source, ts_recv, bytes)], consumer only.")
      .def_property_readonly("message_bytes_max", &Inbox::message_bytes_max)
      .def_property_readonly("capacity_bytes", &Inbox::capacity_bytes)
      .def_property_readonly("used_bytes", &Inbox::used_bytes)
      .def_property_readonly("peak_bytes", &Inbox::peak_bytes)
      .def_property_readonly("refused", &Inbox::refused);
}

void bind_tuning(py::module_& module) {
  py::class_<TuningResult>(module, "TuningResult", "Truthy when granted; else says why not.")
      .def("__bool__", [](const TuningResult& self) { return self.ok; })
      .def_readonly("ok", &TuningResult::ok)
      .def_readonly("reason", &TuningResult::reason);
  module.def(
      "pin_thread", [](const std::vector<int>& cores) { return pin_thread(cores); },
      py::arg("cores"), "Bind the calling thread to these cores.");
  module.def("allowed_cores", &allowed_cores);
  module.def("lock_memory", &lock_memory, "mlockall of present and future pages.");
  module.def("prefault_stack", &prefault_stack, py::arg("size_bytes"));
  module.def("name_thread", &name_thread, py::arg("name"));
  module.def("thread_count", &thread_count);
  module.def("thread_names", &thread_names);
  module.def("is_real_time", &is_real_time);
}

}  // namespace

void bind_base(py::module_& module) {
  bind_clock(module);
  bind_histogram(module);
  bind_counters(module);
  bind_inbox(module);
  bind_tuning(module);
}

}  // namespace pitwire
