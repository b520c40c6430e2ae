// Turns of a live core, and what they take.
#include <pybind11/stl.h>

#include <optional>

#include "delivery.hpp"
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

/// `messages` are the types BookUpdate, Trade, TimerFired, OrderUpdate and Fill; `members` the
/// enumerations Side, OrderState, OrderEvent and FillKind, each a list by number.
std::unique_ptr<Delivery> make_delivery(Core& core, const std::array<py::object, 5>& messages,
                                        std::array<std::vector<py::object>, 4> members,
                                        std::vector<py::object> symbols,
                                        std::vector<py::object> mailboxes, py::object failed,
                                        py::object queue) {
  const auto& [book, trade, timer, order, fill] = messages;
  auto& [sides, states, events, kinds] = members;
  DeliveredTypes types{book,
                       trade,
                       timer,
                       order,
                       fill,
                       std::move(sides),
                       std::move(states),
                       std::move(events),
                       std::move(kinds)};
  return std::make_unique<Delivery>(core, std::move(types), std::move(symbols),
                                    std::move(mailboxes), std::move(failed), std::move(queue));
}

py::tuple tuple_of(const Cost& cost) {
  return py::make_tuple(cost.calls, cost.total_ns, cost.max_ns, cost.over_budget);
}

/// Takes turns on a live core and measures them: in whole, their native and their Python phases.
class Turns {
 public:
  Turns(Live& live, py::object phase)
      : live_(live), phase_(std::move(phase)), direct_(phase_.attr("direct")) {}

  /// Turns while the edges have something: at most `turns_max` of those that know of more behind
  /// them. With `spin_ns` it looks for so long for more, again and again while it comes. It ends
  /// where something was said that is not for strategies alone, behind a Python phase with nothing
  /// known to wait, and when the loop has something to do or has waited for kLoopWaits. True if the
  /// last had a Python phase.
  bool take(int turns_max, Nanos spin_ns) {
    auto& direct = direct_.cast<Delivery&>();
    idle = false;
    now_ = monotonic_now();
    const Nanos until = spin_ns == 0 ? now_ : now_ + std::max(spin_ns, kLoopWaits);
    Nanos seen = now_;  // something
    while (true) {
      const bool had_phase = run_native(seen);
      if (had_phase && !run_python(direct)) return true;
      if (live_.edge.busy()) {
        if (--turns_max <= 0) return had_phase;
        continue;
      }
      if (had_phase && spin_ns != 0) return true;
      idle = now_ >= std::min(until, seen + spin_ns) || !live_.edge.keep_looking(now_);
      if (idle) return had_phase;
      rehearse();
    }
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
    f(direct_);
    f(rehearsal);
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
  py::object rehearsal = py::none();  ///< called wherever the core has rehearsed
  bool idle = false;  ///< the last take() ended with nothing known to wait, and none found

 private:
  // Its timers are late by as much; its descriptors are looked at with ours.
  static constexpr Nanos kLoopWaits = kMillisecond;

  void rehearse() {
    const auto rehearsals = live_.edge.stats().rehearsals;
    if (rehearsals == rehearsed_) return;
    rehearsed_ = rehearsals;
    if (rehearsal.is_none()) return;
    rehearsal();
    now_ = monotonic_now();
  }

  /// One that finds nothing is a look and no turn: it is not measured.
  bool run_native(Nanos& seen) {
    began_ = now_;
    const auto looks = live_.edge.stats().looks;
    const bool wants_python = live_.edge.drain();
    now_ = monotonic_now();
    if (live_.edge.stats().looks != looks) return false;
    seen = now_;
    native.record(now_ - began_);
    native_ns_ += now_ - began_;
    if (!wants_python) turn.record(now_ - began_);
    return wants_python;
  }
  /// True where only strategies were told of something.
  bool run_python(Delivery& direct) {
    const Nanos drained = now_;
    const bool told = direct.run(drained);
    if (!told) phase_.attr("go_on")();
    now_ = monotonic_now();
    python.record(now_ - drained);
    cost_.add(now_ - drained);
    turn.record(now_ - began_);
    return told;
  }
  Live& live_;
  py::object phase_;
  py::object direct_;
  std::uint64_t rehearsed_ = 0;
  Nanos now_ = 0;    ///< when it was last read
  Nanos began_ = 0;  ///< of the turn
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
             Nanos now = monotonic_now();
             auto answer = py::reinterpret_steal<py::object>(self.call(message.ptr(), now));
             if (!answer) throw py::error_already_set();
             return answer;
           })
      .def("take", [](HandlerTimes& self) { return tuple_of(self.take()); })
      .def_property_readonly("histogram",
                             [](HandlerTimes& self) -> Histogram& { return self.histogram; })
      .def_readonly("over_budget", &HandlerTimes::over_budget)
      .def_readonly("budget_ns", &HandlerTimes::budget_ns);

  py::class_<Delivery>(module, "Delivery", collected<Delivery>(),
                       "Tells strategies what is theirs alone to hear.")
      .def(py::init(&make_delivery), py::keep_alive<1, 2>(), py::arg("core"), py::arg("messages"),
           py::arg("members"), py::arg("symbols"), py::arg("mailboxes"), py::arg("failed"),
           py::arg("queue"))
      .def_readwrite("observe", &Delivery::observe)
      .def(
          "run", [](Delivery& self) { return self.run(monotonic_now()); },
          "Tell them where the phase is for strategies alone; True: the turn has ended.");

  py::class_<Turns> turns(module, "Turns", collected<Turns>(),
                          "Takes turns on a live core, and measures them.");
  turns
      .def(py::init<Live&, py::object>(), py::keep_alive<1, 2>(), py::arg("live"), py::arg("phase"))
      .def(
          "take", &Turns::take, py::arg("turns_max") = 1, py::arg("spin_ns") = 0,
          "Turns while there is work and they are for strategies alone, for `spin_ns` also such as "
          "arrives meanwhile; True where the last had a Python phase.")
      .def_readwrite("rehearsal", &Turns::rehearsal,
                     "Called with nothing while there is no work, wherever the core rehearses.")
      .def_readonly("idle", &Turns::idle, "The last take() ended because nothing was left to do.")
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
