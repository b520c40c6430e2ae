// What the core is told before its first input: feeds, instruments, strategies, sessions.
#include <pybind11/stl.h>

#include "dialect.hpp"
#include "engine.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

template <class T>
T field(const py::dict& spec, const char* name) {
  if (!spec.contains(name)) throw std::invalid_argument(std::string(name) + ": missing");
  return spec[name].cast<T>();
}

ExactDecimal decimal(const py::dict& spec, const char* name) {
  const auto pair = field<std::pair<std::int64_t, int>>(spec, name);
  return {pair.first, static_cast<std::int8_t>(pair.second)};
}

Rounding rounding(const std::string& name) {
  if (name == "half_even") return Rounding::HALF_EVEN;
  if (name == "up") return Rounding::AWAY_FROM_ZERO;
  if (name == "down") return Rounding::TOWARDS_ZERO;
  throw std::invalid_argument("fees.rounding: unknown rule " + name);
}

FeeRule fee_rule(const py::dict& spec) {
  FeeRule rule;
  const bool per_lot = field<bool>(spec, "fee_per_lot");
  rule.basis = per_lot ? FeeBasis::PER_LOT : FeeBasis::NOTIONAL_RATE;
  rule.rounding = rounding(field<std::string>(spec, "fee_rounding"));
  rule.maker = field<std::int64_t>(spec, "fee_maker");
  rule.taker = field<std::int64_t>(spec, "fee_taker");
  return rule;
}

Instrument instrument(const py::dict& spec) {
  Instrument out;
  out.id = InstrumentId{field<std::uint32_t>(spec, "id")};
  out.symbol = field<std::string>(spec, "symbol");
  out.venue = field<std::string>(spec, "venue");
  out.product = static_cast<ProductType>(field<int>(spec, "product"));
  out.price_increment = decimal(spec, "price_increment");
  out.qty_increment = decimal(spec, "qty_increment");
  out.multiplier = decimal(spec, "multiplier");
  std::vector<TickTable::Band> bands;
  for (const auto& [from_px, step] :
       field<std::vector<std::pair<std::int64_t, std::int64_t>>>(spec, "tick_table")) {
    bands.push_back({from_px, step});
  }
  if (!bands.empty()) out.ticks = TickTable(std::move(bands));
  out.lot = field<std::int64_t>(spec, "lot");
  out.allows_nonpositive_price = field<bool>(spec, "allows_nonpositive_price");
  out.has_trading_state = field<bool>(spec, "has_trading_state");
  out.quote_currency = field<std::string>(spec, "quote_currency");
  out.settlement_currency = field<std::string>(spec, "settlement_currency");
  out.money_exponent = static_cast<std::int8_t>(field<int>(spec, "money_exponent"));
  out.fee = fee_rule(spec);
  out.risk_rate = decimal(spec, "risk_rate");
  out.sector = field<std::string>(spec, "sector");
  return out;
}

std::unique_ptr<FixSymbology> symbology(const py::list& instruments) {
  auto out = std::make_unique<FixSymbology>();
  for (FixInstrument& named : instruments_of(instruments)) out->add(std::move(named));
  return out;
}

FixSessionConfig fix_config(const py::dict& spec) {
  FixSessionConfig out;
  out.id = SessionId{field<std::uint32_t>(spec, "id")};
  out.begin_string = field<std::string>(spec, "begin_string");
  out.sender_comp_id = field<std::string>(spec, "sender_comp_id");
  out.target_comp_id = field<std::string>(spec, "target_comp_id");
  out.initiator = true;
  out.heart_bt_int_seconds = field<int>(spec, "heart_bt_int_seconds");
  out.check_latency = field<int>(spec, "sending_time_tolerance_seconds") > 0;
  out.max_latency_seconds = field<int>(spec, "sending_time_tolerance_seconds");
  out.logon_timeout_seconds = field<int>(spec, "logon_timeout_seconds");
  out.logout_timeout_seconds = field<int>(spec, "logout_timeout_seconds");
  out.username_placeholder = field<std::string>(spec, "username_placeholder");
  out.password_placeholder = field<std::string>(spec, "password_placeholder");
  out.account = field<std::string>(spec, "account");
  out.reset_on_logon = field<bool>(spec, "reset_on_logon");
  out.cancel_on_disconnect = field<bool>(spec, "cancel_on_disconnect");
  out.dialect = dialect_of(field<py::dict>(spec, "dialect"));
  out.timestamp_digits = out.begin_string == "FIX.4.2" ? 3 : 6;
  return out;
}

SessionRules session_rules(const py::dict& spec) {
  SessionRules out;
  out.unknown_order = static_cast<UnknownOrder>(field<int>(spec, "unknown_order"));
  out.in_flight_max = field<std::uint32_t>(spec, "in_flight_max");
  out.order_id_is_reference = field<bool>(spec, "order_id_is_reference");
  out.cancel_reserve = field<std::uint32_t>(spec, "cancel_reserve");
  out.mass_cancel = field<bool>(spec, "mass_cancel");
  out.types.order_types = field<std::uint32_t>(spec, "order_types");
  out.types.time_in_force = field<std::uint32_t>(spec, "time_in_force");
  out.types.post_only = field<bool>(spec, "post_only");
  return out;
}

}  // namespace

void bind_definitions(py::class_<Core>& cls) {
  cls.def(
         "define_feed",
         [](Core& self, std::uint32_t id, int kind, Nanos midnight_offset_ns) {
           self.define_feed(FeedId{id}, static_cast<FeedKind>(kind), midnight_offset_ns);
         },
         py::arg("id"), py::arg("kind"), py::arg("midnight_offset_ns") = 0)
      .def("define_instrument",
           [](Core& self, const py::dict& spec) {
             self.define_instrument(instrument(spec), FeedId{field<std::uint32_t>(spec, "feed")},
                                    field<std::string>(spec, "feed_symbol"), SignalConfig{});
           })
      .def("define_strategy",
           [](Core& self, std::uint32_t id, const std::string& name) {
             self.define_strategy(StrategyId{id}, name);
           })
      .def("define_kernel",
           [](Core& self, std::uint32_t strategy, const std::string& name, std::size_t state_size,
              std::size_t parameters_size, const py::bytes& object) {
             const std::string_view bytes = object;
             self.define_kernel(StrategyId{strategy}, name, state_size, parameters_size,
                                std::as_bytes(std::span(bytes.data(), bytes.size())));
           })
      .def(
          "define_fix_session",
          [](Core& self, const py::dict& spec, const py::list& instruments, const py::dict& rules) {
            self.define_fix_session(fix_config(spec), symbology(instruments), session_rules(rules));
          })
      .def("define_drop_copy",
           [](Core& self, std::uint32_t line, std::uint32_t copied, bool by_order) {
             self.orders().define_drop_copy(SessionId{line}, SessionId{copied}, by_order);
           })
      .def("define_venue_session", [](Core& self, std::uint32_t id, const py::dict& rules) {
        self.define_venue_session(SessionId{id}, session_rules(rules));
      });
}

}  // namespace pitwire
