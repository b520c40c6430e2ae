// The deterministic core as Python's actors use it. One object, `Core`, whether it runs live or in
// replay: Live and Replay (engine_live.cpp, engine_replay.cpp) own one each.
#include "engine.hpp"

#include <pybind11/stl.h>

namespace py = pybind11;

namespace pitwire {
namespace {

py::tuple event_tuple(const Event& event) {
  py::tuple values(event.values.size());
  for (std::size_t i = 0; i < event.values.size(); ++i) {
    PyTuple_SET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i),
                     PyLong_FromLongLong(event.values[i]));
  }
  return py::make_tuple(static_cast<int>(event.kind), event.strategy, event.instrument, values,
                        event.text);
}

py::list take_events(Core& core) {
  const std::vector<Event> events = core.take_events();
  py::list out(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) out[i] = event_tuple(events[i]);
  return out;
}

/// Read-only bytes over every market slot; valid as long as the core.
py::memoryview slots(Core& core) {
  const auto slots = core.market().slots();
  return py::memoryview::from_memory(static_cast<const void*>(slots.data()),
                                     static_cast<py::ssize_t>(slots.size_bytes()));
}

py::list levels(Core& core, std::uint32_t instrument, int side, std::size_t depth) {
  std::vector<Level> found(depth);
  const auto count = core.market().levels(InstrumentId{instrument}, static_cast<Side>(side), found);
  py::list out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = py::make_tuple(found[i].px, found[i].qty);
  return out;
}

void arm_rule(Core& core, std::uint32_t strategy, std::string name, std::uint32_t instrument,
              std::uint32_t session, std::uint32_t signal, int comparison, double threshold,
              int side, std::int64_t qty, std::int64_t max_position, std::int64_t price_offset,
              Nanos cooldown_ns) {
  NativeRule rule;
  rule.name = std::move(name);
  rule.strategy = StrategyId{strategy};
  rule.instrument = InstrumentId{instrument};
  rule.session = SessionId{session};
  rule.signal = signal;
  rule.comparison = static_cast<Comparison>(comparison);
  rule.threshold = threshold;
  rule.side = static_cast<Side>(side);
  rule.qty = qty;
  rule.max_position = max_position;
  rule.price_offset = price_offset;
  rule.cooldown_ns = cooldown_ns;
  core.arm_rule(std::move(rule));
}

// ------------------------------------------------------------------ kernels

/// Read-only doubles over the values of kernels by slot; valid as long as the core.
py::memoryview kernel_values(Core& core) {
  const auto values = core.market().kernels().values();
  return py::memoryview::from_memory(static_cast<const void*>(values.data()),
                                     static_cast<py::ssize_t>(values.size_bytes()));
}

/// (instrument, name, armed, status, parameters, value) of each kernel that a strategy ever ran.
py::list kernels(Core& core, std::uint32_t strategy) {
  const KernelTable& table = core.market().kernels();
  py::list out;
  for (std::uint32_t number = 0; number < table.slots().size(); ++number) {
    const KernelTable::Slot& slot = table.slots()[number];
    if (index(slot.strategy) != strategy) continue;
    out.append(py::make_tuple(index(slot.instrument), table.name(number), slot.armed, slot.status,
                              slot.parameters, table.values()[number]));
  }
  return out;
}

void bind_kernel_input(py::module_& module) {
  py::list fields;
  for (const KernelField& field : kKernelInputFields) {
    fields.append(py::make_tuple(field.name, field.floating ? "f8" : "i8", field.offset));
  }
  module.attr("KERNEL_INPUT_FIELDS") = fields;
  module.attr("KERNEL_NOT_FINITE") = KernelTable::kNotFinite;
  module.attr("KERNEL_RAISED") = KernelTable::kRaised;
}

void bind_kernels(py::class_<Core>& cls) {
  cls.def_property_readonly("kernel_values", &kernel_values)
      .def("kernels", &kernels)
      .def("kernel_slot",
           [](Core& self, std::uint32_t strategy, std::uint32_t instrument,
              const std::string& name) {
             return self.market().kernels().slot(StrategyId{strategy}, InstrumentId{instrument},
                                                 name);
           })
      .def("run_kernel", [](Core& self, std::uint32_t slot, const std::vector<double>& parameters) {
        self.run_kernel(slot, parameters);
      });
}

// ------------------------------------------------------------------ risk

py::list limits(Core& core) {
  py::list out;
  core.orders().gate().limits().for_each([&](const LimitSpec& spec, std::uint32_t strategy,
                                             std::uint32_t instrument, std::int64_t value) {
    out.append(py::make_tuple(spec.name, spec.unit, strategy, instrument, value));
  });
  return out;
}

py::tuple risk_state(Core& core, std::uint32_t strategy) {
  const RiskGate& gate = core.orders().gate();
  const PositionBook& book = core.orders().positions();
  const Totals& totals = strategy == kNoId ? book.firm_totals() : book.totals(StrategyId{strategy});
  return py::make_tuple(static_cast<int>(gate.state(strategy)), gate.armed(strategy), gate.killed(),
                        totals.working_orders, totals.pnl, totals.day_loss());
}

void bind_risk(py::class_<Core>& cls) {
  cls.def("limits", &limits)
      .def("risk_state", &risk_state)
      .def(
          "set_risk_state",
          [](Core& self, std::uint32_t strategy, int state, bool armed, const std::string& reason) {
            self.set_risk_state(strategy, static_cast<RiskState>(state), armed, reason);
          })
      .def("clear_kill", [](Core& self) { self.orders().gate().clear_kill(); })
      .def("set_limit",
           [](Core& self, const std::string& name, std::uint32_t strategy, std::uint32_t instrument,
              std::int64_t value) {
             return static_cast<int>(self.set_limit(name, strategy, instrument, value));
           })
      .def("configure_limit", [](Core& self, const std::string& name, std::uint32_t strategy,
                                 std::uint32_t instrument, std::int64_t value) {
        return static_cast<int>(
            self.orders().gate().limits().set(name, strategy, instrument, value));
      });
}

void bind_subscriptions(py::class_<Core>& cls) {
  cls.def("subscribe_book",
          [](Core& self, std::uint32_t strategy, std::uint32_t instrument, bool every_update) {
            self.subscriptions().subscribe_book(
                StrategyId{strategy}, InstrumentId{instrument},
                every_update ? Subscriptions::Wake::EVERY_UPDATE : Subscriptions::Wake::CONFLATED);
          })
      .def("subscribe_trades",
           [](Core& self, std::uint32_t strategy, std::uint32_t instrument) {
             self.subscriptions().subscribe_trades(StrategyId{strategy}, InstrumentId{instrument});
           })
      .def("subscribe_bars",
           [](Core& self, std::uint32_t strategy, std::uint32_t instrument, std::uint32_t seconds) {
             self.subscribe_bars(StrategyId{strategy}, InstrumentId{instrument}, seconds);
           })
      .def("forget_strategy",
           [](Core& self, std::uint32_t strategy) { self.forget_strategy(StrategyId{strategy}); })
      .def("arm_timer",
           [](Core& self, TimerId id, std::uint32_t strategy, Nanos deadline, Nanos period_ns) {
             self.timers().arm(id, StrategyId{strategy}, deadline, period_ns);
           })
      .def("cancel_timer", [](Core& self, TimerId id) { self.timers().cancel(id); })
      .def("timer_armed", [](Core& self, TimerId id) { return self.timers().armed(id); })
      .def("arm_rule", &arm_rule)
      .def("disarm_rule", [](Core& self, std::uint32_t strategy, const std::string& name) {
        return self.disarm_rule(StrategyId{strategy}, name);
      });
}

void bind_records(py::class_<Core>& cls) {
  cls.def("strategy_state",
          [](Core& self, std::uint32_t strategy, int status, const std::string& json) {
            self.strategy_state(StrategyId{strategy}, static_cast<StrategyStatus>(status), json);
          })
      .def("worker_request",
           [](Core& self, std::uint64_t request_id, std::uint32_t strategy,
              const std::string& json) {
             self.worker_request(request_id, StrategyId{strategy}, json);
           })
      .def("operator_reply",
           [](Core& self, std::uint64_t command_id, std::uint32_t status, const std::string& json) {
             self.operator_reply(command_id, status, json);
           })
      .def("reconciliation",
           [](Core& self, std::uint32_t session, std::uint32_t differences, bool accepted,
              const std::string& json) {
             self.reconciliation(SessionId{session}, differences, accepted, json);
           })
      .def("note", [](Core& self, std::uint32_t strategy, std::uint32_t severity,
                      const std::string& text) { self.note(strategy, severity, text); });
}

py::tuple session_state(Core& core, std::uint32_t session) {
  const SessionId id{session};
  if (!core.fix().is_fix(id)) {
    const bool up = core.session_logged_on(id);
    return py::make_tuple(up, up, 0, 0, core.orders().credits(id));
  }
  const FixSessionState state = core.fix().state(id);
  return py::make_tuple(state.connected, state.logged_on, state.next_sender, state.next_target,
                        core.orders().credits(id));
}

py::dict session_activity(Core& core, std::uint32_t session) {
  const SessionId id{session};
  py::dict out;
  out["held"] = core.orders().gate().held(id);
  if (!core.fix().is_fix(id)) return out;
  const FixActivity activity = core.fix().activity(id);
  out["ts_numbers"] = core.fix().state(id).creation_ts;
  out["ts_sent"] = activity.last_sent_ts;
  out["ts_received"] = activity.last_received_ts;
  out["missing"] = py::make_tuple(activity.missing_from, activity.missing_to);
  out["resending"] = py::make_tuple(activity.resending_from, activity.resending_to);
  out["enabled"] = activity.enabled;
  return out;
}

void bind_sessions(py::class_<Core>& cls) {
  cls.def("session_state", &session_state)
      .def("session_activity", &session_activity, "What an operator sees of it; changes nothing.")
      .def(
          "session_set_numbers",
          [](Core& self, std::uint32_t s, std::uint64_t sender, std::uint64_t target) {
            return self.fix().set_next_numbers(SessionId{s}, sender, target);
          },
          py::arg("session"), py::arg("next_sender"), py::arg("next_target"),
          "0 leaves one as it is. False, and nothing changed, while it is logged on.")
      .def(
          "session_reset_numbers",
          [](Core& self, std::uint32_t s) { return self.fix().reset_numbers(SessionId{s}); },
          "Both begin at 1 now. False, and nothing changed, while it is connected.")
      .def(
          "session_hold",
          [](Core& self, std::uint32_t s, bool held) {
            const std::string name = RiskGate::hold_name(SessionId{s});
            return self.set_limit(name, kNoId, kNoId, held ? 1 : 0) == LimitStatus::OK;
          },
          py::arg("session"), py::arg("held"), "New orders of a held session are denied.");
}

}  // namespace

void bind_engine(py::module_& module) {
  bind_kernel_input(module);
  bind_market_views(module);
  bind_order_views(module);
  py::class_<Core> cls(module, "Core", "The deterministic core: a function of the log.");
  bind_sessions(cls);
  cls.def_property_readonly("now", &Core::now)
      .def_property_readonly("turn", &Core::turn)
      .def("take_events", &take_events)
      .def("end_turn", &Core::end_turn)
      .def_property_readonly("slots", &slots)
      .def("levels", &levels)
      .def("book_checks",
           [](Core& self, std::uint32_t id) {
             if (id >= self.market().instruments()) throw py::index_error("no such instrument");
             return self.market().book_checks(InstrumentId{id});
           })
      .def("symbol",
           [](Core& self, std::uint32_t id) { return self.instruments()[InstrumentId{id}].symbol; })
      .def("forget_events", &Core::forget_events)
      .def("session_logon", [](Core& self, std::uint32_t s) { self.session_logon(SessionId{s}); })
      .def("session_logout",
           [](Core& self, std::uint32_t s, const std::string& reason) {
             self.session_logout(SessionId{s}, reason);
           })
      .def_property_readonly(
          "settled", &Core::settled,
          "Nothing waits for a next turn, no session is in the middle of something: between turns, "
          "all there is can be saved.")
      .def("save",
           [](Core& self) {
             std::vector<std::byte> out;
             self.save(out);
             return py::bytes(reinterpret_cast<const char*>(out.data()), out.size());
           })
      .def("restore",
           [](Core& self, const std::string& bytes) {
             return self.restore(std::as_bytes(std::span(bytes.data(), bytes.size())));
           })
      .def("restore_facts", [](Core& self, const std::string& bytes) {
        return self.restore_facts(std::as_bytes(std::span(bytes.data(), bytes.size())));
      });
  bind_orders(cls);
  bind_risk(cls);
  bind_subscriptions(cls);
  bind_kernels(cls);
  bind_records(cls);
  bind_definitions(cls);
  bind_live(module);
  bind_recorded(module);
  bind_replay(module);
}

}  // namespace pitwire
