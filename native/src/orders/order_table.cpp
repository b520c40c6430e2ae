#include "pitwire/orders/order_table.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "order_facts.hpp"
#include "order_table_impl.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kCapacityMax = 1u << 22;

OrderTableConfig validated(const OrderTableConfig& config) {
  if (config.capacity == 0 || config.capacity > kCapacityMax) {
    throw std::invalid_argument("orders.capacity: expected 1 to 4194304, found " +
                                std::to_string(config.capacity));
  }
  if (config.exec_ids_per_session == 0) {
    throw std::invalid_argument("orders.exec_ids_per_session: expected at least 1, found 0");
  }
  return config;
}

constexpr std::uint32_t kTouchedAtStart = 1 << 16;

}  // namespace

OrderTable::Impl::Impl(const OrderTableConfig& config_in, PositionBook& positions_in)
    : config(validated(config_in)), positions(&positions_in), ids(config.capacity * 4) {
  slots.reserve(config.capacity);
  // Pages of as many as a daemon has by default are there from the start: no order of a day waits
  // for one, and what the process takes says nothing about how long it has run.
  slots.resize(std::min(config.capacity, kTouchedAtStart));
  slots.clear();
  peers.resize(positions->registry().size());
}

std::uint32_t OrderTable::Impl::acquire() noexcept {
  if (free_first == kNone && slots.size() == config.capacity) recycle_oldest();
  if (free_first != kNone) {
    const auto slot = free_first;
    free_first = slots[slot].next;
    slots[slot] = Slot{};
    return slot;
  }
  if (slots.size() == config.capacity) return kNone;
  slots.emplace_back();
  return static_cast<std::uint32_t>(slots.size() - 1);
}

void OrderTable::Impl::recycle_oldest() noexcept {
  const auto slot = terminal.first;
  if (slot == kNone) return;
  unlink(terminal, slot);
  ids.release(slots[slot].ids);
  slots[slot].next = free_first;
  free_first = slot;
}

/// Gives the order one more id. At the chain's limit, or when nothing else is left, the oldest id
/// that means nothing any more is forgotten.
bool OrderTable::Impl::name(std::uint32_t slot, ClOrdId id) noexcept {
  auto& chain = slots[slot].ids;
  const auto& order = slots[slot].order;
  const auto before = chain.size;
  const auto keep = [&](ClOrdId other) {
    return other == order.order || other == order.cl_ord_id || other == order.pending_replace;
  };
  const bool scarce = spare_ids() <= live.size;  // what is left is kept for cancels
  if (chain.size >= kChainMax || scarce) ids.forget_oldest(chain, keep);
  while (ids.free() == 0 && terminal.first != kNone) recycle_oldest();
  const bool added = ids.add(chain, id, slot);
  if (is_live(order.state)) live_ids += chain.size - before;
  return added;
}

void OrderTable::Impl::push(List& list, std::uint32_t slot) noexcept {
  slots[slot].previous = list.last;
  slots[slot].next = kNone;
  (list.last == kNone ? list.first : slots[list.last].next) = slot;
  list.last = slot;
  ++list.size;
}

void OrderTable::Impl::unlink(List& list, std::uint32_t slot) noexcept {
  const auto [before, after] = std::pair{slots[slot].previous, slots[slot].next};
  (before == kNone ? list.first : slots[before].next) = after;
  (after == kNone ? list.last : slots[after].previous) = before;
  --list.size;
}

const ExecutionIds* OrderTable::Impl::seen_of(std::uint32_t session) const noexcept {
  return session < seen.size() ? seen[session].get() : nullptr;
}

/// Allocates once a session, at its first report.
ExecutionIds* OrderTable::Impl::seen_of(std::uint32_t session) noexcept {
  if (session >= kSessionsMax) return nullptr;
  if (session >= seen.size()) seen.resize(session + 1);
  if (!seen[session]) seen[session] = std::make_unique<ExecutionIds>(config.exec_ids_per_session);
  return seen[session].get();
}

std::uint32_t OrderTable::Impl::slot_of(const rec::Execution& record) const noexcept {
  auto slot = find(record.cl_ord_id);
  if (slot == kNone) slot = find(record.orig_cl_ord_id);
  if (slot == kNone) return slot_by_order_id(record);
  const auto& order = slots[slot].order;
  const bool contradicts =
      (record.instrument != kNoId && record.instrument != index(order.instrument)) ||
      (record.side != 0 && record.side != static_cast<std::uint8_t>(order.side));
  // Of an order that the venue does not know it has no instrument and no side to tell.
  const bool tells = contradicts && classify(record) != OrderEvent::UNKNOWN_AT_VENUE;
  return tells ? slot_by_order_id(record) : slot;
}

/// Walks the table: only for a report whose ClOrdIDs say nothing.
std::uint32_t OrderTable::Impl::slot_by_order_id(const rec::Execution& record) const noexcept {
  if (record.order_id[0] == '\0') return kNone;
  for (const auto* list : {&live, &terminal}) {
    for (auto slot = list->first; slot != kNone; slot = slots[slot].next) {
      const auto& order = slots[slot].order;
      if (list == &terminal && !has(order.flags, OrderFlag::ADOPTED)) continue;
      if (order.order_id == record.order_id && index(order.session) == record.session &&
          index(order.instrument) == record.instrument &&
          static_cast<std::uint8_t>(order.side) == record.side) {
        return slot;
      }
    }
  }
  return kNone;
}

/// By the session of the order: another line of the same venue may tell the same trade.
bool OrderTable::Impl::is_duplicate(std::uint32_t slot,
                                    const rec::Execution& record) const noexcept {
  if (record.exec_id[0] == '\0') return false;
  if (static_cast<ExecType>(record.exec_type) == ExecType::ORDER_STATUS) return false;
  const auto* known = seen_of(slot == kNone ? record.session : index(slots[slot].order.session));
  return known != nullptr && known->find(record.exec_id, record.side) != nullptr;
}

OrderTable::OrderTable(const OrderTableConfig& config, PositionBook& positions)
    : impl_(std::make_unique<Impl>(config, positions)) {}
OrderTable::~OrderTable() = default;

Transition OrderTable::apply(const rec::OrderSubmitted& record) noexcept {
  return impl_->submitted(record);
}
Transition OrderTable::apply(const rec::OrderHeld& record) noexcept { return impl_->held(record); }
Transition OrderTable::apply(const rec::OrderHeldChanged& record) noexcept {
  return impl_->held_changed(record);
}
Transition OrderTable::apply(const rec::OrderHeldEnded& record) noexcept {
  return impl_->held_ended(record);
}
Transition OrderTable::apply(const rec::CancelRequested& record) noexcept {
  return impl_->request(record.order, record.cl_ord_id, nullptr);
}
Transition OrderTable::apply(const rec::ReplaceRequested& record) noexcept {
  return impl_->request(record.order, record.cl_ord_id, &record);
}
Transition OrderTable::apply(const rec::Execution& record, UnknownOrder rule) noexcept {
  return impl_->execution(record, rule);
}
Transition OrderTable::apply(const rec::CancelRejected& record) noexcept {
  return impl_->rejected(record);
}

Transition OrderTable::apply(const rec::OrderAdopted& record) noexcept {
  return impl_->adopted(record);
}
void OrderTable::accept_adopted(SessionId session) noexcept {
  for (auto& slot : impl_->slots) {
    const bool adopted = has(slot.order.flags, OrderFlag::ADOPTED);
    if (adopted && slot.order.session == session) set(slot.order, OrderFact::ACCEPTED);
  }
}

Transition OrderTable::apply(const rec::OrderState& record) noexcept {
  const auto slot = impl_->find(record.order);
  const auto from = static_cast<OrderState>(record.from_state);
  const auto to = static_cast<OrderState>(record.to_state);
  if (slot == kNone || impl_->at(slot).state != from) return {};  // its cause was applied already
  const auto& order = impl_->at(slot);
  switch (static_cast<OrderEvent>(record.event)) {
    case OrderEvent::CONNECTION_LOST:
      return impl_->lose(slot);
    case OrderEvent::UNKNOWN_AT_VENUE:
      if (from == to) return {};
      return impl_->unknown_at_venue(slot, UnknownOrder::NEVER_ARRIVED);
    case OrderEvent::OPERATOR_CLOSED:
      return impl_->operator_closed(record.order);
    case OrderEvent::NOT_SENT:
      if (to == OrderState::NOT_SENT) return impl_->not_sent(record.order);
      return impl_->not_sent(from == OrderState::PENDING_CANCEL && to != from
                                 ? order.pending_cancel
                                 : order.pending_replace);
    default:
      return {};
  }
}

Transition OrderTable::lose(std::uint32_t slot) noexcept { return impl_->lose(slot); }
Transition OrderTable::not_sent(ClOrdId cl_ord_id) noexcept { return impl_->not_sent(cl_ord_id); }
Transition OrderTable::operator_closed(ClOrdId cl_ord_id) noexcept {
  return impl_->operator_closed(cl_ord_id);
}

const Order* OrderTable::find(ClOrdId cl_ord_id) const noexcept {
  const auto slot = impl_->find(cl_ord_id);
  return slot == kNone ? nullptr : &impl_->slots[slot].order;
}
const Order* OrderTable::find(const rec::Execution& record) const noexcept {
  const auto slot = impl_->slot_of(record);
  return slot == kNone ? nullptr : &impl_->slots[slot].order;
}
const SeenExecution* OrderTable::seen(SessionId session, const std::array<char, 40>& exec_id,
                                      std::uint8_t side) const noexcept {
  const Impl& impl = *impl_;
  const auto* known = impl.seen_of(index(session));
  return known == nullptr ? nullptr : known->find(exec_id, side);
}
bool OrderTable::is_duplicate(const rec::Execution& record) const noexcept {
  return impl_->is_duplicate(impl_->slot_of(record), record);
}
/// One id for the order, one for its cancel, one for the cancel of every other live order.
bool OrderTable::can_submit() const noexcept {
  return impl_->live.size < impl_->config.capacity && impl_->spare_ids() >= impl_->live.size + 2;
}
bool OrderTable::can_replace(const Order& order) const noexcept {
  // Beyond first and newest, ids of its own chain may be forgotten for it.
  const auto slot = impl_->find(order.order);
  const bool own = slot != kNone && impl_->slots[slot].ids.size > 2;
  return cell(order.state, OrderEvent::REPLACE_REQUEST).legal() &&
         (own || impl_->spare_ids() >= impl_->live.size + 1);
}
std::uint32_t OrderTable::working() const noexcept { return impl_->live.size; }
std::uint32_t OrderTable::working(const OrderFilter& filter) const noexcept {
  std::uint32_t count = 0;
  for_each_working(filter, [&](const Order&) { ++count; });
  return count;
}
std::uint32_t OrderTable::unknown() const noexcept { return impl_->unknown; }
std::uint32_t OrderTable::capacity() const noexcept { return impl_->config.capacity; }
std::int64_t OrderTable::best_own_buy(InstrumentId instrument) const noexcept {
  return impl_->best_of(index(instrument), Side::BUY);
}
std::int64_t OrderTable::best_own_sell(InstrumentId instrument) const noexcept {
  return impl_->best_of(index(instrument), Side::SELL);
}
void OrderTable::prefetch(InstrumentId instrument) const noexcept {
  if (index(instrument) < impl_->peers.size()) {
    __builtin_prefetch(&impl_->peers[index(instrument)]);
  }
}
void OrderTable::prefetch_next(ClOrdId cl_ord_id) const noexcept {
  const auto& slots = impl_->slots;
  const bool reused = impl_->free_first != kNone;
  // Behind the last slot there is memory up to the capacity, and a prefetch of none does no harm.
  const auto* next =
      reinterpret_cast<const char*>(slots.data() + (reused ? impl_->free_first : slots.size()));
  for (std::size_t at = 0; at < sizeof(Impl::Slot); at += 64) __builtin_prefetch(next + at, 1);
  impl_->ids.prefetch_next(cl_ord_id);
}
std::uint32_t OrderTable::first_live() const noexcept { return impl_->live.first; }
std::uint32_t OrderTable::first_terminal() const noexcept { return impl_->terminal.first; }
std::uint32_t OrderTable::next(std::uint32_t slot) const noexcept {
  return impl_->slots[slot].next;
}
const Order& OrderTable::order_at(std::uint32_t slot) const noexcept {
  return impl_->slots[slot].order;
}

}  // namespace pitwire
