// The simulated venue for Python: tests and tools drive it as the engine does.
#include <pybind11/stl.h>

#include <memory>

#include "bindings.hpp"
#include "pitwire/market/l2_book.hpp"
#include "pitwire/matching/simulated_venue.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

/// A venue with books of its own, which Python fills level by level.
class PySimulatedVenue {
 public:
  PySimulatedVenue(std::uint32_t instruments, Nanos latency_in_ns, Nanos latency_out_ns,
                   std::uint64_t seed, std::int64_t rejects_per_million)
      : venue_(config(instruments, latency_in_ns, latency_out_ns, seed, rejects_per_million)),
        books_(instruments) {
    views_.reserve(instruments);
    for (std::uint32_t id = 0; id < instruments; ++id) {
      venue_.attach(InstrumentId{id}, &views_.emplace_back(books_[id]));
    }
  }

  void set_level(Nanos now, std::uint32_t instrument, int side, std::int64_t px, std::int64_t qty) {
    require(instrument);
    books_[instrument].set(static_cast<Side>(side), px, qty, now);
    venue_.on_book(now, InstrumentId{instrument});
  }
  void on_trade(Nanos now, std::uint32_t instrument, std::int64_t px, std::int64_t qty,
                int aggressor) {
    require(instrument);
    venue_.on_trade(now, InstrumentId{instrument}, px, qty, static_cast<Side>(aggressor));
  }
  bool on_request(Nanos now, int type, const py::bytes& payload) {
    const std::string_view bytes = payload;
    return venue_.on_request(now, static_cast<RecordType>(type),
                             std::as_bytes(std::span(bytes.data(), bytes.size())));
  }
  py::list poll(Nanos now) {
    struct Collect final : VenueReportSink {
      py::list reports;
      void report(SessionId session, RecordType type, std::span<const std::byte> bytes) override {
        reports.append(
            py::make_tuple(index(session), static_cast<int>(type),
                           py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
      }
    } collect;
    venue_.poll(now, collect);
    return collect.reports;
  }
  [[nodiscard]] Nanos next_deadline() const noexcept { return venue_.next_deadline(); }

 private:
  static SimulatedVenueConfig config(std::uint32_t instruments, Nanos in, Nanos out,
                                     std::uint64_t seed, std::int64_t rejects) {
    SimulatedVenueConfig made;
    made.instruments.resize(instruments);
    for (std::uint32_t id = 0; id < instruments; ++id) {
      made.instruments[id].rules.id = InstrumentId{id};
    }
    made.latency_in = {in, 0};
    made.latency_out = {out, 0};
    made.seed = seed;
    made.rejects_per_million = rejects;
    return made;
  }
  void require(std::uint32_t instrument) const {
    if (instrument >= books_.size()) throw py::index_error("no such instrument");
  }

  SimulatedVenue venue_;
  std::vector<L2Book> books_;
  std::vector<DepthOf<L2Book, Level>> views_;
};

}  // namespace

void bind_matching(py::module_& module) {
  py::class_<PySimulatedVenue>(module, "SimulatedVenue",
                               "Orders matched against recorded quantity; payloads are records.")
      .def(py::init<std::uint32_t, Nanos, Nanos, std::uint64_t, std::int64_t>(),
           py::arg("instruments"), py::arg("latency_in_ns") = 0, py::arg("latency_out_ns") = 0,
           py::arg("seed") = 1, py::arg("rejects_per_million") = 0)
      .def("set_level", &PySimulatedVenue::set_level)
      .def("on_trade", &PySimulatedVenue::on_trade)
      .def("on_request", &PySimulatedVenue::on_request)
      .def("poll", &PySimulatedVenue::poll)
      .def("next_deadline", &PySimulatedVenue::next_deadline);
}

}  // namespace pitwire
