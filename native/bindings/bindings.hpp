// What module.cpp calls: one function a room.
#pragma once

#include <pybind11/pybind11.h>

namespace pitwire {
void bind_schema(pybind11::module_& module);
}  // namespace pitwire
