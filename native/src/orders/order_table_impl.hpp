// The inside of the order table: slab and lists (order_table.cpp), the meaning of events
// (order_entry.cpp, order_events.cpp, order_requests.cpp), reservations (order_reserve.cpp), saved
// state (order_table_io.cpp).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "cl_ord_ids.hpp"
#include "pitwire/orders/execution_ids.hpp"
#include "pitwire/orders/order_table.hpp"

namespace pitwire {

struct OrderTable::Impl {
  static constexpr std::uint32_t kChainMax = 64;
  static constexpr std::uint32_t kSessionsMax = 65'536;

  /// A doubly linked list through Slot::previous and Slot::next.
  struct List {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t size = 0;
  };
  struct Slot {
    Order order;
    ClOrdIds::Chain ids;
    std::uint32_t previous = kNone, next = kNone;            ///< live or terminal list
    std::uint32_t previous_peer = kNone, next_peer = kNone;  ///< live, same instrument and side
  };
  /// Live orders of one instrument and side, and their most aggressive price.
  struct Peers {
    std::int64_t best_px = kNoPx;
    std::uint32_t first = kNone;
  };

  Impl(const OrderTableConfig& config, PositionBook& positions);

  // order_table.cpp: slab, ids and lists.
  [[nodiscard]] Order& at(std::uint32_t slot) noexcept { return slots[slot].order; }
  [[nodiscard]] std::uint32_t find(ClOrdId id) const noexcept {
    return id == 0 ? kNone : ids.slot_of(id);
  }
  [[nodiscard]] std::uint32_t spare_ids() const noexcept { return config.capacity * 4 - live_ids; }
  std::uint32_t acquire() noexcept;
  void recycle_oldest() noexcept;
  bool name(std::uint32_t slot, ClOrdId id) noexcept;
  void push(List& list, std::uint32_t slot) noexcept;
  void unlink(List& list, std::uint32_t slot) noexcept;
  [[nodiscard]] ExecutionIds* seen_of(std::uint32_t session) noexcept;
  [[nodiscard]] const ExecutionIds* seen_of(std::uint32_t session) const noexcept;
  [[nodiscard]] std::uint32_t slot_of(const rec::Execution& record) const noexcept;
  [[nodiscard]] std::uint32_t slot_by_order_id(const rec::Execution& record) const noexcept;
  [[nodiscard]] bool is_duplicate(std::uint32_t slot, const rec::Execution& record) const noexcept;

  // order_reserve.cpp: what live orders reserve.
  void settle(std::uint32_t slot, OrderState state) noexcept;
  void join_peers(std::uint32_t slot) noexcept;
  void leave_peers(std::uint32_t slot) noexcept;
  [[nodiscard]] Peers& peers_of(const Order& order) noexcept;
  [[nodiscard]] std::int64_t best_of(std::uint32_t instrument, Side side) const noexcept;
  void reserve(Order& order) const noexcept;

  // order_entry.cpp, order_events.cpp, order_requests.cpp: facts, then the table's cell, then the
  // state.
  Transition submitted(const rec::OrderSubmitted& record) noexcept;
  Transition adopted(const rec::OrderAdopted& record) noexcept;
  Transition execution(const rec::Execution& record, UnknownOrder rule) noexcept;
  Transition request(ClOrdId order, ClOrdId id, const rec::ReplaceRequested* replace) noexcept;
  Transition rejected(const rec::CancelRejected& record) noexcept;
  template <class R>
  std::uint32_t enter(Transition& transition, const R& record) noexcept;
  Transition held(const rec::OrderHeld& record) noexcept;
  Transition held_changed(const rec::OrderHeldChanged& record) noexcept;
  Transition held_ended(const rec::OrderHeldEnded& record) noexcept;
  Transition lose(std::uint32_t slot) noexcept;
  Transition not_sent(ClOrdId id) noexcept;
  Transition unknown_at_venue(std::uint32_t slot, UnknownOrder rule) noexcept;
  Transition operator_closed(ClOrdId id) noexcept;
  Transition begin(std::uint32_t slot, OrderEvent event) noexcept;
  void finish(std::uint32_t slot, Transition& transition, OrderState state) noexcept;
  void learn(std::uint32_t slot, Transition& transition, const rec::Execution& record) noexcept;
  void fill(Order& order, Transition& transition, const rec::Execution& record) noexcept;
  bool unbook(Order& order, Transition& transition, const rec::Execution& record) noexcept;
  void remember(const Order& order, OrderEvent event, const rec::Execution& record) noexcept;
  [[nodiscard]] OrderState after(Order& order, Transition& transition, Cell cell,
                                 const rec::Execution& record) noexcept;

  OrderTableConfig config;
  PositionBook* positions;
  ClOrdIds ids;
  std::vector<Slot> slots;
  std::vector<std::array<Peers, 2>> peers;  ///< by instrument: buys, sells
  std::vector<std::unique_ptr<ExecutionIds>> seen;
  List live, terminal;
  std::uint32_t free_first = kNone;
  std::uint32_t live_ids = 0;
  std::uint32_t unknown = 0;
};

}  // namespace pitwire
