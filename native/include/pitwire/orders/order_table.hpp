// Every order of ours, rebuilt from logged records alone.
//
// Layout: a fixed slab of orders (stable addresses); an open-addressed index from every ClOrdID of
// an order's replace chain to its slot; intrusive lists of live orders, in order of submission, of
// the table and of each instrument and side; a list of terminal orders, oldest first. No
// allocation per order: terminal orders stay for late reports and are recycled, oldest first, when
// a slot or an id is needed. apply is O(1), but for the removal of an instrument's most aggressive
// order, which walks its live orders of that side (bounded by the working-order limit).
//
// Limits: `capacity` orders; `capacity` × 4 ClOrdIDs, 64 a chain (the oldest superseded is
// forgotten first; a report that names it finds nothing and comes back with order == null).
// A cancel always finds an id: `can_replace` keeps one per order in reserve.
//
// Event sourcing: state is a function of the records applied, whoever applies them. Live code
// builds a record, appends it to the log, applies it; recovery applies what it reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "pitwire/base/types.hpp"
#include "pitwire/orders/execution_ids.hpp"
#include "pitwire/orders/order.hpp"
#include "pitwire/orders/position_book.hpp"

namespace pitwire {

struct OrderTableConfig {
  std::uint32_t capacity = 65'536;  ///< orders, terminal ones that are kept included
  std::uint32_t exec_ids_per_session = 65'536;
};

/// What a venue means by "unknown order" in answer to a question about an order's status.
enum class UnknownOrder : std::uint8_t {
  NEVER_ARRIVED = 0,  ///< an order that no report ever mentioned is closed
  STAYS_UNKNOWN = 1   ///< nothing certain: it stays UNKNOWN, reserved, until an operator decides
};

/// Which live orders; kNoId and Side::NONE mean all.
struct OrderFilter {
  std::uint32_t instrument = kNoId;
  std::uint32_t strategy = kNoId;
  std::uint32_t session = kNoId;
  Side side = Side::NONE;

  [[nodiscard]] bool accepts(const Order& order) const noexcept {
    return (instrument == kNoId || instrument == index(order.instrument)) &&
           (strategy == kNoId || strategy == index(order.strategy)) &&
           (session == kNoId || session == index(order.session)) &&
           (side == Side::NONE || side == order.side);
  }
};

class OrderTable {
 public:
  /// `positions` gets every reservation, and must outlive the table. Throws std::invalid_argument
  /// where a capacity is 0.
  OrderTable(const OrderTableConfig& config, PositionBook& positions);
  ~OrderTable();
  OrderTable(const OrderTable&) = delete;
  OrderTable& operator=(const OrderTable&) = delete;

  // Facts, as they are logged. None throws; an id that is not ours gives order == null.
  Transition apply(const rec::OrderSubmitted& record) noexcept;
  Transition apply(const rec::OrderHeld& record) noexcept;
  Transition apply(const rec::OrderHeldChanged& record) noexcept;
  Transition apply(const rec::OrderHeldEnded& record) noexcept;
  Transition apply(const rec::CancelRequested& record) noexcept;
  Transition apply(const rec::ReplaceRequested& record) noexcept;
  /// Bookings in the result are the caller's to hand to `PositionBook::book`, in order. `rule` is
  /// the venue's. In recovery it is STAYS_UNKNOWN whatever the venue says now: where the answer
  /// ended an order, the ORDER_STATE behind it does so again.
  Transition apply(const rec::Execution& record,
                   UnknownOrder rule = UnknownOrder::STAYS_UNKNOWN) noexcept;
  Transition apply(const rec::CancelRejected& record) noexcept;
  /// An order that the venue told us of. null where it cannot be taken (no slot, id in use).
  Transition apply(const rec::OrderAdopted& record) noexcept;
  /// An operator accepted what the session's adopted orders are.
  void accept_adopted(SessionId session) noexcept;
  /// Recovery only: the events that have no record of their own (CONNECTION_LOST, NOT_SENT,
  /// UNKNOWN_AT_VENUE without a report, OPERATOR_CLOSED). Every other event is skipped.
  Transition apply(const rec::OrderState& record) noexcept;

  /// Orders of the session with something in flight become UNKNOWN; f(const Transition&) for each,
  /// in order of submission. Call `not_sent` for what never left first.
  template <class F>
  void connection_lost(SessionId session, F&& f) {
    for (auto slot = first_live(); slot != kNone;) {
      const auto following = next(slot);
      if (order_at(slot).session == session) {
        const auto transition = lose(slot);
        if (transition.changed()) f(transition);
      }
      slot = following;
    }
  }
  /// This request (an order, a cancel or a replace) never reached the socket.
  Transition not_sent(ClOrdId cl_ord_id) noexcept;
  /// An operator accepts, in the log, that an UNKNOWN order is gone.
  Transition operator_closed(ClOrdId cl_ord_id) noexcept;

  /// By any ClOrdID of the order; null where it is not ours or was recycled.
  [[nodiscard]] const Order* find(ClOrdId cl_ord_id) const noexcept;
  /// The order that a report is about: by its ClOrdIDs, unless instrument or side contradict them;
  /// else, of live and adopted orders, by the venue's OrderID. Null where there is none.
  [[nodiscard]] const Order* find(const rec::Execution& record) const noexcept;
  /// What is remembered of an ExecID; null where it was not seen.
  [[nodiscard]] const SeenExecution* seen(SessionId session, const std::array<char, 40>& exec_id,
                                          std::uint8_t side) const noexcept;
  /// The ExecID was applied before: the record is to be flagged as a duplicate. Status answers
  /// are never duplicates.
  [[nodiscard]] bool is_duplicate(const rec::Execution& record) const noexcept;

  [[nodiscard]] bool can_submit() const noexcept;
  [[nodiscard]] bool can_replace(const Order& order) const noexcept;
  /// The state table allows a cancel of this order now.
  [[nodiscard]] static bool can_cancel(const Order& order) noexcept {
    return cell(order.state, OrderEvent::CANCEL_REQUEST).legal() && !order.is(OrderFact::FOREIGN);
  }

  /// f(const Order&) for each live order that the filter accepts, in order of submission. f may
  /// apply records to the order that it is given.
  template <class F>
  void for_each_working(const OrderFilter& filter, F&& f) const {
    for (auto slot = first_live(); slot != kNone;) {
      const auto following = next(slot);
      if (filter.accepts(order_at(slot))) f(order_at(slot));
      slot = following;
    }
  }
  /// f(const Order&) for each terminal order that is still kept, oldest first.
  template <class F>
  void for_each_terminal(F&& f) const {
    for (auto slot = first_terminal(); slot != kNone; slot = next(slot)) f(order_at(slot));
  }
  [[nodiscard]] std::uint32_t working() const noexcept;
  [[nodiscard]] std::uint32_t working(const OrderFilter& filter) const noexcept;
  [[nodiscard]] std::uint32_t unknown() const noexcept;
  [[nodiscard]] std::uint32_t capacity() const noexcept;

  /// Highest price that an own live buy may trade at, kNoPx without one; market orders count as
  /// the highest price of all, untriggered stops do not count.
  [[nodiscard]] std::int64_t best_own_buy(InstrumentId instrument) const noexcept;
  /// Lowest price that an own live sell may trade at, kNoPx without one.
  [[nodiscard]] std::int64_t best_own_sell(InstrumentId instrument) const noexcept;

  /// Asks the cache for what `best_own_buy` and `best_own_sell` read.
  void prefetch(InstrumentId instrument) const noexcept;
  /// The same for what the next order submitted will write, with this id.
  void prefetch_next(ClOrdId cl_ord_id) const noexcept;

  void save(std::vector<std::byte>& out) const;
  /// Rebuilds orders, ids and seen executions, and reserves nothing: restore the PositionBook
  /// from its own state. False, and the table empty, where the bytes are not a saved table.
  [[nodiscard]] bool restore(std::span<const std::byte> in);

 private:
  static constexpr std::uint32_t kNone = kNoId;
  struct Impl;

  [[nodiscard]] std::uint32_t first_live() const noexcept;
  [[nodiscard]] std::uint32_t first_terminal() const noexcept;
  [[nodiscard]] std::uint32_t next(std::uint32_t slot) const noexcept;
  [[nodiscard]] const Order& order_at(std::uint32_t slot) const noexcept;
  Transition lose(std::uint32_t slot) noexcept;
  class Restorer;

  std::unique_ptr<Impl> impl_;
};

}  // namespace pitwire
