// The engine against a reference that is slow and obvious: one vector of orders, searched whole for
// every decision. 100,000 random operations, every event compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "../rounds.hpp"
#include "event_text.hpp"
#include "pitwire/matching/forwarding_sink.hpp"
#include "pitwire/matching/matching_engine.hpp"

namespace pitwire {
namespace {

using testing::EventText;

/// Price-time matching by exhaustive search. `ref` is the client number.
class Reference {
 public:
  explicit Reference(VenueSink& sink) : sink_(sink) {}

  void submit(Nanos now, VenueOrder order) {
    order.leaves_qty = order.order_qty;
    const auto reason = validate(rules_, order, now);
    if (reason != VenueReject::NONE) return sink_.rejected(now, order, reason);
    if (order.post_only && best_contra(order) != nullptr) {
      return sink_.rejected(now, order, VenueReject::POST_ONLY_WOULD_CROSS);
    }
    sink_.accepted(now, order);
    enter(now, order);
  }

  bool cancel(Nanos now, std::uint64_t client) {
    const auto at = find(client);
    if (at == resting_.end()) return false;
    const auto order = *at;
    resting_.erase(at);
    sink_.canceled(now, order, CancelCause::REQUESTED, true);
    return true;
  }

  VenueReject replace(Nanos now, std::uint64_t client, std::int64_t price, std::int64_t qty) {
    const auto at = find(client);
    if (at == resting_.end()) return VenueReject::UNKNOWN_ORDER;
    auto order = *at;
    const auto executed = order.order_qty - order.leaves_qty;
    const auto removed = order.order_qty - qty;
    const bool keeps = price == order.price && removed >= 0;
    order.price = price;
    order.order_qty = qty;
    order.leaves_qty = qty - executed;
    if (qty > 0 && order.leaves_qty <= 0) return VenueReject::TOO_LATE;
    if (const auto why = validate(rules_, order, now); why != VenueReject::NONE) return why;
    if (order.post_only && best_contra(order) != nullptr) {
      return VenueReject::POST_ONLY_WOULD_CROSS;
    }
    if (keeps) {
      *at = order;
      sink_.reduced(now, order, removed);
      return VenueReject::NONE;
    }
    resting_.erase(at);
    sink_.replaced(now, order, 0);
    enter(now, order);
    return VenueReject::NONE;
  }

  [[nodiscard]] const std::vector<VenueOrder>& resting() const { return resting_; }

 private:
  std::vector<VenueOrder>::iterator find(std::uint64_t client) {
    return std::find_if(resting_.begin(), resting_.end(),
                        [client](const auto& order) { return order.client == client; });
  }

  /// The oldest order of the best price that `order` may trade with, from vector order = age.
  VenueOrder* best_contra(const VenueOrder& order) {
    VenueOrder* best = nullptr;
    for (auto& other : resting_) {
      if (other.side == order.side) continue;
      if (!is_market(order.ord_type) && !crosses(order.side, order.price, other.price)) continue;
      const bool better = best == nullptr || (order.side == Side::BUY ? other.price < best->price
                                                                      : other.price > best->price);
      if (better) best = &other;
    }
    return best;
  }

  bool fillable(VenueOrder order) {
    const auto saved = resting_;
    while (order.leaves_qty > 0) {
      auto* contra = best_contra(order);
      if (contra == nullptr || (order.owner != 0 && contra->owner == order.owner)) break;
      order.leaves_qty -= contra->leaves_qty;
      resting_.erase(find(contra->client));
    }
    resting_ = saved;
    return order.leaves_qty <= 0;
  }

  void enter(Nanos now, VenueOrder order) {
    if (order.time_in_force == TimeInForce::FOK && !fillable(order)) {
      return sink_.canceled(now, order, CancelCause::FOK_UNFILLABLE, false);
    }
    while (order.leaves_qty > 0) {
      auto* contra = best_contra(order);
      if (contra == nullptr) break;
      if (order.owner != 0 && contra->owner == order.owner) {
        return sink_.canceled(now, order, CancelCause::SELF_TRADE, false);
      }
      const auto qty = std::min(order.leaves_qty, contra->leaves_qty);
      order.leaves_qty -= qty;
      contra->leaves_qty -= qty;
      sink_.traded({now, ++matches_, order.instrument, contra->price, qty, *contra, order});
      if (contra->leaves_qty == 0) resting_.erase(find(contra->client));
    }
    if (order.leaves_qty == 0) return;
    if (order.time_in_force == TimeInForce::IOC) {
      sink_.canceled(now, order, CancelCause::IOC_REMAINDER, false);
    } else if (order.ord_type == OrdType::MARKET) {
      sink_.canceled(now, order, CancelCause::NO_LIQUIDITY, false);
    } else {
      resting_.push_back(order);
      sink_.rested(now, order);
    }
  }

  VenueSink& sink_;
  VenueInstrument rules_{};
  std::vector<VenueOrder> resting_;
  std::uint64_t matches_ = 0;
};

class Differential {
 public:
  explicit Differential(std::uint64_t seed) : random_(seed) {}

  void step(Nanos now) {
    const auto draw = below(100);
    if (draw < 55 || refs_.empty()) {
      submit(now);
    } else if (draw < 80) {
      cancel(now);
    } else {
      replace(now);
    }
    ASSERT_EQ(ours_.take(), theirs_.take());
  }

  void compare_books() {
    std::size_t count = 0;
    for (const auto side : {Side::BUY, Side::SELL}) {
      std::int64_t level_qty = 0;
      for (const auto& level : engine_.ladder(InstrumentId{0}, side).levels())
        level_qty += level.qty;
      engine_.for_each_resting(InstrumentId{0}, side, [&](const VenueOrder& order) {
        ++count;
        level_qty -= order.leaves_qty;
      });
      EXPECT_EQ(level_qty, 0) << "levels hold what their orders hold";
    }
    EXPECT_EQ(count, reference_.resting().size());
    EXPECT_EQ(engine_.live_orders(), reference_.resting().size());
  }

 private:
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }

  VenueOrder random_order() {
    constexpr std::array kTimes{TimeInForce::DAY, TimeInForce::DAY, TimeInForce::DAY,
                                TimeInForce::GTC, TimeInForce::IOC, TimeInForce::FOK};
    VenueOrder order;
    order.client = ++client_;
    order.owner = static_cast<OwnerId>(below(4));
    order.side = below(2) == 0 ? Side::BUY : Side::SELL;
    order.ord_type = below(20) == 0 ? OrdType::MARKET : OrdType::LIMIT;
    order.time_in_force = kTimes[static_cast<std::size_t>(below(6))];
    order.post_only = below(8) == 0;
    order.price = order.ord_type == OrdType::MARKET ? 0 : 90 + below(21);
    order.order_qty = below(40);  // 0 is refused
    return order;
  }

  void submit(Nanos now) {
    const auto order = random_order();
    if (const auto ref = engine_.submit(now, order, ours_)) refs_.push_back({order.client, ref});
    reference_.submit(now, order);
  }

  void cancel(Nanos now) {
    const auto at = static_cast<std::size_t>(below(static_cast<std::int64_t>(refs_.size())));
    const bool done = engine_.cancel(now, refs_[at].ref, ours_) == VenueReject::NONE;
    EXPECT_EQ(done, reference_.cancel(now, refs_[at].client));
    refs_[at] = refs_.back();
    refs_.pop_back();
  }

  void replace(Nanos now) {
    auto& entry = refs_[static_cast<std::size_t>(below(static_cast<std::int64_t>(refs_.size())))];
    const auto price = 90 + below(21);
    const auto qty = below(40);
    ReferenceFollower keeper(ours_, entry.ref);
    const auto reason = engine_.replace(now, entry.ref, price, qty, keeper);
    entry.ref = keeper.ref();
    EXPECT_EQ(reason, reference_.replace(now, entry.client, price, qty));
  }

  struct Known {
    std::uint64_t client;
    OrderRef ref;
  };

  std::mt19937_64 random_;
  EventText ours_;
  EventText theirs_;
  MatchingEngine engine_{{VenueInstrument{}}, 50'000};
  Reference reference_{theirs_};
  std::vector<Known> refs_;
  std::uint64_t client_ = 0;
};

TEST(MatchingEngine, equals_the_reference_over_100_000_random_operations) {
  testing::in_rounds(100'000, 100'000, [](std::uint64_t seed, std::uint64_t operations) {
    Differential run(seed);
    for (std::uint64_t i = 1; i <= operations; ++i) {
      run.step(static_cast<Nanos>(i));
      if (::testing::Test::HasFailure()) FAIL() << "operation " << i;
    }
    run.compare_books();
  });
}

}  // namespace
}  // namespace pitwire
