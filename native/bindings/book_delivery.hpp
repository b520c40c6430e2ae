// Books' way to the strategies without leaving C++, measured where a clock may be read.
//
// Most turns that wake Python tell strategies of books and of nothing else. Their messages need no
// queue: they are made here and handed to the strategies' mailboxes in the order in which the
// general way (daemon/runtime/turn.py) would hand them over, and the turn ends here too if nothing
// followed from it. Anything else is left to the general way, which goes on where this stopped.
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

/// Tells strategies of books.
class BookDelivery {
 public:
  /// `mailboxes` by strategy, `symbols` by instrument; `update` makes a message of a symbol and two
  /// times; `failed` gets a mailbox and what its handler raised; `queue` is the dispatcher's.
  BookDelivery(Core& core, py::object update, std::vector<py::object> symbols,
               std::vector<py::object> mailboxes, py::object failed, py::object queue)
      : core_(core),
        update_(std::move(update)),
        symbols_(std::move(symbols)),
        mailboxes_(std::move(mailboxes)),
        handlers_(mailboxes_.size()),
        failed_(std::move(failed)),
        queue_(std::move(queue)) {}

  /// A Python phase that is about books alone: strategies were told. True if that was all and the
  /// turn has ended; else the general way goes on. `at` as in HandlerTimes.
  bool run(Nanos at) {
    if (!core_.tells_only_books()) return false;
    core_.take_events(events_);
    for (const Event& event : events_) tell(event, at);
    if (core_.has_events() || PyObject_Size(queue_.ptr()) != 0) return false;
    core_.end_turn();
    return true;
  }
  template <class F>
  void objects(F&& f) {
    for (py::object* each : {&update_, &failed_, &queue_}) f(*each);
    for (py::object& each : symbols_) f(each);
    for (py::object& each : mailboxes_) f(each);
    for (Handler& each : handlers_) f(each.handle);
  }

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
    const auto ts_event = py::int_(event.values[0]);
    const auto ts_core = py::int_(event.values[1]);
    PyObject* of[] = {symbols_[event.instrument].ptr(), ts_event.ptr(), ts_core.ptr()};
    const auto message =
        py::reinterpret_steal<py::object>(PyObject_Vectorcall(update_.ptr(), of, 3, nullptr));
    if (!message) throw py::error_already_set();
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

  Core& core_;
  py::object update_;
  std::vector<py::object> symbols_;
  std::vector<py::object> mailboxes_;
  std::vector<Handler> handlers_;  ///< by strategy
  py::object failed_;
  py::object queue_;
  std::vector<Event> events_;
};

}  // namespace pitwire
