// The parts of the engine's binding.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings.hpp"
#include "pitwire/engine/core.hpp"

namespace pitwire {
void bind_definitions(pybind11::class_<Core>& cls);
void bind_live(pybind11::module_& module);
void bind_market_views(pybind11::module_& module);
/// NativeOrder and NativePosition; before `Core`, whose signatures name them.
void bind_order_views(pybind11::module_& module);
void bind_orders(pybind11::class_<Core>& cls);
void bind_turns(pybind11::module_& module);
void bind_recorded(pybind11::module_& module);
void bind_replay(pybind11::module_& module);
/// A dict a check, with its inputs (orders.cpp).
pybind11::list explained(const std::vector<CheckResult>& results);
}  // namespace pitwire
