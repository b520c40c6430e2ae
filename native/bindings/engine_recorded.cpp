// A live core that runs over captures.
#include <pybind11/stl.h>

#include "engine.hpp"
#include "live.hpp"
#include "pitwire/engine/recorded_run.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

std::size_t add(RecordedRun& run, std::unique_ptr<RecordedSource> source) {
  run.feed().add(std::move(source));
  return run.feed().size() - 1;
}

}  // namespace

void bind_recorded(py::module_& module) {
  py::class_<RecordedRun>(module, "RecordedRun", "A live core on given time, over captures.")
      .def(py::init([](Live& live, bool align_start) {
             return std::make_unique<RecordedRun>(live.edge, live.clock, align_start);
           }),
           py::arg("live"), py::arg("align_start"), py::keep_alive<1, 2>())
      .def("add_lines",
           [](RecordedRun& self, std::uint32_t feed, std::uint32_t instrument) {
             return add(self,
                        std::make_unique<RecordedLines>(FeedId{feed}, InstrumentId{instrument}));
           })
      .def("add_itch",
           [](RecordedRun& self, std::uint32_t feed, Nanos midnight, std::string name) {
             return add(self,
                        std::make_unique<RecordedItch>(FeedId{feed}, midnight, std::move(name)));
           })
      .def("append", [](RecordedRun& self, std::size_t capture, const py::bytes& piece,
                        bool last) { self.feed().source(capture).append(piece, last); })
      .def("buffered",
           [](RecordedRun& self, std::size_t capture) {
             return self.feed().source(capture).buffered_bytes();
           })
      .def("refused",
           [](RecordedRun& self, std::size_t capture) {
             const RecordedSource& source = self.feed().source(capture);
             return py::make_tuple(source.refused(), source.defect());
           })
      .def_property_readonly("messages", [](RecordedRun& self) { return self.feed().messages(); })
      .def("start", &RecordedRun::start)
      .def("run_native", [](RecordedRun& self, Nanos until, std::uint64_t turns_max) {
        return static_cast<int>(self.run_native(until, turns_max));
      });
}

}  // namespace pitwire
