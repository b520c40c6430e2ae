// A dialect and a venue's names of instruments, from Python's dictionaries.
#pragma once

#include <pybind11/pybind11.h>

#include <vector>

#include "pitwire/fix/session.hpp"

namespace pitwire {

/// Throws std::invalid_argument, "key: reason".
[[nodiscard]] FixDialect dialect_of(const pybind11::dict& spec);
[[nodiscard]] std::vector<FixInstrument> instruments_of(const pybind11::list& specs);

void bind_dialect(pybind11::module_& module);

}  // namespace pitwire
