// Matching of our orders against recorded quantity: what the market showed and traded while it was
// recorded, or shows and trades now (paper mode). The record does not react to us; the rules say
// what we would have got.
//
// Rules
//   queue    An order that rests stands behind all quantity that the book shows at its price
//   (`ahead`).
//            A recorded trade at that price takes from `ahead` first, then from us. When the book
//            shows less than `ahead`, `ahead` is what it shows: cancellations are taken to come
//            from behind us as long as the record allows it.
//   through  A recorded trade at a worse price than ours fills us up to its quantity, at our price.
//   crossing Recorded quantity on the other side at our price or better fills us, at our price.
//   taking   A crossing order takes recorded quantity level by level at the levels' prices. What
//   was
//            taken is remembered by price (`taken`) until the book shows less there, so that the
//            same quantity is not sold to us twice.
//   ours     Two orders of ours of different owners trade with each other, after the recorded
//   quantity
//            at the same price; of one owner they do not (the newest is cancelled).
// Optimistic where the record cannot know: it ignores that our order would have changed others'
// minds.
//
// Layout: a slab of working orders and, an instrument and side, a small vector of slots in
// price-time order. Built for at most some hundred working orders an instrument: insertion and
// removal are linear in them. on_book and on_trade cost two loads where nothing of ours works.
#pragma once

#include <array>
#include <vector>

#include "pitwire/matching/depth_view.hpp"
#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

class RecordedMatcher final : public Matcher {
 public:
  /// Throws std::invalid_argument where rules are impossible or ids are not dense from 0.
  RecordedMatcher(const std::vector<VenueInstrument>& instruments, std::uint32_t orders_max);

  /// The instrument's book; nullptr means that it shows nothing. Must outlive the matcher.
  void attach(InstrumentId instrument, const DepthView* book) noexcept;
  /// The instrument's book has changed.
  void on_book(Nanos now, InstrumentId instrument, VenueSink& sink);
  /// A recorded trade. Tell it before the book change that it causes, as feeds do. With an
  /// aggressor of NONE it counts for the side of the touch that it is nearer to.
  void on_trade(Nanos now, InstrumentId instrument, std::int64_t px, std::int64_t qty,
                Side aggressor, VenueSink& sink);
  void set_trading(Nanos now, InstrumentId instrument, TradingState state, VenueSink& sink);

  OrderRef submit(Nanos now, const VenueOrder& order, VenueSink& sink) override;
  VenueReject cancel(Nanos now, OrderRef ref, VenueSink& sink) override;
  VenueReject replace(Nanos now, OrderRef ref, std::int64_t price, std::int64_t order_qty,
                      VenueSink& sink, std::int64_t stop_px = 0) override;
  void expire(Nanos now, VenueSink& sink) override;
  [[nodiscard]] const VenueOrder* find(OrderRef ref) const noexcept override;
  /// Recorded quantity before this order at its price, -1 where it does not rest.
  [[nodiscard]] std::int64_t ahead(OrderRef ref) const noexcept;

 private:
  struct Working {
    VenueOrder order;
    std::int64_t ahead = 0;
    bool resting = false;
    bool gone = false;  ///< ended inside a walk over its queue; its slot is freed after it
    std::uint32_t next_free = 0;
  };
  struct Desk {
    VenueInstrument rules;
    TradingState trading = TradingState::TRADING;
    const DepthView* book = nullptr;
    std::int64_t last_px = 0;
    std::array<std::vector<std::uint32_t>, 2> queue;  ///< slots, best price first, oldest first
    std::array<std::vector<DepthLevel>, 2> taken;     ///< of the recorded quantity of that side
    std::vector<std::uint32_t> stops;                 ///< oldest first
  };
  /// What an order would trade with next.
  struct Contra {
    std::int64_t px = 0;
    std::int64_t qty = 0;
    std::uint32_t slot = 0;
    bool ours = false;
    bool found = false;
  };
  class Sweep;

  Desk& desk_of(const VenueOrder& order) noexcept { return desks_[index(order.instrument)]; }
  [[nodiscard]] const Desk& desk_of(const VenueOrder& order) const noexcept {
    return desks_[index(order.instrument)];
  }
  [[nodiscard]] VenueReject check(const VenueOrder& order, Nanos now) const noexcept;
  [[nodiscard]] bool would_trade(const VenueOrder& order) const noexcept;
  [[nodiscard]] bool fillable(const VenueOrder& order) const noexcept;
  [[nodiscard]] std::uint32_t slot_of(OrderRef ref) const noexcept;
  [[nodiscard]] std::uint32_t claim(const VenueOrder& order) noexcept;
  void release(std::uint32_t slot) noexcept;
  void rest(Nanos now, std::uint32_t slot, VenueSink& sink);
  void unlink(std::uint32_t slot) noexcept;
  void finish(Nanos now, std::uint32_t slot, CancelCause cause, VenueSink& sink);
  void execute(Nanos now, std::uint32_t slot, VenueSink& sink);
  bool take(Nanos now, std::uint32_t slot, VenueSink& sink);
  void trade_with(Nanos now, std::uint32_t slot, const Contra& contra, VenueSink& sink);
  void fill_passive(Nanos now, std::uint32_t slot, std::int64_t qty, VenueSink& sink);
  void sweep_filled(Desk& desk, Side side) noexcept;
  void hit_queue(Nanos now, Desk& desk, Side side, std::int64_t px, std::int64_t qty,
                 VenueSink& sink);
  void cross(Nanos now, Desk& desk, Side side, VenueSink& sink);
  void refresh(Desk& desk) noexcept;
  void run_stops(Nanos now, Desk& desk, VenueSink& sink);
  [[nodiscard]] Side aggressor_of(const Desk& desk, std::int64_t px) const noexcept;
  static std::int64_t taken_at(const Desk& desk, Side side, std::int64_t px) noexcept;
  static void add_taken(Desk& desk, Side side, std::int64_t px, std::int64_t qty);
  static std::size_t side_index(Side side) noexcept { return side == Side::BUY ? 0 : 1; }

  std::vector<Desk> desks_;
  std::vector<Working> slots_;
  std::vector<std::uint32_t> expiring_;  ///< slots of GTD orders
  std::uint32_t free_ = 0;
  std::uint32_t used_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t match_number_ = 0;
};

}  // namespace pitwire
