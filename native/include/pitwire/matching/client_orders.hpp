// The orders of a venue's clients, found by session and ClOrdID; every ClOrdID of a replace chain
// leads to its order.
//
// Layout: a ring of orders and an open-addressing index (linear probing) of four times its size. A
// new order takes the next place in the ring whose order has ended; that one is forgotten then, so
// the venue remembers its last `capacity` orders. Index entries name place and generation; entries
// of forgotten orders are dead and swept by a rebuild when the index is three quarters full:
// O(index), once in at least `capacity` orders. Lookup and insert O(1) otherwise, nothing is
// allocated after construction.
#pragma once

#include <cstdint>
#include <vector>

#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

/// One client's order as the venue reports it.
struct ClientOrder {
  SessionId session{};
  ClOrdId cl_ord_id = 0;  ///< newest
  std::uint64_t order_id = 0;
  OrderRef ref = 0;  ///< 0 once it ended
  InstrumentId instrument{};
  Side side = Side::NONE;
  OrdType ord_type = OrdType::LIMIT;
  TimeInForce time_in_force = TimeInForce::DAY;
  OrdStatus status = OrdStatus::NEW;
  std::int64_t price = 0;
  std::int64_t stop_px = 0;
  std::int64_t display_qty = 0;
  std::int64_t order_qty = 0;
  std::int64_t leaves_qty = 0;
  std::int64_t cum_qty = 0;
  std::int64_t cum_notional = 0;  ///< Σ price increments × quantity increments
  std::uint32_t generation = 0;
  bool alive = false;
};

class ClientOrders {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  /// Throws std::invalid_argument unless 1 <= capacity <= 2^24.
  explicit ClientOrders(std::uint32_t capacity);

  /// Place of the order that this ClOrdID belongs to, kNone where unknown or forgotten.
  [[nodiscard]] std::uint32_t find(SessionId session, ClOrdId cl_ord_id) const noexcept;
  /// A fresh order under this ClOrdID; kNone when all places are alive or the index
  /// is full.
  std::uint32_t add(SessionId session, ClOrdId cl_ord_id) noexcept;
  /// One more name of an order, new to its session. False, and nothing changed, when living replace
  /// chains fill the index: their names take three quarters of four times the capacity.
  [[nodiscard]] bool name(std::uint32_t place, ClOrdId cl_ord_id) noexcept;

  [[nodiscard]] ClientOrder& operator[](std::uint32_t place) noexcept { return orders_[place]; }
  [[nodiscard]] const ClientOrder& operator[](std::uint32_t place) const noexcept {
    return orders_[place];
  }
  /// Places ever used: iterate [0, used) for all orders that are remembered.
  [[nodiscard]] std::uint32_t used() const noexcept { return used_; }

 private:
  struct Entry {
    ClOrdId cl_ord_id = 0;
    std::uint32_t session = 0;
    std::uint32_t place = kNone;  ///< kNone: empty
    std::uint32_t generation = 0;
    std::uint32_t reserved = 0;
  };
  [[nodiscard]] bool current(const Entry& entry) const noexcept {
    return orders_[entry.place].generation == entry.generation;
  }
  [[nodiscard]] std::size_t bucket(std::uint32_t session, ClOrdId id) const noexcept;
  void insert(const Entry& entry) noexcept;
  void rebuild() noexcept;

  std::vector<ClientOrder> orders_;
  std::vector<Entry> index_;
  std::vector<Entry> spare_;  ///< the rebuild's other half
  std::size_t filled_ = 0;
  std::uint32_t next_ = 0;
  std::uint32_t used_ = 0;
};

}  // namespace pitwire
