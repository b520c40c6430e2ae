#include "pitwire/matching/client_orders.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace pitwire {
namespace {

constexpr std::uint32_t kCapacityMax = std::uint32_t{1} << 24;

}  // namespace

ClientOrders::ClientOrders(std::uint32_t capacity) {
  if (capacity == 0 || capacity > kCapacityMax) {
    throw std::invalid_argument("client_orders_max must be in [1, " + std::to_string(kCapacityMax) +
                                "], found " + std::to_string(capacity));
  }
  orders_.resize(capacity);
  index_.resize(std::bit_ceil(std::size_t{capacity} * 4));
  spare_.resize(index_.size());
}

std::size_t ClientOrders::bucket(std::uint32_t session, ClOrdId id) const noexcept {
  // Fibonacci hashing: the golden ratio spreads consecutive counters over the whole index.
  const auto mixed = (id ^ (std::uint64_t{session} << 40)) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::size_t>(mixed >> 20) & (index_.size() - 1);
}

std::uint32_t ClientOrders::find(SessionId session, ClOrdId cl_ord_id) const noexcept {
  for (auto at = bucket(pitwire::index(session), cl_ord_id); index_[at].place != kNone;
       at = (at + 1) & (index_.size() - 1)) {
    const auto& entry = index_[at];
    if (entry.cl_ord_id == cl_ord_id && entry.session == pitwire::index(session) &&
        current(entry)) {
      return entry.place;
    }
  }
  return kNone;
}

void ClientOrders::insert(const Entry& entry) noexcept {
  auto at = bucket(entry.session, entry.cl_ord_id);
  while (index_[at].place != kNone) at = (at + 1) & (index_.size() - 1);
  index_[at] = entry;
  ++filled_;
}

void ClientOrders::rebuild() noexcept {
  index_.swap(spare_);
  std::fill(index_.begin(), index_.end(), Entry{});
  filled_ = 0;
  for (const auto& entry : spare_) {
    if (entry.place != kNone && current(entry)) insert(entry);
  }
}

std::uint32_t ClientOrders::add(SessionId session, ClOrdId cl_ord_id) noexcept {
  const auto capacity = static_cast<std::uint32_t>(orders_.size());
  std::uint32_t tried = 0;
  while (orders_[next_].alive) {
    if (++tried == capacity) return kNone;
    next_ = (next_ + 1) % capacity;
  }
  const auto place = next_;
  used_ = std::max(used_, place + 1);
  auto& order = orders_[place];
  const auto generation = order.generation + 1;
  order = ClientOrder{};
  order.generation = generation;
  order.session = session;
  if (!name(place, cl_ord_id)) return kNone;
  order.alive = true;
  next_ = (next_ + 1) % capacity;
  return place;
}

bool ClientOrders::name(std::uint32_t place, ClOrdId cl_ord_id) noexcept {
  if (filled_ * 4 >= index_.size() * 3) rebuild();
  if (filled_ * 4 >= index_.size() * 3) return false;
  auto& order = orders_[place];
  order.cl_ord_id = cl_ord_id;
  insert({cl_ord_id, pitwire::index(order.session), place, order.generation, 0});
  return true;
}

}  // namespace pitwire
