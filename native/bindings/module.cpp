// daemon.core: the native core as Python sees it. Each room binds itself in a file of its own.
#include <pybind11/pybind11.h>

#include "bindings.hpp"

PYBIND11_MODULE(core, module) {
  module.doc() = "The deterministic core of pitwire.";
  pitwire::bind_schema(module);
}
