// L2 and L3 books for Python: batches as NumPy records, single changes as integers.
#include <algorithm>
#include <span>
#include <string>

#include "bindings.hpp"
#include "fast_call.hpp"
#include "market_rows.hpp"
#include "pitwire/market/l2_book.hpp"
#include "pitwire/market/l3_book.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

enum class Action : std::uint8_t {
  NONE = 0,
  ADD = 1,
  EXECUTE = 2,
  CANCEL = 3,
  REMOVE = 4,
  REPLACE = 5,
  MODIFY = 6,
  CLEAR = 7,
};

struct L3Delta {
  std::uint64_t ref;
  std::uint64_t new_ref;
  std::int64_t px;
  std::int64_t qty;
  std::int64_t ts_event;
  std::uint64_t sequence;
  std::uint8_t action;
  std::uint8_t side;
  std::uint8_t flags;
  std::uint8_t reserved[5];
};
static_assert(sizeof(L3Delta) == 56);

/// The array's records where they lie. TypeError unless its dtype is T's and it is contiguous.
/// Comparing two structured dtypes takes microseconds, their addresses nothing: arrays made with
/// the module's own dtype pass by the second.
template <class T>
std::span<const T> records(const py::array& array) {
  static const py::handle dtype = py::dtype::of<T>().release();  // lives as long as the module
  const auto given = array.dtype();
  if (!given.is(dtype) && !given.equal(dtype)) {
    throw py::type_error("expected an array of dtype " + std::string(py::str(dtype)));
  }
  if (array.ndim() != 1 || (array.flags() & py::array::c_style) == 0) {
    throw py::type_error("expected a contiguous array of one dimension");
  }
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

class PyL2Book {
 public:
  bool apply(const py::array& deltas) {
    bool changed = false;
    for (const auto& delta : records<L2Delta>(deltas)) {
      if (delta.side != 1 && delta.side != 2) throw py::value_error("side: expected 1 or 2");
      if (rows.interval_ended(delta.ts_event)) rows.add(book, 0, sequence_, rows.boundary());
      changed |= book.apply(delta);
      if ((delta.flags & kDeltaLast) == 0) continue;
      ++sequence_;
      if (rows.every_message()) rows.add(book, 0, sequence_, delta.ts_event);
    }
    return changed;
  }
  L2Book book;
  RowRecorder rows;

 private:
  std::uint64_t sequence_ = 0;
};

/// L2Book.set(side, px, qty, ts_event).
PyObject* set_level(PyL2Book& self, PyObject* const* arguments, Py_ssize_t given) noexcept {
  std::array<std::int64_t, 4> values;
  if (!integers_of(arguments, given, 3, values)) return nullptr;
  const auto [side, px, qty, ts_event] = values;
  if (side != 1 && side != 2) {
    PyErr_SetString(PyExc_ValueError, kSideExpected);
    return nullptr;
  }
  return PyBool_FromLong(self.book.set(static_cast<Side>(side), px, qty, ts_event) ? 1 : 0);
}

class PyL3Book {
 public:
  explicit PyL3Book(std::size_t orders_expected) : store_(orders_expected), book(store_) {}

  /// How many of the deltas were applied.
  std::size_t apply(const py::array& deltas) {
    std::size_t applied = 0;
    for (const auto& delta : records<L3Delta>(deltas)) {
      if (rows.interval_ended(delta.ts_event)) rows.add(book, 0, sequence_, rows.boundary());
      const auto status = apply_one(delta);
      ++statuses[static_cast<std::size_t>(status)];
      applied += status == DecodeStatus::OK ? 1 : 0;
      sequence_ = delta.sequence;
      if ((delta.flags & kDeltaLast) != 0 && rows.every_message()) {
        rows.add(book, 0, delta.sequence, delta.ts_event);
      }
    }
    return applied;
  }
  py::dict counts() const {
    py::dict out;
    for (std::size_t i = 0; i < kDecodeStatuses; ++i) {
      if (statuses[i] != 0) out[py::str(to_string(static_cast<DecodeStatus>(i)))] = statuses[i];
    }
    return out;
  }

 private:
  DecodeStatus apply_one(const L3Delta& d) {
    const auto side = d.side <= 2 ? static_cast<Side>(d.side) : Side::NONE;
    switch (static_cast<Action>(d.action)) {
      case Action::NONE:
        return DecodeStatus::SKIPPED;
      case Action::ADD:
        return book.add(d.ref, side, d.px, d.qty, d.ts_event).status;
      case Action::EXECUTE:
        return book.execute(d.ref, d.qty, d.ts_event).status;
      case Action::CANCEL:
        return book.cancel(d.ref, d.qty, d.ts_event).status;
      case Action::REMOVE:
        return book.remove(d.ref, d.ts_event).status;
      case Action::REPLACE:
        return book.replace(d.ref, d.new_ref, d.px, d.qty, d.ts_event).status;
      case Action::MODIFY:
        return book.modify(d.ref, side, d.px, d.qty, d.ts_event).status;
      case Action::CLEAR:
        book.clear(d.ts_event);
        return DecodeStatus::OK;
    }
    return DecodeStatus::UNKNOWN_TYPE;
  }

  OrderStore store_;
  std::uint64_t sequence_ = 0;

 public:
  L3Book book;
  RowRecorder rows;
  std::array<std::uint64_t, kDecodeStatuses> statuses{};
};

void bind_l2(py::module_& module) {
  py::class_<PyL2Book> cls(module, "L2Book",
                           "Quantities by price. Integers: price increments, lots.");
  def_fast<PyL2Book, set_level>(cls, "set",
                                "set(side, px, qty, ts_event=0, /): the quantity at the price is "
                                "now `qty`, 0 removes. True if "
                                "the touch changed.");
  cls.def(py::init<>())
      .def("apply", &PyL2Book::apply, py::arg("deltas").noconvert(),
           "Apply an array of dtype L2_DELTA in order. True if the touch changed.")
      .def(
          "clear", [](PyL2Book& self, Nanos ts) { self.book.clear(ts); }, py::arg("ts_event") = 0)
      .def(
          "top", [](const PyL2Book& self) { return top_tuple(self.book.top()); },
          "(bid_px, bid_qty, ask_px, ask_qty, ts_event, updates); None for an empty side.")
      .def(
          "levels",
          [](const PyL2Book& self, int side, std::size_t depth) {
            return levels_list(self.book, side, depth);
          },
          py::arg("side"), py::arg("depth"), "[(px, qty, 0)], the best first.")
      .def(
          "level_count",
          [](const PyL2Book& self, int side) { return self.book.level_count(side_of(side)); },
          py::arg("side"))
      .def(
          "record",
          [](PyL2Book& self, std::size_t depth, Nanos every) { self.rows.start(depth, every); },
          py::arg("depth"), py::arg("every_ns") = 0,
          "Collect BOOK_ROW records after every message (a delta flagged 1), or every so often.")
      .def("take_rows", [](PyL2Book& self) { return self.rows.take(); });
}

void bind_l3(py::module_& module) {
  py::class_<PyL3Book>(module, "L3Book", "Orders in price-time priority. Integers throughout.")
      .def(py::init<std::size_t>(), py::arg("orders_expected") = 1024)
      .def("apply", &PyL3Book::apply, py::arg("deltas").noconvert(),
           "Apply an array of dtype L3_DELTA in order; how many were. The rest: counts().")
      .def(
          "add",
          [](PyL3Book& self, std::uint64_t ref, int side, std::int64_t px, std::int64_t qty,
             Nanos ts) {
            return static_cast<int>(self.book.add(ref, side_of(side), px, qty, ts).status);
          },
          py::arg("ref"), py::arg("side"), py::arg("px"), py::arg("qty"), py::arg("ts_event") = 0,
          "DecodeStatus, 0 for done.")
      .def(
          "execute",
          [](PyL3Book& self, std::uint64_t ref, std::int64_t qty, Nanos ts) {
            return static_cast<int>(self.book.execute(ref, qty, ts).status);
          },
          py::arg("ref"), py::arg("qty"), py::arg("ts_event") = 0)
      .def(
          "remove",
          [](PyL3Book& self, std::uint64_t ref, Nanos ts) {
            return static_cast<int>(self.book.remove(ref, ts).status);
          },
          py::arg("ref"), py::arg("ts_event") = 0)
      .def(
          "top", [](const PyL3Book& self) { return top_tuple(self.book.top()); },
          "(bid_px, bid_qty, ask_px, ask_qty, ts_event, updates); None for an empty side.")
      .def(
          "levels",
          [](const PyL3Book& self, int side, std::size_t depth) {
            return levels_list(self.book, side, depth);
          },
          py::arg("side"), py::arg("depth"), "[(px, qty, orders)], the best first.")
      .def(
          "level_count",
          [](const PyL3Book& self, int side) { return self.book.level_count(side_of(side)); },
          py::arg("side"))
      .def("order_count", [](const PyL3Book& self) { return self.book.order_count(); })
      .def(
          "qty_ahead",
          [](const PyL3Book& self, std::uint64_t ref) { return self.book.qty_ahead(ref); },
          py::arg("ref"), "Lots that trade before the order at its price, -1 if unknown.")
      .def("counts", &PyL3Book::counts, "Outcomes of apply() by name.")
      .def(
          "record",
          [](PyL3Book& self, std::size_t depth, Nanos every) { self.rows.start(depth, every); },
          py::arg("depth"), py::arg("every_ns") = 0,
          "Collect BOOK_ROW records after every message (a delta flagged 1), or every so often.")
      .def("take_rows", [](PyL3Book& self) { return self.rows.take(); });
}

}  // namespace

void bind_market_feeds(py::module_& module);

void bind_market(py::module_& module) {
  PYBIND11_NUMPY_DTYPE(L2Delta, px, qty, ts_event, side, flags);
  PYBIND11_NUMPY_DTYPE(L3Delta, ref, new_ref, px, qty, ts_event, sequence, action, side, flags,
                       reserved);
  PYBIND11_NUMPY_DTYPE(BookRow, ts_event, sequence, px, size, instrument, level, side, reserved);
  module.attr("L2_DELTA") = py::dtype::of<L2Delta>();
  module.attr("L3_DELTA") = py::dtype::of<L3Delta>();
  module.attr("BOOK_ROW") = py::dtype::of<BookRow>();
  bind_l2(module);
  bind_l3(module);
  bind_market_feeds(module);
}

}  // namespace pitwire
