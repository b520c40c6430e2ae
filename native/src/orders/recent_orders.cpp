#include "pitwire/orders/recent_orders.hpp"

#include <algorithm>

#include "pitwire/orders/state_io.hpp"

namespace pitwire {

RecentOrders::RecentOrders() : ring_(kCapacity), newest_(std::size_t{kCapacity} * 2) {}

std::size_t RecentOrders::chain(const OrderKey& key) noexcept {
  std::uint64_t hash = std::uint64_t{key.strategy} << 32 | key.instrument;
  for (const auto word :
       {static_cast<std::uint64_t>(key.price), static_cast<std::uint64_t>(key.order_qty),
        std::uint64_t{key.side} << 32 | key.ord_type}) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ull;
    hash ^= hash >> 31;
  }
  return static_cast<std::size_t>(hash >> 20) % (std::size_t{kCapacity} * 2);
}

Nanos RecentOrders::last(const OrderKey& key) const noexcept {
  for (auto number = newest_[chain(key)].number; kept(number);) {
    const auto& entry = ring_[number % kCapacity];
    if (entry.key == key) return entry.ts;
    number = entry.older;
  }
  return kNever;
}

void RecentOrders::insert(const OrderKey& key, Nanos now) noexcept {
  auto& newest = newest_[chain(key)];
  ++count_;
  ring_[count_ % kCapacity] = {key, now, newest.number};
  newest = {count_, now};
}

void RecentOrders::save(std::vector<std::byte>& out) const {
  StateWriter writer(out);
  const auto size = std::min<std::uint64_t>(count_, kCapacity);
  writer.put(size);
  for (auto number = count_ - size + 1; number <= count_; ++number) {
    writer.put(ring_[number % kCapacity].key);
    writer.put(ring_[number % kCapacity].ts);
  }
}

bool RecentOrders::restore(StateReader& in) {
  *this = RecentOrders();
  const auto size = in.count(sizeof(OrderKey));
  for (std::size_t i = 0; i < size; ++i) {
    const auto key = in.get<OrderKey>();
    const auto ts = in.get<Nanos>();
    insert(key, ts);
  }
  return in.ok();
}

}  // namespace pitwire
