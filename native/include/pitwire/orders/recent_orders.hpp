// The newest orders sent, to find a repeated one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "pitwire/base/types.hpp"

namespace pitwire {

/// What makes two orders the same.
struct OrderKey {
  std::uint32_t strategy = 0;
  std::uint32_t instrument = 0;
  std::int64_t price = 0;
  std::int64_t order_qty = 0;
  std::uint32_t side = 0;
  std::uint32_t ord_type = 0;
  bool operator==(const OrderKey&) const = default;
};

/// A ring of the newest 4,096 orders, chained by hash. O(1) expected; a chain holds only orders of
/// one hash that are still in the ring. What is further back than 4,096 orders is not seen.
class RecentOrders {
 public:
  static constexpr std::uint32_t kCapacity = 4'096;

  RecentOrders();
  /// Time of the newest order with this key, or the minimum.
  [[nodiscard]] Nanos last(const OrderKey& key) const noexcept;
  /// No order with this key came after the result: the newest time of its whole chain.
  [[nodiscard]] Nanos none_after(const OrderKey& key) const noexcept {
    return newest_[chain(key)].ts;
  }
  void insert(const OrderKey& key, Nanos now) noexcept;
  /// Asks the cache for what `insert` will write.
  void prefetch_next(const OrderKey& key) const noexcept {
    __builtin_prefetch(&newest_[chain(key)], 1);
    const auto* next = reinterpret_cast<const char*>(&ring_[(count_ + 1) % kCapacity]);
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + sizeof(Entry) - 1, 1);
  }

  void save(std::vector<std::byte>& out) const;
  [[nodiscard]] bool restore(class StateReader& in);

 private:
  struct Entry {
    OrderKey key;
    Nanos ts = 0;
    std::uint64_t older = 0;  ///< number of the next older of its chain, 0 for none
  };
  struct Newest {
    std::uint64_t number = 0;  ///< 0 for none
    Nanos ts = kNever;
  };
  static constexpr Nanos kNever = std::numeric_limits<Nanos>::min();
  [[nodiscard]] static std::size_t chain(const OrderKey& key) noexcept;
  [[nodiscard]] bool kept(std::uint64_t number) const noexcept {
    return number != 0 && number + kCapacity > count_;
  }

  std::uint64_t count_ = 0;  ///< orders ever; the newest has this number
  std::vector<Entry> ring_;
  std::vector<Newest> newest_;
};

}  // namespace pitwire
