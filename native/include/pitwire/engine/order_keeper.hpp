// What the daemon itself does for an order, because its venue cannot or because it spans several
// orders: it holds an order until its price is reached, follows the market with a trailing stop,
// keeps OCO, OUO and OTO lists, holds reduce-only orders down, ends a GTD that the venue lacks.
//
// The rules look at what is true now, not at what has just happened: each look at an order compares
// what it may trade with what is asked of the venue, and asks for the difference. So an answer that
// is late, lost or refused only means another look, and a restart needs no more than the facts:
//
//   ORDER_TERMS          what is kept of an order, as asked for
//   ORDER_INSTRUCTIONS   how much of it is shown at a time
//   ORDER_HELD           held; an ORDER_SUBMITTED of the same ClOrdID releases it
//   ORDER_HELD_CHANGED   what it waits for, where its stop stands, that its price was reached
//   ORDER_HELD_ENDED     over, without a message
//
// Cost: nothing where no order is kept. Else a market update looks at the kept orders of its
// instrument that wait for a price, an order's event walks all that is kept (some ns each).
// docs/orders.md has the rules in words, daemon/strategy/testing_held.py has them once more.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "pitwire/engine/emitter.hpp"
#include "pitwire/market/bytes.hpp"
#include "pitwire/orders/order.hpp"
#include "pitwire/orders/risk_gate.hpp"

namespace pitwire {

class OrderDesk;

class OrderKeeper {
 public:
  OrderKeeper(OrderDesk& desk, Emitter& emitter) : desk_(desk), emitter_(emitter) {}

  /// The request needs nothing of what is done here.
  [[nodiscard]] static bool is_plain(const OrderRequest& request, const VenueTypes& types) noexcept;
  /// A request that does: checked, then held or sent. False when it was denied.
  bool submit(ClOrdId cl_ord_id, OrderRequest request);
  /// A held order's new terms; `verdict` was asked. Nothing is sent.
  void replace_held(const Order& order, const ReplaceRequest& request);
  /// A strategy's replace of an order at the venue: its list holds down what is asked for now.
  void ask_for(const Order& order, std::int64_t order_qty);
  /// A held order is over without a message.
  void end(const Order& order, OrderEvent event, CancelReason reason);
  /// The day of a session is over: what is held for the day only expires, what was sent for longer
  /// because its venue knows no day is cancelled, at the next logon if need be.
  void end_day(SessionId session);

  // ---- facts, as they are logged
  void apply(const rec::OrderTerms& record);
  void apply(const rec::OrderInstructions& record);
  void apply(const rec::OrderHeld& record);
  void apply(const rec::OrderHeldChanged& record);
  /// Before a report is applied. Where it is on an order that by our log never left, the order was
  /// released, and that was in the part of the log that a power failure took: it is logged again as
  /// it must have been, by what the venue says of it. One that had ended here meanwhile is
  /// cancelled.
  void known_there(const Order& order, const rec::Execution& report);
  /// An order is as it says now.
  void noticed(const Order& order);
  /// Look at everything again: another process may have left off anywhere.
  void look_again() noexcept;

  // ---- rules
  void market_moved(InstrumentId instrument);
  /// Does what is due. Nothing is done while facts are applied.
  void settle();
  [[nodiscard]] Nanos next_expiry() const noexcept { return next_expiry_; }
  [[nodiscard]] std::uint64_t broken() const noexcept { return broken_; }
  /// Orders that the venue does not have now.
  [[nodiscard]] std::uint64_t held() const noexcept;

  void save(ByteWriter& out) const;
  [[nodiscard]] bool restore(ByteReader& in);

  static constexpr std::uint8_t kCancelsMax = 3;

  /// One order's entry; its numbers are those of the order table's, kept while its list lives.
  struct Kept {
    rec::OrderTerms terms;
    std::int64_t cum_qty = 0;
    std::int64_t display_qty = 0;
    std::int64_t tried_qty = 0;  ///< the total last asked for by a replace of ours
    HeldStatus held = HeldStatus::NONE;
    DenyReason waits_for = DenyReason::NONE;  ///< with HeldStatus::GATE
    std::uint8_t cancels = 0;                 ///< that were asked for here
    bool over = false;
    bool triggered = false;
    bool dirty = false;
  };
  [[nodiscard]] const Kept* find(ClOrdId order) const noexcept;

 private:
  /// What an order may trade in all, and whether that can still become more.
  struct Goal {
    std::int64_t qty = 0;
    bool final = true;
  };

  Kept* find(ClOrdId order) noexcept;
  void keep_plain(ClOrdId order);
  void join(ClOrdId order, ClOrdId list, ContingencyType contingency);
  void emit_terms(const rec::OrderTerms& terms);
  void touch(const Kept& kept) noexcept;
  void sweep();
  void count_expiry() noexcept;
  void count_excess(const Kept& kept);

  [[nodiscard]] Goal goal_of(const Kept& kept) const noexcept;
  [[nodiscard]] bool closes(const Kept& child, const Kept& parent) const noexcept;
  [[nodiscard]] bool shadowed(const Kept& kept) const noexcept;
  /// Waits for its price here, and is sent as what it is then.
  [[nodiscard]] bool watches(const Kept& kept, const Order& order, const Goal& goal) const noexcept;
  [[nodiscard]] static bool converts(const rec::OrderTerms& terms,
                                     const VenueTypes& types) noexcept;
  [[nodiscard]] std::optional<std::int64_t> trigger_px2(const Kept& kept) const noexcept;
  [[nodiscard]] std::int64_t followed(const Kept& kept, std::int64_t stop_px,
                                      std::int64_t px2) const noexcept;
  [[nodiscard]] static bool reached(const Kept& kept, std::int64_t stop_px,
                                    std::int64_t px2) noexcept;
  void look(Kept& kept);
  void look_held(Kept& kept, const Order& order);
  void look_working(Kept& kept, const Order& order);
  void hold_down(Kept& kept, const Order& order);
  void resize(Kept& kept, const Order& order, std::int64_t total, CancelReason reason);
  [[nodiscard]] bool others_work(const Kept& kept);
  void release(Kept& kept, const Order& order, std::int64_t qty);
  void cancel_others(const Kept& kept);
  [[nodiscard]] bool slices(const OrderRequest& request) const;
  [[nodiscard]] OrderRequest request_of(const Kept& kept, const Order& order) const;
  [[nodiscard]] std::int64_t reducible(const Order& order) const;
  void change(Kept& kept, const Order& order, HeldStatus status, std::int64_t qty,
              std::int64_t stop_px, DenyReason waits_for = DenyReason::NONE);
  void ask_cancel(const Order& order, CancelReason reason);

  OrderDesk& desk_;
  Emitter& emitter_;
  std::vector<Kept> kept_;               ///< by the order's id
  std::vector<std::uint32_t> watching_;  ///< by instrument: entries that wait for a price
  Nanos next_expiry_ = kInt64Max;
  std::uint64_t broken_ = 0;
  bool dirty_ = false;
  bool pressing_ = false;  ///< something waits for what no event of an order tells
  bool running_ = false;
};

}  // namespace pitwire
