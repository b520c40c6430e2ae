// What module.cpp calls: one function a room.
#pragma once

#include <pybind11/pybind11.h>

namespace pitwire {
void bind_schema(pybind11::module_& module);
void bind_base(pybind11::module_& module);
void bind_wire(pybind11::module_& module);
void bind_market(pybind11::module_& module);
void bind_touch(pybind11::module_& module);
void bind_log(pybind11::module_& module);
void bind_engine(pybind11::module_& module);
void bind_orders(pybind11::module_& module);
void bind_matching(pybind11::module_& module);
void bind_exchange(pybind11::module_& module);
void bind_fix(pybind11::module_& module);
void bind_definitions(pybind11::module_& module);
}  // namespace pitwire
