// The published best bid and ask as other processes read it (market/touch_page.hpp).
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "pitwire/market/touch_page.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

std::uint32_t place(const touch::Reader& reader, std::uint32_t at) {
  if (at >= reader.size()) throw py::index_error("no such slot");
  return at;
}

py::object read(const touch::Reader& reader, std::uint32_t at) {
  const auto found = reader.read(place(reader, at));
  if (!found) return py::none();
  return py::make_tuple(found->version, found->bid_px, found->bid_qty, found->bid_orders,
                        found->ask_px, found->ask_qty, found->ask_orders, found->ts_event,
                        found->ts_recv, found->sequence, found->book_state, found->trading_state);
}

py::tuple row(const touch::Reader& reader, std::uint32_t at) {
  const auto& row = reader.row(place(reader, at));
  return py::make_tuple(std::string(reader.symbol(at)), row.price_mantissa, row.price_exponent,
                        row.qty_mantissa, row.qty_exponent);
}

}  // namespace

void bind_touch(py::module_& module) {
  using touch::Reader;
  py::enum_<touch::WriterState>(module, "TouchWriterState", "Of a touch page's writer.")
      .value("LIVE", touch::WriterState::LIVE)
      .value("ENDED", touch::WriterState::ENDED)
      .value("REPLACED", touch::WriterState::REPLACED);
  py::class_<Reader>(module, "TouchReader", "Reader of another process's best bids and asks.")
      .def(py::init<const std::string&>(), py::arg("path"))
      .def("__len__", &Reader::size)
      .def("row", &row, py::arg("at"))
      .def("read", &read, py::arg("at"))
      .def("alive", &Reader::alive, py::arg("now"), py::arg("silence_max_ns"))
      .def_property_readonly("state", &Reader::state)
      .def_property_readonly("pid", [](const Reader& self) { return self.header().pid; })
      .def_property_readonly("epoch", [](const Reader& self) { return self.header().epoch; })
      .def_property_readonly("started_ts",
                             [](const Reader& self) { return self.header().started_ts; })
      .def_property_readonly("alive_ts", [](const Reader& self) {
        return self.header().alive_ts.load(std::memory_order_acquire);
      });
}

}  // namespace pitwire
