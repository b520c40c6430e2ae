// A sink that passes everything on: derive from it to see only what you need.
#pragma once

#include "pitwire/matching/venue_order.hpp"

namespace pitwire {

class ForwardingSink : public VenueSink {
 public:
  explicit ForwardingSink(VenueSink& next) noexcept : next_(next) {}

  void accepted(Nanos now, const VenueOrder& order) override { next_.accepted(now, order); }
  void rejected(Nanos now, const VenueOrder& order, VenueReject reason) override {
    next_.rejected(now, order, reason);
  }
  void rested(Nanos now, const VenueOrder& order) override { next_.rested(now, order); }
  void traded(const VenueTrade& trade) override { next_.traded(trade); }
  void reduced(Nanos now, const VenueOrder& order, std::int64_t qty_removed) override {
    next_.reduced(now, order, qty_removed);
  }
  void replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) override {
    next_.replaced(now, order, old_ref);
  }
  void canceled(Nanos now, const VenueOrder& order, CancelCause cause, bool in_book) override {
    next_.canceled(now, order, cause, in_book);
  }
  void triggered(Nanos now, const VenueOrder& order) override { next_.triggered(now, order); }
  void trading(Nanos now, InstrumentId instrument, TradingState state) override {
    next_.trading(now, instrument, state);
  }

 private:
  VenueSink& next_;
};

/// Follows one order through a replace to its new reference.
class ReferenceFollower final : public ForwardingSink {
 public:
  ReferenceFollower(VenueSink& next, OrderRef ref) noexcept : ForwardingSink(next), ref_(ref) {}
  [[nodiscard]] OrderRef ref() const noexcept { return ref_; }
  void replaced(Nanos now, const VenueOrder& order, OrderRef old_ref) override {
    if (old_ref == ref_) ref_ = order.ref;
    ForwardingSink::replaced(now, order, old_ref);
  }

 private:
  OrderRef ref_;
};

}  // namespace pitwire
