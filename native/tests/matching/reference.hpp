// The matching engine once more, slow and obvious: one vector of orders in the book, one of orders
// that wait for a price, searched whole for every decision. And what both say, as text.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pitwire/matching/venue_order.hpp"

namespace pitwire::testing {

inline constexpr InstrumentId kOnly{0};

/// The engine's references hold a slot in the lower bits; the reference's do not.
inline constexpr unsigned kSlotBits = 24;

inline std::string text_of(const VenueOrder& o) {
  return std::to_string(o.client) + " ref " + std::to_string(o.ref >> kSlotBits) + " price " +
         std::to_string(o.price) + " stop " + std::to_string(o.stop_px) + " qty " +
         std::to_string(o.order_qty) + " leaves " + std::to_string(o.leaves_qty) + " hidden " +
         std::to_string(o.hidden_qty);
}

/// Every event, and every order in it, as text; the newest reference of every order.
class Told final : public VenueSink {
 public:
  std::vector<std::string> lines;
  std::map<std::uint64_t, OrderRef> refs;

  void accepted(Nanos, const VenueOrder& o) override { say("accepted", o); }
  void rejected(Nanos, const VenueOrder& o, VenueReject why) override {
    lines.push_back("rejected " + std::to_string(o.client) + ": " + std::string(to_text(why)));
  }
  void rested(Nanos, const VenueOrder& o) override { say("rested", o); }
  void traded(const VenueTrade& t) override {
    lines.push_back("traded #" + std::to_string(t.match_number) + " " + std::to_string(t.qty) +
                    "@" + std::to_string(t.price) + " passive " + text_of(t.passive) +
                    " aggressor " + text_of(t.aggressor));
  }
  void reduced(Nanos, const VenueOrder& o, std::int64_t qty) override {
    say("reduced by " + std::to_string(qty), o);
  }
  void replaced(Nanos, const VenueOrder& o, OrderRef old_ref) override {
    say("replaced " + std::to_string(old_ref >> kSlotBits), o);
  }
  void canceled(Nanos, const VenueOrder& o, CancelCause cause, bool in_book) override {
    say("canceled (" + std::string(to_text(cause)) + (in_book ? ", in the book)" : ")"), o);
  }
  void triggered(Nanos, const VenueOrder& o) override { say("triggered", o); }
  void trading(Nanos, InstrumentId, TradingState state) override {
    lines.push_back("trading " + std::to_string(static_cast<int>(state)));
  }

  std::vector<std::string> take() { return std::exchange(lines, {}); }

 private:
  void say(const std::string& what, const VenueOrder& o) {
    refs[o.client] = o.ref;
    lines.push_back(what + " " + text_of(o));
  }
};

/// Price-time matching by exhaustive search. An order is named by its client number.
class Reference {
 public:
  using Orders = std::vector<VenueOrder>;

  explicit Reference(VenueSink& sink) : sink_(&sink) {}

  void submit(Nanos now, VenueOrder order) {
    auto why = validate(rules_, order, now);
    if (why == VenueReject::NONE && order.display_qty > order.order_qty) {
      why = VenueReject::QUANTITY;
    }
    if (why == VenueReject::NONE) why = refusal(order);
    if (why != VenueReject::NONE) return sink_->rejected(now, order, why);
    order.ref = next_ref();
    order.leaves_qty = order.order_qty;
    order.stop_px = trailed(order);
    sink_->accepted(now, order);
    if (is_stop(order.ord_type) && !is_reached(order)) {
      waiting_.push_back(order);
      return;
    }
    if (is_stop(order.ord_type)) sink_->triggered(now, order);
    enter(now, order);
    trigger(now);
  }

  bool cancel(Nanos now, std::uint64_t client, CancelCause cause = CancelCause::REQUESTED) {
    for (auto* orders : {&resting_, &waiting_}) {
      const auto at = find(*orders, client);
      if (at == orders->end()) continue;
      const auto order = *at;
      orders->erase(at);
      sink_->canceled(now, order, cause, orders == &resting_);
      return true;
    }
    return false;
  }

  VenueReject replace(Nanos now, std::uint64_t client, std::int64_t price, std::int64_t qty,
                      std::int64_t stop_px) {
    const bool waits = find(waiting_, client) != waiting_.end();
    auto& orders = waits ? waiting_ : resting_;
    const auto at = find(orders, client);
    if (at == orders.end()) return VenueReject::UNKNOWN_ORDER;
    auto wanted = *at;
    wanted.price = price;
    wanted.order_qty = qty;
    wanted.leaves_qty = qty - (at->order_qty - at->leaves_qty);
    const bool moves = stop_px != 0 && stop_px != wanted.stop_px;
    if (moves && (!waits || trails(wanted))) return VenueReject::TOO_LATE;
    if (moves) wanted.stop_px = stop_px;
    if (qty > 0 && wanted.leaves_qty <= 0) return VenueReject::TOO_LATE;
    if (const auto why = validate(rules_, wanted, now); why != VenueReject::NONE) return why;
    if (const auto why = refusal(wanted); why != VenueReject::NONE) return why;
    if (waits) {
      change_waiting(now, at, wanted, moves);
    } else if (price == at->price && wanted.leaves_qty <= at->leaves_qty) {
      reduce(now, *at, wanted);
    } else {
      orders.erase(at);
      const auto old_ref = std::exchange(wanted.ref, next_ref());
      wanted.hidden_qty = 0;
      sink_->replaced(now, wanted, old_ref);
      enter(now, wanted);
      trigger(now);
    }
    return VenueReject::NONE;
  }

  void expire(Nanos now) {
    cancel_where(now, CancelCause::EXPIRED, [now](const VenueOrder& order) {
      return order.time_in_force == TimeInForce::GTD && order.expire_ts <= now;
    });
  }

  void mass_cancel(Nanos now, OwnerId owner) {
    cancel_where(now, CancelCause::MASS_CANCEL,
                 [owner](const VenueOrder& order) { return order.owner == owner; });
  }

  void set_trading(Nanos now, TradingState state) {
    if (trading_ != state) sink_->trading(now, kOnly, state);
    trading_ = state;
  }

  /// Of one side, best price first, oldest first.
  [[nodiscard]] Orders book(Side side) const {
    const auto better = [side](const VenueOrder& a, const VenueOrder& b) {
      return side == Side::BUY ? a.price > b.price : a.price < b.price;
    };
    Orders found;
    for (const auto& order : resting_) {  // each behind those that are as good
      if (order.side == side) found.insert(std::ranges::upper_bound(found, order, better), order);
    }
    return found;
  }
  [[nodiscard]] const Orders& waiting() const { return waiting_; }

 private:
  static Orders::iterator find(Orders& orders, std::uint64_t client) {
    return std::ranges::find(orders, client, &VenueOrder::client);
  }
  static bool trails(const VenueOrder& order) { return order.ord_type == OrdType::TRAILING_STOP; }
  OrderRef next_ref() { return ++references_ << kSlotBits; }

  [[nodiscard]] VenueReject refusal(const VenueOrder& order) {
    if (trading_ != TradingState::TRADING) return VenueReject::NOT_TRADING;
    if (order.post_only && best_contra(order) != resting_.end()) {
      return VenueReject::POST_ONLY_WOULD_CROSS;
    }
    return VenueReject::NONE;
  }

  template <class Fits>
  void cancel_where(Nanos now, CancelCause cause, Fits&& fits) {
    for (const auto& orders : {resting_, waiting_}) {
      for (const auto& order : orders) {
        if (fits(order)) cancel(now, order.client, cause);
      }
    }
  }

  // ---- what waits for a price

  [[nodiscard]] bool is_reached(const VenueOrder& order) const {
    if (last_px_ == 0) return false;
    return waits_for_rise(order.side, order.ord_type) ? last_px_ >= order.stop_px
                                                      : last_px_ <= order.stop_px;
  }

  /// The stop price after the last trade: that of a trailing stop only comes nearer.
  [[nodiscard]] std::int64_t trailed(const VenueOrder& order) const {
    if (!trails(order) || last_px_ == 0) return order.stop_px;
    const auto share = (last_px_ * order.peg_offset + 9'999) / 10'000;  // rounded up
    const auto distance =
        order.peg_offset_type == PegOffsetType::BASIS_POINTS ? share : order.peg_offset;
    const bool sells = order.side == Side::SELL;
    const auto stop = sells ? last_px_ - distance : last_px_ + distance;
    const bool first = order.stop_px == 0;
    const bool nearer = sells ? stop > order.stop_px : stop < order.stop_px;
    return first || nearer ? stop : order.stop_px;
  }

  /// Of those reached, the nearest to where the market came from, then the oldest.
  Orders::iterator nearest_reached(bool rises) {
    auto best = waiting_.end();
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      if (waits_for_rise(at->side, at->ord_type) != rises || !is_reached(*at)) continue;
      const bool nearer = best == waiting_.end() ||
                          (rises ? at->stop_px < best->stop_px : at->stop_px > best->stop_px);
      if (nearer) best = at;
    }
    return best;
  }

  /// After a trade: what trails follows it, what is reached waits no more. An order whose stop
  /// price moved is the newest at its price.
  void look_at_waiting() {
    for (const auto& order : Orders(waiting_)) {
      if (trailed(order) == order.stop_px) continue;
      waiting_.erase(find(waiting_, order.client));
      waiting_.push_back(order);
      waiting_.back().stop_px = trailed(order);
    }
    for (const bool rises : {true, false}) {
      for (auto at = nearest_reached(rises); at != waiting_.end(); at = nearest_reached(rises)) {
        reached_.push_back(*at);
        waiting_.erase(at);
      }
    }
  }

  /// What the request's trades have reached, first reached first; it may trade and reach more.
  void trigger(Nanos now) {
    while (!reached_.empty()) {
      const auto order = reached_.front();
      reached_.erase(reached_.begin());
      sink_->triggered(now, order);
      enter(now, order);
    }
  }

  void change_waiting(Nanos now, Orders::iterator at, const VenueOrder& wanted, bool moves) {
    *at = wanted;
    sink_->reduced(now, wanted, 0);
    if (!moves) return;
    waiting_.erase(at);
    waiting_.push_back(wanted);
    look_at_waiting();
    trigger(now);
  }

  // ---- the book

  /// What is taken off is first what nobody sees.
  void reduce(Nanos now, VenueOrder& order, VenueOrder wanted) {
    const auto removed = order.leaves_qty - wanted.leaves_qty;
    const auto unseen = std::min(removed, order.hidden_qty);
    wanted.hidden_qty = order.hidden_qty - unseen;
    order = wanted;
    sink_->reduced(now, order, removed - unseen);
  }

  /// The oldest order of the best price that `order` may trade with: the vector's order is age.
  Orders::iterator best_contra(const VenueOrder& order) {
    auto best = resting_.end();
    for (auto at = resting_.begin(); at != resting_.end(); ++at) {
      if (at->side == order.side) continue;
      if (!is_market(order.ord_type) && !crosses(order.side, order.price, at->price)) continue;
      const bool better =
          best == resting_.end() ||
          (order.side == Side::BUY ? at->price < best->price : at->price > best->price);
      if (better) best = at;
    }
    return best;
  }

  /// Whether all of it would trade now: tried out on a copy of everything, to which nobody listens.
  [[nodiscard]] bool fillable(Nanos now, VenueOrder order) const {
    Told nobody;
    Reference trial(*this);
    trial.sink_ = &nobody;
    trial.match(now, order);
    return order.leaves_qty == 0;
  }

  /// Trades while it can; false where it met an order of its own owner.
  bool match(Nanos now, VenueOrder& order) {
    while (order.leaves_qty > 0) {
      const auto contra = best_contra(order);
      if (contra == resting_.end()) return true;
      if (order.owner != 0 && contra->owner == order.owner) return false;
      trade(now, order, contra);
    }
    return true;
  }

  void trade(Nanos now, VenueOrder& order, Orders::iterator contra) {
    const auto qty = std::min(order.leaves_qty, contra->leaves_qty - contra->hidden_qty);
    order.leaves_qty -= qty;
    contra->leaves_qty -= qty;
    sink_->traded({now, ++matches_, kOnly, contra->price, qty, *contra, order});
    last_px_ = contra->price;
    if (contra->leaves_qty == contra->hidden_qty) {  // nothing of it is shown any more
      auto next_part = *contra;
      resting_.erase(contra);
      if (next_part.leaves_qty > 0) {
        next_part.ref = next_ref();
        rest(now, next_part);
      }
    }
    look_at_waiting();
  }

  void rest(Nanos now, VenueOrder order) {
    const auto shown =
        order.display_qty == 0 ? order.leaves_qty : std::min(order.display_qty, order.leaves_qty);
    order.hidden_qty = order.leaves_qty - shown;
    resting_.push_back(order);
    sink_->rested(now, order);
  }

  void enter(Nanos now, VenueOrder order) {
    if (order.time_in_force == TimeInForce::FOK && !fillable(now, order)) {
      return sink_->canceled(now, order, CancelCause::FOK_UNFILLABLE, false);
    }
    if (!match(now, order)) return sink_->canceled(now, order, CancelCause::SELF_TRADE, false);
    if (order.leaves_qty == 0) return;
    if (order.time_in_force == TimeInForce::IOC) {
      sink_->canceled(now, order, CancelCause::IOC_REMAINDER, false);
    } else if (is_market(order.ord_type)) {
      sink_->canceled(now, order, CancelCause::NO_LIQUIDITY, false);
    } else {
      rest(now, order);
    }
  }

  VenueSink* sink_;
  VenueInstrument rules_{};
  TradingState trading_ = TradingState::TRADING;
  Orders resting_;  ///< in the book, as they came to their place in it
  Orders waiting_;  ///< for a price, as they came to wait for it
  Orders reached_;  ///< by trades of this request, and not triggered yet
  std::int64_t last_px_ = 0;
  std::uint64_t matches_ = 0;
  std::uint64_t references_ = 0;
};

}  // namespace pitwire::testing
