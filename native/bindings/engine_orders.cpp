// Orders and positions of the engine's binding: asked for, looked at, compared with the venue's.
#include <pybind11/stl.h>

#include <cmath>

#include "engine.hpp"

namespace py = pybind11;

namespace pitwire {
namespace {

// ------------------------------------------------------------------ requests

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

// ------------------------------------------------------------------ binding

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

}  // namespace

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

void bind_orders(py::class_<Core>& cls) {
  bind_requests(cls);
  bind_keeping(cls);
  bind_reconciliation(cls);
  bind_positions(cls);
}

}  // namespace pitwire
