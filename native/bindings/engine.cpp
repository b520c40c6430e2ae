// The deterministic core as Python's actors use it. One object, `Core`, whether it runs live or in
// replay: Live and Replay (engine_live.cpp, engine_replay.cpp) own one each.
#include "engine.hpp"

#include <pybind11/stl.h>

#include <cmath>

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

/// The fields of a new order, as ORDER_SUBMITTED and ORDER_DENIED have them.
OrderRequest request_of(std::uint32_t strategy, std::uint32_t instrument, std::uint32_t session,
                        int side, int ord_type, int time_in_force, int flags, std::int64_t price,
                        std::int64_t stop_px, std::int64_t order_qty) {
  OrderRequest request;
  request.instrument = InstrumentId{instrument};
  request.strategy = StrategyId{strategy};
  request.session = SessionId{session};
  request.side = static_cast<Side>(side);
  request.ord_type = static_cast<OrdType>(ord_type);
  request.time_in_force = static_cast<TimeInForce>(time_in_force);
  request.flags = static_cast<std::uint8_t>(flags);
  request.price = price;
  request.stop_px = stop_px;
  request.order_qty = order_qty;
  return request;
}

bool submit(Core& core, ClOrdId cl_ord_id, std::uint32_t strategy, std::uint32_t instrument,
            std::uint32_t session, int side, int ord_type, int time_in_force, int flags,
            std::int64_t price, std::int64_t stop_px, std::int64_t order_qty, Nanos expire_ts,
            std::uint64_t tag) {
  OrderRequest request = request_of(strategy, instrument, session, side, ord_type, time_in_force,
                                    flags, price, stop_px, order_qty);
  request.expire_ts = expire_ts;
  request.tag = tag;
  const bool passed = core.orders().submit(cl_ord_id, request);
  core.orders().settle();
  return passed;
}

/// What `submit` takes, and what the daemon itself is to do for the order.
bool submit_kept(Core& core, ClOrdId cl_ord_id, std::uint32_t strategy, std::uint32_t instrument,
                 std::uint32_t session, int side, int ord_type, int time_in_force, int flags,
                 std::int64_t price, std::int64_t stop_px, std::int64_t order_qty, Nanos expire_ts,
                 std::uint64_t tag, ClOrdId parent, ClOrdId sibling, int contingency, int trigger,
                 std::int64_t peg_offset, int peg_offset_type, std::int64_t display_qty) {
  OrderRequest request = request_of(strategy, instrument, session, side, ord_type, time_in_force,
                                    flags, price, stop_px, order_qty);
  request.expire_ts = expire_ts;
  request.tag = tag;
  request.parent = parent;
  request.sibling = sibling;
  request.contingency = static_cast<ContingencyType>(contingency);
  request.trigger = static_cast<TriggerPriceType>(trigger);
  request.peg_offset = peg_offset;
  request.peg_offset_type = static_cast<PegOffsetType>(peg_offset_type);
  request.display_qty = display_qty;
  return core.orders().submit(cl_ord_id, request);
}

/// The same order asked of the gate, and not sent.
bool would_pass(Core& core, ClOrdId, std::uint32_t strategy, std::uint32_t instrument,
                std::uint32_t session, int side, int ord_type, int time_in_force, int flags,
                std::int64_t price, std::int64_t stop_px, std::int64_t order_qty, Nanos expire_ts,
                std::uint64_t tag) {
  OrderRequest request = request_of(strategy, instrument, session, side, ord_type, time_in_force,
                                    flags, price, stop_px, order_qty);
  request.expire_ts = expire_ts;
  request.tag = tag;
  return core.orders().check(request).passed();
}

/// Kept orders are looked at behind each request, as they are behind each input.
template <class T>
T settled(Core& core, T answer) {
  core.orders().settle();
  return answer;
}

OrderFilter filter_of(std::optional<std::uint32_t> strategy,
                      std::optional<std::uint32_t> instrument) {
  OrderFilter filter;
  filter.strategy = strategy.value_or(kNoId);
  filter.instrument = instrument.value_or(kNoId);
  return filter;
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

// ------------------------------------------------------------------ orders and positions

/// An order by its first ClOrdID; reads the table anew each time, because slots are recycled.
struct NativeOrder {
  Core* core;
  ClOrdId id;
  Order last;  ///< as last seen, for when the table has recycled it

  const Order& now() {
    if (const Order* found = core->orders().table().find(id)) last = *found;
    return last;
  }
};

std::optional<NativeOrder> order(Core& core, ClOrdId id) {
  const Order* found = core.orders().table().find(id);
  if (found == nullptr) return std::nullopt;
  return NativeOrder{&core, found->order, *found};
}

std::vector<NativeOrder> orders(Core& core, const OrderFilter& filter, bool finished) {
  std::vector<NativeOrder> out;
  const auto add = [&](const Order& order) { out.push_back({&core, order.order, order}); };
  if (finished) {
    core.orders().table().for_each_terminal([&](const Order& order) {
      if (filter.accepts(order)) add(order);
    });
  }
  core.orders().table().for_each_working(filter, add);
  return out;
}

/// (order, request) of each order of the session that waits for the venue's word.
std::vector<std::pair<ClOrdId, ClOrdId>> in_flight(Core& core, std::uint32_t session) {
  std::vector<std::pair<ClOrdId, ClOrdId>> out;
  OrderFilter filter;
  filter.session = session;
  core.orders().table().for_each_working(filter, [&](const Order& order) {
    switch (order.state) {
      case OrderState::PENDING_NEW:
      case OrderState::UNKNOWN:
        return out.emplace_back(order.order, order.order), void();
      case OrderState::PENDING_CANCEL:
        return out.emplace_back(order.order, order.pending_cancel), void();
      case OrderState::PENDING_REPLACE:
        return out.emplace_back(order.order, order.pending_replace), void();
      default:
        return;
    }
  });
  return out;
}

std::vector<NativeOrder> unaccepted(Core& core, std::uint32_t session) {
  std::vector<NativeOrder> out;
  OrderFilter filter;
  filter.session = session;
  for (const NativeOrder& order : orders(core, filter, true)) {
    const bool adopted = has(order.last.flags, OrderFlag::ADOPTED);
    if (adopted && !order.last.is(OrderFact::ACCEPTED)) out.push_back(order);
  }
  return out;
}

/// (our next MsgSeqNum, the venue's) where our log ended before what the venue has had, else None.
py::object lost(Core& core, std::uint32_t session) {
  const auto shorter = core.fix().lost(SessionId{session});
  if (!shorter) return py::none();
  return py::make_tuple(shorter->our_next, shorter->venue_next);
}

/// What the two lines of a session differ in, oldest first: (ExecID, side, instrument, ClOrdID,
/// since, raw sequence, told by us, told by the copy, CopyMatch, px, qty, copy's px, copy's qty).
py::list copies(Core& core, std::uint32_t line) {
  py::list out;
  core.orders().copies().for_each(SessionId{line}, [&](const CopyEntry& each) {
    const rec::Execution& report = each.report;
    out.append(py::make_tuple(
        std::string(report.exec_id.data(), strnlen(report.exec_id.data(), report.exec_id.size())),
        report.side, report.instrument, report.cl_ord_id, each.since, report.raw_sequence,
        each.ours, each.theirs, static_cast<int>(each.match), report.last_px, report.last_qty,
        each.copy_px, each.copy_qty));
  });
  return out;
}

bool accept_copy(Core& core, std::uint32_t line, std::uint64_t report, const std::string& exec_id,
                 int side) {
  std::array<char, 40> name{};
  exec_id.copy(name.data(), name.size() - 1);
  return settled(core,
                 core.orders().accept_copy(SessionId{line}, report, name, static_cast<Side>(side)));
}

/// Cancels of all that works at the session's venue: what the daemon holds was never there.
unsigned cancel_session(Core& core, std::uint32_t session, int reason) {
  OrderFilter filter;
  filter.session = session;
  core.orders().mass_cancel(filter, static_cast<CancelReason>(reason));
  unsigned asked = 0;
  core.orders().table().for_each_working(filter, [&](const Order& order) {
    if (order.state == OrderState::HELD) return;
    asked += core.orders().cancel(order.order, static_cast<CancelReason>(reason));
  });
  return settled(core, asked);
}

/// A strategy's holding in an instrument, or the firm's; reads the book anew each time.
struct NativePosition {
  Core* core;
  std::uint32_t strategy;
  InstrumentId instrument;

  const Holding& now() const {
    const PositionBook& book = core->orders().positions();
    return strategy == kNoId ? book.firm(instrument) : book.of(StrategyId{strategy}, instrument);
  }
  PositionMoney money() const { return core->orders().positions().money(now(), instrument); }
};

template <auto Member>
void order_field(py::class_<NativeOrder>& cls, const char* name) {
  cls.def_property_readonly(name, [](NativeOrder& self) {
    const auto& value = self.now().*Member;
    if constexpr (std::is_enum_v<std::decay_t<decltype(value)>>) {
      return static_cast<std::int64_t>(value);
    } else {
      return value;
    }
  });
}

/// What the daemon does for the order; null where it has nothing to do.
const OrderKeeper::Kept* kept_of(const NativeOrder& order) {
  const OrderDesk& desk = order.core->orders();
  return desk.keeper().find(order.id);
}

std::optional<py::tuple> slice_of(NativeOrder& self) {
  const Order& order = self.now();
  if (!order.is(OrderFact::SLICED)) return std::nullopt;
  return py::make_tuple(order.qty_there(), order.cum_there());
}

void bind_order_views(py::module_& module) {
  py::class_<NativeOrder> cls(module, "NativeOrder");
  order_field<&Order::order>(cls, "order");
  order_field<&Order::cl_ord_id>(cls, "cl_ord_id");
  order_field<&Order::instrument>(cls, "instrument");
  order_field<&Order::strategy>(cls, "strategy");
  order_field<&Order::session>(cls, "session");
  order_field<&Order::side>(cls, "side");
  order_field<&Order::ord_type>(cls, "ord_type");
  order_field<&Order::time_in_force>(cls, "time_in_force");
  order_field<&Order::flags>(cls, "flags");
  order_field<&Order::state>(cls, "state");
  order_field<&Order::price>(cls, "price");
  order_field<&Order::stop_px>(cls, "stop_px");
  order_field<&Order::order_qty>(cls, "order_qty");
  order_field<&Order::cum_qty>(cls, "cum_qty");
  order_field<&Order::leaves_qty>(cls, "leaves_qty");
  order_field<&Order::held>(cls, "held");
  order_field<&Order::display_qty>(cls, "display_qty");
  cls.def_property_readonly("slice", &slice_of);
  order_field<&Order::tag>(cls, "tag");
  order_field<&Order::cause>(cls, "cause");
  cls.def_property_readonly("waits_for", [](NativeOrder& self) {
    const auto* kept = kept_of(self);
    return static_cast<int>(kept == nullptr ? DenyReason::NONE : kept->waits_for);
  });
  cls.def_property_readonly("terms", [](NativeOrder& self) -> std::optional<py::tuple> {
    const auto* kept = kept_of(self);
    if (kept == nullptr) return std::nullopt;
    const auto& terms = kept->terms;
    return py::make_tuple(terms.ord_type, terms.trigger, terms.peg_offset, terms.peg_offset_type,
                          terms.list, terms.contingency, terms.parent, terms.order_qty);
  });
  cls.def_property_readonly("avg_px", [](NativeOrder& self) { return self.now().avg_px(); });
  cls.def_property_readonly("queue", [](const NativeOrder& self) {
    const auto place = self.core->market().queue_place(self.last.instrument, self.id);
    return std::make_tuple(static_cast<int>(place.state), place.qty_ahead, place.orders_ahead);
  });
  cls.def_property_readonly("order_id", [](NativeOrder& self) {
    const auto& id = self.now().order_id;
    return std::string(id.data(), strnlen(id.data(), id.size()));
  });

  py::class_<NativePosition>(module, "NativePosition")
      .def_property_readonly("net_qty",
                             [](const NativePosition& p) { return p.now().position.net_qty; })
      .def_property_readonly("lowest_qty",
                             [](const NativePosition& p) { return p.now().interval().low; })
      .def_property_readonly("highest_qty",
                             [](const NativePosition& p) { return p.now().interval().high; })
      .def_property_readonly("avg_px",
                             [](const NativePosition& p) {
                               const Holding& holding = p.now();
                               return holding.position.net_qty == 0
                                          ? std::nan("")
                                          : p.core->orders().positions().avg_px(holding,
                                                                                p.instrument);
                             })
      .def_property_readonly("mark_px",
                             [](const NativePosition& p) -> std::optional<std::int64_t> {
                               const auto px = p.core->orders().positions().mark_px(p.instrument);
                               if (px == kNoPx) return std::nullopt;
                               return px;
                             })
      .def_property_readonly("realised_pnl",
                             [](const NativePosition& p) { return p.money().realised; })
      .def_property_readonly("unrealised_pnl",
                             [](const NativePosition& p) { return p.money().unrealised; })
      .def_property_readonly("fees", [](const NativePosition& p) { return p.money().fees; });
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

void bind_keeping(py::class_<Core>& cls) {
  cls.def("submit_kept", &submit_kept)
      .def("would_pass", &would_pass, "What `submit` would answer now; nothing is sent.")
      .def("end_day",
           [](Core& self, std::uint32_t session) {
             self.orders().keeper().end_day(SessionId{session});
           })
      .def_property_readonly("contingencies_broken",
                             [](Core& self) { return self.orders().keeper().broken(); });
}

void bind_reconciliation(py::class_<Core>& cls) {
  cls.def("request_status",
          [](Core& self, ClOrdId order) { return self.orders().request_status(order); })
      .def(
          "request_all_status",
          [](Core& self, std::uint32_t session) {
            return self.orders().request_all_status(SessionId{session});
          },
          "Of every order that works at the venue; the request's id, 0 where it was not sent.")
      .def("in_flight", &in_flight,
           "(order, request) of each of the session's with something out that is not answered.")
      .def("copies", &copies)
      .def("accept_copy", &accept_copy)
      .def("cancel_session", &cancel_session)
      .def("unaccepted", &unaccepted, "Adopted orders of the session that no operator knows of.")
      .def("lost", &lost,
           "Numbers of messages that only the venue has; None where there are none.");
}

void bind_requests(py::class_<Core>& cls) {
  cls.def("new_cl_ord_id", [](Core& self) { return self.orders().new_cl_ord_id(); })
      .def("submit", &submit, "Gate, log, route; false when denied.")
      .def("cancel",
           [](Core& self, ClOrdId order, int reason) {
             return settled(self, self.orders().cancel(order, static_cast<CancelReason>(reason)));
           })
      .def(
          "replace",
          [](Core& self, ClOrdId order, std::int64_t price, std::int64_t qty,
             std::optional<std::int64_t> stop_px) {
            return settled(self, self.orders().replace(order, price, qty, stop_px.value_or(kNoPx)));
          },
          py::arg("order"), py::arg("price"), py::arg("qty"), py::arg("stop_px") = std::nullopt)
      .def("cancel_all",
           [](Core& self, std::optional<std::uint32_t> strategy,
              std::optional<std::uint32_t> instrument, int reason) {
             return settled(self, self.orders().cancel_all(filter_of(strategy, instrument),
                                                           static_cast<CancelReason>(reason)));
           })
      .def("close_order",
           [](Core& self, ClOrdId order) {
             return settled(self, self.orders().close_by_operator(order));
           })
      .def("order", &order)
      .def("working",
           [](Core& self, std::optional<std::uint32_t> strategy,
              std::optional<std::uint32_t> instrument) {
             return orders(self, filter_of(strategy, instrument), false);
           })
      .def("orders",
           [](Core& self, std::optional<std::uint32_t> strategy,
              std::optional<std::uint32_t> instrument,
              bool finished) { return orders(self, filter_of(strategy, instrument), finished); })
      .def("position",
           [](Core& self, std::uint32_t strategy, std::uint32_t instrument) {
             return NativePosition{&self, strategy, InstrumentId{instrument}};
           })
      .def_property_readonly("orders_working", [](Core& c) { return c.orders().table().working(); })
      .def_property_readonly("orders_unknown", [](Core& c) { return c.orders().table().unknown(); })
      .def("explain",
           [](Core& self, ClOrdId id) {
             const Order* found = self.orders().table().find(id);
             if (found == nullptr) return py::list();
             OrderRequest request;
             request.instrument = found->instrument;
             request.strategy = found->strategy;
             request.session = found->session;
             request.side = found->side;
             request.ord_type = found->ord_type;
             request.time_in_force = found->time_in_force;
             request.flags = found->flags;
             request.price = found->price;
             request.stop_px = found->stop_px;
             request.order_qty = found->order_qty;
             return explained(self.orders().explain(request));
           })
      .def("explain_request", [](Core& self, std::uint32_t strategy, std::uint32_t instrument,
                                 std::uint32_t session, int side, int ord_type, int time_in_force,
                                 int flags, std::int64_t price, std::int64_t stop_px,
                                 std::int64_t order_qty) {
        return explained(
            self.orders().explain(request_of(strategy, instrument, session, side, ord_type,
                                             time_in_force, flags, price, stop_px, order_qty)));
      });
}

void bind_positions(py::class_<Core>& cls) {
  cls.def(
         "request_positions",
         [](Core& self, std::uint32_t session) { return self.positions().ask(SessionId{session}); })
      .def("adjust_position",
           [](Core& self, std::uint32_t session, std::uint32_t instrument, std::int64_t change,
              std::int64_t px, std::uint64_t report) {
             self.positions().adjust(SessionId{session}, InstrumentId{instrument}, change, px,
                                     report);
           })
      .def("price_of", [](const Core& self, std::uint32_t instrument, std::int64_t settl_px) {
        return self.positions().price_of(InstrumentId{instrument}, settl_px);
      });
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
  bind_requests(cls);
  bind_keeping(cls);
  bind_reconciliation(cls);
  bind_positions(cls);
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
