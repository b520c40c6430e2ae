// What strategies are told without leaving C++, measured where a clock may be read.
//
// Nearly all turns that wake Python tell strategies of books, trades, timers and their own orders,
// and nobody of anything else. Such messages need no queue: they are made here and handed to the
// strategies' mailboxes in the order in which the general way (daemon/runtime/turn.py) would hand
// them over, and the turn ends here too if nothing else followed. Anything else is left to the
// general way, which goes on where this stopped.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "pitwire/base/histogram.hpp"

namespace pitwire {

namespace py = pybind11;

[[nodiscard]] inline Nanos monotonic_now() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// Calls since the last such cost was taken, and what they took in ns.
struct Cost {
  std::uint64_t calls = 0;
  Nanos total_ns = 0;
  Nanos max_ns = 0;
  std::uint64_t over_budget = 0;

  void add(Nanos took) noexcept {
    ++calls;
    total_ns += took;
    max_ns = std::max(max_ns, took);
  }
};

/// Stands in a mailbox before an actor's `handle` and measures it.
class HandlerTimes {
 public:
  HandlerTimes(const py::object& mailbox, Nanos budget_ns)
      : budget_ns(budget_ns), handle_(mailbox.attr("handle")) {}

  /// The handler's answer, a new reference; nullptr where it raised. `at` is the time now, and is
  /// afterwards the time at which it returned: the clock is read once a handler.
  PyObject* call(PyObject* message, Nanos& at) {
    const Nanos began = at;
    PyObject* answer = PyObject_CallOneArg(handle_.ptr(), message);
    at = monotonic_now();
    const Nanos took = at - began;
    histogram.record(took);
    cost_.add(took);
    if (took > budget_ns) {
      ++over_budget;
      ++cost_.over_budget;
    }
    return answer;
  }
  Cost take() noexcept { return std::exchange(cost_, Cost{}); }
  template <class F>
  void objects(F&& f) {
    f(handle_);
  }

  Histogram histogram;
  std::uint64_t over_budget = 0;
  Nanos budget_ns;

 private:
  py::object handle_;
  Cost cost_;
};

/// Python's names for what events say by number.
struct DeliveredTypes {
  py::object book, trade, timer, order, fill;            ///< messages, fields by position
  std::vector<py::object> sides, states, events, kinds;  ///< members of enumerations, by number

  template <class F>
  void objects(F&& f) {
    for (py::object* each : {&book, &trade, &timer, &order, &fill}) f(*each);
    for (auto* members : {&sides, &states, &events, &kinds}) {
      for (py::object& each : *members) f(each);
    }
  }
};

/// Tells strategies what is theirs alone to hear.
class Delivery {
 public:
  /// `mailboxes` by strategy, `symbols` by instrument; `failed` gets a mailbox and what its handler
  /// raised; `queue` is the dispatcher's.
  Delivery(Core& core, DeliveredTypes types, std::vector<py::object> symbols,
           std::vector<py::object> mailboxes, py::object failed, py::object queue)
      : core_(core),
        types_(std::move(types)),
        symbols_(std::move(symbols)),
        mailboxes_(std::move(mailboxes)),
        handlers_(mailboxes_.size()),
        failed_(std::move(failed)),
        queue_(std::move(queue)) {}

  /// A Python phase that is about such things alone: strategies were told, also of what followed.
  /// True if that was all and the turn has ended; else the general way goes on. `at` as in
  /// HandlerTimes.
  bool run(Nanos at) {
    if (!core_.tells_only_strategies()) return false;
    do {
      core_.take_events(events_);
      for (const Event& event : events_) tell(event, at);
    } while (core_.tells_only_strategies());
    if (core_.has_events() || PyObject_Size(queue_.ptr()) != 0) return false;
    core_.end_turn();
    return true;
  }
  template <class F>
  void objects(F&& f) {
    types_.objects(f);
    for (py::object* each : {&failed_, &queue_, &observe}) f(*each);
    for (py::object& each : symbols_) f(each);
    for (py::object& each : mailboxes_) f(each);
    for (Handler& each : handlers_) f(each.handle);
  }

  /// Shown each event but books' before its strategy is: (strategy, sequence, ts_core, message).
  py::object observe = py::none();

 private:
  /// A mailbox's handler as it was found last, and whether it measures itself.
  struct Handler {
    py::object handle;
    HandlerTimes* timed = nullptr;
  };

  /// Whoever measures a mailbox's handler puts another in its place, at any time.
  Handler& handler_of(std::uint32_t strategy) {
    static PyObject* const name = PyUnicode_InternFromString("handle");
    auto now =
        py::reinterpret_steal<py::object>(PyObject_GetAttr(mailboxes_[strategy].ptr(), name));
    if (!now) throw py::error_already_set();
    Handler& last = handlers_[strategy];
    if (!last.handle.is(now)) {
      last.timed = py::isinstance<HandlerTimes>(now) ? &now.cast<HandlerTimes&>() : nullptr;
      last.handle = std::move(now);
    }
    return last;
  }

  void tell(const Event& event, Nanos& at) {
    const py::object message = message_of(event);
    if (event.kind != EventKind::BOOK && !observe.is_none()) {
      observe(event.strategy, event.values[kEventSequence], event.values[kEventTs], message);
    }
    Handler& handler = handler_of(event.strategy);
    PyObject* answer = handler.timed != nullptr
                           ? handler.timed->call(message.ptr(), at)
                           : PyObject_CallOneArg(handler.handle.ptr(), message.ptr());
    if (answer == nullptr) return fail(mailboxes_[event.strategy]);
    Py_DECREF(answer);
  }
  void fail(const py::object& mailbox) {
    const py::error_already_set raised;
    if (!raised.matches(PyExc_Exception)) throw raised;
    failed_(mailbox, raised.value());
  }

  // ---- messages: what `values` hold is said by the builders of daemon/runtime/events.py

  [[nodiscard]] py::object message_of(const Event& event) const {
    const auto& v = event.values;
    const auto& symbol = [&]() -> const py::object& { return symbols_[event.instrument]; };
    switch (event.kind) {
      case EventKind::BOOK:
        return made(types_.book, symbol(), py::int_(v[0]), py::int_(v[1]));
      case EventKind::TRADE:
        return made(types_.trade, symbol(), py::int_(v[0]), py::int_(v[1]),
                    member(types_.sides, v[2]), py::int_(v[3]), py::int_(v[4]));
      case EventKind::TIMER:
        return made(types_.timer, py::int_(v[0]), py::int_(v[1]), py::int_(v[2]));
      case EventKind::ORDER:
        return made(types_.order, py::int_(v[0]), py::int_(v[1]), symbol(),
                    member(types_.sides, v[2]), member(types_.states, v[3]),
                    member(types_.states, v[4]), member(types_.events, v[5]), py::int_(v[6]),
                    py::int_(v[7]), py::int_(v[8]), py::int_(v[9]), py::int_(v[10]),
                    py::bool_(v[11] != 0));
      default:
        return made(types_.fill, py::int_(v[0]), symbol(), member(types_.sides, v[1]),
                    py::int_(v[2]), py::int_(v[3]), py::bool_(v[4] != 0), py::int_(v[5]),
                    py::int_(v[6]), py::int_(v[7]), py::int_(v[8]), py::str(event.text),
                    member(types_.kinds, v[9]), py::int_(v[10]));
    }
  }
  [[nodiscard]] static const py::object& member(const std::vector<py::object>& of,
                                                std::int64_t number) {
    return of.at(static_cast<std::size_t>(number));
  }
  template <class... Fields>
  [[nodiscard]] static py::object made(const py::object& type, const Fields&... fields) {
    PyObject* of[] = {fields.ptr()...};
    auto message = py::reinterpret_steal<py::object>(
        PyObject_Vectorcall(type.ptr(), of, sizeof...(fields), nullptr));
    if (!message) throw py::error_already_set();
    return message;
  }

  Core& core_;
  DeliveredTypes types_;
  std::vector<py::object> symbols_;
  std::vector<py::object> mailboxes_;
  std::vector<Handler> handlers_;  ///< by strategy
  py::object failed_;
  py::object queue_;
  std::vector<Event> events_;
};

}  // namespace pitwire
