// The order table's saved state: live orders in order of submission, terminal ones oldest first,
// each with its chain of ids; then every session's seen executions, oldest first.
#include "order_table_impl.hpp"
#include "pitwire/orders/state_io.hpp"

namespace pitwire {
namespace {

constexpr std::uint32_t kVersion = 3;

/// Every field once, for both directions.
template <class Ref, class F>
void each_field(Ref& o, F&& f) {
  f(o.order), f(o.cl_ord_id), f(o.pending_cancel), f(o.pending_replace);
  f(o.price), f(o.stop_px), f(o.order_qty), f(o.cum_qty), f(o.leaves_qty);
  f(o.pending_price), f(o.pending_qty), f(o.px_qty_sum);
  f(o.reserved_qty), f(o.reserved_notional), f(o.reserved_px);
  f(o.venue_cum), f(o.expire_ts), f(o.tag), f(o.cause);
  f(o.instrument), f(o.strategy), f(o.session);
  f(o.side), f(o.ord_type), f(o.time_in_force), f(o.flags), f(o.state), f(o.facts), f(o.closing);
  f(o.held);
  f(o.order_id);
}

}  // namespace

void OrderTable::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  writer.put(kVersion);
  for (const auto* list : {&impl_->live, &impl_->terminal}) {
    writer.put(std::uint64_t{list->size});
    for (auto slot = list->first; slot != kNone; slot = impl_->slots[slot].next) {
      const auto& entry = impl_->slots[slot];
      each_field(entry.order, [&](const auto& field) { writer.put(field); });
      writer.put(std::uint64_t{entry.ids.size});
      impl_->ids.for_each(entry.ids, [&](ClOrdId id) { writer.put(id); });
    }
  }
  writer.put(std::uint64_t{impl_->seen.size()});
  for (const auto& seen : impl_->seen) {
    const auto size = seen ? seen->size() : 0;
    writer.put(std::uint64_t{size});
    for (std::uint32_t i = 0; i < size; ++i) writer.put(seen->oldest(i));
  }
}

class OrderTable::Restorer {
 public:
  static bool order(Impl& impl, Impl::List& list, StateReader& reader);
};

bool OrderTable::Restorer::order(Impl& impl, Impl::List& list, StateReader& reader) {
  if (impl.slots.size() == impl.config.capacity) return false;
  const auto slot = impl.acquire();
  auto& order = impl.at(slot);
  each_field(order, [&](auto& field) { field = reader.get<std::decay_t<decltype(field)>>(); });
  const bool live = &list == &impl.live;
  if (!reader.ok() || is_live(order.state) != live || order.state == OrderState::NONE ||
      !impl.positions->registry().known(order.instrument)) {
    return false;
  }
  const auto ids = reader.count(sizeof(ClOrdId));
  for (std::size_t i = 0; i < ids && reader.ok(); ++i) {
    const auto id = reader.get<ClOrdId>();
    if (impl.find(id) != kNone || !impl.ids.add(impl.slots[slot].ids, id, slot)) return false;
  }
  impl.push(list, slot);
  if (!live) return reader.ok();
  impl.live_ids += impl.slots[slot].ids.size;
  impl.unknown += order.state == OrderState::UNKNOWN ? 1u : 0u;
  impl.join_peers(slot);
  return reader.ok();
}

bool OrderTable::restore(std::span<const std::byte> in) {
  auto fresh = std::make_unique<Impl>(impl_->config, *impl_->positions);
  auto& positions = *impl_->positions;
  impl_ = std::make_unique<Impl>(fresh->config, positions);
  StateReader reader(in);
  if (reader.get<std::uint32_t>() != kVersion) return false;
  for (auto* list : {&fresh->live, &fresh->terminal}) {
    const auto orders = reader.count(8);
    for (std::size_t i = 0; i < orders && reader.ok(); ++i) {
      if (!Restorer::order(*fresh, *list, reader)) return false;
    }
  }
  const auto sessions = reader.count(8);
  for (std::size_t session = 0; session < sessions && reader.ok(); ++session) {
    const auto size = reader.count(sizeof(SeenExecution));
    auto* seen = size == 0 ? nullptr : fresh->seen_of(static_cast<std::uint32_t>(session));
    if (size > 0 && (seen == nullptr || size > seen->capacity())) return false;
    for (std::size_t i = 0; i < size; ++i) seen->insert(reader.get<SeenExecution>());
  }
  if (fresh->seen.size() < sessions) fresh->seen.resize(sessions);
  if (!reader.ok() || !reader.at_end()) return false;
  impl_ = std::move(fresh);
  return true;
}

}  // namespace pitwire
