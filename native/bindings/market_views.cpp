// What strategies read at every update, as types of their own: an attribute of these costs a
// quarter of one through a memoryview and a property in Python, a sixth of one bound by pybind11.
#include <limits>
#include <string>

#include "engine.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A market slot, and the core that it belongs to.
struct SlotObject {
  PyObject_HEAD;
  const MarketSlot* slot;
  PyObject* core;
};

const MarketSlot& slot_of(PyObject* self) { return *reinterpret_cast<SlotObject*>(self)->slot; }

PyObject* number(std::int64_t value) { return PyLong_FromLongLong(value); }
PyObject* number(double value) { return PyFloat_FromDouble(value); }

template <auto Read>
PyObject* get(PyObject* self, void*) {
  return number(Read(slot_of(self)));
}

bool two_sided(const MarketSlot& slot) { return slot.bid_qty != 0 && slot.ask_qty != 0; }

double mid(const MarketSlot& slot) {
  return two_sided(slot) ? static_cast<double>(slot.bid_px + slot.ask_px) / 2 : kNaN;
}

std::int64_t spread(const MarketSlot& slot) {
  return two_sided(slot) ? slot.ask_px - slot.bid_px : 0;
}

template <Signal S>
double signal(const MarketSlot& slot) {
  return slot.signals[static_cast<std::size_t>(S)];
}

#define READS(expression) (get<[](const MarketSlot& slot) { return expression; }>)

PyGetSetDef kBookAttributes[] = {
    {"bid_px", READS(slot.bid_qty != 0 ? slot.bid_px : 0), nullptr, nullptr, nullptr},
    {"bid_qty", READS(slot.bid_qty), nullptr, nullptr, nullptr},
    {"ask_px", READS(slot.ask_qty != 0 ? slot.ask_px : 0), nullptr, nullptr, nullptr},
    {"ask_qty", READS(slot.ask_qty), nullptr, nullptr, nullptr},
    {"mid", get<mid>, nullptr, nullptr, nullptr},
    {"spread", get<spread>, nullptr, nullptr, nullptr},
    {"state_number", READS(slot.state), nullptr, "BookState", nullptr},
    {"trading_number", READS(slot.trading), nullptr, "TradingState", nullptr},
    {"ts_event", READS(slot.ts_event), nullptr, nullptr, nullptr},
    {"ts_core", READS(slot.ts_core), nullptr, nullptr, nullptr},
    {},
};

PyGetSetDef kSignalAttributes[] = {
    {"mid", get<signal<Signal::MID>>, nullptr, nullptr, nullptr},
    {"microprice", get<signal<Signal::MICROPRICE>>, nullptr, nullptr, nullptr},
    {"spread", get<signal<Signal::SPREAD>>, nullptr, nullptr, nullptr},
    {"imbalance", get<signal<Signal::IMBALANCE>>, nullptr, nullptr, nullptr},
    {"ofi", get<signal<Signal::ORDER_FLOW>>, nullptr, nullptr, nullptr},
    {"volatility", get<signal<Signal::VOLATILITY>>, nullptr, nullptr, nullptr},
    {"trade_flow", get<signal<Signal::TRADE_FLOW>>, nullptr, nullptr, nullptr},
    {"trade_rate", get<signal<Signal::TRADE_RATE>>, nullptr, nullptr, nullptr},
    {},
};

#undef READS

/// (core, instrument). In `tp_new`, so that there is none without a slot; a subclass may take more
/// arguments behind them.
PyObject* make(PyTypeObject* type, PyObject* args, PyObject*) {
  try {
    if (PyTuple_Size(args) < 2) throw py::type_error("expected a core and an instrument");
    const py::handle owner = PyTuple_GET_ITEM(args, 0);
    const MarketDesk& market = owner.cast<Core&>().market();
    const auto instrument = py::handle(PyTuple_GET_ITEM(args, 1)).cast<std::uint32_t>();
    if (instrument >= market.instruments()) throw py::index_error("no such instrument");
    auto* self = reinterpret_cast<SlotObject*>(type->tp_alloc(type, 0));
    if (self == nullptr) return nullptr;
    self->slot = &market.slot(InstrumentId{instrument});
    self->core = owner.inc_ref().ptr();
    return reinterpret_cast<PyObject*>(self);
  } catch (const py::cast_error& error) {
    PyErr_SetString(PyExc_TypeError, error.what());
  } catch (const py::builtin_exception& error) {
    error.set_error();
  }
  return nullptr;
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<SlotObject*>(self)->core);
  type->tp_free(self);
  Py_DECREF(type);
}

void add(py::module_& module, const char* name, const char* doc, PyGetSetDef* attributes) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(&make)},
      {Py_tp_dealloc, reinterpret_cast<void*>(&destroy)},
      {Py_tp_getset, attributes},
      {Py_tp_doc, const_cast<char*>(doc)},
      {0, nullptr},
  };
  const std::string whole = std::string("daemon.core.") + name;
  PyType_Spec spec{whole.c_str(), sizeof(SlotObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                   slots};
  auto type = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
  if (!type) throw py::error_already_set();
  module.attr(name) = type;
}

}  // namespace

void bind_market_views(py::module_& module) {
  add(module, "BookSlot", "(core, instrument): its touch, read anew at each look.",
      kBookAttributes);
  add(module, "SignalSlot", "(core, instrument): its signals, read anew at each look.",
      kSignalAttributes);
}

}  // namespace pitwire
