// How orders come into the table: submitted to a venue, or kept by the daemon and released later.
#include <utility>

#include "order_facts.hpp"
#include "order_table_impl.hpp"

namespace pitwire {
namespace {

/// The terms, of ORDER_SUBMITTED or ORDER_HELD.
template <class R>
void take_request(Order& order, const R& record) noexcept {
  order.order = order.cl_ord_id = record.cl_ord_id;
  order.instrument = InstrumentId{record.instrument};
  order.strategy = StrategyId{record.strategy};
  order.session = SessionId{record.session};
  order.side = static_cast<Side>(record.side);
  order.ord_type = static_cast<OrdType>(record.ord_type);
  order.time_in_force = static_cast<TimeInForce>(record.time_in_force);
  order.flags = record.flags;
  order.price = record.price;
  order.stop_px = record.stop_px;
  order.order_qty = order.leaves_qty = record.order_qty;
  order.expire_ts = record.expire_ts;
  order.tag = record.tag;
  order.cause = record.cause;
}

/// What ORDER_INSTRUCTIONS say of an ORDER_SUBMITTED: all of them, or that it is a slice.
void take_instructions(Order& order, const rec::OrderSubmitted& record,
                       const rec::OrderInstructions& more) noexcept {
  order.display_qty = more.display_qty;
  order.peg_offset = more.peg_offset;
  order.peg_offset_type = static_cast<PegOffsetType>(more.peg_offset_type);
  if (more.total_qty == 0) return;
  set(order, OrderFact::SLICED);
  clear(order, OrderFact::ACKNOWLEDGED);
  order.slice = record.cl_ord_id;
  order.slice_base = order.cum_qty;
  order.slice_qty = record.order_qty;
  order.order_qty = more.total_qty;
  recount_leaves(order);
}

}  // namespace

/// A new order; nothing where the record cannot be one.
template <class R>
std::uint32_t OrderTable::Impl::enter(Transition& transition, const R& record) noexcept {
  const bool usable = record.cl_ord_id != 0 && record.order_qty > 0 &&
                      positions->registry().known(InstrumentId{record.instrument});
  transition.illegal = transition.order != nullptr || !usable;
  const auto slot = transition.illegal ? kNone : acquire();
  if (slot == kNone) return slot;
  take_request(at(slot), record);
  name(slot, record.cl_ord_id);
  transition.order = &at(slot);
  return slot;
}

/// A held order goes out under its own ClOrdID, as what the record says: a stop as a market order,
/// say. So does one that had ended while it was held, where the venue knows it all the same.
Transition OrderTable::Impl::submitted(const rec::OrderSubmitted& record) noexcept {
  const bool instructed = instructions.cl_ord_id == record.cl_ord_id;
  if (instructed && instructions.order != record.cl_ord_id) {
    return next_slice(record, std::exchange(instructions, {}));
  }
  auto slot = find(record.cl_ord_id);
  auto transition = begin(slot, OrderEvent::SUBMIT);
  const bool was_kept =
      slot != kNone && (at(slot).state == OrderState::HELD || at(slot).is(OrderFact::ENDED_HELD));
  if (was_kept) {
    let_go(at(slot));
    clear(at(slot), OrderFact::ENDED_HELD);
    take_request(at(slot), record);
  } else {
    slot = enter(transition, record);
  }
  if (slot == kNone) return transition;
  if (instructed) take_instructions(at(slot), record, std::exchange(instructions, {}));
  finish(slot, transition, live_state(at(slot)));
  return transition;
}

/// The order keeps its name and gets one more ClOrdID, as by a replace.
Transition OrderTable::Impl::next_slice(const rec::OrderSubmitted& record,
                                        const rec::OrderInstructions& more) noexcept {
  const auto slot = find(more.order);
  auto transition = begin(slot, OrderEvent::SUBMIT);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  transition.illegal = order.state != OrderState::HELD || find(record.cl_ord_id) != kNone ||
                       !name(slot, record.cl_ord_id);
  if (transition.illegal) return transition;
  let_go(order);
  order.cl_ord_id = record.cl_ord_id;
  order.price = record.price;
  order.cause = record.cause;
  take_instructions(order, record, more);
  finish(slot, transition, live_state(order));
  return transition;
}

Transition OrderTable::Impl::held(const rec::OrderHeld& record) noexcept {
  const auto more = std::exchange(instructions, {});
  auto transition = begin(find(record.cl_ord_id), OrderEvent::HOLD);
  const auto slot = enter(transition, record);
  if (slot == kNone) return transition;
  if (more.cl_ord_id == record.cl_ord_id) at(slot).display_qty = more.display_qty;
  keep(at(slot), static_cast<HeldStatus>(record.held), record.idle != 0);
  finish(slot, transition, live_state(at(slot)));
  return transition;
}

Transition OrderTable::Impl::held_changed(const rec::OrderHeldChanged& record) noexcept {
  const auto slot = find(record.order);
  auto transition = begin(slot, OrderEvent::HELD_CHANGED);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  transition.illegal = !cell(order.state, OrderEvent::HELD_CHANGED).legal();
  if (transition.illegal) return transition;
  order.price = record.price;
  order.stop_px = record.stop_px;
  order.order_qty = record.order_qty;
  recount_leaves(order);
  keep(order, static_cast<HeldStatus>(record.held), record.idle != 0);
  finish(slot, transition, live_state(order));
  return transition;
}

Transition OrderTable::Impl::held_ended(const rec::OrderHeldEnded& record) noexcept {
  const auto slot = find(record.order);
  const auto event = static_cast<OrderEvent>(record.event);
  auto transition = begin(slot, event);
  if (slot == kNone) return transition;
  const auto rule = cell(at(slot).state, event);
  transition.illegal = at(slot).state != OrderState::HELD || rule.rule != Rule::TO;
  if (transition.illegal) return transition;
  let_go(at(slot));
  set(at(slot), OrderFact::ENDED_HELD);
  finish(slot, transition, rule.to);
  return transition;
}

}  // namespace pitwire
