// Instruments, the order state table and the gate's explanations as Python objects.
#include <pybind11/stl.h>

#include "engine.hpp"
#include "pitwire/orders/risk_gate.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace pitwire {
namespace {

/// (mantissa, exponent) → ExactDecimal.
ExactDecimal decimal_of(const py::handle& pair) {
  const auto [mantissa, exponent] = pair.cast<std::pair<std::int64_t, int>>();
  if (exponent < -128 || exponent > 127) throw std::invalid_argument("exponent: out of range");
  return {mantissa, static_cast<std::int8_t>(exponent)};
}

py::list state_table() {
  py::list rows;
  for (std::size_t state = 0; state < kOrderStates; ++state) {
    for (std::size_t event = 0; event < kOrderEvents; ++event) {
      const auto found = cell(static_cast<OrderState>(state), static_cast<OrderEvent>(event));
      rows.append(py::dict("state"_a = state, "event"_a = event,
                           "rule"_a = std::string(name_of(found.rule)),
                           "to"_a = static_cast<int>(found.to)));
    }
  }
  return rows;
}

py::list limit_table() {
  py::list rows;
  for (const auto& spec : limit_specs()) {
    rows.append(py::dict("name"_a = std::string(spec.name), "unit"_a = std::string(spec.unit),
                         "by_instrument"_a = spec.by_instrument, "doc"_a = std::string(spec.doc)));
  }
  return rows;
}

py::list check_table() {
  py::list rows;
  for (const auto& spec : check_specs()) {
    rows.append(py::dict("reason"_a = static_cast<int>(spec.reason),
                         "name"_a = std::string(spec.name), "unit"_a = std::string(spec.unit)));
  }
  return rows;
}

}  // namespace

/// What `explain` returns, as `pitwire risk explain` and `ctl` show it: a dict a check.
py::list explained(const std::vector<CheckResult>& results) {
  py::list rows;
  for (const auto& result : results) {
    py::dict inputs;
    for (const auto& [name, value] : result.inputs) inputs[py::str(std::string(name))] = value;
    rows.append(py::dict(
        "reason"_a = static_cast<int>(result.reason), "name"_a = std::string(result.name),
        "unit"_a = std::string(result.unit), "scope"_a = std::string(name_of(result.scope)),
        "applies"_a = result.applies, "passed"_a = result.passed, "value"_a = result.value,
        "limit"_a = result.limit, "at_least"_a = result.at_least, "margin"_a = result.margin(),
        "inputs"_a = inputs, "text"_a = result.text));
  }
  return rows;
}

namespace {

/// Every field by name; an unknown one or a wrong type is refused with its name.
struct InstrumentFields {
  static void set(Instrument& instrument, const std::string& key, const py::handle& value) {
    if (key == "symbol")
      instrument.symbol = value.cast<std::string>();
    else if (key == "venue")
      instrument.venue = value.cast<std::string>();
    else if (key == "product")
      instrument.product = ProductType{value.cast<std::uint8_t>()};
    else if (key == "price_increment")
      instrument.price_increment = decimal_of(value);
    else if (key == "qty_increment")
      instrument.qty_increment = decimal_of(value);
    else if (key == "multiplier")
      instrument.multiplier = decimal_of(value);
    else if (key == "risk_rate")
      instrument.risk_rate = decimal_of(value);
    else if (key == "strike")
      instrument.strike = decimal_of(value);
    else if (key == "ticks")
      instrument.ticks = ticks_of(value);
    else if (key == "fee")
      instrument.fee = fee_of(value);
    else if (!set_scalar(instrument, key, value))
      throw std::invalid_argument("instrument: " + key + ": no such field");
  }

 private:
  static bool set_scalar(Instrument& instrument, const std::string& key, const py::handle& value) {
    if (key == "lot")
      instrument.lot = value.cast<std::int64_t>();
    else if (key == "allows_nonpositive_price")
      instrument.allows_nonpositive_price = value.cast<bool>();
    else if (key == "has_trading_state")
      instrument.has_trading_state = value.cast<bool>();
    else if (key == "base_currency")
      instrument.base_currency = value.cast<std::string>();
    else if (key == "quote_currency")
      instrument.quote_currency = value.cast<std::string>();
    else if (key == "settlement_currency")
      instrument.settlement_currency = value.cast<std::string>();
    else if (key == "money_exponent")
      instrument.money_exponent = value.cast<std::int8_t>();
    else if (key == "money_rounding")
      instrument.money_rounding = rounding_of(value);
    else if (key == "asset_class")
      instrument.asset_class = value.cast<std::string>();
    else if (key == "region")
      instrument.region = value.cast<std::string>();
    else if (key == "sector")
      instrument.sector = value.cast<std::string>();
    else if (key == "calendar")
      instrument.calendar = value.cast<std::string>();
    else if (key == "expiry_ts")
      instrument.expiry_ts = value.cast<std::int64_t>();
    else if (key == "average_daily_volume_lots")
      instrument.average_daily_volume_lots = value.cast<std::int64_t>();
    else if (key == "borrow_available")
      instrument.borrow_available = value.cast<bool>();
    else
      return false;
    return true;
  }
  static Rounding rounding_of(const py::handle& value) {
    const auto number = value.cast<int>();
    if (number < 0 || number > 3) throw std::invalid_argument("rounding: expected 0 to 3");
    return static_cast<Rounding>(number);
  }
  static TickTable ticks_of(const py::handle& value) {
    std::vector<TickTable::Band> bands;
    for (const auto& [from_px, step] :
         value.cast<std::vector<std::pair<std::int64_t, std::int64_t>>>()) {
      bands.push_back({from_px, step});
    }
    return TickTable(std::move(bands));
  }
  static FeeRule fee_of(const py::handle& value) {
    const auto [basis, rounding, maker, taker] =
        value.cast<std::tuple<int, int, std::int64_t, std::int64_t>>();
    if (basis < 0 || basis > 1) throw std::invalid_argument("fee.basis: expected 0 or 1");
    if (rounding < 0 || rounding > 3) throw std::invalid_argument("fee.rounding: expected 0 to 3");
    return {static_cast<FeeBasis>(basis), static_cast<Rounding>(rounding), maker, taker};
  }
};

InstrumentId add_instrument(InstrumentRegistry& registry, const py::kwargs& fields) {
  Instrument instrument;
  instrument.id = InstrumentId{registry.size()};
  for (const auto& [key, value] : fields) {
    const auto name = key.cast<std::string>();
    try {
      InstrumentFields::set(instrument, name, value);
    } catch (const py::cast_error&) {
      throw std::invalid_argument("instrument: " + name + ": wrong type");
    }
  }
  registry.add(std::move(instrument));
  return InstrumentId{registry.size() - 1};
}

}  // namespace

void bind_orders(py::module_& module) {
  module.def("order_state_table", &state_table,
             "Every (state, event) with its rule: the table of docs/orders.md.");
  module.def("limit_specs", &limit_table, "Every limit of the gate, with its unit and meaning.");
  module.def("check_specs", &check_table, "Every check of the gate, in its order.");
  py::class_<InstrumentRegistry>(
      module, "InstrumentRegistry",
      "Every instrument by its dense id. Decimals are (mantissa, exponent) pairs.")
      .def(py::init<>())
      .def(
          "add",
          [](InstrumentRegistry& registry, const py::kwargs& fields) {
            return index(add_instrument(registry, fields));
          },
          "Adds the next instrument and returns its id. ValueError names field and reason.")
      .def(
          "find",
          [](const InstrumentRegistry& registry, const std::string& symbol,
             const std::string& venue) -> std::optional<std::uint32_t> {
            const auto id = registry.find(symbol, venue);
            if (!id) return std::nullopt;
            return index(*id);
          },
          py::arg("symbol"), py::arg("venue") = "")
      .def("__len__", &InstrumentRegistry::size)
      .def(
          "notional",
          [](const InstrumentRegistry& registry, std::uint32_t id, std::int64_t px,
             std::int64_t qty) -> std::optional<std::int64_t> {
            if (!registry.known(InstrumentId{id})) throw py::index_error("unknown instrument");
            return registry.scale(InstrumentId{id})
                .notional(px, qty, registry[InstrumentId{id}].money_rounding);
          },
          "Value of a trade in the instrument's money unit; None on overflow.");
}

}  // namespace pitwire
