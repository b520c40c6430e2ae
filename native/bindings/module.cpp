// daemon.core: the native core as Python sees it. Each room binds itself in a file of its own.
#include <pybind11/pybind11.h>

#include "bindings.hpp"

PYBIND11_MODULE(core, module) {
  module.doc() = "The deterministic core of pitwire.";
  pitwire::bind_schema(module);
  pitwire::bind_base(module);
  pitwire::bind_wire(module);
  pitwire::bind_market(module);
  pitwire::bind_touch(module);
  pitwire::bind_log(module);
  pitwire::bind_engine(module);
  pitwire::bind_orders(module);
  pitwire::bind_matching(module);
  pitwire::bind_exchange(module);
  pitwire::bind_fix(module);
  pitwire::bind_definitions(module);
}
