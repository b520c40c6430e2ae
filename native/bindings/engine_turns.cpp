// Turns of a live core, and what they take.
#include <pybind11/stl.h>

#include <optional>

#include "book_delivery.hpp"
#include "live.hpp"

namespace pitwire {
namespace {

/// Lets Python's collector see through a class that holds Python objects: without it a circle
/// through one would never be freed. `T::objects(f)` hands each to f.
template <class T>
py::custom_type_setup collected() {
  return py::custom_type_setup([](PyHeapTypeObject* heap_type) {
    PyTypeObject& type = heap_type->ht_type;
    type.tp_flags |= Py_TPFLAGS_HAVE_GC;
    type.tp_traverse = [](PyObject* self, visitproc visit, void* arg) {
      Py_VISIT(Py_TYPE(self));
      int answer = 0;
      if (py::detail::is_holder_constructed(self)) {
        py::cast<T&>(py::handle(self)).objects([&](py::object& held) {
          if (answer == 0 && held) answer = visit(held.ptr(), arg);
        });
      }
      return answer;
    };
    type.tp_clear = [](PyObject* self) {
      if (py::detail::is_holder_constructed(self)) {
        py::cast<T&>(py::handle(self)).objects([](py::object& held) { held = py::none(); });
      }
      return 0;
    };
  });
}

py::tuple tuple_of(const Cost& cost) {
  return py::make_tuple(cost.calls, cost.total_ns, cost.max_ns, cost.over_budget);
}

/// Takes turns on a live core and measures them: in whole, their native and their Python phases.
class Turns {
 public:
  Turns(Live& live, py::object phase)
      : live_(live), phase_(std::move(phase)), books_(phase_.attr("books")) {}

  /// At most so many turns, fewer where the edges have nothing more or something was said that is
  /// not about books. True if the last of them had a Python phase.
  bool take(int turns_max) {
    auto& books = books_.cast<BookDelivery&>();
    bool had_phase = false;
    for (bool told_books = true; turns_max > 0 && told_books; --turns_max) {
      const Nanos began = monotonic_now();
      had_phase = live_.edge.drain();
      const Nanos drained = monotonic_now();
      native.record(drained - began);
      native_ns_ += drained - began;
      if (had_phase) {
        told_books = books.run();
        if (!told_books) phase_.attr("go_on")();
        const Nanos ended = monotonic_now();
        python.record(ended - drained);
        cost_.add(ended - drained);
        turn.record(ended - began);
      } else {
        turn.record(drained - began);
      }
      if (!live_.edge.busy()) break;
    }
    return had_phase;
  }

  /// The native phases' ns and the Python phases' cost since this was last asked; nothing where
  /// there was no Python phase.
  std::optional<std::pair<Nanos, Cost>> take_cost() {
    if (cost_.calls == 0) return std::nullopt;
    return std::pair{std::exchange(native_ns_, 0), std::exchange(cost_, Cost{})};
  }
  template <class F>
  void objects(F&& f) {
    f(phase_);
    f(books_);
  }

  /// A histogram of ours, or one that others can read.
  class Durations {
   public:
    void record(Nanos took) { to_->record(took); }
    [[nodiscard]] const py::object& shown() const noexcept { return shown_; }
    void show(py::object histogram) {
      shown_ = std::move(histogram);
      to_ = &shown_.cast<Histogram&>();
    }

   private:
    py::object shown_ = py::cast(Histogram());
    Histogram* to_ = &shown_.cast<Histogram&>();
  };
  Durations turn, native, python;

 private:
  Live& live_;
  py::object phase_;
  py::object books_;
  Nanos native_ns_ = 0;
  Cost cost_;
};

}  // namespace

void bind_turns(py::module_& module) {
  py::class_<HandlerTimes>(module, "HandlerTimes", collected<HandlerTimes>(),
                           "Durations of a mailbox's handler; called in its place.")
      .def(py::init<const py::object&, Nanos>(), py::arg("mailbox"), py::arg("budget_ns"))
      .def("__call__",
           [](HandlerTimes& self, const py::object& message) {
             auto answer = py::reinterpret_steal<py::object>(self.call(message.ptr()));
             if (!answer) throw py::error_already_set();
             return answer;
           })
      .def("take", [](HandlerTimes& self) { return tuple_of(self.take()); })
      .def_property_readonly("histogram",
                             [](HandlerTimes& self) -> Histogram& { return self.histogram; })
      .def_readonly("over_budget", &HandlerTimes::over_budget)
      .def_readonly("budget_ns", &HandlerTimes::budget_ns);

  py::class_<BookDelivery>(module, "BookDelivery", collected<BookDelivery>(),
                           "Tells strategies of books.")
      .def(py::init<Core&, py::object, std::vector<py::object>, std::vector<py::object>, py::object,
                    py::object>(),
           py::keep_alive<1, 2>(), py::arg("core"), py::arg("update"), py::arg("symbols"),
           py::arg("mailboxes"), py::arg("failed"), py::arg("queue"))
      .def("run", &BookDelivery::run,
           "Tell of books where the phase is about books alone; True: the turn has ended.");

  py::class_<Turns> turns(module, "Turns", collected<Turns>(),
                          "Takes turns on a live core, and measures them.");
  turns
      .def(py::init<Live&, py::object>(), py::keep_alive<1, 2>(), py::arg("live"), py::arg("phase"))
      .def("take", &Turns::take, py::arg("turns_max") = 1,
           "Turns while there is work and they are about books alone; True where the last had a "
           "Python phase.")
      .def("take_cost", [](Turns& self) -> std::optional<py::tuple> {
        const auto cost = self.take_cost();
        if (!cost) return std::nullopt;
        return py::make_tuple(cost->first, tuple_of(cost->second));
      });
  const auto durations = [&turns](const char* name, auto member) {
    turns.def_property(
        name, [member](const Turns& self) { return (self.*member).shown(); },
        [member](Turns& self, py::object histogram) { (self.*member).show(std::move(histogram)); });
  };
  durations("turn", &Turns::turn);
  durations("native", &Turns::native);
  durations("python", &Turns::python);
}

}  // namespace pitwire
