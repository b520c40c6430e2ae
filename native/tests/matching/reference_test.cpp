// The engine against a reference that is slow and obvious (reference.hpp). 100,000 random
// operations, every event compared with all that it says of its orders.
#include "reference.hpp"

#include <gtest/gtest.h>

#include "../rounds.hpp"
#include "pitwire/matching/matching_engine.hpp"
#include "random_orders.hpp"

namespace pitwire {
namespace {

using testing::kOnly;
using testing::Reference;
using testing::text_of;
using testing::Told;

class Differential {
 public:
  explicit Differential(std::uint64_t seed) : draw_(seed) {}

  void step(Nanos now) {
    // The book is deep for a while, and shallow for a while.
    const auto cancels = now / 4096 % 2 == 0 ? 10 : 30;
    const auto draw = draw_.below(100);
    if (draw < cancels) {
      cancel(now);
    } else if (draw < cancels + 15) {
      replace(now);
    } else {
      submit(now);
    }
    expire(now);
    if (draw_.below(500) == 0) mass_cancel(now);
    if (draw_.below(halted_ ? 20 : 1'000) == 0) change_trading(now);
    ASSERT_EQ(ours_.take(), theirs_.take());
    if (now % 1'024 == 0) compare_books();
  }

  void compare_books() {
    for (const auto side : {Side::BUY, Side::SELL}) {
      std::vector<std::string> found;
      std::map<std::int64_t, std::int64_t> shown;
      engine_.for_each_resting(kOnly, side, [&](const VenueOrder& order) {
        found.push_back(text_of(order));
        shown[order.price] += order.shown_qty();
      });
      std::vector<std::string> expected;
      for (const auto& order : reference_.book(side)) expected.push_back(text_of(order));
      EXPECT_EQ(found, expected);
      std::map<std::int64_t, std::int64_t> levels;
      for (const auto& level : engine_.ladder(kOnly, side).levels())
        levels[level.price] = level.qty;
      EXPECT_EQ(levels, shown) << "levels hold what their orders show";
    }
    for (const auto& order : reference_.waiting()) {
      const auto* found = engine_.find(ours_.refs.at(order.client));
      ASSERT_NE(found, nullptr) << text_of(order);
      EXPECT_EQ(text_of(*found), text_of(order));
    }
    const auto resting = reference_.book(Side::BUY).size() + reference_.book(Side::SELL).size();
    EXPECT_EQ(engine_.live_orders(), resting + reference_.waiting().size());
  }

 private:
  void submit(Nanos now) {
    const auto order = draw_.order(now);
    if (engine_.submit(now, order, ours_) != 0) known_.push_back(order.client);
    reference_.submit(now, order);
  }

  /// An order that was accepted; mostly one that is alive.
  std::uint64_t any_order() {
    while (!known_.empty()) {
      const auto client = draw_.one(known_);
      if (engine_.find(ours_.refs.at(client)) != nullptr) return client;
      std::erase(known_, client);
      if (draw_.below(8) == 0) return client;
    }
    return 0;
  }

  void cancel(Nanos now) {
    const auto client = any_order();
    const auto why = engine_.cancel(now, ours_.refs[client], ours_);
    EXPECT_EQ(why == VenueReject::NONE, reference_.cancel(now, client));
  }

  void replace(Nanos now) {
    const auto client = any_order();
    const auto ref = ours_.refs[client];
    const auto* order = engine_.find(ref);
    const bool stays = order != nullptr && draw_.below(2) == 0;
    const auto px = stays ? order->price : draw_.price();
    const auto qty = draw_.below(40);
    const auto stop_px = draw_.below(2) == 0 ? draw_.price() : 0;
    const auto why = engine_.replace(now, ref, px, qty, ours_, stop_px);
    EXPECT_EQ(why, reference_.replace(now, client, px, qty, stop_px));
  }

  void expire(Nanos now) {
    ASSERT_EQ(ours_.take(), theirs_.take());
    engine_.expire(now, ours_);
    reference_.expire(now);
    sort_told();
  }

  void mass_cancel(Nanos now) {
    ASSERT_EQ(ours_.take(), theirs_.take());
    const auto owner = static_cast<OwnerId>(1 + draw_.below(3));
    engine_.mass_cancel(now, owner, kNoId, ours_);
    reference_.mass_cancel(now, owner);
    sort_told();
  }

  /// Of several that end at once nobody promises which is told first.
  void sort_told() {
    std::ranges::sort(ours_.lines);
    std::ranges::sort(theirs_.lines);
  }

  void change_trading(Nanos now) {
    halted_ = !halted_;
    const auto state = halted_ ? TradingState::HALTED : TradingState::TRADING;
    engine_.set_trading(now, kOnly, state, ours_);
    reference_.set_trading(now, state);
  }

  testing::RandomOrders draw_;
  Told ours_;
  Told theirs_;
  MatchingEngine engine_{{VenueInstrument{}}, 50'000};
  Reference reference_{theirs_};
  std::vector<std::uint64_t> known_;  ///< client numbers
  bool halted_ = false;
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
