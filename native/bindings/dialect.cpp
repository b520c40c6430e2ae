#include "dialect.hpp"

#include <pybind11/stl.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "bindings.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

template <class T>
T field(const py::handle& spec, const char* name) {
  const auto values = py::reinterpret_borrow<py::dict>(spec);
  if (!values.contains(name)) throw std::invalid_argument(std::string(name) + ": missing");
  return values[name].cast<T>();
}

DecimalStep step(const py::handle& spec, const char* name) {
  const auto pair = field<std::pair<std::int64_t, int>>(spec, name);
  return {pair.first, static_cast<std::int8_t>(pair.second)};
}

using Texts = std::vector<std::string>;

template <class Enum>
std::vector<std::pair<std::string, Enum>> words(const py::dict& spec, const char* name) {
  std::vector<std::pair<std::string, Enum>> out;
  for (const auto& [text, number] : field<std::vector<std::pair<std::string, int>>>(spec, name)) {
    out.emplace_back(text, static_cast<Enum>(number));
  }
  return out;
}

FixSource source_of(const std::string& name) {
  if (name == "strategy") return FixSource::STRATEGY;
  return name == "order_tag" ? FixSource::ORDER_TAG : FixSource::VALUE;
}

}  // namespace

FixDialect dialect_of(const py::dict& spec) {
  FixDialect out;
  out.name = field<std::string>(spec, "name");
  for (const auto& each : field<py::list>(spec, "fields")) {
    out.fields.push_back({field<int>(each, "tag"), field<std::string>(each, "name"),
                          field<std::string>(each, "type"), field<Texts>(each, "values"),
                          field<Texts>(each, "messages"), field<Texts>(each, "required")});
  }
  for (const auto& each : field<py::list>(spec, "puts")) {
    out.puts.push_back({field<int>(each, "tag"), field<std::string>(each, "value"),
                        source_of(field<std::string>(each, "source")),
                        field<Texts>(each, "messages")});
  }
  for (const auto& each : field<py::list>(spec, "parties")) {
    out.parties.push_back({field<std::string>(each, "id"), field<std::string>(each, "source"),
                           field<std::string>(each, "role")});
  }
  out.ids = ClOrdIdText(field<std::string>(spec, "id_prefix"), field<int>(spec, "id_base"));
  out.by_security_id = field<bool>(spec, "by_security_id");
  out.security_id_source = field<std::string>(spec, "security_id_source");
  out.symbol_text = field<std::string>(spec, "symbol_text");
  out.fee_tag = field<int>(spec, "fee_tag");
  out.liquidity_tag = field<int>(spec, "liquidity_tag");
  out.added = field<Texts>(spec, "added");
  out.removed = field<Texts>(spec, "removed");
  out.order_id_tag = field<int>(spec, "order_id_tag");
  out.exec_types = words<ExecType>(spec, "exec_types");
  out.ord_statuses = words<OrdStatus>(spec, "ord_statuses");
  out.cancel_on_disconnect_tag = field<int>(spec, "cancel_on_disconnect_tag");
  out.cancel_on_disconnect_value = field<std::string>(spec, "cancel_on_disconnect_value");
  out.strategies = field<Texts>(spec, "strategies");
  return out;
}

std::vector<FixInstrument> instruments_of(const py::list& specs) {
  std::vector<FixInstrument> out;
  for (const auto& spec : specs) {
    FixInstrument named;
    named.id = InstrumentId{field<std::uint32_t>(spec, "id")};
    named.symbol = field<std::string>(spec, "venue_symbol");
    named.security_id = field<std::string>(spec, "security_id");
    named.price_step = step(spec, "price_step");
    named.qty_step = step(spec, "qty_step");
    named.fee_step = step(spec, "fee_step");
    named.price_decimals = field<int>(spec, "price_decimals");
    named.qty_decimals = field<int>(spec, "qty_decimals");
    out.push_back(std::move(named));
  }
  return out;
}

void bind_dialect(py::module_& module) {
  module.def(
      "check_fix_dialect",
      [](const std::string& begin_string, bool initiator, const std::string& account,
         const py::dict& spec) {
        FixSessionConfig config;
        config.begin_string = begin_string;
        config.initiator = initiator;
        config.account = account;
        config.dialect = dialect_of(spec);
        check_dialect(config);
      },
      py::arg("begin_string"), py::arg("initiator"), py::arg("account"), py::arg("dialect"),
      "ValueError, 'key: reason', where the dialect cannot be spoken.");
}

}  // namespace pitwire
