// Our own requests and what becomes of them without an execution report.
#include "order_facts.hpp"
#include "order_table_impl.hpp"

namespace pitwire {

/// A cancel (replace == null) or a replace of ours goes out.
Transition OrderTable::Impl::request(ClOrdId order_id, ClOrdId id,
                                     const rec::ReplaceRequested* replace) noexcept {
  const auto event = replace ? OrderEvent::REPLACE_REQUEST : OrderEvent::CANCEL_REQUEST;
  const auto slot = find(order_id);
  auto transition = begin(slot, event);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  const auto rule = cell(order.state, event).rule;
  const auto owner = find(id);
  transition.illegal = rule == Rule::REFUSED || id == 0 || (owner != kNone && owner != slot);
  if (transition.illegal) return transition;
  if (owner == kNone && !name(slot, id)) {
    transition.illegal = true;
    return transition;
  }
  if (replace) {
    order.pending_replace = id;
    order.pending_price = replace->price;
    order.pending_qty = replace->order_qty;
  } else {
    order.pending_cancel = id;
    if (order.state == OrderState::UNKNOWN) set(order, OrderFact::IN_DOUBT);
  }
  finish(slot, transition, rule == Rule::STAY ? order.state : live_state(order));
  return transition;
}

Transition OrderTable::Impl::rejected(const rec::CancelRejected& record) noexcept {
  auto slot = find(record.cl_ord_id);
  if (slot == kNone) slot = find(record.orig_cl_ord_id);
  const bool is_replace =
      slot != kNone && record.cl_ord_id != 0 && at(slot).pending_replace == record.cl_ord_id;
  const bool is_cancel =
      slot != kNone && record.cl_ord_id != 0 && at(slot).pending_cancel == record.cl_ord_id;
  const bool of_replace = is_replace || (!is_cancel && record.response_to == 2);
  auto transition =
      begin(slot, of_replace ? OrderEvent::REPLACE_REJECTED : OrderEvent::CANCEL_REJECTED);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  const auto rule = cell(order.state, transition.event).rule;
  transition.illegal = rule == Rule::ILLEGAL;
  if (is_replace) order.pending_replace = 0;
  if (is_cancel) order.pending_cancel = 0;
  if (order.pending_cancel == 0 && order.pending_replace == 0) clear(order, OrderFact::IN_DOUBT);
  if (transition.illegal) {
    finish(slot, transition, OrderState::UNKNOWN);
  } else if (rule == Rule::LIVE) {
    const auto status = static_cast<OrdStatus>(record.ord_status);
    const bool over = status == OrdStatus::FILLED || status == OrdStatus::CANCELED ||
                      status == OrdStatus::REJECTED || status == OrdStatus::EXPIRED ||
                      status == OrdStatus::DONE_FOR_DAY;
    const auto state = live_state(order);
    finish(slot, transition, over && is_live(state) ? OrderState::UNKNOWN : state);
  } else {
    finish(slot, transition, order.state);
  }
  return transition;
}

Transition OrderTable::Impl::lose(std::uint32_t slot) noexcept {
  auto transition = begin(slot, OrderEvent::CONNECTION_LOST);
  if (cell(at(slot).state, OrderEvent::CONNECTION_LOST).rule == Rule::TO) {
    const bool asked = at(slot).pending_cancel != 0 || at(slot).pending_replace != 0;
    if (asked) set(at(slot), OrderFact::IN_DOUBT);
    finish(slot, transition, OrderState::UNKNOWN);
  }
  return transition;
}

Transition OrderTable::Impl::not_sent(ClOrdId id) noexcept {
  const auto slot = find(id);
  auto transition = begin(slot, OrderEvent::NOT_SENT);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  const bool pending = id == order.pending_cancel || id == order.pending_replace;
  const bool first = id == order.order && !order.is(OrderFact::ACKNOWLEDGED);
  const auto rule = cell(order.state, OrderEvent::NOT_SENT).rule;
  transition.illegal = rule == Rule::REFUSED || (rule == Rule::LIVE && !pending && !first);
  if (transition.illegal || rule == Rule::STAY) return transition;
  if (id == order.pending_cancel) order.pending_cancel = 0;
  if (id == order.pending_replace) order.pending_replace = 0;
  if (first) set(order, OrderFact::NOT_SENT);
  // A lost request does not tell what became of an order whose fate was unknown before.
  const bool stay = order.state == OrderState::UNKNOWN && !first;
  finish(slot, transition, stay ? order.state : live_state(order));
  return transition;
}

/// Said once of an order in flight, it makes it UNKNOWN; said of an UNKNOWN order that no report
/// ever mentioned, it ends it where the venue's rule is that such an order never arrived.
Transition OrderTable::Impl::unknown_at_venue(std::uint32_t slot, UnknownOrder rule) noexcept {
  auto transition = begin(slot, OrderEvent::UNKNOWN_AT_VENUE);
  if (slot == kNone) return transition;
  auto& order = at(slot);
  switch (cell(order.state, OrderEvent::UNKNOWN_AT_VENUE).rule) {
    case Rule::TO:
      finish(slot, transition, OrderState::UNKNOWN);
      break;
    case Rule::LIVE:
      if (rule == UnknownOrder::NEVER_ARRIVED && !order.is(OrderFact::ACKNOWLEDGED)) {
        finish(slot, transition, OrderState::REJECTED);
      }
      break;
    default:
      break;
  }
  return transition;
}

Transition OrderTable::Impl::operator_closed(ClOrdId id) noexcept {
  const auto slot = find(id);
  auto transition = begin(slot, OrderEvent::OPERATOR_CLOSED);
  if (slot == kNone) return transition;
  const auto rule = cell(at(slot).state, OrderEvent::OPERATOR_CLOSED);
  transition.illegal = !rule.legal();
  if (!transition.illegal) {
    at(slot).closing = OrderState::NONE;
    finish(slot, transition, rule.to);
  }
  return transition;
}

}  // namespace pitwire
