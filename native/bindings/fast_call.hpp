// Methods that Python calls without pybind11's dispatch, which is most of a short call: arguments
// by position, one signature, integers. For what is called once an event.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace pitwire {

/// Integers of a call, those left out 0. False, with Python's TypeError or OverflowError set,
/// unless there are `least` to N of them and each fits.
template <std::size_t N>
bool integers_of(PyObject* const* arguments, Py_ssize_t given, std::size_t least,
                 std::array<std::int64_t, N>& out) noexcept {
  const auto count = static_cast<std::size_t>(given);
  if (count < least || count > N) {
    PyErr_Format(PyExc_TypeError, "expected %zu to %zu integers by position, got %zu", least, N,
                 count);
    return false;
  }
  out.fill(0);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = PyLong_AsLongLong(arguments[i]);
    if (out[i] == -1 && PyErr_Occurred() != nullptr) return false;
  }
  return true;
}

/// `Call` is the method `name` of a bound class. It must not throw: nullptr, with an error set.
template <class T, PyObject* (*Call)(T&, PyObject* const*, Py_ssize_t) noexcept>
void def_fast(pybind11::class_<T>& cls, const char* name, const char* doc) {
  // Python has seen to it that `self` is of the class, not that __init__ has made what it holds.
  constexpr auto method = [](PyObject* self, PyObject* const* arguments, Py_ssize_t given) {
    auto* const instance = reinterpret_cast<pybind11::detail::instance*>(self);
    auto* const held = instance->get_value_and_holder().value_ptr<T>();
    if (held != nullptr) return Call(*held, arguments, given);
    PyErr_SetString(PyExc_TypeError, "__init__() was not called");
    return static_cast<PyObject*>(nullptr);
  };
  static PyMethodDef definition{
      name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(+method)), METH_FASTCALL,
      doc};
  auto* const type = reinterpret_cast<PyTypeObject*>(cls.ptr());
  cls.attr(name) =
      pybind11::reinterpret_steal<pybind11::object>(PyDescr_NewMethod(type, &definition));
}

}  // namespace pitwire
