// Price-time matching of every instrument of a venue, deterministic: the same calls with the same
// times make the same events.
//
// Layout: one slab of order slots for all instruments, allocated at construction, and two price
// ladders an instrument. A reference is `counter << 24 | slot`, so an order is found by its
// reference without an index, and a stale reference is seen because the slot holds another. Costs:
// submit O(log L + orders matched), cancel O(log L), where L is the levels of a side; nothing is
// allocated per order once the ladders have seen their depth.
//
// Rules, in the order in which they apply:
//   1. checks (validate, trading state, post-only); a rejected order changes nothing;
//   2. a stop waits until a trade at or through its stop price, and an order if touched the other
//   way round; a trailing stop follows every trade. What a request's trades have reached acts as
//   market or limit when the request itself is done, first reached first;
//   3. fill-or-kill is measured before it trades, and what its own owner's orders block counts as
//   absent: of an iceberg in front of one, what it shows;
//   4. matching at the passive order's price, best price first, oldest first; an order that meets
//   one of its own owner is cancelled (self-trade prevention cancels the newest);
//   5. what is left rests (limit), or is cancelled (market, IOC);
//   6. of an iceberg only `display_qty` stands in the book; when that is filled the next part does,
//   with a new reference at the end of its level.
// A replace keeps its place only with the same price and a quantity not higher; any other is a new
// order with a new reference in the same slot.
//
// Limits: 2^24 orders at once, 2^40 references. Not handled: auctions (a halt stops entry and
// matching, and the book cannot cross while it lasts), orders that are hidden as a whole.
#pragma once

#include <array>
#include <vector>

#include "pitwire/matching/price_ladder.hpp"
#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

class MatchingEngine final : public Matcher {
 public:
  /// Throws std::invalid_argument where rules are impossible or ids are not dense from 0.
  MatchingEngine(const std::vector<VenueInstrument>& instruments, std::uint32_t orders_max);

  OrderRef submit(Nanos now, const VenueOrder& order, VenueSink& sink) override;
  VenueReject cancel(Nanos now, OrderRef ref, VenueSink& sink) override;
  VenueReject replace(Nanos now, OrderRef ref, std::int64_t price, std::int64_t order_qty,
                      VenueSink& sink, std::int64_t stop_px = 0) override;
  void expire(Nanos now, VenueSink& sink) override;
  [[nodiscard]] const VenueOrder* find(OrderRef ref) const noexcept override;

  /// Cancels what an owner has working, on one instrument or (kNoId) on all, oldest slot first;
  /// returns how many. O(orders ever live at once).
  std::uint32_t mass_cancel(Nanos now, OwnerId owner, std::uint32_t instrument, VenueSink& sink);
  void set_trading(Nanos now, InstrumentId instrument, TradingState state, VenueSink& sink);

  [[nodiscard]] TradingState trading(InstrumentId instrument) const noexcept;
  [[nodiscard]] const PriceLadder& ladder(InstrumentId instrument, Side side) const noexcept;
  /// Of the last trade, 0 before the first.
  [[nodiscard]] std::int64_t last_px(InstrumentId instrument) const noexcept;
  [[nodiscard]] std::uint32_t live_orders() const noexcept { return live_; }
  [[nodiscard]] std::uint64_t last_match_number() const noexcept { return match_number_; }
  [[nodiscard]] std::size_t instruments() const noexcept { return books_.size(); }

  /// Calls `visit(const VenueOrder&)` for every order in the book of one side, best price first,
  /// oldest first: the order in which a snapshot must add them.
  template <class Visit>
  void for_each_resting(InstrumentId instrument, Side side, Visit&& visit) const {
    const auto& levels = ladder(instrument, side).levels();
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
      for (auto at = level->head; at != kNoSlot; at = slots_[at].next) visit(slots_[at].order);
    }
  }

 private:
  struct Stop {
    std::int64_t price;
    OrderRef ref;
  };
  struct Expiry {
    Nanos ts;
    OrderRef ref;
  };
  struct Book {
    VenueInstrument rules;
    TradingState trading = TradingState::TRADING;
    std::int64_t last_px = 0;
    std::array<PriceLadder, 2> sides{PriceLadder(Side::BUY), PriceLadder(Side::SELL)};
    std::array<std::vector<Stop>, 2> stops;  ///< by direction, next to trigger at the back
    std::vector<OrderRef> trailing;          ///< of the stops, oldest first
    std::vector<OrderRef> reached;           ///< by trades of this request, and not triggered yet
  };

  [[nodiscard]] VenueReject check(const VenueOrder& order, Nanos now) const noexcept;
  [[nodiscard]] bool would_trade(const VenueOrder& order) const noexcept;
  [[nodiscard]] bool fillable(const VenueOrder& order) const noexcept;
  [[nodiscard]] bool stop_reached(const VenueOrder& order) const noexcept;
  [[nodiscard]] std::uint32_t slot_of(OrderRef ref) const noexcept;
  std::uint32_t claim(const VenueOrder& order) noexcept;
  void release(std::uint32_t slot) noexcept;
  void rename(std::uint32_t slot) noexcept;
  void wait_for_stop(std::uint32_t slot);
  void forget_stop(const VenueOrder& order) noexcept;
  void follow(Book& book);
  void reach(Book& book);
  void rest(Nanos now, std::uint32_t slot, VenueSink& sink);
  [[nodiscard]] bool waits(const VenueOrder& order) const noexcept;
  void execute(Nanos now, std::uint32_t slot, VenueSink& sink);
  bool match(Nanos now, std::uint32_t slot, VenueSink& sink);
  void trade(Nanos now, std::uint32_t passive, std::uint32_t aggressor, VenueSink& sink);
  void finish(Nanos now, std::uint32_t slot, CancelCause cause, VenueSink& sink);
  void run_stops(Nanos now, InstrumentId instrument, VenueSink& sink);
  [[nodiscard]] VenueReject check_replace(const VenueOrder& old, const VenueOrder& wanted,
                                          Nanos now) const noexcept;
  void reenter(Nanos now, std::uint32_t slot, const VenueOrder& wanted, VenueSink& sink);
  Book& book_of(const VenueOrder& order) noexcept { return books_[index(order.instrument)]; }
  [[nodiscard]] const Book& book_of(const VenueOrder& order) const noexcept {
    return books_[index(order.instrument)];
  }
  [[nodiscard]] std::vector<Stop>& stops_of(const VenueOrder& order) noexcept {
    return book_of(order).stops[waits_for_rise(order.side, order.ord_type) ? 0 : 1];
  }
  static std::size_t side_index(Side side) noexcept { return side == Side::BUY ? 0 : 1; }

  std::vector<Book> books_;
  std::vector<OrderSlot> slots_;
  std::vector<Expiry> expiries_;  ///< heap, soonest first
  std::uint32_t free_ = kNoSlot;
  std::uint32_t used_ = 0;  ///< slots ever claimed
  std::uint32_t live_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t match_number_ = 0;
};

}  // namespace pitwire
