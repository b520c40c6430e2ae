// The records and enumerations of native/schema/records.toml as Python objects.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "pitwire/reflection.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

/// Every enumeration becomes an IntEnum of the module, IntFlag where its values are bits.
void bind_enums(py::module_& module) {
  const auto enum_module = py::module_::import("enum");
  for (const auto& spec : reflection::kEnums) {
    py::dict values;
    for (const auto& value : spec.values) values[py::str(value.name)] = value.number;
    const auto* base = spec.name == "OrderFlag" ? "IntFlag" : "IntEnum";
    auto cls =
        enum_module.attr(base)(py::str(spec.name), values, py::arg("module") = "daemon.core");
    cls.attr("__doc__") = py::str(spec.doc);
    module.attr(py::str(spec.name)) = cls;
  }
}

py::list fields_of(const reflection::Record& record) {
  py::list fields;
  for (const auto& field : record.fields) {
    fields.append(py::make_tuple(field.name, field.kind, field.offset, field.doc));
  }
  return fields;
}

}  // namespace

void bind_schema(py::module_& module) {
  bind_enums(module);
  py::dict types;
  py::list records;
  for (const auto& record : reflection::kRecords) {
    types[py::str(record.name)] = static_cast<int>(record.type);
    py::dict entry;
    entry["name"] = record.name;
    entry["number"] = static_cast<int>(record.type);
    entry["class"] = static_cast<int>(record.frame_class);
    entry["doc"] = record.doc;
    entry["tail"] = record.tail;
    entry["size_bytes"] = record.size_bytes;
    entry["fields"] = fields_of(record);
    records.append(entry);
  }
  auto cls = py::module_::import("enum").attr("IntEnum")("RecordType", types,
                                                         py::arg("module") = "daemon.core");
  cls.attr("__doc__") = "The number of a record in a frame's header.";
  module.attr("RecordType") = cls;
  module.attr("RECORDS") = records;
}

}  // namespace pitwire
