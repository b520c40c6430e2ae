// FIX acceptance definitions, for `pitwire fix definitions` and its tests.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "pitwire/definitions/definition.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

DefinitionSide side_named(const std::string& name) {
  if (name == "acceptor") return DefinitionSide::ACCEPTOR;
  if (name == "initiator") return DefinitionSide::INITIATOR;
  throw py::value_error("expected acceptor or initiator, found " + name);
}

DefinitionOutcome run(const std::string& text, const std::optional<std::string>& side,
                      const std::optional<std::string>& patterns) {
  return run_definition(text, side ? side_named(*side) : side_of_definition(text),
                        patterns ? FieldPatterns(*patterns) : FieldPatterns());
}

/// Definitions and messages have bytes that are no text.
template <std::string DefinitionOutcome::* member>
py::str text(const DefinitionOutcome& outcome) {
  const std::string& bytes = outcome.*member;
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<py::ssize_t>(bytes.size()), "replace"));
}

}  // namespace

void bind_definitions(py::module_& module) {
  py::class_<DefinitionOutcome>(module, "DefinitionOutcome", "What became of a definition.")
      .def_readonly("passed", &DefinitionOutcome::passed)
      .def_readonly("line", &DefinitionOutcome::line)
      .def_property_readonly("problem", &text<&DefinitionOutcome::problem>)
      .def_property_readonly("expected", &text<&DefinitionOutcome::expected>)
      .def_property_readonly("found", &text<&DefinitionOutcome::found>);
  module.def("run_fix_definition", &run, py::arg("text"), py::arg("side") = py::none(),
             py::arg("patterns") = py::none(), "See definitions/definition.hpp.");
}

}  // namespace pitwire
